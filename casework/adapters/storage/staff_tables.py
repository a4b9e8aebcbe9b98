"""Staff: how they prove who they are, what they may open beyond their own work, and their shifts."""

import sqlalchemy as sa

from casework.adapters.storage.sealed import Sealed, of_service, sealed_rows
from casework.adapters.storage.tables import UtcDateTime, metadata

# The secret of a member's one-time codes. `last_step`: the 30 seconds whose code was taken last; none before it counts.
staff_factor = sa.Table(
    "staff_factor",
    metadata,
    sa.Column("staff_id", sa.String(32), sa.ForeignKey("staff_member.id"), primary_key=True),
    sa.Column("secret", Sealed(), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("confirmed_at", UtcDateTime, nullable=True),
    sa.Column("last_step", sa.BigInteger, nullable=False, server_default="0"),
    info=sealed_rows(row=["staff_id"], owner=of_service),
)

staff_recovery_code = sa.Table(
    "staff_recovery_code",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("staff_id", sa.String(32), sa.ForeignKey("staff_member.id"), nullable=False, index=True),
    sa.Column("code_hash", sa.String(160), nullable=False),
    sa.Column("used_at", UtcDateTime, nullable=True),
)

# A log-in at the force's identity provider that has begun and not come back.
sign_in_attempt = sa.Table(
    "sign_in_attempt",
    metadata,
    sa.Column("state_hash", sa.String(64), primary_key=True),
    sa.Column("browser_hash", sa.String(64), nullable=False),
    sa.Column("nonce", sa.String(64), nullable=False),
    sa.Column("verifier", sa.String(128), nullable=False),
    sa.Column("next_page", sa.String(200), nullable=False),
    # Whose session is proved again; NULL for a new log-in.
    sa.Column("session_hash", sa.String(64), nullable=True),
    sa.Column("started_at", UtcDateTime, nullable=False, index=True),
)

# One opening of a conversation that was not one's own work: the reason, the time it lasts, and what a supervisor
# thought of it.
glass_opening = sa.Table(
    "glass_opening",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("conversation_id", sa.String(32), sa.ForeignKey("conversation.id"), nullable=False),
    sa.Column("staff_id", sa.String(32), sa.ForeignKey("staff_member.id"), nullable=False),
    sa.Column("reason", Sealed(), nullable=False),
    sa.Column("opened_at", UtcDateTime, nullable=False, index=True),
    sa.Column("until", UtcDateTime, nullable=False),
    sa.Column("reviewed_by", sa.String(32), sa.ForeignKey("staff_member.id"), nullable=True),
    sa.Column("reviewed_at", UtcDateTime, nullable=True),
    sa.Column("is_justified", sa.Boolean, nullable=True),
    sa.Column("review_words", Sealed(), nullable=True),
    sa.Index("ix_glass_opening_conversation_id_staff_id", "conversation_id", "staff_id"),
    sa.Index("ix_glass_opening_reviewed_at", "reviewed_at"),
    info=sealed_rows(row=["id"], owner="conversation_id"),
)
