"""Live pages: a stream of short fingerprints that says when a page is out of date, and never why."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from aiohttp import web

from casework.adapters.web_app import SERVICE, stream_changes
from console.sessions import find_session

# A burst of commits costs one look, and no page asks the database more often than this.
BREATH_SECONDS = 0.1
# How often, in that pause, it is asked whether something has come that does not wait for its end.
PROBE_SECONDS = 0.025
SIGNED_OUT = "signed-out"
LOOK_FOR_BROADCASTS_SECONDS = 1.0


@dataclass
class LookedFor:
    """What was found of lines to all staff, and when, by the event loop's clock."""

    at: float = float("-inf")
    mark: str = ""


BROADCAST_MARK = web.AppKey("broadcast_mark", LookedFor)
STREAMS: web.AppKey[set[asyncio.Task[object]]] = web.AppKey("streams", set)


def add_live_pages(app: web.Application) -> None:
    app[STREAMS] = set()
    app[BROADCAST_MARK] = LookedFor()
    app.on_shutdown.append(_end_streams)


async def _end_streams(app: web.Application) -> None:
    streams = app[STREAMS]
    for stream in tuple(streams):
        stream.cancel()


async def stream_page(
    request: web.Request,
    event: str,
    fingerprint: Callable[[], Awaitable[str]],
    *,
    must_hurry: Callable[[], Awaitable[bool]] | None = None,
) -> web.StreamResponse:
    """Sends `event` when the fingerprint moves; `signed-out` once the session is over.

    `must_hurry`: whether something is there that is looked at without the pause between looks.
    """
    time = asyncio.get_running_loop().time
    next_look = time()

    async def look() -> str:
        nonlocal next_look
        # The pause is between looks and not before one: after a quiet moment a row is told of at once.
        # What it waits for is in the database.
        while (left := next_look - time()) > 0 and not (must_hurry and await must_hurry()):  # noqa: ASYNC110
            await asyncio.sleep(min(left, PROBE_SECONDS) if must_hurry else left)
        next_look = time() + BREATH_SECONDS
        if await find_session(request) is None:
            return SIGNED_OUT
        return await fingerprint() + await find_broadcast_mark(request)

    task = asyncio.current_task()
    assert task is not None  # a request always runs in a task
    streams = request.app[STREAMS]
    streams.add(task)
    try:
        return await stream_changes(request, event, look)
    finally:
        streams.discard(task)


async def find_broadcast_mark(request: web.Request) -> str:
    """Empty while no line to all staff is shown; else what changes with them. Looked for once a second at most."""
    looked = request.app[BROADCAST_MARK]
    now = asyncio.get_running_loop().time()
    if now - looked.at > LOOK_FOR_BROADCASTS_SECONDS:
        looked.at = now
        current = await request.app[SERVICE].database.read(lambda tx: tx.broadcasts.list_current())
        looked.mark = f".{fingerprint_of(each.id for each in current)}" if current else ""
    return looked.mark


def fingerprint_of(parts: Iterable[object]) -> str:
    """A short hash: equal for equal pages, and nothing can be read from it."""
    return hashlib.sha256("|".join(str(part) for part in parts).encode()).hexdigest()[:16]
