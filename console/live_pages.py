"""Live pages: a stream of short fingerprints that says when a page is out of date, and never why."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable

from aiohttp import web

from casework.adapters.web_app import stream_changes
from console.sessions import find_session

# A burst of commits costs one look, and no page asks the database more often than this.
BREATH_SECONDS = 0.1
SIGNED_OUT = "signed-out"

STREAMS: web.AppKey[set[asyncio.Task[object]]] = web.AppKey("streams", set)


def add_live_pages(app: web.Application) -> None:
    app[STREAMS] = set()
    app.on_shutdown.append(_end_streams)


async def _end_streams(app: web.Application) -> None:
    streams = app[STREAMS]
    for stream in tuple(streams):
        stream.cancel()


async def stream_page(
    request: web.Request, event: str, fingerprint: Callable[[], Awaitable[str]]
) -> web.StreamResponse:
    """Sends `event` when the fingerprint moves; `signed-out` once the session is over."""

    async def look() -> str:
        await asyncio.sleep(BREATH_SECONDS)
        if await find_session(request) is None:
            return SIGNED_OUT
        return await fingerprint()

    task = asyncio.current_task()
    assert task is not None  # a request always runs in a task
    streams = request.app[STREAMS]
    streams.add(task)
    try:
        return await stream_changes(request, event, look)
    finally:
        streams.discard(task)


def fingerprint_of(parts: Iterable[object]) -> str:
    """A short hash: equal for equal pages, and nothing can be read from it."""
    return hashlib.sha256("|".join(str(part) for part in parts).encode()).hexdigest()[:16]
