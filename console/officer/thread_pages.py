"""The officer's page: one case's thread, opened by a link and by nothing else.

Mail scanners fetch every link they carry, so a look at the address shows the same button for every token and touches
nothing; pressing it opens the thread. Every link that opens nothing is answered by the same bytes.
"""

import hashlib
import hmac
import secrets

from aiohttp import web

from casework.adapters.web_app import SERVICE
from casework.model.errors import UnreadMessages
from casework.services import officer_thread
from casework.services.officer_thread import OfficerLinkEnded, OpenedThread
from console.desk.reply_texts import LONGEST_REPLY, clean_reply, find_fault
from console.forms import read_form
from console.pages import PAGES
from console.sessions import FormNotOurs, check_origin, cookie_name, set_cookie

COOKIE = "officer"


def add_officer_thread_routes(app: web.Application) -> None:
    app.router.add_get("/o/{token}", show_thread)
    app.router.add_post("/o/{token}", open_thread)
    app.router.add_post("/o/{token}/answer", answer)


async def show_thread(request: web.Request) -> web.StreamResponse:
    """The button; in the browser that has pressed it the thread as it stands now."""
    given = request.cookies.get(cookie_name(request, COOKIE), "")
    if not _is_same(given, _derive(request, "opened")):
        return request.app[PAGES].render("officer_button.html", session=None, csrf_token=_form_token(request))
    return await _render_thread(request)


async def open_thread(request: web.Request) -> web.StreamResponse:
    await _read_own_form(request)
    response = await _render_thread(request)
    if response.status == 200:
        set_cookie(request, response, COOKIE, _derive(request, "opened"))
    return response


async def answer(request: web.Request) -> web.StreamResponse:
    """Sends the answer, or gives the page back with the words kept and the reason told."""
    form = await _read_own_form(request)
    typed = form.get("text", "")
    try:
        fault = await _find_fault(request, clean_reply(typed)) or await _send(request, form)
    except OfficerLinkEnded:
        return _render_ended(request)
    if fault is not None:
        status = 409 if fault == "unread" else 422
        return await _render_thread(request, status=status, fault=fault, draft=typed)
    raise web.HTTPSeeOther(f"{request.path.removesuffix('/answer')}#latest")


async def _send(request: web.Request, form: dict[str, str]) -> str | None:
    service, token = request.app[SERVICE], request.match_info["token"]
    try:
        await service.database.write(
            lambda tx: officer_thread.answer_as_officer(
                tx,
                token,
                clean_reply(form.get("text", "")),
                last_seen_id=form.get("last_seen_id", ""),
                form_id=form.get("form_id", ""),
            )
        )
    except UnreadMessages:
        return "unread"
    return None


async def _find_fault(request: web.Request, text: str) -> str | None:
    token = request.match_info["token"]
    channels = await request.app[SERVICE].database.read(
        lambda tx: officer_thread.list_answered_channels(tx, token)
    )
    faults = (find_fault(text, channel) for channel in channels)
    return next((fault for fault in faults if fault is not None), None)


async def _render_thread(
    request: web.Request, *, status: int = 200, fault: str | None = None, draft: str = ""
) -> web.Response:
    token = request.match_info["token"]
    try:
        thread: OpenedThread = await request.app[SERVICE].database.write(
            lambda tx: officer_thread.read_officer_thread(tx, token)
        )
    except OfficerLinkEnded:
        return _render_ended(request)
    return request.app[PAGES].render(
        "officer_thread.html",
        status=status,
        session=None,
        thread=thread,
        action=request.path.removesuffix("/answer") + "/answer",
        csrf_token=_form_token(request),
        form_id=secrets.token_hex(16),
        fault=fault,
        draft=draft,
        longest_reply=min((LONGEST_REPLY[each.channel] for each in thread.messages), default=0),
    )


def _render_ended(request: web.Request) -> web.Response:
    return request.app[PAGES].render("officer_ended.html", status=404, session=None)


async def _read_own_form(request: web.Request) -> dict[str, str]:
    """The form's fields. Raises FormNotOurs for one that our own page, of this very link, did not make."""
    form = await read_form(request)
    if not _is_same(form.get("csrf_token", ""), _form_token(request)):
        raise FormNotOurs
    check_origin(request)
    return form


def _form_token(request: web.Request) -> str:
    return _derive(request, "form")


def _derive(request: web.Request, what: str) -> str:
    # Whoever holds this does not hold the link it was made of.
    token = request.match_info["token"].encode("utf-8", "surrogatepass")
    return hmac.new(token, what.encode(), hashlib.sha256).hexdigest()


def _is_same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())
