"""The thread between a victim and the officer in the case, and the links that open it."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.sealed import seal
from casework.adapters.storage.statements import insert_once, new_id
from casework.adapters.storage.tables import (
    OFFICER_MESSAGE_WAITING,
    conversation,
    delivery_event,
    officer_link,
    officer_message,
    outbox,
    standing,
    status_in,
    web_session,
)
from casework.model.messages import Author, Channel, OutboxStatus
from casework.model.officer_messages import ANSWER_KEY, MessageStatus, OfficerMessage, Reached

MOST_MESSAGES = 200

_DELIVERED = ("delivered", "read")
_OPEN = (MessageStatus.WAITING.value, MessageStatus.WITH_TEAM.value)
_REACHED = {
    OutboxStatus.WAITING: Reached.WAITING,
    OutboxStatus.SENDING: Reached.WAITING,
    OutboxStatus.UNKNOWN: Reached.WAITING,
    OutboxStatus.FAILED: Reached.NOT_SENT,
    OutboxStatus.SUPPRESSED: Reached.NOT_SENT,
}


class SqlOfficerMessages:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def record_left(
        self, crime_reference: str, conversation_id: str, *, inbox_id: int, text: str, due_at: datetime
    ) -> str | None:
        values = self._values(crime_reference, conversation_id, Author.PERSON, "", text)
        values |= {"status": MessageStatus.WAITING.value, "inbox_id": inbox_id, "due_at": due_at}
        sealed = seal(self._connection, officer_message, {"id": new_id()} | values)
        return insert_once(self._connection, officer_message, ["inbox_id"], sealed)

    def record_answer(
        self,
        answer_id: str,
        crime_reference: str,
        conversation_id: str,
        *,
        author_name: str,
        text: str,
        status: MessageStatus,
    ) -> bool:
        values = self._values(crime_reference, conversation_id, Author.STAFF, author_name, text)
        values |= {"id": answer_id, "status": status.value}
        sealed = seal(self._connection, officer_message, values)
        return insert_once(self._connection, officer_message, ["id"], sealed) is not None

    def _values(
        self, crime_reference: str, conversation_id: str, author: Author, name: str, text: str
    ) -> dict[str, Any]:
        return {
            "crime_reference": crime_reference,
            "conversation_id": conversation_id,
            "author": author.value,
            "author_name": name,
            "text": text,
            "created_at": self._now,
        }

    def list_thread(self, crime_reference: str) -> list[OfficerMessage]:
        return self._list(officer_message.c.crime_reference == crime_reference)

    def list_of_conversation(
        self, conversation_id: str, *, crime_reference: str | None = None
    ) -> list[OfficerMessage]:
        if crime_reference is not None:
            return self._list(*_which(crime_reference, conversation_id))
        return self._list(officer_message.c.conversation_id == conversation_id)

    def _list(self, *which: sa.ColumnElement[bool]) -> list[OfficerMessage]:
        query = _messages().where(*which)
        newest = query.order_by(officer_message.c.created_at.desc(), officer_message.c.id).limit(
            MOST_MESSAGES
        )
        return [self._message(row) for row in reversed(self._connection.execute(newest).all())]

    def find_silent(self) -> OfficerMessage | None:
        query = (
            _messages()
            .where(status_in(officer_message, OFFICER_MESSAGE_WAITING), officer_message.c.due_at < self._now)
            .order_by(officer_message.c.due_at, officer_message.c.id)
            .limit(1)
        )
        row = self._connection.execute(query).first()
        return None if row is None else self._message(row)

    def pass_to_team(self, crime_reference: str, conversation_id: str) -> int:
        return self._set_status(
            MessageStatus.WITH_TEAM,
            *_which(crime_reference, conversation_id),
            officer_message.c.status == MessageStatus.WAITING.value,
        )

    def record_answered(self, crime_reference: str, conversation_id: str) -> int:
        return self._set_status(
            MessageStatus.ANSWERED,
            *_which(crime_reference, conversation_id),
            officer_message.c.status.in_(_OPEN),
        )

    def record_released(self, answer_id: str) -> bool:
        held = officer_message.c.status == MessageStatus.HELD.value
        return self._set_status(MessageStatus.ON_ITS_WAY, officer_message.c.id == answer_id, held) == 1

    def _set_status(self, status: MessageStatus, *which: sa.ColumnElement[bool]) -> int:
        changed = self._connection.execute(
            sa.update(officer_message).where(*which).values(status=status.value)
        )
        return changed.rowcount

    def record_opened(self, crime_reference: str) -> int:
        opened = self._connection.execute(
            sa.update(officer_message)
            .where(
                officer_message.c.crime_reference == crime_reference,
                officer_message.c.author == Author.PERSON.value,
                officer_message.c.read_at.is_(None),
            )
            .values(read_at=self._now)
        )
        return opened.rowcount

    def is_linked(self, crime_reference: str, conversation_id: str) -> bool:
        proved = sa.exists().where(
            standing.c.conversation_id == conversation_id,
            standing.c.crime_reference == crime_reference,
            standing.c.ended_at.is_(None),
        )
        return bool(self._connection.execute(sa.select(proved)).scalar())

    # --- links ---

    def record_link(self, token_hash: str, crime_reference: str, *, expires_at: datetime) -> None:
        self._connection.execute(
            sa.insert(officer_link).values(
                token_hash=token_hash,
                crime_reference=crime_reference,
                issued_at=self._now,
                expires_at=expires_at,
            )
        )

    def find_link(self, token_hash: str) -> str | None:
        query = sa.select(officer_link.c.crime_reference).where(
            officer_link.c.token_hash == token_hash,
            officer_link.c.ended_at.is_(None),
            officer_link.c.expires_at > self._now,
        )
        found: str | None = self._connection.execute(query).scalar()
        return found

    def end_links(self, crime_reference: str) -> int:
        ended = self._connection.execute(
            sa.update(officer_link)
            .where(officer_link.c.crime_reference == crime_reference, officer_link.c.ended_at.is_(None))
            .values(ended_at=self._now)
        )
        return ended.rowcount

    # --- how far an answer is known to have come ---

    def _message(self, row: Any) -> OfficerMessage:
        return OfficerMessage(
            id=row.id,
            crime_reference=row.crime_reference,
            conversation_id=row.conversation_id,
            channel=Channel(row.channel),
            author=Author(row.author),
            author_name=row.author_name,
            text=row.text,
            created_at=row.created_at,
            status=MessageStatus(row.status),
            read_at=row.read_at,
            due_at=row.due_at,
            reached=self._reached(row) if row.author == Author.STAFF.value else None,
        )

    def _reached(self, row: Any) -> Reached:
        if row.outbox_status is None:
            return Reached.HELD
        status = OutboxStatus(row.outbox_status)
        if status is not OutboxStatus.SENT:
            return _REACHED[status]
        if self._was_shown(row):
            return Reached.SHOWN
        return Reached.DELIVERED if self._was_delivered(row) else Reached.SENT

    def _was_shown(self, row: Any) -> bool:
        # A page is whole each time it is asked for, so a later look at it showed the answer.
        if row.channel != Channel.WEBCHAT.value:
            return False
        seen = sa.exists().where(
            web_session.c.external_id == row.external_id, web_session.c.last_seen_at > row.sent_at
        )
        return bool(self._connection.execute(sa.select(seen)).scalar())

    def _was_delivered(self, row: Any) -> bool:
        told = sa.exists().where(
            delivery_event.c.provider_message_id == row.provider_message_id,
            delivery_event.c.status.in_(_DELIVERED),
        )
        return bool(self._connection.execute(sa.select(told)).scalar())


def _messages() -> sa.Select[Any]:
    key = sa.literal(ANSWER_KEY).concat(officer_message.c.id)
    return (
        sa.select(
            officer_message,
            conversation.c.channel,
            conversation.c.external_id,
            outbox.c.status.label("outbox_status"),
            outbox.c.sent_at,
            outbox.c.provider_message_id,
        )
        .select_from(officer_message)
        .join(conversation, conversation.c.id == officer_message.c.conversation_id)
        .join(outbox, outbox.c.dedupe_key == key, isouter=True)
    )


def _which(
    crime_reference: str, conversation_id: str
) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return (
        officer_message.c.crime_reference == crime_reference,
        officer_message.c.conversation_id == conversation_id,
    )
