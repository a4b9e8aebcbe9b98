"""People and their plans, events, invites, throttles, clocks, notices, promises and the officer's thread"""

import hashlib
import json
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = (
    "duress_check",
    *("officer_message", "officer_link", "promise", "running_clock", "case_notice", "case_event", "invite"),
    *("credential", "throttle", "held_import"),
)


def upgrade() -> None:
    create_tables()
    # Altered in place: a copy of the table, as Alembic's batch would make, breaks what points at it.
    op.execute(
        'ALTER TABLE "case" ADD COLUMN person_id VARCHAR(32)'
        " CONSTRAINT fk_case_person_id_person REFERENCES person (id)"
    )
    op.create_index("ix_case_person_id", "case", ["person_id"])
    op.create_index("ix_case_contact_email", "case", ["contact_email"])
    move_events()
    op.execute('ALTER TABLE "case" DROP COLUMN events')
    op.add_column(
        "outbox", sa.Column("kind", sa.String(24), nullable=False, server_default="assistant_reply")
    )
    op.add_column("standing", sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("standing", sa.Column("ended_why", sa.String(32), nullable=True))
    op.create_index("ix_standing_crime_reference", "standing", ["crime_reference"])
    op.create_index("ix_code_request_reference", "code_request", ["reference", "requested_at"])
    op.create_index("ix_promise_conversation_id", "promise", ["conversation_id"])
    op.create_index(
        "ix_officer_message_conversation_id", "officer_message", ["conversation_id", "created_at"]
    )
    op.create_index("ix_web_session_external_id", "web_session", ["external_id"])


def move_events() -> None:
    """From a list in each case's row to rows of their own."""
    connection = op.get_bind()
    case = sa.table("case", sa.column("crime_reference"), sa.column("events", sa.JSON))
    event = sa.table(
        "case_event",
        *(sa.column(name) for name in ("crime_reference", "event_id", "kind", "detail")),
        *(sa.column(name, sa.DateTime(timezone=True)) for name in ("at", "received_at")),
    )
    now = datetime.now(UTC)
    for reference, events in connection.execute(sa.select(case)).all():
        rows = {_event_id(each): each for each in events}
        for event_id, each in rows.items():
            connection.execute(
                sa.insert(event).values(
                    crime_reference=reference,
                    event_id=event_id,
                    kind=each["kind"],
                    detail=each["detail"],
                    at=datetime.fromisoformat(each["at"]).astimezone(UTC),
                    received_at=now,
                )
            )


def _event_id(event: dict[str, str]) -> str:
    """As casework/model/case_changes.py: name_of_file_event."""
    said = json.dumps([event["at"], event["kind"], event["detail"]])
    return f"file:{hashlib.sha256(said.encode()).hexdigest()[:32]}"


def create_tables() -> None:
    op.create_table(
        "duress_check",
        sa.Column(
            "inbox_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("conversation_id", sa.String(length=32), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["inbox_id"], ["inbox.id"], name=op.f("fk_duress_check_inbox_id_inbox")),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversation.id"],
            name=op.f("fk_duress_check_conversation_id_conversation"),
        ),
        sa.PrimaryKeyConstraint("inbox_id", name=op.f("pk_duress_check")),
    )
    op.create_index(op.f("ix_duress_check_due_at"), "duress_check", ["due_at"])
    op.create_table(
        "held_import",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("filename", sa.String(length=200), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("summary", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("held_by", sa.String(length=48), nullable=False),
        sa.Column("first_approved_by", sa.String(length=48), nullable=True),
        sa.Column("decided_by", sa.String(length=48), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_held_import")),
    )
    with op.batch_alter_table("held_import", schema=None) as batch_op:
        batch_op.create_index(
            "ix_held_import_held",
            ["held_at"],
            unique=False,
            sqlite_where=sa.text("status IN ('held')"),
            postgresql_where=sa.text("status IN ('held')"),
        )

    op.create_table(
        "person",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("match_key", sa.String(length=64), nullable=False),
        sa.Column("contact_mobile", sa.String(length=32), nullable=True),
        sa.Column("plan", sa.JSON(), nullable=True),
        sa.Column("plan_changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("plan_changed_by", sa.String(length=48), nullable=True),
        sa.Column("contact_confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("contact_suspended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("contact_suspended_why", sa.String(length=32), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("match_key", name=op.f("uq_person_match_key")),
    )
    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_person_contact_mobile"), ["contact_mobile"], unique=False)

    op.create_table(
        "throttle",
        sa.Column("bucket", sa.String(length=160), nullable=False),
        sa.Column("window_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("cools_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cooled", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("bucket", name=op.f("pk_throttle")),
    )
    op.create_table(
        "credential",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("secret_hash", sa.String(length=128), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_credential_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credential")),
    )
    with op.batch_alter_table("credential", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_credential_person_id"), ["person_id"], unique=False)

    op.create_table(
        "case_event",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("crime_reference", sa.String(length=32), nullable=False),
        sa.Column("event_id", sa.String(length=80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=48), nullable=False),
        sa.Column("detail", sa.String(length=200), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["crime_reference"], ["case.crime_reference"], name=op.f("fk_case_event_crime_reference_case")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_event")),
        sa.UniqueConstraint(
            "crime_reference", "event_id", name=op.f("uq_case_event_crime_reference_event_id")
        ),
    )
    op.create_table(
        "case_notice",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("crime_reference", sa.String(length=32), nullable=False),
        sa.Column("event_id", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=48), nullable=False),
        sa.Column("import_id", sa.String(length=32), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("needs_person", sa.Boolean(), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("blocked_why", sa.String(length=32), nullable=True),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_by_person_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_by", sa.String(length=48), nullable=True),
        sa.Column("noticed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["crime_reference"], ["case.crime_reference"], name=op.f("fk_case_notice_crime_reference_case")
        ),
        sa.ForeignKeyConstraint(
            ["import_id"], ["held_import.id"], name=op.f("fk_case_notice_import_id_held_import")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_notice")),
        sa.UniqueConstraint(
            "crime_reference", "event_id", name=op.f("uq_case_notice_crime_reference_event_id")
        ),
    )
    with op.batch_alter_table("case_notice", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_case_notice_import_id"), ["import_id"], unique=False)
        batch_op.create_index(
            "ix_case_notice_waiting",
            ["not_before"],
            unique=False,
            sqlite_where=sa.text("status IN ('waiting')"),
            postgresql_where=sa.text("status IN ('waiting')"),
        )

    op.create_table(
        "invite",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("crime_reference", sa.String(length=32), nullable=False),
        sa.Column("by_way_of", sa.String(length=16), nullable=False),
        sa.Column("issued_by", sa.String(length=48), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("conversation_id", sa.String(length=32), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_to", sa.String(length=254), nullable=True),
        sa.Column("word_hash", sa.String(length=128), nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_invite_conversation_id_conversation")
        ),
        sa.ForeignKeyConstraint(
            ["crime_reference"], ["case.crime_reference"], name=op.f("fk_invite_crime_reference_case")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invite")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_invite_token_hash")),
    )
    with op.batch_alter_table("invite", schema=None) as batch_op:
        batch_op.create_index("ix_invite_crime_reference", ["crime_reference", "issued_at"], unique=False)
        batch_op.create_index("ix_invite_sent_to", ["sent_to", "issued_at"], unique=False)

    op.create_table(
        "officer_link",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("crime_reference", sa.String(length=32), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["crime_reference"], ["case.crime_reference"], name=op.f("fk_officer_link_crime_reference_case")
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_officer_link")),
    )
    op.create_table(
        "promise",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("conversation_id", sa.String(length=32), nullable=True),
        sa.Column("crime_reference", sa.String(length=32), nullable=True),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("owner", sa.String(length=48), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dedupe_key", sa.String(length=96), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_promise_conversation_id_conversation")
        ),
        sa.ForeignKeyConstraint(
            ["crime_reference"], ["case.crime_reference"], name=op.f("fk_promise_crime_reference_case")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promise")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_promise_dedupe_key")),
    )
    with op.batch_alter_table("promise", schema=None) as batch_op:
        batch_op.create_index(
            "ix_promise_made",
            ["due_at"],
            unique=False,
            sqlite_where=sa.text("status IN ('made')"),
            postgresql_where=sa.text("status IN ('made')"),
        )

    op.create_table(
        "running_clock",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("crime_reference", sa.String(length=32), nullable=False),
        sa.Column("clock_id", sa.String(length=48), nullable=False),
        sa.Column("right", sa.String(length=16), nullable=False),
        sa.Column("event_id", sa.String(length=80), nullable=False),
        sa.Column("started_by", sa.String(length=48), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("is_enhanced", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("met_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["crime_reference"], ["case.crime_reference"], name=op.f("fk_running_clock_crime_reference_case")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_running_clock")),
        sa.UniqueConstraint(
            "crime_reference",
            "clock_id",
            "event_id",
            name=op.f("uq_running_clock_crime_reference_clock_id_event_id"),
        ),
    )
    with op.batch_alter_table("running_clock", schema=None) as batch_op:
        batch_op.create_index(
            "ix_running_clock_running",
            ["due_on", "id"],
            unique=False,
            sqlite_where=sa.text("status IN ('running', 'undated')"),
            postgresql_where=sa.text("status IN ('running', 'undated')"),
        )
        batch_op.create_index(
            "ix_running_clock_overdue",
            ["due_on", "id"],
            unique=False,
            sqlite_where=sa.text("status IN ('overdue')"),
            postgresql_where=sa.text("status IN ('overdue')"),
        )

    op.create_table(
        "officer_message",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("crime_reference", sa.String(length=32), nullable=False),
        sa.Column("conversation_id", sa.String(length=32), nullable=True),
        sa.Column("author", sa.String(length=16), nullable=False),
        sa.Column("author_name", sa.String(length=128), nullable=False),
        sa.Column("inbox_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversation.id"],
            name=op.f("fk_officer_message_conversation_id_conversation"),
        ),
        sa.ForeignKeyConstraint(
            ["crime_reference"],
            ["case.crime_reference"],
            name=op.f("fk_officer_message_crime_reference_case"),
        ),
        sa.ForeignKeyConstraint(["inbox_id"], ["inbox.id"], name=op.f("fk_officer_message_inbox_id_inbox")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_officer_message")),
        sa.UniqueConstraint("inbox_id", name=op.f("uq_officer_message_inbox_id")),
    )
    with op.batch_alter_table("officer_message", schema=None) as batch_op:
        batch_op.create_index(
            "ix_officer_message_crime_reference", ["crime_reference", "created_at"], unique=False
        )
        batch_op.create_index(
            "ix_officer_message_waiting",
            ["due_at"],
            unique=False,
            sqlite_where=sa.text("status IN ('waiting')"),
            postgresql_where=sa.text("status IN ('waiting')"),
        )


def downgrade() -> None:
    op.drop_index("ix_web_session_external_id", table_name="web_session")
    op.drop_index("ix_code_request_reference", table_name="code_request")
    op.drop_index("ix_standing_crime_reference", table_name="standing")
    op.execute("ALTER TABLE standing DROP COLUMN ended_why")
    op.execute("ALTER TABLE standing DROP COLUMN last_used_at")
    op.execute("ALTER TABLE outbox DROP COLUMN kind")
    op.add_column("case", sa.Column("events", sa.JSON(), nullable=False, server_default="[]"))
    op.drop_index("ix_case_person_id", table_name="case")
    op.drop_index("ix_case_contact_email", table_name="case")
    with op.batch_alter_table("case") as table:
        table.drop_column("person_id")
    for name in TABLES:
        op.drop_table(name)
    op.drop_table("person")
