"""One lookout for every crew: whatever waits is taken at once, by as many as there are, and no crew waits for another.

Red when, each tried once: a kind of work is not counted, or counted once it is in hand; a crew has more at work than
its size; no commit is heard of; a crew whose step fails or hangs holds up another; somebody takes after the end, or is
cut off by it.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from casework.adapters.storage.database import Database
from casework.adapters.storage.transaction import SqlTransaction
from casework.services import prove
from casework.services.work_ports import Work
from channels.crews import IDLE_SECONDS, Crew, Lookout
from tests.support.clock import SetClock
from tests.support.line import Line

PATIENCE_SECONDS = 20.0


@asynccontextmanager
async def looking(database: Database, *crews: Crew) -> AsyncIterator[asyncio.Event]:
    stop = asyncio.Event()
    running = asyncio.create_task(Lookout(database, crews).run(stop))
    try:
        yield stop
    finally:
        stop.set()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await running


@pytest.fixture
def line(database: Database, clock: SetClock) -> Line:
    return Line(database, clock)


class Hands:
    """A step of so many at a time: each takes one and holds it until it is let go."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self.let_go = asyncio.Event()
        self.held = 0
        self.done = 0
        self._changed = asyncio.Condition()

    async def step(self, on_leased: Callable[[], None]) -> bool:
        turn = await self._line.database.write(lambda tx: tx.turns.lease_next("us", lease_seconds=60))
        if turn is None:
            return False
        on_leased()
        await self._count(held=1)
        await self.let_go.wait()
        await self._line.database.write(lambda tx: tx.turns.finish(turn, "answered"))
        await self._count(held=-1, done=1)
        return True

    async def _count(self, *, held: int = 0, done: int = 0) -> None:
        async with self._changed:
            self.held, self.done = self.held + held, self.done + done
            self._changed.notify_all()

    async def until(self, is_so: Callable[["Hands"], bool]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS), self._changed:
            await self._changed.wait_for(lambda: is_so(self))


class Code:
    """A code somebody asks for, to know when a look was had that began after they did."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._conversation = line.open("+447700900150")
        self._found = asyncio.Event()

    async def is_looked_for(self) -> None:
        self._found.clear()
        await self._line.database.write(self.request)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._found.wait()

    def request(self, tx: SqlTransaction) -> None:
        tx.codes.request(self._conversation, "26WM/000001/26")

    async def step(self, _leased: Callable[[], None]) -> bool:
        await prove.issue_next_code(self._line.database, codes=self._line.codes, texts=self._line.texts)
        self._found.set()
        return False


def receive(line: Line, count: int) -> None:
    for number in range(count):
        line.receive("hello", external_id=f"+4477009001{number:02d}")


def count(line: Line) -> dict[Work, int]:
    return dict(line.database.read_now(lambda tx: tx.waiting_work.count()))


NOTHING = dict.fromkeys(Work, 0)


async def test_each_kind_of_work_counts_while_it_waits_and_not_while_somebody_has_it(line: Line) -> None:
    assert count(line) == NOTHING
    receive(line, 1)
    assert count(line) == NOTHING | {Work.TURN: 1}
    receive(line, 3)
    assert count(line) == NOTHING | {Work.TURN: 2}
    for _ in range(4):
        line.database.write_now(lambda tx: tx.turns.lease_next("us", lease_seconds=60))
    assert count(line) == NOTHING
    line.clock.advance(seconds=61)
    await line.answer_all()
    assert count(line) == NOTHING | {Work.MESSAGE: 2}
    await line.deliver_all()
    assert count(line) == NOTHING
    conversation = line.open("+447700900150")
    line.database.write_now(Code(line).request)
    assert count(line) == NOTHING | {Work.CODE: 1}
    inbox_id = line.receive("is daisy ok", external_id="+447700900150").inbox_id
    line.database.write_now(lambda tx: tx.people.request_duress_check(inbox_id, conversation))
    assert count(line) == NOTHING | {Work.CODE: 1, Work.TURN: 1, Work.DURESS_CHECK: 1}
    line.database.write_now(lambda tx: tx.people.take_duress_check())
    assert count(line) == NOTHING | {Work.CODE: 1, Work.TURN: 1}


async def test_as_many_are_at_work_as_a_crew_has_and_the_rest_waits_for_one_of_them(line: Line) -> None:
    receive(line, 5)
    hands, code = Hands(line), Code(line)
    async with looking(line.database, Crew(Work.CODE, code.step), Crew(Work.TURN, hands.step, size=3)):
        await hands.until(lambda now: now.held == 3)
        await code.is_looked_for()
        await code.is_looked_for()
        assert (hands.held, count(line)[Work.TURN]) == (3, 2)
        hands.let_go.set()
        await hands.until(lambda now: now.done == 5)


async def test_what_one_crew_wrote_another_takes_without_waiting_for_a_second_to_pass(line: Line) -> None:
    """The second is an hour here, and the message comes in when there was nothing to do."""
    sent, code = asyncio.Event(), Code(line)

    async def answer(on_leased: Callable[[], None]) -> bool:
        on_leased()
        return await line.answer()

    async def deliver(on_leased: Callable[[], None]) -> bool:
        on_leased()
        has_sent = await line.deliver()
        sent.set()
        return has_sent

    crews = [Crew(Work.CODE, code.step), Crew(Work.TURN, answer), Crew(Work.MESSAGE, deliver)]
    stop = asyncio.Event()
    running = asyncio.create_task(Lookout(line.database, crews, idle_seconds=3600).run(stop))
    await code.is_looked_for()
    await asyncio.to_thread(line.receive, "hello")
    async with asyncio.timeout(PATIENCE_SECONDS):
        await sent.wait()
        stop.set()
        await running


@pytest.mark.parametrize("fault", ["fails", "hangs"])
async def test_a_crew_in_trouble_holds_up_no_other(line: Line, fault: str) -> None:
    receive(line, 3)
    release, tried = asyncio.Event(), Counter[str]()
    hands = Hands(line)
    hands.let_go.set()
    line.database.write_now(Code(line).request)

    async def trouble(_leased: Callable[[], None]) -> bool:
        tried[fault] += 1
        if fault == "fails":
            raise RuntimeError("no code can be issued")
        await release.wait()
        return False

    async with looking(line.database, Crew(Work.CODE, trouble), Crew(Work.TURN, hands.step)):
        await hands.until(lambda now: now.done == 3)
        assert tried[fault] == 1
        release.set()


async def test_after_the_end_nobody_takes_and_whoever_is_at_work_comes_to_the_end_of_it(line: Line) -> None:
    receive(line, 3)
    hands = Hands(line)
    stop = asyncio.Event()
    running = asyncio.create_task(Lookout(line.database, [Crew(Work.TURN, hands.step, size=2)]).run(stop))
    await hands.until(lambda now: now.held == 2)
    stop.set()
    hands.let_go.set()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await running
    assert (hands.done, count(line)[Work.TURN]) == (2, 1)


async def test_what_no_commit_tells_of_is_found_by_looking(line: Line) -> None:
    """A lease that ran out makes work again, and nobody writes when it does."""
    receive(line, 1)
    line.database.write_now(lambda tx: tx.turns.lease_next("somebody gone", lease_seconds=10))
    hands = Hands(line)
    hands.let_go.set()
    async with looking(line.database, Crew(Work.TURN, hands.step)):
        line.clock.advance(seconds=11)
        async with asyncio.timeout(IDLE_SECONDS + PATIENCE_SECONDS):
            await hands.until(lambda now: now.done == 1)
