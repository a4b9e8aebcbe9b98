"""The victim's web chat: a plain page at a neutral address that works with and without JavaScript.

A message is a form post, answered by a redirect. What is new is told by a stream that carries ids only;
the page then asks for its transcript again. One address for everything, nothing kept in the browser.
"""

import secrets

from aiohttp import web

from casework.adapters.service import Service
from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.storage.web_visits import WebVisit, find_visit, get_version
from casework.adapters.web_app import SERVICE, hash_token, same_origin, stream_changes
from casework.model.messages import InboundMessage
from casework.services.ports import TranscriptEntry
from casework.services.receive import receive_message
from channels.webchat_forms import ComposerForm, parse_composer
from channels.webchat_pages import EXIT_SITE, WebchatPages

PAGES = web.AppKey("webchat_pages", WebchatPages)
ASSET_SECONDS = 600


def add_webchat_routes(app: web.Application) -> None:
    """Adds every route of the web chat; the app must hold SERVICE and the security headers."""
    app[PAGES] = WebchatPages()
    app.router.add_get("/", show_start)
    app.router.add_post("/start", start)
    app.router.add_get("/m", show_messages, allow_head=False)
    app.router.add_post("/m", receive_form)
    app.router.add_get("/m/events", stream_messages, allow_head=False)
    app.router.add_get("/leave", leave, allow_head=False)
    app.router.add_post("/leave", leave)
    app.router.add_get("/s/webchat/{name}", show_asset)


async def show_start(request: web.Request) -> web.Response:
    visit = await _find_visit(request)
    return _html(request.app[PAGES].start(is_open=visit is not None))


async def start(request: web.Request) -> web.Response:
    """Opens a session; with a kept message, the message is received in the same transaction."""
    if not _is_own_form(request):
        return _refuse(request)
    form = parse_composer(await request.read())
    if form.is_too_long:
        return _html(request.app[PAGES].start(kept=form), status=422)
    service, old_hash = request.app[SERVICE], _token_hash(request)
    token, external_id = secrets.token_urlsafe(32), secrets.token_hex(16)
    message = form.to_message(external_id, received_at=service.clock.now())

    def open_session(tx: SqlTransaction) -> None:
        tx.web_sessions.end(old_hash)
        tx.web_sessions.open(hash_token(token), external_id)
        if not form.is_empty:
            _receive(tx, message, service)

    await service.database.write(open_session)
    response = _see_other("/m")
    _give_cookie(response, service, token)
    return response


async def show_messages(request: web.Request) -> web.Response:
    """The conversation; with `X-Pane: log` only its transcript, which does not count as activity."""
    pages, is_pane = request.app[PAGES], request.headers.get("X-Pane") == "log"
    visit = await (_find_visit(request) if is_pane else _touch_visit(request))
    if visit is None:
        return web.Response(status=401) if is_pane else _see_other("/")
    transcript = await _list_transcript(request, visit)
    return _html(pages.log(transcript) if is_pane else pages.messages(transcript))


async def receive_form(request: web.Request) -> web.Response:
    """One message from the composer. Whatever is wrong with it, the words come back in the box."""
    if not _is_own_form(request):
        return _refuse(request)
    form = parse_composer(await request.read())
    visit = await _touch_visit(request)
    if visit is None:
        return _html(request.app[PAGES].start(kept=form), status=401)
    if form.is_empty or form.is_too_long:
        return await _ask_again(request, visit, form)
    service = request.app[SERVICE]
    message = form.to_message(visit.external_id, received_at=service.clock.now())
    await service.database.write(lambda tx: _receive(tx, message, service))
    if form.choice and form.text.strip():
        # A quick reply was pressed with half a message in the box: show the page at once, with the half kept.
        visit = await _find_visit(request) or visit
        return _html(request.app[PAGES].messages(await _list_transcript(request, visit), kept=form))
    return _see_other("/m")


async def _ask_again(request: web.Request, visit: WebVisit, form: ComposerForm) -> web.Response:
    problem = "empty" if form.is_empty else "too_long"
    transcript = await _list_transcript(request, visit)
    return _html(request.app[PAGES].messages(transcript, kept=form, problem=problem), status=422)


