"""Who is of the staff: listed, added, given another role, ended, by an administrator. Nobody changes themselves."""

import asyncio
from collections.abc import Callable

from aiohttp import web

from casework.adapters.storage.people import LoginTaken, StaffMemberNotFound
from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE
from casework.model.errors import WaymarkError
from casework.model.policy import Action, Relation, Role, can
from casework.model.tokens import make_password
from casework.services import staffing
from casework.services.transfers import return_all_of
from console.forms import read_form
from console.pages import PAGES
from console.sessions import SESSION

MEMBER = "/console/staff/{staff_id:[0-9a-f]{32}}"
FAULT_OF: dict[type[WaymarkError], str] = {
    staffing.OwnRole: "own",
    staffing.RolesClash: "clash",
    staffing.RoleUnknown: "role",
    staffing.MemberInvalid: "invalid",
    staffing.RoleOfTheForce: "of_the_force",
    LoginTaken: "taken",
    StaffMemberNotFound: "gone",
}


def add_staff_routes(app: web.Application) -> None:
    app.router.add_get("/console/staff", list_staff)
    app.router.add_post("/console/staff", add_member)
    app.router.add_post(MEMBER + "/role", change_role)
    app.router.add_post(MEMBER + "/end", end_member)
    app.router.add_post(MEMBER + "/factor", reset_factor)


async def list_staff(request: web.Request) -> web.StreamResponse:
    return await _render(request, told=request.query.get("done", ""))


async def add_member(request: web.Request) -> web.StreamResponse:
    """Adds an account with a password made here, shown this once to be handed over in person."""
    service, staff = request.app[SERVICE], request[SESSION].staff
    form = await read_form(request)
    password = make_password()
    password_hash = await asyncio.to_thread(service.passwords.hash, password)
    try:
        await service.database.write(
            lambda tx: staffing.add_member(
                tx,
                login=form.get("login", ""),
                display_name=form.get("name", ""),
                role=form.get("role", ""),
                password_hash=password_hash,
                collar_number=form.get("collar", ""),
                by=staff.id,
            )
        )
    except WaymarkError as refusal:
        return await _render(request, status=422, fault=_name_fault(refusal), typed=form)
    return await _render(request, told="added", made=(form.get("login", "").strip(), password))


async def change_role(request: web.Request) -> web.StreamResponse:
    role = (await read_form(request)).get("role", "")
    return await _do(
        request,
        lambda tx, staff_id, by: _change_role(tx, staff_id, role, by),
        told="role",
    )


async def end_member(request: web.Request) -> web.StreamResponse:
    return await _do(request, _end, told="ended")


# What they have first, as everywhere: a conversation is held before whoever has it.
def _end(tx: SqlTransaction, staff_id: str, by: str) -> None:
    return_all_of(tx, staff_id, by=by)
    staffing.end_member(tx, staff_id, by=by)


def _change_role(tx: SqlTransaction, staff_id: str, role: str, by: str) -> None:
    if not can(role, Action.ANSWER, Relation.OWNER):
        return_all_of(tx, staff_id, by=by)
    staffing.change_role(tx, staff_id, role, by=by)


async def reset_factor(request: web.Request) -> web.StreamResponse:
    return await _do(
        request, lambda tx, staff_id, by: staffing.reset_factor(tx, staff_id, by=by), told="reset"
    )


async def _do(
    request: web.Request, change: Callable[[SqlTransaction, str, str], None], *, told: str
) -> web.StreamResponse:
    staff_id, by = request.match_info["staff_id"], request[SESSION].staff.id
    try:
        await request.app[SERVICE].database.write(lambda tx: change(tx, staff_id, by))
    except StaffMemberNotFound as unknown:
        raise web.HTTPNotFound from unknown
    except WaymarkError as refusal:
        return await _render(request, status=409, fault=_name_fault(refusal))
    raise web.HTTPSeeOther(f"/console/staff?done={told}")


def _name_fault(refusal: WaymarkError) -> str:
    if type(refusal) not in FAULT_OF:
        raise refusal
    return FAULT_OF[type(refusal)]


async def _render(
    request: web.Request,
    *,
    status: int = 200,
    fault: str | None = None,
    told: str = "",
    made: tuple[str, str] | None = None,
    typed: dict[str, str] | None = None,
) -> web.Response:
    members = await request.app[SERVICE].database.read(lambda tx: tx.staff.list_members())
    pages = request.app[PAGES]
    return pages.render(
        "staff.html",
        status=status,
        session=request[SESSION],
        members=members,
        roles=list(Role),
        fault=fault,
        told=told if told in pages.words["staff_done"] else None,
        made=made,
        typed=typed or {},
    )
