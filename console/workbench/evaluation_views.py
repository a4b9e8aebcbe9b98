"""An evaluation as trainers read it: what went wrong, in sentences and by slices, what was taken for what, how sure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from casework.adapters.storage.transaction import SqlTransaction
from casework.model.calibration import Bin, Calibration
from casework.model.model_evaluations import (
    LOOKED_AT,
    TEST,
    URGENT,
    Cell,
    Confusion,
    ModelEvaluation,
    Paired,
    ReadItem,
    Slicing,
)
from casework.model.significance import wilson
from casework.services import evaluations
from casework.services.evaluations import ShownItem
from console.pages import plain_words
from console.words import Words
from console.workbench.model_lines import tell_chance

LEAST_N = 20
"""Fewer messages say nothing of a share."""
MOST_CONFUSED = 10
# The drawing of a calibration: a square with both axes from 0 to 100, in its own units.
LEFT, TOP, SIDE = 58, 10, 240


@dataclass(frozen=True, kw_only=True)
class Line:
    """`says`: `Misses on danger now: 3 of 245 (was 3)`. `range` and `chance`: a sentence each, or empty."""

    says: str
    range: str
    chance: str


@dataclass(frozen=True, kw_only=True)
class SliceRow:
    """Texts for the cells of its row; `was` and `chance` empty where no model was live."""

    name: str
    wrong: str
    share: str
    range: str
    was: str
    chance: str


@dataclass(frozen=True, kw_only=True)
class SliceTable:
    title: str
    note: str
    has_was: bool
    rows: tuple[SliceRow, ...]


@dataclass(frozen=True, kw_only=True)
class CellView:
    """`query`: of the page with its messages; empty where none may be shown. `says`: what a screen reader says."""

    n: int
    says: str
    is_right: bool
    query: str = ""


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """`rows`: what was meant, and a cell for each of `columns`, None where nothing was read so. `most`: wrong ones."""

    of: str
    n: int
    is_frozen: bool
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[CellView | None, ...]], ...]
    most: tuple[CellView, ...]


@dataclass(frozen=True, kw_only=True)
class Dot:
    x: float
    y: float


@dataclass(frozen=True, kw_only=True)
class Curve:
    """`name`: danger or wishes. `off`: by how much on average, in 100. `dots`: of `bins`, each of which holds some."""

    name: str
    n: int
    off: str
    bins: tuple[Bin, ...]
    dots: tuple[Dot, ...]


@dataclass(frozen=True, kw_only=True)
class NotLearned:
    """A row that is not read as it was taught."""

    item: ShownItem
    taught: str
    read: str


@dataclass(frozen=True, kw_only=True)
class EvaluationView:
    lines: tuple[Line, ...]
    slices: tuple[SliceTable, ...]
    matrices: tuple[Matrix, ...]
    curves: tuple[Curve, ...]


def view_evaluation(found: ModelEvaluation, words: Words) -> EvaluationView:
    return EvaluationView(
        lines=tuple(_line(each, words) for each in found.figures),
        slices=tuple(_slice(each, words) for each in found.slicings),
        matrices=tuple(_matrix(each, words) for each in found.confusions),
        curves=tuple(_curve(each) for each in found.calibrations),
    )


def read_evaluation(tx: SqlTransaction, model_id: str, words: Words) -> dict[str, Any]:
    """What a model's own page tells of it."""
    found = tx.evaluations.find_details(model_id)
    taught = found.taught if found else None
    return {
        "has_evaluation": found is not None,
        "taught": tell_taught(found, words) if found else "",
        "not_learned": len(taught.wrong) if taught else 0,
    }


def tell_taught(found: ModelEvaluation, words: Words) -> str:
    """`Read as taught: 38 of 41`, or that nothing was newly taught. Empty where trainers taught it nothing."""
    if found.taught is None:
        return ""
    say = words["wb_taught"]
    if not found.taught.n:
        return str(say["nothing_new"])
    return str(say["read"]).format(right=found.taught.right, n=found.taught.n)


def list_not_learned(tx: SqlTransaction, found: ModelEvaluation, words: Words) -> list[NotLearned]:
    wrong = found.taught.wrong if found.taught else ()
    items = evaluations.list_items(tx, [ReadItem(row=each.row) for each in wrong])
    return [
        NotLearned(item=item, taught=name_label(each.taught, words), read=name_label(each.read, words))
        for item, each in zip(items, wrong, strict=True)
    ]


