"""Wires the sandbox provider and runs it on loopback until SIGTERM or Ctrl-C."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence

from aiohttp import web

from casework.model.errors import SettingsInvalid
from channels.sandbox.faults import Faults
from channels.sandbox.handsets import Handsets
from channels.sandbox.messages_api import MessagesApi
from channels.sandbox.pages import Pages, add_security_headers
from channels.sandbox.record import Record
from channels.sandbox.settings import SandboxSettings, parse_settings
from channels.sandbox.webhooks import Webhooks

HOST = "127.0.0.1"
SHUTDOWN_SECONDS = 2.0


def build_sandbox_app(settings: SandboxSettings) -> web.Application:
    """The sandbox as an aiohttp app. Opens its record at once; refuses none of what `settings` accepted."""
    record = Record(settings.data_dir)
    faults = Faults()
    webhooks = Webhooks(settings=settings, record=record)
    handsets = Handsets(settings=settings, record=record, webhooks=webhooks, faults=faults)
    app = web.Application()
    for part in (
        MessagesApi(settings=settings, record=record, faults=faults, webhooks=webhooks),
        handsets,
        Pages(record=record, handsets=handsets),
    ):
        part.add_routes(app.router)
    app.router.add_get("/health/ready", report_ready)
    app.on_response_prepare.append(add_security_headers)
    app.cleanup_ctx.append(_closing(record))
    app.cleanup_ctx.append(webhooks.run)
    return app


def _closing(record: Record) -> Callable[[web.Application], AsyncIterator[None]]:
    async def close_after(app: web.Application) -> AsyncIterator[None]:
        yield
        record.close()

    return close_after


async def report_ready(request: web.Request) -> web.Response:
    return web.json_response({"status": "ready"})


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the sandbox provider. Exits with the reason when a setting is wrong."""
    try:
        settings = parse_settings(arguments, os.environ)
    except SettingsInvalid as refusal:
        sys.exit(f"The sandbox provider did not start: {refusal}")
    asyncio.run(_serve(settings))


async def _serve(settings: SandboxSettings) -> None:
    stopped = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    runner = web.AppRunner(
        build_sandbox_app(settings),
        access_log=None,
        shutdown_timeout=SHUTDOWN_SECONDS,
        handler_cancellation=True,
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, settings.port).start()
        host, port = runner.addresses[0][:2]
        # One line of JSON, so that whoever started this with port 0 learns the address.
        sys.stdout.write(json.dumps({"sandbox": f"http://{host}:{port}"}) + "\n")
        sys.stdout.flush()
        await stopped.wait()
    finally:
        await runner.cleanup()
