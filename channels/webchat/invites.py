"""An invite's address: looking at it changes nothing, pressing its button opens the web chat with it.

Messengers and mail scanners fetch every link they carry, so GET and HEAD never reach the database. Every link
that opens nothing, for whatever reason, is answered by the same bytes.
"""

import secrets

import structlog
from aiohttp import web

from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.storage.web_visits import find_said_before
from casework.adapters.web_app import SERVICE
from casework.model.errors import WaymarkError
from casework.model.messages import Channel
from casework.model.tokens import hash_token
from casework.services.invites import open_invite
from channels.webchat.languages import DEFAULT
from channels.webchat.responses import see_other, show
from channels.webchat.sessions import find_token_hash, give_cookie, is_own_form

log = structlog.get_logger()


class InviteRefused(WaymarkError):
    """The link opens nothing; raised so that the transaction leaves no trace of it."""


def add_invite_routes(app: web.Application) -> None:
    # Any path at all: what is no token must not be told apart from what was one.
    app.router.add_get("/i/{token:.*}", show_invite)
    app.router.add_post("/i/{token:.*}", use_invite)


async def show_invite(request: web.Request) -> web.Response:
    return show(request, "invites/button.html")


async def use_invite(request: web.Request) -> web.Response:
    """Uses the invite up for a new web session and sends the browser to it, or says that it opens nothing."""
    if not is_own_form(request):
        return show(request, "invites/refused.html", status=403)
    service, old_hash = request.app[SERVICE], find_token_hash(request)
    session_token, external_id = secrets.token_urlsafe(32), secrets.token_hex(16)

    def open_session(tx: SqlTransaction) -> None:
        conversation = tx.conversations.open(Channel.WEBCHAT, external_id)
        if open_invite(tx, request.match_info["token"], conversation, codes=service.codes) is None:
            raise InviteRefused
        language, screen_seen = find_said_before(tx, old_hash)
        tx.web_sessions.end(old_hash)
        tx.web_sessions.open(
            hash_token(session_token), external_id, language=language or DEFAULT, screen_seen=screen_seen
        )

    try:
        await service.database.write(open_session)
    except InviteRefused:
        log.info("invite_refused")
        return show(request, "invites/refused.html", status=404)
    response = see_other("/m")
    give_cookie(response, service, session_token)
    return response
