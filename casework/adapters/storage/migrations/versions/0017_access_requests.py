"""Requests for access, and what is held back from them"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

OPEN = sa.text("status IN ('looking', 'ready')")


def upgrade() -> None:
    op.create_table(
        "access_request",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("asked_on", sa.Date(), nullable=False),
        sa.Column("asked_by", sa.String(200), nullable=False),
        sa.Column("identity", sa.String(500), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("put_off_why", sa.String(500), nullable=True),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("names_staff", sa.Boolean(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_by", sa.String(32), nullable=False),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ready_by", sa.String(32), nullable=True),
        sa.Column("copy_sha256", sa.String(64), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(32), nullable=True),
        sa.Column("ended_how", sa.String(500), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_access_request_person_id_person"),
        *(_staff("access_request", name) for name in ("opened_by", "ready_by", "ended_by")),
        sa.PrimaryKeyConstraint("id", name="pk_access_request"),
    )
    op.create_index("ix_access_request_person_id", "access_request", ["person_id"])
    op.create_index(
        "uq_access_request_open",
        "access_request",
        ["person_id"],
        unique=True,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
    op.create_table(
        "access_decision",
        sa.Column("request_id", sa.String(32), nullable=False),
        sa.Column("item", sa.String(160), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(24), nullable=True),
        sa.Column("why", sa.String(500), nullable=True),
        sa.Column("spans", sa.JSON(), nullable=True),
        sa.Column("is_told", sa.Boolean(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String(32), nullable=False),
        sa.Column("agreed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("agreed_by", sa.String(32), nullable=True),
        sa.ForeignKeyConstraint(
            ["request_id"], ["access_request.id"], name="fk_access_decision_request_id_access_request"
        ),
        *(_staff("access_decision", name) for name in ("decided_by", "agreed_by")),
        sa.PrimaryKeyConstraint("request_id", "item", name="pk_access_decision"),
    )


def downgrade() -> None:
    op.drop_table("access_decision")
    op.drop_table("access_request")


def _staff(table: str, column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], ["staff_member.id"], name=f"fk_{table}_{column}_staff_member")
