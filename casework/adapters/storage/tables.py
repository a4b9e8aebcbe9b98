"""Every table, once. Migrations are checked against this page by a test."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.sealed import (
    BYTES,
    JSON,
    SERVICE,
    BlindIndex,
    Sealed,
    Values,
    indexed,
    of_case,
    of_service,
    row_key,
    sealed_rows,
)

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
CLOCK_RUNNING = ("running", "undated")
CLOCK_OVERDUE = ("overdue",)
NOTICE_WAITING = ("waiting",)
OFFICER_MESSAGE_WAITING = ("waiting",)
PROMISE_MADE = ("made",)
IMPORT_HELD = ("held",)
MEDIA_WAITING = ("waiting",)


def status_in(table: sa.FromClause, statuses: Sequence[str]) -> sa.ColumnElement[bool]:
    """The same condition for a query, its values written out for the planner to see."""
    written_out: list[sa.ColumnClause[str]] = [sa.literal_column(repr(status)) for status in statuses]
    return table.c.status.in_(written_out)


def of_its_case(values: Values) -> str:
    return of_case(values["crime_reference"])


def of_talk_or_case(values: Values) -> str:
    """The owner of what belongs to a conversation, or to a case alone."""
    talk, reference = values.get("conversation_id"), values.get("crime_reference")
    return talk or (of_case(reference) if reference else SERVICE)


def _conversation(nullable: bool = False) -> sa.Column[str]:
    return sa.Column("conversation_id", sa.String(32), sa.ForeignKey("conversation.id"), nullable=nullable)


conversation = sa.Table(
    "conversation",
    metadata,
    _id(),
    sa.Column("channel", sa.String(16), nullable=False),
    *indexed("external_id", length=128, nullable=False),
    sa.Column("state", Sealed(JSON, erased=None), nullable=True),
    sa.Column("epoch", sa.Integer, nullable=False, default=0),
    sa.Column("owner_id", sa.String(32), sa.ForeignKey("staff_member.id"), nullable=True),
    sa.Column("owned_since", UtcDateTime, nullable=True),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("last_inbound_at", UtcDateTime, nullable=True),
    # No real person's: a rehearsal's. Nothing leaves for it, and nobody counts, measures or trains with it.
    sa.Column("is_drill", sa.Boolean, nullable=False, default=False, server_default=sa.false()),
    # Their oldest message no person has answered, while an item is open or somebody owns it; else None.
    sa.Column("awaiting_since", UtcDateTime, nullable=True),
    # Which model of the assistant they talk with, and when it last answered.
    sa.Column("model_id", sa.String(64), nullable=True),
    sa.Column("model_at", UtcDateTime, nullable=True),
    sa.UniqueConstraint("channel", "external_id"),
    # The few that somebody has.
    sa.Index(
        "ix_conversation_owned",
        "owner_id",
        sqlite_where=sa.text("owner_id IS NOT NULL"),
        postgresql_where=sa.text("owner_id IS NOT NULL"),
    ),
    info=sealed_rows(row=["id"], owner="id"),
)

inbox = sa.Table(
    "inbox",
    metadata,
    _serial(),
    sa.Column("channel", sa.String(16), nullable=False),
    sa.Column("provider_message_id", sa.String(128), nullable=False),
    _conversation(),
    sa.Column("received_at", UtcDateTime, nullable=False),
    sa.Column("text", Sealed(), nullable=False),
    sa.Column("raw", Sealed(BYTES), nullable=False),
    sa.Column("media_count", sa.Integer, nullable=False),
    sa.Column("has_location", sa.Boolean, nullable=False),
    sa.Column("screen", sa.JSON, nullable=False),
    # How it reached us: webhook, spool (the fallback address took it) or sweep (fetched, we had missed it).
    sa.Column("origin", sa.String(16), nullable=False, server_default="webhook"),
    # When the provider says it was sent; None where it does not say.
    sa.Column("sent_at", UtcDateTime, nullable=True),
    # What the assistant is asked in its place: the words of the choice that "2" or a button stands for.
    sa.Column("read_as", Sealed(), nullable=True),
    # What the channel says beside the text: see InboundMessage.details.
    sa.Column("details", Sealed(JSON, erased=dict), nullable=True),
    # Of what it says there of the writer, who is mostly the same: one row of each is read.
    sa.Column("told_index", BlindIndex(), nullable=True),
    sa.UniqueConstraint("channel", "provider_message_id"),
    sa.Index("ix_inbox_conversation_id_id", "conversation_id", "id"),
    info=sealed_rows(row=["channel", "provider_message_id"], owner="conversation_id"),
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
    *indexed("to", length=128, nullable=False),
    sa.Column("text", Sealed(), nullable=False),
    sa.Column("choices", Sealed(JSON, erased=list), nullable=False),
    # Names this message's choices to the channel's buttons; what comes back is looked up, never believed.
    sa.Column("menu_token", sa.String(32), nullable=True),
    sa.Column("template", sa.String(96), nullable=False),
    sa.Column("author", sa.String(16), nullable=False),
    sa.Column("staff_id", sa.String(32), sa.ForeignKey("staff_member.id"), nullable=True),
    sa.Column("epoch", sa.Integer, nullable=False),
    # What kind of send it is for the safe-contact plan, asked again when it is about to leave.
    sa.Column("kind", sa.String(24), nullable=False, server_default="assistant_reply"),
    sa.Column("safe_contact_decision", sa.String(48), nullable=False),
    sa.Column("valid_for_seconds", sa.Integer, nullable=True),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("reason", sa.String(64), nullable=True),
    sa.Column("provider_message_id", sa.String(128), nullable=True),
    # The furthest the provider's news has told of it, whatever order they came in: see DeliveryState.
    sa.Column("delivery_state", sa.String(16), nullable=True),
    sa.Column("delivery_state_at", UtcDateTime, nullable=True),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("fence", sa.Integer, nullable=False, default=0),
    sa.Column("leased_by", sa.String(32), nullable=True),
    sa.Column("lease_until", UtcDateTime, nullable=True),
    sa.Column("not_before", UtcDateTime, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("sent_at", UtcDateTime, nullable=True),
    sa.Index("ix_outbox_conversation_id_id", "conversation_id", "id"),
    sa.Index("ix_outbox_provider_message_id", "provider_message_id"),
    sa.Index("ix_outbox_menu_token", "menu_token", unique=True),
    # What left lately is compared with the provider's list, and asked about while it stays silent.
    sa.Index("ix_outbox_sent_at", "sent_at"),
    _partial_index("ix_outbox_unfinished", "lane", "id", only=OUTBOX_UNFINISHED),
    _partial_index(
        "ix_outbox_unfinished_conversation", "conversation_id", "lane", "id", only=OUTBOX_UNFINISHED
    ),
    info=sealed_rows(row=["dedupe_key"], owner="conversation_id"),
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
    # When words of a person first left after the item opened. Those of the assistant or the service never count.
    sa.Column("answered_at", UtcDateTime, nullable=True),
    # The ladder (casework/services/ladder.py): since when this wait is counted, steps taken, and when to look next.
    sa.Column("ladder_from", UtcDateTime, nullable=True),
    sa.Column("ladder_step", sa.Integer, nullable=False, default=0, server_default="0"),
    sa.Column("ladder_due_at", UtcDateTime, nullable=True),
    # What became of telling the victim that nobody has read it: told, not_told; None: the ladder has not come to it.
    sa.Column("told", sa.String(16), nullable=True),
    sa.Index("ix_desk_item_conversation_id_closed_at", "conversation_id", "closed_at"),
    _partial_index(
        "ix_desk_item_queue", "grade", "place_in_grade", "waiting_since", "id", only=DESK_ITEM_OPEN
    ),
    _partial_index("ix_desk_item_quiet", "quiet_due_at", only=DESK_ITEM_UNCLAIMED),
    _partial_index("ix_desk_item_ladder", "ladder_due_at", only=DESK_ITEM_OPEN),
)

person = sa.Table(
    "person",
    metadata,
    _id(),
    # The contact of record and the folded name: the same victim in two cases is one person with one plan.
    sa.Column("match_key", BlindIndex(), nullable=False, unique=True),
    *indexed("contact_mobile", nullable=True, index=True),
    # None: the plan the case file asks for. One that was erased is no plan anybody can read, so it allows nothing.
    sa.Column("plan", Sealed(JSON), nullable=True),
    sa.Column("plan_changed_at", UtcDateTime, nullable=True),
    sa.Column("plan_changed_by", sa.String(48), nullable=True),
    sa.Column("contact_confirmed_at", UtcDateTime, nullable=True),
    sa.Column("contact_suspended_at", UtcDateTime, nullable=True),
    sa.Column("contact_suspended_why", sa.String(32), nullable=True),
    sa.Column("created_at", UtcDateTime, nullable=False),
    info=sealed_rows(row=["id"], owner="id"),
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
    sa.Column("victim_name", Sealed(), nullable=False),
    *indexed("contact_mobile", nullable=True),
    *indexed("contact_email", length=254, nullable=True, index=True),
    sa.Column("safe_contact", sa.String(32), nullable=False),
    sa.Column("enhanced_rights", sa.Boolean, nullable=True),
    sa.Column("language", sa.String(16), nullable=False),
    sa.Column("person_id", sa.String(32), sa.ForeignKey("person.id"), nullable=True, index=True),
    sa.Column("imported_at", UtcDateTime, nullable=False),
    info=sealed_rows(row=["crime_reference"], owner=of_its_case),
)


def _crime_reference(nullable: bool = False) -> sa.Column[str]:
    return sa.Column(
        "crime_reference", sa.String(32), sa.ForeignKey("case.crime_reference"), nullable=nullable
    )


case_event = sa.Table(
    "case_event",
    metadata,
    _serial(),
    _crime_reference(),
    # The feed's own id, or one made of what a file says: the same event told twice is one event.
    sa.Column("event_id", sa.String(80), nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("kind", sa.String(48), nullable=False),
    sa.Column("detail", Sealed(), nullable=False),
    sa.Column("received_at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("crime_reference", "event_id"),
    info=sealed_rows(row=["crime_reference", "event_id"], owner=of_its_case),
)

duress_check = sa.Table(
    "duress_check",
    metadata,
    sa.Column("inbox_id", Serial, sa.ForeignKey("inbox.id"), primary_key=True, autoincrement=False),
    _conversation(),
    sa.Column("due_at", UtcDateTime, nullable=False, index=True),
    sa.Column("tries", sa.Integer, nullable=False),
)

held_import = sa.Table(
    "held_import",
    metadata,
    _id(),
    sa.Column("source", sa.String(16), nullable=False),
    sa.Column("filename", sa.String(200), nullable=False),
    sa.Column("content", Sealed(BYTES), nullable=False),
    sa.Column("summary", sa.JSON, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("held_at", UtcDateTime, nullable=False),
    sa.Column("held_by", sa.String(48), nullable=False),
    sa.Column("first_approved_by", sa.String(48), nullable=True),
    sa.Column("decided_by", sa.String(48), nullable=True),
    sa.Column("decided_at", UtcDateTime, nullable=True),
    _partial_index("ix_held_import_held", "held_at", only=IMPORT_HELD),
    info=sealed_rows(row=["id"], owner=of_service),
)


def _as_created(row: Any) -> datetime:
    """Where nobody says when it happened: when it was recorded."""
    created: datetime = row.get_current_parameters()["created_at"]
    return created


case_notice = sa.Table(
    "case_notice",
    metadata,
    _id(),
    _crime_reference(),
    sa.Column("event_id", sa.String(80), nullable=False),
    sa.Column("kind", sa.String(48), nullable=False),
    sa.Column("import_id", sa.String(32), sa.ForeignKey("held_import.id"), nullable=True, index=True),
    # waiting (for its time), with_person (a desk item is open), told (by a text, by a person, or by reading), void.
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("needs_person", sa.Boolean, nullable=False),
    sa.Column("happened_at", UtcDateTime, nullable=False, default=_as_created),
    sa.Column("blocked_why", sa.String(32), nullable=True),
    sa.Column("not_before", UtcDateTime, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("told_by_person_at", UtcDateTime, nullable=True),
    sa.Column("told_by", sa.String(48), nullable=True),
    sa.Column("noticed_at", UtcDateTime, nullable=True),
    sa.Column("read_at", UtcDateTime, nullable=True),
    sa.UniqueConstraint("crime_reference", "event_id"),
    _partial_index("ix_case_notice_waiting", "not_before", only=NOTICE_WAITING),
)

running_clock = sa.Table(
    "running_clock",
    metadata,
    _id(),
    _crime_reference(),
    sa.Column("clock_id", sa.String(48), nullable=False),
    sa.Column("right", sa.String(16), nullable=False),
    sa.Column("event_id", sa.String(80), nullable=False),
    sa.Column("started_by", sa.String(48), nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("due_on", sa.Date, nullable=False),
    sa.Column("is_enhanced", sa.Boolean, nullable=False),
    # running, undated (the bank holidays of its due day are not known), overdue (a desk item was opened), met, void.
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("met_at", UtcDateTime, nullable=True),
    sa.Column("read_at", UtcDateTime, nullable=True),
    sa.UniqueConstraint("crime_reference", "clock_id", "event_id"),
    _partial_index("ix_running_clock_running", "due_on", "id", only=CLOCK_RUNNING),
    _partial_index("ix_running_clock_overdue", "due_on", "id", only=CLOCK_OVERDUE),
)

invite = sa.Table(
    "invite",
    metadata,
    _id(),
    sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
    _crime_reference(),
    sa.Column("by_way_of", sa.String(16), nullable=False),
    sa.Column("issued_by", sa.String(48), nullable=False),
    sa.Column("issued_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Column("used_at", UtcDateTime, nullable=True),
    _conversation(nullable=True),
    sa.Column("withdrawn_at", UtcDateTime, nullable=True),
    # Where it was sent, for ways that send; worth nothing once that is no contact of record any more.
    *indexed("sent_to", length=254, nullable=True),
    # The short word of an SMS invite: too short for a plain hash.
    sa.Column("word_hash", sa.String(128), nullable=True),
    sa.Index("ix_invite_crime_reference", "crime_reference", "issued_at"),
    sa.Index("ix_invite_sent_to", "sent_to", "issued_at"),
    info=sealed_rows(row=["id"], owner=of_its_case),
)

credential = sa.Table(
    "credential",
    metadata,
    _id(),
    sa.Column("person_id", sa.String(32), sa.ForeignKey("person.id"), nullable=False, index=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("secret_hash", sa.String(128), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime, nullable=True),
)

throttle = sa.Table(
    "throttle",
    metadata,
    sa.Column("bucket", BlindIndex(160, keeps_kind=True), primary_key=True),
    sa.Column("window_start", UtcDateTime, nullable=False),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("cools_until", UtcDateTime, nullable=True),
    sa.Column("cooled", sa.Integer, nullable=False),
)

officer_message = sa.Table(
    "officer_message",
    metadata,
    _id(),
    _crime_reference(),
    _conversation(nullable=True),
    sa.Column("author", sa.String(16), nullable=False),
    sa.Column("author_name", Sealed(), nullable=False),
    sa.Column("inbox_id", Serial, sa.ForeignKey("inbox.id"), nullable=True, unique=True),
    sa.Column("text", Sealed(), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("read_at", UtcDateTime, nullable=True),
    # Of the victim's messages: waiting for the officer, with_team when the time ran out, answered.
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("due_at", UtcDateTime, nullable=True),
    sa.Index("ix_officer_message_crime_reference", "crime_reference", "created_at"),
    sa.Index("ix_officer_message_conversation_id", "conversation_id", "created_at"),
    _partial_index("ix_officer_message_waiting", "due_at", only=OFFICER_MESSAGE_WAITING),
    info=sealed_rows(row=["id"], owner=of_talk_or_case),
)

officer_link = sa.Table(
    "officer_link",
    metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),
    _crime_reference(),
    sa.Column("issued_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime, nullable=True),
)

promise = sa.Table(
    "promise",
    metadata,
    _id(),
    _conversation(nullable=True),
    _crime_reference(nullable=True),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("owner", sa.String(48), nullable=False),
    sa.Column("words", Sealed(), nullable=False),
    sa.Column("made_at", UtcDateTime, nullable=False),
    sa.Column("due_at", UtcDateTime, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("kept_at", UtcDateTime, nullable=True),
    sa.Column("dedupe_key", sa.String(96), nullable=False, unique=True),
    sa.Index("ix_promise_conversation_id", "conversation_id"),
    _partial_index("ix_promise_made", "due_at", only=PROMISE_MADE),
    info=sealed_rows(row=["id"], owner=of_talk_or_case),
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
    sa.Column("last_used_at", UtcDateTime, nullable=True),
    sa.Column("ended_at", UtcDateTime, nullable=True),
    sa.Column("ended_why", sa.String(32), nullable=True),
    sa.Index("ix_standing_conversation_id", "conversation_id"),
    sa.Index("ix_standing_crime_reference", "crime_reference"),
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
    sa.Index("ix_code_request_reference", "reference", "requested_at"),
    _partial_index("ix_code_request_waiting", "requested_at", only=CODE_REQUEST_WAITING),
)

web_session = sa.Table(
    "web_session",
    metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),
    *indexed("external_id", nullable=False, index=True),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("last_seen_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime, nullable=True),
    sa.Column("language", sa.String(8), nullable=False, server_default="en"),
    # What they answered before the chat: may somebody see this screen? "no", "unsure" or "yes".
    sa.Column("screen_seen", sa.String(8), nullable=True),
    sa.Column("idle_minutes", sa.Integer, nullable=False, server_default="30"),
    # What a passkey of this visit is to sign next, until when.
    sa.Column("challenge", sa.String(128), nullable=True),
    sa.Column("challenge_until", UtcDateTime, nullable=True),
    # When its page was last seen open, no act of theirs; noted only while a person is waited for.
    sa.Column("page_open_at", UtcDateTime, nullable=True),
    info=sealed_rows(row=["token_hash"], owner=of_service),
)

passkey = sa.Table(
    "passkey",
    metadata,
    _id(),
    sa.Column("person_id", sa.String(32), sa.ForeignKey("person.id"), nullable=False, index=True),
    sa.Column("credential_id", sa.String(512), nullable=False, unique=True),
    sa.Column("public_key", sa.LargeBinary, nullable=False),
    sa.Column("sign_count", sa.BigInteger, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("used_at", UtcDateTime, nullable=True),
    sa.Column("ended_at", UtcDateTime, nullable=True),
)

# What somebody thought of how they were treated. Nothing in it says who they are or what was written.
feedback = sa.Table(
    "feedback",
    metadata,
    _serial(),
    sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
    sa.Column("channel", sa.String(16), nullable=False),
    sa.Column("language", sa.String(8), nullable=False),
    sa.Column("offered_at", UtcDateTime, nullable=False),
    sa.Column("answered_at", UtcDateTime, nullable=True, index=True),
    # 1 (very dissatisfied) to 5 (very satisfied); NULL where it was left out.
    sa.Column("kept_informed", sa.SmallInteger, nullable=True),
    sa.Column("ease_of_contact", sa.SmallInteger, nullable=True),
    sa.Column("actions_taken", sa.SmallInteger, nullable=True),
    sa.Column("treatment", sa.SmallInteger, nullable=True),
    sa.Column("whole_experience", sa.SmallInteger, nullable=True),
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
    # As on the case's officer: whoever has that number may read what belongs to their case.
    sa.Column("collar_number", sa.String(32), nullable=True),
    # Who they are at the force's identity provider; both NULL for an account of the desk's own.
    sa.Column("issuer", sa.String(256), nullable=True),
    sa.Column("subject", sa.String(256), nullable=True),
    sa.Column("ended_at", UtcDateTime, nullable=True),
    sa.Index("ix_staff_member_issuer_subject", "issuer", "subject", unique=True),
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
    # open; factor: the password was right and the code is awaited; enrol: the second factor is being set up.
    sa.Column("stage", sa.String(8), nullable=False, server_default="open"),
    # When they last proved who they are; what needs fresh proof asks again after five minutes.
    sa.Column("proved_at", UtcDateTime, nullable=True),
    sa.Index("ix_staff_session_staff_id", "staff_id"),
)

# Only ever added to: triggers refuse anything else. What it tells of may be erased, so it refers to no other table.
audit = sa.Table(
    "audit",
    metadata,
    _serial(),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("actor", sa.String(48), nullable=False),
    sa.Column("act", sa.String(48), nullable=False),
    sa.Column("conversation_id", sa.String(32), nullable=True),
    sa.Column("thing", sa.String(96), nullable=True),
    # Its place in the chain, and what binds it to the one before: see casework/model/audit_chain.py.
    sa.Column("shard", sa.SmallInteger, nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.UniqueConstraint("shard", "seq"),
    sa.Index("ix_audit_conversation_id", "conversation_id"),
)

worker_beat = sa.Table(
    "worker_beat",
    metadata,
    sa.Column("worker_id", sa.String(32), primary_key=True),
    sa.Column("beat_at", UtcDateTime, nullable=False),
)

opt_out = sa.Table(
    "opt_out",
    metadata,
    _serial(),
    sa.Column("channel", sa.String(16), nullable=False),
    *indexed("external_id", length=128, nullable=False),
    row_key(),
    # asked (a keyword of ours) or provider (the provider or the person's app refuses what we send).
    sa.Column("how", sa.String(16), nullable=False),
    sa.Column("word", sa.String(32), nullable=False),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Column("told_at", UtcDateTime, nullable=True),
    sa.Column("ended_at", UtcDateTime, nullable=True),
    sa.Index("ix_opt_out_channel_external_id", "channel", "external_id"),
    info=sealed_rows(row=["row_key"], owner=of_service),
)

inbound_media = sa.Table(
    "inbound_media",
    metadata,
    _serial(),
    sa.Column("inbox_id", Serial, sa.ForeignKey("inbox.id"), nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    # Where the provider keeps it: an address for Twilio, a file id for Telegram.
    sa.Column("source", Sealed(), nullable=False),
    sa.Column("stated_type", sa.String(96), nullable=False),
    # waiting, kept, refused (too large, or no type we take) or failed (the provider never gave it).
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("reason", sa.String(48), nullable=True),
    sa.Column("found_type", sa.String(96), nullable=True),
    sa.Column("size", sa.Integer, nullable=True),
    sa.Column("sha256", sa.String(64), nullable=True),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("not_before", UtcDateTime, nullable=False),
    sa.Column("kept_at", UtcDateTime, nullable=True),
    sa.UniqueConstraint("inbox_id", "position"),
    _partial_index("ix_inbound_media_waiting", "not_before", "id", only=MEDIA_WAITING),
    info=sealed_rows(row=["inbox_id", "position"], owner="conversation_id"),
)

media_content = sa.Table(
    "media_content",
    metadata,
    sa.Column("media_id", Serial, sa.ForeignKey("inbound_media.id"), primary_key=True, autoincrement=False),
    sa.Column("content", Sealed(BYTES, erased=None), nullable=False),
    info=sealed_rows(row=["media_id"], owner="conversation_id"),
)

sweep_run = sa.Table(
    "sweep_run",
    metadata,
    _serial(),
    sa.Column("provider", sa.String(16), nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("finished_at", UtcDateTime, nullable=True),
    # Messages the provider lists, and of those the ones we did not hold: fetched, or of ours not accounted for.
    sa.Column("listed_in", sa.Integer, nullable=False, default=0),
    sa.Column("missing_in", sa.Integer, nullable=False, default=0),
    sa.Column("listed_out", sa.Integer, nullable=False, default=0),
    sa.Column("missing_out", sa.Integer, nullable=False, default=0),
    sa.Column("fault", sa.String(96), nullable=True),
    sa.Index("ix_sweep_run_provider_started_at", "provider", "started_at"),
)

held_count = sa.Table(
    "held_count",
    metadata,
    sa.Column("conversation_id", sa.String(32), sa.ForeignKey("conversation.id"), primary_key=True),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Column("listed", sa.Integer, nullable=False),
    sa.Column("held", sa.Integer, nullable=False),
    sa.Column("counted_at", UtcDateTime, nullable=False),
)

sending_pace = sa.Table(
    "sending_pace",
    metadata,
    sa.Column("sender", sa.String(64), primary_key=True),
    sa.Column("tokens", sa.Float, nullable=False),
    sa.Column("counted_at", UtcDateTime, nullable=False),
)

spend = sa.Table(
    "spend",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("kind", sa.String(24), primary_key=True),
    sa.Column("segments", sa.Integer, nullable=False),
)

alarm = sa.Table(
    "alarm",
    metadata,
    _serial(),
    sa.Column("kind", sa.String(48), nullable=False),
    sa.Column("detail", sa.String(200), nullable=False),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Column("last_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime, nullable=True),
    sa.Index("ix_alarm_kind_ended_at", "kind", "ended_at"),
)
