"""Carries out a schedule of faults, two at once at most, and ends every one of them."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

import aiohttp

from launcher.soak.disks import Disk, limit_files
from launcher.soak.proxy import Link
from launcher.soak.schedule import DATABASE, NETWORK, PROVIDER_STATUSES, Fault, Kind
from launcher.soak.site import LOOK_SECONDS, Site, until

AT_ONCE = 2
TRIES = 40
SPOOL_DISK = "spool's disk"
DATABASE_DISK = "database's disk"


@dataclass(frozen=True, kw_only=True)
class Done:
    """A fault that was carried out; seconds from the run's begin."""

    fault: Fault
    began: float
    ended: float


@dataclass(kw_only=True)
class Nemesis:
    """`disks`: those that can be filled by name; the spool's None where only its process can be limited.

    `count_written`: how many texts were written so far.
    """

    site: Site
    links: Mapping[str, Link]
    disks: Mapping[str, Disk | None]
    provider_url: str
    http: aiohttp.ClientSession
    count_written: Callable[[], int]
    say: Callable[[str], None]
    done: list[Done] = field(default_factory=list)
    _busy: set[str] = field(default_factory=set)
    _started: float = field(default_factory=time.monotonic)

    async def run(self, faults: Sequence[Fault], enough: asyncio.Event) -> None:
        """Each in its turn, once so many texts are written; what had not begun by `enough` never does."""
        room = asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for fault in faults:
                await until(partial(self._is_due, fault, enough))
                await room.acquire()
                await until(partial(self._is_free, fault, enough))
                if enough.is_set():
                    return
                self._busy.add(fault.target)
                group.create_task(self._carry_out(fault, room))

    def _is_due(self, fault: Fault, enough: asyncio.Event) -> bool:
        return self.count_written() >= fault.at_message or enough.is_set()

    def _is_free(self, fault: Fault, enough: asyncio.Event) -> bool:
        return fault.target not in self._busy or enough.is_set()

    async def _carry_out(self, fault: Fault, room: asyncio.Semaphore) -> None:
        began = time.monotonic() - self._started
        self.say(fault.describe())
        try:
            await self._find_hand(fault)(fault)
        finally:
            self._busy.discard(fault.target)
            room.release()
        self.done.append(Done(fault=fault, began=began, ended=time.monotonic() - self._started))

    def _find_hand(self, fault: Fault) -> Callable[[Fault], Awaitable[None]]:
        if fault.kind in NETWORK:
            return self._spoil
        if fault.kind in PROVIDER_STATUSES or fault.kind is Kind.STATUS_SHUFFLE:
            return self._ask_provider
        return {
            Kind.KILL: self._kill,
            Kind.PAUSE: self._pause,
            Kind.DATABASE_RESTART: self._restart_database,
            Kind.DISK_FULL: self._fill,
        }[fault.kind]

    async def _kill(self, fault: Fault) -> None:
        await self.site.kill(fault.target)
        await asyncio.sleep(fault.seconds)
        self.site.start_again(fault.target)

    async def _restart_database(self, fault: Fault) -> None:
        # As at a power cut: no farewell to anyone, recovery at the next start.
        await self.site.kill(DATABASE, how=signal.SIGQUIT)
        await asyncio.sleep(fault.seconds)
        self.site.start_again(DATABASE)

    async def _pause(self, fault: Fault) -> None:
        self.site.freeze(fault.target)
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            self.site.thaw(fault.target)

    async def _spoil(self, fault: Fault) -> None:
        link = self.links[fault.target]
        link.begin(fault.kind)
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            link.end()

    async def _fill(self, fault: Fault) -> None:
        disk = self.disks[fault.target]
        if disk is None:
            return await self._limit_spool(fault)
        disk.fill()
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            disk.empty()

    async def _limit_spool(self, fault: Fault) -> None:
        pid = self.site.find_pid("spool")
        if pid is None:
            return
        limit_files(pid, largest_bytes=1)
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            limit_files(pid, largest_bytes=None)

    async def _ask_provider(self, fault: Fault) -> None:
        """The sandbox is told what its next answers are; it may be down itself, and is asked until it hears."""
        told: dict[str, object]
        if fault.kind is Kind.STATUS_SHUFFLE:
            path, told = "statuses", {"shuffle": fault.number, "copies": 2, "count": fault.count}
        else:
            path, told = "faults", {"status": fault.detail, "count": fault.count}
        for _ in range(TRIES):
            with suppress(aiohttp.ClientError, TimeoutError):
                async with self.http.post(f"{self.provider_url}/sandbox/{path}", json=told) as answer:
                    if answer.status == 204:
                        return
            await asyncio.sleep(LOOK_SECONDS)
