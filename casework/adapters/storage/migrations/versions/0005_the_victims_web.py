"""The victim's web: what a visit chose, passkeys, and what they thought of how they were treated"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

NEW_COLUMNS = ("language", "screen_seen", "idle_minutes", "challenge", "challenge_until")
ANSWERS = ("kept_informed", "ease_of_contact", "actions_taken", "treatment", "whole_experience")


def upgrade() -> None:
    op.add_column("web_session", sa.Column("language", sa.String(8), nullable=False, server_default="en"))
    op.add_column("web_session", sa.Column("screen_seen", sa.String(8), nullable=True))
    op.add_column("web_session", sa.Column("idle_minutes", sa.Integer, nullable=False, server_default="30"))
    op.add_column("web_session", sa.Column("challenge", sa.String(128), nullable=True))
    op.add_column("web_session", sa.Column("challenge_until", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "passkey",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("credential_id", sa.String(512), nullable=False),
        sa.Column("public_key", sa.LargeBinary, nullable=False),
        sa.Column("sign_count", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_passkey_person_id_person"),
        sa.PrimaryKeyConstraint("id", name="pk_passkey"),
        sa.UniqueConstraint("credential_id", name="uq_passkey_credential_id"),
    )
    op.create_index("ix_passkey_person_id", "passkey", ["person_id"])
    op.create_table(
        "feedback",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        *(sa.Column(name, sa.SmallInteger, nullable=True) for name in ANSWERS),
        sa.PrimaryKeyConstraint("id", name="pk_feedback"),
        sa.UniqueConstraint("token_hash", name="uq_feedback_token_hash"),
    )
    op.create_index("ix_feedback_answered_at", "feedback", ["answered_at"])


def downgrade() -> None:
    op.drop_table("feedback")
    op.drop_table("passkey")
    for name in NEW_COLUMNS:
        op.execute(f"ALTER TABLE web_session DROP COLUMN {name}")
