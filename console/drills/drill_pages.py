"""Drills for supervisors: start one, end it, and read how long each synthetic victim waited for a person."""

from datetime import datetime

from aiohttp import web

from casework.adapters.web_app import SERVICE
from casework.model.station_times import find_next_time
from casework.services.drill_reports import DrillReport, report_drill
from casework.services.drills import (
    DrillRunning,
    DrillUnknown,
    end_drill,
    get_script,
    load_scripts,
    start_drill,
)
from console.csv_tables import respond_csv
from console.forms import read_form
from console.pages import PAGES
from console.sessions import SESSION

DRILL = "/console/drills/{drill_id:[0-9a-f]{32}}"
HEADER = (
    *("victim", "channel", "grade", "wrote_at", "listed_at", "claimed_at", "claimed_by", "seconds_to_claim"),
    *("answered_at", "seconds_to_first_human_word", "missed"),
)


def add_drill_routes(app: web.Application) -> None:
    app.router.add_get("/console/drills", show_drills)
    app.router.add_post("/console/drills", start)
    app.router.add_get(DRILL, show_drill)
    app.router.add_get(DRILL + "/report.csv", download_report)
    app.router.add_post(DRILL + "/end", end)


async def show_drills(request: web.Request) -> web.StreamResponse:
    return await _render_drills(request)


async def _render_drills(
    request: web.Request, *, status: int = 200, fault: str | None = None
) -> web.StreamResponse:
    drills = await request.app[SERVICE].database.read(lambda tx: tx.drills.list_newest())
    return request.app[PAGES].render(
        "drills.html",
        status=status,
        session=request[SESSION],
        scripts=list(load_scripts().values()),
        drills=drills,
        titles={name: script.title for name, script in load_scripts().items()},
        fault=fault,
    )


async def start(request: web.Request) -> web.StreamResponse:
    """Starts a script now, or at the next `HH:MM` by the station clock."""
    service, staff = request.app[SERVICE], request[SESSION].staff
    form = await read_form(request)
    try:
        script = get_script(form.get("script", ""))
    except DrillUnknown:
        return await _render_drills(request, status=422, fault="drill_unknown")
    at = None
    if form.get("at", "").strip():
        at = find_next_time(form["at"].strip(), service.clock.now())
        if at is None:
            return await _render_drills(request, status=422, fault="drill_time")
    try:
        drill_id = await service.database.write(lambda tx: start_drill(tx, script, by=staff.id, at=at))
    except DrillRunning:
        return await _render_drills(request, status=409, fault="drill_running")
    raise web.HTTPSeeOther(f"/console/drills/{drill_id}")


async def show_drill(request: web.Request) -> web.StreamResponse:
    drill_id = request.match_info["drill_id"]
    service = request.app[SERVICE]
    drill, unsent, report = await service.database.read(
        lambda tx: (
            tx.drills.get(drill_id),
            tx.drills.count_unsent(drill_id),
            report_drill(tx, drill_id, service.clocks),
        )
    )
    script = load_scripts().get(drill.script)
    return request.app[PAGES].render(
        "drill.html",
        session=request[SESSION],
        drill=drill,
        script=script,
        unsent=unsent,
        report=report,
    )


async def download_report(request: web.Request) -> web.StreamResponse:
    drill_id = request.match_info["drill_id"]
    service = request.app[SERVICE]
    report = await service.database.read(lambda tx: report_drill(tx, drill_id, service.clocks))
    return respond_csv(f"drill-{drill_id[:8]}", HEADER, list_rows(report))


def list_rows(report: DrillReport) -> list[tuple[object, ...]]:
    """One row a victim, in the order of HEADER. Times ISO 8601, UTC."""
    return [
        (
            each.found.victim,
            each.found.channel.value,
            None if each.found.graded is None else each.found.graded.value,
            _iso(each.found.wrote_at),
            _iso(each.found.listed_at),
            _iso(each.found.claimed_at),
            each.found.claimed_by,
            each.claim_seconds,
            _iso(each.found.answered_at),
            each.answer_seconds,
            " ".join(each.missed_steps),
        )
        for each in report.victims
    ]


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds")


async def end(request: web.Request) -> web.StreamResponse:
    drill_id, staff = request.match_info["drill_id"], request[SESSION].staff
    await request.app[SERVICE].database.write(lambda tx: end_drill(tx, drill_id, by=staff.id))
    raise web.HTTPSeeOther(f"/console/drills/{drill_id}")
