"""Every open event stream of a process, told of what is new by one look at the database for all of them.

A stream carries a version, a short string that differs whenever its page would. Of each reader the hub holds the newest
version and no more, so a slow one makes nobody wait and costs nothing: it is told the newest when it can hear again.
"""

import asyncio
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Protocol

import structlog

from casework.adapters.storage.changes import Changes

log = structlog.get_logger()

# A browser opens six connections to one host: three pages of one visit leave room to send and to read.
MOST_OF_ONE_KEY = 3
# Under the 1,024 files a process may have open where nobody raised that.
MOST_READERS = 600
# Every version is looked at again within ten of these, whatever moved: a visit may have ended by time alone.
TICK_SECONDS = 0.5
SLICES = 10
FAILED_SECONDS = 1.0


class Versions(Protocol):
    """Where versions come from. A key is one visit's; whoever asks has no other's."""

    async def list_marks(self, keys: Collection[str]) -> Mapping[str, object]:
        """What moves whenever a commit may have changed a version: one cheap look for all keys."""

    async def get_versions(self, keys: Collection[str]) -> Mapping[str, str]:
        """The version of each key, as its owner may have it now."""

    def watch(self) -> Changes:
        """Says when something was committed."""


class Reader:
    """One open stream. `version` is None until the first look; `must_go`: for good, or `is_crowded`: for others."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.version: str | None = None
        self.must_go = False
        self.is_crowded = False
        self._news = asyncio.Event()

    def tell(self, version: str) -> None:
        if version != self.version:
            self.version = version
            self._news.set()

    def send_away(self, *, is_crowded: bool = False) -> None:
        self.must_go, self.is_crowded = True, is_crowded
        self._news.set()

    async def wait(self, timeout_seconds: float) -> None:
        """Returns once there is news, or after the time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds):
                await self._news.wait()
        self._news.clear()


class StreamHub:
    """Readers come and go; while there are any, one task looks for all of them."""

    def __init__(
        self,
        versions: Versions,
        *,
        most_readers: int = MOST_READERS,
        tick_seconds: float = TICK_SECONDS,
        failed_seconds: float = FAILED_SECONDS,
    ) -> None:
        self._versions = versions
        self._most_readers = most_readers
        self._tick_seconds = tick_seconds
        self._failed_seconds = failed_seconds
        self._readers: dict[Reader, None] = {}  # oldest first
        self._marks: Mapping[str, object] = {}
        self._has_commit = False
        self._slice, self._slice_at = 0, 0.0
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def count(self) -> int:
        return len(self._readers)

    def join(self, key: str) -> Reader:
        """A reader that is told the version of `key`. Nobody is refused: the oldest goes, and comes back to ask."""
        same = [each for each in self._readers if each.key == key]
        for each in same[: max(0, len(same) - MOST_OF_ONE_KEY + 1)]:
            self._send_away(each, is_crowded=True)
        if len(self._readers) >= self._most_readers:
            self._send_away(next(iter(self._readers)), is_crowded=True)
        reader = Reader(key)
        self._readers[reader] = None
        self._wake.set()
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._watch()), asyncio.create_task(self._look())]
        return reader

    async def leave(self, reader: Reader) -> None:
        self._readers.pop(reader, None)
        if self._readers:
            return
        tasks, self._tasks = self._tasks, []
        self._marks = {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def send_all_away(self) -> None:
        """For the end of the process: open streams would hold it up."""
        for reader in tuple(self._readers):
            self._send_away(reader, is_crowded=False)

    def _send_away(self, reader: Reader, *, is_crowded: bool) -> None:
        self._readers.pop(reader, None)
        reader.send_away(is_crowded=is_crowded)

    async def _watch(self) -> None:
        changes = self._versions.watch()
        try:
            while True:
                await changes.wait(SLICES * self._tick_seconds)
                self._has_commit = True
                self._wake.set()
        finally:
            await changes.close()

    async def _look(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._tick_seconds):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self._look_once()
            except Exception as fault:
                # The streams stay open: whoever waits hears again when the database is there again.
                log.warning("stream_look_failed", error=type(fault).__name__)
                self._has_commit, self._marks = True, {}
                await asyncio.sleep(self._failed_seconds)
                self._wake.set()

    async def _look_once(self) -> None:
        # Who comes during this look waits for the next: what they have may be newer than what is read now.
        readers = tuple(self._readers)
        keys = sorted({reader.key for reader in readers})
        due = {reader.key for reader in readers if reader.version is None} | self._take_slice(keys)
        marks = self._marks
        if self._has_commit:
            self._has_commit = False
            # Before the versions: one that is newer than its mark is looked at once more, never once too few.
            marks = await self._versions.list_marks(keys)
            due |= {key for key in keys if key not in marks or marks[key] != self._marks.get(key)}
        versions = await self._versions.get_versions(sorted(due)) if due else {}
        self._marks = marks
        for reader in readers:
            if reader.key in versions:
                reader.tell(versions[reader.key])

    def _take_slice(self, keys: list[str]) -> set[str]:
        now = asyncio.get_running_loop().time()
        if now < self._slice_at:
            return set()
        self._slice, self._slice_at = (self._slice + 1) % SLICES, now + self._tick_seconds
        return set(keys[self._slice :: SLICES])
