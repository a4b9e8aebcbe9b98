from datetime import UTC, datetime, timedelta

import pytest

from casework.model.contact_hours import ContactWindow, find_next_open, is_open

MONDAY, FRIDAY, SATURDAY, SUNDAY = 0, 4, 5, 6


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def window(weekday: int, start: str, end: str) -> ContactWindow:
    minutes = [int(text[:2]) * 60 + int(text[3:]) for text in (start, end)]
    return ContactWindow(weekday=weekday, start_minute=minutes[0], end_minute=minutes[1])


MONDAY_MORNING = (window(MONDAY, "09:00", "12:30"),)
FRIDAY_NIGHT = (window(FRIDAY, "22:00", "02:00"),)
SUNDAY_NIGHT = (window(SUNDAY, "23:00", "01:00"),)
SMALL_HOURS = (window(SUNDAY, "01:00", "02:00"),)
ALL_MONDAY = (window(MONDAY, "00:00", "24:00"),)


@pytest.mark.parametrize(
    ("hours", "moment", "opens"),
    [
        (MONDAY_MORNING, "2026-01-05 08:59:59", "2026-01-05 09:00"),
        (MONDAY_MORNING, "2026-01-05 09:00:00", None),
        (MONDAY_MORNING, "2026-01-05 12:29:59", None),
        (MONDAY_MORNING, "2026-01-05 12:30:00", "2026-01-12 09:00"),
        (MONDAY_MORNING, "2026-01-06 10:00:00", "2026-01-12 09:00"),
        # In summer nine o'clock is eight by UTC.
        (MONDAY_MORNING, "2026-07-06 07:59:59", "2026-07-06 08:00"),
        (MONDAY_MORNING, "2026-07-06 08:00:00", None),
        (MONDAY_MORNING, "2026-07-06 11:30:00", "2026-07-13 08:00"),
        # Past midnight, and from Sunday into Monday.
        (FRIDAY_NIGHT, "2026-01-09 21:59:59", "2026-01-09 22:00"),
        (FRIDAY_NIGHT, "2026-01-10 01:59:59", None),
        (FRIDAY_NIGHT, "2026-01-10 02:00:00", "2026-01-16 22:00"),
        (SUNDAY_NIGHT, "2026-01-12 00:59:59", None),
        (SUNDAY_NIGHT, "2026-01-12 01:00:00", "2026-01-18 23:00"),
        (SUNDAY_NIGHT, "2026-01-11 00:30:00", "2026-01-11 23:00"),
        # A whole day.
        (ALL_MONDAY, "2026-01-04 23:59:59", "2026-01-05 00:00"),
        (ALL_MONDAY, "2026-01-05 23:59:59", None),
        (ALL_MONDAY, "2026-01-06 00:00:00", "2026-01-12 00:00"),
        # 29 March 2026: the hour from one to two never comes; it comes the week after.
        (SMALL_HOURS, "2026-03-29 00:59:59", "2026-04-05 00:00"),
        (SMALL_HOURS, "2026-03-29 01:00:00", "2026-04-05 00:00"),
        # 25 October 2026: it comes twice.
        (SMALL_HOURS, "2026-10-24 23:59:59", "2026-10-25 00:00"),
        (SMALL_HOURS, "2026-10-25 00:59:59", None),
        (SMALL_HOURS, "2026-10-25 01:00:00", None),
        (SMALL_HOURS, "2026-10-25 01:59:59", None),
        (SMALL_HOURS, "2026-10-25 02:00:00", "2026-11-01 01:00"),
        # The clock goes back into a window that had already ended, and forward into the middle of one.
        ((window(SUNDAY, "00:30", "01:30"),), "2026-10-25 00:30:00", "2026-10-25 01:00"),
        ((window(SUNDAY, "01:30", "03:00"),), "2026-03-29 00:59:30", "2026-03-29 01:00"),
        # Several: the next of them counts, in whatever order they stand.
        (ALL_MONDAY + FRIDAY_NIGHT, "2026-01-07 12:00:00", "2026-01-09 22:00"),
        (FRIDAY_NIGHT + ALL_MONDAY, "2026-01-10 12:00:00", "2026-01-12 00:00"),
    ],
)
def test_a_window_is_what_the_clock_on_the_wall_reads(
    hours: tuple[ContactWindow, ...], moment: str, opens: str | None
) -> None:
    assert is_open(hours, at(moment)) is (opens is None)
    assert find_next_open(hours, at(moment)) == at(opens or moment)


def test_no_window_at_all_means_any_time() -> None:
    assert is_open((), at("2026-01-05 03:00"))
    assert find_next_open((), at("2026-01-05 03:00:07")) == at("2026-01-05 03:00:07")


def test_the_opening_is_given_in_utc_whatever_the_question_was_in() -> None:
    asked = datetime.fromisoformat("2026-01-05T05:00:00-05:00")

    for opens in (find_next_open((), asked), find_next_open(FRIDAY_NIGHT, asked)):
        assert opens.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("weekday", "start", "end"),
    [(7, 0, 60), (-1, 0, 60), (0, -1, 60), (0, 1440, 60), (0, 60, 1441), (0, 60, -1), (0, 60, 60), (0, 0, 0)],
)
def test_a_window_of_no_length_or_outside_the_week_is_refused(weekday: int, start: int, end: int) -> None:
    with pytest.raises(ValueError, match="a window needs a weekday, a start and another end within the day"):
        ContactWindow(weekday=weekday, start_minute=start, end_minute=end)


@pytest.mark.parametrize(
    ("start", "end", "length"), [(0, 1440, 1440), (0, 1, 1), (1439, 0, 1), (1439, 1440, 1), (61, 60, 1439)]
)
def test_the_widest_and_the_narrowest_windows_are_taken(start: int, end: int, length: int) -> None:
    hours = (ContactWindow(weekday=SATURDAY, start_minute=start, end_minute=end),)
    monday = at("2026-01-05 00:00")

    minutes = [is_open(hours, monday + timedelta(minutes=minute)) for minute in range(7 * 1440)]

    assert sum(minutes) == length
