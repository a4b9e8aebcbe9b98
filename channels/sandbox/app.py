"""Wires the sandbox provider and runs it on loopback until SIGTERM or Ctrl-C."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence

from aiohttp import web

from casework.model.errors import SettingsInvalid
from channels.sandbox.content_api import ContentApi
from channels.sandbox.contents import Contents
from channels.sandbox.faults import Faults
from channels.sandbox.handset_states import HandsetStates
from channels.sandbox.handsets import Handsets
from channels.sandbox.inbound_forms import InboundForms
from channels.sandbox.mail import Mailbox, MailPages, MailServer
from channels.sandbox.media_api import MediaApi
from channels.sandbox.messages_api import MessagesApi
from channels.sandbox.pages import Pages, add_security_headers
from channels.sandbox.provider_settings import ProviderConsole
from channels.sandbox.record import Record
from channels.sandbox.rest import Login
from channels.sandbox.senders_api import SendersApi
from channels.sandbox.settings import SandboxSettings, parse_settings
from channels.sandbox.status_scripts import StatusScripts
from channels.sandbox.telegram_api import TelegramApi
from channels.sandbox.telegram_phones import TelegramPhones
from channels.sandbox.telegram_updates import TelegramUpdates
from channels.sandbox.webhooks import Webhooks

HOST = "127.0.0.1"
SHUTDOWN_SECONDS = 2.0


def build_sandbox_app(settings: SandboxSettings) -> web.Application:
    """The sandbox as an aiohttp app. Opens its record at once; refuses none of what `settings` accepted."""
    record = Record(settings.data_dir)
    faults, scripts = Faults(), StatusScripts()
    states = HandsetStates(settings.data_dir, record)
    contents = Contents(settings.data_dir)
    console = ProviderConsole(settings)
    login = Login(settings)
    webhooks = Webhooks(settings=settings, record=record, console=console)
    updates = TelegramUpdates(settings=settings, record=record)
    handsets = Handsets(
        record=record,
        states=states,
        forms=InboundForms(settings=settings, states=states, console=console),
        console=console,
        webhooks=webhooks,
        telegram=TelegramPhones(settings=settings, record=record, updates=updates),
        faults=faults,
        scripts=scripts,
    )
    app = web.Application()
    for part in (
        MessagesApi(
            settings=settings,
            record=record,
            states=states,
            contents=contents,
            console=console,
            faults=faults,
            scripts=scripts,
            webhooks=webhooks,
            login=login,
        ),
        MediaApi(settings=settings, record=record, console=console, login=login),
        ContentApi(settings=settings, contents=contents, login=login),
        SendersApi(settings=settings, console=console, login=login),
        TelegramApi(settings=settings, record=record, states=states, updates=updates, faults=faults),
        console,
        handsets,
        Pages(settings=settings, record=record, states=states, handsets=handsets, console=console),
    ):
        part.add_routes(app.router)
    app.router.add_get("/health/ready", report_ready)
    app.on_response_prepare.append(add_security_headers)
    app.cleanup_ctx.append(_closing(record))
    app.cleanup_ctx.append(webhooks.run)
    app.cleanup_ctx.append(updates.run)
    _add_mail(app, settings)
    return app


def _add_mail(app: web.Application, settings: SandboxSettings) -> None:
    mailbox = Mailbox(settings.data_dir)
    MailPages(mailbox).add_routes(app.router)
    if settings.smtp_port is not None:
        app.cleanup_ctx.append(MailServer(mailbox, port=settings.smtp_port).run)


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
