"""What must stay, what has to go, and what became of it: holds, acknowledged exports, erasures, providers' copies.

None of these names words of anybody but `hold.why`, which says why something is kept, and those of an export.
"""

import sqlalchemy as sa

from casework.adapters.storage.sealed import Sealed, of_service, sealed_rows
from casework.adapters.storage.tables import Serial, UtcDateTime, metadata, of_talk_or_case

_LIFTED_NOT = sa.text("lifted_at IS NULL")
_UNFINISHED = sa.text("finished_at IS NULL")
_WAITING = sa.text("status IN ('waiting')")

# Keeps what it is placed on from every timer and every erasure. It names no row by a key: it outlives them.
hold = sa.Table(
    "hold",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    # conversation, case or person, and its id or crime reference.
    sa.Column("subject_kind", sa.String(16), nullable=False),
    sa.Column("subject_id", sa.String(32), nullable=False),
    # disclosure, complaint, access_request or restriction.
    sa.Column("reason", sa.String(24), nullable=False),
    sa.Column("why", Sealed(), nullable=False),
    sa.Column("placed_by", sa.String(48), nullable=False),
    sa.Column("placed_at", UtcDateTime, nullable=False),
    # By then somebody asks whether it is still needed. It holds until it is lifted, whatever the day.
    sa.Column("review_on", sa.Date, nullable=False),
    sa.Column("lifted_by", sa.String(48), nullable=True),
    sa.Column("lifted_at", UtcDateTime, nullable=True),
    sa.Column("lifted_why", Sealed(), nullable=True),
    sa.Index(
        "ix_hold_open", "subject_kind", "subject_id", sqlite_where=_LIFTED_NOT, postgresql_where=_LIFTED_NOT
    ),
    info=sealed_rows(row=["id"], owner=of_service),
)

# Somebody said: the force's record has this conversation, up to then.
record_export = sa.Table(
    "record_export",
    metadata,
    sa.Column("id", Serial, primary_key=True, autoincrement=True),
    sa.Column("conversation_id", sa.String(32), sa.ForeignKey("conversation.id"), nullable=False),
    sa.Column("up_to_inbox_id", Serial, nullable=False),
    sa.Column("covers_until", UtcDateTime, nullable=False),
    sa.Column("acknowledged_by", sa.String(48), nullable=False),
    sa.Column("acknowledged_at", UtcDateTime, nullable=False),
    sa.Index("ix_record_export_conversation_id", "conversation_id", "covers_until"),
)

# Why a sealed record was asked for, in words of staff: the audit holds none, and says that there are some.
record_export_words = sa.Table(
    "record_export_words",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    # Of the record that was asked for: the conversation, or the case.
    sa.Column("conversation_id", sa.String(32), sa.ForeignKey("conversation.id"), nullable=True, index=True),
    sa.Column(
        "crime_reference", sa.String(32), sa.ForeignKey("case.crime_reference"), nullable=True, index=True
    ),
    sa.Column("words", Sealed(), nullable=False),
    sa.Column("asked_by", sa.String(32), sa.ForeignKey("staff_member.id"), nullable=False),
    sa.Column("asked_at", UtcDateTime, nullable=False),
    info=sealed_rows(row=["id"], owner=of_talk_or_case),
)

# One erasing, from the asking to its end; what was done by class and count.
erasure = sa.Table(
    "erasure",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("subject_kind", sa.String(16), nullable=False),  # conversation, person
    sa.Column("subject_id", sa.String(32), nullable=False),
    sa.Column("reason", sa.String(24), nullable=False),
    sa.Column("asked_by", sa.String(48), nullable=False),
    sa.Column("asked_at", UtcDateTime, nullable=False),
    # Ids and references while it runs, and the newest message there was; NULL once it is done.
    sa.Column("covers", sa.JSON, nullable=True),
    # outside, keys, rows, taught, pages, done; or stopped.
    sa.Column("stage", sa.String(16), nullable=False),
    sa.Column("stopped_why", sa.String(48), nullable=True),
    # What was done: a table, or a place outside -> how many.
    sa.Column("counts", sa.JSON, nullable=False),
    sa.Column("finished_at", UtcDateTime, nullable=True),
    sa.Index("ix_erasure_asked_at", "asked_at"),
    sa.Index(
        "uq_erasure_unfinished",
        "subject_kind",
        "subject_id",
        unique=True,
        sqlite_where=_UNFINISHED,
        postgresql_where=_UNFINISHED,
    ),
)

# A message of which the provider is asked to let go: of its words, or, once it is erased here, of all of it.
provider_redaction = sa.Table(
    "provider_redaction",
    metadata,
    sa.Column("id", Serial, primary_key=True, autoincrement=True),
    sa.Column("provider", sa.String(16), nullable=False),  # twilio, telegram
    sa.Column("provider_message_id", sa.String(128), nullable=False),
    # No key: the conversation may be gone by then.
    sa.Column("conversation_id", sa.String(32), nullable=False),
    sa.Column("act", sa.String(8), nullable=False),  # redact, delete
    # waiting, done, gone (the provider had none), or impossible (it does not do that any more).
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("not_before", UtcDateTime, nullable=False),
    sa.Column("asked_at", UtcDateTime, nullable=False),
    sa.Column("settled_at", UtcDateTime, nullable=True),
    sa.Column("fault", sa.String(48), nullable=True),
    sa.UniqueConstraint("provider", "provider_message_id"),
    sa.Index(
        "ix_provider_redaction_waiting", "not_before", "id", sqlite_where=_WAITING, postgresql_where=_WAITING
    ),
)

# How far something has come: the last id that was looked at, or when all of it last was.
keeping_mark = sa.Table(
    "keeping_mark",
    metadata,
    sa.Column("name", sa.String(32), primary_key=True),
    sa.Column("last_id", sa.BigInteger, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
)
