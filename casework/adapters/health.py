"""Being asked how it is, and going without anybody noticing.

Live: the process answers at all; where it does not it is to be started anew. Ready: it is to be sent work. Whoever is
told to go is ready no more and still takes what comes, until whoever sends it work has noticed; then it takes nothing
new and finishes what it has.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import sqlalchemy as sa
from aiohttp import web

from casework.adapters.service import Service
from casework.adapters.storage.migration_state import is_current

LIVE_PATH, READY_PATH = "/health/live", "/health/ready"
# An orchestrator gives up on a probe after a second or a few: no answer is an answer too.
DATABASE_SECONDS = 2.0
# What is still being answered has that long when the server stops. Less than the launcher waits before it insists.
FINISH_SECONDS = 5.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def add_health_routes(app: web.Application, service: Service) -> None:
    """For a server that has none of its own: live, and ready while its database has the tables it needs."""

    async def report_ready(_request: web.Request) -> web.Response:
        is_ready = await is_database_ready(service)
        return web.json_response({"ready": is_ready, "database": is_ready}, status=200 if is_ready else 503)

    app.router.add_get(LIVE_PATH, _report_live)
    app.router.add_get(READY_PATH, report_ready)


async def _report_live(_request: web.Request) -> web.Response:
    return web.json_response({"live": True})


async def is_database_ready(service: Service) -> bool:
    """Whether it answers in time, with every migration this version needs."""
    try:
        async with asyncio.timeout(DATABASE_SECONDS):
            return await service.database.read(lambda tx: is_current(tx.connection))
    except (sa.exc.SQLAlchemyError, TimeoutError):
        return False


class InHand:
    """How many requests a server is answering."""

    def __init__(self) -> None:
        self._count = 0
        self._none = asyncio.Event()
        self._none.set()

    async def answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self._count += 1
        self._none.clear()
        try:
            return await handler(request)
        finally:
            self._count -= 1
            if not self._count:
                self._none.set()

    async def wait_until_none(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._none.wait(), seconds)


def say_when_leaving(app: web.Application, leaving: asyncio.Event) -> InHand:
    """From `leaving` on: not ready, whatever the app says of itself, and no connection is kept for another request."""
    in_hand = InHand()

    @web.middleware
    async def say(request: web.Request, handler: Handler) -> web.StreamResponse:
        if leaving.is_set() and request.path == READY_PATH:
            response: web.StreamResponse = web.json_response({"ready": False, "leaving": True}, status=503)
        else:
            response = await in_hand.answer(request, handler)
        if leaving.is_set() and not response.prepared:
            response.force_close()
        return response

    app.middlewares.insert(0, say)
    return in_hand


async def close_server(runner: web.AppRunner, in_hand: InHand) -> None:
    """Takes nothing new, ends what never ends by itself, finishes what is in hand, and closes.

    aiohttp's own cleanup reads no more of a request that is still arriving, and so would break it off.
    """
    for site in runner.sites:
        await site.stop()
    await runner.shutdown()
    await in_hand.wait_until_none(FINISH_SECONDS)
    await runner.cleanup()
