"""The figures in words for a terminal, and as one page that needs nothing but itself."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from casework.model.bands import TIERS, BandLimits
from casework.model.calibration import Calibration, calibrate
from launcher.evaluation.drawing import Mark, Series, draw_lines
from launcher.evaluation.figures import Figure, Judged, Slices, measure, slice_up
from launcher.evaluation.limits import TradeOff, trade_off
from launcher.evaluation.must_hold import Held, check_all, in_words, load_bars

TEMPLATES = Path(__file__).parent / "templates"
FIRST_IN_WORDS = ("missed_tier_1", "missed")
MET_IN_WORDS = {True: "met", False: "NOT met", None: "not measured"}


@dataclass(frozen=True, kw_only=True)
class Result:
    """One set, judged as written and perhaps again with typos, message for message."""

    name: str
    plain: Sequence[Judged]
    typed: Sequence[Judged] | None = None

    @property
    def has_detector(self) -> bool:
        return any(one.understood.parsed.urgency for one in self.plain)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A figure as written and, if measured, with typos."""

    plain: Figure
    typed: Figure | None = None

    @property
    def change(self) -> float | None:
        """In points of a percent; None where there is nothing to compare."""
        if self.typed is None or self.typed.value is None or self.plain.value is None:
            return None
        return 100 * (self.typed.value - self.plain.value)


@dataclass(frozen=True, kw_only=True)
class CellTable:
    title: str
    columns: tuple[str, ...]
    rows: Mapping[str, Mapping[str, Cell]]


def compare_figures(result: Result) -> dict[str, Cell]:
    """Every figure by its key in figures.toml."""
    plain = measure(result.plain)
    typed = measure(result.typed) if result.typed else {}
    return {key: Cell(plain=figure, typed=typed.get(key)) for key, figure in plain.items()}


def compare_slices(result: Result) -> list[CellTable]:
    plain = slice_up(result.plain)
    typed: Sequence[Slices | None] = slice_up(result.typed) if result.typed else [None] * len(plain)
    return [_compare_table(one, other) for one, other in zip(plain, typed, strict=True)]


def _compare_table(plain: Slices, typed: Slices | None) -> CellTable:
    rows = {
        name: {
            column: Cell(plain=figure, typed=typed.rows[name][column] if typed else None)
            for column, figure in row.items()
        }
        for name, row in plain.rows.items()
    }
    return CellTable(title=plain.title, columns=plain.columns, rows=rows)


def check_result(result: Result) -> list[Held]:
    return check_all(measure(result.plain), measure(result.typed) if result.typed else None)


def tell(results: Sequence[Result]) -> Iterator[str]:
    """The report as lines: misses first, all figures and bars of every set, then the slices of the first."""
    for result in results:
        yield from _tell_figures(result)
    for result in results:
        yield f"\nMust hold ({result.name})"
        for held in check_result(result):
            yield f"  {MET_IN_WORDS[held.is_met]:12}  {held.title}: {held.found}; {held.must}"
    for table in compare_slices(results[0]):
        yield f"\n{table.title} ({results[0].name})"
        for name, row in table.rows.items():
            n = max(cell.plain.n for cell in row.values())
            shares = "; ".join(f"{column} {_share_in_words(cell)}" for column, cell in row.items())
            yield f"  {name} (n {n}): {shares}"


def _share_in_words(cell: Cell) -> str:
    low, high = cell.plain.interval or (0.0, 1.0)
    words = f"{percent(cell.plain.value)} ({100 * low:.1f} to {100 * high:.1f})"
    return words if cell.change is None else f"{words} typos {cell.change:+.1f}"


def _tell_figures(result: Result) -> Iterator[str]:
    cells = compare_figures(result)
    counts = _counts(result.plain)
    yield f"\n{result.name}: {counts['urgent']} urgent, {counts['routine']} routine, {counts['hard']} hard negatives"
    if not result.has_detector:
        yield "  The model has no learned detector; the bands are the screen's alone."
    for key, bar in load_bars().items():
        cell = cells[key]
        if key in FIRST_IN_WORDS and cell.plain.value is not None:
            yield f"  {bar.title}: {cell.plain.hits} of {cell.plain.n}"
    for key, bar in load_bars().items():
        if cells[key].plain.value is not None:
            yield f"  {bar.title}: {cell_in_words(cells[key])}"
    for calibration in calibrations(result.plain):
        if calibration.error is not None:
            yield f"  calibration error, {calibration.title}: {calibration.error:.3f} (n {calibration.n})"


def cell_in_words(cell: Cell) -> str:
    words = in_words(cell.plain)
    if cell.change is None or cell.typed is None or cell.typed.value is None:
        return words
    return f"{words}; with typos {100 * cell.typed.value:.1f} % ({cell.change:+.1f} points)"


def tell_limits(limits: BandLimits, judged: Sequence[Judged], in_force: BandLimits) -> Iterator[str]:
    """Proposed numbers as they stand in bands.toml, the trade-off beside them and the figures they give here."""
    for tier in TIERS:
        yield f"\nTier {tier}: the detector alone, RED from this limit on"
        yield "  limit  this tier  routine  hard negatives"
        for point in trade_off(judged, tier, in_force):
            shares = (point.urgent, point.routine, point.hard_negatives)
            yield "  {:5g}  {:>9}  {:>7}  {:>14}".format(point.limit, *map(percent, shares))
    yield "\nProposed for casework/model/bands.toml"
    for tier in TIERS:
        own = limits.tiers[tier]
        yield f"[tier_{tier}]\nred = {own.red:g}\namber = {own.amber:g}"
    yield f"[unclear_wish]\nleast_confidence = {limits.least_wish_confidence:g}"
    yield f"amber = {limits.amber_where_unclear:g}"


