"""How long one conversation is kept: what holds it, what the force's record has of it, and placing a hold."""

from collections.abc import Callable, Mapping
from datetime import date, datetime

from aiohttp import web

from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE
from casework.model.errors import MessageNotFound, ReasonNeeded
from casework.model.holds import HoldReason, Subject, SubjectKind
from casework.services import erasure, holds, retention
from casework.services.holds import ReviewDayWrong
from casework.services.retention import ExportUnclear
from console.desk.conversation_pages import CONVERSATION, parse_inbox_id
from console.forms import read_form
from console.pages import PAGES
from console.sessions import SESSION

# An access request places its own, and lets go of it by itself.
PLACED_BY_HAND = (HoldReason.DISCLOSURE, HoldReason.COMPLAINT, HoldReason.RESTRICTION)
FAULT_OF: dict[type[Exception], str] = {
    ReasonNeeded: "hold_why",
    ReviewDayWrong: "hold_day",
    ExportUnclear: "export_gone",
    MessageNotFound: "export_gone",
}


def add_keeping_routes(app: web.Application) -> None:
    app.router.add_get(CONVERSATION + "/keeping", show_keeping)
    app.router.add_post(CONVERSATION + "/keeping/hold", place_hold)
    app.router.add_post(CONVERSATION + "/keeping/exported", note_exported)


async def show_keeping(request: web.Request) -> web.StreamResponse:
    return await _render(request)


async def place_hold(request: web.Request) -> web.StreamResponse:
    """On what was chosen of this conversation, its cases and its people: ids of others are refused as unknown."""
    form, staff = await read_form(request), request[SESSION].staff
    conversation_id = request.match_info["conversation_id"]
    if form.get("reason") not in PLACED_BY_HAND:
        return await _render(request, form, fault="hold_reason")
    reason = HoldReason(form["reason"])

    def place(tx: SqlTransaction, review_on: date) -> None:
        why = form.get("why", "")
        subject = _find_chosen(tx, conversation_id, form.get("on", ""))
        if reason is HoldReason.RESTRICTION and subject.kind is SubjectKind.CONVERSATION:
            erasure.restrict(tx, conversation_id, why=why, review_on=review_on, by=staff.id)
        else:
            holds.place(tx, subject, reason, why=why, review_on=review_on, by=staff.id)

    try:
        review_on = date.fromisoformat(form.get("review_on", ""))
    except ValueError:
        return await _render(request, form, fault="hold_day")
    return await _do(request, form, lambda tx: place(tx, review_on), told="held")


async def note_exported(request: web.Request) -> web.StreamResponse:
    """The force's record has all that the page showed when it was pressed."""
    form, staff = await read_form(request), request[SESSION].staff
    conversation_id = request.match_info["conversation_id"]
    if form.get("sure") != "yes":
        return await _render(request, form, fault="export_not_sure")
    up_to = parse_inbox_id(form.get("up_to", ""))
    try:
        until = datetime.fromisoformat(form.get("until", ""))
    except ValueError:
        until = None
    if until is None or until.tzinfo is None:
        return await _render(request, form, fault="export_gone")
    return await _do(
        request,
        form,
        lambda tx: retention.note_exported(tx, conversation_id, up_to, by=staff.id, covers_until=until),
        told="exported",
    )


async def _do(
    request: web.Request, form: Mapping[str, str], act: Callable[[SqlTransaction], None], *, told: str
) -> web.StreamResponse:
    try:
        await request.app[SERVICE].database.write(act)
    except tuple(FAULT_OF) as refusal:
        return await _render(request, form, fault=FAULT_OF[type(refusal)])
    raise web.HTTPSeeOther(f"/console/c/{request.match_info['conversation_id']}/keeping?done={told}")


def _find_chosen(tx: SqlTransaction, conversation_id: str, chosen: str) -> Subject:
    whose = tx.holds.list_subjects(Subject(kind=SubjectKind.CONVERSATION, id=conversation_id))
    found = [each for each in whose if f"{each.kind.value}:{each.id}" == chosen]
    if not found:
        raise web.HTTPNotFound
    return found[0]


async def _render(
    request: web.Request, form: Mapping[str, str] | None = None, *, fault: str | None = None
) -> web.Response:
    session, database = request[SESSION], request.app[SERVICE].database
    conversation_id = request.match_info["conversation_id"]
    whose = Subject(kind=SubjectKind.CONVERSATION, id=conversation_id)
    # The looking is on record before anything of it is shown.
    await database.write(
        lambda tx: tx.audit.record("keeping_read", by=session.staff.id, conversation_id=conversation_id)
    )
    held, exports, subjects, newest = await database.read(
        lambda tx: (
            holds.list_holds(tx, conversation_id),
            tx.retention.list_exports(conversation_id),
            tx.holds.list_subjects(whose),
            tx.inbox.latest_id(conversation_id),
        )
    )
    return request.app[PAGES].render(
        "keeping.html",
        status=200 if fault is None else 422,
        session=session,
        conversation_id=conversation_id,
        holds=held,
        exports=exports,
        subjects=subjects,
        reasons=PLACED_BY_HAND,
        newest=newest,
        until=request.app[SERVICE].clock.now().isoformat(),
        fault=fault,
        told=request.query.get("done") if request.query.get("done") in ("held", "exported") else None,
        typed=form or {},
    )
