"""A tester's page at /try: one form, no script, no cookie. Whoever has the link talks with a candidate, unread.

The visit is named by the form itself. Every link that opens nothing is answered by the same page.
"""

import re
import secrets
from collections.abc import AsyncIterator
from urllib.parse import parse_qs

import aiohttp
from aiohttp import web

from casework.adapters.assistant import RasaAssistant
from casework.adapters.web_app import SERVICE
from casework.services.guest_ports import GuestMessage
from casework.services.guests import LinkOver, TooManyWritten, Trying, find_link, list_visit, say
from casework.services.ports import Assistant
from channels.webchat.composer import parse_composer
from channels.webchat.responses import refuse_foreign_form, show
from channels.webchat.sessions import is_own_form

TRY_ASSISTANT = web.AppKey("webchat_try_assistant", list[Assistant])
VISIT = re.compile("[0-9a-f]{32}")
NUMBER = re.compile("[0-9]{1,18}")


def add_try_routes(app: web.Application) -> None:
    """Who answers is the assistant of the settings, unless `TRY_ASSISTANT` holds another when the app starts."""
    app[TRY_ASSISTANT] = []
    app.cleanup_ctx.append(_open_assistant)
    app.router.add_get("/try/{token}", show_try, allow_head=False)
    app.router.add_post("/try/{token}", try_out)


async def _open_assistant(app: web.Application) -> AsyncIterator[None]:
    settings = app[SERVICE].settings
    async with aiohttp.ClientSession() as session:
        if not app[TRY_ASSISTANT]:
            app[TRY_ASSISTANT].append(RasaAssistant(settings.rasa_urls, settings.turn_secret, session))
        yield


async def show_try(request: web.Request) -> web.Response:
    token = request.match_info["token"]
    try:
        await request.app[SERVICE].database.read(lambda tx: find_link(tx, token))
    except LinkOver:
        return show(request, "try/over.html", status=404)
    return _show_talk(request, secrets.token_hex(16), [])


async def try_out(request: web.Request) -> web.Response:
    """One message and what the candidate says to it, or the same page again with why not."""
    if not is_own_form(request):
        return refuse_foreign_form(request)
    body = await request.read()
    form, fields = parse_composer(body), parse_qs(body.decode("ascii", "replace"))
    visit = _find(fields, "visit", VISIT) or secrets.token_hex(16)
    after = int(_find(fields, "after", NUMBER) or 0)
    service, token = request.app[SERVICE], request.match_info["token"]
    problem = "empty" if form.is_empty else "too_long" if form.is_too_long else ""
    try:
        if problem:
            written = await _read(request, token, visit)
            return _show_talk(request, visit, written, problem=problem, kept=form.typed)
        message = form.to_message(f"guest-{visit}", received_at=service.clock.now())
        written = await say(_trying(request), token, visit, message, after=after)
    except LinkOver:
        return show(request, "try/over.html", status=404)
    except TooManyWritten:
        written = await _read(request, token, visit)
        return _show_talk(request, visit, written, problem="full", status=429)
    return _show_talk(request, visit, written)


async def _read(request: web.Request, token: str, visit: str) -> list[GuestMessage]:
    return await request.app[SERVICE].database.read(lambda tx: list_visit(tx, token, visit))


def _trying(request: web.Request) -> Trying:
    service = request.app[SERVICE]
    return Trying(
        store=service.database,
        assistant=request.app[TRY_ASSISTANT][0],
        screen=service.screen,
        bands=service.bands,
        safety_lines=service.safety_lines,
        texts=service.texts,
    )


def _show_talk(
    request: web.Request,
    visit: str,
    written: list[GuestMessage],
    *,
    problem: str = "",
    kept: str = "",
    status: int = 200,
) -> web.Response:
    return show(
        request,
        "try/talk.html",
        status=status,
        written=written,
        talk=visit,
        after=written[-1].id if written else 0,
        choices=[choice for said in written[-1].said for choice in said.choices] if written else [],
        problem=problem,
        kept=kept,
    )


def _find(fields: dict[str, list[str]], name: str, shape: re.Pattern[str]) -> str:
    return next((value for value in fields.get(name, []) if shape.fullmatch(value)), "")
