"""Bars drawn on the server: figures in a table become lengths, and nothing is told by length or colour alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from casework.services.measures import Cell

WIDTH = 640
LABEL_WIDTH = 190
VALUE_WIDTH = 130
ROW_HEIGHT = 30
BAR_HEIGHT = 18
TOP = 8


@dataclass(frozen=True, kw_only=True)
class Bar:
    """`length` is 0 where the figure is hidden or there is none; `value` is what stands at its end."""

    label: str
    value: str
    length: float
    y: int
    mark: float | None  # where a target or a comparison stands, from the left of the picture


@dataclass(frozen=True, kw_only=True)
class Chart:
    name: str
    width: int
    height: int
    bar_from: int
    bar_height: int
    bars: tuple[Bar, ...]


@dataclass(frozen=True, kw_only=True)
class Figure:
    label: str
    number: Cell
    shown: str
    mark: float | None = None


def draw_bars(name: str, figures: Sequence[Figure], *, whole: float | None = None) -> Chart:
    """A bar a figure, one below the other. `whole`: what the full width stands for; else the largest figure."""
    numbers = [each.number for each in figures if isinstance(each.number, int | float)]
    marks = [each.mark for each in figures if each.mark is not None]
    largest = whole or max([*numbers, *marks], default=0) or 1
    room = WIDTH - LABEL_WIDTH - VALUE_WIDTH
    bars = tuple(
        Bar(
            label=each.label,
            value=each.shown,
            length=round(room * each.number / largest, 1) if isinstance(each.number, int | float) else 0.0,
            y=TOP + place * ROW_HEIGHT,
            mark=None if each.mark is None else round(LABEL_WIDTH + room * each.mark / largest, 1),
        )
        for place, each in enumerate(figures)
    )
    height = TOP * 2 + len(figures) * ROW_HEIGHT
    return Chart(
        name=name, width=WIDTH, height=height, bar_from=LABEL_WIDTH, bar_height=BAR_HEIGHT, bars=bars
    )
