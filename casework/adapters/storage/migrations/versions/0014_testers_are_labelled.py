"""What people say of testers' messages, and one example of each"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "guest_annotation",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("guest_message_id", SERIAL, nullable=False),
        sa.Column("staff_id", sa.String(32), nullable=False),
        sa.Column("form_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("intent", sa.String(64), nullable=True),
        sa.Column("risks", sa.JSON, nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["guest_message_id"],
            ["guest_message.id"],
            name="fk_guest_annotation_guest_message_id_guest_message",
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff_member.id"], name="fk_guest_annotation_staff_id_staff_member"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_guest_annotation"),
        sa.UniqueConstraint("form_id", name="uq_guest_annotation_form_id"),
    )
    op.create_index("ix_guest_annotation_guest_message_id", "guest_annotation", ["guest_message_id"])
    columns = ["guest_message_id", "staff_id", "kind"]
    _partial("uq_guest_annotation_decided", "guest_annotation", columns, where="undone_at IS NULL")
    _partial("uq_example_of_guest", "example", ["guest_message_id"], where="status = 'accepted'")


def downgrade() -> None:
    op.drop_index("uq_example_of_guest", "example")
    op.drop_table("guest_annotation")


def _partial(name: str, table: str, columns: list[str], *, where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, unique=True, sqlite_where=condition, postgresql_where=condition)
