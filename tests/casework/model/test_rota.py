"""Who is on call, and what nobody has: right over both clock changes.

Red when: times of the wall are read as UTC; shown in a copy.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from casework.model.rota import (
    RotaEntry,
    RotaKind,
    Way,
    find_control_room,
    find_gaps,
    list_on_call,
    parse_span,
)

MONDAY = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def entry(starts: float = 0, ends: float | None = 12, **values: Any) -> RotaEntry:
    """On call from so many hours after Monday noon."""
    given: dict[str, Any] = {
        "id": f"{starts}",
        "kind": RotaKind.ON_CALL,
        "name": "Kit Example",
        "starts_at": MONDAY + timedelta(hours=starts),
        "ends_at": None if ends is None else MONDAY + timedelta(hours=ends),
        "place": 1,
        "mobile": "+447700900101",
    }
    return RotaEntry(**(given | values))


def test_those_on_call_now_in_their_order() -> None:
    third, first, second = entry(place=3, id="c"), entry(place=1, id="a"), entry(place=2, id="b")
    later, over = entry(13, 14), entry(-5, 0)

    assert list_on_call([third, later, first, over, second], MONDAY) == [first, second, third]


def test_a_shift_ends_just_before_its_end() -> None:
    first, second = entry(0, 12), entry(12, 24)
    change = MONDAY + timedelta(hours=12)

    assert list_on_call([first, second], change - timedelta.resolution) == [first]
    assert list_on_call([first, second], change) == [second]


def test_the_control_room_is_on_nobodys_rota_and_the_newest_counts() -> None:
    old = entry(-9, None, kind=RotaKind.CONTROL_ROOM)
    new = entry(-1, None, kind=RotaKind.CONTROL_ROOM)

    assert list_on_call([old, new], MONDAY) == []
    assert find_control_room([new, old], MONDAY) == new
    assert find_gaps([new], since=MONDAY, until=MONDAY + timedelta(hours=1)) != []


@pytest.mark.parametrize(
    ("entries", "gaps"),
    [
        ([], [(0, 24)]),
        ([entry(0, 24)], []),
        ([entry(-3, 30)], []),
        ([entry(0, 12), entry(12, 24)], []),
        ([entry(0, 10), entry(14, 24)], [(10, 14)]),
        ([entry(14, 20), entry(2, 16)], [(0, 2), (20, 24)]),
        ([entry(0, 20), entry(3, 6)], [(20, 24)]),
        ([entry(30, 40)], [(0, 24)]),
    ],
)
def test_what_nobody_has_is_found(entries: list[RotaEntry], gaps: list[tuple[int, int]]) -> None:
    found = find_gaps(entries, since=MONDAY, until=MONDAY + timedelta(hours=24))

    hours = [(span.starts_at - MONDAY, span.ends_at - MONDAY) for span in found]
    assert hours == [(timedelta(hours=a), timedelta(hours=b)) for a, b in gaps]


@pytest.mark.parametrize(
    ("starts", "ends", "hours"),
    [
        ("2026-11-23T18:00", "2026-11-24T08:00", 14),
        ("2026-03-28T18:00", "2026-03-29T08:00", 13),  # the clocks go on at 01:00
        ("2026-10-24T18:00", "2026-10-25T08:00", 15),  # and back at 02:00
        ("2026-10-24T18:00", "2026-10-25T01:30", 8.5),  # 01:30 comes twice: until the second
        ("2026-10-25T01:30", "2026-10-25T08:00", 7.5),  # and from the first
        ("2026-03-29T01:30", "2026-03-29T08:00", 6.5),  # a time that never comes
    ],
)
def test_a_shift_is_as_long_as_it_is(starts: str, ends: str, hours: float) -> None:
    span = parse_span(starts, ends)

    assert span.ends_at - span.starts_at == timedelta(hours=hours)


def test_shifts_that_meet_where_an_hour_comes_twice_leave_no_gap() -> None:
    before, after = (
        parse_span("2026-10-24T18:00", "2026-10-25T01:30"),
        parse_span("2026-10-25T01:30", "2026-10-25T09:00"),
    )

    assert after.starts_at <= before.ends_at


def test_weeks_later_it_begins_at_the_same_hour_of_the_wall() -> None:
    spans = [parse_span("2026-10-19T18:00", "2026-10-20T08:00", weeks_later=week) for week in (0, 1)]

    assert [span.starts_at.hour for span in spans] == [17, 18]  # UTC, before and after the change


@pytest.mark.parametrize(
    ("starts", "ends"),
    [
        ("", "2026-11-24T08:00"),
        ("soon", "2026-11-24T08:00"),
        ("2026-11-24T08:00", "2026-11-24T08:00"),
        ("2026-11-24T08:00", "2026-11-23T08:00"),
        ("2026-11-24T08:00+01:00", "2026-11-25T08:00"),
    ],
)
def test_what_is_no_time_is_refused(starts: str, ends: str) -> None:
    with pytest.raises(ValueError):
        parse_span(starts, ends)


def test_only_the_ways_that_were_given_are_used() -> None:
    assert entry().ways == ((Way.SMS, "+447700900101"),)
    assert entry(mobile=None, email="a@example.org").ways == ((Way.EMAIL, "a@example.org"),)
