"""A sealed record of a conversation or of its case, to be kept or disclosed: what it is for, then one press."""

import asyncio
import tempfile
from typing import IO

from aiohttp import web

from casework.adapters.disclosure_export import make_work_dir, name_record, seal_record
from casework.adapters.disclosure_export_bundle import Sealed
from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE
from casework.model.errors import NotTheOwner, ReasonNeeded
from casework.services import disclosure_export
from casework.services.disclosure_export import (
    Asked,
    DrillNotExported,
    ExportReason,
    ExportRefused,
    read_asked,
)
from casework.services.disclosure_export_ports import ExportScope
from console.desk.conversation_pages import CONVERSATION
from console.forms import read_form
from console.pages import PAGES
from console.sessions import SESSION

BLOCK = 1024 * 1024
WHOLE_CASE = "case"
# One at a time: reading and hashing a long conversation takes the process seconds that others wait for.
EXPORTING = web.AppKey("exporting", asyncio.Lock)


class NoCaseToExport(Exception):
    """Nobody has proved a link to a case in this conversation."""


def add_export_routes(app: web.Application) -> None:
    app[EXPORTING] = asyncio.Lock()
    app.router.add_get(CONVERSATION + "/export", show_export)
    app.router.add_post(CONVERSATION + "/export", export_conversation)
    app.router.add_get(CONVERSATION + "/export/any", show_export_any)
    app.router.add_post(CONVERSATION + "/export/any", export_any)


async def show_export(request: web.Request) -> web.StreamResponse:
    return await _render(request)


async def show_export_any(request: web.Request) -> web.StreamResponse:
    return await _render(request, is_any=True)


async def export_conversation(request: web.Request) -> web.StreamResponse:
    """The zip as a download, once who, what and what for are on record; the form again where something is missing."""
    return await _export(request, is_any=False)


async def export_any(request: web.Request) -> web.StreamResponse:
    """The same by a supervisor, of this conversation or of the whole case."""
    return await _export(request, is_any=True)


async def _export(request: web.Request, *, is_any: bool) -> web.StreamResponse:
    form = await read_form(request)
    is_whole_case = is_any and form.get("what") == WHOLE_CASE
    try:
        asked = read_asked(form.get("reason", ""), form.get("number", ""), form.get("words", ""))
        scope = await request.app[SERVICE].database.write(
            lambda tx: _ask(tx, request, asked, is_whole_case=is_whole_case)
        )
    except ReasonNeeded:
        return await _render(request, form, is_any=is_any, status=422, fault="reason_needed")
    except NoCaseToExport:
        return await _render(request, form, is_any=is_any, status=409, fault="no_case")
    except ExportRefused:
        # It went to somebody else between the look at who may and this.
        raise NotTheOwner(request.match_info["conversation_id"]) from None
    except DrillNotExported:
        return await _render(request, form, is_any=is_any, status=409, fault="drill")
    with tempfile.TemporaryFile(dir=make_work_dir(request.app[SERVICE].settings)) as file:
        return await _send(request, file, await _make(request, scope, file))


def _ask(tx: SqlTransaction, request: web.Request, asked: Asked, *, is_whole_case: bool) -> ExportScope:
    staff, conversation_id = request[SESSION].staff, request.match_info["conversation_id"]
    if not is_whole_case:
        relations = tx.relations.find(conversation_id, staff).relations
        return disclosure_export.ask_conversation(
            tx, conversation_id, by=staff, relations=relations, asked=asked
        )
    reference = _find_case(tx, conversation_id)
    if reference is None:
        raise NoCaseToExport
    return disclosure_export.ask_case(tx, reference, by=staff, asked=asked)


def _find_case(tx: SqlTransaction, conversation_id: str) -> str | None:
    """The case a link was proved to there last; one that has run down counts, one that was ended does not."""
    _, reference = tx.standings.find(conversation_id)
    return reference


async def _make(request: web.Request, scope: ExportScope, file: IO[bytes]) -> Sealed:
    """The record in `file`; that it is given out is on record when this comes back."""
    service, staff = request.app[SERVICE], request[SESSION].staff
    async with request.app[EXPORTING]:
        sealed = await service.database.read(lambda tx: seal_record(service, tx, scope, file))
    await service.database.write(
        lambda tx: disclosure_export.note_made(tx, scope, by=staff, manifest_sha256=sealed.manifest_sha256)
    )
    return sealed


async def _send(request: web.Request, file: IO[bytes], sealed: Sealed) -> web.StreamResponse:
    answer = web.StreamResponse(
        headers={
            "Content-Type": "application/zip",
            "Content-Length": str(sealed.size),
            "Content-Disposition": f'attachment; filename="{name_record(sealed)}"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        }
    )
    await answer.prepare(request)
    file.seek(0)
    while block := await asyncio.to_thread(file.read, BLOCK):
        await answer.write(block)
    await answer.write_eof()
    return answer


async def _render(
    request: web.Request,
    form: dict[str, str] | None = None,
    *,
    is_any: bool = False,
    status: int = 200,
    fault: str | None = None,
) -> web.Response:
    conversation_id = request.match_info["conversation_id"]
    conversation, reference, said = await request.app[SERVICE].database.read(
        lambda tx: (
            tx.conversations.get(conversation_id),
            _find_case(tx, conversation_id),
            tx.export_reads.list_words(conversation_id),
        )
    )
    return request.app[PAGES].render(
        "export.html",
        status=status,
        session=request[SESSION],
        conversation=conversation,
        case=reference if is_any else None,
        said=said,
        is_any=is_any,
        reasons=list(ExportReason),
        form=form or {},
        fault=fault,
    )
