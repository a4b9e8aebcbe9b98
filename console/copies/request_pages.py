"""Requests for a copy of what is kept about somebody: the list, opening one, and one from its first day to its last."""

from collections.abc import Callable
from datetime import date

from aiohttp import web

from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE
from casework.model.access_requests import Verdict, load_access_rules
from casework.model.crime_references import parse_crime_reference
from casework.model.errors import ReasonNeeded, WaymarkError
from casework.model.working_days import local_day
from casework.services import access_requests as access
from casework.services.access_requests import (
    ItemChanged,
    PersonNotFound,
    PutOffTooLate,
    RequestNotFound,
    RequestOpenAlready,
    RequestOver,
    SecondPersonNeeded,
    StillToLook,
    WordsNotFound,
)
from console.forms import read_form
from console.pages import PAGES
from console.sessions import SESSION

COPIES = "/console/copies"
ONE = COPIES + "/{request_id:[0-9a-f]{32}}"
MOST_LISTED = 100
# The name in [copy_faults] of the words, and the answer's status.
FAULTS: dict[type[WaymarkError], tuple[str, int]] = {
    PersonNotFound: ("person", 422),
    ReasonNeeded: ("words", 422),
    RequestOpenAlready: ("open", 409),
    RequestOver: ("over", 409),
    ItemChanged: ("changed", 409),
    WordsNotFound: ("not_in_it", 422),
    StillToLook: ("still", 409),
    SecondPersonNeeded: ("second", 409),
    PutOffTooLate: ("late", 409),
}


def add_request_routes(app: web.Application) -> None:
    app.router.add_get(COPIES, show_list)
    app.router.add_post(COPIES, open_one)
    app.router.add_get(ONE, show_one)
    app.router.add_post(ONE + "/step", take_step)
    app.router.add_post(ONE + "/second", answer_second)


async def show_list(request: web.Request) -> web.StreamResponse:
    return await _render_list(request)


async def open_one(request: web.Request) -> web.StreamResponse:
    """The new request's page, or the list again with what was typed."""
    form, staff = await read_form(request), request[SESSION].staff
    try:
        asked_on = date.fromisoformat(form.get("asked_on", ""))
    except ValueError:
        return await _render_list(request, status=422, fault="day", form=form)
    reference = parse_crime_reference(form.get("reference", "")) or ""

    def work(tx: SqlTransaction) -> str:
        return access.open_request(
            tx,
            reference,
            asked_on=asked_on,
            asked_by=form.get("asked_by", ""),
            identity=form.get("identity", ""),
            names_staff=form.get("names_staff") == "yes",
            by=staff,
        )

    try:
        request_id = await request.app[SERVICE].database.write(work)
    except WaymarkError as refusal:
        fault, status = name_fault(refusal)
        return await _render_list(request, status=status, fault=fault, form=form)
    raise web.HTTPSeeOther(f"{COPIES}/{request_id}")


async def show_one(request: web.Request) -> web.StreamResponse:
    return await render_one(request)


async def take_step(request: web.Request) -> web.StreamResponse:
    """Finished with looking, back to it, put off, given, or closed: what `act` says."""
    form, staff = await read_form(request), request[SESSION].staff
    request_id, words = request.match_info["request_id"], form.get("text", "")
    steps: dict[str, Callable[[SqlTransaction], None]] = {
        "finish": lambda tx: access.finish_looking(tx, request_id, by=staff),
        "again": lambda tx: access.look_again(tx, request_id, by=staff),
        "put_off": lambda tx: access.put_off(tx, request_id, why=words, by=staff),
        "given": lambda tx: access.record_given(tx, request_id, how=words, by=staff),
        "close": lambda tx: access.close_request(tx, request_id, why=words, by=staff),
    }
    step = steps.get(form.get("act", ""))
    if step is None:
        raise web.HTTPBadRequest
    return await _carry_out(request, step, words=words)


async def answer_second(request: web.Request) -> web.StreamResponse:
    """Whether a second person agrees with what is not given."""
    form, staff = await read_form(request), request[SESSION].staff
    request_id, (key, digest) = request.match_info["request_id"], split_item(form.get("item", ""))
    agrees = {"yes": True, "no": False}.get(form.get("agrees", ""))
    if agrees is None:
        raise web.HTTPBadRequest
    return await _carry_out(
        request,
        lambda tx: access.answer_second(tx, request_id, key, digest, agrees=agrees, by=staff),
    )


def split_item(field: str) -> tuple[str, str]:
    """An item's key and digest, as a form holds them: "inbox:17 3f2a..."."""
    key, _, digest = field.rpartition(" ")
    return key, digest


def name_fault(refusal: WaymarkError) -> tuple[str, int]:
    """Its name in the words and the status. Raises what has no page here, and 404 for a request that is not there."""
    if isinstance(refusal, RequestNotFound):
        raise web.HTTPNotFound from refusal
    if type(refusal) not in FAULTS:
        raise refusal
    return FAULTS[type(refusal)]


async def _carry_out(
    request: web.Request, work: Callable[[SqlTransaction], None], *, words: str = ""
) -> web.StreamResponse:
    try:
        await request.app[SERVICE].database.write(work)
    except WaymarkError as refusal:
        fault, status = name_fault(refusal)
        return await render_one(request, status=status, fault=fault, kept=words)
    raise web.HTTPSeeOther(f"{COPIES}/{request.match_info['request_id']}")


async def render_one(
    request: web.Request, *, status: int = 200, fault: str | None = None, kept: str = ""
) -> web.StreamResponse:
    """How far it has got, and the register of what is not given."""
    request_id = request.match_info["request_id"]

    def read(tx: SqlTransaction) -> dict[str, object]:
        found = access.get_request(tx, request_id)
        items = tx.access_requests.list_items(request_id) if not found.ended_at else []
        not_given = [
            (each, each.decision)
            for each in items
            if each.is_looked_at and each.decision is not None and each.decision.verdict is not Verdict.GIVE
        ]
        return {
            "asked": found,
            "total": len(items),
            "unlooked": sum(not each.is_looked_at for each in items),
            "unagreed": sum(each.waits_for_second for each in items),
            "not_given": not_given,
            "register": tx.access_requests.list_restrictions(request_id) if found.ended_at else [],
            "is_late": found.ended_at is None and local_day(tx.now) > found.due_on,
        }

    try:
        values = await request.app[SERVICE].database.read(read)
    except RequestNotFound as missing:
        raise web.HTTPNotFound from missing
    return request.app[PAGES].render(
        "copies/request.html",
        status=status,
        session=request[SESSION],
        fault=fault,
        kept=kept,
        rules=load_access_rules(),
        **values,
    )


async def _render_list(
    request: web.Request, *, status: int = 200, fault: str | None = None, form: dict[str, str] | None = None
) -> web.StreamResponse:
    def read(tx: SqlTransaction) -> dict[str, object]:
        found = tx.access_requests.list_newest(limit=MOST_LISTED)
        today = local_day(tx.now)
        return {
            "open_ones": [each for each in found if each.ended_at is None],
            "over": [each for each in found if each.ended_at is not None],
            "today": today,
        }

    values = await request.app[SERVICE].database.read(read)
    return request.app[PAGES].render(
        "copies/list.html",
        status=status,
        session=request[SESSION],
        fault=fault,
        form=form or {},
        rules=load_access_rules(),
        **values,
    )
