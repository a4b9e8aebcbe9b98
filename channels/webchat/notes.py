"""Messages to the officer at /my/notes: what was written and answered, what was promised, and a form for another one.

What is sent is received as in the chat: stored, screened for danger, with its desk item, before it is left anywhere.
"""

from aiohttp import web

from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE
from casework.model.may_tell import Piece
from casework.services.notes import NotesView, leave_note, read_notes
from casework.services.promises import Promising, load_promising
from casework.services.proved import Proved
from channels.webchat.composer import ComposerForm, new_msg_id, parse_composer
from channels.webchat.proved_pages import get_receiving, open_page, show_closed, show_not_yet
from channels.webchat.responses import refuse_foreign_form, see_other, show, touch_visit
from channels.webchat.sessions import is_own_form

NOTES, CHAT, START = "/my/notes", "/m", "/"
PROMISING = web.AppKey("promising", Promising)


def add_note_routes(app: web.Application) -> None:
    app[PROMISING] = load_promising(app[SERVICE].texts, app[SERVICE].clocks.hours)
    app.router.add_get(NOTES, show_notes, allow_head=False)
    app.router.add_post(NOTES, receive_note)


async def show_notes(request: web.Request) -> web.Response:
    return await _show_page(request)


async def receive_note(request: web.Request) -> web.Response:
    """One note. Whatever is wrong with it, the words come back in the box."""
    if not is_own_form(request):
        return refuse_foreign_form(request)
    form = parse_composer(await request.read())
    visit = await touch_visit(request)
    if visit is None:
        return show_closed(request, form)
    if form.is_empty or form.is_too_long:
        return await _show_page(request, kept=form, problem="empty" if form.is_empty else "too_long")
    service, promising = request.app[SERVICE], request.app[PROMISING]
    message = form.to_message(visit.external_id, received_at=service.clock.now())
    left = await service.database.write(
        lambda tx: leave_note(tx, message, receiving=get_receiving(service), promising=promising)
    )
    # Nothing is proved any more: the words are in the chat, and are answered there.
    return see_other(NOTES if left.is_left else CHAT)


async def _show_page(
    request: web.Request, *, kept: ComposerForm | None = None, problem: str = ""
) -> web.Response:
    """`problem` is "", "empty" or "too_long"; `kept` refills the box."""
    opened = await open_page(request, _look)
    if opened is None:
        return see_other(START)
    if opened.found is None:
        return show_not_yet(request, opened, kept=kept.text if kept else "")
    return show(
        request,
        "my/notes.html",
        visit=opened.visit,
        status=422 if problem else 200,
        view=opened.found,
        safety_line=opened.safety_line,
        kept=kept.text if kept else "",
        problem=problem,
        msg_id=kept.msg_id if kept else new_msg_id(),
    )


def _look(tx: SqlTransaction, conversation_id: str, proved: Proved) -> NotesView | None:
    if Piece.SEND_MESSAGE_TO_OFFICER not in proved.told:
        return None
    return read_notes(tx, conversation_id, proved)
