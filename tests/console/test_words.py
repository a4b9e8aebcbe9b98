"""Every name the desk may have to say has words."""

from enum import Enum

import pytest

from casework.model.desk import CheckAnswer, Grade, HandoffReason, ItemStatus, Outcome
from casework.model.disclosure_screen import UNREADABLE_TIERS
from casework.model.disclosures import Category
from casework.model.messages import Channel, OutboxStatus
from casework.model.safe_contact import SafeContact
from casework.model.standings import Standing
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
        ("delivery", OutboxStatus),
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


def test_the_desk_never_says_sorry_or_please() -> None:
    said = str(load_words()).lower()

    for word in ("sorry", "please", "unfortunately", "incident", "alleged", "!"):
        assert word not in said
