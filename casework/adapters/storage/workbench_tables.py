"""The trainers' workbench: what the assistant was asked and gave, what people say it should have, and what is taught.

What a victim wrote stands in `inbox`, and masked in an accepted `example`; in no other table of these.
"""

import sqlalchemy as sa

from casework.adapters.storage.conversation_tables import ending, label_suggestion
from casework.adapters.storage.sealed import JSON, Sealed, indexed, of_service, sealed_rows
from casework.adapters.storage.tables import Serial, UtcDateTime, inbox, metadata


def is_open(table: sa.Table) -> sa.ColumnElement[bool]:
    """The condition of the index of what nobody has settled, as the planner sees it."""
    return table.c.settled_at.is_(None)


def _id() -> sa.Column[str]:
    return sa.Column("id", sa.String(32), primary_key=True)


def _inbox(*, primary_key: bool = False, nullable: bool = False, unique: bool = False) -> sa.Column[int]:
    key = sa.ForeignKey("inbox.id")
    return sa.Column("inbox_id", Serial, key, primary_key=primary_key, nullable=nullable, unique=unique)


def _conversation(*, nullable: bool = False) -> sa.Column[str]:
    return sa.Column("conversation_id", sa.String(32), sa.ForeignKey("conversation.id"), nullable=nullable)


def _staff() -> sa.Column[str]:
    return sa.Column("staff_id", sa.String(32), sa.ForeignKey("staff_member.id"), nullable=False)


