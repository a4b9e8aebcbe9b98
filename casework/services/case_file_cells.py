"""What one cell of a case file means. Each reader gives the value, or refuses the cell and gives a stand-in.

A stand-in never leaves: after one refusal anywhere, parse_case_file gives out no case at all.
What looks like a date or a stage is quoted back; anything else, which may be a name in the wrong column, is not.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import phonenumbers

from casework.model.cases import CaseEvent
from casework.model.crime_references import FORMATS, parse_crime_reference
from casework.model.safe_contact import SafeContact, find_safe_contact
from casework.model.stages import STAGE_IDS
from casework.services.case_file_rows import Row, did_you_mean, quoted, quoted_date

LONGEST_TEXT = 200  # characters: these are read out in text messages
LONGEST = {"crime_type": 96, "oic_name": 128, "oic_collar_number": 32, "oic_contact": 128, "victim_name": 128}
EVENT_KEYS = frozenset({"at", "kind", "detail"})
_YES_OR_NO = {
    "yes": True,
    "true": True,
    "y": True,
    "1": True,
    "no": False,
    "false": False,
    "n": False,
    "0": False,
}
_EXAMPLES = ", ".join(form.example for form in FORMATS)
_EXAMPLE_EVENTS = '[{"at": "2026-11-02T10:30:00Z", "kind": "victim_told", "detail": "by phone"}]'
_DATES = (
    re.compile(r"(?P<year>(?:19|20)[0-9]{2})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"),
    re.compile(r"(?P<day>[0-9]{1,2})/(?P<month>[0-9]{1,2})/(?P<year>(?:19|20)[0-9]{2})"),
)
_SHORTENED_BY_EXCEL = re.compile(r"[0-9](?:\.[0-9]+)?[eE]\+?[0-9]+")
_PLAIN_MOBILE = re.compile(
    r"(?:\+44|0)(?P<number>7[1-9][0-9]{8})"
)  # nearly every one, read a hundred times faster
_MOMENT = re.compile(r"(?:19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}")
KIND = re.compile(r"[a-z][a-z0-9_]{0,39}")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(?:\.[^@\s.]+)+")
_LANGUAGE = re.compile(r"(?=.{2,16}$)[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_FORCE_TIME = ZoneInfo("Europe/London")


def find_text(row: Row, column: str) -> str | None:
    """The cell on one line, or "" when it is empty or absent; None when it was refused."""
    value = row.cells.get(column)
    if value is None:
        return ""
    if not isinstance(value, str):
        row.refuse(column, "this is not text", "Write it in quotes.")
        return None
    return _checked_text(row, column, value)


def _checked_text(row: Row, column: str, value: str) -> str | None:
    text, is_visible = _on_one_line(value)
    longest = LONGEST.get(column, LONGEST_TEXT)
    if len(text) > longest:
        row.refuse(
            column, f"there are more than {longest} characters", "Say it shorter: it is sent as a text."
        )
        return None
    if not is_visible:
        row.refuse(column, "there is a character nobody can see", "Type the cell again by hand.")
        return None
    return text


def get_text(row: Row, column: str) -> str:
    text = find_text(row, column)
    if text == "":
        row.refuse(column, "the cell is empty", "Fill it in: every case needs one.")
    return text or ""


def get_crime_reference(row: Row) -> str:
    """The canonical reference. It must stand alone: a second number beside it could be another case's."""
    text = get_text(row, "crime_reference")
    if not text:
        return ""
    if _SHORTENED_BY_EXCEL.fullmatch(text):
        _refuse_as_shortened(row, "crime_reference")
        return ""
    if any(form.pattern.fullmatch(text) and text.isdecimal() and text.isascii() for form in FORMATS):
        return text
    reference = parse_crime_reference(text)
    is_alone = reference is not None and re.sub(r"[\s./,_\\-]", "", text) == reference.replace("/", "")
    if reference is None or not is_alone:
        row.refuse(
            "crime_reference", "this is not a crime reference", f"Write it alone, as one of: {_EXAMPLES}."
        )
        return ""
    return reference


def get_stage(row: Row) -> str:
    text = get_text(row, "stage")
    if text and text not in STAGE_IDS:
        stages = sorted(STAGE_IDS)
        row.refuse("stage", f"{quoted(text, stages)} is not a stage", did_you_mean(text, stages))
    return text


def get_date(row: Row, column: str) -> date:
    text = get_text(row, column)
    return _parse_date(row, column, text) if text else date.min


def find_date(row: Row, column: str) -> date | None:
    text = find_text(row, column)
    return _parse_date(row, column, text) if text else None


def find_mobile(row: Row) -> str | None:
    """The number as E.164; one without a country code is British."""
    text = find_text(row, "contact_mobile")
    if not text:
        return None
    if _SHORTENED_BY_EXCEL.fullmatch(text):
        _refuse_as_shortened(row, "contact_mobile")
        return None
    number = _parse_mobile(text)
    if number is None:
        row.refuse(
            "contact_mobile", "this is not a mobile number", "Write it as 07700 900123 or +447700900123."
        )
    return number


