"""The supervisor's board, live, and what a supervisor does from it with one conversation."""

from aiohttp import web

from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE
from casework.model.errors import NotToThem, NotUnattended, ReasonNeeded, TooManyUrgent, WaymarkError
from casework.model.grade_clocks import GradeClocks
from casework.services import desk
from casework.services.ports import StaffMember
from casework.services.service_texts import ServiceTexts
from casework.services.transfers import offer_transfer
from console.forms import read_form
from console.live_pages import stream_page
from console.pages import PAGES
from console.sessions import SESSION
from console.supervisor.boards import Board, read_board

BOARD = "/console/board"
ONE = BOARD + "/c/{conversation_id}"
FAULT_OF: dict[type[WaymarkError], str] = {
    ReasonNeeded: "reason_needed",
    NotToThem: "not_to_them",
    NotUnattended: "not_unattended",
    TooManyUrgent: "too_many_urgent",
}


def add_board_routes(app: web.Application) -> None:
    app.router.add_get(BOARD, show_board)
    app.router.add_get(BOARD + "/events", stream_board, allow_head=False)
    app.router.add_get(ONE, show_choices)
    app.router.add_post(ONE, act)


async def show_board(request: web.Request) -> web.StreamResponse:
    is_pane = request.headers.get("X-Pane") == "board"
    service = request.app[SERVICE]
    board, alarms = await service.database.read(
        lambda tx: (read_board(tx, service.clocks), tx.alarms.list_open())
    )
    return request.app[PAGES].render(
        "board_pane.html" if is_pane else "board.html",
        session=request[SESSION],
        board=board,
        alarms=alarms,
        is_pane=is_pane,
    )


async def stream_board(request: web.Request) -> web.StreamResponse:
    """Tells an open board that it is out of date; also when a time has passed and nothing else."""
    clocks: GradeClocks = request.app[SERVICE].clocks

    async def fingerprint() -> str:
        board: Board = await request.app[SERVICE].database.read(lambda tx: read_board(tx, clocks))
        return board.fingerprint

    return await stream_page(request, "board", fingerprint)


async def show_choices(request: web.Request) -> web.StreamResponse:
    """Give it to somebody, take it, or let it go back to the queue."""
    return await _render(request)


async def act(request: web.Request) -> web.StreamResponse:
    """Back to the board, or the page again with why it was not done."""
    service, staff = request.app[SERVICE], request[SESSION].staff
    conversation_id = request.match_info["conversation_id"]
    form = await read_form(request)
    if form.get("do") not in ("take_over", "reassign", "release"):
        raise web.HTTPBadRequest
    try:
        await service.database.write(
            lambda tx: _act(tx, conversation_id, form, by=staff, texts=service.texts)
        )
    except tuple(FAULT_OF) as refusal:
        return await _render(request, status=422, fault=FAULT_OF[type(refusal)], form=form)
    raise web.HTTPSeeOther(f"/console/c/{conversation_id}" if form["do"] == "take_over" else BOARD)


def _act(
    tx: SqlTransaction, conversation_id: str, form: dict[str, str], *, by: StaffMember, texts: ServiceTexts
) -> None:
    reason = form.get("reason", "")
    if form["do"] == "take_over":
        desk.take_over(tx, conversation_id, by=by, reason=reason, texts=texts)
    elif form["do"] == "reassign":
        offer_transfer(
            tx, conversation_id, to_id=form.get("to", ""), by=by, reason=reason, as_supervisor=True
        )
    else:
        desk.release_unattended(tx, conversation_id, by=by)


async def _render(
    request: web.Request, *, status: int = 200, fault: str | None = None, form: dict[str, str] | None = None
) -> web.Response:
    conversation_id = request.match_info["conversation_id"]

    def read(tx: SqlTransaction) -> dict[str, object]:
        conversation = tx.conversations.get(conversation_id)
        owner = conversation.owner_id
        return {
            "channel": conversation.channel,
            "owner_id": owner,
            "owner_name": tx.staff.get(owner).display_name if owner else None,
            "colleagues": [
                each
                for each in tx.shifts.list_running()
                if each.break_since is None and each.staff_id != owner
            ],
        }

    values = await request.app[SERVICE].database.read(read)
    return request.app[PAGES].render(
        "board_choices.html",
        status=status,
        session=request[SESSION],
        conversation_id=conversation_id,
        fault=fault,
        form=form or {},
        **values,
    )