async def stream_messages(request: web.Request) -> web.StreamResponse:
    """Server-sent events: a version that changes with the page. 204 without a session ends the retries."""
    if await _find_visit(request) is None:
        return web.Response(status=204)
    database, token_hash = request.app[SERVICE].database, _token_hash(request)

    async def look() -> str:
        return await database.read(lambda tx: get_version(tx, token_hash))

    return await stream_changes(request, "messages", look)


async def leave(request: web.Request) -> web.Response:
    """Ends the session and sends the browser away. The conversation and its place in the queue stay."""
    if request.method == "POST" and not _is_own_form(request):
        return _refuse(request)
    service, token_hash = request.app[SERVICE], _token_hash(request)
    await service.database.write(lambda tx: _end_visit(tx, token_hash))
    is_page = request.method == "GET" or "text/html" in request.headers.get("Accept", "")
    response = _see_other(EXIT_SITE) if is_page else web.Response(status=204)
    response.headers["Clear-Site-Data"] = '"cookies"'
    _take_cookie(response, service)
    return response


async def show_asset(request: web.Request) -> web.Response:
    asset = request.app[PAGES].assets.get(request.match_info["name"])
    if asset is None:
        raise web.HTTPNotFound
    response = web.Response(body=asset.body, content_type=asset.content_type, charset="utf-8")
    response.headers["Cache-Control"] = f"max-age={ASSET_SECONDS}"
    response.enable_compression()
    return response


# --- sessions ------------------------------------------------------------------------------------


def _token_hash(request: web.Request) -> str:
    return hash_token(request.cookies.get(_cookie_name(request.app[SERVICE]), ""))


async def _find_visit(request: web.Request) -> WebVisit | None:
    token_hash = _token_hash(request)
    return await request.app[SERVICE].database.read(lambda tx: find_visit(tx, token_hash))


async def _touch_visit(request: web.Request) -> WebVisit | None:
    token_hash = _token_hash(request)

    def touch(tx: SqlTransaction) -> WebVisit | None:
        visit = find_visit(tx, token_hash)
        if visit is not None:
            tx.web_sessions.touch(token_hash)
        return visit

    return await request.app[SERVICE].database.write(touch)


def _end_visit(tx: SqlTransaction, token_hash: str) -> None:
    visit = find_visit(tx, token_hash)
    if visit is None:
        return
    tx.web_sessions.end(token_hash)
    tx.audit.record("web_session_left", by="person", conversation_id=visit.conversation_id)


def _is_secure(service: Service) -> bool:
    return service.settings.public_url.startswith("https:")


def _cookie_name(service: Service) -> str:
    # Browsers keep a __Host- cookie from being set by a neighbouring host, but only over https.
    return "__Host-wm" if _is_secure(service) else "wm"


def _give_cookie(response: web.Response, service: Service, token: str) -> None:
    response.set_cookie(
        _cookie_name(service), token, httponly=True, secure=_is_secure(service), samesite="Strict", path="/"
    )


def _take_cookie(response: web.Response, service: Service) -> None:
    response.del_cookie(
        _cookie_name(service), httponly=True, secure=_is_secure(service), samesite="Strict", path="/"
    )


# --- the rest ------------------------------------------------------------------------------------


def _receive(tx: SqlTransaction, message: InboundMessage, service: Service) -> None:
    receive_message(
        tx, message, screen=service.screen, safety_lines=service.safety_lines, bands=service.bands
    )


async def _list_transcript(request: web.Request, visit: WebVisit) -> list[TranscriptEntry]:
    conversation_id = visit.conversation_id
    if conversation_id is None:
        return []
    return await request.app[SERVICE].database.read(lambda tx: tx.transcripts.list_latest(conversation_id))


def _is_own_form(request: web.Request) -> bool:
    # Under our no-referrer policy browsers without Sec-Fetch-Site (before 2023, or plain http) name their
    # origin "null". They do keep SameSite=Strict: such a form from elsewhere comes without the session.
    is_unnamed = request.headers.get("Origin") == "null" and "Sec-Fetch-Site" not in request.headers
    return is_unnamed or same_origin(request, request.app[SERVICE].settings.public_url)


def _refuse(request: web.Request) -> web.Response:
    return _html(request.app[PAGES].refused(), status=403)


def _html(page: str, *, status: int = 200) -> web.Response:
    return web.Response(text=page, status=status, content_type="text/html")


def _see_other(location: str) -> web.Response:
    return web.Response(status=303, headers={"Location": location})
