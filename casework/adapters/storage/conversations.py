"""Conversations, what came in, and the two together as a transcript."""

import re
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.statements import insert, insert_once, new_id
from casework.adapters.storage.tables import conversation, desk_item, inbox, outbox, staff_member
from casework.model.bands import BandLimits
from casework.model.disclosures import Band, Category, Evidence, ScreenResult
from casework.model.errors import ConversationNotFound
from casework.model.messages import Author, Channel, InboundMessage, Lane, OutboxStatus
from casework.services.ports import Conversation, JsonObject, TranscriptEntry

# Words far from the new message cannot be one sentence with it.
LONGEST_EARLIER_TEXT = 1000


class SqlConversations:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def open(self, channel: Channel, external_id: str) -> Conversation:
        # The update branch takes the row's lock, so messages of one conversation commit one by one
        # and inbox ids follow commit order within it.
        statement = insert(self._connection, conversation).values(
            id=new_id(),
            channel=channel.value,
            external_id=external_id,
            epoch=0,
            created_at=self._now,
        )
        statement = statement.on_conflict_do_update(
            index_elements=["channel", "external_id"], set_={"channel": channel.value}
        ).returning(conversation)
        return _conversation(self._connection.execute(statement).one())

    def get(self, conversation_id: str) -> Conversation:
        return self._get(sa.select(conversation).where(conversation.c.id == conversation_id))

    def hold(self, conversation_id: str) -> Conversation:
        # SQLite ignores FOR UPDATE: its one writer holds everything already.
        query = sa.select(conversation).where(conversation.c.id == conversation_id)
        return self._get(query.with_for_update())

    def _get(self, query: sa.Select[Any]) -> Conversation:
        row = self._connection.execute(query).first()
        if row is None:
            raise ConversationNotFound("No conversation has this id.")
        return _conversation(row)

    def claim(self, conversation_id: str, staff_id: str) -> bool:
        return self._change_owner(
            conversation_id, conversation.c.owner_id.is_(None), owner_id=staff_id, owned_since=self._now
        )

    def release(self, conversation_id: str, staff_id: str) -> bool:
        return self._change_owner(
            conversation_id, conversation.c.owner_id == staff_id, owner_id=None, owned_since=None
        )

    def _change_owner(self, conversation_id: str, only_if: sa.ColumnElement[bool], **values: Any) -> bool:
        result = self._connection.execute(
            sa.update(conversation)
            .where(conversation.c.id == conversation_id, only_if)
            .values(epoch=conversation.c.epoch + 1, **values)
        )
        return result.rowcount == 1

    def record_state(self, conversation_id: str, state: JsonObject, *, epoch: int) -> bool:
        result = self._connection.execute(
            sa.update(conversation)
            .where(
                conversation.c.id == conversation_id,
                conversation.c.epoch == epoch,
                conversation.c.owner_id.is_(None),
            )
            .values(state=state)
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
    )


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
        }
        inbox_id = insert_once(self._connection, inbox, ["channel", "provider_message_id"], values)
        if inbox_id is not None:
            self._connection.execute(
                sa.update(conversation)
                .where(conversation.c.id == conversation_id)
                .values(last_inbound_at=message.received_at)
            )
        return inbox_id

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
        query = sa.select(inbox.c.text, inbox.c.received_at).where(inbox.c.conversation_id == conversation_id)
        if before_id is not None:
            query = query.where(inbox.c.id < before_id)
        # The newest first and the times looked at here: a condition on them could read the whole conversation.
        newest = self._connection.execute(query.order_by(inbox.c.id.desc()).limit(limits.earlier_texts)).all()
        since = before - timedelta(minutes=limits.earlier_minutes)
        closed = sa.select(sa.func.max(desk_item.c.closed_at)).where(
            desk_item.c.conversation_id == conversation_id
        )
        closed_at = self._connection.execute(closed).scalar() if newest else None
        return [
            row.text[-LONGEST_EARLIER_TEXT:]
            for row in reversed(newest)
            if row.received_at >= since and (closed_at is None or row.received_at > closed_at)
        ]


class SqlTranscripts:
    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def list_latest(self, conversation_id: str, *, limit: int = 200) -> list[TranscriptEntry]:
        came = sa.select(inbox).where(inbox.c.conversation_id == conversation_id)
        went = (
            sa.select(outbox, staff_member.c.display_name)
            .join_from(outbox, staff_member, outbox.c.staff_id == staff_member.c.id, isouter=True)
            .where(outbox.c.conversation_id == conversation_id)
        )
        entries = [_came(row) for row in self._newest(came, inbox, limit)]
        entries += [_went(row) for row in self._newest(went, outbox, limit)]
        return sorted(entries, key=lambda entry: entry.at)[-limit:]

    def _newest(self, query: sa.Select[Any], table: sa.Table, limit: int) -> Any:
        rows = self._connection.execute(query.order_by(table.c.id.desc()).limit(limit)).all()
        return reversed(rows)


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
    )


def _went(row: Any) -> TranscriptEntry:
    return TranscriptEntry(
        key=f"out-{row.id}",
        at=row.created_at,
        author=Author(row.author),
        author_name=row.display_name,
        # Until it has left, a code is in the row; no page ever shows it.
        text=re.sub(r"\d", "•", row.text) if row.lane == Lane.ONE_TIME_CODE.value else row.text,
        status=OutboxStatus(row.status),
        screen=None,
        choices=tuple(row.choices),
        reason=row.reason,
    )


def screen_to_json(screen: ScreenResult) -> JsonObject:
    return {
        "urgent": screen.urgent,
        "band": screen.band.value,
        "tier": screen.tier,
        "category": screen.category.value if screen.category else None,
        "evidence": [{"rule": e.rule, "start": e.start, "end": e.end} for e in screen.evidence],
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
    )
