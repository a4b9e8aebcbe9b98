import pytest

from actions.people import HAND_OFFS, HandOff, Rephrase
from casework.model.desk import HandoffReason
from tests.actions.asking import ask, get_responses


@pytest.mark.parametrize("intent", [*HAND_OFFS, "nlu_fallback", "out_of_scope"])
async def test_a_hand_off_is_spoken_in_the_message_that_declares_it(intent: str) -> None:
    said = await ask(HandOff(), intent=intent)
    [message] = said.messages
    assert message["response"].startswith("utter_hand_off_") and message["custom"]["effect"] == "hand_off"
    assert message["custom"]["reason"] in set(HandoffReason)
    assert "A person will read this" in said.in_words() or "a person will read this" in said.in_words()


def test_only_the_hand_off_may_say_a_person_will_read_this() -> None:
    spoken = {
        name
        for name, variations in get_responses().items()
        if any("person will read this" in variation["text"].lower() for variation in variations)
    }
    assert spoken == {name for name in get_responses() if name.startswith("utter_hand_off_")}


async def test_the_first_message_not_understood_is_asked_another_way() -> None:
    said = await ask(Rephrase(), intent="nlu_fallback", said_before="utter_greet")
    assert said.responses == ["utter_rephrase"] and said.slots == {"needs_person": False}


@pytest.mark.parametrize("before", ["utter_rephrase", "utter_out_of_scope"])
async def test_the_second_in_a_row_says_nothing_and_goes_to_a_person(before: str) -> None:
    said = await ask(Rephrase(), intent="nlu_fallback", said_before=before)
    assert said.responses == [] and said.slots == {"needs_person": True}
