"""Dates, times, amounts and ages: what the meaning of a message needs, so that no other shape may swallow them."""

import re
from collections.abc import Container
from dataclasses import dataclass

from casework.model.masking.birth_dates import find_birth_dates
from casework.model.masking.calendar_words import DATES, SPOKEN_DATE, YEAR
from casework.model.masking.views import Found, View

# A year alone is protected beside another: "2023-2024" is no number of anything.
_YEARS = re.compile(rf"(?<![0-9]){YEAR}(?:\s{{0,2}}[-/,]?\s{{0,2}}{YEAR}){{1,3}}(?![0-9])(?![-. ][0-9])")
_TIMES = re.compile(
    r"(?<![0-9:])(?:[01]?[0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?(?![0-9:])"
    r"|(?<![0-9.])(?:[01]?[0-9]|2[0-3])(?:[.:][0-5][0-9])?\s?(?:am|pm|a\.m|p\.m)(?![a-z])"
    r"|(?<![0-9])(?:[01][0-9]|2[0-3])[0-5][0-9]\s?(?:hrs|hours|h)(?![a-z])"
)
_AMOUNTS = re.compile(
    r"[£$€]\s?[0-9]{1,12}(?:[, ][0-9]{3}){0,4}(?:\.[0-9]{1,2})?(?:\s?(?:k|m|grand|quid|pounds?))?(?![0-9])"
    r"|(?<![0-9.,])[0-9]{1,9}(?:,[0-9]{3}){0,3}(?:\.[0-9]{1,2})?\s?"
    r"(?:pounds?|quid|grand|gbp|euros?|pence|miles?|metres?|steps|followers)(?![a-z])"
    # Not "07700 900,847".
    r"|(?<![0-9,])(?<![0-9][\s.-])[0-9]{1,3}(?:,[0-9]{3}){1,3}(?![0-9,])"
)
_AGES = re.compile(
    r"(?<![0-9])(?:aged?|turned|is|are|im|i'm)\s[1-9][0-9]?(?:\s{0,2}(?:,|and"
    r"|&)\s{0,2}[1-9][0-9]?){0,4}(?![ ]?[0-9/-])"
    r"|(?<![0-9])[0-9]{1,2}\s?(?:yrs?|years?|yo|y/o|months?|mths?|weeks?|days?)(?![a-z])"
)


@dataclass(frozen=True, kw_only=True)
class Dates:
    """What of a text is a time or a sum. `kept`: spans of the view that stay, births among them, which are hidden."""

    born: tuple[Found, ...]
    kept: tuple[tuple[int, int], ...]


def read_dates(view: View, plain_words: Container[str] = ()) -> Dates:
    """`plain_words`: ordinary words, which are no month of another language."""
    born = find_birth_dates(view, plain_words)
    spans = (*find_protected(view), *((one.start, one.end) for one in born))
    return Dates(born=tuple(born), kept=spans)


def find_protected(view: View) -> list[tuple[int, int]]:
    """Spans of the view that stay as they are, unless they are a date of birth."""
    patterns = (*DATES, SPOKEN_DATE, _YEARS, _TIMES, _AMOUNTS, _AGES)
    return [found.span() for pattern in patterns for found in pattern.finditer(view.lower)]
