"""Finding one crime reference in what a person typed, and writing it one way.

A reference finds a case and never proves who asks: they are printed in public appeals and run in sequence.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from casework.model.errors import SettingsInvalid
from casework.model.toml_files import read_toml

FORMATS_FILE = Path(__file__).with_name("crime_references.toml")

_SEP = r"[\s./,_\\-]"
# A digit, plus or pound sign just before means this is the tail of something else: a phone number, a sum.
_START = r"(?<![0-9+£])"
_END = r"(?![0-9])"
_PART = re.compile(r"(?:[0-9]|#|\[[0-9]-[0-9]\])+|[1-9]-[1-9]#|20\?##")


@dataclass(frozen=True, kw_only=True)
class ReferenceFormat:
    """How one force writes its references. `example` is for people: it matches, and names no real crime.

    `joined`: what stands between the parts in canonical form; "" means the digits alone.
    """

    force: str
    pattern: re.Pattern[str]
    joined: str
    example: str

    def canonical(self, found: re.Match[str]) -> str:
        if not self.joined:
            return re.sub(r"[^0-9]", "", found.group())
        first, *rest = (part for part in found.groups() if part is not None)
        # A number padded with noughts is the same number; a year keeps its two digits.
        return self.joined.join([first, *(str(int(part)) for part in rest[:-1]), rest[-1]])


def parse_formats(rows: Sequence[Mapping[str, Any]]) -> tuple[ReferenceFormat, ...]:
    """The formats of crime_references.toml, in its order. Raises SettingsInvalid for one that cannot be right."""
    formats = tuple(_parse_format(row) for row in rows)
    for form in formats:
        found = form.pattern.fullmatch(form.example)
        if found is None or form.canonical(found) != form.example:
            raise SettingsInvalid(
                f"crime_references.toml, {form.force}: its example is not of its own format."
            )
    return formats


def _parse_format(row: Mapping[str, Any]) -> ReferenceFormat:
    parts, joined = row["parts"], row["joined"]
    if not row.get("source") or not row.get("review_by") or not all(_PART.fullmatch(part) for part in parts):
        raise SettingsInvalid(f"crime_references.toml, {row['force']}: a part or the source cannot be read.")
    # Every quantifier is bounded, so a hostile text costs no more than its length.
    if joined:
        pattern = f"{_SEP}{{1,3}}".join(_as_group(part) for part in parts)
    else:
        digits = [digit for part in parts for digit in re.findall(r"\[[0-9]-[0-9]\]|.", part)]
        pattern = f"{_SEP}{{0,3}}".join(_as_digit(digit) for digit in digits)
    return ReferenceFormat(
        force=row["force"],
        pattern=re.compile(_START + pattern + _END),
        joined=joined,
        example=row["example"],
    )


def _as_group(part: str) -> str:
    if part.startswith("20?"):
        return "(?:20)?([0-9]{2})"
    if ranged := re.fullmatch(r"([1-9])-([1-9])#", part):
        return f"([0-9]{{{ranged[1]},{ranged[2]}}})"
    return f"({''.join(_as_digit(digit) for digit in part)})"


def _as_digit(digit: str) -> str:
    return "[0-9]" if digit == "#" else digit


FORMATS = parse_formats(read_toml(FORMATS_FILE)["format"])

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
