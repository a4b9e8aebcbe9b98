"""Drills, and what their synthetic victims write. See casework/services/drills.py."""

import sqlalchemy as sa

from casework.adapters.storage.tables import Serial, UtcDateTime, metadata

drill = sa.Table(
    "drill",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    # The name of its script: see casework/templates/drills.toml.
    sa.Column("script", sa.String(48), nullable=False),
    sa.Column("started_by", sa.String(48), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("starts_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime, nullable=True),
)

drill_line = sa.Table(
    "drill_line",
    metadata,
    sa.Column("id", Serial, primary_key=True, autoincrement=True),
    sa.Column("drill_id", sa.String(32), sa.ForeignKey("drill.id"), nullable=False, index=True),
    sa.Column("victim", sa.String(32), nullable=False),
    sa.Column("channel", sa.String(16), nullable=False),
    sa.Column("external_id", sa.String(128), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("due_at", UtcDateTime, nullable=False),
    sa.Column("sent_at", UtcDateTime, nullable=True),
    sa.Column("conversation_id", sa.String(32), sa.ForeignKey("conversation.id"), nullable=True),
)
