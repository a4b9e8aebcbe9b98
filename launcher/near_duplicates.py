"""What the written corpus is held to beside its format (`bot/corpus.py`): no message is nearly another."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from bot.corpus import Example
from casework.model.teaching_texts import TOO_ALIKE, letter_groups

RARE_SHARED = 4
FEW_GROUPS = 12


def find_near_duplicates(examples: Iterable[Example]) -> list[tuple[Example, Example]]:
    """Pairs (later, earlier) that share too many letter groups to count as two messages.

    Jaccard index over 4-letter groups of the letters alone; 0.6 and more is the same message again. Two sets that
    alike share four of the rarest groups of each, so only those are counted (prefix filter: Wang et al. 2012).
    """
    groups_of = [(example, letter_groups(example.text)) for example in examples]
    uses = Counter(group for _, groups in groups_of for group in groups)
    having: dict[str, list[int]] = defaultdict(list)
    kept: list[tuple[Example, frozenset[str]]] = []
    pairs = []
    for example, groups in groups_of:
        rarest, shared = _rarest(groups, uses)
        counts = Counter(chain.from_iterable(having[group] for group in rarest))
        near = _find_alike(groups, (index for index, count in counts.items() if count >= shared), kept)
        if near is not None:
            pairs.append((example, near))
            continue
        for group in rarest:
            having[group].append(len(kept))
        kept.append((example, groups))
    return pairs


def _rarest(groups: frozenset[str], uses: Mapping[str, int]) -> tuple[list[str], int]:
    """The groups to look another set up by, and how many of them it must have; of a small set all of them and one."""
    if len(groups) < FEW_GROUPS:
        return list(groups), 1
    count = len(groups) - math.ceil(TOO_ALIKE * len(groups)) + RARE_SHARED
    return sorted(groups, key=lambda group: (uses[group], group))[:count], RARE_SHARED


def _find_alike(
    groups: frozenset[str], candidates: Iterable[int], kept: Sequence[tuple[Example, frozenset[str]]]
) -> Example | None:
    for index in candidates:
        example, others = kept[index]
        shared = len(groups & others)
        if shared >= TOO_ALIKE * (len(groups) + len(others) - shared):
            return example
    return None
