"""Messages whose provider is asked to let go of them, each until it has."""

from collections.abc import Collection
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.belongings import CONVERSATION, held_subjects
from casework.adapters.storage.keeping_tables import keeping_mark, provider_redaction
from casework.adapters.storage.retention_rows import save_mark
from casework.adapters.storage.statements import insert, lock_rows
from casework.adapters.storage.tables import (
    TURN_UNFINISHED,
    conversation,
    inbox,
    outbox,
    turn,
)
from casework.model.messages import PHONES, Channel
from casework.services.keeping_ports import LeasedRedaction

TWILIO, TELEGRAM = "twilio", "telegram"
REDACT, DELETE = "redact", "delete"
WAITING, IMPOSSIBLE = "waiting", "impossible"
INBOX_MARK, OUTBOX_MARK = "inbox_words", "outbox_words"
# Bots delete messages for so long: core.telegram.org/bots/api, deleteMessage.
DELETED_BY_A_BOT_FOR = timedelta(hours=48)
AT_ONCE = 500


class SqlProviderRedactions:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    # --- what is to be asked ----------------------------------------------------------------------

    def queue_finished(self, *, before: datetime, limit: int) -> int:
        read, left = self._list_read(before, limit), self._list_left(before, limit)
        for mark, rows in ((INBOX_MARK, read), (OUTBOX_MARK, left)):
            self._queue([_name(row) for row in rows if _is_twilios(row)], act=REDACT)
            if rows:
                save_mark(self._connection, mark, rows[-1].id, rows[-1].at)
        return len(read) + len(left)

    def _list_read(self, before: datetime, limit: int) -> list[Any]:
        """In their order, up to the first that is too young or not done with: what follows waits for it."""
        query = (
            sa.select(inbox.c.id, inbox.c.channel, inbox.c.provider_message_id, inbox.c.conversation_id)
            .add_columns(conversation.c.is_drill, inbox.c.received_at.label("at"), turn.c.status)
            .join_from(inbox, conversation, conversation.c.id == inbox.c.conversation_id)
            .outerjoin(turn, turn.c.inbox_id == inbox.c.id)
            .where(inbox.c.id > self._find_mark(INBOX_MARK)[0])
            .order_by(inbox.c.id)
            .limit(limit)
        )
        rows = self._connection.execute(query)
        return list(takewhile(lambda row: row.at <= before and row.status not in TURN_UNFINISHED, rows))

    def _list_left(self, before: datetime, limit: int) -> list[Any]:
        """In the order they left: what is held for days is redacted days later."""
        last_id, last_at = self._find_mark(OUTBOX_MARK)
        query = (
            sa.select(outbox.c.id, outbox.c.channel, outbox.c.provider_message_id, outbox.c.conversation_id)
            .add_columns(conversation.c.is_drill, outbox.c.sent_at.label("at"))
            .join_from(outbox, conversation, conversation.c.id == outbox.c.conversation_id)
            .where(outbox.c.sent_at <= before)
            .order_by(outbox.c.sent_at, outbox.c.id)
            .limit(limit)
        )
        if last_at is not None:
            after = sa.and_(outbox.c.sent_at == last_at, outbox.c.id > last_id)
            query = query.where(outbox.c.sent_at >= last_at, sa.or_(outbox.c.sent_at > last_at, after))
        return list(self._connection.execute(query))

    def _find_mark(self, name: str) -> tuple[int, datetime | None]:
        query = sa.select(keeping_mark.c.last_id, keeping_mark.c.at).where(keeping_mark.c.name == name)
        row = self._connection.execute(query).first()
        return (0, None) if row is None else (row.last_id, row.at)

    def queue_all_of(self, conversation_ids: Collection[str]) -> int:
        rows = [
            row
            for table, at in ((inbox, inbox.c.received_at), (outbox, outbox.c.sent_at))
            for row in self._connection.execute(
                sa.select(table.c.channel, table.c.provider_message_id, table.c.conversation_id)
                .add_columns(conversation.c.is_drill, at.label("at"))
                .join_from(table, conversation, conversation.c.id == table.c.conversation_id)
                .where(
                    table.c.conversation_id.in_(conversation_ids), table.c.provider_message_id.is_not(None)
                )
            )
        ]
        of_telegram = [row for row in rows if row.channel == Channel.TELEGRAM.value]
        young = [row for row in of_telegram if self._may_leave_telegram(row)]
        old = [row for row in of_telegram if row not in young]
        phones = [row for row in rows if _is_twilios(row)]
        self._queue([_name(row) for row in phones], act=DELETE)
        self._queue([_name(row) for row in young], act=DELETE, of=TELEGRAM)
        self._queue([_name(row) for row in old], act=DELETE, of=TELEGRAM, status=IMPOSSIBLE)
        return len(phones) + len(of_telegram)

    def _may_leave_telegram(self, row: Any) -> bool:
        """Young messages of ours: the number in the chat of one of theirs is not known here."""
        is_ours = not row.provider_message_id.startswith("update:")
        return is_ours and row.at is not None and row.at > self._now - DELETED_BY_A_BOT_FOR

    def _queue(
        self, messages: Collection[tuple[str, str]], *, act: str, of: str = TWILIO, status: str = WAITING
    ) -> None:
        """Asked for the words before, and now for all of it: it is asked again."""
        rows = [
            {
                "provider": of,
                "provider_message_id": provider_message_id,
                "conversation_id": conversation_id,
                "act": act,
                "status": status,
                "attempts": 0,
                "not_before": self._now,
                "asked_at": self._now,
                "settled_at": None if status == WAITING else self._now,
            }
            for provider_message_id, conversation_id in messages
        ]
        statement = insert(self._connection, provider_redaction)
        key = ["provider", "provider_message_id"]
        if act == REDACT:
            statement = statement.on_conflict_do_nothing(index_elements=key)
        else:
            anew = ("act", "status", "attempts", "not_before", "asked_at", "settled_at")
            statement = statement.on_conflict_do_update(
                index_elements=key, set_={name: statement.excluded[name] for name in anew} | {"fault": None}
            )
        if rows:
            self._connection.execute(statement, rows)

    # --- asking -----------------------------------------------------------------------------------

    def lease_next(self, *, lease_seconds: float) -> LeasedRedaction | None:
        query = (
            sa.select(provider_redaction)
            .where(*_waiting(), provider_redaction.c.not_before <= self._now)
            .order_by(provider_redaction.c.not_before, provider_redaction.c.id)
            .limit(1)
        )
        row = self._connection.execute(lock_rows(self._connection, query, provider_redaction)).first()
        if row is None:
            return None
        until = self._now + timedelta(seconds=lease_seconds)
        self._set(row.id, attempts=row.attempts + 1, not_before=until)
        return LeasedRedaction(
            id=row.id,
            provider=row.provider,
            provider_message_id=row.provider_message_id,
            deletes=row.act == DELETE,
            attempts=row.attempts + 1,
        )

    def settle(self, redaction_id: int, status: str, *, fault: str | None = None) -> None:
        self._set(redaction_id, status=status, settled_at=self._now, fault=fault)

    def postpone(self, redaction_id: int, *, until: datetime, fault: str) -> None:
        self._set(redaction_id, not_before=until, fault=fault[:48])

    def _set(self, redaction_id: int, **values: Any) -> None:
        which = provider_redaction.c.id == redaction_id
        self._connection.execute(sa.update(provider_redaction).where(which).values(**values))

    def count_late(self, *, asked_before: datetime) -> int:
        query = sa.select(sa.func.count()).where(*_waiting(), provider_redaction.c.asked_at < asked_before)
        return self._connection.execute(query).scalar_one()

    def find_deleted(self, provider_message_ids: Collection[str]) -> frozenset[str]:
        wanted, found = sorted(provider_message_ids), set[str]()
        for start in range(0, len(wanted), AT_ONCE):
            query = sa.select(provider_redaction.c.provider_message_id).where(
                provider_redaction.c.provider_message_id.in_(wanted[start : start + AT_ONCE]),
                provider_redaction.c.act == DELETE,
            )
            found.update(self._connection.execute(query).scalars())
        return frozenset(found)


def _waiting() -> tuple[sa.ColumnElement[bool], ...]:
    """Of what is held the words stay there as here; what is erased was not held then."""
    held = provider_redaction.c.conversation_id.in_(held_subjects()[CONVERSATION])
    return (
        # Written out for the planner: the index of the few that wait.
        provider_redaction.c.status.in_([sa.literal_column(repr(WAITING))]),
        ~sa.and_(provider_redaction.c.act == REDACT, held),
    )


def _name(row: Any) -> tuple[str, str]:
    return row.provider_message_id, row.conversation_id


def _is_twilios(row: Any) -> bool:
    is_phone = row.channel in {each.value for each in PHONES}
    return is_phone and not row.is_drill and row.provider_message_id is not None
