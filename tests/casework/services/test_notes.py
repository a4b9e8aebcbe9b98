"""A note left on the web: received like every message, kept in the thread of the case, promised an answer once.

Red when, each tried once: urgent words get a promise or are left out of the thread, the standing is not asked, the
whole case's thread is read at LINKED, or an answer is shown before it has left.
"""

from typing import Any

import pytest

from casework.adapters.storage.safety_shown import find_safety_line
from casework.adapters.storage.tables import desk_item, inbox, officer_message, outbox, promise, turn
from casework.model.messages import Author, Channel, InboundMessage
from casework.model.officer_messages import MessageStatus
from casework.model.staffed_hours import load_staffed_hours
from casework.model.standings import HIGHEST_OF_METHOD, ProofMethod, Standing
from casework.services import officer_thread
from casework.services.left_messages import LEFT_FOR, Receiving
from casework.services.notes import LeftNote, NotesView, leave_note, read_notes
from casework.services.promises import Promising, load_promising
from casework.services.proved import find_proved
from tests.support.builders import REFERENCE, a_case, a_hit
from tests.support.line import Line

URGENT = "he is outside my house with a knife"
PROMISE = "Your officer will get this message. You should hear by Monday 23 November."


@pytest.fixture
def promising(line: Line) -> Promising:
    return load_promising(line.texts, load_staffed_hours())


@pytest.fixture
def line(line: Line) -> Line:
    line.add_cases()
    line.screen.results[URGENT] = a_hit(1)
    return line


def receiving(line: Line) -> Receiving:
    return Receiving(screen=line.screen, safety_lines=line.safety_lines, bands=line.bands, texts=line.texts)


def prove(line: Line, visit: str, standing: Standing = Standing.LINKED) -> str:
    conversation_id = line.open(visit, Channel.WEBCHAT)
    methods = [ProofMethod.INVITE, ProofMethod.PIN] if standing > Standing.LINKED else [ProofMethod.INVITE]
    for method in methods:
        level = HIGHEST_OF_METHOD[method]
        line.database.write_now(
            lambda tx, level=level, method=method: tx.standings.record(
                conversation_id, REFERENCE, level, method=method.value
            )
        )
    return conversation_id


def a_note(line: Line, visit: str, text: str) -> InboundMessage:
    return InboundMessage(
        channel=Channel.WEBCHAT,
        provider_message_id=f"{visit}:{text}",
        external_id=visit,
        text=text,
        received_at=line.clock.now(),
    )


def leave(
    line: Line, promising: Promising, text: str = "tell her I moved", visit: str = "browser"
) -> LeftNote:
    return line.database.write_now(
        lambda tx: leave_note(tx, a_note(line, visit, text), receiving=receiving(line), promising=promising)
    )


def read(line: Line, conversation_id: str) -> NotesView:
    return line.database.read_now(
        lambda tx: read_notes(tx, conversation_id, find_proved(tx, conversation_id))
    )


def answer(line: Line, text: str = "Thank you. I have it.") -> Any:
    token = line.database.write_now(lambda tx: officer_thread.issue_officer_link(tx, REFERENCE, by="staff"))
    opened = line.database.write_now(lambda tx: officer_thread.read_officer_thread(tx, token))
    return line.database.write_now(
        lambda tx: officer_thread.answer_as_officer(
            tx, token, text, last_seen_id=opened.latest_left_id, form_id="form"
        )
    )


def reasons(line: Line) -> list[str]:
    return sorted(row.reason for row in line.rows(desk_item))


def test_a_note_is_received_kept_for_the_officer_and_promised_an_answer(
    line: Line, promising: Promising
) -> None:
    conversation_id = prove(line, "browser")

    left = leave(line, promising)

    assert left.is_left
    received = line.row(inbox)
    assert (received.text, received.details) == ("tell her I moved", {LEFT_FOR: "officer"})
    kept = line.row(officer_message)
    assert (kept.inbox_id, kept.crime_reference, kept.status) == (received.id, REFERENCE, "waiting")
    assert reasons(line) == ["message_for_officer"]
    assert line.row(promise).words == PROMISE
    assert line.outgoing(conversation_id) == [(PROMISE, "waiting")]
    assert read(line, conversation_id).promises == (PROMISE,)
    # The assistant still reads it for danger.
    assert line.row(turn).status == "waiting"


def test_the_same_note_twice_is_one(line: Line, promising: Promising) -> None:
    prove(line, "browser")

    for _ in range(2):
        assert leave(line, promising).is_left

    assert len(line.rows(inbox)) == len(line.rows(officer_message)) == len(line.rows(outbox)) == 1


def test_a_second_note_while_the_first_waits_makes_no_second_promise(
    line: Line, promising: Promising
) -> None:
    conversation_id = prove(line, "browser")

    leave(line, promising)
    leave(line, promising, "and I have a new number")

    assert len(read(line, conversation_id).notes) == 2
    assert [row.words for row in line.rows(promise)] == [PROMISE]


