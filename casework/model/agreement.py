"""How far two people who labelled the same messages, unseen by each other, agree."""

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

FEWEST_ITEMS = 10
"""Of fewer doubly labelled items nothing is told: it would be about two people and an afternoon."""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """`raw`: the share of equal labels, 0 to 1. `kappa`: Cohen's, -1 to 1, with chance taken away.

    Both None under `FEWEST_ITEMS`; `kappa` is None too where both gave one and the same label throughout: then chance
    alone explains everything and it has no value.
    """

    n: int
    raw: float | None
    kappa: float | None


def find_agreement(pairs: Sequence[tuple[Hashable, Hashable]]) -> Agreement:
    """`pairs`: of each item the one's label and the other's, always in the same order of people.

    Cohen, J. (1960), A coefficient of agreement for nominal scales, Educational and Psychological Measurement 20.
    """
    n = len(pairs)
    if n < FEWEST_ITEMS:
        return Agreement(n=n, raw=None, kappa=None)
    agreed = sum(one == other for one, other in pairs)
    firsts, seconds = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    # Times n * n, in whole numbers: nothing is lost to rounding before the one division.
    by_chance = sum(count * seconds[label] for label, count in firsts.items())
    kappa = (n * agreed - by_chance) / (n * n - by_chance) if by_chance != n * n else None
    return Agreement(n=n, raw=agreed / n, kappa=kappa)


def find_agreement_on(label: Hashable, pairs: Sequence[tuple[Hashable, Hashable]]) -> Agreement:
    """As `find_agreement`, of one label against all others."""
    return find_agreement([(one == label, other == label) for one, other in pairs])
