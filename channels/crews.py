"""Who works on what waits: a crew for each kind of work, and one lookout for all of them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from casework.adapters.storage.changes import watch_changes
from casework.adapters.storage.database import Database
from casework.services.work_ports import Work

log = structlog.get_logger()

IDLE_SECONDS = 1.0
FAILURE_PAUSE_SECONDS = 1.0

Step = Callable[[], Awaitable[bool]]
# Called with what to call once there is work, and before it is done.
LeasingStep = Callable[[Callable[[], None]], Awaitable[bool]]


async def attempt(step: Step) -> bool:
    """What the step says; False, after a pause, where it failed."""
    try:
        return await step()
    except asyncio.CancelledError:
        raise
    except Exception:
        # Whatever was leased comes back by itself; the loop must outlive any one message.
        log.exception("step_failed")
        await asyncio.sleep(FAILURE_PAUSE_SECONDS)
        return False


class Crew:
    """`size` at work at most, one of them taking: a step says when it has some, and the next may take."""

    def __init__(self, work: Work, step: LeasingStep, *, size: int = 1) -> None:
        self.work = work
        self._step = step
        self._size = size
        self._at_work = 0
        self._is_taking = False

    @property
    def may_take(self) -> bool:
        return not self._is_taking and self._at_work < self._size

    async def take(self, look_again: Callable[[], None], *, is_more: bool) -> None:
        """Takes the next and does it. `look_again` is called whenever there may be something for somebody free.

        `is_more`: whether other work of the kind waited as well.
        """
        self._at_work += 1
        self._is_taking = is_ours = True

        def note_taken() -> None:
            nonlocal is_ours
            self._is_taking = is_ours = False
            if is_more:
                look_again()

        try:
            has_done = await attempt(lambda: self._step(note_taken))
        finally:
            self._at_work -= 1
            if is_ours:
                self._is_taking = False
        if has_done:
            # What it wrote may be another crew's work, and what it had may have held up what comes after it.
            look_again()


class Lookout:
    """Looks for all crews at once, after anybody's commit and at least each second: most looks find nothing."""

    def __init__(
        self, database: Database, crews: Sequence[Crew], *, idle_seconds: float = IDLE_SECONDS
    ) -> None:
        self._database = database
        self._crews = crews
        self._idle_seconds = idle_seconds
        self._again: asyncio.Future[None] | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`. After it nobody takes anything, and who is at work comes to the end of it."""
        changes = watch_changes(self._database.engine)
        loop = asyncio.get_running_loop()
        stopped = loop.create_task(stop.wait())
        heard = loop.create_task(changes.wait(self._idle_seconds))
        try:
            async with asyncio.TaskGroup() as at_work:
                while not stop.is_set():
                    self._again = loop.create_future()
                    if heard.done():
                        heard = loop.create_task(changes.wait(self._idle_seconds))
                    await attempt(lambda: self._look(at_work, stop))
                    await asyncio.wait((stopped, heard, self._again), return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            heard.cancel()
            await changes.close()

    async def _look(self, at_work: asyncio.TaskGroup, stop: asyncio.Event) -> bool:
        waiting: Mapping[Work, int] = await self._database.read(lambda tx: tx.waiting_work.count())
        for crew in self._crews:
            # The end may have come while the database was asked.
            if waiting[crew.work] and crew.may_take and not stop.is_set():
                at_work.create_task(crew.take(self._look_again, is_more=waiting[crew.work] > 1))
        return True

    def _look_again(self) -> None:
        if self._again is not None and not self._again.done():
            self._again.set_result(None)
