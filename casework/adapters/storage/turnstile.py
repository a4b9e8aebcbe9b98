"""Who writes next to a SQLite file that several processes share: what comes in, before what goes out.

SQLite has one writer and no queue: whoever waits looks again after a pause that grows, so a process that writes all the
time keeps another waiting for as long as luck will have it. A message must be stored before its provider loses
patience; answering it can wait a moment. So while the gateway has something to write it holds a shared lock on a file
beside the database, and everybody else looks for a moment in which nobody holds it. Never for long: after
`LONGEST_WAIT_SECONDS` they go on, and SQLite's own lock decides. Nothing depends on it but waiting times.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock

import sqlalchemy as sa

LONGEST_WAIT_SECONDS = 0.15
PAUSE_SECONDS = 0.002


class Turnstile:
    """Lets everybody pass at once: for databases that queue by themselves."""

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Around the whole time in which a write of this process waits or runs."""
        yield

    @contextmanager
    def passing(self) -> Iterator[None]:
        """Around the write itself."""
        yield

    def close(self) -> None:
        """Gives the file back."""


class FirstTurnstile(Turnstile):
    """The gateway's: shows others that something of it waits."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self._count = 0
        self._lock = Lock()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        self._add(1)
        try:
            yield
        finally:
            self._add(-1)

    def _add(self, more: int) -> None:
        with self._lock:
            was, self._count = self._count, self._count + more
            if not was:
                with suppress(BlockingIOError):  # somebody looks at this very moment: not first, this once
                    fcntl.flock(self._file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            elif not self._count:
                fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        os.close(self._file)


class LaterTurnstile(Turnstile):
    """Everybody else's: waits for a moment in which no gateway has anything to write."""

    def __init__(self, path: Path, *, longest_wait_seconds: float = LONGEST_WAIT_SECONDS) -> None:
        self._path = path
        self._longest_wait_seconds = longest_wait_seconds

    @contextmanager
    def passing(self) -> Iterator[None]:
        with suppress(OSError):
            self._let_others_pass()
        yield

    def _let_others_pass(self) -> None:
        # A file of its own for each look: two threads with one open file would share one lock.
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            until = time.monotonic() + self._longest_wait_seconds
            while not _is_free(file) and time.monotonic() < until:
                time.sleep(PAUSE_SECONDS)
        finally:
            os.close(file)


def _is_free(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    fcntl.flock(file, fcntl.LOCK_UN)
    return True


def find_turnstile(engine: sa.Engine, *, goes_first: bool) -> Turnstile:
    """The one for this database. One that is no file, or is on PostgreSQL, needs none."""
    if engine.dialect.name != "sqlite" or engine.url.database in (None, "", ":memory:"):
        return Turnstile()
    path = Path(f"{engine.url.database}.first")
    return FirstTurnstile(path) if goes_first else LaterTurnstile(path)
