"""Counting, cooling and forgetting, as numbers alone."""

from datetime import UTC, datetime, timedelta

import pytest

from casework.model.errors import SettingsInvalid
from casework.model.throttles import (
    Limit,
    Throttle,
    Tried,
    count_try,
    is_closed,
    load_limits,
    parse_limits,
)

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
WINDOW = Limit(most=5, window=HOUR)
COOLING = Limit(most=5, cools_for=HOUR, cools_at_most=timedelta(hours=5))


def tried(times: int, limit: Limit, at: datetime = NOON, before: Throttle | None = None) -> Throttle:
    throttle = before or Throttle(window_start=at)
    for _ in range(times):
        throttle = count_try(throttle, limit, at)
    return throttle


def test_what_was_never_tried_is_open() -> None:
    assert not is_closed(None, WINDOW, NOON)


@pytest.mark.parametrize(("times", "closed"), [(0, False), (4, False), (5, True), (6, True)])
def test_so_many_are_let_through_in_a_window(times: int, closed: bool) -> None:
    assert is_closed(tried(times, WINDOW), WINDOW, NOON) is closed


def test_a_window_ends_to_the_moment_and_the_count_begins_anew() -> None:
    full = tried(5, WINDOW)

    assert is_closed(full, WINDOW, NOON + HOUR - timedelta(microseconds=1))
    assert not is_closed(full, WINDOW, NOON + HOUR)
    assert count_try(full, WINDOW, NOON + HOUR) == Throttle(window_start=NOON + HOUR, count=1)


def test_without_a_window_it_stays_closed_for_ever() -> None:
    limit = Limit(most=100)

    assert not is_closed(tried(99, limit), limit, NOON)
    assert is_closed(tried(100, limit), limit, NOON + timedelta(days=10_000))


def test_the_fifth_wrong_try_cools_for_an_hour_and_not_for_longer() -> None:
    fourth, fifth = tried(4, COOLING), tried(5, COOLING)

    assert not is_closed(fourth, COOLING, NOON)
    assert is_closed(fifth, COOLING, NOON + HOUR - timedelta(microseconds=1))
    assert not is_closed(fifth, COOLING, NOON + HOUR)


def test_each_cooling_is_twice_the_last_up_to_the_longest() -> None:
    throttle, at, hours = Throttle(window_start=NOON), NOON, []
    for _ in range(5):
        throttle = tried(5, COOLING, at, throttle)
        assert throttle.cools_until is not None
        hours.append((throttle.cools_until - at) / HOUR)
        at = throttle.cools_until

    assert hours == [1, 2, 4, 5, 5]


def test_with_a_window_too_each_try_after_the_free_ones_cools_for_twice_as_long_until_it_ends() -> None:
    limit = Limit(most=5, window=HOUR, cools_for=timedelta(minutes=1), cools_at_most=timedelta(minutes=15))
    throttle, at, minutes = tried(4, limit), NOON, []
    for _ in range(6):
        throttle = count_try(throttle, limit, at)
        assert throttle.cools_until is not None
        minutes.append((throttle.cools_until - at) / timedelta(minutes=1))
        at = throttle.cools_until

    anew = count_try(throttle, limit, NOON + HOUR)

    assert minutes == [1, 2, 4, 8, 15, 15]
    assert (anew.count, anew.cooled) == (1, 0)
    assert not is_closed(anew, limit, NOON + HOUR)


def test_however_often_it_has_cooled_the_time_can_be_said() -> None:
    worn = Throttle(window_start=NOON, count=4, cooled=10_000)

    assert count_try(worn, COOLING, NOON).cools_until == NOON + timedelta(hours=5)


def test_the_packaged_limits_are_those_that_were_agreed() -> None:
    limits = load_limits()

    assert set(limits) == set(Tried)
    assert limits[Tried.REFERENCES_OF_SENDER] == Limit(most=5, window=HOUR)
    assert limits[Tried.WRONG_CODES_OF_SENDER_AND_CASE].most == 5
    assert limits[Tried.WRONG_CODES_OF_SENDER_AND_CASE].cools_for == HOUR
    assert limits[Tried.CODE_SENDS_OF_CASE] == Limit(most=3, window=timedelta(days=1))
    assert limits[Tried.WRONG_CODES_OF_CASE] == Limit(most=100)
    assert limits[Tried.WRONG_PINS_OF_PERSON] == Limit(most=100)
    quarter = timedelta(minutes=15)
    assert limits[Tried.STAFF_PROOFS] == Limit(
        most=5, window=quarter, cools_for=timedelta(minutes=1), cools_at_most=quarter
    )


@pytest.mark.parametrize(
    "wrong", [{"most": 0}, {"most": True}, {"window_minutes": 1.5}, {"source": ""}, {"review_by": None}]
)
def test_a_limit_that_cannot_be_right_is_refused(wrong: dict[str, object]) -> None:
    table = {name.value: {"most": 5, "source": "x", "review_by": "2027-05-21"} for name in Tried}
    table[Tried.UNKNOWN_REFERENCES] |= wrong

    with pytest.raises(SettingsInvalid):
        parse_limits(table)


def test_a_table_without_a_limit_is_refused() -> None:
    with pytest.raises(SettingsInvalid):
        parse_limits({})
