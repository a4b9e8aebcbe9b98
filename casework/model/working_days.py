"""Working days in England and Wales: Monday to Friday without the bank holidays of bank_holidays.toml.

The list ends somewhere. Past its end nobody knows the holidays, so nothing is guessed: CalendarTooShort.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from casework.model.errors import SettingsInvalid, WaymarkError
from casework.model.toml_files import as_date, as_text, read_toml

LONDON = ZoneInfo("Europe/London")
HOLIDAYS_FILE = Path(__file__).with_name("bank_holidays.toml")

_FRIDAY = 5
_FEWEST_A_YEAR = 8  # a year with fewer has a day missing


class CalendarTooShort(WaymarkError):
    """A working day was asked for that the list of bank holidays does not reach."""

    def __init__(self, day: date, known_from: date, known_until: date) -> None:
        super().__init__(f"bank holidays are known from {known_from} to {known_until}; {day} is outside")
        self.day = day


@dataclass(frozen=True, kw_only=True)
class WorkingDays:
    """The calendar of bank_holidays.toml, checked. Both ends of what is known are included."""

    bank_holidays: Mapping[date, str]
    known_from: date
    known_until: date
    source: str
    review_by: date

    def is_working_day(self, day: date) -> bool:
        """Raises CalendarTooShort for a day outside what is known."""
        if not self.known_from <= day <= self.known_until:
            raise CalendarTooShort(day, self.known_from, self.known_until)
        return day.isoweekday() <= _FRIDAY and day not in self.bank_holidays

    def add(self, day: date, count: int) -> date:
        """The `count`th working day after `day`; `day` itself is day 0, whether people work on it or not.

        Raises CalendarTooShort where the way there leaves what is known.
        """
        if count < 0:
            raise ValueError(f"working days are counted forwards, not {count}")
        while count:
            if day >= self.known_until:
                raise CalendarTooShort(day, self.known_from, self.known_until)
            day += timedelta(days=1)
            count -= self.is_working_day(day)
        return day


def local_day(at: datetime) -> date:
    """The day it is in England and Wales at that moment (aware)."""
    if at.tzinfo is None:
        raise ValueError("a moment without a time zone has no local day")
    return at.astimezone(LONDON).date()


def load_working_days(path: Path = HOLIDAYS_FILE) -> WorkingDays:
    """Raises SettingsInvalid, with the place and the remedy, for a calendar that cannot be right."""
    tables = read_toml(path)
    try:
        calendar = _parse_calendar(tables)
    except (KeyError, TypeError, ValueError) as fault:
        raise SettingsInvalid(f"{path.name}: {fault!r} is missing, unknown or of the wrong kind") from fault
    for day in calendar.bank_holidays:
        if day.isoweekday() > _FRIDAY:
            raise SettingsInvalid(f"{path.name}: {day} is at a weekend; give its substitute day")
        if not calendar.known_from <= day <= calendar.known_until:
            raise SettingsInvalid(f"{path.name}: {day} is outside known_from and known_until")
    for year in range(calendar.known_from.year, calendar.known_until.year + 1):
        if sum(day.year == year for day in calendar.bank_holidays) < _FEWEST_A_YEAR:
            raise SettingsInvalid(f"{path.name}: {year} has fewer than {_FEWEST_A_YEAR} bank holidays")
    return calendar


def _parse_calendar(tables: dict[str, Any]) -> WorkingDays:
    entries = tables.pop("bank_holidays")
    named = {as_date(entry["day"]): as_text(entry["name"]) for entry in entries}
    if len(named) < len(entries):
        raise ValueError("a day listed twice")
    known_from, known_until, review_by = (
        as_date(tables.pop(name)) for name in ("known_from", "known_until", "review_by")
    )
    source = as_text(tables.pop("source"))
    if tables:
        raise KeyError(*tables)
    return WorkingDays(
        bank_holidays=named,
        known_from=known_from,
        known_until=known_until,
        source=source,
        review_by=review_by,
    )
