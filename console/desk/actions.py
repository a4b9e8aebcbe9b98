"""What a person does with a conversation: claim it, answer, close its items, hand it back, let it go."""

import hashlib

from aiohttp import web

from casework.adapters.web_app import SERVICE
from casework.model.desk import Outcome
from casework.model.errors import OutcomeNeeded, UnreadMessages
from casework.services import desk
from console.desk.conversation_pages import CONVERSATION, parse_inbox_id, render_conversation
from console.desk.reply_texts import clean_reply, find_fault
from console.forms import read_form
from console.sessions import SESSION


def add_action_routes(app: web.Application) -> None:
    app.router.add_post(CONVERSATION + "/claim", claim)
    app.router.add_post(CONVERSATION + "/reply", reply)
    app.router.add_post(CONVERSATION + "/close", close)
    app.router.add_post(CONVERSATION + "/hand-back", hand_back)
    app.router.add_post(CONVERSATION + "/return", return_to_queue)


async def claim(request: web.Request) -> web.StreamResponse:
    service, staff = request.app[SERVICE], request[SESSION].staff
    conversation_id = request.match_info["conversation_id"]
    await service.database.write(
        lambda tx: desk.claim_conversation(tx, conversation_id, by=staff, texts=service.texts)
    )
    raise web.HTTPSeeOther(f"/console/c/{conversation_id}#latest")


async def reply(request: web.Request) -> web.StreamResponse:
    """Queues the reply, or gives the page back with the words kept and the reason told."""
    service, staff = request.app[SERVICE], request[SESSION].staff
    conversation_id = request.match_info["conversation_id"]
    form = await read_form(request)
    typed, seen = form.get("text", ""), parse_inbox_id(form.get("last_seen_inbox_id", ""))
    text, form_id = clean_reply(typed), form.get("form_id", "")
    conversation = await service.database.read(lambda tx: tx.conversations.get(conversation_id))
    fault = find_fault(text, conversation.channel)
    if fault is not None:
        return await render_conversation(request, status=422, fault=fault, draft=typed)
    try:
        await service.database.write(
            lambda tx: desk.reply_as_staff(
                tx,
                conversation_id,
                text,
                by=staff,
                last_seen_inbox_id=seen,
                form_id=_name_of(form_id, text),
            )
        )
    except UnreadMessages:
        return await render_conversation(request, status=409, fault="unread", draft=typed, seen_inbox_id=seen)
    raise web.HTTPSeeOther(f"/console/c/{conversation_id}#latest")


async def close(request: web.Request) -> web.StreamResponse:
    """Closes the items with an outcome; the conversation stays with the person."""
    service, staff = request.app[SERVICE], request[SESSION].staff
    conversation_id = request.match_info["conversation_id"]
    outcome, seen = await _find_outcome(request), await _find_seen(request)
    if outcome is None:
        return await render_conversation(request, status=422, fault="outcome_needed")
    try:
        closed = await service.database.write(
            lambda tx: desk.close_items(tx, conversation_id, outcome, by=staff, last_seen_inbox_id=seen)
        )
    except UnreadMessages:
        return await render_conversation(request, status=409, fault="unread", seen_inbox_id=seen)
    if not closed:
        return await render_conversation(request, status=422, fault="nothing_to_close")
    raise web.HTTPSeeOther(f"/console/c/{conversation_id}")


async def hand_back(request: web.Request) -> web.StreamResponse:
    """Gives the conversation back to the assistant; an open item needs its outcome in the same form."""
    service, staff = request.app[SERVICE], request[SESSION].staff
    conversation_id = request.match_info["conversation_id"]
    outcome, seen = await _find_outcome(request), await _find_seen(request)
    try:
        await service.database.write(
            lambda tx: desk.hand_back(
                tx, conversation_id, outcome, by=staff, last_seen_inbox_id=seen, texts=service.texts
            )
        )
    except UnreadMessages:
        return await render_conversation(request, status=409, fault="unread", seen_inbox_id=seen)
    except OutcomeNeeded:
        return await render_conversation(request, status=422, fault="outcome_needed")
    raise web.HTTPSeeOther("/console")


async def return_to_queue(request: web.Request) -> web.StreamResponse:
    service, staff = request.app[SERVICE], request[SESSION].staff
    conversation_id = request.match_info["conversation_id"]
    await service.database.write(lambda tx: desk.return_to_queue(tx, conversation_id, by=staff))
    raise web.HTTPSeeOther("/console")


async def _find_outcome(request: web.Request) -> Outcome | None:
    name = (await read_form(request)).get("outcome", "")
    return next((each for each in Outcome if each == name), None)


async def _find_seen(request: web.Request) -> int:
    return parse_inbox_id((await read_form(request)).get("last_seen_inbox_id", ""))


def _name_of(form_id: str, text: str) -> str:
    # Sent twice it is one message; gone back to and changed it is another, and neither is lost.
    return hashlib.sha256(f"{form_id}|{text}".encode("utf-8", "replace")).hexdigest()[:32]
