"""The queue: regrades, transfers, who is at the desk"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

OFFERED = sa.text("status IN ('offered')")
RUNNING = sa.text("ended_at IS NULL")
OWNED = sa.text("owner_id IS NOT NULL")


def upgrade() -> None:
    op.add_column("web_session", sa.Column("page_open_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_conversation_owned",
        "conversation",
        ["owner_id"],
        sqlite_where=OWNED,
        postgresql_where=OWNED,
    )
    _create_regrade()
    _create_transfer()
    _create_shift()


def downgrade() -> None:
    for name in ("desk_preference", "shift", "transfer", "regrade"):
        op.drop_table(name)
    op.drop_index("ix_conversation_owned", "conversation")
    op.execute("ALTER TABLE web_session DROP COLUMN page_open_at")


def _create_regrade() -> None:
    op.create_table(
        "regrade",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("item_id", sa.String(32), nullable=False),
        sa.Column("conversation_id", sa.String(32), nullable=False),
        sa.Column("from_grade", sa.Integer, nullable=False),
        sa.Column("to_grade", sa.Integer, nullable=False),
        sa.Column("by_id", sa.String(32), nullable=True),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["desk_item.id"], name="fk_regrade_item_id_desk_item"),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name="fk_regrade_conversation_id_conversation"
        ),
        sa.ForeignKeyConstraint(["by_id"], ["staff_member.id"], name="fk_regrade_by_id_staff_member"),
        sa.PrimaryKeyConstraint("id", name="pk_regrade"),
    )
    op.create_index("ix_regrade_at", "regrade", ["at"])
    op.create_index("ix_regrade_conversation_id_id", "regrade", ["conversation_id", "id"])


def _create_transfer() -> None:
    op.create_table(
        "transfer",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("conversation_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("from_id", sa.String(32), nullable=True),
        sa.Column("to_id", sa.String(32), nullable=True),
        sa.Column("by_id", sa.String(32), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("promised", sa.String(500), nullable=False),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name="fk_transfer_conversation_id_conversation"
        ),
        *(
            sa.ForeignKeyConstraint([name], ["staff_member.id"], name=f"fk_transfer_{name}_staff_member")
            for name in ("from_id", "to_id", "by_id")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_transfer"),
    )
    op.create_index("ix_transfer_conversation_id_offered_at", "transfer", ["conversation_id", "offered_at"])
    op.create_index(
        "ix_transfer_offered",
        "transfer",
        ["due_at", "id"],
        sqlite_where=OFFERED,
        postgresql_where=OFFERED,
    )
    op.create_index(
        "uq_transfer_offered",
        "transfer",
        ["conversation_id"],
        unique=True,
        sqlite_where=OFFERED,
        postgresql_where=OFFERED,
    )


def _create_shift() -> None:
    op.create_table(
        "shift",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("staff_id", sa.String(32), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sound_heard", sa.Boolean, nullable=True),
        sa.Column("covers_words", sa.Boolean, nullable=False),
        sa.Column("break_since", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["staff_id"], ["staff_member.id"], name="fk_shift_staff_id_staff_member"),
        sa.PrimaryKeyConstraint("id", name="pk_shift"),
    )
    op.create_index("ix_shift_staff_id_started_at", "shift", ["staff_id", "started_at"])
    op.create_index(
        "uq_shift_running",
        "shift",
        ["staff_id"],
        unique=True,
        sqlite_where=RUNNING,
        postgresql_where=RUNNING,
    )
    op.create_table(
        "desk_preference",
        sa.Column("staff_id", sa.String(32), nullable=False),
        sa.Column("keys_on", sa.Boolean, nullable=False),
        sa.Column("covers_words", sa.Boolean, nullable=False),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff_member.id"], name="fk_desk_preference_staff_id_staff_member"
        ),
        sa.PrimaryKeyConstraint("staff_id", name="pk_desk_preference"),
    )
