"""What a force decides about the assistant as a whole: switched off, or tried with a few people; and restored gaps."""

import sqlalchemy as sa

from casework.adapters.storage.sealed import Sealed, indexed, of_service, sealed_rows
from casework.adapters.storage.tables import UtcDateTime, metadata

_GOES_ON = sa.text("ended_at IS NULL")


def _staff(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(32), sa.ForeignKey("staff_member.id"), nullable=nullable)


# While a row goes on nobody's words are put to the assistant on that channel; without a channel, on none.
assistant_off = sa.Table(
    "assistant_off",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("channel", sa.String(16), nullable=True),
    sa.Column("reason", Sealed(), nullable=False),
    sa.Column("since", UtcDateTime, nullable=False),
    _staff("by_id"),
    sa.Column("ended_at", UtcDateTime, nullable=True),
    _staff("ended_by", nullable=True),
    sa.Index("ix_assistant_off_going_on", "channel", sqlite_where=_GOES_ON, postgresql_where=_GOES_ON),
    info=sealed_rows(row=["id"], owner=of_service),
)

# While a row goes on the assistant answers those of trial_entry alone.
trial = sa.Table(
    "trial",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("since", UtcDateTime, nullable=False),
    _staff("by_id"),
    sa.Column("ended_at", UtcDateTime, nullable=True),
    _staff("ended_by", nullable=True),
    sa.Index("ix_trial_going_on", "since", sqlite_where=_GOES_ON, postgresql_where=_GOES_ON),
)

# One number, or the beginning of crime references: exactly one of the two. Gone when it is taken off the list.
trial_entry = sa.Table(
    "trial_entry",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    *indexed("number", nullable=True, unique=True),
    sa.Column("reference_prefix", sa.String(32), nullable=True, unique=True),
    sa.Column("added_at", UtcDateTime, nullable=False),
    _staff("added_by"),
    info=sealed_rows(row=["id"], owner=of_service),
)

# A backup was put back: what was done between the two moments is known to the providers alone.
restore_gap = sa.Table(
    "restore_gap",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Column("until", UtcDateTime, nullable=False, index=True),
)
