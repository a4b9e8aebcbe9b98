"""The public gateway: webhooks, web chat and health. It stores and screens; it never answers."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp
import sqlalchemy as sa
from aiohttp import web

from casework.adapters.metrics import time_acknowledged
from casework.adapters.storage.migration_state import is_current
from casework.adapters.web_app import SERVICE, add_security_headers, refuse_without_database
from casework.bootstrap import Service
from casework.services.readiness import Answers, find_answers
from channels.case_feed import add_case_feed_routes
from channels.recovery import ask_for_sweep
from channels.request_limits import LIMITS, RequestLimits, cut_off_large_and_slow
from channels.sms import add_twilio_routes
from channels.telegram import add_telegram_routes
from channels.webchat.routes import add_webchat_routes

BEAT_IS_FRESH = timedelta(seconds=10)
PROBE_SECONDS = 2.0

PROBE = web.AppKey("probe", aiohttp.ClientSession)
HAS_BEEN_READY = web.AppKey("has_been_ready", list[bool])


def build_gateway_app(service: Service, *, limits: RequestLimits | None = None) -> web.Application:
    limits = limits or RequestLimits()
    app = web.Application(
        client_max_size=limits.body_bytes,
        middlewares=[
            time_acknowledged,
            add_security_headers,
            refuse_without_database,
            cut_off_large_and_slow,
        ],
    )
    app[LIMITS] = limits
    app[SERVICE] = service
    app[HAS_BEEN_READY] = []
    app.cleanup_ctx.append(_probe_session)
    app.on_startup.append(_look_back)
    add_twilio_routes(app)
    add_telegram_routes(app)
    add_webchat_routes(app)
    add_case_feed_routes(app)
    app.router.add_get("/health/live", report_live)
    app.router.add_get("/health/ready", report_ready)
    return app


async def _probe_session(app: web.Application) -> AsyncIterator[None]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PROBE_SECONDS)) as session:
        app[PROBE] = session
        yield


async def _look_back(app: web.Application) -> None:
    await ask_for_sweep(app[SERVICE])


async def report_live(_request: web.Request) -> web.Response:
    return web.json_response({"live": True})


async def report_ready(request: web.Request) -> web.Response:
    """200 once everything has been up together; afterwards only the database can take it away.

    A gateway without an assistant still stores, screens and brings a person, so it must stay in service. Nor does
    `assistant_answers` take anything away: whether it really answers known texts, null while nobody has asked lately.
    """
    parts = {
        "database": await _database_is_ready(request),
        "worker": await _worker_is_ready(request),
        "assistant": await _assistant_is_ready(request),
    }
    if all(parts.values()):
        request.app[HAS_BEEN_READY][:] = [True]
    is_ready = parts["database"] and bool(request.app[HAS_BEEN_READY])
    answers = await _find_answers(request)
    told = {"assistant_answers": answers.really, "assistant_checked_seconds": answers.checked_seconds}
    return web.json_response({"ready": is_ready, **parts, **told}, status=200 if is_ready else 503)


async def _database_is_ready(request: web.Request) -> bool:
    try:
        return await request.app[SERVICE].database.read(lambda tx: is_current(tx.connection))
    except sa.exc.SQLAlchemyError:
        return False


async def _worker_is_ready(request: web.Request) -> bool:
    service = request.app[SERVICE]
    try:
        beat = await service.database.read(lambda tx: tx.beats.newest())
    except sa.exc.SQLAlchemyError:
        return False
    return beat is not None and service.clock.now() - beat < BEAT_IS_FRESH


async def _find_answers(request: web.Request) -> Answers:
    try:
        return await request.app[SERVICE].database.read(find_answers)
    except sa.exc.SQLAlchemyError:
        return Answers(really=None, checked_seconds=None)


async def _assistant_is_ready(request: web.Request) -> bool:
    """One address that answers is enough: some are kept for models that are not loaded now."""
    urls = request.app[SERVICE].settings.rasa_urls
    return any(await asyncio.gather(*(_is_ready(request.app[PROBE], url) for url in urls)))


async def _is_ready(probe: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with probe.get(f"{url.rstrip('/')}/webhooks/turn/ready") as response:
            return response.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False
