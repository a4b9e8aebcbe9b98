"""What every page of the victim's web shares: whose visit it is, in which language it is shown, how it is sent."""

from collections.abc import Awaitable, Callable
from functools import wraps

from aiohttp import web

from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.storage.web_visits import WebVisit, find_visit
from casework.adapters.web_app import SERVICE
from casework.model.messages import Channel
from casework.services import kill_switch, trials
from casework.services.intake_pauses import find_pause
from channels.webchat.languages import DEFAULT
from channels.webchat.pages import WebPages
from channels.webchat.sessions import find_token_hash

PAGES = web.AppKey("webchat_pages", WebPages)
WORTH_PACKING = 400  # characters; what is shorter hardly gains
PageHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def add_open_page(
    app: web.Application, path: str, *, get: PageHandler, post: PageHandler | None = None
) -> None:
    """A page for anyone at `path`, and at `/cy` and its like before it; 404 for a language that is not offered."""
    for address in (path, f"/{{language:[a-z]{{2}}}}{path.rstrip('/')}"):
        app.router.add_get(address, _in_offered_language(get), allow_head=False)
        if post is not None:
            app.router.add_post(address, _in_offered_language(post))


def _in_offered_language(handler: PageHandler) -> PageHandler:
    @wraps(handler)
    async def handle(request: web.Request) -> web.StreamResponse:
        if request.match_info.get("language", DEFAULT) not in request.app[PAGES].languages:
            raise web.HTTPNotFound(text="")
        return await handler(request)

    return handle


async def read_visit(request: web.Request) -> WebVisit | None:
    token_hash = find_token_hash(request)
    return await request.app[SERVICE].database.read(lambda tx: find_visit(tx, token_hash))


async def touch_visit(request: web.Request) -> WebVisit | None:
    """The visit, kept awake by what the person just did."""
    token_hash = find_token_hash(request)

    def touch(tx: SqlTransaction) -> WebVisit | None:
        visit = find_visit(tx, token_hash)
        if visit is not None:
            tx.web_sessions.touch(token_hash)
        return visit

    return await request.app[SERVICE].database.write(touch)


def find_language(request: web.Request, visit: WebVisit | None = None) -> str:
    """The code of the language the address names, else the visit's; English where it is not offered."""
    asked = request.match_info.get("language") or (visit.language if visit else DEFAULT)
    return asked if asked in request.app[PAGES].languages else DEFAULT


def show(
    request: web.Request,
    template: str,
    *,
    visit: WebVisit | None = None,
    status: int = 200,
    language: str | None = None,
    **values: object,
) -> web.Response:
    """The page in the language of the visit, or in the one given where it is offered.

    Templates see `has_visit` and `here`, the path, besides the values given.
    """
    pages = request.app[PAGES]
    shown_in = language if language and language in pages.languages else find_language(request, visit)
    page = pages.render(template, language=shown_in, has_visit=visit is not None, here=request.path, **values)
    response = web.Response(text=page, status=status, content_type="text/html")
    # Packed and secret together are a danger only where another site can make a browser ask with its session:
    # the cookie is SameSite=Strict.
    if len(page) > WORTH_PACKING and "gzip" in request.headers.get("Accept-Encoding", ""):
        response.enable_compression(web.ContentCoding.gzip)
    return response


async def find_pause_line(request: web.Request) -> str:
    """What is said while it is a trial, is switched off or takes longer than usual; empty when it is none of these."""
    texts = request.app[SERVICE].texts

    def find(tx: SqlTransaction) -> str:
        pause, lines = find_pause(tx), [trials.find_page_line(tx, texts)]
        if kill_switch.is_off(tx, Channel.WEBCHAT):
            lines.append(texts.render(kill_switch.TEXT_ON_PAGES, Channel.WEBCHAT))
        elif pause is not None:
            lines.append(texts.render(pause.text_name, Channel.WEBCHAT))
        return " ".join(line for line in lines if line)

    return await request.app[SERVICE].database.read(find)


def refuse_foreign_form(request: web.Request) -> web.Response:
    """For a form that came from another site."""
    return show(request, "chat/refused.html", status=403)


def find_offered_language(request: web.Request, asked: str) -> str | None:
    """The code asked for, else that of the address; None where neither is offered."""
    found = asked or request.match_info.get("language")
    return found if found in request.app[PAGES].languages else None


def see_other(location: str) -> web.Response:
    return web.Response(status=303, headers={"Location": location})
