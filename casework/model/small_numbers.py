"""Counts of few people, hidden: also where the others beside them would give them away."""

from collections.abc import Hashable, Mapping
from typing import TypeVar

FEWEST_SHOWN = 5
"""Fewer than this many people are a person."""

Key = TypeVar("Key", bound=Hashable)


def hide_small(counts: Mapping[Key, int]) -> dict[Key, int | None]:
    """Counts that add up to a number known elsewhere, with None for 1 to 4. Nought is nobody, and is shown.

    One hidden count, or several that come to fewer than five together, could be reckoned from the others: then the
    next smallest is hidden too.
    """
    hidden = {key for key, count in counts.items() if 0 < count < FEWEST_SHOWN}
    while hidden and (len(hidden) < 2 or sum(counts[key] for key in hidden) < FEWEST_SHOWN):
        shown = [key for key, count in counts.items() if key not in hidden and count]
        if not shown:
            break
        hidden.add(min(shown, key=lambda key: counts[key]))
    return {key: None if key in hidden else count for key, count in counts.items()}


def share_of(part: int, whole: int) -> float | None:
    """A percentage; None where it would give away fewer than five, on either side."""
    few = range(1, FEWEST_SHOWN)
    if whole < FEWEST_SHOWN or part in few or whole - part in few:
        return None
    return 100 * part / whole
