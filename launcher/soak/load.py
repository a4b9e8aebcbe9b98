"""The people: many who write at their own times, whatever became of what was written before."""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field

import aiohttp

from launcher.soak.site import LOOK_SECONDS, until
from launcher.soak.words import Manner, Writing, make_writing

REQUEST_SECONDS = 30.0
MOST_IN_FLIGHT = 500
LATE_SECONDS = 3.0


@dataclass(kw_only=True)
class Load:
    """Texts at `rate` a second, by `people` people; `written` counts those begun.

    `valve` is cleared while too much is unfinished: then nobody writes, and the time counts in `held_back_seconds`.
    """

    provider_url: str
    http: aiohttp.ClientSession
    seed: int
    people: int
    rate: float
    valve: asyncio.Event
    written: int = 0
    refused: int = 0  # the provider itself was away: nobody's text
    held_back_seconds: float = 0.0
    _in_flight: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_IN_FLIGHT))

    async def run(self, *, messages: int, seconds: float, enough: asyncio.Event) -> None:
        """Until so many are written, or the time is over, or `enough`; returns when the last was accepted."""
        started = due = time.monotonic()
        async with asyncio.TaskGroup() as group:
            while self.written < messages and time.monotonic() - started < seconds and not enough.is_set():
                due = max(due + 1 / self.rate, await self._wait_for_valve(due, enough))
                with suppress(TimeoutError):
                    await asyncio.wait_for(enough.wait(), max(0.0, due - time.monotonic()))
                await self._in_flight.acquire()
                writing = make_writing(self.written, seed=self.seed, people=self.people)
                self.written += 1
                group.create_task(self._write(writing))

    async def _wait_for_valve(self, due: float, enough: asyncio.Event) -> float:
        """When the next may be due: now, if there was a wait, for what was held back is not made up for."""
        closed_at = time.monotonic()
        await until(lambda: self.valve.is_set() or enough.is_set())
        waited = time.monotonic() - closed_at
        if waited < LOOK_SECONDS:
            return due
        self.held_back_seconds += waited
        return time.monotonic()

    async def _write(self, writing: Writing) -> None:
        try:
            is_posted = writing.manner in (Manner.ONCE, Manner.TWICE)
            sid = await self._send(writing.handset, {"body": writing.text, "webhook": is_posted})
            if sid is None:
                self.refused += 1
            elif writing.manner in (Manner.TWICE, Manner.LATE):
                late = LATE_SECONDS if writing.manner is Manner.LATE else 0.0
                await asyncio.sleep(late + writing.pause_seconds)
                await self._send(writing.handset, {"body": writing.text, "sid": sid})
        finally:
            self._in_flight.release()

    async def _send(self, handset: str, asked: dict[str, object]) -> str | None:
        """The provider's id of a text that is now on its way; None where the provider did not answer."""
        url = f"{self.provider_url}/sandbox/handsets/{handset}/send"
        timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
        try:
            async with self.http.post(url, json=asked | {"wait": False}, timeout=timeout) as answer:
                return str((await answer.json())["sid"]) if answer.status == 200 else None
        except (aiohttp.ClientError, TimeoutError):
            return None
