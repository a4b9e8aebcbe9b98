"""What a finder of details finds, and the pieces of pattern they share."""

from collections.abc import Iterable
from dataclasses import dataclass

GAP = r"(?:\s{1,3})"
# Not inside a word, a longer number, a sum of money or a reference.
NOT_AFTER = r"(?<![\w/.\-:£$€'\u2019])"
LOOKED_BACK = 40
UNIT = (
    r"(?:am|pm|%|hours?|hrs?|mins?|minutes?|days?|wks?|weeks?|months?|mths?|yrs?|years?|times?|x\b|of\b|people|men|lads"
    r"|kids|miles?|quid|pounds?|grand|k\b|ft|foot|feet|stone|doors?|p\b|percent)"
)


@dataclass(frozen=True)
class Detail:
    """`value` is ISO for a sure date, E.164 for a number, years for an age; offsets are into the text read."""

    entity: str
    value: str
    start: int
    end: int


def any_of(words: Iterable[str]) -> str:
    """Alternatives, longest first so that none is cut short by another."""
    ordered = sorted(words, key=len, reverse=True)
    return "(?:" + "|".join(word.replace(" ", r"[\s\-]") for word in ordered) + ")"
