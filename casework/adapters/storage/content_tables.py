"""Words published over those of the release, and who was told which."""

import sqlalchemy as sa

from casework.adapters.storage.tables import Serial, UtcDateTime, metadata

content_version = sa.Table(
    "content_version",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("name", sa.String(96), nullable=False),
    # reply, right, directory.
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    # The words for each channel.
    sa.Column("forms", sa.JSON, nullable=False),
    sa.Column("source", sa.String(300), nullable=False),
    sa.Column("review_by", sa.Date, nullable=True),
    # base, draft, published, replaced, refused.
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("drafted_by", sa.String(48), nullable=False),
    sa.Column("drafted_at", UtcDateTime, nullable=False),
    sa.Column("approved_by", sa.String(48), nullable=True),
    sa.Column("published_at", UtcDateTime, nullable=True),
    sa.Column("note", sa.String(500), nullable=False),
    sa.UniqueConstraint("name", "version"),
    *(
        sa.Index(
            f"uq_content_version_{status}",
            "name",
            unique=True,
            sqlite_where=sa.text(f"status = '{status}'"),
            postgresql_where=sa.text(f"status = '{status}'"),
        )
        for status in ("published", "draft")
    ),
)

# Which text, in which of its versions, a message was made of.
told_content = sa.Table(
    "told_content",
    metadata,
    sa.Column("outbox_id", Serial, sa.ForeignKey("outbox.id"), primary_key=True),
    sa.Column("name", sa.String(96), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Index("ix_told_content_name_version_at", "name", "version", "at"),
)
