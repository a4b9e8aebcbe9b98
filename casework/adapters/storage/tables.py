"""Every table, once. Migrations are checked against this page by a test."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """Aware UTC in, aware UTC out, on databases with and without time zones."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored time must be aware")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Any) -> datetime | None:
        if value is None:
            return None
        aware: datetime = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return aware


# SQLite gives only INTEGER PRIMARY KEY its rowid; PostgreSQL should have 64 bits.
Serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _id() -> sa.Column[str]:
    return sa.Column("id", sa.String(32), primary_key=True)


def _serial() -> sa.Column[int]:
    return sa.Column("id", Serial, primary_key=True, autoincrement=True)


def _partial_index(name: str, *columns: str, only: Sequence[str]) -> sa.Index:
    """An index of the few rows still in work, so that finding them costs the same however many are done.

    A query uses it only if it repeats the condition with values the planner can see: `status_in`.
    """
    condition = sa.text(f"status IN ({', '.join(repr(status) for status in only)})")
    return sa.Index(name, *columns, sqlite_where=condition, postgresql_where=condition)


TURN_UNFINISHED = ("waiting", "leased")
OUTBOX_UNFINISHED = ("waiting", "sending", "unknown")
DESK_ITEM_OPEN = ("open", "claimed")
DESK_ITEM_UNCLAIMED = ("open",)
CODE_REQUEST_WAITING = ("waiting",)


def status_in(table: sa.FromClause, statuses: Sequence[str]) -> sa.ColumnElement[bool]:
    """The same condition for a query, its values written out for the planner to see."""
    values: sa.BindParameter[list[str]] = sa.bindparam(
        None, list(statuses), expanding=True, literal_execute=True
    )
    return table.c.status.in_(values)


def _conversation(nullable: bool = False) -> sa.Column[str]:
    return sa.Column("conversation_id", sa.String(32), sa.ForeignKey("conversation.id"), nullable=nullable)


conversation = sa.Table(
    "conversation",
    metadata,
    _id(),
    sa.Column("channel", sa.String(16), nullable=False),
    sa.Column("external_id", sa.String(128), nullable=False),
    sa.Column("state", sa.JSON, nullable=True),
    sa.Column("epoch", sa.Integer, nullable=False, default=0),
    sa.Column("owner_id", sa.String(32), sa.ForeignKey("staff_member.id"), nullable=True),
    sa.Column("owned_since", UtcDateTime, nullable=True),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("last_inbound_at", UtcDateTime, nullable=True),
    sa.UniqueConstraint("channel", "external_id"),
)

