"""Bank holidays against the rules of the law, substitute days, both clock changes, and the end of what is known."""

import tomllib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from casework.model.errors import SettingsInvalid
from casework.model.working_days import (
    HOLIDAYS_FILE,
    CalendarTooShort,
    load_working_days,
    local_day,
)

CALENDAR = load_working_days()
YEARS = range(2021, 2029)
FRIDAY = 4

# The tables of the Book of Common Prayer, written out by hand.
EASTER_SUNDAYS = {
    2021: date(2021, 4, 4),
    2022: date(2022, 4, 17),
    2023: date(2023, 4, 9),
    2024: date(2024, 3, 31),
    2025: date(2025, 4, 20),
    2026: date(2026, 4, 5),
    2027: date(2027, 3, 28),
    2028: date(2028, 4, 16),
}
SPRING_MOVED = {2022: date(2022, 6, 2)}
SINGLE_DAYS = {date(2022, 6, 3), date(2022, 9, 19), date(2023, 5, 8)}


def monday_from(day: date) -> date:
    return day + timedelta(days=-day.weekday() % 7)


def last_monday(year: int, month: int) -> date:
    end = date(year, month, 31)
    return end - timedelta(days=end.weekday())


def by_law(year: int) -> set[date]:
    easter = EASTER_SUNDAYS[year]
    christmas = {25: date(year, 12, 25), 26: date(year, 12, 26)}
    if christmas[25].weekday() == 5:  # Saturday and Sunday
        christmas_days = {date(year, 12, 27), date(year, 12, 28)}
    elif christmas[25].weekday() == 6:  # Sunday: Boxing Day stays, Christmas moves behind it
        christmas_days = {date(year, 12, 26), date(year, 12, 27)}
    elif christmas[26].weekday() == 5:  # Friday and Saturday
        christmas_days = {date(year, 12, 25), date(year, 12, 28)}
    else:
        christmas_days = set(christmas.values())
    new_year = date(year, 1, 1)
    return {
        new_year if new_year.weekday() <= FRIDAY else monday_from(new_year),
        easter - timedelta(days=2),
        easter + timedelta(days=1),
        monday_from(date(year, 5, 1)),
        SPRING_MOVED.get(year, last_monday(year, 5)),
        last_monday(year, 8),
        *christmas_days,
        *(day for day in SINGLE_DAYS if day.year == year),
    }


@pytest.mark.parametrize("year", YEARS)
def test_every_day_of_every_year_is_a_working_day_just_when_the_law_says_so(year: int) -> None:
    holidays = by_law(year)
    day = date(year, 1, 1)
    while day.year == year:
        assert CALENDAR.is_working_day(day) == (day.weekday() <= FRIDAY and day not in holidays), day
        day += timedelta(days=1)


@pytest.mark.parametrize(
    ("day", "count", "result"),
    [
        (date(2026, 11, 19), 1, date(2026, 11, 20)),  # Thursday
        (date(2026, 11, 20), 1, date(2026, 11, 23)),  # Friday, over a weekend
        (date(2026, 11, 21), 1, date(2026, 11, 23)),  # Saturday
        (date(2026, 11, 22), 5, date(2026, 11, 27)),  # Sunday
        (date(2026, 11, 22), 0, date(2026, 11, 22)),
        (date(2026, 4, 2), 1, date(2026, 4, 7)),  # the Thursday before Easter
        (date(2025, 4, 17), 5, date(2025, 4, 28)),
        (date(2026, 12, 24), 1, date(2026, 12, 29)),  # Boxing Day on a Saturday
        (date(2026, 12, 24), 5, date(2027, 1, 5)),
        (date(2027, 12, 24), 1, date(2027, 12, 29)),  # both at a weekend
        (date(2027, 12, 31), 1, date(2028, 1, 4)),  # New Year's Day on a Saturday
        (date(2028, 12, 22), 1, date(2028, 12, 27)),
        (date(2024, 12, 24), 2, date(2024, 12, 30)),
        (date(2022, 6, 1), 1, date(2022, 6, 6)),
        (date(2022, 12, 23), 1, date(2022, 12, 28)),  # Christmas Day on a Sunday
        (date(2026, 10, 1), 20, date(2026, 10, 29)),
    ],
)
def test_working_days_are_counted_after_the_day_itself(day: date, count: int, result: date) -> None:
    assert CALENDAR.add(day, count) == result


