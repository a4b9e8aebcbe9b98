"""The figures of `./waymark bench all` as bars: one SVG that is readable on a light page and on a dark one."""

from html import escape
from pathlib import Path

from launcher.bench_report import FLOOR, OURS, STOCK, Report, Row, show

PICTURE = Path("docs/pictures/performance.svg")
WIDTH, LEFT, RIGHT = 720, 250, 90
BAR, GAP, BETWEEN, TOP = 14, 3, 18, 46
NAMES = ((OURS, "ours"), (STOCK, "stock"), (FLOOR, "floor"))
STYLE = """\
text{font:13px system-ui,sans-serif;fill:#1f2933}
.ours{fill:#1d5f8a}.stock{fill:#b65c1a}.floor{fill:#7b8794}
@media (prefers-color-scheme:dark){text{fill:#e4e7eb}.ours{fill:#6db3e0}.stock{fill:#f0a35e}.floor{fill:#9aa5b1}}
"""


def draw(report: Report) -> str:
    """Every drawn row by itself: its longest bar fills the width, and each bar says its figure."""
    rows = [row for part in report.parts for row in part.rows if row.drawn]
    parts, y = _legend(), TOP
    for row in rows:
        drawn, y = _row(row, y)
        parts += drawn
    words = "; ".join(_spoken(row) for row in rows)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" role="img" '
        f'aria-label="{escape(words)}">'
    )
    return "\n".join([head, f"<style>{STYLE}</style>", *parts, "</svg>", ""])


def _legend() -> list[str]:
    parts = []
    for place, (name, kind) in enumerate(NAMES):
        x = LEFT + 130 * place
        parts.append(f'<rect class="{kind}" x="{x}" y="12" width="12" height="12"/>')
        parts.append(f'<text x="{x + 18}" y="23">{name}</text>')
    return parts


def _row(row: Row, y: int) -> tuple[list[str], int]:
    longest = max((each for each in row.figures if each is not None), default=0.0) or 1.0
    parts = [f'<text x="{LEFT - 10}" y="{y + 11}" text-anchor="end">{escape(row.name)}</text>']
    if row.unit:
        parts.append(f'<text x="{LEFT - 10}" y="{y + 27}" text-anchor="end">{escape(row.unit)}</text>')
    lowest = y + 2 * (BAR + GAP)
    for (_, kind), figure in zip(NAMES, row.figures, strict=True):
        if figure is None:
            continue
        width = max(1.0, (WIDTH - LEFT - RIGHT) * figure / longest)
        parts.append(f'<rect class="{kind}" x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR}"/>')
        parts.append(f'<text x="{LEFT + width + 6:.1f}" y="{y + 11}">{show(figure)}</text>')
        y += BAR + GAP
    return parts, max(y, lowest) + BETWEEN


def _spoken(row: Row) -> str:
    told = [
        f"{name} {show(each)}" for (name, _), each in zip(NAMES, row.figures, strict=True) if each is not None
    ]
    return f"{row.name} {row.unit}: {', '.join(told)}"
