"""Noticing that a child writes, from an age or a school year in plain words."""

import re

YOUNGEST, OLDEST = 5, 15
OLDEST_YEAR = 10  # at school; in year 11 some are 16

_SAID = re.compile(
    r"\b(?:i ?a?'?m|my age is|i'?m aged)\s+(?:only |just )?(\d{1,2})\b"
    r"(?!\s*(?:%|[:.,/-]\d|p\b|pm\b|am\b|k\b|miles?|mins?\b|minutes?|hours?|hrs?\b|days?|weeks?|wks?\b|months?"
    r"|metres?|quid|pounds?|stone|th\b|of\b|times?|doors?|y(?:ea)?rs?\b))",
    re.I,
)
_OLD = re.compile(
    r"\b(?:i'?m|i am|im)\s+(?:only |just |a )?(\d{1,2})\s*(?:yo\b|y/o\b|(?:yrs?|years?)[ -]?old\b)", re.I
)
_YEAR = re.compile(r"\b(?:i'?m|i am|im)\s+(?:only |just )?in\s+(?:yr|year)\s*(\d{1,2})\b", re.I)


def is_from_child(text: str) -> bool:
    """Whether the writer says they are under 16. Somebody else's age, a distance or a time is not meant."""
    readable = text.replace("\u2019", "'")
    ages = [int(found) for pattern in (_OLD, _SAID) for found in pattern.findall(readable)]
    years = [int(found) for found in _YEAR.findall(readable)]
    return any(YOUNGEST <= age <= OLDEST for age in ages) or any(1 <= year <= OLDEST_YEAR for year in years)
