"""Noticing, within milliseconds, that another process committed something."""

import asyncio
from typing import Protocol

import psycopg
import sqlalchemy as sa
import structlog
from pysqlite3 import dbapi2 as sqlite

log = structlog.get_logger()

SQLITE_POLL_SECONDS = 0.03


class Changes(Protocol):
    async def wait(self, timeout_seconds: float) -> None:
        """Returns soon after any commit, and at the latest after the timeout. May return for nothing."""

    async def close(self) -> None: ...


def watch_changes(engine: sa.Engine) -> Changes:
    """A watcher for one task; each waiting task needs its own."""
    if engine.dialect.name == "sqlite":
        return SqliteChanges(str(engine.url.database))
    return PostgresChanges(engine.url)


class SqliteChanges:
    """`PRAGMA data_version` moves when any other connection commits; reading it takes microseconds."""

    def __init__(self, path: str) -> None:
        self._connection = sqlite.connect(path, isolation_level=None)
        self._seen = -1

    async def wait(self, timeout_seconds: float) -> None:
        deadline = asyncio.get_running_loop().time() + timeout_seconds
        while asyncio.get_running_loop().time() < deadline:
            version = int(self._connection.execute("PRAGMA data_version").fetchone()[0])
            if version != self._seen:
                self._seen = version
                return
            await asyncio.sleep(SQLITE_POLL_SECONDS)

    async def close(self) -> None:
        self._connection.close()


class PostgresChanges:
    """LISTEN on a connection of its own; while that is down, the timeout is the poll."""

    def __init__(self, url: sa.URL) -> None:
        self._dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._connection: psycopg.AsyncConnection[tuple[object, ...]] | None = None

    async def wait(self, timeout_seconds: float) -> None:
        try:
            if self._connection is None:
                self._connection = await psycopg.AsyncConnection.connect(self._dsn, autocommit=True)
                await self._connection.execute("LISTEN waymark")
                return
            async for _ in self._connection.notifies(timeout=timeout_seconds, stop_after=1):
                return
        except psycopg.OperationalError:
            log.warning("change_listener_lost")
            self._connection = None
            await asyncio.sleep(min(1.0, timeout_seconds))

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()