def test_a_day_outside_what_is_known_is_refused_and_not_guessed() -> None:
    assert CALENDAR.is_working_day(date(2028, 12, 29))
    assert CALENDAR.add(date(2028, 12, 28), 1) == date(2028, 12, 29)

    for outside in (date(2020, 12, 31), date(2029, 1, 1)):
        with pytest.raises(CalendarTooShort, match=f"{outside} is outside"):
            CALENDAR.is_working_day(outside)
    for day, count in [(date(2028, 12, 29), 1), (date(2028, 12, 31), 1), (date(2020, 12, 30), 1)]:
        with pytest.raises(CalendarTooShort, match="2021-01-01 to 2028-12-31"):
            CALENDAR.add(day, count)
    with pytest.raises(CalendarTooShort):
        CALENDAR.add(date.max, 1)


def test_working_days_are_not_counted_backwards() -> None:
    with pytest.raises(ValueError, match="forwards"):
        CALENDAR.add(date(2026, 11, 20), -1)


@pytest.mark.parametrize(
    ("at", "day"),
    [
        (datetime(2026, 7, 1, 22, 59, tzinfo=UTC), date(2026, 7, 1)),
        (datetime(2026, 7, 1, 23, 30, tzinfo=UTC), date(2026, 7, 2)),  # 00:30 there
        (datetime(2026, 12, 1, 23, 30, tzinfo=UTC), date(2026, 12, 1)),
        (datetime(2026, 3, 28, 23, 30, tzinfo=UTC), date(2026, 3, 28)),  # the clocks go on that night
        (datetime(2026, 3, 29, 23, 30, tzinfo=UTC), date(2026, 3, 30)),
        (datetime(2026, 10, 24, 23, 30, tzinfo=UTC), date(2026, 10, 25)),  # and back that one
        (datetime(2026, 10, 25, 23, 30, tzinfo=UTC), date(2026, 10, 25)),
    ],
)
def test_a_moment_belongs_to_the_day_it_is_in_england(at: datetime, day: date) -> None:
    assert local_day(at) == day


def test_a_moment_without_a_time_zone_has_no_day() -> None:
    with pytest.raises(ValueError, match="time zone"):
        local_day(datetime(2026, 7, 1, 12, 0))  # noqa: DTZ001


def test_the_directory_of_services_knows_the_same_weekday_holidays() -> None:
    given = tomllib.loads(Path("casework/templates/support_services.toml").read_text(encoding="utf-8"))
    listed = {day for day in given["bank_holidays"]["days"] if day.weekday() <= FRIDAY}

    assert listed == {day for day in CALENDAR.bank_holidays if min(listed) <= day <= max(listed)}


# --- the file -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("day = 2026-12-28", "day = 2026-12-26", "give its substitute day"),
        ("day = 2026-12-28", "day = 2026-12-25", "twice"),
        ("day = 2026-12-28", "day = '2026-12-28'", "not a date"),
        ("day = 2026-12-28", "day = 2026-12-28T00:00:00", "not a date"),
        ("day = 2026-12-28", "day = 2029-12-28", "outside known_from"),
        ("known_until = 2028-12-31", "known_until = 2029-12-31", "2029 has fewer than 8"),
        ("known_until = 2028-12-31", "", "known_until"),
        ("review_by = 2027-05-21", "", "review_by"),
        ('source = "Bank', 'sauce = "Bank', "source"),
        ("known_from", "extra = 1\nknown_from", "extra"),
        ("[", "{", "cannot be read"),
    ],
)
def test_a_calendar_that_cannot_be_right_is_refused(tmp_path: Path, old: str, new: str, says: str) -> None:
    written = HOLIDAYS_FILE.read_text(encoding="utf-8")
    assert old in written
    path = tmp_path / "bank_holidays.toml"
    path.write_text(written.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(SettingsInvalid, match=says):
        load_working_days(path)
