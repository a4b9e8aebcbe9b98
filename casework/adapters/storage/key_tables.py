"""The keys of what is sealed: one an owner, each wrapped, and what a start checks the key file by."""

import sqlalchemy as sa

from casework.adapters.storage.tables import UtcDateTime, metadata

FIELD, INDEX = "field", "index"

# Kept out of backups of the database, which are kept for longer: see casework/adapters/backups.py.
data_key = sa.Table(
    "data_key",
    metadata,
    # What is sealed names it.
    sa.Column("id", sa.String(16), primary_key=True),
    # A conversation, a person, case:<reference> or service.
    sa.Column("owner", sa.String(64), nullable=False, unique=True),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
    sa.Column("key_version", sa.Integer, nullable=False, index=True),
    sa.Column("made_at", UtcDateTime, nullable=False),
)

key_check = sa.Table(
    "key_check",
    metadata,
    sa.Column("kind", sa.String(8), primary_key=True),  # field, index
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    # A key wrapped to be unwrapped at a start, or an index to be made again.
    sa.Column("made", sa.LargeBinary, nullable=False),
)
