"""What the public gateway and the staff console share: one place for headers, refusals and live pages."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aiohttp import web

from casework.adapters.service import Service
from casework.adapters.storage.changes import watch_changes

log = structlog.get_logger()

SERVICE = web.AppKey("service", Service)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

BEAT_SECONDS = 5.0
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
    "Cache-Control": "no-store",
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


def _set_headers(response: web.StreamResponse) -> None:
    if response.prepared:
        return
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)


def hash_token(token: str) -> str:
    """Session tokens are 256 random bits, so a plain hash is enough at rest (auth.md §1)."""
    return hashlib.sha256(token.encode()).hexdigest()


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


def same_origin(request: web.Request, public_url: str) -> bool:
    """False for a form posted from another site: browsers name the origin of every POST."""
    site: Any = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return bool(site in ("same-origin", "none"))
    origin = request.headers.get("Origin")
    return origin is None or origin == public_url