def _partial(
    name: str, *columns: sa.ColumnElement[object] | str, where: str, unique: bool = False
) -> sa.Index:
    condition = sa.text(where)
    return sa.Index(name, *columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


# One for each turn the assistant answered: what it was asked with and what it gave, by name and number.
turn_record = sa.Table(
    "turn_record",
    metadata,
    sa.Column("turn_id", sa.String(32), sa.ForeignKey("turn.id"), primary_key=True),
    _inbox(unique=True),
    _conversation(),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("model_id", sa.String(64), nullable=False),
    # What it was asked with, not what came of it.
    sa.Column("state", Sealed(JSON, erased=None), nullable=True),
    sa.Column("standing", sa.String(24), nullable=False),
    sa.Column("code_pending", sa.Boolean, nullable=False),
    sa.Column("safe_question", sa.Boolean, nullable=False),
    sa.Column("earlier_ids", sa.JSON, nullable=False),
    sa.Column("intent", sa.String(64), nullable=True),
    sa.Column("confidence", sa.Float, nullable=False),
    sa.Column("runner_up", sa.String(64), nullable=True),
    sa.Column("runner_up_confidence", sa.Float, nullable=False),
    # None: the model said nothing of it.
    sa.Column("urgency", sa.Float, nullable=True),
    sa.Column("categories", sa.JSON, nullable=False),
    sa.Column("responses", sa.JSON, nullable=False),
    # Each with its kind and reason, and nothing else of it.
    sa.Column("effects", sa.JSON, nullable=False),
    sa.Column("band", sa.String(8), nullable=False),
    sa.Column("tier", sa.Integer, nullable=True),
    sa.Index("ix_turn_record_conversation_id_inbox_id", "conversation_id", "inbox_id"),
    info=sealed_rows(row=["turn_id"], owner="conversation_id"),
)

# A message somebody should look at, once however many reasons there are.
review_item = sa.Table(
    "review_item",
    metadata,
    _inbox(primary_key=True),
    _conversation(),
    sa.Column("said_at", UtcDateTime, nullable=False),
    sa.Column("channel", sa.String(16), nullable=False),
    sa.Column("language", sa.String(8), nullable=False),
    sa.Column("model_id", sa.String(64), nullable=True),
    sa.Column("category_seen", sa.String(48), nullable=True),
    sa.Column("tier_seen", sa.Integer, nullable=True),
    sa.Column("band_seen", sa.String(8), nullable=False),
    # train or test: drawn from the conversation, for all its messages alike.
    sa.Column("side", sa.String(8), nullable=False),
    # open, needs_second, needs_third, settled, skipped, removed.
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("intent", sa.String(64), nullable=True),
    sa.Column("sub", sa.String(64), nullable=True),
    sa.Column("risks", sa.JSON, nullable=False),
    sa.Column("settled_at", UtcDateTime, nullable=True, index=True),
    # Of a crime whose words are never taught as they stand.
    sa.Column("is_restricted", sa.Boolean, nullable=False),
    sa.Index("ix_review_item_conversation_id", "conversation_id"),
    _partial("ix_review_item_third", "said_at", where="status = 'needs_third'"),
)

review_reason = sa.Table(
    "review_reason",
    metadata,
    _inbox(primary_key=True),
    sa.Column("queue", sa.String(24), primary_key=True),
    # 1 to 4: the tier of the danger; 5: none known.
    sa.Column("harm", sa.SmallInteger, nullable=False),
    sa.Column("said_at", UtcDateTime, nullable=False),
    sa.Column("why", sa.String(32), nullable=False),
    # Numbers and codes, no word of anybody.
    sa.Column("detail", sa.JSON, nullable=False),
    *indexed("cluster", nullable=True),
    sa.Column("settled_at", UtcDateTime, nullable=True),
    _partial("ix_review_reason_cluster", "cluster", where="settled_at IS NULL AND cluster IS NOT NULL"),
    info=sealed_rows(row=["inbox_id", "queue"], owner="conversation_id"),
)
_partial(
    "ix_review_reason_open",
    review_reason.c.queue,
    review_reason.c.harm,
    review_reason.c.said_at.desc(),
    review_reason.c.inbox_id,
    where="settled_at IS NULL",
)

# How far each source has been read.
review_mark = sa.Table(
    "review_mark",
    metadata,
    sa.Column("name", sa.String(32), primary_key=True),
    sa.Column("last_id", sa.BigInteger, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
)

# What may be used to teach, message by message or for all of a conversation.
training_flag = sa.Table(
    "training_flag",
    metadata,
    _id(),
    _conversation(),
    # None: all of the conversation.
    _inbox(nullable=True),
    # allowed, excluded, restricted, withdrawn.
    sa.Column("flag", sa.String(16), nullable=False),
    sa.Column("by", sa.String(48), nullable=False),
    sa.Column("why", Sealed(), nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime, nullable=True),
    sa.Index("ix_training_flag_conversation_id", "conversation_id"),
    info=sealed_rows(row=["id"], owner="conversation_id"),
)

annotation = sa.Table(
    "annotation",
    metadata,
    _id(),
    _inbox(),
    _staff(),
    # The page's own: the same press sent twice is one.
    sa.Column("form_id", sa.String(32), nullable=False, unique=True),
    # label, judgement, adjudication.
    sa.Column("kind", sa.String(16), nullable=False),
    # decided, skipped, flagged.
    sa.Column("act", sa.String(16), nullable=False),
    sa.Column("intent", sa.String(64), nullable=True),
    sa.Column("sub", sa.String(64), nullable=True),
    sa.Column("risks", sa.JSON, nullable=False),
    sa.Column("spans", sa.JSON, nullable=False),
    # Of the masked text the spans are of.
    sa.Column("text_sha", sa.String(16), nullable=False),
    sa.Column("judgement", sa.String(24), nullable=True),
    sa.Column("was_blind", sa.Boolean, nullable=False),
    sa.Column("suggested", sa.JSON, nullable=True),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("made_at", UtcDateTime, nullable=False),
    sa.Column("undone_at", UtcDateTime, nullable=True),
    sa.Index("ix_annotation_staff_id_made_at", "staff_id", "made_at"),
    sa.Index("ix_annotation_inbox_id", "inbox_id"),
    _partial(
        "uq_annotation_decided",
        "inbox_id",
        "staff_id",
        "kind",
        where="undone_at IS NULL AND act = 'decided'",
        unique=True,
    ),
)

# What people say of a tester's message. It is of nobody's conversation, so it has no place among the others.
guest_annotation = sa.Table(
    "guest_annotation",
    metadata,
    _id(),
    sa.Column("guest_message_id", Serial, sa.ForeignKey("guest_message.id"), nullable=False, index=True),
    _staff(),
    # The page's own: the same press sent twice is one.
    sa.Column("form_id", sa.String(32), nullable=False, unique=True),
    # label, adjudication.
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("intent", sa.String(64), nullable=True),
    sa.Column("risks", sa.JSON, nullable=False),
    sa.Column("made_at", UtcDateTime, nullable=False),
    sa.Column("undone_at", UtcDateTime, nullable=True),
    _partial(
        "uq_guest_annotation_decided",
        "guest_message_id",
        "staff_id",
        "kind",
        where="undone_at IS NULL",
        unique=True,
    ),
)

# Each span of a message somebody uncovered, and why. What it said stands in `inbox` alone.
unmasking = sa.Table(
    "unmasking",
    metadata,
    _id(),
    _inbox(),
    _staff(),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("reason", Sealed(), nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Index("ix_unmasking_staff_id_at", "staff_id", "at"),
    info=sealed_rows(row=["id"], owner="conversation_id"),
)

# What is taught, or kept to test with: masked words and what people say of them.
example = sa.Table(
    "example",
    metadata,
    _id(),
    # None: a guest's, or somebody's own wording of another.
    _inbox(nullable=True),
    sa.Column("guest_message_id", Serial, nullable=True),
    _conversation(nullable=True),
    sa.Column("derived_from", sa.String(32), sa.ForeignKey("example.id"), nullable=True, index=True),
    sa.Column("text", Sealed(), nullable=False),
    sa.Column("intent", sa.String(64), nullable=True),
    sa.Column("category", sa.String(48), nullable=True),
    sa.Column("sub", sa.String(64), nullable=True),
    sa.Column("spans", sa.JSON, nullable=False),
    sa.Column("side", sa.String(8), nullable=False),
    sa.Column("scenario", sa.String(48), nullable=False),
    # accepted, removed, withdrawn.
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("is_reworded", sa.Boolean, nullable=False),
    # Raised with each change: who changes an older one is told.
    sa.Column("row_version", sa.Integer, nullable=False),
    sa.Column("accepted_by", sa.String(48), nullable=False),
    sa.Column("accepted_at", UtcDateTime, nullable=False),
    # The first version of the data with it, and the first without it again.
    sa.Column("in_data_since", sa.Integer, nullable=True),
    sa.Column("in_data_until", sa.Integer, nullable=True),
    sa.Index("ix_example_side_status", "side", "status"),
    sa.Index("ix_example_conversation_id", "conversation_id"),
    _partial("uq_example_accepted", "inbox_id", where="status = 'accepted'", unique=True),
    _partial("uq_example_of_guest", "guest_message_id", where="status = 'accepted'", unique=True),
    # Masked, and it outlives the conversation it was made of: with that one's key it would be lost.
    info=sealed_rows(row=["id"], owner=of_service),
)

example_change = sa.Table(
    "example_change",
    metadata,
    sa.Column("id", Serial, primary_key=True, autoincrement=True),
    sa.Column("example_id", sa.String(32), sa.ForeignKey("example.id"), nullable=False, index=True),
    sa.Column("at", UtcDateTime, nullable=False),
    # Who, or "file": somebody changed the file by hand.
    sa.Column("by", sa.String(48), nullable=False),
    sa.Column("what", sa.JSON, nullable=False),
)

data_version = sa.Table(
    "data_version",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("written_at", UtcDateTime, nullable=False),
    sa.Column("by", sa.String(48), nullable=False),
    sa.Column("added", sa.Integer, nullable=False),
    sa.Column("changed", sa.Integer, nullable=False),
    sa.Column("removed", sa.Integer, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
)

workbench_job = sa.Table(
    "workbench_job",
    metadata,
    _id(),
    sa.Column("kind", sa.String(24), nullable=False),
    sa.Column("params", sa.JSON, nullable=False),
    # queued, running, done, failed, stopped.
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("asked_by", sa.String(48), nullable=False),
    sa.Column("asked_at", UtcDateTime, nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=True),
    sa.Column("finished_at", UtcDateTime, nullable=True),
    sa.Column("stop_asked_at", UtcDateTime, nullable=True),
    sa.Column("done", sa.Integer, nullable=False),
    sa.Column("total", sa.Integer, nullable=False),
    sa.Column("says", sa.String(200), nullable=False),
    sa.Column("result", sa.JSON, nullable=True),
    sa.Column("fault", sa.String(500), nullable=True),
    sa.Column("leased_by", sa.String(32), nullable=True),
    sa.Column("lease_until", UtcDateTime, nullable=True),
    sa.Index("ix_workbench_job_asked_at", "asked_at"),
    _partial("uq_workbench_job_unfinished", "kind", where="status IN ('queued', 'running')", unique=True),
)

sa.Index("ix_inbox_received_at", inbox.c.received_at)
sa.Index("ix_ending_created_at", ending.c.created_at)
sa.Index("ix_label_suggestion_created_at", label_suggestion.c.created_at)
