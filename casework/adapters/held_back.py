"""What is left of a value once the words that are held back are taken out, wherever else they stand.

The same words come in many rows: a message is in its provider's form, in what the officer was sent, in a sentence
made of it. So what is held back in one row is taken out of all; only short words are left alone elsewhere.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from casework.model.access_requests import RestrictionReason, Verdict
from casework.services.access_ports import AccessItem
from casework.services.access_requests import match_words

MARK = "[held back]"
# Shorter ones are ordinary words ("Sam", "yes") that would go from places nobody decided about.
SHORTEST_ELSEWHERE = 4
SHORTEST_WHOLE_ELSEWHERE = 12


@dataclass(frozen=True, kw_only=True)
class HeldBack:
    """`whole`: keys of rows held back; `untold`: those of them nobody is told of; `counts` is of the told alone."""

    whole: frozenset[str]
    untold: frozenset[str]
    counts: dict[RestrictionReason, int]
    own: dict[str, re.Pattern[str]] = field(repr=False)
    everywhere: re.Pattern[str] | None = field(repr=False)

    def clean(self, value: Any, *, key: str) -> Any:
        """JSON of the row `key` without the words held back there or anywhere."""
        if isinstance(value, str):
            for pattern in (self.own.get(key), self.everywhere):
                value = value if pattern is None else pattern.sub(MARK, value)
            return value
        if isinstance(value, list):
            return [self.clean(each, key=key) for each in value]
        if isinstance(value, dict):
            return {name: self.clean(each, key=key) for name, each in value.items()}
        return value


def find_held_back(items: Sequence[AccessItem]) -> HeldBack:
    """Of the decisions as they stand; what is not looked at is nobody's decision here."""
    held = [
        (item, item.decision)
        for item in items
        if item.decision is not None and item.decision.verdict is Verdict.HOLD_BACK
    ]
    whole = frozenset(item.key for item, decision in held if decision.spans is None)
    own: dict[str, re.Pattern[str]] = {}
    everywhere: set[str] = set()
    for item, decision in held:
        if decision.spans is None:
            everywhere |= {text for text in item.texts.values() if len(text) >= SHORTEST_WHOLE_ELSEWHERE}
            continue
        words = {
            item.texts[name][start:end] for name, places in decision.spans.items() for start, end in places
        }
        own[item.key] = _match_any(words)
        everywhere |= {each for each in words if len(each) >= SHORTEST_ELSEWHERE}
    counts: dict[RestrictionReason, int] = {}
    for _, decision in held:
        if decision.reason is not None and decision.is_told:
            counts[decision.reason] = counts.get(decision.reason, 0) + 1
    return HeldBack(
        whole=whole,
        untold=frozenset(item.key for item, decision in held if not decision.is_told),
        counts={reason: counts[reason] for reason in sorted(counts)},
        own=own,
        everywhere=_match_any(everywhere) if everywhere else None,
    )


def _match_any(words: set[str]) -> re.Pattern[str]:
    """The longest first: a name within a longer one leaves no rest of it behind."""
    ordered = sorted(words, key=lambda each: (-len(each), each))
    return re.compile("|".join(match_words(each).pattern for each in ordered), re.IGNORECASE)