def test_urgent_words_reach_the_desk_get_the_safety_line_and_no_day_to_wait_for(
    line: Line, promising: Promising
) -> None:
    conversation_id = prove(line, "browser")

    left = leave(line, promising, URGENT)

    assert left.received.is_urgent
    assert reasons(line) == ["disclosure"]
    [(safety_line, _)] = line.outgoing(conversation_id)
    assert "999" in safety_line
    assert line.database.read_now(lambda tx: find_safety_line(tx, conversation_id)) == safety_line
    assert line.rows(promise) == []
    assert [note.text for note in read(line, conversation_id).notes] == [URGENT]


def test_the_safety_line_is_shown_for_what_they_wrote_last_only(line: Line, promising: Promising) -> None:
    conversation_id = prove(line, "browser")
    leave(line, promising, URGENT)

    leave(line, promising, "I am safe now")

    assert line.database.read_now(lambda tx: find_safety_line(tx, conversation_id)) is None


@pytest.mark.parametrize("text", ["tell her I moved", URGENT])
def test_without_a_link_the_words_are_a_message_in_the_chat_and_no_case_has_them(
    line: Line, promising: Promising, text: str
) -> None:
    line.open("browser", Channel.WEBCHAT)

    left = leave(line, promising, text)

    assert not left.is_left
    assert line.row(inbox).text == text
    assert line.row(inbox).details is None
    assert line.rows(officer_message) == line.rows(promise) == []
    assert reasons(line) == (["disclosure"] if text == URGENT else [])


def test_a_link_that_has_run_out_counts_for_nothing(line: Line, promising: Promising) -> None:
    prove(line, "browser")
    line.clock.advance(hours=25)

    assert not leave(line, promising).is_left
    assert line.rows(officer_message) == []


async def test_the_answer_is_shown_once_it_has_left(line: Line, promising: Promising) -> None:
    conversation_id = prove(line, "browser")
    leave(line, promising)
    answer(line)
    assert [note.author for note in read(line, conversation_id).notes] == [Author.PERSON]

    await line.deliver_all()

    view = read(line, conversation_id)
    assert [(note.author, note.author_name) for note in view.notes] == [
        (Author.PERSON, ""),
        (Author.STAFF, "DC Robin Test-Officer"),
    ]
    assert view.notes[0].status is MessageStatus.ANSWERED
    assert view.notes[0].read_at is not None
    assert not view.is_open and view.promises == ()


async def test_an_answer_that_may_not_leave_is_said_to_be_there_and_comes_once_they_write(
    line: Line, promising: Promising
) -> None:
    conversation_id = prove(line, "browser")
    leave(line, promising)
    line.add_cases(a_case(safe_contact="reply_only"))
    line.clock.advance(hours=25)
    answer(line)
    prove(line, "browser")
    assert read(line, conversation_id).is_held
    assert [note.author for note in read(line, conversation_id).notes] == [Author.PERSON]

    leave(line, promising, "are you there")
    await line.deliver_all()

    view = read(line, conversation_id)
    assert not view.is_held
    assert Author.STAFF in [note.author for note in view.notes]


async def test_notes_left_elsewhere_show_after_a_step_up_alone(line: Line, promising: Promising) -> None:
    prove(line, "yesterday")
    leave(line, promising, "from another visit", visit="yesterday")
    answer(line)
    await line.deliver_all()
    conversation_id = prove(line, "browser")
    assert (read(line, conversation_id).notes, read(line, conversation_id).is_whole) == ((), False)

    prove(line, "browser", Standing.STEPPED_UP)

    view = read(line, conversation_id)
    assert ([note.text for note in view.notes], view.is_whole) == (
        ["from another visit", "Thank you. I have it."],
        True,
    )


async def test_in_a_flagged_case_the_officers_name_waits_for_a_step_up(
    line: Line, promising: Promising
) -> None:
    line.add_cases(a_case(crime_type="stalking", safe_contact="any"))
    conversation_id = prove(line, "browser")
    leave(line, promising)
    answer(line)
    await line.deliver_all()
    assert [note.author_name for note in read(line, conversation_id).notes] == ["", ""]

    prove(line, "browser", Standing.STEPPED_UP)

    assert read(line, conversation_id).notes[-1].author_name == "DC Robin Test-Officer"


async def test_when_the_officer_is_silent_it_says_that_the_team_has_it(
    line: Line, promising: Promising
) -> None:
    conversation_id = prove(line, "browser")
    leave(line, promising)
    line.clock.advance(days=3)
    await officer_thread.pass_on_next_silent(line.database, promising)
    prove(line, "browser")

    view = read(line, conversation_id)

    assert (view.notes[0].status, view.is_open) == (MessageStatus.WITH_TEAM, True)
    assert PROMISE not in view.promises
