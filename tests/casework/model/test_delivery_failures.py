"""Every failure of a message has words for the desk and a follow-up, and a table that cannot be right is refused."""

from datetime import timedelta
from pathlib import Path

import pytest

from casework.model.delivery_failures import (
    FAILURES_FILE,
    UNKNOWN_FAULT,
    FollowUp,
    get_failure,
    load_failures,
)
from casework.model.errors import SettingsInvalid
from casework.model.messages import Channel
from console.words import load_words


def test_every_failure_has_words_for_the_desk() -> None:
    """Red when: one line of [delivery_reasons] is taken out, or a failure is added without one."""
    assert set(load_failures()) <= set(load_words()["delivery_reasons"])


def test_every_alarm_of_a_failure_has_words_for_the_desk() -> None:
    alarms = {
        failure.find_alarm(channel) for failure in load_failures().values() for channel in sorted(Channel)
    } - {None}

    assert alarms == {"sms_filtered", "template_wrong", "sms_account_refused", "telegram_refused"}
    assert alarms <= set(load_words()["alarms"])


@pytest.mark.parametrize(
    ("failure_id", "follow_up"),
    [
        ("account_refused", FollowUp.ALARM),
        ("blocked_by_person", FollowUp.CANNOT_BE_TEXTED),
        ("busy", FollowUp.TASK),
        ("filtered_as_spam", FollowUp.ALARM),
        ("not_a_mobile", FollowUp.NUMBER_DOUBTED),
        ("not_allowed_there", FollowUp.TASK),
        ("not_on_whatsapp", FollowUp.CANNOT_BE_TEXTED),
        ("not_our_number", FollowUp.ALARM),
        ("number_not_in_use", FollowUp.NUMBER_DOUBTED),
        ("opted_out", FollowUp.CANNOT_BE_TEXTED),
        ("outcome_unknown", FollowUp.TASK),
        ("queue_full", FollowUp.TASK),
        ("redacted_code", FollowUp.NONE),
        ("template_wrong", FollowUp.ALARM),
        ("too_late", FollowUp.TASK),
        ("too_long", FollowUp.TASK),
        ("unknown_fault", FollowUp.TASK),
        ("unreachable_now", FollowUp.TASK),
        ("window_closed", FollowUp.WINDOW_CLOSED),
    ],
)
def test_what_follows_is_as_agreed(failure_id: str, follow_up: FollowUp) -> None:
    assert get_failure(failure_id).follow_up is follow_up


def test_no_failure_is_left_out_of_the_list_above() -> None:
    marks = test_what_follows_is_as_agreed.pytestmark  # type: ignore[attr-defined]
    assert [row[0] for row in marks[0].args[1]] == sorted(load_failures())


def test_a_phone_that_is_off_is_tried_three_times_in_six_hours() -> None:
    again = get_failure("unreachable_now").again

    assert len(again) == 3
    assert sum(again, timedelta()) == timedelta(hours=6)


@pytest.mark.parametrize("failure_id", [None, "", "something_new"])
def test_what_nobody_has_sorted_is_an_unknown_fault(failure_id: str | None) -> None:
    assert get_failure(failure_id).id == UNKNOWN_FAULT


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('follow_up = "task"', 'follow_up = "tusk"'),
        ('follow_up = "task"', 'follow_up = "alarm:"'),
        ('id = "too_late"', 'id = "too_long"'),
        ('id = "unknown_fault"', 'id = "another_fault"'),
        ("again_minutes = [30, 90, 240]", "again_minutes = [30, 0]"),
        ("again_minutes = [30, 90, 240]", 'again_minutes = ["30"]'),
        ("again_minutes = [30, 90, 240]", "again_hours = [1]"),
        ("review_by = 2027-05-21", 'review_by = "soon"'),
        ("[[failure]]", "[[failures]]"),
    ],
)
def test_a_table_that_cannot_be_right_is_refused(tmp_path: Path, old: str, new: str) -> None:
    written = FAILURES_FILE.read_text(encoding="utf-8")
    path = tmp_path / "delivery_failures.toml"
    path.write_text(written.replace(old, new, 1), encoding="utf-8")
    assert old in written

    with pytest.raises(SettingsInvalid):
        load_failures(path)
