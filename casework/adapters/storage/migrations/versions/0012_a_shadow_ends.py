"""A candidate beside the live model: one at a time, and how it ended"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    # Nothing ever wrote to the table: it is made anew.
    op.drop_table("shadow")
    _add_shadow(
        sa.Column("seat", sa.SmallInteger, nullable=False),
        sa.Column("unanswered", sa.Integer, nullable=False),
        _at("ended_at", nullable=True),
        sa.Column("ended_by", sa.String(48), nullable=True),
        sa.Column("why_ended", sa.String(24), nullable=True),
    )
    is_open = sa.text("ended_at IS NULL")
    op.create_index(
        "uq_shadow_seat", "shadow", ["seat"], unique=True, sqlite_where=is_open, postgresql_where=is_open
    )


def downgrade() -> None:
    op.drop_table("shadow")
    _add_shadow()


def _add_shadow(*more: sa.Column[object]) -> None:
    op.create_table(
        "shadow",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("model_id", sa.String(64), nullable=False),
        sa.Column("started_by", sa.String(48), nullable=False),
        _at("since"),
        _at("until"),
        sa.Column("last_inbox_id", SERIAL, nullable=False),
        *more,
        sa.PrimaryKeyConstraint("id", name="pk_shadow"),
    )


def _at(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)
