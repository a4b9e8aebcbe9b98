"""Asking for a conversation, or a person with all of theirs, to be erased: a supervisor, who just proved who it is.

Where the force's record does not have all of it, a second one sees that first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web

from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE
from casework.model.holds import ErasureReason, ErasureStage, LeftWhy, Refusal, Subject, SubjectKind
from casework.services import erasure
from casework.services.erasure import (
    AnotherPersonNeeded,
    ErasureNotWaiting,
    ErasureRefused,
    ErasureUnderWay,
    WarningNotSeen,
)
from console.desk.conversation_pages import CONVERSATION
from console.forms import read_form
from console.pages import PAGES
from console.sessions import SESSION

ERASED = (SubjectKind.CONVERSATION, SubjectKind.PERSON)
ONE = "/console/erasures/{erasure_id:[0-9a-f]{32}}"
HOLDS = "/console/holds"


@dataclass(frozen=True, kw_only=True)
class Offered:
    """What may be chosen, what of it the force's record is not known to have, and what would stay for a person."""

    subject: Subject
    unexported: Sequence[str]
    left: Sequence[tuple[str, LeftWhy]]


def add_erase_routes(app: web.Application) -> None:
    app.router.add_get(CONVERSATION + "/erase", show_erase)
    app.router.add_post(CONVERSATION + "/erase", erase)
    app.router.add_get(ONE, show_waiting)
    app.router.add_post(ONE, answer_warning)


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
        has_seen = form.get("never_exported") == "yes"
        erasure.ask(tx, found[0], ErasureReason(form["reason"]), by=staff.id, has_seen_warning=has_seen)

    try:
        await request.app[SERVICE].database.write(ask)
    except ErasureRefused as refused:
        why = refused.refusals
        await request.app[SERVICE].database.write(
            lambda tx: tx.audit.record("erasure_refused", by=staff.id, thing=why[0].value)
        )
        return await _render(request, form, refusals=why, status=409)
    except WarningNotSeen:
        return await _render(request, form, fault="erase_never_exported", status=422)
    except ErasureUnderWay:
        return await _render(request, form, fault="erase_under_way", status=409)
    raise web.HTTPSeeOther(f"{HOLDS}?done=erasing")


async def show_waiting(request: web.Request) -> web.StreamResponse:
    return await _render_waiting(request)


async def answer_warning(request: web.Request) -> web.StreamResponse:
    """The second person's word, who ticked that they have seen what the force's record does not have."""
    form, staff = await read_form(request), request[SESSION].staff
    erasure_id, agrees = request.match_info["erasure_id"], form.get("agrees") == "yes"
    if form.get("agrees") not in ("yes", "no") or (agrees and form.get("seen") != "yes"):
        return await _render_waiting(request, fault="erase_not_seen", status=422)
    try:
        await request.app[SERVICE].database.write(
            lambda tx: erasure.answer_warning(tx, erasure_id, agrees=agrees, by=staff.id)
        )
    except AnotherPersonNeeded:
        return await _render_waiting(request, fault="erase_second", status=409)
    except ErasureRefused as refused:
        return await _render_waiting(request, refusals=refused.refusals, status=409)
    except ErasureNotWaiting:
        raise web.HTTPSeeOther(HOLDS) from None
    raise web.HTTPSeeOther(f"{HOLDS}?done={'erasing' if agrees else 'kept'}")


def _list_erasable(tx: SqlTransaction, request: web.Request) -> list[Subject]:
    whose = Subject(kind=SubjectKind.CONVERSATION, id=request.match_info["conversation_id"])
    return [each for each in tx.holds.list_subjects(whose) if each.kind in ERASED]


def _list_offered(tx: SqlTransaction, request: web.Request) -> list[Offered]:
    return [
        Offered(subject=each, unexported=erasure.list_unexported(tx, each), left=tx.erasures.list_left(each))
        for each in _list_erasable(tx, request)
    ]


async def _render_waiting(
    request: web.Request,
    *,
    fault: str | None = None,
    refusals: tuple[Refusal, ...] = (),
    status: int = 200,
) -> web.Response:
    session, database = request[SESSION], request.app[SERVICE].database
    erasure_id = request.match_info["erasure_id"]
    await database.write(lambda tx: tx.audit.record("holds_read", by=session.staff.id))
    found = await database.read(lambda tx: tx.erasures.find(erasure_id))
    if found is None or found.covers is None or found.stage is not ErasureStage.WARNED:
        raise web.HTTPNotFound
    covers = found.covers
    return request.app[PAGES].render(
        "erasing.html",
        status=status,
        session=session,
        erasing=found,
        unexported=await database.read(lambda tx: tx.erasures.list_unexported(covers)),
        is_own=found.asked_by == session.staff.id,
        refusals=refusals,
        fault=fault,
    )


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
    offered = await database.read(lambda tx: _list_offered(tx, request))
    return request.app[PAGES].render(
        "erase.html",
        status=status,
        session=session,
        conversation_id=conversation_id,
        offered=offered,
        reasons=list(ErasureReason),
        refusals=refusals,
        fault=fault,
        typed=form or {},
    )
