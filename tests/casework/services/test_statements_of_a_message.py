"""What one message costs the database, from its webhook to the record of its answer; and what is read on the way fails
for its own message alone.

Red when, each tried once: a service asks once more what it knows; a look for work asks once for each kind; what a turn
is asked with is read outside the transaction that leases it; `_take_next` of answer or deliver does not lease by itself
what could not be taken whole.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlalchemy as sa

from casework.adapters.storage.sealed import Ciphertext
from casework.adapters.storage.tables import inbox, outbox, turn
from casework.adapters.vault.data_keys import FieldUnreadable
from casework.services import pacing
from tests.support.line import Line

# Counted on 2026-11-23. More is a cost for every message there ever is: argue for it in the commit.
MOST_STATEMENTS = {
    "sqlite": {"receive": 14, "answer": 31, "deliver": 18},
    "postgresql": {"receive": 16, "answer": 34, "deliver": 21},
}
# Writes and reads. A write is a wait for the disk.
TRANSACTIONS = {"receive": (1, 0), "answer": (2, 0), "deliver": (2, 0)}


@dataclass
class Counted:
    statements: int = 0
    writes: int = 0
    reads: int = 0


@dataclass
class Counting:
    engine: sa.Engine
    now: Counted = field(default_factory=Counted)

    @contextmanager
    def listening(self) -> Iterator["Counting"]:
        sa.event.listen(self.engine, "before_cursor_execute", self._note_statement)
        sa.event.listen(self.engine, "begin", self._note_begin)
        try:
            yield self
        finally:
            sa.event.remove(self.engine, "before_cursor_execute", self._note_statement)
            sa.event.remove(self.engine, "begin", self._note_begin)

    def take(self) -> Counted:
        taken, self.now = self.now, Counted()
        return taken

    def _note_statement(self, _connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        self.now.statements += not statement.startswith("BEGIN")

    def _note_begin(self, connection: sa.Connection) -> None:
        if connection.get_execution_options().get("waymark_read"):
            self.now.reads += 1
        else:
            self.now.writes += 1


async def test_a_message_asks_no_more_of_the_database_than_it_did(line: Line) -> None:
    paced = pacing.list_paced_senders(
        sms_from="+447700900999", whatsapp_from=None, sms_per_second=100, has_telegram=False
    )
    line.pace = lambda tx, message: pacing.keep_pace(tx, message, senders=paced)
    # The first of a conversation makes its key, and of a process whatever is read once.
    line.receive("hello")
    await line.answer_all()
    await line.deliver_all()
    with Counting(line.database.engine).listening() as counting:
        line.receive("what is happening with my case")
        seen = {"receive": counting.take()}
        assert await line.answer()
        seen["answer"] = counting.take()
        assert await line.deliver()
        seen["deliver"] = counting.take()
    assert {name: (each.writes, each.reads) for name, each in seen.items()} == TRANSACTIONS
    most = MOST_STATEMENTS[line.database.engine.dialect.name]
    counted = {name: each.statements for name, each in seen.items()}
    assert all(counted[name] <= most[name] for name in most), counted


def test_a_look_for_work_of_every_kind_is_one_question(line: Line) -> None:
    line.database.read_now(lambda tx: tx.waiting_work.count())  # the first of all looks whether the keys fit
    with Counting(line.database.engine).listening() as counting:
        assert not any(line.database.read_now(lambda tx: tx.waiting_work.count()).values())
        looked = counting.take()
    assert (looked.statements, looked.writes, looked.reads) == (1, 0, 1)


async def test_what_one_turn_is_asked_with_cannot_be_read_and_the_next_conversation_is_answered(
    line: Line,
) -> None:
    first = line.receive("hello")
    await line.answer_all()
    line.receive("what is happening with my case")
    other = line.receive("hello", external_id="+447700900002").conversation_id
    _make_unreadable(line, inbox, id=first.inbox_id)
    with pytest.raises(FieldUnreadable):
        await line.answer()
    assert await line.answer()
    assert line.row(turn, conversation_id=other).outcome == "answered"


async def test_a_message_whose_leaving_cannot_be_decided_holds_up_no_other_conversation(line: Line) -> None:
    line.receive("hello")
    other = line.receive("hello", external_id="+447700900002").conversation_id
    await line.answer_all()
    tried: list[str] = []

    def fail_once(tx: Any, message: Any) -> None:
        tried.append(message.conversation_id)
        if message.conversation_id != other:
            raise RuntimeError("this message's pace cannot be told")

    line.pace = fail_once
    with pytest.raises(RuntimeError, match="pace"):
        await line.deliver()
    assert await line.deliver()
    assert line.row(outbox, conversation_id=other).status == "sent"
    assert other in tried


def _make_unreadable(line: Line, table: sa.Table, **where: Any) -> None:
    def spoil(tx: Any) -> None:
        query = sa.update(table).values(text=Ciphertext("spoilt"))
        for name, value in where.items():
            query = query.where(table.c[name] == value)
        tx.connection.execute(query)

    line.database.write_now(spoil)
