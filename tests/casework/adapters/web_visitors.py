"""People with an open page of the web chat, and what may happen to their conversations."""

import asyncio
from collections.abc import Callable

import sqlalchemy as sa

from casework.adapters.storage.database import Database
from casework.adapters.storage.tables import desk_item, outbox, turn
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.desk import HandoffReason
from casework.model.disclosures import Band, ScreenResult
from casework.model.messages import Channel, OutboxStatus
from casework.services.hand_off import request_person
from tests.support.builders import an_outbound, an_sms

CALM = ScreenResult(urgent=False, band=Band.GREEN)
Change = Callable[[SqlTransaction, str], None]


def open_visit(tx: SqlTransaction, key: str) -> str:
    """A visit with `key` in place of its token's hash; its conversation's id."""
    tx.web_sessions.open(key, f"writer-{key}")
    return tx.conversations.open(Channel.WEBCHAT, f"writer-{key}").id


def write(tx: SqlTransaction, conversation_id: str) -> None:
    message = an_sms("hello", channel=Channel.WEBCHAT, external_id="x")
    inbox_id = tx.inbox.record(message, conversation_id, CALM)
    assert inbox_id is not None
    tx.turns.record_waiting(inbox_id, conversation_id)


def answer(tx: SqlTransaction, conversation_id: str) -> None:
    _record(tx, conversation_id, OutboxStatus.SENT)


def keep_waiting(tx: SqlTransaction, conversation_id: str) -> None:
    _record(tx, conversation_id, OutboxStatus.WAITING)


def send_oldest(tx: SqlTransaction, conversation_id: str) -> None:
    waiting = sa.select(sa.func.min(outbox.c.id)).where(
        outbox.c.conversation_id == conversation_id, outbox.c.status == OutboxStatus.WAITING.value
    )
    row_id = tx.connection.execute(waiting).scalar_one()
    tx.connection.execute(
        sa.update(outbox).where(outbox.c.id == row_id).values(status=OutboxStatus.SENT.value, sent_at=tx.now)
    )


def withdraw(tx: SqlTransaction, conversation_id: str) -> None:
    mine = outbox.c.conversation_id == conversation_id
    waits = outbox.c.status == OutboxStatus.WAITING.value
    tx.connection.execute(sa.update(outbox).where(mine, waits).values(status="suppressed"))


def finish_turns(tx: SqlTransaction, conversation_id: str) -> None:
    mine = turn.c.conversation_id == conversation_id
    tx.connection.execute(sa.update(turn).where(mine).values(status="done"))


def ask_for_person(tx: SqlTransaction, conversation_id: str) -> None:
    request_person(tx, conversation_id, HandoffReason.ASKED_FOR_PERSON, inbox_id=None)


def close_items(tx: SqlTransaction, conversation_id: str) -> None:
    mine = desk_item.c.conversation_id == conversation_id
    tx.connection.execute(sa.update(desk_item).where(mine).values(status="closed", closed_at=tx.now))


def claim(tx: SqlTransaction, conversation_id: str) -> None:
    staff_id = tx.staff.add(login=conversation_id, display_name="Sam", role="investigator", password_hash="x")
    tx.conversations.pass_on(conversation_id, from_id=None, to_id=staff_id)


# In this order: each moves the version that the one before it left.
CHANGES: dict[str, Change] = {
    "they write": write,
    "they write again, unanswered": write,
    "the assistant has answered": finish_turns,
    "a message is sent": answer,
    "a reply waits": keep_waiting,
    "the reply is withdrawn": withdraw,
    "they ask for a person": ask_for_person,
    "a person takes over": claim,
    "their place in the queue is closed": close_items,
}


def _record(tx: SqlTransaction, conversation_id: str, status: OutboxStatus) -> None:
    message = an_outbound(conversation_id, "A text.", channel=Channel.WEBCHAT, to="x")
    tx.outbox.record(message, decision="test", status=status)


async def change(database: Database, work: Change, conversation_id: str) -> None:
    await asyncio.to_thread(database.write_now, lambda tx: work(tx, conversation_id))
