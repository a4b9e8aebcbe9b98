"""A person's own page: how much they saw, a break in one press, and whom to talk to. Nobody else can open it."""

from typing import Any

from aiohttp import web

from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE
from casework.services import breaks, exposure
from console.forms import read_form
from console.pages import PAGES
from console.sessions import SESSION
from console.supervisor.desk_notices import note_session

ME = "/console/me"
HAND_TO = "to_"


def add_wellbeing_routes(app: web.Application) -> None:
    app.router.add_get(ME, show_me)
    app.router.add_post("/console/break", take_break)
    app.router.add_post("/console/back", come_back)
    app.router.add_post(ME + "/later", put_off)
    app.router.add_post(ME + "/debrief", answer_debrief)


async def show_me(request: web.Request) -> web.StreamResponse:
    service = request.app[SERVICE]
    session = await note_session(request, request[SESSION])
    staff = session.staff

    def read(tx: SqlTransaction) -> dict[str, Any]:
        return {
            "owned": [
                (tx.conversations.get(each), tx.desk.list_of_conversation(each))
                for each in tx.breaks.list_owned(staff.id)
            ],
            "colleagues": [
                each
                for each in tx.shifts.list_running()
                if each.staff_id != staff.id and each.break_since is None
            ],
            "is_anyone_there": tx.breaks.is_anyone_else_there(staff.id),
        }

    values = await service.database.read(read)
    return request.app[PAGES].render(
        "wellbeing.html",
        session=session,
        care=session.care,
        told=request.query.get("told", ""),
        occupational_health=service.settings.occupational_health_url,
        **values,
    )


async def take_break(request: web.Request) -> web.StreamResponse:
    """Every conversation goes back to the queue, or to whom the form names for it."""
    service, staff = request.app[SERVICE], request[SESSION].staff
    form = await read_form(request)
    to = {
        name.removeprefix(HAND_TO): value
        for name, value in form.items()
        if name.startswith(HAND_TO) and value
    }
    reason = request.app[PAGES].words["wellbeing"]["break_reason"]
    await service.database.write(
        lambda tx: breaks.take_break(tx, by=staff, texts=service.texts, to=to, reason=reason)
    )
    raise web.HTTPSeeOther(ME)


async def come_back(request: web.Request) -> web.StreamResponse:
    staff = request[SESSION].staff
    await request.app[SERVICE].database.write(lambda tx: breaks.come_back(tx, by=staff))
    raise web.HTTPSeeOther("/console")


async def put_off(request: web.Request) -> web.StreamResponse:
    staff = request[SESSION].staff
    await request.app[SERVICE].database.write(lambda tx: exposure.put_off(tx, staff.id))
    raise web.HTTPSeeOther(ME)


async def answer_debrief(request: web.Request) -> web.StreamResponse:
    form, staff = await read_form(request), request[SESSION].staff
    answer = form.get("answer", "")
    await request.app[SERVICE].database.write(lambda tx: exposure.answer_debrief(tx, staff.id, answer))
    raise web.HTTPSeeOther(f"{ME}?told=talk#talk" if answer == "talk" else ME)
