"""Conversations, what came in, and the two together as a transcript."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.data_keys import SqlDataKeys
from casework.adapters.storage.sealed import seal
from casework.adapters.storage.statements import insert_for, insert_once, new_id
from casework.adapters.storage.tables import (
    DESK_ITEM_OPEN,
    conversation,
    desk_item,
    inbox,
    outbox,
    staff_member,
    status_in,
    turn,
)
from casework.model.bands import BandLimits
from casework.model.disclosures import Band, Category, Evidence, ScreenResult
from casework.model.erased import Erased
from casework.model.errors import ConversationNotFound
from casework.model.messages import (
    Author,
    Channel,
    DeliveryState,
    InboundMessage,
    Lane,
    Origin,
    OutboxStatus,
    find_written_at,
)
from casework.services.invites import INVITE_TEMPLATES, WORD
from casework.services.ports import Conversation, JsonObject, TranscriptEntry

# Words far from the new message cannot be one sentence with it.
LONGEST_EARLIER_TEXT = 1000
MOST_OVERTAKING = 50
HAS_OPEN_ITEM = sa.exists().where(
    desk_item.c.conversation_id == conversation.c.id, status_in(desk_item, DESK_ITEM_OPEN)
)
# What a channel may say of the writer beside their words: see InboundMessage.details.
TOLD = ("phone", "profile_name")
INVITE_KEYS = re.compile(rf"(?<=/i/)[\w-]+|\b{WORD.pattern}\b")


class SqlConversations:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def open(self, channel: Channel, external_id: str) -> Conversation:
        # The update takes the row's lock, so messages of one conversation commit one by one
        # and inbox ids follow commit order within it.
        known = self._connection.execute(HOLD_OF, {"on": channel.value, "of": external_id}).first()
        if known is not None and isinstance(known.external_id, Erased):
            known = self._name_again(known.id, external_id)
        return _conversation(known or self._begin(channel, external_id))

    def _name_again(self, conversation_id: str, external_id: str) -> Any:
        """Whoever writes while what they wrote is being erased is somebody we can answer: under a new key."""
        values = {"id": conversation_id, "external_id": external_id, "state": None}
        sealed = seal(self._connection, conversation, values)
        mine = sa.update(conversation).where(conversation.c.id == conversation_id)
        return self._connection.execute(mine.values(sealed).returning(conversation)).one()

    def _begin(self, channel: Channel, external_id: str) -> Any:
        conversation_id = new_id()
        values = {
            "id": conversation_id,
            "channel": channel.value,
            "external_id": external_id,
            "epoch": 0,
            "created_at": self._now,
        }
        sealed = seal(self._connection, conversation, values)
        row = self._connection.execute(_open(self._connection.dialect.name), sealed).one()
        if row.id != conversation_id:  # somebody else began it in the same moment
            SqlDataKeys(self._connection).drop_unused(conversation_id)
        return row

    def get(self, conversation_id: str) -> Conversation:
        return self._get(GET, conversation_id)

    def hold(self, conversation_id: str) -> Conversation:
        # SQLite ignores FOR UPDATE: its one writer holds everything already.
        return self._get(HOLD, conversation_id)

    def _get(self, query: sa.Select[Any], conversation_id: str) -> Conversation:
        row = self._connection.execute(query, {"of": conversation_id}).first()
        if row is None:
            raise ConversationNotFound("No conversation has this id.")
        return _conversation(row)

    def release(self, conversation_id: str, staff_id: str) -> bool:
        return self._change_owner(
            conversation_id,
            conversation.c.owner_id == staff_id,
            owner_id=None,
            owned_since=None,
            awaiting_since=sa.case((HAS_OPEN_ITEM, conversation.c.awaiting_since)),
        )

    def pass_on(self, conversation_id: str, *, from_id: str | None, to_id: str) -> bool:
        was_theirs = conversation.c.owner_id.is_not_distinct_from(from_id)
        return self._change_owner(conversation_id, was_theirs, owner_id=to_id, owned_since=self._now)

    def _change_owner(self, conversation_id: str, only_if: sa.ColumnElement[bool], **values: Any) -> bool:
        result = self._connection.execute(
            sa.update(conversation)
            .where(conversation.c.id == conversation_id, only_if)
            .values(epoch=conversation.c.epoch + 1, **values)
        )
        return result.rowcount == 1

    def record_state(self, conversation_id: str, state: JsonObject, *, epoch: int) -> bool:
        sealed = seal(self._connection, conversation, {"id": conversation_id, "state": state})["state"]
        result = self._connection.execute(
            RECORD_STATE, {"of": conversation_id, "at_epoch": epoch, "to_state": sealed}
        )
        return result.rowcount == 1


def _conversation(row: Any) -> Conversation:
    return Conversation(
        id=row.id,
        channel=Channel(row.channel),
        external_id=row.external_id,
        state=row.state,
        epoch=row.epoch,
        owner_id=row.owner_id,
        owned_since=row.owned_since,
        last_inbound_at=row.last_inbound_at,
        awaiting_since=row.awaiting_since,
        is_drill=row.is_drill,
        model_id=row.model_id,
        model_at=row.model_at,
    )


# Built once, as all that each message asks: building a statement costs more than running it.
GET = sa.select(conversation).where(conversation.c.id == sa.bindparam("of"))
HOLD = GET.with_for_update()
RECORD_STATE = (
    sa.update(conversation)
    .where(
        conversation.c.id == sa.bindparam("of"),
        conversation.c.epoch == sa.bindparam("at_epoch"),
        conversation.c.owner_id.is_(None),
    )
    .values(state=sa.bindparam("to_state"))
)
HOLD_OF = (
    sa.update(conversation)
    .where(conversation.c.channel == sa.bindparam("on"), conversation.c.external_id == sa.bindparam("of"))
    .values(channel=conversation.c.channel)
    .returning(conversation)
)


@cache
def _open(dialect: str) -> Any:
    statement = insert_for(dialect, conversation)
    return statement.on_conflict_do_update(
        index_elements=["channel", "external_id"], set_={"channel": statement.excluded.channel}
    ).returning(conversation)


class SqlInbox:
    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def record(self, message: InboundMessage, conversation_id: str, screen: ScreenResult) -> int | None:
        values = {
            "channel": message.channel.value,
            "provider_message_id": message.provider_message_id,
            "conversation_id": conversation_id,
            "received_at": message.received_at,
            "text": message.text,
            "raw": message.raw,
            "media_count": message.media_count,
            "has_location": message.has_location,
            "screen": screen_to_json(screen),
            "origin": message.origin.value,
            "sent_at": message.sent_at,
            "details": dict(message.details) or None,
        }
        values["told_index"] = index_of_told(message.details)
        sealed = seal(self._connection, inbox, values)
        inbox_id = insert_once(self._connection, inbox, ["channel", "provider_message_id"], sealed)
        if inbox_id is not None:
            self._note_heard(message, conversation_id)
        return inbox_id

    def _note_heard(self, message: InboundMessage, conversation_id: str) -> None:
        """When they were last at the phone. What was found late says when it was written, and never turns time back."""
        written_at = find_written_at(message.origin, message.sent_at, message.received_at)
        is_prompt = message.origin is Origin.WEBHOOK and written_at == message.received_at
        self._connection.execute(
            HEARD if is_prompt else HEARD_LATE, {"of": conversation_id, "at": written_at}
        )

    def record_reading(self, inbox_id: int, read_as: str) -> None:
        row = self._connection.execute(NAME_OF_MESSAGE, {"of": inbox_id}).one()
        sealed = seal(self._connection, inbox, {**row._mapping, "read_as": read_as})
        changed = sa.update(inbox).where(inbox.c.id == inbox_id).values(read_as=sealed["read_as"])
        self._connection.execute(changed)

    def is_overtaken(self, inbox_id: int, conversation_id: str, *, sent_at: datetime) -> bool:
        stored = sa.select(inbox.c.received_at, inbox.c.sent_at).where(
            inbox.c.conversation_id == conversation_id, inbox.c.id < inbox_id
        )
        # The newest only: a condition on the times could read the whole conversation.
        newest = self._connection.execute(stored.order_by(inbox.c.id.desc()).limit(MOST_OVERTAKING)).all()
        return any((row.sent_at or row.received_at) > sent_at for row in newest)

    def get_text(self, inbox_id: int) -> str:
        query = sa.select(inbox.c.text).where(inbox.c.id == inbox_id)
        return str(self._connection.execute(query).scalar_one())

    def latest_id(self, conversation_id: str) -> int | None:
        query = sa.select(sa.func.max(inbox.c.id)).where(inbox.c.conversation_id == conversation_id)
        return self._connection.execute(query).scalar()

    def list_earlier(
        self,
        conversation_id: str,
        *,
        before: datetime,
        limits: BandLimits,
        before_id: int | None = None,
    ) -> list[str]:
        earlier = self.list_earlier_with_ids(
            conversation_id, before=before, limits=limits, before_id=before_id
        )
        return [text for _, text in earlier]

    def list_earlier_with_ids(
        self,
        conversation_id: str,
        *,
        before: datetime,
        limits: BandLimits,
        before_id: int | None = None,
    ) -> list[tuple[int, str]]:
        # The newest first and the times looked at here: a condition on them could read the whole conversation.
        wanted = {"of": conversation_id, "before_id": before_id or LARGEST_ID, "most": limits.earlier_texts}
        newest = self._connection.execute(EARLIER, wanted).all()
        since = before - timedelta(minutes=limits.earlier_minutes)
        closed_at = (
            self._connection.execute(LAST_CLOSED, {"of": conversation_id}).scalar() if newest else None
        )
        return [
            (row.id, row.text[-LONGEST_EARLIER_TEXT:])
            for row in reversed(newest)
            if row.received_at >= since and (closed_at is None or row.received_at > closed_at)
        ]


# Built once: in the transaction that stores a message, building a statement costs more than running it.
_AT = sa.bindparam("at", type_=conversation.c.last_inbound_at.type)
# Only what somebody writes while a person has to do with it waits for one.
_IS_WITH_PEOPLE = conversation.c.owner_id.is_not(None) | HAS_OPEN_ITEM
_AWAITING = sa.case((_IS_WITH_PEOPLE, sa.func.coalesce(conversation.c.awaiting_since, _AT)))
HEARD = (
    sa.update(conversation)
    .where(conversation.c.id == sa.bindparam("of"))
    .values(last_inbound_at=_AT, awaiting_since=_AWAITING)
)
HEARD_LATE = (
    sa.update(conversation)
    .where(conversation.c.id == sa.bindparam("of"))
    .values(
        last_inbound_at=sa.case(
            (conversation.c.last_inbound_at > _AT, conversation.c.last_inbound_at), else_=_AT
        ),
        awaiting_since=_AWAITING,
    )
)
EARLIER = (
    sa.select(inbox.c.id, inbox.c.text, inbox.c.received_at)
    .where(inbox.c.conversation_id == sa.bindparam("of"), inbox.c.id < sa.bindparam("before_id"))
    .order_by(inbox.c.id.desc())
    .limit(sa.bindparam("most"))
)
LAST_CLOSED = sa.select(sa.func.max(desk_item.c.closed_at)).where(
    desk_item.c.conversation_id == sa.bindparam("of")
)
LARGEST_ID = 2**63 - 1
NAME_OF_MESSAGE = sa.select(inbox.c.channel, inbox.c.provider_message_id, inbox.c.conversation_id).where(
    inbox.c.id == sa.bindparam("of")
)


def index_of_told(details: Mapping[str, Any]) -> str | None:
    """Of what the channel tells of the writer, for `list_told`; None where it tells nothing."""
    told = [details.get(key) for key in TOLD]
    return json.dumps(told) if any(told) else None


def list_told(connection: sa.Connection, conversation_id: str, key: str) -> list[str]:
    """What the channel has told of the writer as `phone` or `profile_name`, each value once, the oldest first."""
    newest = sa.select(sa.func.max(inbox.c.id)).where(
        inbox.c.conversation_id == conversation_id, inbox.c.told_index.is_not(None)
    )
    query = sa.select(inbox.c.details).where(inbox.c.id.in_(newest.group_by(inbox.c.told_index)))
    told = [row.details.get(key) for row in connection.execute(query.order_by(inbox.c.id))]
    # Nobody has looked yet at what a channel says there: only words are.
    return list(dict.fromkeys(value for value in told if isinstance(value, str) and value))


class SqlTranscripts:
    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def list_latest(self, conversation_id: str, *, limit: int = 200) -> list[TranscriptEntry]:
        entries = [_came(row) for row in self._newest(_all_came(conversation_id), inbox, limit)]
        entries += [_went(row) for row in self._newest(_all_went(conversation_id), outbox, limit)]
        return sorted(entries, key=lambda entry: entry.at)[-limit:]

    def list_named(self, conversation_id: str, provider_ids: Sequence[str]) -> list[TranscriptEntry]:
        if not provider_ids:
            return []
        came = _all_came(conversation_id).where(inbox.c.provider_message_id.in_(provider_ids))
        went = _all_went(conversation_id).where(outbox.c.provider_message_id.in_(provider_ids))
        entries = [_came(row) for row in self._connection.execute(came.order_by(inbox.c.id))]
        entries += [_went(row) for row in self._connection.execute(went.order_by(outbox.c.id))]
        return sorted(entries, key=lambda entry: entry.at)

    def _newest(self, query: sa.Select[Any], table: sa.Table, limit: int) -> Any:
        rows = self._connection.execute(query.order_by(table.c.id.desc()).limit(limit)).all()
        return reversed(rows)


# Without what no transcript shows: each column would be opened for every message of a page.
_CAME = [column for column in inbox.c if column.name not in ("raw", "told_index")]
_WENT = [column for column in outbox.c if column.name not in ("to", "to_sealed")]


def _all_came(conversation_id: str) -> sa.Select[Any]:
    return (
        sa.select(*_CAME, turn.c.outcome)
        .join_from(inbox, turn, turn.c.inbox_id == inbox.c.id, isouter=True)
        .where(inbox.c.conversation_id == conversation_id)
    )


def _all_went(conversation_id: str) -> sa.Select[Any]:
    return (
        sa.select(*_WENT, staff_member.c.display_name)
        .join_from(outbox, staff_member, outbox.c.staff_id == staff_member.c.id, isouter=True)
        .where(outbox.c.conversation_id == conversation_id)
    )


def _came(row: Any) -> TranscriptEntry:
    return TranscriptEntry(
        key=f"in-{row.id}",
        at=row.received_at,
        author=Author.PERSON,
        author_name=None,
        text=row.text,
        status=None,
        screen=screen_from_json(row.screen),
        media_count=row.media_count,
        has_location=row.has_location,
        origin=Origin(row.origin),
        sent_at=row.sent_at,
        read_as=row.read_as,
        details=row.details or {},
        provider_message_id=row.provider_message_id,
        outcome=row.outcome,
    )


def _went(row: Any) -> TranscriptEntry:
    return TranscriptEntry(
        key=f"out-{row.id}",
        at=row.created_at,
        author=Author(row.author),
        author_name=row.display_name,
        text=hide_keys(row),
        status=OutboxStatus(row.status),
        screen=None,
        choices=tuple(row.choices),
        reason=row.reason,
        delivery_state=DeliveryState(row.delivery_state) if row.delivery_state else None,
        provider_message_id=row.provider_message_id,
        channel=Channel(row.channel),
    )


def hide_keys(row: Any) -> str:
    """Until it has left, a code or an invite is in the row; no page ever shows it."""
    text: str = row.text
    if row.lane == Lane.ONE_TIME_CODE.value:
        return re.sub(r"\d", "•", text)
    return INVITE_KEYS.sub("•••", text) if row.template in INVITE_TEMPLATES else text


def screen_to_json(screen: ScreenResult) -> JsonObject:
    return {
        "urgent": screen.urgent,
        "band": screen.band.value,
        "tier": screen.tier,
        "category": screen.category.value if screen.category else None,
        "evidence": [{"rule": e.rule, "start": e.start, "end": e.end} for e in screen.evidence],
        **({"rules": screen.rules} if screen.rules else {}),
    }


def screen_from_json(stored: JsonObject) -> ScreenResult:
    # Rows from before there were bands have none: then a hit was handed over at once.
    band = stored.get("band", Band.RED if stored["urgent"] else Band.GREEN)
    return ScreenResult(
        urgent=stored["urgent"],
        band=Band(band),
        tier=stored["tier"],
        category=Category(stored["category"]) if stored["category"] else None,
        evidence=tuple(Evidence(**e) for e in stored["evidence"]),
        rules=stored.get("rules"),
    )
