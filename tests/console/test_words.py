"""Every name the desk may have to say has words."""

from enum import Enum

import pytest

from casework.model.delivery_failures import load_failures
from casework.model.desk import CheckAnswer, Grade, HandoffReason, ItemStatus, Outcome
from casework.model.disclosure_screen import UNREADABLE_TIERS
from casework.model.disclosures import Category
from casework.model.messages import Channel, NotSentReason, Origin, OutboxStatus
from casework.model.safe_contact import SafeContact, SendReason
from casework.model.standings import Standing
from console.desk.messages import DELIVERED
from console.desk.queues import Filter
from console.refusals import REFUSAL_OF, REFUSAL_OF_STATUS
from console.words import load_words


@pytest.mark.parametrize(
    ("section", "names"),
    [
        ("categories", Category),
        ("reasons", HandoffReason),
        ("statuses", ItemStatus),
        ("outcomes", Outcome),
        ("check_answers", CheckAnswer),
        ("channels", Channel),
        ("safe_contact", SafeContact),
        ("filters", Filter),
    ],
)
def test_every_state_has_words(section: str, names: type[Enum]) -> None:
    assert set(load_words()[section]) == {name.value for name in names}


def test_every_grade_standing_rule_and_refusal_has_words() -> None:
    words = load_words()

    assert set(words["grades"]) == {str(grade.value) for grade in Grade}
    assert set(words["standings"]) == {standing.name.lower() for standing in Standing}
    assert set(words["whole_message_rules"]) == set(UNREADABLE_TIERS)
    named = {name for _, name in REFUSAL_OF.values()} | set(REFUSAL_OF_STATUS.values())
    assert named <= set(words["refusals"])


def test_every_state_and_reason_of_a_delivery_has_words() -> None:
    words = load_words()

    assert set(words["delivery"]) == {*(status.value for status in OutboxStatus), DELIVERED}
    assert set(load_failures()) <= set(words["delivery_reasons"])
    assert {reason.value for reason in NotSentReason} <= set(words["delivery_reasons"])
    assert set(words["delivery_advice"]) <= set(load_failures())
    assert set(words["send_reasons"]) == {reason.value for reason in SendReason}
    stopped = {reason.value for reason in SendReason if reason.value in words["blocked_why"]}
    assert stopped <= set(words["delivery_reasons"])


def test_every_way_a_message_reached_us_has_words() -> None:
    late = [origin.value for origin in Origin if origin is not Origin.WEBHOOK]

    assert set(load_words()["late"]) == {"late", *late, *(f"{each}_unknown" for each in late)}


def test_the_desk_never_says_sorry_or_please() -> None:
    said = str(load_words()).lower()

    for word in ("sorry", "please", "unfortunately", "incident", "alleged", "!"):
        assert word not in said
