"""Requests for a copy that somebody made on their own page, and in what words a sealed record was asked for"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _let_be_empty("access_request", "opened_by", is_nullable=True)
    op.create_table(
        "record_export_words",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("conversation_id", sa.String(32), nullable=True),
        sa.Column("crime_reference", sa.String(32), nullable=True),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("asked_by", sa.String(32), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversation.id"],
            name="fk_record_export_words_conversation_id_conversation",
        ),
        sa.ForeignKeyConstraint(
            ["crime_reference"], ["case.crime_reference"], name="fk_record_export_words_crime_reference_case"
        ),
        sa.ForeignKeyConstraint(
            ["asked_by"], ["staff_member.id"], name="fk_record_export_words_asked_by_staff_member"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_record_export_words"),
    )
    op.create_index("ix_record_export_words_conversation_id", "record_export_words", ["conversation_id"])
    op.create_index("ix_record_export_words_crime_reference", "record_export_words", ["crime_reference"])


def downgrade() -> None:
    op.drop_table("record_export_words")
    _let_be_empty("access_request", "opened_by", is_nullable=False)


def _let_be_empty(table: str, column: str, *, is_nullable: bool) -> None:
    """SQLite makes the table anew for it, and would not while decisions name its rows."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    if is_sqlite:
        op.execute("CREATE TEMPORARY TABLE kept_decision AS SELECT * FROM access_decision")
        op.execute("DELETE FROM access_decision")
    with op.batch_alter_table(table) as altered:
        altered.alter_column(column, existing_type=sa.String(32), nullable=is_nullable)
    if is_sqlite:
        op.execute("INSERT INTO access_decision SELECT * FROM kept_decision")
        op.execute("DROP TABLE kept_decision")
