"""The conversation page, whole or as the pane that keeps it current, and its live stream.

Three areas with an address each: the messages, the reply, and what is known. A narrow window shows the one its address
names; a wide one shows all three, whichever was asked for.
"""

import secrets
from collections.abc import Mapping, Sequence
from enum import StrEnum

from aiohttp import web

from casework.adapters.web_app import SERVICE
from casework.model.desk import Outcome
from casework.services.conversation_ports import Block, NextStep, WasUrgent
from casework.services.labels import ABOUT
from console.access import RELATIONS
from console.desk.about_panel import list_files, list_signs
from console.desk.conversations import ConversationView, fingerprint_conversation, load_conversation
from console.desk.reply_sizes import measure_reply
from console.desk.reply_texts import LONGEST_REPLY, clean_reply
from console.desk.reply_tone import ToneHit
from console.forms import read_form
from console.live_pages import stream_page
from console.pages import PAGES
from console.sessions import SESSION

CONVERSATION = "/console/c/{conversation_id:[0-9a-f]{32}}"


class Area(StrEnum):
    """`value` is the end of its address."""

    MESSAGES = ""
    REPLY = "/reply"
    ABOUT = "/about"


def add_conversation_routes(app: web.Application) -> None:
    app.router.add_get(CONVERSATION, show_messages_area)
    app.router.add_get(CONVERSATION + "/reply", show_reply_area)
    app.router.add_get(CONVERSATION + "/about", show_about_area)
    app.router.add_get(CONVERSATION + "/events", stream_conversation, allow_head=False)
    app.router.add_post(CONVERSATION + "/size", show_size)


async def show_messages_area(request: web.Request) -> web.StreamResponse:
    return await _show(request, Area.MESSAGES)


async def show_reply_area(request: web.Request) -> web.StreamResponse:
    return await _show(request, Area.REPLY)


async def show_about_area(request: web.Request) -> web.StreamResponse:
    return await _show(request, Area.ABOUT)


async def _show(request: web.Request, area: Area) -> web.StreamResponse:
    seen = request.headers.get("X-Seen", "")
    return await render_conversation(request, area=area, seen_inbox_id=parse_inbox_id(seen) if seen else None)


async def render_conversation(
    request: web.Request,
    *,
    status: int = 200,
    area: Area = Area.REPLY,
    fault: str | None = None,
    draft: str | None = None,
    texts_meant: str = "",
    seen_inbox_id: int | None = None,
    tone: Sequence[ToneHit] = (),
    form: Mapping[str, str] | None = None,
    summary: str | None = None,
) -> web.Response:
    """The page as it stands now; after a refused form with the fault told and the words kept.

    Without a `draft` the composer begins with what was last kept for this reader. `form`: what the refused form held.
    `summary`: the words that a hand-back would let be said, to be approved.
    """
    session = request[SESSION]
    view = await load_conversation(
        request.app[SERVICE].database,
        request.match_info["conversation_id"],
        by=session.staff,
        relations=request[RELATIONS],
        seen_inbox_id=seen_inbox_id,
    )
    words = view.about.own_draft if draft is None else draft
    size = measure_reply(clean_reply(words), view.conversation.channel)
    is_pane = request.headers.get("X-Pane") == "conversation"
    return request.app[PAGES].render(
        "conversation_pane.html" if is_pane else "conversation.html",
        status=status,
        session=session,
        view=view,
        alarms=view.alarms,
        is_pane=is_pane,
        sms_cost=request.app[SERVICE].settings.sms_cost,
        is_mine=view.conversation.owner_id == session.staff.id,
        area=area,
        areas=list(Area),
        fault=fault,
        draft=words,
        size=size,
        is_meant=size.is_meant(texts_meant),
        longest_reply=LONGEST_REPLY[view.conversation.channel],
        form_id=secrets.token_hex(16),
        tone=tone,
        form=form or {},
        summary=summary,
        files=list_files(view.messages),
        signs=_list_signs(view),
        blocks=Block,
        outcomes=list(Outcome),
        was_urgent=list(WasUrgent),
        about_kinds=ABOUT,
        next_steps=list(NextStep),
    )


def _list_signs(view: ConversationView) -> dict[str, object]:
    return {item.id: list_signs(item) for item in view.items}


async def show_size(request: web.Request) -> web.StreamResponse:
    """How many text messages the words of the composer take, as the part of its page that says so. Keeps nothing."""
    form = await read_form(request)
    conversation_id = request.match_info["conversation_id"]
    conversation = await request.app[SERVICE].database.read(lambda tx: tx.conversations.get(conversation_id))
    size = measure_reply(clean_reply(form.get("text", "")), conversation.channel)
    return request.app[PAGES].render(
        "reply_size.html", size=size, is_meant=size.is_meant(form.get("texts_meant", ""))
    )


async def stream_conversation(request: web.Request) -> web.StreamResponse:
    """Tells an open conversation page that it is out of date."""
    conversation_id = request.match_info["conversation_id"]
    database = request.app[SERVICE].database
    await database.read(lambda tx: tx.conversations.get(conversation_id))

    async def fingerprint() -> str:
        return await database.read(lambda tx: fingerprint_conversation(tx, conversation_id))

    return await stream_page(request, "conversation", fingerprint)


def parse_inbox_id(text: str) -> int:
    """The number of the last message a page showed; 0 for anything else, which makes every message unseen."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
