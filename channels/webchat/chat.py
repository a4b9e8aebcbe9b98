"""The victim's web chat: a plain page at a neutral address that works with and without JavaScript.

A message is a form post, answered by a redirect, or for an open page by what it lacks. What is new is told by a
stream that carries ids only; the page then asks for it. One address for everything, nothing kept in the browser.
"""

from collections.abc import Callable
from typing import Any

from aiohttp import web

from casework.adapters.service import Service
from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.storage.web_visits import LEFT, WebVisit, find_visit
from casework.adapters.web_app import SERVICE, stream_versions
from channels.webchat.composer import ComposerForm, new_msg_id, parse_composer, receive_words
from channels.webchat.pages import EXIT_SITE
from channels.webchat.panes import parse_known, read_pane
from channels.webchat.responses import (
    PAGES,
    find_offered_language,
    find_pause_line,
    read_visit,
    refuse_foreign_form,
    see_other,
    show,
    touch_visit,
)
from channels.webchat.sessions import cookie_name, find_token_hash, is_own_form, is_secure

KEPT_OPEN_MINUTES = 120


def add_chat_routes(app: web.Application) -> None:
    app.router.add_get("/m", show_messages, allow_head=False)
    app.router.add_post("/m", receive_form)
    app.router.add_get("/m/events", stream_messages, allow_head=False)
    app.router.add_post("/m/keep", keep_open)
    app.router.add_post("/m/language", choose_language)
    app.router.add_get("/leave", leave, allow_head=False)
    app.router.add_post("/leave", leave)


# --- the chat ------------------------------------------------------------------------------------


async def show_messages(request: web.Request) -> web.Response:
    """The conversation; with `X-Pane: log` only what the page lacks of it, which does not count as activity."""
    visit = await (read_visit(request) if _is_pane(request) else touch_visit(request))
    if visit is None:
        return web.Response(status=401) if _is_pane(request) else see_other("/")
    return await (_show_pane(request, visit) if _is_pane(request) else show_page(request, visit))


async def receive_form(request: web.Request) -> web.Response:
    """One message from the composer. Whatever is wrong with it, the words come back in the box."""
    if not is_own_form(request):
        return refuse_foreign_form(request)
    form = parse_composer(await request.read())
    is_meant = not form.language and not form.keeps_open
    is_fit = not form.is_empty and not form.is_too_long and is_meant
    service, token_hash = request.app[SERVICE], find_token_hash(request)

    def take(tx: SqlTransaction) -> WebVisit | None:
        visit = find_visit(tx, token_hash)
        if visit is None:
            return None
        tx.web_sessions.touch(token_hash)
        if form.language in request.app[PAGES].languages:
            tx.web_sessions.set_language(token_hash, form.language)
        if form.keeps_open:
            tx.web_sessions.set_idle_minutes(token_hash, KEPT_OPEN_MINUTES)
        if is_fit:
            receive_words(tx, form, visit.external_id, service)
        return find_visit(tx, token_hash)

    visit = await service.database.write(take)
    if visit is None:
        return _show_closed(request, form)
    if not is_meant:
        return await show_page(request, visit, kept=form) if form.text.strip() else see_other("/m")
    if not is_fit:
        problem = "empty" if form.is_empty else "too_long"
        return await show_page(request, visit, kept=form, problem=problem)
    if _is_pane(request):
        return await _show_pane(request, visit)
    if form.choice and form.text.strip():
        # A quick reply was pressed with half a message in the box: show the page at once, with the half kept.
        return await show_page(request, visit, kept=form)
    return see_other("/m")


async def stream_messages(request: web.Request) -> web.StreamResponse:
    """Server-sent events: a version that changes with the page. 204 without a session ends the retries."""
    if await read_visit(request) is None:
        return web.Response(status=204)
    return await stream_versions(request, "messages", find_token_hash(request))


