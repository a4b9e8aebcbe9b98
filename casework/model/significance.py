"""Whether a share, or a difference of two models on the same messages, could be chance."""

import math

Z = 1.959964  # 95 % of a normal distribution
PROBABLY_NOT_CHANCE = 0.05
_IN_WORDS = {True: "Probably not chance.", False: "Could be chance."}


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of the share `hits` of `n` (above 0), each end 0 to 1."""
    middle, spread = hits / n, Z * Z / n
    centre = (middle + spread / 2) / (1 + spread)
    half = Z * math.sqrt(middle * (1 - middle) / n + spread / (4 * n)) / (1 + spread)
    return max(0.0, centre - half), min(1.0, centre + half)


def mcnemar(newly_right: int, newly_wrong: int) -> float:
    """The exact two-sided p of McNemar's test: how likely so uneven a split is, were either as likely as the other.

    Messages on which both models are right, or both wrong, say nothing and are not counted. 1 where none differs.
    """
    differing = newly_right + newly_wrong
    fewer = min(newly_right, newly_wrong)
    tail = sum(math.comb(differing, k) for k in range(fewer + 1))
    # Whole numbers up to the one division: powers as floats overflow at a thousand messages.
    return min(1.0, 2 * tail / (1 << differing))


def chance_in_words(newly_right: int, newly_wrong: int) -> str:
    return _IN_WORDS[mcnemar(newly_right, newly_wrong) < PROBABLY_NOT_CHANCE]
