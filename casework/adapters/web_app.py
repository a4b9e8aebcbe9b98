"""What the public gateway and the staff console share: one place for headers, refusals and live pages."""

import asyncio
import random
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import sqlalchemy as sa
import structlog
from aiohttp import web

from casework.adapters.log_values import RouteName
from casework.adapters.service import Service
from casework.adapters.storage.changes import watch_changes
from casework.adapters.stream_hub import Reader, StreamHub, Versions

log = structlog.get_logger()

SERVICE = web.AppKey("service", Service)
HUB = web.AppKey("stream_hub", StreamHub)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

BEAT_SECONDS = 5.0
# On a victim's phone each beat wakes the radio; a proxy waits a minute.
QUIET_SECONDS = 15.0
# Browsers come back after a time drawn from these, or a restart would have them all at the door at once.
BACK_AFTER_MS = (1000, 3000)
# Whoever had to make room asks that seldom instead, and is told at once if anything is new.
POLL_MS = 10_000
# What a reader has not taken by then is theirs to ask for again.
MOST_UNREAD_BYTES = 4096
KERNEL_BYTES = 16 * 1024
# A phone that lost its signal says no goodbye.
GONE_MS = 30_000
ENDED = "ended"
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
    "Cache-Control": "no-store",
    "Server": "web",  # not which one, and of which version
}


@web.middleware
async def add_security_headers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every answer, refusals too; a handler may set its own value first."""
    try:
        response = await handler(request)
    except web.HTTPException as refusal:
        _set_headers(refusal)
        raise
    _set_headers(response)
    return response


@web.middleware
async def refuse_without_database(request: web.Request, handler: Handler) -> web.StreamResponse:
    """503 where nothing could be stored or read: whoever sent it keeps it and tries again, or asks the spool."""
    try:
        return await handler(request)
    except (sa.exc.OperationalError, sa.exc.InterfaceError) as fault:
        log.error("database_unavailable", route=name_route(request), error=type(fault.orig).__name__)
        raise web.HTTPServiceUnavailable(text="") from None


def name_route(request: web.Request) -> RouteName:
    """The route as it was registered: a path may hold the key to an invite."""
    resource = request.match_info.route.resource
    return RouteName(resource.canonical if resource else "unknown")


def _set_headers(response: web.StreamResponse) -> None:
    if response.prepared:
        return
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)


async def stream_changes(
    request: web.Request, event: str, look: Callable[[], Awaitable[str]]
) -> web.StreamResponse:
    """Server-sent events that carry ids only.

    `look` gives a short string that changes when the page is out of date; each change is sent as the
    event's id, so a browser that reconnects (`Last-Event-ID`) is told at once if it missed anything.
    """
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    _set_headers(response)
    await response.prepare(request)
    changes = watch_changes(request.app[SERVICE].database.engine)
    seen = request.headers.get("Last-Event-ID", request.query.get("seen", ""))
    try:
        # A reader who left is noticed here, not by the write that would fail much later.
        while request.transport is not None and not request.transport.is_closing():
            now = await look()
            if now != seen:
                seen = now
                await response.write(f"event: {event}\nid: {now}\ndata: {now}\n\n".encode())
            else:
                await response.write(b": beat\n\n")
            await changes.wait(BEAT_SECONDS)
    except ConnectionResetError:
        pass
    finally:
        await changes.close()
    return response


def add_stream_hub(app: web.Application, versions: Versions) -> None:
    """One hub for all streams of `stream_versions` in this app."""
    hub = app[HUB] = StreamHub(versions)

    async def end_streams(_app: web.Application) -> None:
        hub.send_all_away()

    app.on_shutdown.append(end_streams)


async def stream_versions(request: web.Request, event: str, key: str) -> web.StreamResponse:
    """As `stream_changes`, with one look for all streams of the app. Needs `add_stream_hub`.

    The version of `key` is told when it differs from what this reader was told last; a browser that comes back says
    itself what that was (`Last-Event-ID`). Ends after `ENDED`, or when there are too many; never a refusal.
    """
    hub = request.app[HUB]
    reader = hub.join(key)
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
    _set_headers(response)
    response.force_close()
    try:
        _bound_socket(request)
        await response.prepare(request)
        await response.write(f": beat\nretry: {random.randint(*BACK_AFTER_MS)}\n\n".encode())
        await _tell_versions(request, response, reader, event)
    except ConnectionResetError:
        pass
    finally:
        await hub.leave(reader)
    return response


async def _tell_versions(
    request: web.Request, response: web.StreamResponse, reader: Reader, event: str
) -> None:
    told = request.headers.get("Last-Event-ID", request.query.get("seen", ""))
    loop = asyncio.get_running_loop()
    beat_at = loop.time() + QUIET_SECONDS
    # A reader who left is noticed here, not by the write that would fail much later.
    while (transport := request.transport) is not None and not transport.is_closing():
        if transport.get_write_buffer_size() > MOST_UNREAD_BYTES:
            transport.abort()
            return
        version = reader.version
        if reader.must_go:
            if reader.is_crowded:
                await response.write(f"retry: {POLL_MS}\n\n".encode())
            return
        if version is not None and version != told:
            told, beat_at = version, loop.time() + QUIET_SECONDS
            await response.write(f"event: {event}\nid: {version}\ndata: {version}\n\n".encode())
            if version == ENDED:
                return
        elif loop.time() >= beat_at:
            beat_at = loop.time() + QUIET_SECONDS
            await response.write(b": beat\n\n")
        await reader.wait(BEAT_SECONDS)


def _bound_socket(request: web.Request) -> None:
    """What is on its way to one reader is little, and one who vanished is noticed."""
    connection = request.get_extra_info("socket")
    if connection is None:
        return
    with suppress(OSError, AttributeError):  # not every system has both
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BYTES)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, GONE_MS)


def same_origin(request: web.Request, public_url: str) -> bool:
    """False for a form posted from another site: browsers name the origin of every POST."""
    site: Any = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return bool(site in ("same-origin", "none"))
    origin = request.headers.get("Origin")
    return origin is None or origin == public_url