def find_email(row: Row) -> str | None:
    text = find_text(row, "contact_email")
    if text and not _EMAIL.fullmatch(text):
        row.refuse("contact_email", "this is not an e-mail address", "Write it as name@example.org.")
    return text or None


def get_safe_contact(row: Row) -> str:
    """The value in its one spelling; an empty cell stays empty: the file says nothing, and `plan_for` is careful.

    An unknown word is never guessed at.
    """
    text = find_text(row, "safe_contact")
    if not text:
        return ""
    value = find_safe_contact(text)
    if value is None:
        row.refuse(
            "safe_contact", "what is written is no rule Waymark knows", "Write any, reply_only or none."
        )
        return SafeContact.NONE.value
    return value.value


def find_enhanced_rights(row: Row) -> bool | None:
    value = row.cells.get("enhanced_rights")
    if isinstance(value, bool):
        return value
    text = find_text(row, "enhanced_rights")
    if not text:
        return None
    if text.casefold() not in _YES_OR_NO:
        remedy = "Write yes or no, or leave it empty if nobody has decided."
        row.refuse("enhanced_rights", "what is written is neither yes nor no", remedy)
    return _YES_OR_NO.get(text.casefold())


def get_language(row: Row) -> str:
    text = find_text(row, "language")
    if text and not _LANGUAGE.fullmatch(text):
        row.refuse("language", "what is written is not a language code", "Write it as en, cy or pl.")
    return text or "en"


def get_events(row: Row) -> tuple[CaseEvent, ...]:
    """The events, earliest first. CSV holds the list as JSON text in the cell."""
    written = row.cells.get("events")
    if isinstance(written, str):
        try:
            written = json.loads(written) if written.strip() else []
        except (json.JSONDecodeError, RecursionError):
            row.refuse("events", "the list of events is not JSON", f"Write it as {_EXAMPLE_EVENTS}.")
            return ()
    if written is None:
        return ()
    if not isinstance(written, list):
        row.refuse("events", "this is not a list of events", f"Write it as {_EXAMPLE_EVENTS}.")
        return ()
    events = [_parse_event(row, number, event) for number, event in enumerate(written, start=1)]
    return tuple(sorted((event for event in events if event), key=lambda event: event.at))


def _parse_event(row: Row, number: int, written: object) -> CaseEvent | None:
    if not isinstance(written, Mapping) or not all(isinstance(value, str) for value in written.values()):
        row.refuse(
            "events", f"event {number} is not an object of texts", f"Write it as in {_EXAMPLE_EVENTS}."
        )
        return None
    if not written.keys() <= EVENT_KEYS:
        row.refuse("events", f"event {number} has a name nobody knows", "Use at, kind and detail.")
    at, kind = parse_moment(written.get("at", "")), written.get("kind", "")
    if at is None:
        row.refuse("events", f"event {number} has no date and time", "Write 'at' as 2026-11-02T10:30:00Z.")
    if not KIND.fullmatch(kind):
        remedy = "Use small letters and underscores, such as victim_told."
        row.refuse("events", f"event {number} has no kind that can be used", remedy)
    detail = _checked_text(row, "events", written.get("detail", ""))
    return None if at is None or detail is None else CaseEvent(at=at, kind=kind, detail=detail)


def parse_moment(text: str) -> datetime | None:
    """Aware UTC; a time without a zone is British. None for a day alone: it has no place among the others."""
    if not _MOMENT.match(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=_FORCE_TIME)).astimezone(UTC)


def _parse_date(row: Row, column: str, text: str) -> date:
    found = _find_date(text)
    if found is not None:
        return found
    row.refuse(column, f"{quoted_date(text)} is not a date", "Write it as 2026-02-28.")
    return date.min


# Stages, officers and dates stand in thousands of rows: each is read once.
@lru_cache(maxsize=10_000)
def _on_one_line(value: str) -> tuple[str, bool]:
    text = " ".join(value.split())
    return text, text.isprintable()


@lru_cache(maxsize=10_000)
def _find_date(text: str) -> date | None:
    found = next((match for pattern in _DATES if (match := pattern.fullmatch(text))), None)
    try:
        return date(int(found["year"]), int(found["month"]), int(found["day"])) if found else None
    except ValueError:
        return None


def _parse_mobile(text: str) -> str | None:
    if plain := _PLAIN_MOBILE.fullmatch(text.replace(" ", "")):
        return f"+44{plain['number']}"
    if not re.fullmatch(r"\+?[0-9() .-]{7,30}", text):
        return None
    try:
        number = phonenumbers.parse(text, "GB")
    except phonenumbers.NumberParseException:
        return None
    # Possible, not valid: the numbers kept for drama, 07700 900xxx, are nobody's and so never "valid".
    if not phonenumbers.is_possible_number(number):
        return None
    is_british = number.country_code == 44
    if is_british and not re.fullmatch(r"7[1-9][0-9]{8}", str(number.national_number)):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _refuse_as_shortened(row: Row, column: str) -> None:
    remedy = "Format the column as Text in Excel and put the whole number back."
    row.refuse(column, "a spreadsheet has shortened this number", remedy)
