"""A trial with a few people: whether it goes on and who takes part, for administrators."""

from aiohttp import web

from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE
from casework.services import trials
from casework.services.switch_ports import Trial, TrialEntry
from casework.services.trials import TrialRefused
from console.forms import read_form
from console.pages import PAGES
from console.sessions import SESSION

TRIAL = "/console/trial"
ENTRY = TRIAL + "/{trial_entry_id:[0-9a-f]{32}}/remove"


def add_trial_routes(app: web.Application) -> None:
    app.router.add_get(TRIAL, show_trial)
    app.router.add_post(TRIAL, add_entry)
    app.router.add_post(TRIAL + "/start", start)
    app.router.add_post(TRIAL + "/end", end)
    app.router.add_post(ENTRY, remove_entry)


async def show_trial(request: web.Request) -> web.StreamResponse:
    return await _render(request)


async def add_entry(request: web.Request) -> web.StreamResponse:
    form, staff = await read_form(request), request[SESSION].staff
    written = form.get("written", "")
    try:
        await request.app[SERVICE].database.write(lambda tx: trials.add(tx, written, by=staff))
    except TrialRefused:
        return await _render(request, status=422, fault="trial_refused", written=written)
    raise web.HTTPSeeOther(TRIAL)


async def start(request: web.Request) -> web.StreamResponse:
    staff = request[SESSION].staff
    await request.app[SERVICE].database.write(lambda tx: trials.start(tx, by=staff))
    raise web.HTTPSeeOther(TRIAL)


async def end(request: web.Request) -> web.StreamResponse:
    staff = request[SESSION].staff
    await request.app[SERVICE].database.write(lambda tx: trials.end(tx, by=staff))
    raise web.HTTPSeeOther(TRIAL)


async def remove_entry(request: web.Request) -> web.StreamResponse:
    staff, entry_id = request[SESSION].staff, request.match_info["trial_entry_id"]
    await request.app[SERVICE].database.write(lambda tx: trials.remove(tx, entry_id, by=staff))
    raise web.HTTPSeeOther(TRIAL)


async def _render(
    request: web.Request, *, status: int = 200, fault: str | None = None, written: str = ""
) -> web.Response:
    def read(tx: SqlTransaction) -> tuple[Trial | None, list[TrialEntry]]:
        return tx.trials.find_current(), tx.trials.list_entries()

    current, entries = await request.app[SERVICE].database.read(read)
    return request.app[PAGES].render(
        "trial.html",
        status=status,
        session=request[SESSION],
        fault=fault,
        current=current,
        entries=entries,
        written=written,
    )
