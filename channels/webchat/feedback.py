"""The end of a conversation at /finish, and on its page one optional set of questions, answered at /feedback.

The visit is over before the questions are shown: the answers come without a session, under a token used once, and
whatever comes of them the page says the same.
"""

from dataclasses import dataclass

from aiohttp import web

from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.storage.web_visits import find_visit
from casework.adapters.web_app import SERVICE
from casework.model.messages import Channel
from casework.model.tokens import make_address_token
from casework.services import feedback
from channels.webchat.chat import show_page
from channels.webchat.composer import parse_composer
from channels.webchat.languages import DEFAULT
from channels.webchat.proved_pages import show_closed
from channels.webchat.responses import refuse_foreign_form, see_other, show, touch_visit
from channels.webchat.sessions import cookie_name, find_token_hash, is_own_form, is_secure

FINISHED = "web_session_finished"


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What was left of a visit: the language it was in, and whether the questions may be shown."""

    language: str = DEFAULT
    may_ask: bool = False


def add_feedback_routes(app: web.Application) -> None:
    for address, post in (("/finish", finish), ("/feedback", receive_answers)):
        # What answers a form alone is asked for again by a reload, or from a history.
        app.router.add_get(address, lead_to_start, allow_head=False)
        app.router.add_post(address, post)


async def lead_to_start(_request: web.Request) -> web.Response:
    return see_other("/")


async def finish(request: web.Request) -> web.Response:
    """Ends the session as leaving does, and stays on a page that says nothing.

    Not with words in the box: whoever wrote them may take this button for the one that sends them.
    """
    if not is_own_form(request):
        return refuse_foreign_form(request)
    form = parse_composer(await request.read())
    if form.text.strip():
        visit = await touch_visit(request)
        if visit is None:
            return show_closed(request, form)
        return await show_page(request, visit, kept=form, problem="unsent")
    service, token_hash, token = request.app[SERVICE], find_token_hash(request), make_address_token()
    ended = await service.database.write(lambda tx: _end_visit(tx, token_hash, token))
    response = show(
        request,
        "feedback/finished.html",
        language=ended.language,
        token=token if ended.may_ask else "",
        questions=feedback.QUESTIONS,
        answers=feedback.ANSWERS,
    )
    response.headers["Clear-Site-Data"] = '"cookies"'
    response.del_cookie(
        cookie_name(service), httponly=True, secure=is_secure(service), samesite="Strict", path="/"
    )
    return response


async def receive_answers(request: web.Request) -> web.Response:
    if not is_own_form(request):
        return refuse_foreign_form(request)
    form = await request.post()
    given = {name: str(form.get(name, "")) for name in feedback.QUESTIONS}
    answers = {name: int(value) for name, value in given.items() if value in "12345" and len(value) == 1}
    token, language = str(form.get("token", "")), str(form.get("language", ""))
    await request.app[SERVICE].database.write(lambda tx: feedback.answer(tx, token, answers))
    return show(request, "feedback/thanks.html", language=language)


def _end_visit(tx: SqlTransaction, token_hash: str, token: str) -> Ended:
    visit = find_visit(tx, token_hash)
    if visit is None:
        return Ended()
    conversation_id = visit.conversation_id
    may_ask = conversation_id is not None and feedback.may_ask(
        tx, conversation_id, screen_seen=visit.screen_seen
    )
    if conversation_id is not None and may_ask:
        feedback.offer(tx, conversation_id, token, channel=Channel.WEBCHAT, language=visit.language)
    tx.web_sessions.end_all_of(visit.external_id)
    tx.audit.record(FINISHED, by="person", conversation_id=conversation_id)
    return Ended(language=visit.language, may_ask=may_ask)