def calibrations(judged: Sequence[Judged]) -> list[Calibration]:
    urgency = [
        (one.understood.parsed.urgency.probability, one.is_urgent)
        for one in judged
        if one.understood.parsed.urgency
    ]
    routine = [one for one in judged if one.is_routine]
    wishes = [(one.understood.parsed.wish().confidence, one.understood.parsed.outcome) for one in routine]
    right = [
        (confidence, outcome in (one.meant, *one.example.also))
        for one, (confidence, outcome) in zip(routine, wishes, strict=True)
    ]
    return [
        calibrate("the detector's probability, and being urgent", urgency),
        calibrate("confidence of the wish, and being as meant (routine)", right),
    ]


def write_html(path: Path, results: Sequence[Result], limits: BandLimits) -> None:
    """One file, no script, nothing loaded from elsewhere. The messages stand in it: keep it where they may stand."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined
    )
    environment.filters |= {"percent": percent, "marked": marked}
    first = results[0]
    page = environment.get_template("report.html").render(
        results=results,
        counts={result.name: _counts(result.plain) for result in results},
        bars=load_bars(),
        figures={result.name: compare_figures(result) for result in results},
        in_words=in_words,
        has_typos=first.typed is not None,
        slices=compare_slices(first),
        held={result.name: check_result(result) for result in results},
        met_in_words=MET_IN_WORDS,
        missed=sorted((one for one in first.plain if one.is_missed), key=lambda one: one.tier or 9),
        false_alarms=[one for one in first.plain if not one.is_urgent and one.understood.is_red],
        confusion=Confusion.of(first.plain),
        curves=_curves(first, limits),
        limits=limits,
        calibrations=[(one, _draw_calibration(one)) for one in calibrations(first.plain) if one.n],
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")


@dataclass(frozen=True, kw_only=True)
class Confusion:
    """Every pair of a meant and a read outcome with its messages; `outcomes` in the order of the table."""

    outcomes: tuple[str, ...]
    cells: Mapping[tuple[str, str], Sequence[Judged]]

    @classmethod
    def of(cls, judged: Iterable[Judged]) -> "Confusion":
        cells: dict[tuple[str, str], list[Judged]] = {}
        for one in judged:
            cells.setdefault((one.meant, one.understood.outcome), []).append(one)
        outcomes = {name for pair in cells for name in pair}
        return cls(outcomes=tuple(sorted(outcomes, key=lambda name: (name != "urgent", name))), cells=cells)

    def wrong_first(self) -> list[tuple[tuple[str, str], Sequence[Judged]]]:
        """What was meant as urgent first, then the fullest cells; what was read as meant comes last."""
        return sorted(
            self.cells.items(),
            key=lambda cell: (cell[0][0] == cell[0][1], cell[0][0] != "urgent", -len(cell[1])),
        )


def _curves(result: Result, limits: BandLimits) -> list[tuple[int, Markup, Sequence[TradeOff]]]:
    if not result.has_detector:
        return []
    curves: list[tuple[int, Markup, Sequence[TradeOff]]] = []
    for tier in TIERS:
        points = trade_off(result.plain, tier, limits)
        own = limits.tiers[tier]
        drawing = draw_lines(
            [
                Series(name=f"urgent of tier {tier}", points=_points(points, "urgent")),
                Series(name="hard negatives", points=_points(points, "hard_negatives")),
                Series(name="routine", points=_points(points, "routine")),
            ],
            title=f"Tier {tier}: share marked by the detector for each limit; the table below has the numbers",
            x_axis="limit of the probability",
            marks=[Mark(name=f"RED {own.red:g}", x=own.red), Mark(name=f"AMBER {own.amber:g}", x=own.amber)],
        )
        curves.append((tier, drawing, points))
    return curves


def _points(points: Iterable[TradeOff], name: str) -> list[tuple[float, float]]:
    return [(p.limit, getattr(p, name)) for p in points if getattr(p, name) is not None]


def _draw_calibration(calibration: Calibration) -> Markup:
    points = [(b.said, b.was) for b in calibration.bins if b.said is not None and b.was is not None]
    return draw_lines(
        [
            Series(name="found", points=points),
            Series(name="if it meant what it says", points=[(0, 0), (1, 1)]),
        ],
        title=f"Calibration: {calibration.title}; the table below has the numbers",
        x_axis="what was said",
    )


def _counts(judged: Sequence[Judged]) -> dict[str, Any]:
    return {
        "all": len(judged),
        "urgent": sum(one.is_urgent for one in judged),
        "routine": sum(one.is_routine for one in judged),
        "hard": sum(one.is_hard_negative for one in judged),
    }


def percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def marked(one: Judged) -> Markup:
    """The text with what the layers marked of it set off."""
    places = {place for e in one.understood.decision.evidence for place in range(e.start, e.end)}
    parts: list[Markup] = []
    start = 0
    for end in range(1, len(one.text) + 1):
        if end == len(one.text) or (end in places) != (start in places):
            tag = Markup("<mark>{}</mark>") if start in places else Markup("{}")
            parts.append(tag.format(one.text[start:end]))
            start = end
    return Markup("").join(parts)