def name_label(name: str, words: Words) -> str:
    """A category, a wish, or what an evaluation calls danger."""
    own = words["wb_read_as"].get(name) or words["wb_labels"].get(name)
    return str(own or plain_words(name))


def _line(figure: Paired, words: Words) -> Line:
    say, title = words["wb_checks"], words["wb_figures"][figure.name]
    if not figure.n:
        return Line(says=f"{title}: {say['not_measured']}", range="", chance="")
    low, high = wilson(figure.wrong, figure.n)
    was = "" if figure.was is None else " " + str(say["was"]).format(was=figure.was)
    return Line(
        says=f"{title}: {figure.wrong} {say['of']} {figure.n}{was}",
        range=str(say["range"]).format(low=f"{100 * low:.1f}", high=f"{100 * high:.1f}"),
        chance=tell_chance(figure.newly_right, figure.newly_wrong, words),
    )


def _slice(slicing: Slicing, words: Words) -> SliceTable:
    say = words["wb_slices"]
    return SliceTable(
        title=str(say[f"{slicing.of}_by_{slicing.by}"]),
        note=str(say["own_alone"]) if slicing.by in ("channel", "language") else "",
        has_was=any(row.was is not None for row in slicing.rows),
        rows=tuple(_slice_row(slicing.by, row, words) for row in slicing.rows),
    )


def _slice_row(by: str, row: Paired, words: Words) -> SliceRow:
    say = words["wb_slices"]
    is_enough = row.n >= LEAST_N
    low, high = wilson(row.wrong, row.n)
    return SliceRow(
        name=_name_slice(by, row.name, words),
        wrong=f"{row.wrong} {words['wb_checks']['of']} {row.n}",
        share=f"{100 * row.wrong / row.n:.1f}" if is_enough else "",
        range=str(say["range"]).format(low=f"{100 * low:.1f}", high=f"{100 * high:.1f}")
        if is_enough
        else str(say["too_few"]),
        was="" if row.was is None else str(row.was),
        chance=tell_chance(row.newly_right, row.newly_wrong, words),
    )


def _name_slice(by: str, name: str, words: Words) -> str:
    if by == "channel":
        return str(words["channels"].get(name, name))
    if by == "language":
        return str(words["languages"].get(name, name))
    return str(words["wb_gate_of"].get(f"{by} {name}") or plain_words(name))


def _matrix(confusion: Confusion, words: Words) -> Matrix:
    meant = sorted({cell.meant for cell in confusion.cells}, key=_danger_first)
    read = sorted({cell.read for cell in confusion.cells} | set(meant), key=_danger_first)
    views = {(cell.meant, cell.read): _cell(cell, confusion.of, words) for cell in confusion.cells}
    wrong = [cell for cell in confusion.cells if not cell.is_right]
    wrong.sort(key=lambda cell: (cell.meant != URGENT, -cell.n))
    return Matrix(
        of=confusion.of,
        n=confusion.n,
        is_frozen=confusion.of == TEST,
        columns=tuple(name_label(each, words) for each in read),
        rows=tuple(
            (name_label(row, words), tuple(views.get((row, column)) for column in read)) for row in meant
        ),
        most=tuple(views[cell.meant, cell.read] for cell in wrong[:MOST_CONFUSED]),
    )


def _danger_first(name: str) -> tuple[bool, bool, str]:
    return name != URGENT, name != LOOKED_AT, name


def _cell(cell: Cell, of: str, words: Words) -> CellView:
    said = str(words["wb_confusion"]["right" if cell.is_right else "wrong"])
    query = urlencode({"of": of, "meant": cell.meant, "read": cell.read}) if cell.items else ""
    return CellView(
        n=cell.n,
        says=said.format(n=cell.n, meant=name_label(cell.meant, words), read=name_label(cell.read, words)),
        is_right=cell.is_right,
        query=query,
    )


def _curve(calibration: Calibration) -> Curve:
    return Curve(
        name=calibration.title,
        n=calibration.n,
        off="" if calibration.error is None else f"{100 * calibration.error:.1f}",
        bins=tuple(each for each in calibration.bins if each.n),
        dots=tuple(_list_dots(calibration)),
    )


def _list_dots(calibration: Calibration) -> Iterator[Dot]:
    for each in calibration.bins:
        if each.said is not None and each.was is not None:
            yield Dot(x=round(LEFT + SIDE * each.said, 1), y=round(TOP + SIDE * (1 - each.was), 1))
