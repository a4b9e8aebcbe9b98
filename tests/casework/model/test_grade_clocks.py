"""A clock counts what its grade counts: urgent ones every minute, ordinary ones staffed time, over both clock changes.

Red when: urgent clocks count staffed time; shown with `counts` changed in a copy of the table.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from casework.model.desk import Grade
from casework.model.errors import SettingsInvalid
from casework.model.grade_clocks import CLOCKS_FILE, Punctuality, judge, load_grade_clocks

CLOCKS = load_grade_clocks()
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)  # a Friday; the desk is staffed from 08:00 to 16:00


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


@pytest.mark.parametrize(
    ("grade", "claim", "first", "following"), [(1, 1, 2, 2), (2, 5, 10, 10), (3, 30, 60, 60)]
)
def test_each_grade_has_the_times_that_were_agreed(
    grade: int, claim: int, first: int, following: int
) -> None:
    waiting = CLOCKS.find_targets(Grade(grade), waiting_since=NOON)
    later = NOON + minutes(90)
    answered = CLOCKS.find_targets(
        Grade(grade), waiting_since=NOON, claimed_at=NOON, answered_at=NOON, awaiting_since=later
    )

    assert waiting.claim is not None and waiting.claim.due_at == NOON + minutes(claim)
    assert waiting.reply is not None and waiting.reply.due_at == NOON + minutes(first)
    assert answered.claim is None
    assert answered.reply is not None and answered.reply.due_at == later + minutes(following)


def test_what_was_answered_waits_for_nothing() -> None:
    targets = CLOCKS.find_targets(Grade.HIGH, waiting_since=NOON, claimed_at=NOON, answered_at=NOON)

    assert targets.next_due is None


@pytest.mark.parametrize(
    ("since", "due"),
    [
        (datetime(2026, 11, 20, 15, 50, tzinfo=UTC), datetime(2026, 11, 21, 8, 50, tzinfo=UTC)),
        (datetime(2026, 12, 24, 17, 30, tzinfo=UTC), datetime(2026, 12, 27, 8, 30, tzinfo=UTC)),  # holidays
        (datetime(2026, 3, 28, 15, 30, tzinfo=UTC), datetime(2026, 3, 29, 7, 30, tzinfo=UTC)),  # clocks on
        (datetime(2026, 10, 24, 14, 30, tzinfo=UTC), datetime(2026, 10, 25, 8, 30, tzinfo=UTC)),  # and back
    ],
)
def test_a_prompt_answer_counts_staffed_time_alone(since: datetime, due: datetime) -> None:
    reply = CLOCKS.find_targets(Grade.PROMPT, waiting_since=since).reply

    assert reply is not None and reply.due_at == due
    assert reply.judge(since + timedelta(hours=8)) is Punctuality.ON_TIME  # in a night nobody works


@pytest.mark.parametrize("grade", [Grade.DANGER_NOW, Grade.HIGH])
def test_urgent_clocks_never_stop(grade: Grade) -> None:
    night = datetime(2026, 12, 25, 3, 0, tzinfo=UTC)

    reply = CLOCKS.find_targets(grade, waiting_since=night).reply

    assert reply is not None and reply.due_at - night <= minutes(10)


@pytest.mark.parametrize(
    ("since", "due"),
    [
        (datetime(2026, 11, 19, 9, 0, tzinfo=UTC), datetime(2026, 11, 20, 16, 0, tzinfo=UTC)),
        (datetime(2026, 11, 20, 9, 0, tzinfo=UTC), datetime(2026, 11, 23, 18, 0, tzinfo=UTC)),  # a weekend
        (datetime(2026, 12, 24, 9, 0, tzinfo=UTC), datetime(2026, 12, 29, 18, 0, tzinfo=UTC)),  # Christmas
        (datetime(2026, 7, 13, 22, 59, tzinfo=UTC), datetime(2026, 7, 14, 17, 0, tzinfo=UTC)),  # still Monday
        (
            datetime(2026, 7, 13, 23, 0, tzinfo=UTC),
            datetime(2026, 7, 15, 17, 0, tzinfo=UTC),
        ),  # Tuesday by now
    ],
)
def test_a_routine_answer_is_due_by_the_end_of_the_next_working_day(since: datetime, due: datetime) -> None:
    targets = CLOCKS.find_targets(Grade.ROUTINE, waiting_since=since)

    assert targets.claim is None
    assert targets.reply is not None and targets.reply.due_at == due


def test_past_the_known_holidays_the_hours_alone_count() -> None:
    far = datetime(2040, 1, 2, 12, 0, tzinfo=UTC)

    reply = CLOCKS.find_targets(Grade.ROUTINE, waiting_since=far).reply

    assert reply is not None and far < reply.due_at < far + timedelta(days=3)


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (0, Punctuality.ON_TIME),
        (7.4, Punctuality.ON_TIME),
        (7.5, Punctuality.DUE_SOON),
        (10, Punctuality.DUE_SOON),
        (10.01, Punctuality.OVERDUE),
    ],
)
def test_the_last_quarter_is_due_soon(after: float, said: Punctuality) -> None:
    assert judge(NOON, NOON + minutes(10), NOON + minutes(after)) is said
    reply = CLOCKS.find_targets(Grade.HIGH, waiting_since=NOON).reply
    assert reply is not None and reply.judge(NOON + minutes(after)) is said


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("claim = 1\n", "claim = 0\n"),
        ("first_reply = 2\n", ""),
        ('counts = "always"', 'counts = "sometimes"'),
        ("working_days = 1", "working_days = 0"),
        ("due_soon_share = 0.25", "due_soon_share = 1.5"),
        ("[grade_4]", "[grade_5]"),
        ("claim = 30", 'claim = "30"'),
    ],
)
def test_clocks_that_cannot_be_right_are_refused(tmp_path: Path, old: str, new: str) -> None:
    text = CLOCKS_FILE.read_text(encoding="utf-8")
    assert old in text
    changed = tmp_path / "grade_clocks.toml"
    changed.write_text(text.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(SettingsInvalid):
        load_grade_clocks(changed)
