"""Asking for a conversation, or a person with all of theirs, to be erased: a supervisor, who just proved who it is."""

from collections.abc import Mapping

from aiohttp import web

from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE
from casework.model.holds import ErasureReason, Refusal, Subject, SubjectKind
from casework.services import erasure
from casework.services.erasure import ErasureRefused, ErasureUnderWay
from console.desk.conversation_pages import CONVERSATION
from console.forms import read_form
from console.pages import PAGES
from console.sessions import SESSION

ERASED = (SubjectKind.CONVERSATION, SubjectKind.PERSON)


def add_erase_routes(app: web.Application) -> None:
    app.router.add_get(CONVERSATION + "/erase", show_erase)
    app.router.add_post(CONVERSATION + "/erase", erase)


async def show_erase(request: web.Request) -> web.StreamResponse:
    return await _render(request)


async def erase(request: web.Request) -> web.StreamResponse:
    """Asks for it; a worker does it. Refused with every reason there is, and nothing changed."""
    form, staff = await read_form(request), request[SESSION].staff
    chosen = form.get("of", "")
    if form.get("sure") != "yes" or form.get("reason") not in set(ErasureReason):
        return await _render(request, form, fault="erase_not_sure", status=422)

    def ask(tx: SqlTransaction) -> None:
        found = [each for each in _list_erasable(tx, request) if f"{each.kind.value}:{each.id}" == chosen]
        if not found:
            raise web.HTTPNotFound
        erasure.ask(tx, found[0], ErasureReason(form["reason"]), by=staff.id)

    try:
        await request.app[SERVICE].database.write(ask)
    except ErasureRefused as refused:
        why = refused.refusals
        await request.app[SERVICE].database.write(
            lambda tx: tx.audit.record("erasure_refused", by=staff.id, thing=why[0].value)
        )
        return await _render(request, form, refusals=why, status=409)
    except ErasureUnderWay:
        return await _render(request, form, fault="erase_under_way", status=409)
    raise web.HTTPSeeOther("/console/holds?done=erasing")


def _list_erasable(tx: SqlTransaction, request: web.Request) -> list[Subject]:
    whose = Subject(kind=SubjectKind.CONVERSATION, id=request.match_info["conversation_id"])
    return [each for each in tx.holds.list_subjects(whose) if each.kind in ERASED]


async def _render(
    request: web.Request,
    form: Mapping[str, str] | None = None,
    *,
    fault: str | None = None,
    refusals: tuple[Refusal, ...] = (),
    status: int = 200,
) -> web.Response:
    session, database = request[SESSION], request.app[SERVICE].database
    conversation_id = request.match_info["conversation_id"]
    await database.write(
        lambda tx: tx.audit.record("keeping_read", by=session.staff.id, conversation_id=conversation_id)
    )
    subjects = await database.read(lambda tx: _list_erasable(tx, request))
    return request.app[PAGES].render(
        "erase.html",
        status=status,
        session=session,
        conversation_id=conversation_id,
        subjects=subjects,
        reasons=list(ErasureReason),
        refusals=refusals,
        fault=fault,
        typed=form or {},
    )
