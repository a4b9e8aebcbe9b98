"""What benches found: rows side by side, their promises, and the machine they were measured on; as JSON, text and page.

No figure is written by hand: docs/performance.md has a part between two marks that is made from docs/performance.json,
and so is the picture beside it (bench_picture.py).
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from launcher.bench_rasa import BenchFailed

RESULTS = Path("docs/performance.json")
PAGE = Path("docs/performance.md")
BEGIN = "<!-- made by ./waymark bench all: begin -->"
END = "<!-- made by ./waymark bench all: end -->"
NOT_MEASURED = "Nothing has been measured yet: `./waymark bench all` writes its figures here."
OURS, STOCK, FLOOR = "Waymark", "Stock Rasa", "Floor"
HELD, MISSED = "held", "MISSED"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One figure of each; None where there is none. `drawn`: it has its place in the picture."""

    name: str
    unit: str
    ours: float | None
    stock: float | None = None
    floor: float | None = None
    drawn: bool = False

    @property
    def figures(self) -> tuple[float | None, float | None, float | None]:
        return self.ours, self.stock, self.floor


@dataclass(frozen=True, kw_only=True)
class Promise:
    """What was promised, with the figure that was found in it, and whether it held."""

    text: str
    held: bool


@dataclass(frozen=True, kw_only=True)
class Part:
    """What one bench found. `notes`: what a reader must know to judge it. `measured`: when, where and of what."""

    name: str
    title: str
    rows: tuple[Row, ...]
    promises: tuple[Promise, ...] = ()
    notes: tuple[str, ...] = ()
    measured: str = ""

    @property
    def holds(self) -> bool:
        return all(each.held for each in self.promises)


@dataclass(frozen=True, kw_only=True)
class Report:
    parts: tuple[Part, ...] = field(default=())

    def with_part(self, part: Part) -> "Report":
        """The same with this part in the place of the older one of its name, or at the end."""
        names = [each.name for each in self.parts]
        if part.name not in names:
            return Report(parts=(*self.parts, part))
        return Report(parts=tuple(part if each.name == part.name else each for each in self.parts))


# --- JSON -------------------------------------------------------------------------------------------------


def to_json(report: Report) -> str:
    return json.dumps(asdict(report), indent=1) + "\n"


def from_json(text: str) -> Report:
    """Raises BenchFailed for what `to_json` did not write."""
    try:
        return Report(parts=tuple(_read_part(each) for each in json.loads(text)["parts"]))
    except (ValueError, TypeError, KeyError) as fault:
        raise BenchFailed(f"{RESULTS} is not what `./waymark bench all` writes: {fault}") from fault


def _read_part(part: dict[str, object]) -> Part:
    lists = {"rows": Row, "promises": Promise}
    read = {name: tuple(kind(**each) for each in part[name]) for name, kind in lists.items()}  # type: ignore[attr-defined]
    return Part(**{**part, **read, "notes": tuple(part["notes"])})  # type: ignore[arg-type]


def read_report(root: Path) -> Report:
    """The one in the tree; an empty one where there is none."""
    path = root / RESULTS
    return from_json(path.read_text(encoding="utf-8")) if path.exists() else Report()


# --- for people -------------------------------------------------------------------------------------------


def show(number: float | None) -> str:
    """Three figures that count; nothing for nothing."""
    if number is None:
        return "-"
    if abs(number) >= 100:
        return f"{number:.0f}"
    return f"{number:.1f}" if abs(number) >= 10 else f"{number:.2f}"


def render_text(part: Part) -> str:
    """For a terminal."""
    width = max((len(_name(row)) for row in part.rows), default=0)
    lines = [f"{part.title}", f"  {'':{width}}" + "".join(f"{name:>13}" for name in (OURS, STOCK, FLOOR))]
    for row in part.rows:
        lines.append(f"  {_name(row):{width}}" + "".join(f"{show(each):>13}" for each in row.figures))
    lines += [f"  {note}" for note in part.notes]
    lines += [f"  {each.text}: {HELD if each.held else MISSED}." for each in part.promises]
    return "\n".join(lines)


def _name(row: Row) -> str:
    return f"{row.name}, {row.unit}" if row.unit else row.name


def render_page_part(report: Report) -> str:
    """Markdown, both marks included."""
    lines = [BEGIN]
    if not report.parts:
        lines.append(NOT_MEASURED)
    else:
        lines += ["![Waymark beside stock Rasa and the floor](pictures/performance.svg)", ""]
    for part in report.parts:
        lines += [f"### {part.title}", part.measured, "", *_table(part.rows), ""]
        lines += [f"- {each}" for each in _promises_and_notes(part)]
        lines.append("")
    return "\n".join([*lines, END])


def _promises_and_notes(part: Part) -> list[str]:
    told = [f"**{each.text}: {HELD if each.held else MISSED}.**" for each in part.promises]
    return [*told, *part.notes]


def _table(rows: Sequence[Row]) -> list[str]:
    """Only the columns that hold something."""
    names = (OURS, STOCK, FLOOR)
    shown = [place for place in range(len(names)) if any(row.figures[place] is not None for row in rows)]
    head = "| | " + " | ".join(names[place] for place in shown) + " |"
    lines = [head, "|---|" + "---|" * len(shown)]
    for row in rows:
        lines.append(f"| {_name(row)} | " + " | ".join(show(row.figures[place]) for place in shown) + " |")
    return lines


def put_into_page(page: str, report: Report) -> str:
    """The page with its marked part made anew. Raises BenchFailed for a page without the marks."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise BenchFailed(f"{PAGE} has lost its marks: {BEGIN} and {END}")
    return before + render_page_part(report) + after
