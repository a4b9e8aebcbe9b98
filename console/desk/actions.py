"""What a person does with a conversation: claim it, answer, close its items, hand it back, let it go."""

import hashlib
from collections.abc import Mapping
from datetime import date

from aiohttp import web

from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.storage.web_visits import find_last_visit
from casework.adapters.web_app import SERVICE
from casework.model.desk import Outcome
from casework.model.errors import OutcomeNeeded, UnreadMessages
from casework.model.messages import Channel
from casework.services import desk, hand_backs
from casework.services.canned_replies import find_unchanged, list_offered
from casework.services.conversation_ports import NextStep, WasUrgent
from casework.services.labels import ABOUT, LONGEST_LOG_NUMBER, Judged
from casework.services.ports import Conversation, StaffMember
from casework.services.promises import PromiseNotKeepable
from console.desk.conversation_pages import CONVERSATION, parse_inbox_id, render_conversation
from console.desk.conversations import find_left_at
from console.desk.reply_sizes import measure_reply
from console.desk.reply_texts import clean_reply, find_fault, name_composer
from console.desk.reply_tone import find_tone
from console.forms import read_form
from console.sessions import SESSION


def add_action_routes(app: web.Application) -> None:
    app.router.add_post(CONVERSATION + "/claim", claim)
    app.router.add_post(CONVERSATION + "/reply", reply)
    app.router.add_post(CONVERSATION + "/insert", insert)
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
    """Queues the reply, or gives the page back with the words kept and the reason told.

    Words that may sound wrong are told once: the same press again sends them.
    """
    service, staff = request.app[SERVICE], request[SESSION].staff
    conversation_id = request.match_info["conversation_id"]
    form = await read_form(request)
    typed, seen = form.get("text", ""), parse_inbox_id(form.get("last_seen_inbox_id", ""))
    text, form_id = clean_reply(typed), form.get("form_id", "")
    meant = form.get("texts_meant", "")
    conversation, has_left = await service.database.read(lambda tx: _look(tx, conversation_id))
    fault = _find_fault(text, conversation.channel, form, has_left=has_left)
    tone = () if form.get("tone_meant") else find_tone(text)
    if fault is not None or tone:
        return await render_conversation(
            request, status=422, fault=fault or "tone", draft=typed, texts_meant=meant, tone=tone, form=form
        )

    def send(tx: SqlTransaction) -> None:
        desk.reply_as_staff(
            tx,
            conversation_id,
            text,
            by=staff,
            last_seen_inbox_id=seen,
            form_id=_name_of(form_id, text),
            template=find_unchanged(tx, text, by=staff) or "staff",
        )
        tx.drafts.drop(conversation_id, staff.id)

    try:
        await service.database.write(send)
    except UnreadMessages:
        return await render_conversation(
            request, status=409, fault="unread", draft=typed, texts_meant=meant, seen_inbox_id=seen, form=form
        )
    if form.get("then") == "wait":
        raise web.HTTPSeeOther("/console")
    raise web.HTTPSeeOther(f"/console/c/{conversation_id}#latest")


async def insert(request: web.Request) -> web.StreamResponse:
    """The page again with a canned reply behind the words of the composer. Never sends."""
    service, staff = request.app[SERVICE], request[SESSION].staff
    form = await read_form(request)
    offered = await service.database.read(list_offered)
    chosen = next((each for each in offered if each.name == form.get("canned")), None)
    typed = form.get("text", "")
    words = typed if chosen is None else _join(typed, chosen.say(staff.display_name))
    return await render_conversation(
        request,
        draft=words,
        texts_meant=form.get("texts_meant", ""),
        # What they write meanwhile must not count as read because a text was inserted.
        seen_inbox_id=parse_inbox_id(form.get("last_seen_inbox_id", "")),
        form=form,
    )


async def close(request: web.Request) -> web.StreamResponse:
    """Closes the items with an outcome; the conversation stays with the person."""
    service, staff = request.app[SERVICE], request[SESSION].staff
    conversation_id = request.match_info["conversation_id"]
    form = await read_form(request)
    seen = parse_inbox_id(form.get("last_seen_inbox_id", ""))
    if _find_outcome(form) is None:
        return await render_conversation(request, status=422, fault="outcome_needed", form=form)
    if await _would_write_to_who_left(request, form):
        return await render_conversation(request, status=422, fault="left_quickly", form=form)
    try:
        closed = await service.database.write(
            lambda tx: hand_backs.close_with_outcome(
                tx, conversation_id, _finish(tx, form, staff), by=staff, last_seen_inbox_id=seen
            )
        )
    except UnreadMessages:
        return await render_conversation(request, status=409, fault="unread", seen_inbox_id=seen, form=form)
    if not closed:
        return await render_conversation(request, status=422, fault="nothing_to_close", form=form)
    raise web.HTTPSeeOther(f"/console/c/{conversation_id}")


