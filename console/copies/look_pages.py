"""Looking through what may speak of somebody else: a page at a time, each row given or held back; files one by one."""

from collections.abc import Callable

from aiohttp import web

from casework.adapters.storage.subject_rows import SubjectRows
from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE
from casework.model.access_requests import RequestStatus, RestrictionReason, load_access_rules
from casework.model.errors import WaymarkError
from casework.services import access_requests as access
from casework.services.access_ports import AccessItem
from console.copies.request_pages import COPIES, ONE, name_fault, split_item
from console.desk.media_pages import send_file
from console.forms import read_form
from console.pages import PAGES
from console.sessions import SESSION

AT_ONCE = 20


def add_look_routes(app: web.Application) -> None:
    app.router.add_get(ONE + "/look", show_next)
    app.router.add_post(ONE + "/look", decide)
    app.router.add_get(ONE + "/file", show_file, allow_head=False)


async def show_next(request: web.Request) -> web.StreamResponse:
    return await _render(request)


async def decide(request: web.Request) -> web.StreamResponse:
    """`act` give: everything the form names; hold or not_theirs: the one thing it names."""
    form, staff = await read_form(request), request[SESSION].staff
    request_id = request.match_info["request_id"]
    shown = dict(split_item(value) for name, value in form.items() if name.startswith("item"))
    if not shown:
        raise web.HTTPBadRequest
    key, digest = next(iter(shown.items()))

    def hold_back(tx: SqlTransaction) -> None:
        access.hold_back(
            tx,
            request_id,
            key,
            digest,
            reason=RestrictionReason(form.get("reason", "")),
            why=form.get("text", ""),
            words=[line.strip() for line in form.get("words", "").splitlines() if line.strip()],
            is_told=form.get("untold") != "yes",
            by=staff,
        )

    acts: dict[str, Callable[[SqlTransaction], None]] = {
        "give": lambda tx: access.give_items(tx, request_id, shown, by=staff),
        "hold": hold_back,
        "not_theirs": lambda tx: access.leave_out_conversation(
            tx, request_id, key, digest, why=form.get("text", ""), by=staff
        ),
    }
    act = acts.get(form.get("act", ""))
    if act is None:
        raise web.HTTPBadRequest
    if form.get("act") == "hold" and form.get("reason") not in set(RestrictionReason):
        return await _render(request, status=422, fault="reason", form=form, of=key)
    try:
        await request.app[SERVICE].database.write(act)
    except WaymarkError as refusal:
        fault, status = name_fault(refusal)
        return await _render(request, status=status, fault=fault, form=form, of=key)
    raise web.HTTPSeeOther(f"{COPIES}/{request_id}/look")


async def show_file(request: web.Request) -> web.StreamResponse:
    """One file of the person's, `?n=` by its number, as the desk hands files out; the opening is on record first."""
    request_id, number = request.match_info["request_id"], request.query.get("n", "")
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        raise web.HTTPNotFound
    staff = request[SESSION].staff

    def read(tx: SqlTransaction) -> tuple[str, bytes]:
        asked = access.get_request(tx, request_id)
        if asked.status is not RequestStatus.LOOKING:
            raise access.RequestOver
        items = tx.access_requests.list_items(request_id)
        rows = SubjectRows(tx.connection, asked.person_id, list_conversations(items))
        known, content = rows.list_files().get(int(number)), rows.read_file(int(number))
        if known is None or content is None:
            raise web.HTTPNotFound
        tx.audit.record("media_opened", by=staff.id, thing=f"media-{number}")
        return known.found_type, content

    try:
        found_type, content = await request.app[SERVICE].database.write(read)
    except WaymarkError as refusal:
        name_fault(refusal)
        raise web.HTTPNotFound from refusal
    return send_file(int(number), found_type, content)


def list_conversations(items: list[AccessItem]) -> list[str]:
    """The ids of those there is something to look at from."""
    return [each.key.partition(":")[2] for each in items if each.is_conversation]


async def _render(
    request: web.Request,
    *,
    status: int = 200,
    fault: str | None = None,
    form: dict[str, str] | None = None,
    of: str = "",
) -> web.StreamResponse:
    """Conversations first: whose they are decides what else there is to look at."""
    request_id, staff = request.match_info["request_id"], request[SESSION].staff

    def read(tx: SqlTransaction) -> dict[str, object]:
        asked = access.get_request(tx, request_id)
        items = tx.access_requests.list_items(request_id)
        for conversation_id in list_conversations(items):
            tx.audit.record(
                "access_items_read", by=staff.id, conversation_id=conversation_id, thing=request_id
            )
        waiting = [each for each in items if not each.is_looked_at]
        talks = [each for each in waiting if each.is_conversation]
        return {"asked": asked, "left": len(waiting), "shown": talks or waiting[:AT_ONCE]}

    try:
        values = await request.app[SERVICE].database.write(read)
    except WaymarkError as refusal:
        name_fault(refusal)
        raise
    if values["asked"].status is not RequestStatus.LOOKING:  # type: ignore[attr-defined]
        raise web.HTTPSeeOther(f"{COPIES}/{request_id}")
    return request.app[PAGES].render(
        "copies/look.html",
        status=status,
        session=request[SESSION],
        fault=fault,
        form=form or {},
        of=of,
        rules=load_access_rules(),
        **values,
    )
