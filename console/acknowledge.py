"""The page behind a notice to whoever is on call: one button, opened by the link's key and by nothing else.

Mail scanners and message previews fetch every link they see, so a look changes nothing: only the button acknowledges.
It says that something waits and what became of it; the words are behind the log-in.
"""

import hashlib
import hmac

from aiohttp import web

from casework.adapters.web_app import SERVICE
from casework.services import ladder
from casework.services.ladder_ports import OpenedLink
from console.forms import read_form
from console.pages import PAGES
from console.sessions import FormNotOurs, check_origin

SHORT_ID = 8


def add_acknowledge_routes(app: web.Application) -> None:
    app.router.add_get("/a/{token}", show_notice)
    app.router.add_post("/a/{token}", acknowledge)


async def show_notice(request: web.Request) -> web.StreamResponse:
    """What waits, and the button while nobody has pressed it."""
    token = request.match_info["token"]
    return _render(request, await request.app[SERVICE].database.read(lambda tx: ladder.find_link(tx, token)))


async def acknowledge(request: web.Request) -> web.StreamResponse:
    """Records it once, whoever presses again."""
    form = await read_form(request)
    if not hmac.compare_digest(form.get("csrf_token", "").encode(), _form_token(request).encode()):
        raise FormNotOurs
    check_origin(request)
    token = request.match_info["token"]
    found = await request.app[SERVICE].database.write(lambda tx: ladder.acknowledge(tx, token))
    if found is None:
        return _render(request, None)
    raise web.HTTPSeeOther(request.path)


def _render(request: web.Request, link: OpenedLink | None) -> web.Response:
    return request.app[PAGES].render(
        "acknowledge.html",
        status=200 if link is not None else 404,
        session=None,
        link=link,
        item="" if link is None else link.step.item_id[:SHORT_ID],
        csrf_token=_form_token(request),
    )


def _form_token(request: web.Request) -> str:
    # Whoever holds this does not hold the link it was made of.
    token = request.match_info["token"].encode("utf-8", "surrogatepass")
    return hmac.new(token, b"acknowledge", hashlib.sha256).hexdigest()
