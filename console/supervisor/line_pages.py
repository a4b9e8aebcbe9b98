"""Lines a supervisor sets for a time: one to all staff, and one to people who write while it takes longer."""

from aiohttp import web

from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE
from casework.model.messages import Channel
from casework.services import broadcasts, intake_pauses
from casework.services.broadcasts import BroadcastRefused
from casework.services.intake_pauses import PauseRefused
from console.forms import read_form
from console.pages import PAGES
from console.sessions import SESSION
from console.supervisor.desk_notices import note_session

BROADCAST = "/console/broadcast"
INTAKE = "/console/intake"


def add_line_routes(app: web.Application) -> None:
    app.router.add_get(BROADCAST, show_broadcast)
    app.router.add_post(BROADCAST, send)
    app.router.add_post(BROADCAST + "/end", end)
    app.router.add_get(INTAKE, show_intake)
    app.router.add_post(INTAKE, pause)
    app.router.add_post(INTAKE + "/end", resume)


async def show_broadcast(request: web.Request) -> web.StreamResponse:
    return await _render_broadcast(request)


async def send(request: web.Request) -> web.StreamResponse:
    service, staff = request.app[SERVICE], request[SESSION].staff
    form = await read_form(request)
    try:
        await service.database.write(
            lambda tx: broadcasts.send_broadcast(
                tx, form.get("text", ""), hours=_number(form.get("hours", "")), by=staff
            )
        )
    except BroadcastRefused:
        return await _render_broadcast(
            request, status=422, fault="broadcast_refused", text=form.get("text", "")
        )
    raise web.HTTPSeeOther(BROADCAST)


async def end(request: web.Request) -> web.StreamResponse:
    form, staff = await read_form(request), request[SESSION].staff
    await request.app[SERVICE].database.write(
        lambda tx: broadcasts.end_broadcast(tx, form.get("broadcast", ""), by=staff)
    )
    raise web.HTTPSeeOther(BROADCAST)


async def show_intake(request: web.Request) -> web.StreamResponse:
    return await _render_intake(request)


async def pause(request: web.Request) -> web.StreamResponse:
    service, staff = request.app[SERVICE], request[SESSION].staff
    form = await read_form(request)
    try:
        await service.database.write(
            lambda tx: intake_pauses.start_pause(
                tx, form.get("text_name", ""), hours=_number(form.get("hours", "")), by=staff
            )
        )
    except PauseRefused:
        return await _render_intake(request, status=422, fault="pause_refused")
    raise web.HTTPSeeOther(INTAKE)


async def resume(request: web.Request) -> web.StreamResponse:
    staff = request[SESSION].staff
    await request.app[SERVICE].database.write(lambda tx: intake_pauses.end_pause(tx, by=staff))
    raise web.HTTPSeeOther(INTAKE)


async def _render_broadcast(
    request: web.Request, *, status: int = 200, fault: str | None = None, text: str = ""
) -> web.Response:
    session = await note_session(request, request[SESSION])
    return request.app[PAGES].render(
        "broadcast.html",
        status=status,
        session=session,
        fault=fault,
        text=text,
        hours=broadcasts.HOURS,
        longest=broadcasts.LONGEST_TEXT,
    )


async def _render_intake(
    request: web.Request, *, status: int = 200, fault: str | None = None
) -> web.Response:
    service = request.app[SERVICE]

    def read(tx: SqlTransaction) -> object:
        return tx.intake_pauses.find_current()

    texts = service.texts
    return request.app[PAGES].render(
        "intake.html",
        status=status,
        session=request[SESSION],
        fault=fault,
        pause=await service.database.read(read),
        hours=intake_pauses.HOURS,
        texts={
            name: (texts.render(name, Channel.WEBCHAT), texts.render(name, Channel.SMS))
            for name in intake_pauses.TEXTS
        },
    )


def _number(written: str) -> int:
    """0 for what is no number."""
    return int(written) if written.isascii() and written.isdigit() and len(written) < 4 else 0
