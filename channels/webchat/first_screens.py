"""Before the chat: is anyone able to see the screen, what to know before writing, and the start of a session."""

import secrets

from aiohttp import web

from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.storage.web_visits import WebVisit, find_said_before, find_visit, may_open_again
from casework.adapters.web_app import SERVICE
from casework.model.tokens import hash_token
from channels.webchat.chat import show_page
from channels.webchat.composer import name_writer, parse_composer, receive_words
from channels.webchat.languages import DEFAULT
from channels.webchat.responses import (
    add_open_page,
    find_offered_language,
    find_pause_line,
    read_visit,
    refuse_foreign_form,
    see_other,
    show,
)
from channels.webchat.sessions import find_token_hash, give_cookie, is_own_form, is_surely_own_form


def add_first_screen_routes(app: web.Application) -> None:
    add_open_page(app, "/", get=show_start)
    add_open_page(app, "/before", get=show_before, post=answer_question)
    add_open_page(app, "/about", get=show_about)
    app.router.add_post("/start", start)


async def show_start(request: web.Request) -> web.Response:
    return show(
        request,
        "chat/start.html",
        visit=await read_visit(request),
        pause_line=await find_pause_line(request),
    )


async def show_about(request: web.Request) -> web.Response:
    return show(request, "chat/about.html", visit=await read_visit(request))


async def show_before(request: web.Request) -> web.Response:
    """What to know before writing. Only to somebody who said that nobody sees the screen it says less."""
    visit = await read_visit(request)
    return show(
        request,
        "chat/before.html",
        visit=visit,
        answer=(visit.screen_seen or "") if visit else "",
        has_written=visit is not None and visit.conversation_id is not None,
    )


async def answer_question(request: web.Request) -> web.Response:
    """Keeps the answer with the visit, opening one where there is none; no answer is an answer too.

    Answered by a redirect: what answers a form itself cannot be gone back to.
    """
    if not is_own_form(request):
        return refuse_foreign_form(request)
    form = parse_composer(await request.read())
    service, token_hash, token = request.app[SERVICE], find_token_hash(request), secrets.token_urlsafe(32)
    language = find_offered_language(request, form.language)

    def keep(tx: SqlTransaction) -> bool:
        visit = find_visit(tx, token_hash)
        if visit is None:
            _, screen_seen = find_said_before(tx, token_hash)
            tx.web_sessions.end(token_hash)
            tx.web_sessions.open(
                hash_token(token),
                secrets.token_hex(16),
                language=language or DEFAULT,
                screen_seen=form.screen_seen or screen_seen,
            )
            return True
        tx.web_sessions.touch(token_hash)
        if form.screen_seen:
            tx.web_sessions.set_screen_seen(token_hash, form.screen_seen)
        if language:
            tx.web_sessions.set_language(token_hash, language)
        return False

    is_new = await service.database.write(keep)
    response = see_other(request.path)
    if is_new:
        give_cookie(response, service, token)
    return response


async def start(request: web.Request) -> web.Response:
    """Opens a session; with a kept message, the message is received in the same transaction.

    A kept message sent twice is one message of one writer. Where a session is open by now, it goes there. A form that
    may have stood on another site names no writer: whoever made it could open the same session beside the person.
    """
    if not is_own_form(request):
        return refuse_foreign_form(request)
    form = parse_composer(await request.read())
    if form.is_too_long:
        return show(request, "chat/kept.html", kept=form, status=422, language=form.language)
    service, old_hash, token = request.app[SERVICE], find_token_hash(request), secrets.token_urlsafe(32)
    asked_language = find_offered_language(request, form.language)
    may_name_writer = not form.is_empty and is_surely_own_form(request)

    def open_session(tx: SqlTransaction) -> tuple[bool, WebVisit | None]:
        old = find_visit(tx, old_hash)
        if old is not None and not form.is_empty:
            tx.web_sessions.touch(old_hash)
            receive_words(tx, form, old.external_id, service)
            return False, find_visit(tx, old_hash)
        named = name_writer(form)
        is_second_press = may_name_writer and may_open_again(tx, named)
        external_id = named if is_second_press else secrets.token_hex(16)
        # Also of a visit that ended while they wrote: that somebody may see the screen is as true as before.
        language, screen_seen = find_said_before(tx, old_hash)
        tx.web_sessions.end(old_hash)
        tx.web_sessions.open(
            hash_token(token),
            external_id,
            language=asked_language or language or DEFAULT,
            screen_seen=form.screen_seen or screen_seen,
        )
        if not form.is_empty:
            receive_words(tx, form, external_id, service)
        return True, find_visit(tx, hash_token(token))

    is_new, visit = await service.database.write(open_session)
    has_half = bool(form.choice and form.text.strip())
    # As in the chat: a quick reply pressed with half a message in the box leaves the half there.
    response = await show_page(request, visit, kept=form) if visit and has_half else see_other("/m")
    if is_new:
        give_cookie(response, service, token)
    return response
