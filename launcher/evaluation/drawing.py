"""Line drawings as SVG text: both axes from 0 to 100 %."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from markupsafe import Markup

LEFT, TOP, WIDTH, HEIGHT = 48, 14, 320, 200
STYLES = (("#12304a", ""), ("#b04a00", "7 4"), ("#5a6670", "2 3"))

Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Series:
    """Points with x and y from 0 to 1, in the order they are joined."""

    name: str
    points: Sequence[Point]


@dataclass(frozen=True, kw_only=True)
class Mark:
    """An upright line at x (0 to 1) with its name."""

    name: str
    x: float


def draw_lines(series: Sequence[Series], *, title: str, x_axis: str, marks: Sequence[Mark] = ()) -> Markup:
    """At most three series, told apart by colour and by dash, each named under the drawing."""
    bottom, right = TOP + HEIGHT, LEFT + WIDTH
    height = bottom + 42 + 16 * len(series)
    parts = [
        f'<svg viewBox="0 0 {right + 16} {height}" role="img" aria-label="{escape(title)}">',
        *_axes(bottom, right, x_axis),
    ]
    for place, (one, style) in enumerate(zip(series, STYLES, strict=False)):
        parts += _series(one, style, y_of_name=bottom + 52 + 16 * place)
    for place, mark in enumerate(marks):
        parts += _mark(mark, place, bottom)
    return Markup("\n".join([*parts, "</svg>"]))


def _axes(bottom: int, right: int, x_axis: str) -> Iterable[str]:
    for step in range(0, 101, 25):
        x, y = _at(step / 100, step / 100)
        yield f'<path class="grid" d="M{LEFT} {y:.1f}H{right}M{x:.1f} {TOP}V{bottom}"/>'
        yield f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{step} %</text>'
        yield f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{step / 100:g}</text>'
    yield f'<text x="{(LEFT + right) / 2}" y="{bottom + 32}" text-anchor="middle">{escape(x_axis)}</text>'


def _mark(mark: Mark, place: int, bottom: int) -> Iterable[str]:
    x, _ = _at(mark.x, 0)
    anchor, shift = ("end", -4) if mark.x > 0.8 else ("start", 4)
    yield f'<path class="mark" d="M{x:.1f} {TOP}V{bottom}"/>'
    yield (
        f'<text class="mark-name" x="{x + shift:.1f}" y="{bottom - 8 - 14 * place}" '
        f'text-anchor="{anchor}">{escape(mark.name)}</text>'
    )


def _series(one: Series, style: tuple[str, str], *, y_of_name: int) -> Iterable[str]:
    colour, dash = style
    look = f'fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"'
    path = "L".join("{:.1f} {:.1f}".format(*_at(x, y)) for x, y in one.points)
    if path:
        yield f'<path {look} d="M{path}"/>'
    yield f'<path {look} d="M{LEFT} {y_of_name - 4}h36"/>'
    yield f'<text x="{LEFT + 44}" y="{y_of_name}">{escape(one.name)}</text>'


def _at(x: float, y: float) -> tuple[float, float]:
    return LEFT + WIDTH * x, TOP + HEIGHT * (1 - y)
