"""How large and how slow a request to the public gateway may be. What is over a limit is cut off, never waited for.

aiohttp waits for a body as long as the connection lives: without a deadline of our own a few hundred clients that
send a byte a minute would hold every socket.
"""

import asyncio
from dataclasses import dataclass

import structlog
from aiohttp import hdrs, web

from casework.adapters.web_app import Handler, name_route

log = structlog.get_logger()

# A 1,600-character text of emoji, percent-encoded twice over, is far below this.
LARGEST_BODY_BYTES = 256 * 1024
# Five files of 16 MB, a note, and what is written round them (casework/services/uploads.py).
LARGEST_UPLOAD_BYTES = 81 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class RequestLimits:
    """`body_seconds`: from the last header to the last byte; Twilio itself gives a whole request 15 s at most.

    A form with files from the web has limits of its own: `upload_bytes` in all, `upload_seconds` from first to last,
    and cut off after `silence_seconds` in which nothing came. Its page reads it piece by piece and keeps to them.
    """

    body_bytes: int = LARGEST_BODY_BYTES
    body_seconds: float = 10.0
    feed_seconds: float = 30.0
    upload_bytes: int = LARGEST_UPLOAD_BYTES
    upload_seconds: float = 900.0
    silence_seconds: float = 20.0


# The case feed reads up to 1 MB piece by piece and answers in its own words; it is idempotent, so its whole handling
# may be cut off.
FEED = "/feed/"
# The one route that takes parts, as they come; channels/webchat/upload_forms.py keeps the limits there.
UPLOADS = "/my/files"

LIMITS = web.AppKey("limits", RequestLimits)


@web.middleware
async def cut_off_large_and_slow(request: web.Request, handler: Handler) -> web.StreamResponse:
    """413 or 408 with an empty body; else the handler, with the whole body read."""
    limits = request.app[LIMITS]
    if not request.body_exists:
        return await handler(request)
    if request.path.startswith(FEED):
        return await _cut_off_slow_feed(request, handler, limits)
    if is_upload(request):
        return await handler(request)
    if request.content_type.startswith("multipart/") or hdrs.CONTENT_ENCODING in request.headers:
        # No other route takes parts, which have no limit of their own, and nobody who writes to us packs a body.
        raise _refuse(web.HTTPUnsupportedMediaType(text=""), request)
    if (request.content_length or 0) > limits.body_bytes:
        raise _refuse(web.HTTPRequestEntityTooLarge(limits.body_bytes, text=""), request)
    try:
        async with asyncio.timeout(limits.body_seconds):
            await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise _refuse(web.HTTPRequestEntityTooLarge(limits.body_bytes, text=""), request) from None
    except TimeoutError:
        raise _refuse(web.HTTPRequestTimeout(text=""), request) from None
    except web.RequestPayloadError:
        raise _refuse(web.HTTPBadRequest(text=""), request) from None
    return await handler(request)


def is_upload(request: web.Request) -> bool:
    """A form with files for the one page that takes them, and not packed."""
    is_form = request.method == "POST" and request.content_type == "multipart/form-data"
    return is_form and request.path == UPLOADS and hdrs.CONTENT_ENCODING not in request.headers


async def _cut_off_slow_feed(
    request: web.Request, handler: Handler, limits: RequestLimits
) -> web.StreamResponse:
    try:
        async with asyncio.timeout(limits.feed_seconds):
            return await handler(request)
    except TimeoutError:
        raise _refuse(web.HTTPRequestTimeout(text=""), request) from None


def _refuse(refusal: web.HTTPException, request: web.Request) -> web.HTTPException:
    # The address is the client's own words; only a known one is named.
    log.warning("request_cut_off", route=name_route(request), status=refusal.status)
    refusal.force_close()
    return refusal
