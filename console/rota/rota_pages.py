"""The rota page: who is on call, what nobody has, the control room, and the hours of the desk."""

from dataclasses import dataclass
from datetime import date
from functools import cache

from aiohttp import web

from casework.adapters.web_app import SERVICE
from casework.model.rota import RotaKind
from casework.model.staffed_hours import StaffedHours, Windows
from casework.model.working_days import load_working_days, local_day
from casework.services import rota
from casework.services.rota import RotaFault, RotaSeen, Written
from console.forms import read_form
from console.pages import PAGES
from console.sessions import SESSION

ROTA = "/console/rota"
MOST_ENTRIES = 500
FIELDS = ("name", "starts", "ends", "place", "weeks", "mobile", "email", "webhook")

get_days = cache(load_working_days)


@dataclass(frozen=True, kw_only=True)
class SingleDay:
    """A day with hours of its own; `name` where it is a bank holiday."""

    day: date
    windows: Windows
    name: str | None


def add_rota_routes(app: web.Application) -> None:
    app.router.add_get(ROTA, show_rota)
    app.router.add_post(ROTA, add_entry)
    app.router.add_post(ROTA + "/{entry_id}/remove", remove_entry)


async def show_rota(request: web.Request) -> web.StreamResponse:
    return await _render(request)


async def add_entry(request: web.Request) -> web.StreamResponse:
    """Back to the rota, or the page again with what was typed and why it was not kept."""
    form, service = await read_form(request), request.app[SERVICE]
    try:
        kind = RotaKind(form.get("kind", ""))
    except ValueError:
        raise web.HTTPBadRequest from None
    written = Written(kind=kind, **{name: form.get(name, "") for name in FIELDS if name in form})
    staff_id = request[SESSION].staff.id
    try:
        await service.database.write(
            lambda tx: rota.add_entries(tx, written, by=staff_id, is_sandbox=service.settings.is_sandbox)
        )
    except RotaFault as refusal:
        return await _render(request, status=422, fault=refusal.code, form=form)
    raise web.HTTPSeeOther(ROTA)


async def remove_entry(request: web.Request) -> web.StreamResponse:
    entry_id, staff_id = request.match_info["entry_id"], request[SESSION].staff.id
    await request.app[SERVICE].database.write(lambda tx: rota.remove_entry(tx, entry_id, by=staff_id))
    raise web.HTTPSeeOther(ROTA)


async def _render(
    request: web.Request, *, status: int = 200, fault: str | None = None, form: dict[str, str] | None = None
) -> web.Response:
    service = request.app[SERVICE]
    seen: RotaSeen = await service.database.read(rota.see_rota)
    hours = service.clocks.hours
    return request.app[PAGES].render(
        "rota.html",
        status=status,
        session=request[SESSION],
        rota=seen,
        entries=seen.entries[:MOST_ENTRIES],
        hours=hours,
        single_days=list_single_days(hours, since=local_day(service.clock.now())),
        has_webhooks=service.settings.on_call_key is not None,
        fault=fault,
        form=dict.fromkeys(("kind", *FIELDS), "") | (form or {}),
    )


def list_single_days(hours: StaffedHours, *, since: date) -> list[SingleDay]:
    """Those with hours of their own from that day on, and the bank holidays among them by name."""
    named = get_days().bank_holidays
    return [
        SingleDay(day=day, windows=windows, name=named.get(day))
        for day, windows in sorted(hours.exceptions.items())
        if day >= since
    ]
