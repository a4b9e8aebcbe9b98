"""How a worker says how it is, where it is asked for; and that it waits for the tables it needs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog
from aiohttp import web

from casework.adapters.health import add_health_routes, is_database_ready, say_when_leaving
from casework.adapters.process_settings import ProcessSettings
from casework.adapters.service import Service
from channels.runner import make_runner

log = structlog.get_logger()

LOOK_SECONDS = 1.0


@asynccontextmanager
async def telling_health(
    service: Service, process: ProcessSettings, *, stop: asyncio.Event
) -> AsyncIterator[None]:
    """Listens on the private host while the block runs, if a port is set; live and ready, and nothing else."""
    if process.health_port is None:
        yield
        return
    app = web.Application()
    add_health_routes(app, service)
    say_when_leaving(app, stop)
    runner = make_runner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, process.private_host, process.health_port, reuse_address=True).start()
        yield
    finally:
        await runner.cleanup()


async def wait_until_migrated(service: Service, *, stop: asyncio.Event) -> bool:
    """Returns once the database has every migration this version needs; False where `stop` came first.

    A worker that went on without would fail at every step. What it would have done, workers of before still do.
    """
    if await is_database_ready(service):
        return True
    log.warning("worker_waits_for_database")
    while not stop.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), LOOK_SECONDS)
        if await is_database_ready(service):
            return True
    return False