async def hand_back(request: web.Request) -> web.StreamResponse:
    """Gives the conversation back to the assistant; an open item needs its outcome in the same form.

    Words that may be said of it are shown before they count: the same press again approves them.
    """
    service, staff = request.app[SERVICE], request[SESSION].staff
    conversation_id = request.match_info["conversation_id"]
    form = await read_form(request)
    seen = parse_inbox_id(form.get("last_seen_inbox_id", ""))
    if await _would_write_to_who_left(request, form):
        return await render_conversation(request, status=422, fault="left_quickly", form=form)
    try:
        await service.database.write(
            lambda tx: hand_backs.hand_back(
                tx,
                conversation_id,
                _finish(tx, form, staff),
                by=staff,
                last_seen_inbox_id=seen,
                texts=service.texts,
                hours=service.clocks.hours,
            )
        )
    except UnreadMessages:
        return await render_conversation(request, status=409, fault="unread", seen_inbox_id=seen, form=form)
    except OutcomeNeeded:
        return await render_conversation(request, status=422, fault="outcome_needed", form=form)
    except hand_backs.DueDayUnfit:
        return await render_conversation(request, status=422, fault="due_day", form=form)
    except PromiseNotKeepable:
        return await render_conversation(request, status=422, fault="due_day_unstaffed", form=form)
    except hand_backs.SummaryNotApproved as shown:
        return await render_conversation(
            request, status=422, fault="summary_to_approve", form=form, summary=shown.text
        )
    raise web.HTTPSeeOther("/console")


async def return_to_queue(request: web.Request) -> web.StreamResponse:
    service, staff = request.app[SERVICE], request[SESSION].staff
    conversation_id = request.match_info["conversation_id"]
    await service.database.write(lambda tx: desk.return_to_queue(tx, conversation_id, by=staff))
    raise web.HTTPSeeOther("/console")


# --- what a form says -----------------------------------------------------------------------------


async def _would_write_to_who_left(request: web.Request, form: Mapping[str, str]) -> bool:
    """A closing text and approved words are messages: to somebody who left quickly they too need the tick."""
    if form.get("left_meant") or not (form.get("closing") or form.get("next")):
        return False
    conversation_id = request.match_info["conversation_id"]
    _, has_left = await request.app[SERVICE].database.read(lambda tx: _look(tx, conversation_id))
    return has_left


def _find_fault(text: str, channel: Channel, form: Mapping[str, str], *, has_left: bool) -> str | None:
    fault = find_fault(text, channel)
    if fault is None and has_left and not form.get("left_meant"):
        return "left_quickly"
    if fault is None and not measure_reply(text, channel).is_meant(form.get("texts_meant", "")):
        return "many_texts"
    return fault


def _look(tx: SqlTransaction, conversation_id: str) -> tuple[Conversation, bool]:
    """The conversation, and whether they have left it by the exit of the web page."""
    conversation = tx.conversations.get(conversation_id)
    is_web = conversation.channel is Channel.WEBCHAT
    visit = find_last_visit(tx, conversation_id) if is_web else None
    return conversation, find_left_at(visit, conversation) is not None


def _finish(tx: SqlTransaction, form: Mapping[str, str], staff: StaffMember) -> hand_backs.Finish:
    step = next((each for each in NextStep if each == form.get("next")), None)
    closing = next(
        (each for each in list_offered(tx) if each.is_closing and each.name == form.get("closing")), None
    )
    return hand_backs.Finish(
        outcome=_find_outcome(form),
        judged=Judged(
            was_urgent=next((each for each in WasUrgent if each == form.get("was_urgent")), None),
            about=form["about"] if form.get("about") in ABOUT else None,
            log_number=form.get("log_number", "").strip()[:LONGEST_LOG_NUMBER] or None,
        ),
        summary=None
        if step is None
        else hand_backs.Summary(
            step=step, due_on=_find_day(form.get("due_on", "")), approved=form.get("approved", "")
        ),
        closing=None if closing is None else (closing.say(staff.display_name), closing.template),
        form_id=_name_of(form.get("form_id", ""), form.get("closing", "")),
    )


def _find_outcome(form: Mapping[str, str]) -> Outcome | None:
    return next((each for each in Outcome if each == form.get("outcome")), None)


def _find_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _join(typed: str, words: str) -> str:
    return f"{typed.rstrip()}\n{words}" if typed.strip() else words


def _name_of(form_id: str, text: str) -> str:
    # Sent twice it is one message; gone back to and changed it is another, and neither is lost.
    words = hashlib.sha256(f"{form_id}|{text}".encode("utf-8", "replace")).hexdigest()
    return name_composer(form_id) + words[:32]
