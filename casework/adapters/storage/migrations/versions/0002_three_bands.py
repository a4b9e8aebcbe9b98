"""What an item is about, what the person answered, and whether they have gone quiet"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

OPEN = sa.text("status IN ('open', 'claimed')")
UNCLAIMED = sa.text("status IN ('open')")


def upgrade() -> None:
    op.add_column("desk_item", sa.Column("evidence", sa.JSON(), nullable=True))
    op.add_column("desk_item", sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("desk_item", sa.Column("answer", sa.String(length=8), nullable=True))
    op.add_column("desk_item", sa.Column("quiet_due_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("desk_item", sa.Column("quiet_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("desk_item", sa.Column("place_in_grade", sa.Integer(), nullable=False, server_default="1"))
    op.drop_index("ix_desk_item_conversation_id", table_name="desk_item")
    op.create_index("ix_desk_item_conversation_id_closed_at", "desk_item", ["conversation_id", "closed_at"])
    op.drop_index("ix_desk_item_queue", table_name="desk_item")
    op.create_index(
        "ix_desk_item_queue",
        "desk_item",
        ["grade", "place_in_grade", "waiting_since", "id"],
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
    op.create_index(
        "ix_desk_item_quiet",
        "desk_item",
        ["quiet_due_at"],
        sqlite_where=UNCLAIMED,
        postgresql_where=UNCLAIMED,
    )


def downgrade() -> None:
    op.drop_index("ix_desk_item_quiet", table_name="desk_item")
    op.drop_index("ix_desk_item_queue", table_name="desk_item")
    op.create_index(
        "ix_desk_item_queue",
        "desk_item",
        ["grade", "waiting_since", "id"],
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
    op.drop_index("ix_desk_item_conversation_id_closed_at", table_name="desk_item")
    op.create_index("ix_desk_item_conversation_id", "desk_item", ["conversation_id"])
    with op.batch_alter_table("desk_item") as table:
        for name in ("evidence", "asked_at", "answer", "quiet_due_at", "quiet_since", "place_in_grade"):
            table.drop_column(name)
