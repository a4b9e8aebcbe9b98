"""One look at the queue for everybody who asks at the same time: a burst of commits is not read once an open page."""

import asyncio
import time
from datetime import datetime

from casework.adapters.storage.database import Database
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.grade_clocks import GradeClocks
from console.desk.queues import MOST_ITEMS, QueueInput, arrange_look
from console.live_pages import PROBE_SECONDS


class QueueLooks:
    """A look that has begun may have missed the commit that made somebody ask: they share the next one."""

    def __init__(self, database: Database, clocks: GradeClocks) -> None:
        self._database = database
        self._clocks = clocks
        self._running: asyncio.Task[QueueInput] | None = None
        self._next: asyncio.Task[QueueInput] | None = None
        self._last: tuple[float, QueueInput] | None = None  # when it began, by the monotonic clock
        self._newest: datetime | None = None  # of the items of the last look
        self._probe: tuple[float, asyncio.Task[datetime | None]] | None = None

    async def look(self, *, newest_within_seconds: float = 0.0) -> QueueInput:
        """As the queue is now; or as it was so long ago at most, for who will be told of what comes after."""
        if self._last is not None and time.monotonic() - self._last[0] < newest_within_seconds:
            return self._last[1]
        if self._next is None:
            self._next = asyncio.create_task(self._look_after(self._running))
        # One who goes away must not take the look of the others along.
        return await asyncio.shield(self._next)

    async def has_new_item(self) -> bool:
        """Whether an item has come since the last look. Asked of the database once for all who ask at the same time."""
        now = time.monotonic()
        if self._probe is None or now - self._probe[0] >= PROBE_SECONDS:
            probe = asyncio.create_task(self._database.read(lambda tx: tx.desk.find_newest()))
            self._probe = now, probe
        newest = await asyncio.shield(self._probe[1])
        return newest is not None and (self._newest is None or newest > self._newest)

    async def _look_after(self, earlier: asyncio.Task[QueueInput] | None) -> QueueInput:
        if earlier is not None:
            await asyncio.wait([earlier])
        self._running, self._next = self._next, None
        began = time.monotonic()
        # Arranged in the reading thread: the event loop has every open console to serve.
        found = await self._database.read(lambda tx: arrange_look(read_queue(tx), self._clocks, tx.now))
        self._last = began, found
        self._newest = found.newest
        return found


def read_queue(tx: SqlTransaction) -> QueueInput:
    return QueueInput(
        items=tx.desk.list_queue(limit=MOST_ITEMS, with_evidence=False),
        alarms=tx.alarms.list_open(),
        facts=tx.desk.list_facts(),
        offers=tx.transfers.list_offered(),
        newest=tx.desk.find_newest(),
    )
