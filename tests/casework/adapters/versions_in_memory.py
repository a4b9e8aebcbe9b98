"""Versions of a hub that are set by hand, and remember what they were asked."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field


@dataclass
class VersionsInMemory:
    """`told`: what each key's version is now. `gate`: closed, a look has begun and does not come back."""

    told: dict[str, str] = field(default_factory=dict)
    marks_asked: list[tuple[str, ...]] = field(default_factory=list)
    versions_asked: list[tuple[str, ...]] = field(default_factory=list)
    is_down: bool = False
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    has_read: asyncio.Event = field(default_factory=asyncio.Event)
    committed: asyncio.Event = field(default_factory=asyncio.Event)
    has_failed: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    watchers: int = 0

    def __post_init__(self) -> None:
        self.gate.set()

    def commit(self, **told: str) -> None:
        self.told |= told
        self.committed.set()

    async def list_marks(self, keys: Collection[str]) -> Mapping[str, object]:
        self.marks_asked.append(tuple(keys))
        self._check()
        return {key: self.told.get(key) for key in keys}

    async def get_versions(self, keys: Collection[str]) -> Mapping[str, str]:
        self.versions_asked.append(tuple(keys))
        self._check()
        read = {key: self.told.get(key, "ended") for key in keys}
        self.has_read.set()
        await self.gate.wait()
        return read

    def watch(self) -> "VersionsInMemory":
        self.watchers += 1
        return self

    async def wait(self, timeout_seconds: float) -> None:
        await self.committed.wait()
        self.committed.clear()

    async def close(self) -> None:
        self.watchers -= 1

    def _check(self) -> None:
        if self.is_down:
            self.has_failed.release()
            raise ConnectionError
