from datetime import date

import pytest

from actions.proof import CheckCode, RequestCode
from tests.actions.asking import Said, ask
from tests.actions.fake_reads import FakeReads
from tests.support.builders import a_case

TODAY = date(2026, 11, 21)


async def give_code(reads: FakeReads, code: str = "123456", wish: str | None = None) -> Said:
    action = CheckCode(reads, lambda: TODAY)
    return await ask(action, intent="give_code", entities={"one_time_code": code}, slots={"wish": wish})


async def give_reference(reads: FakeReads, text: str, wish: str | None = None) -> Said:
    return await ask(RequestCode(reads, lambda: TODAY), text, intent="give_reference", slots={"wish": wish})


async def test_a_reference_is_answered_with_the_same_sentence_whether_or_not_it_is_ours() -> None:
    said = await give_reference(FakeReads(), "its 43 26 0012345 i think")
    assert said.effects == [{"effect": "request_code", "reference": "43260012345"}]
    assert said.in_words() == (
        "Thank you. If that matches our records, we have sent a code to the contact details we hold. "
        "Type the code here."
    )


async def test_a_reference_already_proved_is_answered_with_the_case() -> None:
    reads = FakeReads()
    reads.link("c1", a_case())
    said = await give_reference(reads, "43260012345")
    assert said.responses[0] == "utter_stage_under_investigation" and said.effects == []


async def test_another_reference_after_proof_asks_for_a_code_of_its_own() -> None:
    reads = FakeReads()
    reads.link("c1", a_case())
    assert (await give_reference(reads, "43260099999")).responses == ["utter_code_requested"]


@pytest.mark.parametrize(
    ("text", "response"),
    [("my log number is 2089/21Nov", "utter_incident_number"), ("here is my number", "utter_need_reference")],
)
async def test_without_a_reference_nothing_is_asked_of_the_service(text: str, response: str) -> None:
    said = await give_reference(FakeReads(), text)
    assert said.responses == [response] and said.effects == []


async def test_a_right_code_confirms_and_answers_what_was_asked_before() -> None:
    reads = FakeReads()
    reads.expect_code("c1", "123456", a_case())
    said = await give_code(reads, wish="status")
    assert said.effects == [{"effect": "confirm_code", "code": "123456", "accepted": True}]
    assert said.responses == [
        "utter_code_accepted",
        "utter_stage_under_investigation",
        "utter_next_update_due",
    ]
    assert said.slots == {"wish": None}
    assert len(said.in_words()) <= 306


async def test_a_right_code_with_no_wish_asks_what_they_would_like_to_know() -> None:
    reads = FakeReads()
    reads.expect_code("c1", "123456", a_case())
    assert (await give_code(reads)).responses == ["utter_code_accepted", "utter_ask_what_about_case"]


async def test_a_right_code_in_a_sensitive_case_still_leaves_the_news_to_a_person() -> None:
    reads = FakeReads()
    reads.expect_code("c1", "123456", a_case(crime_type="rape", stage="released_on_bail"))
    assert (await give_code(reads, wish="status")).responses[1:] == ["utter_update_by_officer"]


async def test_wrong_codes_and_codes_nobody_asked_for_get_the_same_words_and_are_counted() -> None:
    wrong_reads = FakeReads()
    wrong_reads.expect_code("c1", "999999", a_case())
    wrong, unasked = await give_code(wrong_reads), await give_code(FakeReads())
    assert wrong.messages == unasked.messages
    assert wrong.effects == [{"effect": "confirm_code", "code": "123456", "accepted": False}]


async def test_a_wrong_code_keeps_the_wish_for_the_right_one() -> None:
    assert "wish" not in (await give_code(FakeReads(), wish="status")).slots
