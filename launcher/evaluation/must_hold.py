"""What the figures are called and what must hold of them."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from launcher.evaluation.figures import Figure

FIGURES_FILE = Path(__file__).with_name("figures.toml")
MOST_FALL_UNDER_TYPOS = 0.04


@dataclass(frozen=True, kw_only=True)
class Bar:
    """What a figure is called and, where it has one, the limit it must keep (a share, 0 to 1)."""

    key: str
    title: str
    at_least: float | None = None
    at_most: float | None = None

    @property
    def is_set(self) -> bool:
        return self.at_least is not None or self.at_most is not None

    def says(self) -> str:
        if self.at_most == 0:
            return "none"
        if self.at_most is not None:
            return f"at most {100 * self.at_most:g} %"
        return f"at least {100 * (self.at_least or 0):g} %"

    def is_met(self, figure: Figure) -> bool | None:
        """None where there was nothing to measure."""
        if figure.value is None:
            return None
        if self.at_most is not None:
            return figure.value <= self.at_most
        return self.at_least is None or figure.value >= self.at_least

    def fall(self, plain: Figure, typed: Figure) -> float:
        """By how much the figure is worse with typos, as a share; below 0 where it is better."""
        if plain.value is None or typed.value is None:
            return 0.0
        return typed.value - plain.value if self.at_most is not None else plain.value - typed.value


@dataclass(frozen=True, kw_only=True)
class Held:
    """One line of the table: what must hold, what was found, and whether it holds (None: not measured)."""

    title: str
    must: str
    found: str
    is_met: bool | None


@cache
def load_bars() -> Mapping[str, Bar]:
    table = tomllib.loads(FIGURES_FILE.read_text(encoding="utf-8"))
    return {key: Bar(key=key, **row) for key, row in table.items()}


def check_all(plain: Mapping[str, Figure], typed: Mapping[str, Figure] | None) -> list[Held]:
    """Every bar against the figures, and the loss under typos if it was measured."""
    bars = [bar for bar in load_bars().values() if bar.is_set]
    held = [
        Held(
            title=bar.title,
            must=bar.says(),
            found=in_words(plain[bar.key]),
            is_met=bar.is_met(plain[bar.key]),
        )
        for bar in bars
    ]
    return [*held, _loss_under_typos(bars, plain, typed)]


def _loss_under_typos(
    bars: list[Bar], plain: Mapping[str, Figure], typed: Mapping[str, Figure] | None
) -> Held:
    title, must = "loss of any of these under 8 % typos", f"at most {100 * MOST_FALL_UNDER_TYPOS:g} points"
    if typed is None:
        return Held(title=title, must=must, found="not measured (--typos)", is_met=None)
    worst = max(bars, key=lambda bar: bar.fall(plain[bar.key], typed[bar.key]))
    fall = worst.fall(plain[worst.key], typed[worst.key])
    found = f"{100 * fall:.1f} points: {worst.title}"
    return Held(title=title, must=must, found=found, is_met=fall <= MOST_FALL_UNDER_TYPOS)


def in_words(figure: Figure) -> str:
    """`1 of 217, 0.5 % (0.1 to 2.6)`; the name of a slice after it where the figure has one."""
    if figure.value is None:
        return "not measured (no such messages)"
    if figure.hits is None or figure.interval is None:
        return f"{100 * figure.value:.1f} % (n {figure.n})"
    low, high = figure.interval
    words = f"{figure.hits} of {figure.n}, {100 * figure.value:.1f} % ({100 * low:.1f} to {100 * high:.1f})"
    return f"{words}: {figure.note}" if figure.note else words
