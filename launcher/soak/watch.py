"""Looks at the running service every two seconds: how much is unfinished, and whether anything urgent stands alone."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import sqlalchemy as sa

from casework.adapters.storage.tables import (
    OUTBOX_UNFINISHED,
    TURN_UNFINISHED,
    desk_item,
    inbox,
    outbox,
    status_in,
    turn,
)

LOOK_SECONDS = 2.0
RED = "red"


@dataclass(kw_only=True)
class Watch:
    """`valve` is open while at most `most_unfinished` turns and sends wait. `seen_late`: see History."""

    engine: sa.Engine
    valve: asyncio.Event
    most_unfinished: int
    looks: int = 0
    unfinished: int = 0  # at the last look
    most_seen: int = 0
    seen_late: set[int] = field(default_factory=set)

    async def run(self, enough: asyncio.Event) -> None:
        while not enough.is_set():
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        found = await asyncio.to_thread(self._look)
        if found is None:
            return  # the database is away: what comes meanwhile waits elsewhere
        self.unfinished, late = found
        self.looks += 1
        self.most_seen = max(self.most_seen, self.unfinished)
        self.seen_late |= late
        if self.unfinished > self.most_unfinished:
            self.valve.clear()
        elif self.unfinished <= self.most_unfinished // 2:
            self.valve.set()

    def _look(self) -> tuple[int, set[int]] | None:
        try:
            with self.engine.connect() as connection:
                return count_unfinished(connection), find_urgent_alone(connection)
        except sa.exc.SQLAlchemyError:
            return None


def count_unfinished(connection: sa.Connection) -> int:
    """Turns nobody has answered yet and messages that have not left."""
    turns = sa.select(sa.func.count()).select_from(turn).where(status_in(turn, TURN_UNFINISHED))
    sends = sa.select(sa.func.count()).select_from(outbox).where(status_in(outbox, OUTBOX_UNFINISHED))
    return int(connection.execute(turns).scalar_one()) + int(connection.execute(sends).scalar_one())


def find_urgent_alone(connection: sa.Connection) -> set[int]:
    """Inbox ids the screen found urgent that have no item, in one statement and so at one moment."""
    query = sa.select(inbox.c.id).where(
        inbox.c.screen["band"].as_string() == RED,
        ~sa.exists().where(desk_item.c.inbox_id == inbox.c.id),
    )
    return set(connection.execute(query).scalars())


async def wait_until(is_so: Callable[[], bool], *, seconds: float) -> bool:
    """Whether it became so in the time; asks again each second, off the loop."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not await asyncio.to_thread(is_so):
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(1.0)
    return True
