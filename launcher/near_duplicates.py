"""What the written corpus is held to beside its format (`bot/corpus.py`): no message is nearly another."""

import re
from collections import defaultdict
from collections.abc import Iterable

from bot.corpus import Example

SHINGLE = 4
TOO_ALIKE = 0.6


def find_near_duplicates(examples: Iterable[Example]) -> list[tuple[Example, Example]]:
    """Pairs (later, earlier) that share too many letter groups to count as two messages.

    Jaccard index over 4-letter groups of the letters alone; 0.6 and more is the same message again.
    """
    seen: dict[str, list[int]] = defaultdict(list)
    kept: list[tuple[Example, frozenset[str]]] = []
    pairs = []
    for example in examples:
        groups = _letter_groups(example.text)
        near = _nearest(groups, seen, kept)
        if near is not None:
            pairs.append((example, kept[near][0]))
            continue
        for group in groups:
            seen[group].append(len(kept))
        kept.append((example, groups))
    return pairs


def _nearest(
    groups: frozenset[str], seen: dict[str, list[int]], kept: list[tuple[Example, frozenset[str]]]
) -> int | None:
    shared: dict[int, int] = defaultdict(int)
    for group in groups:
        for index in seen.get(group, ()):
            shared[index] += 1
    for index, count in shared.items():
        if count / (len(groups) + len(kept[index][1]) - count) >= TOO_ALIKE:
            return index
    return None


def _letter_groups(text: str) -> frozenset[str]:
    letters = re.sub(r"[^a-z0-9]+", " ", text.casefold()).strip()
    if len(letters) < 2 * SHINGLE:
        return frozenset({f"={letters}"})
    return frozenset(letters[i : i + SHINGLE] for i in range(len(letters) - SHINGLE + 1))
