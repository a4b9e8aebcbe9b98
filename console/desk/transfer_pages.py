"""Passing a conversation on, taking it over, and releasing one whose owner is silent."""

from aiohttp import web

from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE
from casework.model.errors import NotTheOwner, NotToThem, ReasonNeeded
from casework.model.policy import Action, can
from casework.services import desk, transfers
from casework.services.owners import is_silent as is_silent_owner
from casework.services.ports import Conversation, StaffMember
from console.desk.conversation_pages import CONVERSATION
from console.forms import read_form
from console.pages import PAGES
from console.sessions import SESSION

TEAM = "team"


def add_transfer_routes(app: web.Application) -> None:
    app.router.add_get(CONVERSATION + "/transfer", show_transfer)
    app.router.add_post(CONVERSATION + "/transfer", offer)
    app.router.add_post(CONVERSATION + "/transfer/accept", accept)
    app.router.add_post(CONVERSATION + "/transfer/refuse", refuse)
    app.router.add_get(CONVERSATION + "/take-over", show_take_over)
    app.router.add_post(CONVERSATION + "/take-over", take_over)
    app.router.add_post(CONVERSATION + "/release", release)


async def show_transfer(request: web.Request) -> web.StreamResponse:
    return await _render_transfer(request)


async def offer(request: web.Request) -> web.StreamResponse:
    """Asks a colleague, or gives it back to the team; the form again, words kept, where something is missing."""
    staff, conversation_id = request[SESSION].staff, request.match_info["conversation_id"]
    form = await read_form(request)
    to, reason, promised = (form.get(name, "") for name in ("to", "reason", "promised"))
    if not to:
        return await _render_transfer(request, form, status=422, fault="nobody_chosen")
    try:
        await request.app[SERVICE].database.write(
            lambda tx: (
                transfers.pass_to_team(tx, conversation_id, by=staff, reason=reason, promised=promised)
                if to == TEAM
                else transfers.offer_transfer(
                    tx,
                    conversation_id,
                    to_id=to,
                    by=staff,
                    reason=reason,
                    promised=promised,
                    as_supervisor=can(staff.role, Action.SEE_BOARD),
                )
            )
        )
    except ReasonNeeded:
        return await _render_transfer(request, form, status=422, fault="reason_needed")
    except NotToThem:
        return await _render_transfer(request, form, status=409, fault="not_to_them")
    raise web.HTTPSeeOther("/console" if to == TEAM else f"/console/c/{conversation_id}")


async def _render_transfer(
    request: web.Request, form: dict[str, str] | None = None, *, status: int = 200, fault: str | None = None
) -> web.Response:
    staff, conversation_id = request[SESSION].staff, request.match_info["conversation_id"]
    conversation, there, offered = await request.app[SERVICE].database.read(
        lambda tx: (
            tx.conversations.get(conversation_id),
            tx.shifts.list_running(),
            tx.transfers.find_offered(conversation_id),
        )
    )
    if conversation.owner_id != staff.id and not can(staff.role, Action.SEE_BOARD):
        raise NotTheOwner(conversation_id)
    return request.app[PAGES].render(
        "transfer.html",
        status=status,
        session=request[SESSION],
        conversation=conversation,
        is_mine=conversation.owner_id == staff.id,
        colleagues=[each for each in there if each.staff_id != conversation.owner_id],
        offered=offered,
        form=form or {},
        fault=fault,
    )


async def accept(request: web.Request) -> web.StreamResponse:
    service, staff = request.app[SERVICE], request[SESSION].staff
    transfer_id = (await read_form(request)).get("transfer_id", "")
    taken = await service.database.write(
        lambda tx: transfers.accept_transfer(tx, transfer_id, by=staff, texts=service.texts)
    )
    raise web.HTTPSeeOther(f"/console/c/{taken.id}#latest")


async def refuse(request: web.Request) -> web.StreamResponse:
    staff = request[SESSION].staff
    transfer_id = (await read_form(request)).get("transfer_id", "")
    await request.app[SERVICE].database.write(lambda tx: transfers.refuse_transfer(tx, transfer_id, by=staff))
    raise web.HTTPSeeOther("/console")


async def show_take_over(request: web.Request) -> web.StreamResponse:
    return await _render_take_over(request)


async def take_over(request: web.Request) -> web.StreamResponse:
    service, staff = request.app[SERVICE], request[SESSION].staff
    conversation_id = request.match_info["conversation_id"]
    reason = (await read_form(request)).get("reason", "")
    try:
        await service.database.write(
            lambda tx: desk.take_over(tx, conversation_id, by=staff, reason=reason, texts=service.texts)
        )
    except ReasonNeeded:
        return await _render_take_over(request, reason=reason, status=422, fault="reason_needed")
    raise web.HTTPSeeOther(f"/console/c/{conversation_id}#latest")


async def _render_take_over(
    request: web.Request, *, reason: str = "", status: int = 200, fault: str | None = None
) -> web.Response:
    conversation_id = request.match_info["conversation_id"]

    def read(tx: SqlTransaction) -> tuple[Conversation, StaffMember | None, bool]:
        conversation = tx.conversations.get(conversation_id)
        owner = tx.staff.get(conversation.owner_id) if conversation.owner_id else None
        return conversation, owner, is_silent_owner(tx, conversation, tx.now)

    conversation, owner, is_silent = await request.app[SERVICE].database.read(read)
    return request.app[PAGES].render(
        "transfer_take_over.html",
        status=status,
        session=request[SESSION],
        conversation=conversation,
        owner=owner,
        is_silent=is_silent,
        reason=reason,
        fault=fault,
    )


async def release(request: web.Request) -> web.StreamResponse:
    staff, conversation_id = request[SESSION].staff, request.match_info["conversation_id"]
    await request.app[SERVICE].database.write(
        lambda tx: desk.release_unattended(tx, conversation_id, by=staff)
    )
    raise web.HTTPSeeOther("/console")
