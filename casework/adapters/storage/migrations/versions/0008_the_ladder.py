"""The ladder: who is on call, and every step taken because nobody had"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ITEM_COLUMNS = ("answered_at", "ladder_from", "ladder_step", "ladder_due_at", "told")
OPEN = sa.text("status IN ('open', 'claimed')")
WAITING = sa.text("status IN ('waiting')")


def upgrade() -> None:
    op.add_column("conversation", sa.Column("awaiting_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("desk_item", sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("desk_item", sa.Column("ladder_from", sa.DateTime(timezone=True), nullable=True))
    op.add_column("desk_item", sa.Column("ladder_step", sa.Integer, nullable=False, server_default="0"))
    op.add_column("desk_item", sa.Column("ladder_due_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("desk_item", sa.Column("told", sa.String(16), nullable=True))
    # What waits already is looked at as soon as a worker runs.
    op.execute(
        "UPDATE desk_item SET ladder_from = coalesce(claimed_at, waiting_since),"
        " ladder_due_at = coalesce(claimed_at, waiting_since) WHERE status IN ('open', 'claimed')"
    )
    op.create_index(
        "ix_desk_item_ladder", "desk_item", ["ladder_due_at"], sqlite_where=OPEN, postgresql_where=OPEN
    )
    op.create_table(
        "rota_entry",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("name", sa.String(96), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("mobile", sa.String(32), nullable=True),
        sa.Column("email", sa.String(254), nullable=True),
        sa.Column("webhook", sa.String(500), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(32), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_rota_entry"),
    )
    op.create_index("ix_rota_entry_starts_at", "rota_entry", ["starts_at"])
    op.create_table(
        "escalation",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("item_id", sa.String(32), nullable=False),
        sa.Column("conversation_id", sa.String(32), nullable=False),
        sa.Column("wait_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("step", sa.String(24), nullable=False),
        sa.Column("grade", sa.Integer, nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rota_entry_id", sa.String(32), nullable=True),
        sa.Column("name", sa.String(96), nullable=True),
        sa.Column("detail", sa.String(48), nullable=True),
        sa.Column("token_hash", sa.String(64), nullable=True),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["item_id"], ["desk_item.id"], name="fk_escalation_item_id_desk_item"),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name="fk_escalation_conversation_id_conversation"
        ),
        sa.ForeignKeyConstraint(
            ["rota_entry_id"], ["rota_entry.id"], name="fk_escalation_rota_entry_id_rota_entry"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_escalation"),
        sa.UniqueConstraint(
            "item_id", "wait_from", "position", name="uq_escalation_item_id_wait_from_position"
        ),
        sa.UniqueConstraint("token_hash", name="uq_escalation_token_hash"),
    )
    op.create_index("ix_escalation_conversation_id", "escalation", ["conversation_id"])
    op.create_index("ix_escalation_taken_at", "escalation", ["taken_at"])
    op.create_table(
        "staff_notice",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("escalation_id", sa.String(32), nullable=False),
        sa.Column("way", sa.String(16), nullable=False),
        sa.Column("to", sa.String(500), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("provider_message_id", sa.String(128), nullable=True),
        sa.Column("fault", sa.String(48), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["escalation_id"], ["escalation.id"], name="fk_staff_notice_escalation_id_escalation"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_staff_notice"),
    )
    op.create_index("ix_staff_notice_escalation_id", "staff_notice", ["escalation_id"])
    op.create_index("ix_staff_notice_provider_message_id", "staff_notice", ["provider_message_id"])
    op.create_index(
        "ix_staff_notice_waiting",
        "staff_notice",
        ["not_before"],
        sqlite_where=WAITING,
        postgresql_where=WAITING,
    )


def downgrade() -> None:
    for name in ("staff_notice", "escalation", "rota_entry"):
        op.drop_table(name)
    op.drop_index("ix_desk_item_ladder", table_name="desk_item")
    for name in ITEM_COLUMNS:
        op.execute(f"ALTER TABLE desk_item DROP COLUMN {name}")
    op.execute("ALTER TABLE conversation DROP COLUMN awaiting_since")
