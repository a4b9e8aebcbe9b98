"""What staff write to staff about a conversation: notes, drafts, "this is wrong", and what happened next.

None of these routes knows the way to a victim: what is posted here is never sent.
"""

from aiohttp import web

from casework.adapters.web_app import SERVICE
from casework.services.conversation_ports import Block
from casework.services.desk import read_conversation
from casework.services.drafts import keep_draft, take_draft
from casework.services.follow_ups import FollowUpUnfit, read_follow_ups, tell_what_happened
from casework.services.labels import CorrectionUnfit, file_correction
from casework.services.notes_of_staff import NoteUnfit, write_note
from console.access import RELATIONS
from console.desk.conversation_pages import CONVERSATION
from console.desk.reply_texts import clean_reply, name_composer
from console.forms import read_form
from console.pages import PAGES
from console.sessions import SESSION


def add_note_routes(app: web.Application) -> None:
    app.router.add_get(CONVERSATION + "/notes", show_notes)
    app.router.add_post(CONVERSATION + "/notes", keep_note)
    app.router.add_post(CONVERSATION + "/draft", save_draft)
    app.router.add_post(CONVERSATION + "/draft/take", take_over_draft)
    app.router.add_get(CONVERSATION + "/wrong", ask_what_is_wrong)
    app.router.add_post(CONVERSATION + "/wrong", file_what_is_wrong)
    app.router.add_get(CONVERSATION + "/happened", ask_what_happened)
    app.router.add_post(CONVERSATION + "/happened", record_what_happened)
    app.router.add_get("/console/happened", show_what_happened)


async def show_notes(request: web.Request) -> web.StreamResponse:
    return await _render_notes(request)


async def keep_note(request: web.Request) -> web.StreamResponse:
    staff, conversation_id = request[SESSION].staff, request.match_info["conversation_id"]
    typed = (await read_form(request)).get("text", "")
    try:
        await request.app[SERVICE].database.write(
            lambda tx: write_note(tx, conversation_id, clean_reply(typed), by=staff)
        )
    except NoteUnfit:
        return await _render_notes(request, status=422, fault="note_unfit", text=typed)
    raise web.HTTPSeeOther(f"/console/c/{conversation_id}/notes")


async def save_draft(request: web.Request) -> web.StreamResponse:
    """Keeps what is in the composer. A browser asks every few seconds, and once more when the page is left."""
    staff, conversation_id = request[SESSION].staff, request.match_info["conversation_id"]
    form = await read_form(request)
    text, composer = form.get("text", ""), name_composer(form.get("form_id", ""))
    # A database may hold no half characters, and no page shows a control character.
    kept = text.replace("\x00", "").encode("utf-8", "ignore").decode()
    await request.app[SERVICE].database.write(
        lambda tx: keep_draft(tx, conversation_id, kept, by=staff, composer=composer)
    )
    return web.Response(status=204)


async def take_over_draft(request: web.Request) -> web.StreamResponse:
    staff, conversation_id = request[SESSION].staff, request.match_info["conversation_id"]
    author_id = (await read_form(request)).get("author_id", "")
    await request.app[SERVICE].database.write(lambda tx: take_draft(tx, conversation_id, author_id, by=staff))
    raise web.HTTPSeeOther(f"/console/c/{conversation_id}/reply")


async def ask_what_is_wrong(request: web.Request) -> web.StreamResponse:
    return await _render(request, "wrong.html", block=_find_block(request.query.get("block", "")))


async def file_what_is_wrong(request: web.Request) -> web.StreamResponse:
    staff, conversation_id = request[SESSION].staff, request.match_info["conversation_id"]
    form = await read_form(request)
    block, typed = _find_block(form.get("block", "")), form.get("text", "")
    try:
        await request.app[SERVICE].database.write(
            lambda tx: file_correction(tx, conversation_id, block, clean_reply(typed), by=staff)
        )
    except CorrectionUnfit:
        return await _render(
            request, "wrong.html", status=422, block=block, fault="correction_unfit", text=typed
        )
    return await _render(request, "wrong.html", block=block, is_filed=True)


async def ask_what_happened(request: web.Request) -> web.StreamResponse:
    return await _render(request, "happened_next.html")


async def record_what_happened(request: web.Request) -> web.StreamResponse:
    staff, conversation_id = request[SESSION].staff, request.match_info["conversation_id"]
    typed = (await read_form(request)).get("text", "")
    try:
        told = await request.app[SERVICE].database.write(
            lambda tx: tell_what_happened(tx, conversation_id, clean_reply(typed), by=staff)
        )
    except FollowUpUnfit:
        return await _render(request, "happened_next.html", status=422, fault="follow_up_unfit", text=typed)
    return await _render(request, "happened_next.html", told=told)


async def show_what_happened(request: web.Request) -> web.StreamResponse:
    """What became of the conversations one has handled; shown once as new."""
    session = request[SESSION]
    listed = await request.app[SERVICE].database.write(lambda tx: read_follow_ups(tx, by=session.staff))
    return request.app[PAGES].render("happened.html", session=session, listed=listed)


async def _render_notes(
    request: web.Request, *, status: int = 200, fault: str | None = None, text: str = ""
) -> web.Response:
    """The reading is recorded: notes say as much of somebody as their messages."""
    session, conversation_id = request[SESSION], request.match_info["conversation_id"]
    database = request.app[SERVICE].database
    relations = request[RELATIONS]
    await database.write(
        lambda tx: read_conversation(tx, conversation_id, by=session.staff, relations=relations)
    )
    notes = await database.read(lambda tx: tx.staff_notes.list_of(conversation_id))
    return request.app[PAGES].render(
        "notes.html",
        status=status,
        session=session,
        conversation_id=conversation_id,
        notes=notes,
        fault=fault,
        text=text,
    )


async def _render(
    request: web.Request,
    template: str,
    *,
    status: int = 200,
    fault: str | None = None,
    text: str = "",
    block: Block | None = None,
    is_filed: bool = False,
    told: int | None = None,
) -> web.Response:
    conversation_id = request.match_info["conversation_id"]
    # An id of nobody's is a page not found, before anything is asked of whoever opened it.
    await request.app[SERVICE].database.read(lambda tx: tx.conversations.get(conversation_id))
    return request.app[PAGES].render(
        template,
        status=status,
        session=request[SESSION],
        conversation_id=conversation_id,
        fault=fault,
        text=text,
        block=block,
        is_filed=is_filed,
        told=told,
    )


def _find_block(name: str) -> Block:
    return next((each for each in Block if each == name), Block.WHY_FLAGGED)
