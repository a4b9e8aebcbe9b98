"""Changing an item's place in the queue, up or down, with a reason."""

from aiohttp import web

from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE
from casework.model.desk import Grade
from casework.model.errors import DeskItemNotFound, ReasonNeeded, SameGrade
from casework.services.owners import list_open_items
from casework.services.ports import StaffMember
from casework.services.regrades import regrade
from console.desk.conversation_pages import CONVERSATION
from console.forms import read_form
from console.pages import PAGES
from console.sessions import SESSION

FAULT_OF = {DeskItemNotFound: "item_closed", ReasonNeeded: "reason_needed", SameGrade: "same_grade"}


def add_regrade_routes(app: web.Application) -> None:
    app.router.add_get(CONVERSATION + "/regrade", show_regrade)
    app.router.add_post(CONVERSATION + "/regrade", change_grade)


async def show_regrade(request: web.Request) -> web.StreamResponse:
    return await _render(request)


async def change_grade(request: web.Request) -> web.StreamResponse:
    staff, form = request[SESSION].staff, await read_form(request)
    conversation_id, item_id = request.match_info["conversation_id"], form.get("item_id", "")
    to = next((each for each in Grade if str(each.value) == form.get("grade", "")), None)
    if to is None:
        return await _render(request, form, status=422, fault="grade_needed")
    try:
        await request.app[SERVICE].database.write(
            lambda tx: _regrade(tx, conversation_id, item_id, to, staff, form.get("reason", ""))
        )
    except (DeskItemNotFound, ReasonNeeded, SameGrade) as refusal:
        return await _render(request, form, status=422, fault=FAULT_OF[type(refusal)])
    raise web.HTTPSeeOther(f"/console/c/{conversation_id}")


def _regrade(
    tx: SqlTransaction, conversation_id: str, item_id: str, to: Grade, staff: StaffMember, reason: str
) -> None:
    # The address was judged, so the item must be of the conversation it names.
    if item_id not in {item.id for item in list_open_items(tx, conversation_id)}:
        raise DeskItemNotFound(item_id)
    regrade(tx, item_id, to, by=staff, reason=reason)


async def _render(
    request: web.Request, form: dict[str, str] | None = None, *, status: int = 200, fault: str | None = None
) -> web.Response:
    conversation_id = request.match_info["conversation_id"]
    conversation, items, history = await request.app[SERVICE].database.read(
        lambda tx: (
            tx.conversations.get(conversation_id),
            sorted(list_open_items(tx, conversation_id), key=lambda item: (item.grade, item.waiting_since)),
            tx.regrades.list_of_conversation(conversation_id),
        )
    )
    return request.app[PAGES].render(
        "regrade.html",
        status=status,
        session=request[SESSION],
        conversation=conversation,
        items=items,
        history=history,
        grades=list(Grade),
        form=form or {},
        fault=fault,
    )