inbox = sa.Table(
    "inbox",
    metadata,
    _serial(),
    sa.Column("channel", sa.String(16), nullable=False),
    sa.Column("provider_message_id", sa.String(128), nullable=False),
    _conversation(),
    sa.Column("received_at", UtcDateTime, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("raw", sa.LargeBinary, nullable=False),
    sa.Column("media_count", sa.Integer, nullable=False),
    sa.Column("has_location", sa.Boolean, nullable=False),
    sa.Column("screen", sa.JSON, nullable=False),
    sa.UniqueConstraint("channel", "provider_message_id"),
    sa.Index("ix_inbox_conversation_id_id", "conversation_id", "id"),
)

turn = sa.Table(
    "turn",
    metadata,
    _id(),
    sa.Column("inbox_id", Serial, sa.ForeignKey("inbox.id"), nullable=False, unique=True),
    _conversation(),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("outcome", sa.String(32), nullable=True),
    sa.Column("fence", sa.Integer, nullable=False, default=0),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("leased_by", sa.String(32), nullable=True),
    sa.Column("lease_until", UtcDateTime, nullable=True),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("finished_at", UtcDateTime, nullable=True),
    _partial_index("ix_turn_unfinished", "inbox_id", only=TURN_UNFINISHED),
    _partial_index("ix_turn_unfinished_conversation", "conversation_id", "inbox_id", only=TURN_UNFINISHED),
)

outbox = sa.Table(
    "outbox",
    metadata,
    _serial(),
    _conversation(),
    sa.Column("turn_id", sa.String(32), sa.ForeignKey("turn.id"), nullable=True),
    sa.Column("dedupe_key", sa.String(96), nullable=False, unique=True),
    sa.Column("lane", sa.Integer, nullable=False),
    sa.Column("channel", sa.String(16), nullable=False),
    sa.Column("to", sa.String(128), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("choices", sa.JSON, nullable=False),
    sa.Column("template", sa.String(96), nullable=False),
    sa.Column("author", sa.String(16), nullable=False),
    sa.Column("staff_id", sa.String(32), sa.ForeignKey("staff_member.id"), nullable=True),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("safe_contact_decision", sa.String(48), nullable=False),
    sa.Column("valid_for_seconds", sa.Integer, nullable=True),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("reason", sa.String(64), nullable=True),
    sa.Column("provider_message_id", sa.String(128), nullable=True),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("fence", sa.Integer, nullable=False, default=0),
    sa.Column("leased_by", sa.String(32), nullable=True),
    sa.Column("lease_until", UtcDateTime, nullable=True),
    sa.Column("not_before", UtcDateTime, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("sent_at", UtcDateTime, nullable=True),
    sa.Index("ix_outbox_conversation_id_id", "conversation_id", "id"),
    sa.Index("ix_outbox_provider_message_id", "provider_message_id"),
    _partial_index("ix_outbox_unfinished", "lane", "id", only=OUTBOX_UNFINISHED),
    _partial_index(
        "ix_outbox_unfinished_conversation", "conversation_id", "lane", "id", only=OUTBOX_UNFINISHED
    ),
)

delivery_attempt = sa.Table(
    "delivery_attempt",
    metadata,
    _serial(),
    sa.Column("outbox_id", Serial, sa.ForeignKey("outbox.id"), nullable=False, index=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("outcome", sa.String(16), nullable=False),
    sa.Column("error_code", sa.String(32), nullable=True),
)

delivery_event = sa.Table(
    "delivery_event",
    metadata,
    _serial(),
    sa.Column("provider_message_id", sa.String(128), nullable=False, index=True),
    sa.Column("status", sa.String(32), nullable=False),
    sa.Column("error_code", sa.String(32), nullable=True),
    sa.Column("received_at", UtcDateTime, nullable=False),
)

desk_item = sa.Table(
    "desk_item",
    metadata,
    _id(),
    _conversation(),
    sa.Column("inbox_id", Serial, sa.ForeignKey("inbox.id"), nullable=True),
    sa.Column("dedupe_key", sa.String(96), nullable=False, unique=True),
    sa.Column("grade", sa.Integer, nullable=False),
    sa.Column("tier", sa.Integer, nullable=True),
    sa.Column("category", sa.String(48), nullable=True),
    sa.Column("reason", sa.String(32), nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("owner_id", sa.String(32), sa.ForeignKey("staff_member.id"), nullable=True),
    sa.Column("waiting_since", UtcDateTime, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("claimed_at", UtcDateTime, nullable=True),
    sa.Column("closed_at", UtcDateTime, nullable=True),
    sa.Column("outcome", sa.String(32), nullable=True),
    sa.Column("evidence", sa.JSON, nullable=True),
    sa.Column("asked_at", UtcDateTime, nullable=True),
    sa.Column("answer", sa.String(8), nullable=True),
    sa.Column("quiet_due_at", UtcDateTime, nullable=True),
    sa.Column("quiet_since", UtcDateTime, nullable=True),
    # 0 once the person has gone quiet, else 1: a column, so that the queue's order is an index's.
    sa.Column("place_in_grade", sa.Integer, nullable=False, default=1, server_default="1"),
    sa.Index("ix_desk_item_conversation_id_closed_at", "conversation_id", "closed_at"),
    _partial_index(
        "ix_desk_item_queue", "grade", "place_in_grade", "waiting_since", "id", only=DESK_ITEM_OPEN
    ),
    _partial_index("ix_desk_item_quiet", "quiet_due_at", only=DESK_ITEM_UNCLAIMED),
)

case = sa.Table(
    "case",
    metadata,
    sa.Column("crime_reference", sa.String(32), primary_key=True),
    sa.Column("crime_type", sa.String(96), nullable=False),
    sa.Column("stage", sa.String(48), nullable=False),
    sa.Column("stage_since", sa.Date, nullable=False),
    sa.Column("oic_name", sa.String(128), nullable=False),
    sa.Column("oic_collar_number", sa.String(32), nullable=False),
    sa.Column("oic_contact", sa.String(128), nullable=False),
    sa.Column("next_update_due", sa.Date, nullable=True),
    sa.Column("victim_name", sa.String(128), nullable=False),
    sa.Column("contact_mobile", sa.String(32), nullable=True),
    sa.Column("contact_email", sa.String(254), nullable=True),
    sa.Column("safe_contact", sa.String(32), nullable=False),
    sa.Column("enhanced_rights", sa.Boolean, nullable=True),
    sa.Column("language", sa.String(16), nullable=False),
    sa.Column("events", sa.JSON, nullable=False),
    sa.Column("imported_at", UtcDateTime, nullable=False),
)

standing = sa.Table(
    "standing",
    metadata,
    _serial(),
    _conversation(),
    sa.Column("crime_reference", sa.String(32), sa.ForeignKey("case.crime_reference"), nullable=False),
    sa.Column("level", sa.Integer, nullable=False),
    sa.Column("method", sa.String(32), nullable=False),
    sa.Column("proved_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime, nullable=True),
    sa.Index("ix_standing_conversation_id", "conversation_id"),
)

code_request = sa.Table(
    "code_request",
    metadata,
    _id(),
    _conversation(),
    # What was typed, in canonical form; whether it exists is never known before the request is stored.
    sa.Column("reference", sa.String(32), nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("requested_at", UtcDateTime, nullable=False),
    sa.Column("code_hash", sa.String(128), nullable=True),
    sa.Column("crime_reference", sa.String(32), sa.ForeignKey("case.crime_reference"), nullable=True),
    sa.Column("expires_at", UtcDateTime, nullable=True),
    sa.Column("failures", sa.Integer, nullable=False, default=0),
    sa.Index("ix_code_request_conversation_id_requested_at", "conversation_id", "requested_at"),
    sa.Index("ix_code_request_crime_reference", "crime_reference", "requested_at"),
    _partial_index("ix_code_request_waiting", "requested_at", only=CODE_REQUEST_WAITING),
)

web_session = sa.Table(
    "web_session",
    metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),
    sa.Column("external_id", sa.String(32), nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("last_seen_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime, nullable=True),
)

staff_member = sa.Table(
    "staff_member",
    metadata,
    _id(),
    sa.Column("login", sa.String(64), nullable=False, unique=True),
    sa.Column("display_name", sa.String(96), nullable=False),
    sa.Column("role", sa.String(24), nullable=False),
    sa.Column("password_hash", sa.String(160), nullable=False),
    sa.Column("is_active", sa.Boolean, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
)

staff_session = sa.Table(
    "staff_session",
    metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),
    sa.Column("staff_id", sa.String(32), sa.ForeignKey("staff_member.id"), nullable=False),
    sa.Column("csrf_token", sa.String(64), nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("last_seen_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime, nullable=True),
)

audit = sa.Table(
    "audit",
    metadata,
    _serial(),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("actor", sa.String(48), nullable=False),
    sa.Column("act", sa.String(48), nullable=False),
    _conversation(nullable=True),
    sa.Column("thing", sa.String(96), nullable=True),
    sa.Index("ix_audit_conversation_id", "conversation_id"),
)

worker_beat = sa.Table(
    "worker_beat",
    metadata,
    sa.Column("worker_id", sa.String(32), primary_key=True),
    sa.Column("beat_at", UtcDateTime, nullable=False),
)
