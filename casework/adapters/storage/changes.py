"""Noticing, within milliseconds, that another process committed something. One watcher a process, however many wait."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from typing import Protocol
from weakref import WeakKeyDictionary

import sqlalchemy as sa
import structlog
from pysqlite3 import dbapi2 as sqlite

log = structlog.get_logger()

PAUSE_SECONDS = 0.03
# Asking SQLite takes microseconds, and between a message and its reply on the screen are three such waits.
POLL_SECONDS = 0.005
LOST_SECONDS = 1.0
# It says nothing for hours where nothing is committed: a machine in between that forgot it must be noticed
# (the system's own default is two hours). Until then everybody finds what is new by looking.
SILENT_SECONDS, AGAIN_SECONDS, TRIES = 10, 5, 3


class Changes(Protocol):
    async def wait(self, timeout_seconds: float) -> None:
        """Returns soon after any commit, and at the latest after the timeout. May return for nothing.

        A commit since it last returned counts, also one from before this call. Never sooner than a pause after
        it last returned: where something is committed all the time, nobody looks all the time.
        """

    async def close(self) -> None: ...


def watch_changes(engine: sa.Engine) -> Changes:
    """A watcher for one task; each waiting task needs its own. What watches the database is shared by all of them."""
    return _SharedChanges(engine)


# What a process holds open on the database does not grow with its readers.
_WATCHES: WeakKeyDictionary[sa.Engine, "_Watch"] = WeakKeyDictionary()


class _SharedChanges:
    def __init__(self, engine: sa.Engine) -> None:
        self._watch = _join(engine)
        self._seen = 0  # a fresh one reports once
        self._quiet_until = 0.0

    async def wait(self, timeout_seconds: float) -> None:
        loop = asyncio.get_running_loop()
        await self._watch.wait(self._seen, timeout_seconds)
        await asyncio.sleep(self._quiet_until - loop.time())
        self._seen = self._watch.count
        self._quiet_until = loop.time() + PAUSE_SECONDS

    async def close(self) -> None:
        self._watch.users -= 1
        if not self._watch.users:
            await self._watch.close()


def _join(engine: sa.Engine) -> "_Watch":
    loop, watch = asyncio.get_running_loop(), _WATCHES.get(engine)
    if watch is None or not watch.users or watch.loop is not loop:
        watch = _WATCHES[engine] = _Watch(_find_follower(engine), loop, _get_fault(engine))
    watch.users += 1
    return watch


Follower = Callable[[], AsyncGenerator[None, None]]


class _Watch:
    """What watches one database for as long as somebody waits: a count that rises with whatever is noticed."""

    def __init__(self, follow: Follower, loop: asyncio.AbstractEventLoop, fault: type[Exception]) -> None:
        """`fault`: what the database's driver raises."""
        self.count = 0
        self.users = 0
        self.loop = loop
        self._fault = fault
        self._risen = asyncio.Event()
        self._task = loop.create_task(self._run(follow))

    async def wait(self, seen: int, timeout_seconds: float) -> None:
        """Returns once the count is another than `seen`, or after the time."""
        if self.count != seen:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds):
                await self._risen.wait()

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self, follow: Follower) -> None:
        while True:
            try:
                async with aclosing(follow()) as commits:
                    async for _ in commits:
                        self._note()
            except (self._fault, OSError) as fault:
                log.warning("change_watcher_lost", error=type(fault).__name__)
            # While it is down everybody looks once a second: what is committed meanwhile is found, if later.
            self._note()
            await asyncio.sleep(LOST_SECONDS)

    def _note(self) -> None:
        self.count += 1
        # Those who wait hold this one; who comes later waits for the next.
        self._risen.set()
        self._risen = asyncio.Event()


def _get_fault(engine: sa.Engine) -> type[Exception]:
    fault: type[Exception] = engine.dialect.loaded_dbapi.Error
    return fault


def _find_follower(engine: sa.Engine) -> Follower:
    if engine.dialect.name == "sqlite":
        path = str(engine.url.database)
        return lambda: _follow_sqlite(path)
    dsn = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    return lambda: _follow_postgresql(dsn)


async def _follow_sqlite(path: str) -> AsyncGenerator[None, None]:
    """`PRAGMA data_version` moves when any other connection commits; reading it takes microseconds."""
    connection = sqlite.connect(path, isolation_level=None)
    seen = None
    try:
        while True:
            version = connection.execute("PRAGMA data_version").fetchone()[0]
            if version != seen:
                seen = version
                yield
            await asyncio.sleep(POLL_SECONDS)
    finally:
        connection.close()


async def _follow_postgresql(dsn: str) -> AsyncGenerator[None, None]:
    """LISTEN on a connection of its own."""
    import psycopg  # not where SQLite is: it takes memory that readers could have

    connection = await psycopg.AsyncConnection.connect(
        dsn,
        autocommit=True,
        keepalives_idle=SILENT_SECONDS,
        keepalives_interval=AGAIN_SECONDS,
        keepalives_count=TRIES,
    )
    try:
        await connection.execute("LISTEN waymark")
        yield
        async for _ in connection.notifies():
            yield
    finally:
        await connection.close()
