"""Reading of conversations: what was found unusual in it, and how the record is looked through."""

import sqlalchemy as sa

from casework.adapters.storage.sealed import Sealed, of_service, sealed_rows
from casework.adapters.storage.tables import UtcDateTime, audit, metadata

# What one rule says of one day of one member of staff, and what a supervisor found. It names conversations and holds no
# word of any; it stays when they are erased, as the record does.
unusual_reading = sa.Table(
    "unusual_reading",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("rule", sa.String(24), nullable=False),
    sa.Column("staff_id", sa.String(32), sa.ForeignKey("staff_member.id"), nullable=False),
    sa.Column("day", sa.Date, nullable=False),
    # The first of them; `counted` is how many there are.
    sa.Column("conversation_ids", sa.JSON, nullable=False),
    sa.Column("counted", sa.Integer, nullable=False),
    sa.Column("usual", sa.Integer, nullable=True),
    sa.Column("found_at", UtcDateTime, nullable=False),
    sa.Column("reviewed_by", sa.String(32), sa.ForeignKey("staff_member.id"), nullable=True),
    sa.Column("reviewed_at", UtcDateTime, nullable=True),
    sa.Column("is_explained", sa.Boolean, nullable=True),
    sa.Column("review_words", Sealed(), nullable=True),
    sa.UniqueConstraint("rule", "staff_id", "day"),
    sa.Index("ix_unusual_reading_reviewed_at", "reviewed_at"),
    info=sealed_rows(row=["id"], owner=of_service),
)

# The days whose reading was looked at, found unusual or not.
reading_day = sa.Table(
    "reading_day",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("looked_at", UtcDateTime, nullable=False),
)

# The ways into the record, the newest first: by time alone, by act, and by who acted.
sa.Index("ix_audit_at", audit.c.at, audit.c.id)
sa.Index("ix_audit_act_at", audit.c.act, audit.c.at, audit.c.id)
sa.Index("ix_audit_actor_at", audit.c.actor, audit.c.at, audit.c.id)
