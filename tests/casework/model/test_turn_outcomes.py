"""What counts as a difference between two models is what a victim would get, and nothing else.

Red when: a number alone makes a change, or a person who no longer looks is no risk; shown with both.
"""

from typing import Any

import pytest

from casework.model.disclosures import Band, Category
from casework.model.turn_outcomes import Change, Truth, TurnOutcome, find_change, find_harm, is_risk


def an_outcome(**values: Any) -> TurnOutcome:
    defaults: dict[str, Any] = {
        "responses": ("utter_need_reference",),
        "effects": (),
        "band": Band.GREEN,
        "tier": None,
        "category": None,
        "to_person": False,
        "intent": "ask_status",
        "confidence": 0.9,
        "urgency": 0.01,
    }
    return TurnOutcome(**(defaults | values))


RED = an_outcome(responses=(), band=Band.RED, tier=1, category="immediate_danger", to_person=True)
AMBER = an_outcome(band=Band.AMBER, tier=2)
TO_PERSON = an_outcome(
    responses=("utter_hand_off_person",), effects=("hand_off:asked_for_person",), to_person=True
)
COURT = an_outcome(responses=("utter_right_8",), intent="ask_court")
URGENT = Truth(is_urgent=True, category=Category.STRANGULATION, intent=None, by="settled")
CALM = Truth(is_urgent=False, category=None, intent="ask_status", by="settled")
CLOSED = Truth(is_urgent=False, category=None, intent=None, by="ending")


def test_numbers_and_names_nobody_reads_are_no_change() -> None:
    after = an_outcome(confidence=0.2, urgency=0.4, intent="ask_court", category="strangulation")

    assert find_change(an_outcome(), after, CALM) is None


@pytest.mark.parametrize(
    ("before", "after", "truth", "change"),
    [
        (an_outcome(), RED, URGENT, Change.NEWLY_RIGHT),
        (RED, an_outcome(), URGENT, Change.NEWLY_WRONG),
        (RED, AMBER, URGENT, Change.CHANGED),
        (TO_PERSON, an_outcome(), URGENT, Change.NEWLY_WRONG),
        (an_outcome(), COURT, CALM, Change.NEWLY_WRONG),
        (COURT, an_outcome(), CALM, Change.NEWLY_RIGHT),
        (an_outcome(), AMBER, CLOSED, Change.NEWLY_WRONG),
        (an_outcome(), COURT, CLOSED, Change.CHANGED),
        (an_outcome(), RED, None, Change.CHANGED),
    ],
)
def test_right_and_wrong_need_somebodys_word(
    before: TurnOutcome, after: TurnOutcome, truth: Truth | None, change: Change
) -> None:
    assert find_change(before, after, truth) is change


@pytest.mark.parametrize(
    ("before", "after", "truth", "risk"),
    [
        (an_outcome(), COURT, CALM, False),
        (an_outcome(), COURT, URGENT, True),
        (an_outcome(), AMBER, None, True),
        (RED, an_outcome(), None, True),
        (TO_PERSON, an_outcome(), None, True),
        (an_outcome(), TO_PERSON, None, False),
    ],
)
def test_a_risk_is_what_touches_danger_or_takes_a_person_away(
    before: TurnOutcome, after: TurnOutcome, truth: Truth | None, risk: bool
) -> None:
    assert is_risk(before, after, truth) is risk


def test_harm_is_by_peoples_word_and_else_by_the_graver_of_the_two() -> None:
    assert find_harm(an_outcome(), AMBER, URGENT) == 1
    assert find_harm(RED, AMBER, CALM) == 1
    assert find_harm(an_outcome(), COURT, None) == 5
