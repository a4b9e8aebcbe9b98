"""What the channels say beside the text: media, opt-outs, delivery, sweeps, paces and alarms"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

NEW_COLUMNS = {
    "outbox": ("menu_token", "delivery_state", "delivery_state_at"),
    "inbox": ("origin", "sent_at", "read_as", "details"),
}
NEW_TABLES = (
    *("media_content", "inbound_media", "held_count", "sweep_run", "spend", "sending_pace", "opt_out"),
    "alarm",
)


def upgrade() -> None:
    op.create_table(
        "alarm",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("kind", sa.String(length=48), nullable=False),
        sa.Column("detail", sa.String(length=200), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm")),
    )
    with op.batch_alter_table("alarm", schema=None) as batch_op:
        batch_op.create_index("ix_alarm_kind_ended_at", ["kind", "ended_at"], unique=False)

    op.create_table(
        "opt_out",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("external_id", sa.String(length=128), nullable=False),
        sa.Column("how", sa.String(length=16), nullable=False),
        sa.Column("word", sa.String(length=32), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opt_out")),
    )
    with op.batch_alter_table("opt_out", schema=None) as batch_op:
        batch_op.create_index("ix_opt_out_channel_external_id", ["channel", "external_id"], unique=False)

    op.create_table(
        "sending_pace",
        sa.Column("sender", sa.String(length=64), nullable=False),
        sa.Column("tokens", sa.Float(), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("sender", name=op.f("pk_sending_pace")),
    )
    op.create_table(
        "spend",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("segments", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "kind", name=op.f("pk_spend")),
    )
    op.create_table(
        "sweep_run",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("provider", sa.String(length=16), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("listed_in", sa.Integer(), nullable=False),
        sa.Column("missing_in", sa.Integer(), nullable=False),
        sa.Column("listed_out", sa.Integer(), nullable=False),
        sa.Column("missing_out", sa.Integer(), nullable=False),
        sa.Column("fault", sa.String(length=96), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sweep_run")),
    )
    with op.batch_alter_table("sweep_run", schema=None) as batch_op:
        batch_op.create_index("ix_sweep_run_provider_started_at", ["provider", "started_at"], unique=False)

    op.create_table(
        "held_count",
        sa.Column("conversation_id", sa.String(length=32), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("listed", sa.Integer(), nullable=False),
        sa.Column("held", sa.Integer(), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_held_count_conversation_id_conversation")
        ),
        sa.PrimaryKeyConstraint("conversation_id", name=op.f("pk_held_count")),
    )
    op.create_table(
        "inbound_media",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("inbox_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("stated_type", sa.String(length=96), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=48), nullable=True),
        sa.Column("found_type", sa.String(length=96), nullable=True),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["inbox_id"], ["inbox.id"], name=op.f("fk_inbound_media_inbox_id_inbox")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound_media")),
        sa.UniqueConstraint("inbox_id", "position", name=op.f("uq_inbound_media_inbox_id_position")),
    )
    with op.batch_alter_table("inbound_media", schema=None) as batch_op:
        batch_op.create_index(
            "ix_inbound_media_waiting",
            ["not_before", "id"],
            unique=False,
            sqlite_where=sa.text("status IN ('waiting')"),
            postgresql_where=sa.text("status IN ('waiting')"),
        )

    op.create_table(
        "media_content",
        sa.Column(
            "media_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["media_id"], ["inbound_media.id"], name=op.f("fk_media_content_media_id_inbound_media")
        ),
        sa.PrimaryKeyConstraint("media_id", name=op.f("pk_media_content")),
    )
    op.add_column("inbox", sa.Column("origin", sa.String(16), nullable=False, server_default="webhook"))
    op.add_column("inbox", sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("inbox", sa.Column("read_as", sa.Text(), nullable=True))
    op.add_column("inbox", sa.Column("details", sa.JSON(), nullable=True))
    op.add_column("outbox", sa.Column("menu_token", sa.String(32), nullable=True))
    op.add_column("outbox", sa.Column("delivery_state", sa.String(16), nullable=True))
    op.add_column("outbox", sa.Column("delivery_state_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_outbox_menu_token", "outbox", ["menu_token"], unique=True)
    op.create_index("ix_outbox_sent_at", "outbox", ["sent_at"])


def downgrade() -> None:
    op.drop_index("ix_outbox_sent_at", table_name="outbox")
    op.drop_index("ix_outbox_menu_token", table_name="outbox")
    for table, names in NEW_COLUMNS.items():
        for name in names:
            op.execute(f"ALTER TABLE {table} DROP COLUMN {name}")
    for name in NEW_TABLES:
        op.drop_table(name)
