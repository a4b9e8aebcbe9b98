"""Holds, erasures and what the provider is asked to forget"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "hold",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("subject_kind", sa.String(16), nullable=False),
        sa.Column("subject_id", sa.String(32), nullable=False),
        sa.Column("reason", sa.String(24), nullable=False),
        sa.Column("why", sa.String(500), nullable=False),
        sa.Column("placed_by", sa.String(48), nullable=False),
        sa.Column("placed_at", AT, nullable=False),
        sa.Column("review_on", sa.Date, nullable=False),
        sa.Column("lifted_by", sa.String(48), nullable=True),
        sa.Column("lifted_at", AT, nullable=True),
        sa.Column("lifted_why", sa.String(500), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_hold"),
    )
    _partial("ix_hold_open", "hold", ["subject_kind", "subject_id"], where="lifted_at IS NULL")
    op.create_table(
        "record_export",
        sa.Column("id", SERIAL, autoincrement=True, nullable=False),
        sa.Column("conversation_id", sa.String(32), nullable=False),
        sa.Column("up_to_inbox_id", SERIAL, nullable=False),
        sa.Column("covers_until", AT, nullable=False),
        sa.Column("acknowledged_by", sa.String(48), nullable=False),
        sa.Column("acknowledged_at", AT, nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name="fk_record_export_conversation_id_conversation"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_record_export"),
    )
    op.create_index("ix_record_export_conversation_id", "record_export", ["conversation_id", "covers_until"])
    op.create_table(
        "erasure",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("subject_kind", sa.String(16), nullable=False),
        sa.Column("subject_id", sa.String(32), nullable=False),
        sa.Column("reason", sa.String(24), nullable=False),
        sa.Column("asked_by", sa.String(48), nullable=False),
        sa.Column("asked_at", AT, nullable=False),
        sa.Column("covers", sa.JSON, nullable=True),
        sa.Column("stage", sa.String(16), nullable=False),
        sa.Column("stopped_why", sa.String(48), nullable=True),
        sa.Column("counts", sa.JSON, nullable=False),
        sa.Column("finished_at", AT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_erasure"),
    )
    op.create_index("ix_erasure_asked_at", "erasure", ["asked_at"])
    columns = ["subject_kind", "subject_id"]
    _partial("uq_erasure_unfinished", "erasure", columns, where="finished_at IS NULL", unique=True)
    op.create_table(
        "provider_redaction",
        sa.Column("id", SERIAL, autoincrement=True, nullable=False),
        sa.Column("provider", sa.String(16), nullable=False),
        sa.Column("provider_message_id", sa.String(128), nullable=False),
        sa.Column("conversation_id", sa.String(32), nullable=False),
        sa.Column("act", sa.String(8), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("not_before", AT, nullable=False),
        sa.Column("asked_at", AT, nullable=False),
        sa.Column("settled_at", AT, nullable=True),
        sa.Column("fault", sa.String(48), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_provider_redaction"),
        sa.UniqueConstraint(
            "provider", "provider_message_id", name="uq_provider_redaction_provider_provider_message_id"
        ),
    )
    columns = ["not_before", "id"]
    _partial("ix_provider_redaction_waiting", "provider_redaction", columns, where="status IN ('waiting')")
    op.create_table(
        "keeping_mark",
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("last_id", sa.BigInteger, nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_keeping_mark"),
    )


def downgrade() -> None:
    for table in ("keeping_mark", "provider_redaction", "erasure", "record_export", "hold"):
        op.drop_table(table)


def _partial(name: str, table: str, columns: list[str], *, where: str, unique: bool = False) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition)
