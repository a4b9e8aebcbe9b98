"""Supervision: broadcasts, pauses of intake, second looks at conversations, and drills."""

import sqlalchemy as sa

from casework.adapters.storage.sealed import Sealed, of_service, sealed_rows
from casework.adapters.storage.tables import (
    Serial,
    UtcDateTime,
    audit,
    desk_item,
    metadata,
    running_clock,
)

# What the measures and the exposure counts ask of the record; everything else in it is left out of the index.
MEASURED_ACTS = ("conversation_read", "conversation_claimed", "status_told")


def act_is_measured() -> sa.ColumnElement[bool]:
    """The condition of the index, its values written out for the planner to see."""
    return audit.c.act.in_([sa.literal_column(repr(act)) for act in MEASURED_ACTS])


def _staff(name: str = "staff_id", *, primary_key: bool = False) -> sa.Column[str]:
    key = sa.ForeignKey("staff_member.id")
    return sa.Column(name, sa.String(32), key, nullable=False, primary_key=primary_key)


broadcast = sa.Table(
    "broadcast",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("text", Sealed(), nullable=False),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Column("until", UtcDateTime, nullable=False),
    _staff("by_id"),
    sa.Column("ended_at", UtcDateTime, nullable=True),
    sa.Index("ix_broadcast_until", "until"),
    info=sealed_rows(row=["id"], owner=of_service),
)

intake_pause = sa.Table(
    "intake_pause",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    # The name of a text of service_texts.toml: never words of whoever paused it.
    sa.Column("text_name", sa.String(48), nullable=False),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Column("until", UtcDateTime, nullable=False),
    _staff("by_id"),
    sa.Column("ended_at", UtcDateTime, nullable=True),
    sa.Index("ix_intake_pause_until", "until"),
)

quality_review = sa.Table(
    "quality_review",
    metadata,
    sa.Column("item_id", sa.String(32), sa.ForeignKey("desk_item.id"), primary_key=True),
    _staff("reviewer_id"),
    sa.Column("reviewed_at", UtcDateTime, nullable=False, index=True),
    sa.Column("verdict", sa.String(16), nullable=False),
    sa.Column("answers", sa.JSON, nullable=False),
    sa.Column("words", Sealed(), nullable=False),
    info=sealed_rows(row=["item_id"], owner="conversation_id"),
)

staff_break = sa.Table(
    "staff_break",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    _staff(),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime, nullable=True),
    sa.Index("ix_staff_break_staff_id_started_at", "staff_id", "started_at"),
)

# Until when somebody's prompts were answered, and never with what.
wellbeing_seen = sa.Table(
    "wellbeing_seen",
    metadata,
    _staff(primary_key=True),
    sa.Column("debriefs_until", UtcDateTime, nullable=True),
    sa.Column("nudged_at", UtcDateTime, nullable=True),
)

# What was answered, and never by whom: a drawn id and a week are all that stands beside it.
debrief_answer = sa.Table(
    "debrief_answer",
    metadata,
    sa.Column("id", Serial, primary_key=True, autoincrement=False),
    sa.Column("week", UtcDateTime, nullable=False),
    sa.Column("answer", sa.String(16), nullable=False),
)

# Which model of the assistant answers, and when it last did.
assistant_model = sa.Table(
    "assistant_model",
    metadata,
    sa.Column("name", sa.String(96), primary_key=True),
    sa.Column("answered_at", UtcDateTime, nullable=False),
)

sa.Index("ix_desk_item_created_at", desk_item.c.created_at, desk_item.c.grade)
sa.Index("ix_desk_item_closed_at", desk_item.c.closed_at)
sa.Index("ix_running_clock_due_on", running_clock.c.due_on)
_measured = sa.text(f"act IN ({', '.join(repr(act) for act in MEASURED_ACTS)})")
sa.Index("ix_audit_measured", audit.c.at, sqlite_where=_measured, postgresql_where=_measured)
