"""Staff: sign-in by the force or with a second factor, and opening beyond one's own work"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

MEMBER_COLUMNS = ("collar_number", "issuer", "subject", "ended_at")
SESSION_COLUMNS = ("stage", "proved_at")


def upgrade() -> None:
    op.add_column("staff_member", sa.Column("collar_number", sa.String(32), nullable=True))
    op.add_column("staff_member", sa.Column("issuer", sa.String(256), nullable=True))
    op.add_column("staff_member", sa.Column("subject", sa.String(256), nullable=True))
    op.add_column("staff_member", sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_staff_member_issuer_subject", "staff_member", ["issuer", "subject"], unique=True)
    op.add_column("staff_session", sa.Column("stage", sa.String(8), nullable=False, server_default="open"))
    op.add_column("staff_session", sa.Column("proved_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_staff_session_staff_id", "staff_session", ["staff_id"])
    _create_factors()
    op.create_table(
        "sign_in_attempt",
        sa.Column("state_hash", sa.String(64), nullable=False),
        sa.Column("browser_hash", sa.String(64), nullable=False),
        sa.Column("nonce", sa.String(64), nullable=False),
        sa.Column("verifier", sa.String(128), nullable=False),
        sa.Column("next_page", sa.String(200), nullable=False),
        sa.Column("session_hash", sa.String(64), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("state_hash", name="pk_sign_in_attempt"),
    )
    op.create_index("ix_sign_in_attempt_started_at", "sign_in_attempt", ["started_at"])
    _create_glass()


def _create_factors() -> None:
    op.create_table(
        "staff_factor",
        sa.Column("staff_id", sa.String(32), nullable=False),
        sa.Column("secret", sa.String(64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_step", sa.BigInteger, nullable=False, server_default="0"),
        _to_staff("staff_factor", "staff_id"),
        sa.PrimaryKeyConstraint("staff_id", name="pk_staff_factor"),
    )
    op.create_table(
        "staff_recovery_code",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("staff_id", sa.String(32), nullable=False),
        sa.Column("code_hash", sa.String(160), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        _to_staff("staff_recovery_code", "staff_id"),
        sa.PrimaryKeyConstraint("id", name="pk_staff_recovery_code"),
    )
    op.create_index("ix_staff_recovery_code_staff_id", "staff_recovery_code", ["staff_id"])


def _create_glass() -> None:
    op.create_table(
        "glass_opening",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("conversation_id", sa.String(32), nullable=False),
        sa.Column("staff_id", sa.String(32), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reviewed_by", sa.String(32), nullable=True),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_justified", sa.Boolean, nullable=True),
        sa.Column("review_words", sa.String(500), nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name="fk_glass_opening_conversation_id_conversation"
        ),
        _to_staff("glass_opening", "staff_id"),
        _to_staff("glass_opening", "reviewed_by"),
        sa.PrimaryKeyConstraint("id", name="pk_glass_opening"),
    )
    op.create_index("ix_glass_opening_opened_at", "glass_opening", ["opened_at"])
    op.create_index("ix_glass_opening_reviewed_at", "glass_opening", ["reviewed_at"])
    op.create_index(
        "ix_glass_opening_conversation_id_staff_id", "glass_opening", ["conversation_id", "staff_id"]
    )


def _to_staff(table: str, column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], ["staff_member.id"], name=f"fk_{table}_{column}_staff_member")


def downgrade() -> None:
    for table in ("glass_opening", "sign_in_attempt", "staff_recovery_code", "staff_factor"):
        op.drop_table(table)
    op.drop_index("ix_staff_session_staff_id", "staff_session")
    op.drop_index("ix_staff_member_issuer_subject", "staff_member")
    for name in SESSION_COLUMNS:
        op.execute(f"ALTER TABLE staff_session DROP COLUMN {name}")
    for name in MEMBER_COLUMNS:
        op.execute(f"ALTER TABLE staff_member DROP COLUMN {name}")
