"""`python -m channels.spool`: takes Twilio's webhooks while the service cannot. Verify, append, sync, accept.

The provider's fallback address points here, best on another host. It answers nobody and knows no database; the worker
takes in what it kept (channels/spool_drain.py). What it cannot put on the disk it refuses, so that the provider
tries elsewhere or the sweep finds it.
"""

import asyncio
import os
import signal
import sys
from datetime import UTC, datetime

import structlog
from aiohttp import web

from casework.adapters.credentials import take_credentials
from casework.adapters.logs import configure_logs
from casework.adapters.own_process import keep_memory_private
from casework.adapters.settings import SpoolSettings
from casework.model.errors import SettingsInvalid, SignatureInvalid
from channels.runner import make_runner
from channels.spool_files import SpooledPost, append
from channels.twilio_signature import check_webhook

log = structlog.get_logger()

MESSAGE_PATH = "/webhooks/twilio/message"
STATUS_PATH = "/webhooks/twilio/status"
EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
LARGEST_BODY_BYTES = 256 * 1024  # as the gateway's
READ_SECONDS = 10.0

SETTINGS = web.AppKey("spool_settings", SpoolSettings)


def build_spool_app(settings: SpoolSettings) -> web.Application:
    app = web.Application(client_max_size=LARGEST_BODY_BYTES)
    app[SETTINGS] = settings
    app.router.add_post(MESSAGE_PATH, keep_message)
    app.router.add_post(STATUS_PATH, keep_status)
    app.router.add_get("/health/live", report_live)
    return app


async def keep_message(request: web.Request) -> web.Response:
    """200 once the line is on the disk. 403: unsigned; 408: too slow; 413: too long; 503: could not be kept."""
    await _keep(request)
    return web.Response(text=EMPTY_TWIML, content_type="text/xml")


async def keep_status(request: web.Request) -> web.Response:
    await _keep(request)
    return web.Response(status=204)


async def report_live(_request: web.Request) -> web.Response:
    return web.json_response({"live": True})


async def _keep(request: web.Request) -> None:
    settings = request.app[SETTINGS]
    body = await _read(request)
    _check(request, body)
    post = SpooledPost(received_at=datetime.now(UTC), path=request.path, body=body)
    try:
        await asyncio.to_thread(append, settings.spool_dir, post)
    except OSError as failure:
        log.error("spool_failed", code=failure.errno, route=request.path)
        raise web.HTTPServiceUnavailable(text="") from None
    log.info("spooled", route=request.path)


async def _read(request: web.Request) -> bytes:
    try:
        async with asyncio.timeout(READ_SECONDS):
            return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise web.HTTPRequestEntityTooLarge(LARGEST_BODY_BYTES, text="") from None
    except TimeoutError:
        raise web.HTTPRequestTimeout(text="") from None


def _check(request: web.Request, body: bytes) -> None:
    settings = request.app[SETTINGS]
    for origin in settings.origins:
        try:
            return check_webhook(
                tokens=settings.twilio_auth_tokens,
                shared_keys=settings.twilio_shared_keys,
                url=origin + request.raw_path,
                body=body,
                headers=request.headers,
            )
        except SignatureInvalid:
            continue
    log.warning("signature_refused", route=request.path)
    raise web.HTTPForbidden(text="")


async def serve(settings: SpoolSettings, *, host: str, stop: asyncio.Event) -> None:
    runner = make_runner(build_spool_app(settings))
    await runner.setup()
    try:
        await web.TCPSite(runner, host, settings.port, reuse_address=True).start()
        log.info("spool_started", port=settings.port)
        await stop.wait()
    finally:
        await runner.cleanup()


async def main() -> None:
    keep_memory_private()
    configure_logs("spool")
    try:
        take_credentials(os.environ)
        settings = SpoolSettings.from_env(os.environ)
    except SettingsInvalid as refusal:
        sys.exit(f"The spool did not start: {refusal}")
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    await serve(settings, host=os.environ.get("WAYMARK_HOST", "127.0.0.1"), stop=stop)


if __name__ == "__main__":
    asyncio.run(main())
