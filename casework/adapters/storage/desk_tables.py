"""The queue: regrades, transfers, and who is at the desk."""

import sqlalchemy as sa

from casework.adapters.storage.sealed import Sealed, row_key, sealed_rows
from casework.adapters.storage.tables import Serial, UtcDateTime, metadata

TRANSFER_OFFERED = ("offered",)
_OFFERED = sa.text("status IN ('offered')")
_RUNNING = sa.text("ended_at IS NULL")


def _staff(name: str, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(32), sa.ForeignKey("staff_member.id"), nullable=nullable)


regrade = sa.Table(
    "regrade",
    metadata,
    sa.Column("id", Serial, primary_key=True, autoincrement=True),
    sa.Column("item_id", sa.String(32), sa.ForeignKey("desk_item.id"), nullable=False),
    sa.Column("conversation_id", sa.String(32), sa.ForeignKey("conversation.id"), nullable=False),
    sa.Column("from_grade", sa.Integer, nullable=False),
    sa.Column("to_grade", sa.Integer, nullable=False),
    # None: a rule of ours raised it.
    _staff("by_id", nullable=True),
    sa.Column("reason", Sealed(), nullable=False),
    row_key(),
    sa.Column("at", UtcDateTime, nullable=False, index=True),
    sa.Index("ix_regrade_conversation_id_id", "conversation_id", "id"),
    info=sealed_rows(row=["row_key"], owner="conversation_id"),
)

transfer = sa.Table(
    "transfer",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("conversation_id", sa.String(32), sa.ForeignKey("conversation.id"), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    # Whose it was; None where a supervisor offers what nobody has.
    _staff("from_id", nullable=True),
    _staff("to_id", nullable=True),
    _staff("by_id"),
    sa.Column("reason", Sealed(), nullable=False),
    sa.Column("promised", Sealed(), nullable=False),
    sa.Column("offered_at", UtcDateTime, nullable=False),
    sa.Column("due_at", UtcDateTime, nullable=False),
    sa.Column("settled_at", UtcDateTime, nullable=True),
    sa.Index("ix_transfer_conversation_id_offered_at", "conversation_id", "offered_at"),
    sa.Index("ix_transfer_offered", "due_at", "id", sqlite_where=_OFFERED, postgresql_where=_OFFERED),
    # One offer at a time: two colleagues must not both believe that it becomes theirs.
    sa.Index(
        "uq_transfer_offered",
        "conversation_id",
        unique=True,
        sqlite_where=_OFFERED,
        postgresql_where=_OFFERED,
    ),
    info=sealed_rows(row=["id"], owner="conversation_id"),
)

shift = sa.Table(
    "shift",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    _staff("staff_id"),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime, nullable=True),
    # What they answered to "Can you hear it?"; NULL: never asked, as when a claim began the shift.
    sa.Column("sound_heard", sa.Boolean, nullable=True),
    sa.Column("covers_words", sa.Boolean, nullable=False),
    # Alerts are silent until they are back.
    sa.Column("break_since", UtcDateTime, nullable=True),
    sa.Index("ix_shift_staff_id_started_at", "staff_id", "started_at"),
    sa.Index("uq_shift_running", "staff_id", unique=True, sqlite_where=_RUNNING, postgresql_where=_RUNNING),
)

desk_preference = sa.Table(
    "desk_preference",
    metadata,
    sa.Column("staff_id", sa.String(32), sa.ForeignKey("staff_member.id"), primary_key=True),
    sa.Column("keys_on", sa.Boolean, nullable=False),
    sa.Column("covers_words", sa.Boolean, nullable=False),
)
