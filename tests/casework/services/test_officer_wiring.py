"""The officer's thread in the straight line of a message: declared by the assistant, answered, released, kept."""

from typing import Any

import pytest

from casework.adapters.storage.tables import desk_item, officer_message, outbox, promise
from casework.model.standings import Standing
from casework.services import officer_thread
from tests.support.builders import REFERENCE, a_case, an_answer
from tests.support.line import Line

FOR_OFFICER = an_answer(
    "A person will read this.", effects=({"effect": "hand_off", "reason": "message_for_officer"},)
)


def write(line: Line, text: str = "tell her I moved", *, is_linked: bool = True, **values: Any) -> str:
    line.add_cases(a_case(**values))
    conversation_id = line.receive(text, received_at=line.clock.now()).conversation_id
    if is_linked:
        link(line, conversation_id)
    return conversation_id


def link(line: Line, conversation_id: str) -> None:
    line.database.write_now(
        lambda tx: tx.standings.record(conversation_id, REFERENCE, Standing.LINKED, method="code")
    )


@pytest.fixture
def line(line: Line) -> Line:
    line.assistant.answers["tell her I moved"] = FOR_OFFICER
    return line


async def test_what_the_assistant_hands_over_for_the_officer_is_kept_and_the_promise_ends_the_reply(
    line: Line,
) -> None:
    conversation_id = write(line)

    await line.answer_all()

    [(text, status)] = line.outgoing(conversation_id)
    words = "Your officer will get this message. You should hear by Monday 23 November."
    assert (text, status) == (f"A person will read this.\n{words}", "waiting")
    assert line.row(promise).words == words
    assert line.row(officer_message).text == "tell her I moved"
    assert line.row(desk_item).reason == "message_for_officer"


async def test_an_unlinked_persons_message_stays_a_desk_task_as_before(line: Line) -> None:
    conversation_id = write(line, is_linked=False)

    await line.answer_all()

    assert line.outgoing(conversation_id) == [("A person will read this.", "waiting")]
    assert line.rows(officer_message) == line.rows(promise) == []
    assert line.row(desk_item).reason == "message_for_officer"


async def test_a_detectives_words_keep_what_was_promised_when_they_leave(line: Line) -> None:
    conversation_id = write(line)
    await line.answer_all()
    rowan = line.add_staff()
    line.claim(conversation_id, rowan)
    line.reply(conversation_id, "I am Rowan.", by=rowan)
    assert line.row(promise).status == "made"

    await line.deliver_all()

    assert line.row(promise).status == "kept"


async def test_the_assistants_words_keep_nothing(line: Line) -> None:
    write(line)
    await line.answer_all()
    await line.deliver_all()

    assert line.sender.sent != []
    assert line.row(promise).status == "made"


async def test_an_answer_that_was_held_leaves_with_the_next_reply(line: Line) -> None:
    conversation_id = write(line, safe_contact="reply_only")
    await line.answer_all()
    line.clock.advance(days=2)

    def answer(tx: Any) -> None:
        token = officer_thread.issue_officer_link(tx, REFERENCE, by="staff")
        seen = officer_thread.read_officer_thread(tx, token).latest_left_id
        officer_thread.answer_as_officer(tx, token, "I called in.", last_seen_id=seen, form_id="form")

    line.database.write_now(answer)
    assert line.rows(outbox, template="officer") == []

    link(line, conversation_id)  # proved again: the proof of two days ago is worth nothing
    line.receive("did she get it", received_at=line.clock.now())
    await line.answer_all()
    await line.deliver_all()

    assert "I called in." in [message.text for message in line.sender.sent]
    assert conversation_id == line.row(outbox, template="officer").conversation_id
