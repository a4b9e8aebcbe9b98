from datetime import date

import pytest

from actions.reads import SupportService
from actions.rights import TellRight
from actions.support import FindSupport
from casework.services.support_directory import find_support_services
from tests.actions.asking import ask
from tests.actions.fake_reads import FakeReads
from tests.support.builders import a_case


@pytest.mark.parametrize(
    ("intent", "right", "response"),
    [
        ("ask_rights", "right_6", "utter_right_6"),
        ("ask_rights", None, "utter_rights_overview"),
        ("ask_rights", "right_13", "utter_rights_overview"),
        ("complain", None, "utter_right_12"),
        ("complain", "right_6", "utter_right_12"),
        ("ask_compensation", None, "utter_right_5"),
        ("ask_review_decision", None, "utter_review_decision"),
    ],
)
async def test_a_question_about_a_right_gets_that_right(
    intent: str, right: str | None, response: str
) -> None:
    said = await ask(TellRight(), intent=intent, entities={"right": right} if right else None)
    assert said.responses == [response]


async def test_support_is_matched_to_the_crime_only_after_proof() -> None:
    reads = FakeReads(support=[SupportService(name="Test Line", phone="0800", hours="", for_whom="anyone")])
    await ask(FindSupport(reads), intent="ask_support")
    reads.link("c1", a_case(crime_type="stalking"))
    said = await ask(FindSupport(reads), intent="ask_support")
    assert reads.asked_support_for == [None, "stalking"]
    assert "Test Line 0800: for anyone." in said.in_words()


async def test_with_no_checked_service_a_person_is_offered() -> None:
    assert (await ask(FindSupport(FakeReads()), intent="ask_support")).responses == ["utter_support_none"]


@pytest.mark.parametrize(
    "crime_type", ["burglary", "fraud", "stalking", "child sexual abuse", "honour-based"]
)
async def test_the_services_shown_fit_in_a_text_message(crime_type: str) -> None:
    found = find_support_services(crime_type, today=date(2026, 11, 21))
    shown = [
        SupportService(name=s.name, phone=s.phone_display, hours=s.hours, for_whom=s.for_whom) for s in found
    ]
    words = (await ask(FindSupport(FakeReads(support=shown)), intent="ask_support")).in_words()
    assert len(words) <= 306, (len(words), words)
