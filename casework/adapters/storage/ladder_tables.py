"""The ladder: who is on call, and every step taken because nobody had."""

import sqlalchemy as sa

from casework.adapters.storage.sealed import Sealed, of_service, sealed_rows
from casework.adapters.storage.tables import UtcDateTime, metadata

NOTICE_WAITING = ("waiting",)
_only_waiting = sa.text("status IN ('waiting')")

# Who is on call, from when to when and in which order; and the control room, which has no hours.
rota_entry = sa.Table(
    "rota_entry",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),  # on_call, control_room
    sa.Column("name", sa.String(96), nullable=False),
    sa.Column("starts_at", UtcDateTime, nullable=False),
    sa.Column("ends_at", UtcDateTime, nullable=True),  # None: until it is taken off
    sa.Column("place", sa.Integer, nullable=False),  # 1 is called first
    sa.Column("mobile", Sealed(), nullable=True),
    sa.Column("email", Sealed(), nullable=True),
    sa.Column("webhook", Sealed(), nullable=True),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("created_by", sa.String(32), nullable=False),
    sa.Column("removed_at", UtcDateTime, nullable=True),
    sa.Index("ix_rota_entry_starts_at", "starts_at"),
    info=sealed_rows(row=["id"], owner=of_service),
)

escalation = sa.Table(
    "escalation",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("item_id", sa.String(32), sa.ForeignKey("desk_item.id"), nullable=False),
    sa.Column("conversation_id", sa.String(32), sa.ForeignKey("conversation.id"), nullable=False, index=True),
    sa.Column("wait_from", UtcDateTime, nullable=False),  # which wait of the item: its ladder_from then
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("step", sa.String(24), nullable=False),
    sa.Column("grade", sa.Integer, nullable=False),
    sa.Column("due_at", UtcDateTime, nullable=False),
    sa.Column("taken_at", UtcDateTime, nullable=False),
    sa.Column("rota_entry_id", sa.String(32), sa.ForeignKey("rota_entry.id"), nullable=True),
    sa.Column("name", sa.String(96), nullable=True),  # who was told, as they were called then
    sa.Column("detail", sa.String(48), nullable=True),
    sa.Column("token_hash", sa.String(64), nullable=True, unique=True),
    sa.Column("acknowledged_at", UtcDateTime, nullable=True),
    sa.UniqueConstraint("item_id", "wait_from", "position"),
    sa.Index("ix_escalation_taken_at", "taken_at"),
)

# What was sent to staff, each way by itself. Its words are made when it leaves: they hold a key.
staff_notice = sa.Table(
    "staff_notice",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("escalation_id", sa.String(32), sa.ForeignKey("escalation.id"), nullable=False, index=True),
    sa.Column("way", sa.String(16), nullable=False),  # sms, email, webhook
    sa.Column("to", Sealed(), nullable=False),
    # waiting, sent, failed (given up), withdrawn (claimed before it left)
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("not_before", UtcDateTime, nullable=False),
    sa.Column("provider_message_id", sa.String(128), nullable=True, index=True),
    sa.Column("fault", sa.String(48), nullable=True),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("settled_at", UtcDateTime, nullable=True),
    sa.Index(
        "ix_staff_notice_waiting", "not_before", sqlite_where=_only_waiting, postgresql_where=_only_waiting
    ),
    info=sealed_rows(row=["id"], owner=of_service),
)
