"""Staffed time against a clock walked minute by minute; promises that never end in an empty room."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casework.model.errors import SettingsInvalid
from casework.model.staffed_hours import HOURS_FILE, StaffedHours, Window, load_staffed_hours
from casework.model.working_days import load_working_days

LONDON = ZoneInfo("Europe/London")
HOURS = load_staffed_hours()
BANK_HOLIDAYS = load_working_days().bank_holidays
TICK = timedelta(microseconds=1)
MINUTE = timedelta(minutes=1)
NINE_TO_FIVE = (Window(opens=time(9), closes=time(17)),)
WHOLE_DAY = (Window(opens=time(0), closes=time(0)),)

# Around the clock changes of 2026 and 2027, Christmas, and an ordinary month.
STARTS = [
    datetime(2026, 3, 22, tzinfo=UTC),
    datetime(2026, 10, 19, tzinfo=UTC),
    datetime(2026, 11, 2, tzinfo=UTC),
    datetime(2026, 12, 20, tzinfo=UTC),
    datetime(2027, 3, 22, tzinfo=UTC),
]
MOMENTS = st.builds(
    lambda start, length: start + length,
    st.sampled_from(STARTS),
    st.timedeltas(timedelta(), timedelta(days=12)),
)
LENGTHS = st.timedeltas(TICK, timedelta(hours=30))


def here(*numbers: int) -> datetime:
    return datetime(*numbers, tzinfo=LONDON).astimezone(UTC)  # type: ignore[arg-type,misc]


def some_hours(week: tuple[Window, ...] = NINE_TO_FIVE, **values: object) -> StaffedHours:
    given: dict[str, object] = {
        "week": dict.fromkeys(range(1, 8), week),
        "source": "a test",
        "review_by": date(2027, 1, 1),
    }
    return StaffedHours(**(given | values))  # type: ignore[arg-type]


def is_somebody_there(at: datetime) -> bool:
    """The default hours, said another way: by the clock on the wall."""
    wall = at.astimezone(LONDON)
    if wall.date() in BANK_HOLIDAYS or (wall.month, wall.day) in {(12, 25), (12, 26)}:
        return False
    return 8 <= wall.hour < (18 if wall.strftime("%a") in {"Mon", "Tue", "Wed", "Thu"} else 16)


CALENDAR_2026 = {
    minute: is_somebody_there(minute)
    for start in (datetime(2026, 3, 27, tzinfo=UTC), datetime(2026, 10, 23, tzinfo=UTC))
    for minute in (start + count * MINUTE for count in range(5 * 24 * 60))
}


def test_every_minute_of_both_weeks_in_which_the_clocks_change_is_staffed_or_not_by_the_wall_clock() -> None:
    for minute, is_there in CALENDAR_2026.items():
        assert HOURS.is_staffed(minute) is is_there, minute


@pytest.mark.parametrize(
    ("at", "is_there"),
    [
        (here(2026, 11, 19, 8, 0), True),  # Thursday
        (here(2026, 11, 19, 8, 0) - TICK, False),
        (here(2026, 11, 19, 18, 0) - TICK, True),
        (here(2026, 11, 19, 18, 0), False),
        (here(2026, 11, 20, 16, 0) - TICK, True),  # Friday
        (here(2026, 11, 20, 16, 0), False),
        (here(2026, 11, 22, 15, 59), True),  # Sunday
        (here(2026, 12, 24, 12, 0), True),
        (here(2026, 12, 25, 12, 0), False),
        (here(2026, 12, 28, 12, 0), False),
        (datetime(2026, 7, 1, 7, 30, tzinfo=UTC), True),  # 08:30 in summer
        (datetime(2026, 7, 1, 12, 30, tzinfo=timezone(timedelta(hours=5))), True),
    ],
)
def test_staffed_hours_begin_with_their_first_minute_and_end_before_their_last(
    at: datetime, is_there: bool
) -> None:
    assert HOURS.is_staffed(at) is is_there


@pytest.mark.parametrize(
    ("at", "then"),
    [
        (here(2026, 11, 19, 12, 0), here(2026, 11, 19, 12, 0)),
        (here(2026, 11, 19, 18, 0), here(2026, 11, 20, 8, 0)),
        (here(2026, 11, 20, 3, 0), here(2026, 11, 20, 8, 0)),
        (here(2026, 12, 24, 18, 0), here(2026, 12, 27, 8, 0)),
        (here(2026, 3, 28, 20, 0), here(2026, 3, 29, 8, 0)),  # eleven hours, for the clocks go on
        (here(2026, 10, 24, 20, 0), here(2026, 10, 25, 8, 0)),  # thirteen
    ],
)
def test_the_next_staffed_moment_is_now_or_the_next_opening(at: datetime, then: datetime) -> None:
    assert HOURS.next_staffed(at) == then


@pytest.mark.parametrize(
    ("at", "hours", "then"),
    [
        (here(2026, 11, 19, 9, 0), 4, here(2026, 11, 19, 13, 0)),
        (here(2026, 11, 19, 17, 0), 1, here(2026, 11, 19, 18, 0)),  # kept by the last minute there
        (here(2026, 11, 19, 17, 0), 4, here(2026, 11, 20, 11, 0)),
        (here(2026, 11, 19, 23, 0), 4, here(2026, 11, 20, 12, 0)),
        (here(2026, 11, 20, 15, 0), 10, here(2026, 11, 22, 9, 0)),
        (here(2026, 12, 24, 17, 0), 4, here(2026, 12, 27, 11, 0)),  # past Christmas and Boxing Day
        (here(2026, 3, 28, 15, 0), 4, here(2026, 3, 29, 11, 0)),
        (here(2026, 10, 24, 15, 0), 4, here(2026, 10, 25, 11, 0)),
        (here(2026, 11, 19, 18, 0), 0, here(2026, 11, 20, 8, 0)),
    ],
)
def test_time_is_counted_in_staffed_hours_only(at: datetime, hours: int, then: datetime) -> None:
    assert HOURS.add_staffed(at, timedelta(hours=hours)) == then


def test_a_promise_is_rounded_up_to_the_minute_it_will_be_said_in() -> None:
    at = datetime(2026, 11, 19, 9, 0, 42, tzinfo=UTC)

    assert HOURS.promise_by(at, timedelta(hours=1)) == datetime(2026, 11, 19, 10, 1, tzinfo=UTC)
    assert HOURS.promise_by(at.replace(second=0), timedelta(hours=1)) == at.replace(hour=10, second=0)
    late = here(2026, 11, 19, 17, 30) + TICK
    assert HOURS.promise_by(late, timedelta(minutes=30) - TICK) == here(2026, 11, 19, 18, 0)


def test_all_moments_come_back_in_utc() -> None:
    at = datetime(2026, 7, 1, 12, 0, tzinfo=LONDON)

    for moment in (
        HOURS.next_staffed(at),
        HOURS.add_staffed(at, timedelta(hours=1)),
        HOURS.promise_by(at, timedelta(hours=1)),
    ):
        assert moment.tzinfo is UTC


def test_a_promise_of_no_time_and_a_count_backwards_are_refused() -> None:
    at = here(2026, 11, 19, 9, 0)

    for length in (timedelta(), -MINUTE):
        with pytest.raises(ValueError, match="promise"):
            HOURS.promise_by(at, length)
    with pytest.raises(ValueError, match="forwards"):
        HOURS.add_staffed(at, -TICK)
    with pytest.raises(ValueError, match="time zone"):
        HOURS.is_staffed(datetime(2026, 11, 19, 9, 0))  # noqa: DTZ001


@settings(max_examples=400)
@given(at=MOMENTS, within=LENGTHS)
def test_a_promise_always_ends_while_somebody_is_there_or_as_they_leave(
    at: datetime, within: timedelta
) -> None:
    promised = HOURS.promise_by(at, within)

    assert is_somebody_there(promised - TICK)
    assert promised >= at + within
    assert promised.second == promised.microsecond == 0
    assert timedelta() <= promised - HOURS.add_staffed(at, within) < MINUTE


@settings(max_examples=400)
@given(first=MOMENTS, second=MOMENTS, lengths=st.tuples(LENGTHS, LENGTHS))
def test_who_writes_earlier_is_never_promised_later(
    first: datetime, second: datetime, lengths: tuple[timedelta, timedelta]
) -> None:
    earlier, later = sorted((first, second))
    shorter, longer = sorted(lengths)

    assert HOURS.next_staffed(earlier) <= HOURS.next_staffed(later)
    assert HOURS.add_staffed(earlier, shorter) <= HOURS.add_staffed(later, shorter)
    assert HOURS.promise_by(earlier, shorter) <= HOURS.promise_by(later, shorter)
    assert HOURS.add_staffed(earlier, shorter) <= HOURS.add_staffed(earlier, longer)


@settings(max_examples=60, deadline=None)
@given(at=MOMENTS, minutes=st.integers(0, 20 * 60))
def test_between_start_and_end_lies_exactly_the_staffed_time_asked_for(at: datetime, minutes: int) -> None:
    at = at.replace(second=0, microsecond=0)
    end = HOURS.add_staffed(at, minutes * MINUTE)

    walked = (at + count * MINUTE for count in range((end - at) // MINUTE))
    assert sum(map(is_somebody_there, walked)) == minutes


@settings(max_examples=200)
@given(at=MOMENTS, first=LENGTHS, second=LENGTHS)
def test_two_lengths_one_after_the_other_are_their_sum(
    at: datetime, first: timedelta, second: timedelta
) -> None:
    assert HOURS.add_staffed(HOURS.add_staffed(at, first), second) == HOURS.add_staffed(at, first + second)


@settings(max_examples=200)
@given(at=MOMENTS, length=LENGTHS)
def test_where_somebody_is_always_there_staffed_time_is_time(at: datetime, length: timedelta) -> None:
    always = some_hours(WHOLE_DAY)

    assert always.is_staffed(at)
    assert always.add_staffed(at, length) == at + length


def test_a_single_day_with_other_hours_has_those_alone() -> None:
    day = date(2026, 11, 21)
    hours = some_hours(
        exceptions={day: (Window(opens=time(10), closes=time(12)), Window(opens=time(22), closes=time(0)))}
    )

    assert not hours.is_staffed(here(2026, 11, 21, 9, 30))
    assert hours.is_staffed(here(2026, 11, 21, 23, 59))
    assert not hours.is_staffed(here(2026, 11, 22, 0, 0))
    assert hours.add_staffed(here(2026, 11, 21, 9, 0), timedelta(hours=5)) == here(2026, 11, 22, 10, 0)


@pytest.mark.parametrize(
    ("opens", "closes", "day", "first", "last"),
    [
        # 25 October 2026: 01:00 to 01:59 comes twice, from 00:00 UTC and from 01:00 UTC. The narrower window counts.
        (time(0, 30), time(1, 30), 25, "2026-10-24T23:30", "2026-10-25T00:29"),
        (time(1, 15), time(3, 0), 25, "2026-10-25T01:15", "2026-10-25T02:59"),
        (time(0, 30), time(3, 0), 25, "2026-10-24T23:30", "2026-10-25T02:59"),
        (time(1, 10), time(1, 50), 25, None, None),
        # 29 March 2026: 01:00 to 01:59 never comes.
        (time(0, 30), time(1, 30), 29, "2026-03-29T00:30", "2026-03-29T00:59"),
        (time(1, 15), time(3, 0), 29, "2026-03-29T01:00", "2026-03-29T01:59"),
        (time(0, 30), time(3, 0), 29, "2026-03-29T00:30", "2026-03-29T01:59"),
        (time(1, 15), time(1, 45), 29, None, None),
    ],
)
def test_a_window_in_the_night_the_clocks_change_is_never_wider_than_it_says(
    opens: time, closes: time, day: int, first: str | None, last: str | None
) -> None:
    night = some_hours((Window(opens=opens, closes=closes),))
    begins = datetime(2026, 10 if day == 25 else 3, day - 1, 22, 0, tzinfo=UTC)

    staffed = [at for at in (begins + count * MINUTE for count in range(6 * 60)) if night.is_staffed(at)]

    shown = [f"{at:%Y-%m-%dT%H:%M}" for at in (staffed[:1] + staffed[-1:])]
    assert shown == [each for each in (first, last) if each]
    assert night.is_staffed(night.next_staffed(begins))
    assert not staffed or len(staffed) == (staffed[-1] - staffed[0]) // MINUTE + 1


@pytest.mark.parametrize(
    "windows",
    [
        (Window(opens=time(9), closes=time(12)), Window(opens=time(12), closes=time(17))),
        (Window(opens=time(13), closes=time(17)), Window(opens=time(9), closes=time(12))),
        (Window(opens=time(18), closes=time(0)), Window(opens=time(19), closes=time(20))),
        (),
    ],
)
def test_hours_that_meet_or_that_nobody_ever_works_are_refused(windows: tuple[Window, ...]) -> None:
    with pytest.raises(ValueError):
        some_hours(windows)


@pytest.mark.parametrize(
    ("opens", "closes"), [(time(18), time(8)), (time(9), time(9)), (time(9), time(17, 0, 1))]
)
def test_a_window_that_is_no_window_is_refused(opens: time, closes: time) -> None:
    with pytest.raises(ValueError):
        Window(opens=opens, closes=closes)


# --- the file -------------------------------------------------------------------------------------


def test_nothing_is_promised_for_a_bank_holiday_until_the_force_says_so() -> None:
    listed = {day for day in BANK_HOLIDAYS if day.year >= 2026}

    assert listed <= {day for day, windows in HOURS.exceptions.items() if not windows}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("to = 18:00:00", "to = 07:00:00", "past midnight"),
        ("to = 18:00:00", "to = '18:00'", "not a time of day"),
        ("days = [1, 2, 3, 4]", "days = [1, 2, 3, 4, 8]", "1 to 7"),
        ("days = [5, 6, 7]", "days = [4, 5, 6, 7]", "in order, and apart"),
        ("day = 2026-12-26", "day = 2026-12-25", "twice"),
        ("review_by", "reviewed", "review_by"),
        ("source =", "extra = 1\nsource =", "extra"),
        ("source =", "source", "cannot be read"),
    ],
)
def test_hours_that_cannot_be_right_are_refused(tmp_path: Path, old: str, new: str, says: str) -> None:
    written = HOURS_FILE.read_text(encoding="utf-8")
    assert old in written
    path = tmp_path / "staffed_hours.toml"
    path.write_text(written.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(SettingsInvalid, match=says):
        load_staffed_hours(path)
