"""The Mann-Whitney U test, two-sided, by its normal approximation with ties corrected: are these times of one kind?

Source: H. B. Mann and D. R. Whitney, Annals of Mathematical Statistics 18 (1947); the correction as in any textbook.
"""

import math
from collections import Counter
from collections.abc import Sequence


def get_p_value(ones: Sequence[float], others: Sequence[float]) -> float:
    """How likely ranks so far apart are where nothing differs. For twenty or more of each."""
    ranks = _rank([*ones, *others])
    n, m = len(ones), len(others)
    u = sum(ranks[:n]) - n * (n + 1) / 2
    ties = sum(count**3 - count for count in Counter(ranks).values())
    variance = n * m / 12 * (n + m + 1 - ties / ((n + m) * (n + m - 1)))
    if variance == 0:
        return 1.0
    z = max(0.0, abs(u - n * m / 2) - 0.5) / math.sqrt(variance)
    return math.erfc(z / math.sqrt(2))


def _rank(values: Sequence[float]) -> list[float]:
    """The place of each value, from 1; equal values share the middle of their places."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end < len(order) and values[order[end]] == values[order[start]]:
            end += 1
        for place in order[start:end]:
            ranks[place] = (start + 1 + end) / 2
        start = end
    return ranks
