"""The conversation page: notes, drafts, canned replies, hand-back summaries and what an item was about"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLES = (
    "staff_note",
    "draft",
    "canned_reply",
    "correction",
    "ending",
    "label_suggestion",
    "follow_up",
    "hand_back_summary",
)


def upgrade() -> None:
    _create(
        "staff_note",
        _text("text"),
        _moment("created_at"),
        staff=("staff_id",),
    )
    op.create_index("ix_staff_note_conversation_id", "staff_note", ["conversation_id", "created_at"])
    op.create_table(
        "draft",
        sa.Column("conversation_id", sa.String(32), nullable=False),
        sa.Column("staff_id", sa.String(32), nullable=False),
        _text("text"),
        _moment("updated_at"),
        _refers("draft", "conversation_id", "conversation"),
        _refers("draft", "staff_id", "staff_member"),
        sa.PrimaryKeyConstraint("conversation_id", "staff_id", name="pk_draft"),
    )
    op.create_table(
        "canned_reply",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(48), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("title", sa.String(96), nullable=False),
        _text("text"),
        sa.Column("is_offered", sa.Boolean, nullable=False),
        sa.Column("is_closing", sa.Boolean, nullable=False),
        _moment("created_at"),
        sa.Column("created_by", sa.String(48), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_canned_reply"),
        sa.UniqueConstraint("name", "version", name="uq_canned_reply_name_version"),
    )
    _create(
        "correction",
        sa.Column("block", sa.String(24), nullable=False),
        _text("text"),
        _moment("created_at"),
        _moment("handled_at", nullable=True),
        staff=("staff_id",),
    )
    op.create_index("ix_correction_created_at", "correction", ["created_at"])
    _create(
        "ending",
        sa.Column("outcome", sa.String(32), nullable=False),
        sa.Column("log_number", sa.String(48), nullable=True),
        sa.Column("was_urgent", sa.String(8), nullable=True),
        sa.Column("about", sa.String(48), nullable=True),
        sa.Column("last_inbox_id", SERIAL, nullable=False),
        _moment("created_at"),
        staff=("staff_id",),
    )
    op.create_index("ix_ending_conversation_id", "ending", ["conversation_id", "created_at"])
    op.create_table(
        "label_suggestion",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("ending_id", sa.String(32), nullable=False),
        sa.Column("inbox_id", SERIAL, nullable=False),
        sa.Column("was_urgent", sa.String(8), nullable=True),
        sa.Column("about", sa.String(48), nullable=True),
        sa.Column("status", sa.String(16), nullable=False),
        _moment("created_at"),
        _refers("label_suggestion", "ending_id", "ending"),
        _refers("label_suggestion", "inbox_id", "inbox"),
        sa.PrimaryKeyConstraint("id", name="pk_label_suggestion"),
        sa.UniqueConstraint("ending_id", "inbox_id", name="uq_label_suggestion_ending_id_inbox_id"),
    )
    op.create_index("ix_label_suggestion_inbox_id", "label_suggestion", ["inbox_id"])
    _create(
        "follow_up",
        _text("text"),
        _moment("created_at"),
        _moment("seen_at", nullable=True),
        staff=("to_staff_id", "by_staff_id"),
    )
    op.create_index("ix_follow_up_to_staff_id", "follow_up", ["to_staff_id", "created_at"])
    _create(
        "hand_back_summary",
        sa.Column("done", sa.String(32), nullable=False),
        sa.Column("next", sa.String(32), nullable=False),
        sa.Column("due_on", sa.Date, nullable=True),
        sa.Column("crime_reference", sa.String(32), nullable=True),
        sa.Column("epoch", sa.Integer, nullable=False),
        _text("text"),
        _moment("created_at"),
        _moment("said_at", nullable=True),
        sa.ForeignKeyConstraint(
            ["crime_reference"],
            ["case.crime_reference"],
            name="fk_hand_back_summary_crime_reference_case",
        ),
        staff=("staff_id",),
    )
    op.create_index(
        "ix_hand_back_summary_conversation_id", "hand_back_summary", ["conversation_id", "created_at"]
    )


def downgrade() -> None:
    for name in reversed(TABLES):
        op.drop_table(name)


def _create(name: str, *columns: sa.schema.SchemaItem, staff: tuple[str, ...]) -> None:
    """A table about a conversation, by and for staff."""
    op.create_table(
        name,
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("conversation_id", sa.String(32), nullable=False),
        *(sa.Column(each, sa.String(32), nullable=False) for each in staff),
        *columns,
        _refers(name, "conversation_id", "conversation"),
        *(_refers(name, each, "staff_member") for each in staff),
        sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),
    )


def _text(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Text, nullable=False)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=f"fk_{table}_{column}_{to}")
