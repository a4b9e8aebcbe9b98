"""The table of the ladder is checked when it is read; its times are tried in tests/casework/services/test_ladder.py."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from casework.model.desk import Grade
from casework.model.errors import SettingsInvalid
from casework.model.ladder import LADDER_FILE, Due, Step, Taken, load_ladder
from casework.model.staffed_hours import load_staffed_hours

LADDER, HOURS = load_ladder(), load_staffed_hours()
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("desk = 60", "desk = 600"),
        ("on_call = 180\n", ""),
        ("unacknowledged = 300", "unacknowledged = 0"),
        ("victim = 60", 'victim = "60"'),
        ("victim = 60", ""),
        ("tries = 4", "tries = 5"),
        ("[grade_3]", "[grade_4]"),
        ("supervisor = 1800", "supervisor = 1800\nextra = 1"),
    ],
)
def test_a_ladder_that_cannot_be_right_is_refused(tmp_path: Path, old: str, new: str) -> None:
    text = LADDER_FILE.read_text(encoding="utf-8")
    assert old in text
    changed = tmp_path / "ladder.toml"
    changed.write_text(text.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(SettingsInvalid):
        load_ladder(changed)


def find_next(*taken: Taken, is_anyone_left: bool = True) -> Due | None:
    return LADDER.find_next(
        Grade.DANGER_NOW,
        waiting_since=NOON,
        wait_from=NOON,
        taken=taken,
        is_anyone_left=is_anyone_left,
        hours=HOURS,
    )


@pytest.mark.parametrize(
    ("last", "is_anyone_left", "step", "after"),
    [
        (Taken(step=Step.DESK, at=NOON), True, Step.ON_CALL, 180),
        (Taken(step=Step.DESK, at=NOON), False, Step.NOBODY_ON_CALL, 180),
        (Taken(step=Step.ON_CALL, at=NOON), True, Step.ON_CALL, 300),
        (Taken(step=Step.ON_CALL, at=NOON), False, Step.CONTROL_ROOM, 300),
        (Taken(step=Step.ON_CALL, at=NOON, is_unreached=True), True, Step.ON_CALL, 0),
        (Taken(step=Step.NOBODY_ON_CALL, at=NOON), False, Step.CONTROL_ROOM, 0),
        (Taken(step=Step.CONTROL_ROOM, at=NOON), False, Step.VICTIM_TOLD, 60),
        (Taken(step=Step.NO_CONTROL_ROOM, at=NOON), False, Step.VICTIM_TOLD, 0),
    ],
)
def test_each_step_has_one_after_it(last: Taken, is_anyone_left: bool, step: Step, after: int) -> None:
    due = find_next(last, is_anyone_left=is_anyone_left)

    assert due == Due(step=step, at=NOON + timedelta(seconds=after))


def test_an_acknowledgement_counts_from_when_it_came() -> None:
    told = Taken(step=Step.CONTROL_ROOM, at=NOON, acknowledged_at=NOON + timedelta(seconds=30))

    due = find_next(told)

    assert due == Due(step=Step.VICTIM_TOLD, at=NOON + timedelta(seconds=330))


@pytest.mark.parametrize("step", [Step.VICTIM_NOT_TOLD, Step.VICTIM_TOLD])
def test_after_the_victim_there_is_nobody(step: Step) -> None:
    assert find_next(Taken(step=step, at=NOON)) is None
