"""Every hold there is, to be looked at again and lifted; and what was erased. For supervisors."""

from aiohttp import web

from casework.adapters.web_app import SERVICE
from casework.model.errors import ReasonNeeded
from casework.services import holds
from casework.services.holds import HoldNotFound
from console.forms import read_form
from console.pages import PAGES
from console.sessions import SESSION

HOLD = "/console/holds/{hold_id:[0-9a-f]{32}}"
MOST_HOLDS, MOST_ERASURES = 500, 50


def add_hold_routes(app: web.Application) -> None:
    app.router.add_get("/console/holds", show_holds)
    app.router.add_post(HOLD, lift_hold)


async def show_holds(request: web.Request) -> web.StreamResponse:
    return await _render(request)


async def lift_hold(request: web.Request) -> web.StreamResponse:
    staff, hold_id = request[SESSION].staff, request.match_info["hold_id"]
    why = (await read_form(request)).get("why", "")
    try:
        await request.app[SERVICE].database.write(lambda tx: holds.lift(tx, hold_id, why=why, by=staff.id))
    except ReasonNeeded:
        return await _render(request, status=422, fault="hold_why")
    except HoldNotFound:
        return await _render(request, status=409, fault="lifted_before")
    raise web.HTTPSeeOther("/console/holds?done=lifted")


async def _render(request: web.Request, *, status: int = 200, fault: str | None = None) -> web.Response:
    """Reading what is held is on record too."""
    session, database = request[SESSION], request.app[SERVICE].database
    await database.write(lambda tx: tx.audit.record("holds_read", by=session.staff.id))
    open_holds, erasures = await database.read(
        lambda tx: (tx.holds.list_open(limit=MOST_HOLDS), tx.erasures.list_newest(limit=MOST_ERASURES))
    )
    told = request.query.get("done")
    return request.app[PAGES].render(
        "holds.html",
        status=status,
        session=session,
        holds=open_holds,
        today=request.app[SERVICE].clock.now().date(),
        erasures=erasures,
        fault=fault,
        told=told if told in ("lifted", "erasing", "kept") else None,
    )
