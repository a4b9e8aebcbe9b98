"""Supervision: broadcasts, pauses of intake, second looks at conversations, drills"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

MEASURED = "act IN ('conversation_read', 'conversation_claimed', 'status_told')"
TABLES = (
    *(
        "assistant_model",
        "debrief_answer",
        "wellbeing_seen",
        "staff_break",
        "quality_review",
        "intake_pause",
        "broadcast",
    ),
)


def upgrade() -> None:
    _add_drills()
    op.create_table(
        "broadcast", *_said_for_a_time("broadcast", sa.Column("text", sa.String(200), nullable=False))
    )
    op.create_index("ix_broadcast_until", "broadcast", ["until"])
    op.create_table(
        "intake_pause",
        *_said_for_a_time("intake_pause", sa.Column("text_name", sa.String(48), nullable=False)),
    )
    op.create_index("ix_intake_pause_until", "intake_pause", ["until"])
    op.create_table(
        "quality_review",
        sa.Column("item_id", sa.String(32), nullable=False),
        sa.Column("reviewer_id", sa.String(32), nullable=False),
        _at("reviewed_at"),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("answers", sa.JSON, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["desk_item.id"], name="fk_quality_review_item_id_desk_item"),
        _to_staff("quality_review", "reviewer_id"),
        sa.PrimaryKeyConstraint("item_id", name="pk_quality_review"),
    )
    op.create_index("ix_quality_review_reviewed_at", "quality_review", ["reviewed_at"])
    op.create_table(
        "staff_break",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("staff_id", sa.String(32), nullable=False),
        _at("started_at"),
        _at("ended_at", nullable=True),
        _to_staff("staff_break", "staff_id"),
        sa.PrimaryKeyConstraint("id", name="pk_staff_break"),
    )
    op.create_index("ix_staff_break_staff_id_started_at", "staff_break", ["staff_id", "started_at"])
    op.create_table(
        "wellbeing_seen",
        sa.Column("staff_id", sa.String(32), nullable=False),
        _at("debriefs_until", nullable=True),
        _at("nudged_at", nullable=True),
        _to_staff("wellbeing_seen", "staff_id"),
        sa.PrimaryKeyConstraint("staff_id", name="pk_wellbeing_seen"),
    )
    op.create_table(
        "debrief_answer",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        _at("week"),
        sa.Column("answer", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_debrief_answer"),
    )
    op.create_table(
        "assistant_model",
        sa.Column("name", sa.String(96), nullable=False),
        _at("answered_at"),
        sa.PrimaryKeyConstraint("name", name="pk_assistant_model"),
    )
    op.create_index("ix_desk_item_created_at", "desk_item", ["created_at", "grade"])
    op.create_index("ix_desk_item_closed_at", "desk_item", ["closed_at"])
    op.create_index("ix_running_clock_due_on", "running_clock", ["due_on"])
    where = sa.text(MEASURED)
    op.create_index("ix_audit_measured", "audit", ["at"], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    _drop_drills()
    op.drop_index("ix_audit_measured", "audit")
    op.drop_index("ix_running_clock_due_on", "running_clock")
    op.drop_index("ix_desk_item_closed_at", "desk_item")
    op.drop_index("ix_desk_item_created_at", "desk_item")
    for table in TABLES:
        op.drop_table(table)


def _said_for_a_time(table: str, said: sa.Column[str]) -> tuple[sa.schema.SchemaItem, ...]:
    return (
        sa.Column("id", sa.String(32), nullable=False),
        said,
        _at("since"),
        _at("until"),
        sa.Column("by_id", sa.String(32), nullable=False),
        _at("ended_at", nullable=True),
        _to_staff(table, "by_id"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
    )


def _at(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _to_staff(table: str, column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], ["staff_member.id"], name=f"fk_{table}_{column}_staff_member")


def _add_drills() -> None:
    op.add_column(
        "conversation", sa.Column("is_drill", sa.Boolean, nullable=False, server_default=sa.false())
    )
    op.create_table(
        "drill",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("script", sa.String(48), nullable=False),
        sa.Column("started_by", sa.String(48), nullable=False),
        _at("created_at"),
        _at("starts_at"),
        _at("ended_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_drill"),
    )
    op.create_table(
        "drill_line",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("drill_id", sa.String(32), nullable=False),
        sa.Column("victim", sa.String(32), nullable=False),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("external_id", sa.String(128), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        _at("due_at"),
        _at("sent_at", nullable=True),
        sa.Column("conversation_id", sa.String(32), nullable=True),
        sa.ForeignKeyConstraint(["drill_id"], ["drill.id"], name="fk_drill_line_drill_id_drill"),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name="fk_drill_line_conversation_id_conversation"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_drill_line"),
    )
    op.create_index("ix_drill_line_drill_id", "drill_line", ["drill_id"])


def _drop_drills() -> None:
    op.drop_table("drill_line")
    op.drop_table("drill")
    op.execute("ALTER TABLE conversation DROP COLUMN is_drill")
