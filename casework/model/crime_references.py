"""Finding one crime reference in what a person typed, and writing it one way.

A reference finds a case and never proves who asks: they are printed in public appeals and run in sequence.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

_SEP = r"[\s./,_\\-]"
_ELEVEN_DIGITS = rf"(?:{_SEP}{{0,3}}[0-9]){{%d}}(?![0-9])"
# A digit, plus or pound sign just before means this is the tail of something else: a phone number, a sum.
_START = r"(?<![0-9+£])"


@dataclass(frozen=True, kw_only=True)
class ReferenceFormat:
    """How one force writes its references. `example` is for people: it matches, and names no real crime."""

    force: str
    pattern: re.Pattern[str]
    canonical: Callable[[re.Match[str]], str]
    example: str


def _digits_only(found: re.Match[str]) -> str:
    return re.sub(r"[^0-9]", "", found.group())


def _with_slashes(found: re.Match[str]) -> str:
    return f"42/{int(found['number'])}/{found['year']}"


# Every quantifier is bounded, so a hostile text costs no more than its length. Years stop at 49: beyond that
# lie phone numbers typed without their plus (44 77...).
FORMATS: tuple[ReferenceFormat, ...] = (
    ReferenceFormat(
        force="Thames Valley",
        pattern=re.compile(rf"{_START}43{_SEP}{{0,3}}[0-4]" + _ELEVEN_DIGITS % 8),
        canonical=_digits_only,
        example="43260990001",
    ),
    ReferenceFormat(
        force="Hampshire & Isle of Wight",
        pattern=re.compile(rf"{_START}44{_SEP}{{0,3}}[0-4]" + _ELEVEN_DIGITS % 8),
        canonical=_digits_only,
        example="44260990001",
    ),
    ReferenceFormat(
        force="Essex",
        pattern=re.compile(
            rf"{_START}42(?:{_SEP}{{1,3}}(?P<number>[0-9]{{1,6}}){_SEP}{{1,3}}(?:20)?(?P<year>[0-9]{{2}}))(?![0-9])"
        ),
        canonical=_with_slashes,
        example="42/990001/26",
    ),
    ReferenceFormat(
        # The year, then a number padded with three or four noughts, which keeps phone numbers out.
        force="Northamptonshire",
        pattern=re.compile(rf"{_START}[0-3]{_SEP}{{0,3}}[0-9](?:{_SEP}{{0,3}}0){{3}}" + _ELEVEN_DIGITS % 6),
        canonical=_digits_only,
        example="26000990001",
    ),
)

_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)(?![a-z])"
)
# The Metropolitan Police's daily log, 2089/21Nov. Spaces only after three digits: "24/7 may" is no log.
_INCIDENT_NUMBERS = (
    re.compile(rf"(?<![0-9/])[0-9]{{1,5}}/[0-9]{{1,2}}{_MONTH}"),
    re.compile(rf"(?<![0-9/])[0-9]{{3,5}}\s{{0,2}}/\s{{0,2}}[0-9]{{1,2}}\s{{0,2}}{_MONTH}"),
    re.compile(r"\bcad\b[\s:.#]{0,3}(?:(?:number|no|num|ref|is)[\s:.#]{1,3}){0,3}[0-9]{1,5}(?![0-9])"),
    re.compile(r"\b(?:incident|log) (?:number|num|no|ref)\b[\s:.#]{0,3}(?:is\s)?[0-9]{1,5}(?![0-9])"),
)

_PUNCTUATION = str.maketrans(dict.fromkeys("‐‑‒–—―−", "-") | dict.fromkeys("⁄∕", "/"))
_LOOK_ALIKE = str.maketrans("oOlLiI|", "0011111")
_NEARLY_DIGITS = re.compile(r"[0-9oOlLiI|]+")


def parse_crime_reference(text: str) -> str | None:
    """The first crime reference in free text, in canonical form: digits alone, Essex as 42/number/year.

    Bears spaces, dashes, dots and l or O typed for 1 or 0. None when there is none, which says nothing about
    whether a case exists.
    """
    plain = _plain(text)
    return _find_first(plain) or _find_first(_with_look_alikes_as_digits(plain))


def is_incident_number(text: str) -> bool:
    """Whether the text gives a log (CAD) number and no crime reference. They repeat yearly, so find none."""
    plain = _plain(text).casefold()
    if parse_crime_reference(text) is not None:
        return False
    return any(pattern.search(plain) for pattern in _INCIDENT_NUMBERS)


def _plain(text: str) -> str:
    """Digits of any script as 0-9, every dash and slash the plain one, invisible characters gone."""
    return "".join(
        str(unicodedata.decimal(char)) if char.isdecimal() else char
        for char in unicodedata.normalize("NFKC", text).translate(_PUNCTUATION)
        if unicodedata.category(char) != "Cf"
    )


def _find_first(text: str) -> str | None:
    found = [(match.start(), form, match) for form in FORMATS if (match := form.pattern.search(text))]
    if not found:
        return None
    _, form, match = min(found, key=lambda entry: entry[0])
    return form.canonical(match)


def _with_look_alikes_as_digits(text: str) -> str:
    def as_digits(found: re.Match[str]) -> str:
        run = found.group()
        places = [place for place, char in enumerate(run) if char.isdigit()]
        if not places:
            return run
        # "no4326..." and "...001if": letters that belong to a word stay letters.
        before, after = text[max(found.start() - 1, 0) : found.start()], text[found.end() : found.end() + 1]
        start = places[0] if before.isalpha() else 0
        end = places[-1] + 1 if after.isalpha() else len(run)
        return run[:start] + run[start:end].translate(_LOOK_ALIKE) + run[end:]

    return _NEARLY_DIGITS.sub(as_digits, text)
