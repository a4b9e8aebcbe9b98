"""One database, two dialects. A write is one function run in one transaction."""

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from pysqlite3 import dbapi2 as sqlite
from sqlalchemy.engine import make_url

from casework.adapters.storage.records import write_before_reading
from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.storage.turnstile import find_turnstile
from casework.adapters.storage.vaults import Vault
from casework.adapters.vault.key_services import FileKeys, KeyService
from casework.model.errors import SettingsInvalid
from casework.services.ports import Clock

Result = TypeVar("Result")

# Before 3.51.3 a WAL reset could lose committed writes (sqlite.org/wal.html#walresetbug).
OLDEST_SAFE_SQLITE = (3, 51, 3)
BUSY_SECONDS = 10
KEYS_BESIDE = Path("keys") / "field.keys"  # in the data directory
TRIES = 6
# A PostgreSQL whose machine or network is gone says nothing at all: without these a thread waits many minutes for it.
# Seconds, and milliseconds for what was sent and never acknowledged (libpq's own names).
NOTICES_SILENCE = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
# A worker that looks for work and finds none changes nothing, and must wake neither the others nor itself.
NOTIFY_OF_A_CHANGE = "SELECT pg_notify('waymark', '') WHERE pg_current_xact_id_if_assigned() IS NOT NULL"


def create_engine(url: str, keys: FileKeys | None = None, *, service: KeyService | None = None) -> sa.Engine:
    """An engine for `url`, with the keys of what is sealed there; refuses a SQLite build that can lose writes.

    Without `keys`: the file beside a SQLite database, else the one that WAYMARK_KEYS names. No file is read before it
    is needed. `service`: what wraps data keys in the file's place.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = _create_sqlite_engine(parsed)
    elif parsed.get_backend_name() == "postgresql":
        engine = _create_postgresql_engine(parsed)
    else:
        raise SettingsInvalid(f"WAYMARK_DATABASE_URL: {parsed.drivername} is not sqlite or postgresql")
    Vault(engine, keys or FileKeys(find_keys(parsed)), service=service)
    sa.event.listen(engine, "before_cursor_execute", write_before_reading)
    return engine


def find_keys(address: str | sa.URL) -> Path:
    """Where the key file of a database is looked for when nobody says."""
    url = make_url(address)
    beside = (Path(url.database or "").parent / KEYS_BESIDE).absolute()
    named = os.environ.get("WAYMARK_KEYS", "").strip()
    if url.get_backend_name() == "sqlite" and (beside.exists() or not named):
        return beside
    return Path(named or Path(os.environ.get("WAYMARK_DATA_DIR", "var")) / KEYS_BESIDE).absolute()


def _create_postgresql_engine(parsed: sa.URL) -> sa.Engine:
    return sa.create_engine(
        parsed.set(drivername="postgresql+psycopg"),
        pool_size=12,
        pool_pre_ping=True,
        pool_recycle=300,
        hide_parameters=True,
        connect_args=NOTICES_SILENCE,
    )


def _create_sqlite_engine(url: sa.URL) -> sa.Engine:
    if sqlite.sqlite_version_info < OLDEST_SAFE_SQLITE:
        raise SettingsInvalid(f"SQLite {sqlite.sqlite_version} can lose committed writes; install pysqlite3")
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(
        url,
        module=sqlite,
        pool_size=8,
        hide_parameters=True,
        connect_args={"timeout": BUSY_SECONDS, "isolation_level": None},
    )
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    # What is deleted is overwritten with zeros: an erasing leaves nothing in the file (docs/retention.md).
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    # A write takes the lock at once: upgrading a read half-way fails instead of waiting.
    reading = connection.get_execution_options().get("waymark_read", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


class Database:
    """Runs work in transactions, off the event loop.

    `write` commits when the work returns and rolls back when it raises; work may run again
    when the database asks for a retry, so it must hold no effect outside its transaction.
    `goes_first`: other processes' writes to the same SQLite file let this one's pass (`turnstile`).
    `may_teach_unless_said`: whether messages nobody decided about may teach the assistant.
    """

    def __init__(
        self,
        engine: sa.Engine,
        clock: Clock,
        *,
        goes_first: bool = False,
        may_teach_unless_said: bool = False,
    ) -> None:
        self.engine = engine
        self._may_teach_unless_said = may_teach_unless_said
        self._turnstile = find_turnstile(engine, goes_first=goes_first)
        self._clock = clock
        # SQLite has one writer; queueing here is fairer than its busy loop.
        writers = 1 if engine.dialect.name == "sqlite" else 8
        self._writers = ThreadPoolExecutor(writers, thread_name_prefix="write")
        self._readers = ThreadPoolExecutor(4, thread_name_prefix="read")

    async def write(self, work: Callable[[SqlTransaction], Result]) -> Result:
        with self._turnstile.waiting():
            return await asyncio.get_running_loop().run_in_executor(self._writers, self.write_now, work)

    async def read(self, work: Callable[[SqlTransaction], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._readers, self.read_now, work)

    def write_now(self, work: Callable[[SqlTransaction], Result]) -> Result:
        """The same, on the calling thread: for commands and tests."""
        for attempt in range(TRIES):
            try:
                return self._write_once(work)
            except sa.exc.DBAPIError as error:
                if attempt == TRIES - 1 or not may_retry(error):
                    raise
                time.sleep(0.01 * 2**attempt)
        raise AssertionError("unreachable")

    def _write_once(self, work: Callable[[SqlTransaction], Result]) -> Result:
        with self._turnstile.passing(), self.engine.begin() as connection:
            transaction = self._transaction(connection)
            result = work(transaction)
            transaction.finish()
            if self.engine.dialect.name == "postgresql":
                connection.exec_driver_sql(NOTIFY_OF_A_CHANGE)
            return result

    def read_now(self, work: Callable[[SqlTransaction], Result]) -> Result:
        with self.engine.connect().execution_options(waymark_read=True) as connection:
            return work(self._transaction(connection))

    async def clear_deleted(self, tables: Sequence[str]) -> bool:
        """What deleted rows leave behind goes as well; False where a reader was in the way, and later may do.

        SQLite: its log is taken into the file, where deleted rows are zeros, and cut to nothing. PostgreSQL: the
        tables are vacuumed, which lets go of dead rows; archives of its log are not in our hands.
        """
        clear = self._empty_log if self.engine.dialect.name == "sqlite" else lambda: self._vacuum(tables)
        return await asyncio.get_running_loop().run_in_executor(self._writers, clear)

    def _empty_log(self) -> bool:
        connection = self.engine.raw_connection()
        try:
            cursor = connection.cursor()
            # While it waits for readers nobody can write: it does not wait.
            cursor.execute("PRAGMA busy_timeout=0")
            is_busy = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            cursor.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
            return not is_busy
        finally:
            connection.close()

    def _vacuum(self, tables: Sequence[str]) -> bool:
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for table in tables:
                connection.execute(sa.text(f'VACUUM "{table}"'))
        return True

    def _transaction(self, connection: sa.Connection) -> SqlTransaction:
        return SqlTransaction(connection, self._clock, may_teach_unless_said=self._may_teach_unless_said)

    def close(self) -> None:
        self._writers.shutdown()
        self._readers.shutdown()
        self.engine.dispose()
        self._turnstile.close()


def may_retry(error: sa.exc.DBAPIError) -> bool:
    state = getattr(error.orig, "sqlstate", None)
    if state in ("40001", "40P01"):  # serialization failure, deadlock
        return True
    return "database is locked" in str(error.orig)
