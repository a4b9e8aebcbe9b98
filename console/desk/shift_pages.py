"""The start of a shift: is the sound heard, are words covered, do keys act. And its end."""

from aiohttp import web

from casework.adapters.web_app import SERVICE
from casework.services import shifts
from casework.services.desk_ports import DeskPreferences
from console.forms import read_form
from console.pages import PAGES
from console.sessions import SESSION

HEARD = {"yes": True, "no": False}


def add_shift_routes(app: web.Application) -> None:
    app.router.add_get("/console/start", show_start)
    app.router.add_post("/console/start", start)
    app.router.add_post("/console/start/end", end)


async def show_start(request: web.Request) -> web.StreamResponse:
    staff = request[SESSION].staff
    shift, preferences, owned = await request.app[SERVICE].database.read(
        lambda tx: (
            tx.shifts.find_running(staff.id),
            tx.shifts.get_preferences(staff.id),
            tx.desk.count_owned(staff.id),
        )
    )
    return request.app[PAGES].render(
        "shift_start.html",
        session=request[SESSION],
        shift=shift,
        preferences=preferences,
        owned=owned,
        is_over=request.query.get("over") == "1",
    )


async def start(request: web.Request) -> web.StreamResponse:
    """Nothing in this form can be wrong: danger must not wait for a field."""
    staff, form = request[SESSION].staff, await read_form(request)
    preferences = DeskPreferences(keys_on="keys_on" in form, covers_words="covers_words" in form)
    heard = HEARD.get(form.get("sound_heard", ""))
    await request.app[SERVICE].database.write(
        lambda tx: shifts.start_shift(tx, by=staff, sound_heard=heard, preferences=preferences)
    )
    raise web.HTTPSeeOther("/console")


async def end(request: web.Request) -> web.StreamResponse:
    staff = request[SESSION].staff
    await request.app[SERVICE].database.write(lambda tx: shifts.end_shift(tx, by=staff))
    raise web.HTTPSeeOther("/console/start?over=1")
