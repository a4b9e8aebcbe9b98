"""The conversation page, whole or as the pane that keeps it current, and its live stream."""

import secrets

from aiohttp import web

from casework.adapters.web_app import SERVICE
from casework.model.desk import Outcome
from casework.model.sms_segments import count_segments
from console.desk.conversations import fingerprint_conversation, load_conversation
from console.desk.reply_texts import LONGEST_REPLY
from console.live_pages import stream_page
from console.pages import PAGES
from console.sessions import SESSION

CONVERSATION = "/console/c/{conversation_id:[0-9a-f]{32}}"


def add_conversation_routes(app: web.Application) -> None:
    app.router.add_get(CONVERSATION, show_conversation)
    app.router.add_get(CONVERSATION + "/events", stream_conversation, allow_head=False)


async def show_conversation(request: web.Request) -> web.StreamResponse:
    seen = request.headers.get("X-Seen", "")
    return await render_conversation(request, seen_inbox_id=parse_inbox_id(seen) if seen else None)


async def render_conversation(
    request: web.Request,
    *,
    status: int = 200,
    fault: str | None = None,
    draft: str = "",
    seen_inbox_id: int | None = None,
) -> web.Response:
    """The page as it stands now; after a refused form with the fault told and the draft kept."""
    session = request[SESSION]
    view = await load_conversation(
        request.app[SERVICE].database,
        request.match_info["conversation_id"],
        by=session.staff,
        seen_inbox_id=seen_inbox_id,
    )
    is_pane = request.headers.get("X-Pane") == "conversation"
    return request.app[PAGES].render(
        "conversation_pane.html" if is_pane else "conversation.html",
        status=status,
        session=session,
        view=view,
        is_mine=view.conversation.owner_id == session.staff.id,
        fault=fault,
        draft=draft,
        draft_segments=count_segments(draft),
        longest_reply=LONGEST_REPLY[view.conversation.channel],
        form_id=secrets.token_hex(16),
        outcomes=list(Outcome),
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
