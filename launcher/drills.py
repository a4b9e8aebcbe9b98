"""`./waymark drill`: start a rehearsal from the command line, end it, and print what it showed."""

from argparse import Namespace
from collections.abc import Sequence
from datetime import datetime

from casework.adapters.service import Service
from casework.model.errors import WaymarkError
from casework.model.station_times import find_next_time
from casework.services.drill_reports import DrillReport, report_drill
from casework.services.drills import end_drill, get_script, load_scripts, start_drill

BY = "command_line"
LIST, END, REPORT = "list", "end", "report"


class DrillTimeInvalid(WaymarkError):
    """No time of a day."""


def run_drill(service: Service, given: Namespace) -> int:
    """`list`, `end`, `report`, or the name of a script to start. 1 where there is nothing to end or report."""
    if given.what == LIST:
        print("\n".join(render_scripts()))
        return 0
    if given.what in (END, REPORT):
        return _end_or_report(service, ends=given.what == END)
    script = get_script(given.what)
    at = None if given.at is None else _parse_time(given.at, service.clock.now())
    drill_id = service.database.write_now(lambda tx: start_drill(tx, script, by=BY, at=at))
    when = "now" if at is None else f"at {given.at}"
    print(f"Drill {drill_id[:8]}: {script.title}. {script.victims} synthetic victims write, {when}.")
    print("The worker of a running Waymark sends it. See how it goes at /console/drills.")
    return 0


def _parse_time(written: str, now: datetime) -> datetime:
    at = find_next_time(written, now)
    if at is None:
        raise DrillTimeInvalid(f"{written!r} is no time of a day: write it like 03:00.")
    return at


def _end_or_report(service: Service, *, ends: bool) -> int:
    newest = service.database.read_now(lambda tx: tx.drills.list_newest(limit=1))
    if not newest or (ends and not newest[0].is_open):
        print("No drill is running." if ends else "There was no drill yet.")
        return 1
    drill = newest[0]
    if ends:
        service.database.write_now(lambda tx: end_drill(tx, drill.id, by=BY))
    report = service.database.read_now(lambda tx: report_drill(tx, drill.id, service.clocks))
    title = load_scripts()[drill.script].title if drill.script in load_scripts() else drill.script
    print("\n".join([title, *render_report(report)]))
    return 0


def render_scripts() -> list[str]:
    return [
        f"{script.name:22} {script.victims:2} {'victim ' if script.victims == 1 else 'victims'}  {script.title}"
        for script in load_scripts().values()
    ]


def render_report(report: DrillReport) -> Sequence[str]:
    header = f"{'victim':12} {'grade':>5}  {'claimed after':>13}  {'first human word':>16}  missed"
    lines = [
        f"{each.found.victim[:12]:12} {_text(each.found.graded and each.found.graded.value):>5}  "
        f"{_seconds(each.claim_seconds):>13}  {_seconds(each.answer_seconds):>16}  "
        f"{', '.join(each.missed_steps) or '-'}"
        for each in report.victims
    ]
    counts = f"{report.wrote} wrote, {report.claimed} claimed, {report.answered} answered, {report.missed} too late"
    return [header, *lines, counts]


def _text(value: object) -> str:
    return "-" if value is None else str(value)


def _seconds(seconds: int | None) -> str:
    return "-" if seconds is None else f"{seconds} s"
