"""The measures of a period: each as a picture, a table and a file, all three of the same numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from aiohttp import web

from casework.adapters.web_app import SERVICE
from casework.model.desk import Grade
from casework.model.grade_clocks import GradeClocks
from casework.model.periods import USUAL_DAYS, Period, PeriodRefused, choose_period, last_days
from casework.services.measures import FEW, Cell, Measures, Table, take_measures
from console.csv_tables import respond_csv
from console.pages import PAGES
from console.sessions import SESSION
from console.supervisor.charts import Chart, Figure, draw_bars
from console.words import Words

MEASURES = "/console/measures"
USUAL = 28
PILOT_SHARE = 52
"""Percent satisfied with being kept informed, Northamptonshire 2020: cited on the page."""
SECONDS = frozenset({"median", "p90", "worst"})
SHARES = frozenset({"share", "share_within"})


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A table as the page has it: `rows` hold words; `finding` is the sentence above its picture."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    chart: Chart | None
    finding: str


def add_measures_routes(app: web.Application) -> None:
    app.router.add_get(MEASURES, show_measures)
    app.router.add_get(MEASURES + "/{table:[a-z_]+}.csv", download)


async def show_measures(request: web.Request) -> web.StreamResponse:
    """The period asked for, or the last four weeks; 422 with the reason for one that cannot be."""
    try:
        period, fault = _find_period(request), None
    except PeriodRefused:
        period, fault = last_days(USUAL, now=request.app[SERVICE].clock.now()), "period_refused"
    measures = await _take(request, period)
    words = request.app[PAGES].words
    return request.app[PAGES].render(
        "measures.html",
        status=422 if fault else 200,
        session=request[SESSION],
        fault=fault,
        period=period,
        usual_days=USUAL_DAYS,
        chosen_days=_find_days(request, period),
        query=urlencode({"from": period.first.isoformat(), "to": period.last.isoformat()}),
        tables=[_show(table, words, request.app[SERVICE].clocks) for table in measures.tables.values()],
    )


async def download(request: web.Request) -> web.StreamResponse:
    """One table as it stands on the page; the download is recorded."""
    try:
        period = _find_period(request)
    except PeriodRefused as refusal:
        raise web.HTTPBadRequest from refusal
    staff = request[SESSION].staff
    measures = await _take(request, period)
    table = measures.tables.get(request.match_info["table"])
    if table is None:
        raise web.HTTPNotFound
    await request.app[SERVICE].database.write(
        lambda tx: tx.audit.record(
            "measures_downloaded", by=staff.id, thing=f"{table.name}:{period.first}:{period.last}"
        )
    )
    rows = [[cell.value if cell is FEW else cell for cell in row] for row in table.rows]
    return respond_csv(f"waymark-{table.name}-{period.first}-{period.last}", table.columns, rows)


async def _take(request: web.Request, period: Period) -> Measures:
    service = request.app[SERVICE]
    return await service.database.read(lambda tx: take_measures(tx, period, service.clocks))


def _find_period(request: web.Request) -> Period:
    now = request.app[SERVICE].clock.now()
    first, last = request.query.get("from", ""), request.query.get("to", "")
    if first or last:
        try:
            return choose_period(date.fromisoformat(first), date.fromisoformat(last), now=now)
        except ValueError as fault:
            raise PeriodRefused(f"{first} to {last}") from fault
    days = request.query.get("days", str(USUAL))
    if days not in map(str, USUAL_DAYS):
        raise PeriodRefused(days)
    return last_days(int(days), now=now)


def _find_days(request: web.Request, period: Period) -> int | None:
    """The usual period that is shown, for the links; None for one that was chosen by its days."""
    return period.days if "from" not in request.query and "to" not in request.query else None


# --- words and pictures ---------------------------------------------------------------------------


def _show(table: Table, words: Words, clocks: GradeClocks) -> Shown:
    names = words["measure_columns"]
    rows = tuple(
        (
            _name(table, row[0], words),
            *(_say(cell, column) for cell, column in zip(row[1:], table.columns[1:], strict=True)),
        )
        for row in table.rows
    )
    chart = _draw(table, rows, clocks)
    return Shown(
        name=table.name,
        columns=tuple(names[column] for column in table.columns),
        rows=rows,
        chart=chart,
        finding=_find_finding(table, rows, words),
    )


def _name(table: Table, key: Cell, words: Words) -> str:
    section: Mapping[str, str] = words.get(f"measure_{table.columns[0]}") or words.get(
        {"grade": "grades", "channel": "channels", "outcome": "outcomes"}.get(table.columns[0], ""), {}
    )
    text = section.get(str(key)) or words["languages"].get(str(key), str(key))
    return f"{key} {text}" if table.columns[0] == "grade" else text


def _say(cell: Cell, column: str) -> str:
    if cell is FEW:
        return FEW.value
    if cell is None:
        return "none"
    if column in SECONDS and isinstance(cell, int | float):
        return say_seconds(int(cell))
    return f"{cell} %" if column in SHARES else str(cell)


def say_seconds(seconds: int) -> str:
    """`40 s`, `4 min 20 s`, `3 h 5 min`, `2 days 4 h`."""
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    if seconds < 48 * 3600:
        return f"{seconds // 3600} h {seconds % 3600 // 60} min"
    return f"{seconds // 86400} days {seconds % 86400 // 3600} h"


def _draw(table: Table, rows: tuple[tuple[str, ...], ...], clocks: GradeClocks) -> Chart | None:
    if not rows or table.name in ("left", "status", "code_clocks"):
        return None
    if table.name in ("claims", "first_words"):
        figures = [
            Figure(label=said[0], number=row[7], shown=said[7])
            for row, said in zip(table.rows, rows, strict=True)
            if table.name == "first_words" or clocks.clocks[Grade(int(str(row[0])))].claim_within
        ]
        return draw_bars(table.name, figures, whole=100)
    if table.name == "kept_informed":
        ours = Figure(label=rows[0][0], number=table.rows[0][3], shown=rows[0][3], mark=PILOT_SHARE)
        return draw_bars(table.name, [ours], whole=100)
    figures = [
        Figure(label=said[0], number=row[1], shown=said[1])
        for row, said in zip(table.rows, rows, strict=True)
    ]
    return draw_bars(table.name, figures)


def _find_finding(table: Table, rows: tuple[tuple[str, ...], ...], words: Words) -> str:
    """What the figures say, in a sentence made of them; the plain title where they are hidden or there are none."""
    say = words["measure_findings"]
    plain: str = words["measure_titles"][table.name]
    if table.name in ("claims", "first_words"):
        worst = table.rows[0]
        if isinstance(worst[2], int):
            return str(say[table.name]).format(median=rows[0][2], worst=rows[0][4])
        return plain
    if not table.rows:
        return plain
    if table.columns[-1] == "share" and isinstance(table.rows[0][-1], float):
        return str(say[table.name]).format(share=rows[0][-1])
    if table.columns[-1] == "count" and table.name in say:
        counted = [
            (row[1], said[0]) for row, said in zip(table.rows, rows, strict=True) if isinstance(row[1], int)
        ]
        most = max(counted, key=lambda each: each[0], default=(0, ""))
        return str(say[table.name]).format(most=most[1], count=most[0]) if most[0] else plain
    return plain
