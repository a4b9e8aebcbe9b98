"""What goes wrong with a process and with the database, from outside the code: nothing of ours is patched.

A process that dies raises what no `except Exception` catches: whatever it held in memory is gone, and whatever it had
committed is there. A lost connection is an error that the service is meant to live through.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.database import Database
from tests.faults.dying import GATEWAY_STEPS, WORKER_STEPS

# What each step writes, by how its statement begins and, where that is not enough, one of its values.
STEPS: dict[str, tuple[str, str | None]] = {
    **GATEWAY_STEPS,
    **WORKER_STEPS,
    "claim": ("UPDATE conversation SET epoch", None),
    "climb": ("INSERT INTO escalation", None),
    "hear_news": ("INSERT INTO delivery_event", None),
    "open_item": ("INSERT INTO desk_item", None),
    "queue": ("INSERT INTO outbox", None),
}
WHEN = ("in_it", "at_its_commit", "after_its_commit")
HOW = ("dies", "loses_the_database")


class Died(BaseException):
    """The process is no more. Nothing of ours catches it."""


class ConnectionLost(sa.exc.OperationalError):
    """The database does not answer. Whether it committed, whoever asked does not know."""

    def __init__(self) -> None:
        super().__init__("COMMIT", {}, Exception("the server closed the connection"))


@dataclass(frozen=True)
class Point:
    """Where the next process fails: which of `STEPS`, `when` about its transaction, and `how`."""

    step: str
    when: str
    how: str


@dataclass
class Failpoints:
    """At most one is armed. It goes off once, in whichever process comes to it first."""

    armed: Point | None = None
    is_reached: bool = False
    fired: Counter[str] = field(default_factory=Counter)

    def watch(self, engine: sa.Engine) -> None:
        sa.event.listen(engine, "after_cursor_execute", self._notice)
        sa.event.listen(engine, "commit", lambda _connection: self.come_to("at_its_commit"))

    def arm(self, point: Point | None) -> None:
        self.armed, self.is_reached = point, False

    def come_to(self, when: str) -> None:
        """Fails here if this is the place."""
        if self.armed is None or not self.is_reached or self.armed.when != when:
            return
        point = self.armed
        self.arm(None)
        self.fired[f"{point.step}:{point.when}"] += 1
        raise Died if point.how == "dies" else ConnectionLost

    def _notice(self, _connection: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        if self.armed is None:
            return
        starts, value = STEPS[self.armed.step]
        written = values.values() if isinstance(values, dict) else values
        if statement.startswith(starts) and (value is None or value in list(written)):
            self.is_reached = True
            self.come_to("in_it")


class FaultyStore:
    """The real database behind everything that may happen to it, on the calling thread, one transaction after another.

    `on_commit` is called after each commit, before whoever wrote learns of it: what a reader sees, it sees then.
    """

    def __init__(self, database: Database, failpoints: Failpoints, on_commit: Callable[[], None]) -> None:
        self.database = database
        self.is_away = False
        self._failpoints = failpoints
        self._on_commit = on_commit

    def write_now(self, work: Callable[[Any], Any]) -> Any:
        self._ask()
        # What another transaction came to is not this one's.
        self._failpoints.is_reached = False
        result = self.database.write_now(work)
        self._on_commit()
        self._failpoints.come_to("after_its_commit")
        return result

    def read_now(self, work: Callable[[Any], Any]) -> Any:
        self._ask()
        return self.database.read_now(work)

    async def write(self, work: Callable[[Any], Any]) -> Any:
        return self.write_now(work)

    async def read(self, work: Callable[[Any], Any]) -> Any:
        return self.read_now(work)

    def _ask(self) -> None:
        if self.is_away:
            raise ConnectionLost


@dataclass
class Hanging:
    """A call that has not come back. `comes_back` is given what it comes back with."""

    where: str
    task: asyncio.Task[Any]
    comes_back: asyncio.Future[str]


class HangingCalls:
    """Calls to the outside that hang until somebody says what they come back with, or their process dies."""

    def __init__(self) -> None:
        self.waiting: list[Hanging] = []

    async def wait(self, where: str) -> str:
        task = asyncio.current_task()
        assert task is not None
        hanging = Hanging(where, task, asyncio.get_running_loop().create_future())
        self.waiting.append(hanging)
        try:
            return await hanging.comes_back
        finally:
            self.waiting.remove(hanging)

    def has(self, task: asyncio.Task[Any]) -> bool:
        return any(each.task is task and not each.comes_back.done() for each in self.waiting)
