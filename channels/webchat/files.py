"""Pictures and files for the case at /my/files: a plain form with several at once and a note.

Every file is judged by its bytes. What can be kept is kept, together with the note, and the page says which was not.
"""

from contextlib import ExitStack
from dataclasses import replace
from urllib.parse import urlencode

from aiohttp import web

from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE
from casework.model.may_tell import Piece
from casework.model.standings import Standing
from casework.services.media import LARGEST_BYTES
from casework.services.proved import Proved, StandingTooLow
from casework.services.uploads import (
    MOST_AT_ONCE,
    GivenFile,
    UploadedFile,
    count_room,
    list_given_files,
    receive_upload,
)
from channels.request_limits import LIMITS, UPLOADS, RequestLimits, is_upload
from channels.webchat.composer import ComposerForm, new_msg_id, parse_composer
from channels.webchat.fields import parse_fields
from channels.webchat.proved_pages import OpenedPage, get_receiving, open_page, show_closed, show_not_yet
from channels.webchat.responses import refuse_foreign_form, see_other, show
from channels.webchat.sessions import is_own_form
from channels.webchat.upload_forms import UploadFailed, UploadFault, UploadForm, read_upload

START = "/"
MEGABYTE = 1024 * 1024
STATUS_OF_FAULT = {UploadFault.TOO_LARGE: 413, UploadFault.BROKEN: 400, UploadFault.TOO_SLOW: 408}
Given = tuple[list[GivenFile], int]  # what was given before, and for how many more there is room


def add_file_routes(app: web.Application) -> None:
    app.router.add_get(UPLOADS, show_files, allow_head=False)
    app.router.add_post(UPLOADS, receive_files)


async def show_files(request: web.Request) -> web.Response:
    opened = await open_page(request, _look)
    if opened is None:
        return see_other(START)
    if opened.found is None:
        return show_not_yet(request, opened)
    return _show(request, opened)


async def receive_files(request: web.Request) -> web.Response:
    """The files and their note. Whatever becomes of the files, the words are kept or come back in the box."""
    if not is_own_form(request):
        return refuse_foreign_form(request)
    opened = await open_page(request, _look)
    try:
        with ExitStack() as stack:
            return await _receive(request, opened, await _read(request, opened, stack))
    except UploadFailed as failure:
        response = await _show_failure(request, opened, failure)
        response.force_close()
        return response


async def _read(request: web.Request, opened: OpenedPage[Given] | None, stack: ExitStack) -> UploadForm:
    if not is_upload(request):
        return UploadForm(fields=parse_fields(await request.read()), files=())
    # To its end for whoever had a link when they began: a browser that is cut off in the middle shows no page.
    is_linked = opened is not None and opened.proved.standing >= Standing.LINKED
    room = opened.found[1] if opened is not None and opened.found is not None else 0
    limits = request.app.get(LIMITS) or RequestLimits()
    return await read_upload(request, limits, stack, room=room, only_fields=not is_linked)


async def _receive(request: web.Request, opened: OpenedPage[Given] | None, form: UploadForm) -> web.Response:
    note = _read_note(form.fields)
    if opened is None:
        return show_closed(request, note)
    if opened.found is None:
        return show_not_yet(request, opened, kept=note.text)
    if not form.kept and note.is_empty:
        return _show(request, opened, form=form, note=note, problem="refused" if form.files else "none")
    try:
        await _store(request, opened, form, note)
    except StandingTooLow:
        return show_not_yet(request, opened, kept=note.text)
    if not form.refused:
        return see_other(UPLOADS)
    return _show(request, await open_page(request, _look) or opened, form=form)


async def _store(
    request: web.Request, opened: OpenedPage[Given], form: UploadForm, note: ComposerForm
) -> None:
    service, external_id = request.app[SERVICE], opened.visit.external_id
    message = replace(
        note.to_message(external_id, received_at=service.clock.now()),
        provider_message_id=f"{external_id}:{note.msg_id}:{form.name_content()}",
        raw=form.describe(),
    )
    files: list[UploadedFile] = [each.as_uploaded() for each in form.told]
    await service.database.write(
        lambda tx: receive_upload(tx, message, files, receiving=get_receiving(service))
    )


async def _show_failure(
    request: web.Request, opened: OpenedPage[Given] | None, failure: UploadFailed
) -> web.Response:
    note = _read_note(failure.fields)
    if opened is None:
        return show_closed(request, note)
    if opened.found is None:
        return show_not_yet(request, opened, kept=note.text)
    return _show(
        request, opened, note=note, problem=failure.fault.value, status=STATUS_OF_FAULT[failure.fault]
    )


def _read_note(fields: dict[str, bytes]) -> ComposerForm:
    return parse_composer(
        urlencode({"msg_id": fields.get("msg_id", b""), "text": fields.get("text", b"")}).encode()
    )


def _show(
    request: web.Request,
    opened: OpenedPage[Given],
    *,
    form: UploadForm | None = None,
    note: ComposerForm | None = None,
    problem: str = "",
    status: int | None = None,
) -> web.Response:
    """`form`: what was just sent, of which something was refused. `note` refills the box."""
    given, room = opened.found or ([], 0)
    return show(
        request,
        "my/files.html",
        visit=opened.visit,
        status=status or (422 if problem else 200),
        given=given,
        room=room,
        refused=form.refused if form else (),
        kept_count=len(form.kept) if form and not problem else 0,
        problem=problem,
        kept=note.text if note else "",
        msg_id=note.msg_id if note else new_msg_id(),
        most_at_once=MOST_AT_ONCE,
        largest_megabytes=LARGEST_BYTES // MEGABYTE,
        safety_line=opened.safety_line,
    )


def _look(tx: SqlTransaction, conversation_id: str, proved: Proved) -> Given | None:
    if Piece.UPLOAD not in proved.told:
        return None
    return list_given_files(tx, conversation_id), count_room(tx, conversation_id)
