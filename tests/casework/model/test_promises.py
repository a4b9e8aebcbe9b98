"""Only what the rota can keep may be promised, and only in words that are not ahead of it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.model.errors import SettingsInvalid
from casework.model.promises import (
    LIMITS_FILE,
    PromiseKind,
    find_promise_by,
    is_in_rota,
    load_promise_limits,
    say_day,
)
from casework.model.staffed_hours import load_staffed_hours
from casework.model.working_days import local_day

HOURS = load_staffed_hours()
LIMITS = load_promise_limits()
SATURDAY_NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
MOMENTS = st.integers(0, 485 * 24 * 60).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


def test_twenty_staffed_hours_from_saturday_noon_end_on_monday_afternoon() -> None:
    due_at = find_promise_by(HOURS, LIMITS, PromiseKind.OFFICER_ANSWER, SATURDAY_NOON)

    assert due_at == datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
    assert say_day(due_at) == "Monday 23 November"


@given(at=MOMENTS, kind=st.sampled_from(PromiseKind))
def test_whatever_is_promised_is_due_while_somebody_is_there_and_not_too_far_off(
    at: datetime, kind: PromiseKind
) -> None:
    due_at = find_promise_by(HOURS, LIMITS, kind, at)

    if due_at is not None:
        assert is_in_rota(HOURS, due_at)
        assert at < due_at <= at + LIMITS.longest


@pytest.mark.parametrize(
    ("due_at", "is_kept"),
    [
        (datetime(2026, 11, 23, 8, 0, tzinfo=UTC), False),  # they have only just come in
        (datetime(2026, 11, 23, 8, 1, tzinfo=UTC), True),
        (datetime(2026, 11, 23, 18, 0, tzinfo=UTC), True),
        (datetime(2026, 11, 23, 18, 1, tzinfo=UTC), False),
        (datetime(2026, 11, 23, 3, 0, tzinfo=UTC), False),
        (datetime(2026, 12, 25, 12, 0, tzinfo=UTC), False),
        (datetime(2026, 7, 20, 7, 1, tzinfo=UTC), True),  # 08:01 in summer
    ],
)
def test_a_night_a_holiday_and_an_opening_time_are_outside_the_rota(due_at: datetime, is_kept: bool) -> None:
    assert is_in_rota(HOURS, due_at) is is_kept


def test_nothing_is_promised_past_the_review_of_the_rota() -> None:
    day_after = datetime(2027, 5, 22, 9, 0, tzinfo=UTC)

    assert local_day(day_after) > HOURS.review_by
    assert find_promise_by(HOURS, LIMITS, PromiseKind.TEAM_ANSWER, day_after) is None


def test_a_limit_that_reaches_too_far_is_not_said() -> None:
    short = replace(LIMITS, longest=timedelta(hours=1))

    assert find_promise_by(HOURS, short, PromiseKind.TEAM_ANSWER, SATURDAY_NOON) is None


def test_the_day_is_the_one_on_a_british_calendar() -> None:
    assert say_day(datetime(2026, 7, 20, 23, 30, tzinfo=UTC)) == "Tuesday 21 July"


def test_the_limits_say_that_the_code_does_not_set_them() -> None:
    assert LIMITS.is_from_the_code is False
    assert LIMITS.source.startswith("design: Northamptonshire pilot")
    assert isinstance(LIMITS.review_by, date)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("officer_answer_staffed_hours = 20", "officer_answer_staffed_hours = 0"),
        ("officer_answer_staffed_hours = 20", 'officer_answer_staffed_hours = "20"'),
        ("officer_answer_staffed_hours = 20", "oficer_answer_staffed_hours = 20"),
        ("is_from_the_code = false", "is_from_the_code = 0"),
        ("longest_days = 7", "longest_days = 7\nextra = 1"),
    ],
)
def test_limits_that_cannot_be_right_are_refused(tmp_path: Path, old: str, new: str) -> None:
    broken = tmp_path / "promises.toml"
    broken.write_text(LIMITS_FILE.read_text().replace(old, new))

    with pytest.raises(SettingsInvalid, match=r"promises\.toml"):
        load_promise_limits(broken)
