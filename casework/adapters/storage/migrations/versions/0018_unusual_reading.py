"""Unusual reading, and the ways into the audit"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "unusual_reading",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("rule", sa.String(24), nullable=False),
        sa.Column("staff_id", sa.String(32), nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("conversation_ids", sa.JSON, nullable=False),
        sa.Column("counted", sa.Integer, nullable=False),
        sa.Column("usual", sa.Integer, nullable=True),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reviewed_by", sa.String(32), nullable=True),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_explained", sa.Boolean, nullable=True),
        sa.Column("review_words", sa.String(500), nullable=True),
        _to_staff("staff_id"),
        _to_staff("reviewed_by"),
        sa.PrimaryKeyConstraint("id", name="pk_unusual_reading"),
        sa.UniqueConstraint("rule", "staff_id", "day", name="uq_unusual_reading_rule_staff_id_day"),
    )
    op.create_index("ix_unusual_reading_reviewed_at", "unusual_reading", ["reviewed_at"])
    op.create_table(
        "reading_day",
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("day", name="pk_reading_day"),
    )
    op.create_index("ix_audit_at", "audit", ["at", "id"])
    op.create_index("ix_audit_act_at", "audit", ["act", "at", "id"])
    op.create_index("ix_audit_actor_at", "audit", ["actor", "at", "id"])


def downgrade() -> None:
    for index in ("ix_audit_actor_at", "ix_audit_act_at", "ix_audit_at"):
        op.drop_index(index, "audit")
    op.drop_table("reading_day")
    op.drop_table("unusual_reading")


def _to_staff(column: str) -> sa.ForeignKeyConstraint:
    name = f"fk_unusual_reading_{column}_staff_member"
    return sa.ForeignKeyConstraint([column], ["staff_member.id"], name=name)
