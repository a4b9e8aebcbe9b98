"""Words left beside the chat: the assistant reads them for danger, as any others, and answers none.

Red when, each tried once: the reply leaves, or the question whether they are OK is not asked.
"""

from typing import Any

import pytest

from casework.adapters.storage.tables import desk_item, turn
from casework.model.disclosures import Category
from casework.model.messages import Channel
from casework.services.left_messages import FOR_CASE, FOR_OFFICER, LEFT_FOR
from tests.support.builders import a_learned, an_answer
from tests.support.line import Line

TEXT = "tell her I moved"
EVIDENCE = Category.NEW_EVIDENCE_OR_DETAILS


def leave(line: Line, text: str = TEXT, left_for: str = FOR_OFFICER) -> str:
    received = line.receive(
        text, channel=Channel.WEBCHAT, external_id="browser", details={LEFT_FOR: left_for}
    )
    return received.conversation_id


async def test_nothing_is_answered_and_the_dialogue_stays_where_it_was(line: Line) -> None:
    hand_off = {"effect": "hand_off", "reason": "asked_for_person"}
    line.assistant.answer = an_answer("I did not understand.", effects=(hand_off,))
    conversation_id = leave(line)

    await line.answer_all()

    assert line.assistant.asked == [TEXT]
    assert line.outgoing(conversation_id) == []
    assert line.conversation(conversation_id).state is None
    assert (line.row(turn).status, line.row(turn).outcome) == ("done", "read")
    assert line.rows(desk_item) == []


async def test_danger_that_only_the_detector_sees_is_handed_over(line: Line) -> None:
    line.assistant.answer = an_answer(learned=a_learned(1))
    conversation_id = leave(line)

    await line.answer_all()

    assert line.row(desk_item).reason == "disclosure"
    assert "999" in line.outgoing(conversation_id)[0][0]


async def test_what_may_be_urgent_is_a_check_and_they_are_asked(line: Line) -> None:
    line.assistant.answer = an_answer(learned=a_learned(2, probability=line.bands.limits.tiers[2].amber))
    conversation_id = leave(line)

    await line.answer_all()

    assert line.row(desk_item).reason == "check"
    assert len(line.outgoing(conversation_id)) == 1


async def test_who_sent_evidence_is_not_told_by_the_detector_either_not_to_send_it(line: Line) -> None:
    line.assistant.answer = an_answer(learned=a_learned(4, categories={EVIDENCE: 0.99}))
    conversation_id = leave(line, left_for=FOR_CASE)

    await line.answer_all()

    assert not any("Do not send" in text for text, _ in line.outgoing(conversation_id))


@pytest.mark.parametrize("text", ["start " + "a" * 32])
async def test_what_looks_like_an_invite_opens_nothing(line: Line, text: str) -> None:
    conversation_id = leave(line, text)

    await line.answer_all()

    assert line.outgoing(conversation_id) == []


async def test_what_is_written_in_the_chat_is_answered(line: Line) -> None:
    received: Any = line.receive(TEXT, channel=Channel.WEBCHAT, external_id="browser")

    await line.answer_all()

    assert len(line.outgoing(received.conversation_id)) == 1
