"""Where each chain of the audit ends, and the signed heads that are handed to places outside."""

import sqlalchemy as sa

from casework.adapters.storage.tables import UtcDateTime, metadata

# One row a chain. Whoever writes to a chain holds its row until the end of the transaction.
audit_head = sa.Table(
    "audit_head",
    metadata,
    sa.Column("shard", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
)

# Like the audit itself, only ever added to.
audit_anchor = sa.Table(
    "audit_anchor",
    metadata,
    # Counted without a gap: one that is gone is missed.
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("signed_at", UtcDateTime, nullable=False),
    sa.Column("signed", sa.Text, nullable=False),
)

# How far each place has got. A place begins with the newest anchor there is when it is first seen.
anchor_place = sa.Table(
    "anchor_place",
    metadata,
    sa.Column("place", sa.String(200), primary_key=True),
    sa.Column("handed_number", sa.BigInteger, nullable=False),
    sa.Column("handed_at", UtcDateTime, nullable=True),
    sa.Column("tried_at", UtcDateTime, nullable=True),
    sa.Column("fault", sa.String(48), nullable=True),
)
