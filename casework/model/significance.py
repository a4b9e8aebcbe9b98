"""Whether a share, or a difference of two models on the same messages, could be chance."""

import math
from collections.abc import Iterable

Z = 1.959964  # 95 % of a normal distribution
PROBABLY_NOT_CHANCE = 0.05
_IN_WORDS = {True: "Probably not chance.", False: "Could be chance."}


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of the share `hits` of `n` (above 0), each end 0 to 1."""
    middle, spread = hits / n, Z * Z / n
    centre = (middle + spread / 2) / (1 + spread)
    half = Z * math.sqrt(middle * (1 - middle) / n + spread / (4 * n)) / (1 + spread)
    return max(0.0, centre - half), min(1.0, centre + half)


def count_changes(now: Iterable[bool], was: Iterable[bool]) -> tuple[int, int]:
    """How many items are newly right, and how many newly wrong. `now`, `was`: of each, in order, whether it is right.

    Raises ValueError where one of the two has more.
    """
    pairs = list(zip(now, was, strict=True))
    return pairs.count((True, False)), pairs.count((False, True))


def mcnemar(newly_right: int, newly_wrong: int) -> float:
    """The exact two-sided p of McNemar's test: how likely so uneven a split is, were either as likely as the other.

    Messages on which both models are right, or both wrong, say nothing and are not counted. 1 where none differs.
    """
    return min(1.0, 2 * _tail(newly_right + newly_wrong, min(newly_right, newly_wrong)))


def chance_of_worse(newly_right: int, newly_wrong: int) -> float:
    """The exact one-sided p: how likely so many newly wrong, or more, are among as many that differ, were it chance.

    1 where none is newly wrong. One more newly wrong, or one fewer newly right, never makes it greater.
    """
    return _tail(newly_right + newly_wrong, newly_right)


def _tail(differing: int, most: int) -> float:
    """How likely at most so many heads are in that many throws of a coin."""
    # Whole numbers up to the one division: powers as floats overflow at a thousand messages.
    return sum(math.comb(differing, k) for k in range(most + 1)) / (1 << differing)


def chance_in_words(newly_right: int, newly_wrong: int) -> str:
    return _IN_WORDS[mcnemar(newly_right, newly_wrong) < PROBABLY_NOT_CHANCE]