async def keep_open(request: web.Request) -> web.Response:
    """Lets the visit stand longer without an act before it ends, and counts as one itself."""
    if not is_own_form(request):
        return refuse_foreign_form(request)
    visit = await _change_visit(
        request, lambda tx, token_hash: tx.web_sessions.set_idle_minutes(token_hash, KEPT_OPEN_MINUTES)
    )
    if _is_pane(request):
        return web.Response(status=401) if visit is None else await _show_pane(request, visit)
    return see_other("/m" if visit else "/")


async def choose_language(request: web.Request) -> web.Response:
    if not is_own_form(request):
        return refuse_foreign_form(request)
    language = find_offered_language(request, parse_composer(await request.read()).language)
    visit = await _change_visit(
        request,
        lambda tx, token_hash: tx.web_sessions.set_language(token_hash, language) if language else None,
    )
    return see_other("/m" if visit else "/")


async def leave(request: web.Request) -> web.Response:
    """Ends the session and sends the browser away. The conversation and its place in the queue stay."""
    if request.method == "POST" and not is_own_form(request):
        return refuse_foreign_form(request)
    if "prefetch" in request.headers.get("Sec-Purpose", request.headers.get("Purpose", "")):
        raise web.HTTPServiceUnavailable(text="")
    service, token_hash = request.app[SERVICE], find_token_hash(request)
    await service.database.write(lambda tx: _end_visit(tx, token_hash))
    is_page = request.method == "GET" or "text/html" in request.headers.get("Accept", "")
    response = see_other(EXIT_SITE) if is_page else web.Response(status=204)
    response.headers["Clear-Site-Data"] = '"cookies"'
    _take_cookie(response, service)
    return response


# --- the rest ------------------------------------------------------------------------------------


def _end_visit(tx: SqlTransaction, token_hash: str) -> None:
    visit = find_visit(tx, token_hash)
    if visit is None:
        return
    # A kept form pressed twice has opened two of the same writer.
    tx.web_sessions.end_all_of(visit.external_id)
    tx.audit.record(LEFT, by="person", conversation_id=visit.conversation_id)


def _take_cookie(response: web.Response, service: Service) -> None:
    response.del_cookie(
        cookie_name(service), httponly=True, secure=is_secure(service), samesite="Strict", path="/"
    )


async def _change_visit(
    request: web.Request, change: Callable[[SqlTransaction, str], None]
) -> WebVisit | None:
    token_hash = find_token_hash(request)

    def touch_and_change(tx: SqlTransaction) -> WebVisit | None:
        if find_visit(tx, token_hash) is None:
            return None
        tx.web_sessions.touch(token_hash)
        change(tx, token_hash)
        return find_visit(tx, token_hash)

    return await request.app[SERVICE].database.write(touch_and_change)


async def show_page(
    request: web.Request, visit: WebVisit, *, kept: ComposerForm | None = None, problem: str = ""
) -> web.Response:
    """`problem` is "", "empty", "too_long" or "unsent"; `kept` refills the box."""
    if problem and _is_pane(request):
        return show(request, "chat/problem.html", visit=visit, status=422, problem=problem)
    # The same id again, so that a second press of a form that did arrive stays one message.
    msg_id = kept.msg_id if kept and problem else new_msg_id()
    return show(
        request,
        "chat/messages.html",
        visit=visit,
        status=422 if problem else 200,
        kept=kept.text if kept else "",
        problem=problem,
        msg_id=msg_id,
        pause_line=await find_pause_line(request),
        **await _read(request, visit),
    )


async def _show_pane(request: web.Request, visit: WebVisit) -> web.Response:
    return show(request, "chat/log.html", visit=visit, **await _read(request, visit))


async def _read(request: web.Request, visit: WebVisit) -> dict[str, Any]:
    known = parse_known(request) if _is_pane(request) else None
    return await request.app[SERVICE].database.read(lambda tx: read_pane(tx, visit, known))


def _show_closed(request: web.Request, form: ComposerForm) -> web.Response:
    if _is_pane(request):
        return web.Response(status=401)
    if form.is_empty:
        return see_other("/")
    return show(request, "chat/kept.html", kept=form, status=401, language=form.page_language)


def _is_pane(request: web.Request) -> bool:
    return request.headers.get("X-Pane") == "log"
