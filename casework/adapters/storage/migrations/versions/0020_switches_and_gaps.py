"""The assistant switched off, a trial with a few people, and the gap a restored backup leaves"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)
GOES_ON = sa.text("ended_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "assistant_off",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("channel", sa.String(16), nullable=True),
        sa.Column("reason", sa.Text, nullable=False),
        *_from_to("assistant_off"),
    )
    op.create_index(
        "ix_assistant_off_going_on",
        "assistant_off",
        ["channel"],
        sqlite_where=GOES_ON,
        postgresql_where=GOES_ON,
    )
    op.create_table("trial", sa.Column("id", sa.String(32), nullable=False), *_from_to("trial"))
    op.create_index("ix_trial_going_on", "trial", ["since"], sqlite_where=GOES_ON, postgresql_where=GOES_ON)
    op.create_table(
        "trial_entry",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("number", sa.String(64), nullable=True),
        sa.Column("number_sealed", sa.Text, nullable=True),
        sa.Column("reference_prefix", sa.String(32), nullable=True),
        sa.Column("added_at", AT, nullable=False),
        sa.Column("added_by", sa.String(32), nullable=False),
        _to_staff("trial_entry", "added_by"),
        sa.PrimaryKeyConstraint("id", name="pk_trial_entry"),
        sa.UniqueConstraint("number", name="uq_trial_entry_number"),
        sa.UniqueConstraint("reference_prefix", name="uq_trial_entry_reference_prefix"),
    )
    op.create_table(
        "restore_gap",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("since", AT, nullable=False),
        sa.Column("until", AT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_restore_gap"),
    )
    op.create_index("ix_restore_gap_until", "restore_gap", ["until"])


def downgrade() -> None:
    for table in ("restore_gap", "trial_entry", "trial", "assistant_off"):
        op.drop_table(table)


def _from_to(table: str) -> tuple[sa.schema.SchemaItem, ...]:
    return (
        sa.Column("since", AT, nullable=False),
        sa.Column("by_id", sa.String(32), nullable=False),
        sa.Column("ended_at", AT, nullable=True),
        sa.Column("ended_by", sa.String(32), nullable=True),
        _to_staff(table, "by_id"),
        _to_staff(table, "ended_by"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
    )


def _to_staff(table: str, column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], ["staff_member.id"], name=f"fk_{table}_{column}_staff_member")
