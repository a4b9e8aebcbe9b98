"""EXIT is silent, STOP is heard once and by a person, HELP brings one: after the screen, and only as the whole text.

Red when, each seen once: EXIT or STOP is left to the assistant; `suppress_waiting` is not called; `_find_closing` finds
nothing (an answer begun before an EXIT leaves); RED no longer takes the keyword away; `record_told` is not asked;
`hear_writer` ends nothing; `is_overtaken` is always false; `find_bar` gives None.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from casework.adapters.storage.tables import audit, desk_item, inbox, opt_out, outbox, turn
from casework.model.keywords import KEYWORD_CHANNELS, Keyword, packaged_keywords
from casework.model.messages import Author, Channel, Lane, Origin, OutboxStatus, SendKind
from casework.model.safe_contact import SendReason
from casework.model.sms_segments import count_segments
from casework.services import outgoing
from casework.services.service_texts import load_service_texts
from tests.support.builders import (
    REFERENCE,
    VICTIM,
    a_case,
    a_hit,
    a_learned,
    an_amber_hit,
    an_answer,
    an_outbound,
)
from tests.support.line import Line

STRANGER = "+447700900777"
STOP_WORDS = sorted(word for word, keyword in packaged_keywords().words.items() if keyword is Keyword.STOP)
EXIT_WORDS = sorted(word for word, keyword in packaged_keywords().words.items() if keyword is Keyword.EXIT)
HUMAN_WORDS = sorted(word for word, keyword in packaged_keywords().words.items() if keyword is Keyword.HUMAN)


def reasons(line: Line) -> list[str]:
    return [row.reason for row in line.rows(desk_item)]


def outcomes(line: Line) -> list[str | None]:
    return [row.outcome for row in sorted(line.rows(turn), key=lambda row: row.inbox_id)]


def acts(line: Line) -> list[str]:
    return [row.act for row in line.rows(audit)]


def sent(line: Line) -> list[str]:
    return [message.template for message in line.sender.sent]


async def work(line: Line) -> None:
    await line.answer_all()
    await line.deliver_all()


def unasked(line: Line, channel: Channel = Channel.SMS, **values: Any) -> Any:
    """A text of news towards the victim, written now; its row."""

    def write(tx: Any) -> int | None:
        message = an_outbound(
            tx.conversations.open(channel, VICTIM).id,
            **{"channel": channel, "kind": SendKind.CASE_UPDATE, "lane": Lane.STAFF, "author": Author.SERVICE}
            | values,
        )
        return outgoing.send(tx, message)

    return line.row(outbox, id=line.database.write_now(write))


# --- EXIT -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", EXIT_WORDS)
async def test_exit_is_silent(line: Line, word: str) -> None:
    line.add_cases()
    line.receive(word.upper())
    await work(line)

    assert line.rows(outbox) == []
    assert line.assistant.asked == []
    assert reasons(line) == []
    assert outcomes(line) == ["left"]
    assert acts(line) == ["message_received", "left_by_text"]


async def test_exit_takes_back_what_the_assistant_has_waiting(line: Line) -> None:
    line.add_cases()
    line.receive()
    await line.answer_all()

    line.receive("EXIT")

    row = line.row(outbox)
    assert (row.status, row.reason) == ("suppressed", "left")
    assert reasons(line) == []
    # Nor when they come back: they are answered what they write now.
    line.receive("hello again")
    await work(line)
    assert [message.turn_id == row.turn_id for message in line.sender.sent] == [False]


@pytest.mark.parametrize("safe_contact", ["any", "reply_only", "none"])
async def test_an_answer_that_was_being_made_does_not_leave_after_an_exit(
    line: Line, safe_contact: str
) -> None:
    line.add_cases(a_case(safe_contact=safe_contact))
    line.assistant.while_answering = lambda: line.receive("exit") and None
    line.receive()
    await line.answer()
    line.assistant.while_answering = None
    await work(line)

    row = line.row(outbox)
    assert (row.status, row.reason) == ("suppressed", SendReason.LEFT)
    assert line.sender.sent == []
    # They know that they left: nobody is asked to ring because of it.
    assert reasons(line) == []
    assert outcomes(line) == ["answered", "left"]


async def test_danger_noticed_late_reaches_the_desk_after_an_exit_and_no_line_leaves(line: Line) -> None:
    line.add_cases()
    line.assistant.answer = an_answer(learned=a_learned(1))
    line.assistant.while_answering = lambda: line.receive("exit") and None
    line.receive("he found my new address")
    await line.answer()
    line.assistant.while_answering = None
    await work(line)

    assert reasons(line) == ["disclosure"]
    assert [(row.kind, row.status) for row in line.rows(outbox)] == [("safety_line", "suppressed")]
    assert line.sender.sent == []


async def test_a_safety_line_that_waits_does_not_leave_after_an_exit(line: Line) -> None:
    line.screen.results["he is outside"] = a_hit(1)
    line.receive("he is outside")
    line.receive("bye")
    await work(line)

    assert line.sender.sent == []
    assert reasons(line) == ["disclosure"]


async def test_whoever_writes_after_an_exit_is_answered(line: Line) -> None:
    line.add_cases()
    line.receive("EXIT")
    line.receive("hello again")
    await work(line)

    assert line.assistant.asked == ["hello again"]
    assert sent(line) == ["utter_case_status"]


async def test_after_an_exit_staff_are_held_to_what_may_be_written_unasked(line: Line) -> None:
    line.add_cases(a_case(safe_contact="reply_only"))
    conversation_id = line.open(VICTIM)
    rowan = line.add_staff()
    line.claim(conversation_id, rowan)
    line.receive("x")
    line.reply(conversation_id, "Take care.", by=rowan)
    await line.deliver_all()

    row = line.row(outbox)
    assert (row.status, row.reason) == ("suppressed", "answers_only")
    assert line.database.read_now(lambda tx: outgoing.preview_reply(tx, conversation_id)).allowed is False


async def test_exit_to_a_person_is_silent_and_seen(line: Line) -> None:
    conversation_id = line.open(VICTIM)
    line.claim(conversation_id, line.add_staff())
    line.receive("EXIT")
    await work(line)

    assert line.rows(outbox) == []
    assert outcomes(line) == ["left"]
    shown = line.database.read_now(lambda tx: tx.transcripts.list_latest(conversation_id))
    assert [(entry.text, entry.outcome) for entry in shown] == [("EXIT", "left")]


async def test_news_still_reaches_whoever_left_and_agreed_to_it(line: Line) -> None:
    line.add_cases()
    line.receive("EXIT")

    assert unasked(line).status == "waiting"


async def test_a_code_asked_for_before_an_exit_does_not_leave_but_one_asked_for_elsewhere_does(
    line: Line,
) -> None:
    line.add_cases()
    here = line.open(VICTIM)
    line.database.write_now(lambda tx: tx.codes.request(here, REFERENCE))
    line.receive("EXIT")
    await line.issue_codes()
    await line.deliver_all()
    assert line.sender.sent == []

    line.clock.advance(hours=1)
    elsewhere = line.open("f" * 32, Channel.WEBCHAT)
    line.database.write_now(lambda tx: tx.codes.request(elsewhere, REFERENCE))
    await line.issue_codes()
    await line.deliver_all()

    assert [(message.kind, message.to) for message in line.sender.sent] == [(SendKind.ONE_TIME_CODE, VICTIM)]


# --- STOP -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", STOP_WORDS)
async def test_stop_words_open_human_task(line: Line, word: str) -> None:
    line.add_cases()
    line.receive(word.upper())
    await work(line)

    item = line.row(desk_item)
    assert (item.reason, item.grade, item.status) == ("asked_to_stop", 2, "open")
    assert item.inbox_id == line.row(inbox).id
    assert sent(line) == ["stop_done"]
    assert line.assistant.asked == []
    assert outcomes(line) == ["stopped"]
    found = line.row(opt_out)
    assert (found.how, found.word, found.ended_at) == ("asked", word.upper(), None)
    assert acts(line) == ["message_received", "desk_item_opened", "asked_to_stop"]


async def test_stop_is_answered_once_ever(line: Line) -> None:
    line.add_cases()
    for text in ("STOP", "stop", "hello", "Stop."):
        line.receive(text)
        await work(line)
        line.clock.advance(days=40)

    assert sent(line).count("stop_done") == 1
    assert reasons(line) == ["asked_to_stop"]


async def test_after_stop_nothing_unasked_leaves_and_an_answer_does(line: Line) -> None:
    line.add_cases()
    line.receive("STOP")
    await work(line)
    refused = unasked(line)
    assert (refused.status, refused.reason) == ("suppressed", SendReason.ASKED_TO_STOP)

    line.receive("one more question")
    await work(line)

    assert sent(line) == ["stop_done", "utter_case_status"]
    assert unasked(line).status == "waiting"
    assert line.row(opt_out).ended_at is not None
    assert "opt_out_ended" in acts(line)


async def test_what_waited_for_its_hour_does_not_leave_after_stop(line: Line) -> None:
    line.add_cases()
    waiting = unasked(line)
    line.receive("STOP")
    await work(line)

    row = line.row(outbox, id=waiting.id)
    assert (row.status, row.reason) == ("suppressed", SendReason.ASKED_TO_STOP)
    assert sent(line) == ["stop_done"]
    assert "may_not_be_written" in reasons(line)


async def test_an_answer_that_was_being_made_does_not_leave_after_stop(line: Line) -> None:
    line.add_cases()
    line.assistant.while_answering = lambda: line.receive("stop") and None
    line.receive()
    await line.answer()
    line.assistant.while_answering = None
    await work(line)

    assert sent(line) == ["stop_done"]


async def test_exit_after_stop_keeps_the_stop(line: Line) -> None:
    line.add_cases()
    line.receive("STOP")
    line.receive("EXIT")

    assert line.row(opt_out).ended_at is None
    assert unasked(line).reason == SendReason.ASKED_TO_STOP


async def test_stop_by_text_holds_for_the_same_number_on_whatsapp_until_they_write_there(line: Line) -> None:
    line.add_cases()
    line.receive("STOP")
    assert unasked(line, Channel.WHATSAPP).reason == SendReason.ASKED_TO_STOP

    line.receive("hello", channel=Channel.WHATSAPP)

    assert unasked(line, Channel.WHATSAPP).status == "waiting"
    assert unasked(line).reason == SendReason.ASKED_TO_STOP


async def test_a_code_that_somebody_else_asks_for_does_not_buzz_a_number_that_said_stop(line: Line) -> None:
    line.add_cases()
    line.receive("STOP")
    await work(line)
    asker = line.open("f" * 32, Channel.WEBCHAT)

    async def ask(conversation_id: str) -> list[str]:
        line.sender.sent.clear()
        line.database.write_now(lambda tx: tx.codes.request(conversation_id, REFERENCE))
        await line.issue_codes()
        await line.deliver_all()
        return sent(line)

    assert await ask(asker) == []
    # They write themselves: a code they ask for is an answer, and the number may be written to again.
    here = line.receive("i want to get in").conversation_id
    assert await ask(here) == ["one_time_code"]
    assert await ask(asker) == ["one_time_code"]


async def test_stop_to_a_person_is_heard_and_not_answered(line: Line) -> None:
    conversation_id = line.open(VICTIM)
    rowan = line.add_staff()
    line.claim(conversation_id, rowan)
    line.receive("STOP")
    await work(line)

    item = line.row(desk_item)
    assert (item.reason, item.status, item.owner_id) == ("asked_to_stop", "claimed", rowan.id)
    assert line.rows(outbox) == []
    assert line.row(opt_out).how == "asked"


async def test_red_wins_over_every_keyword(line: Line) -> None:
    line.add_cases()
    for text in ("STOP he is here", "STOP"):
        line.screen.results[text] = a_hit(1)
        line.receive(text)
    await work(line)

    assert line.rows(opt_out) == []
    assert reasons(line) == ["disclosure", "disclosure"]
    assert [message.lane for message in line.sender.sent] == [Lane.SAFETY, Lane.SAFETY]


async def test_an_amber_stop_is_a_stop_and_a_check(line: Line) -> None:
    line.screen.results["STOP"] = an_amber_hit()
    line.receive("STOP")

    assert sorted(reasons(line)) == ["asked_to_stop", "check"]
    assert line.row(opt_out).how == "asked"


@pytest.mark.parametrize(
    "text",
    [
        "please stop texting me, i will end it",
        "stop it",
        "end it all",
        "1 of them hit me",
        "I need help with a form",
    ],
)
async def test_a_sentence_reaches_the_screen_and_the_assistant(line: Line, text: str) -> None:
    line.receive(text)
    await line.answer_all()

    assert line.assistant.asked == [text]
    assert line.screen.earlier == [[]]
    assert line.rows(opt_out) == []


@pytest.mark.parametrize("values", [{"media_count": 1}, {"has_location": True}])
async def test_a_word_beside_a_picture_or_a_place_is_a_message(line: Line, values: dict[str, Any]) -> None:
    line.receive("x", **values)
    await line.answer_all()

    assert line.assistant.asked == ["x"]


@pytest.mark.parametrize("word", ["EXIT", "STOP", "HELP", "HUMAN", "MENU", "START", "2"])
async def test_a_web_page_has_its_own_exit_and_its_words_are_words(line: Line, word: str) -> None:
    line.receive(word, channel=Channel.WEBCHAT, external_id="f" * 32)
    await line.answer_all()

    assert line.assistant.asked == [word]
    assert line.rows(opt_out) == []


@pytest.mark.parametrize("channel", KEYWORD_CHANNELS)
async def test_stop_is_heard_on_every_channel_that_has_no_page(line: Line, channel: Channel) -> None:
    line.receive("STOP", channel=channel)
    await work(line)

    assert line.row(opt_out).channel == channel.value
    [told] = line.sender.sent
    cost = load_service_texts().cost()
    assert (cost in told.text) == (channel is Channel.SMS)
    assert "  " not in told.text


async def test_a_copy_of_a_stop_changes_nothing(line: Line) -> None:
    line.receive("STOP", provider_message_id="SM1")
    before = line.everything()
    line.receive("STOP", provider_message_id="SM1")

    assert line.everything() == before


# --- what the provider did by itself ---------------------------------------------------------------


async def test_a_stop_that_the_provider_answered_is_not_answered_again(line: Line) -> None:
    line.add_cases()
    line.receive("STOP", details={"opt_out": "STOP"})
    await work(line)

    assert line.sender.sent == []
    assert sorted(reasons(line)) == ["asked_to_stop", "cannot_be_texted"]
    assert sorted(row.how for row in line.rows(opt_out)) == ["asked", "provider"]


async def test_an_end_that_the_provider_took_for_stop_is_silent_and_a_task(line: Line) -> None:
    line.add_cases()
    line.receive("END", details={"opt_out": "STOP"})
    await work(line)

    assert line.rows(outbox) == []
    assert reasons(line) == ["cannot_be_texted"]
    assert [row.how for row in line.rows(opt_out)] == ["provider"]


@pytest.mark.parametrize(
    ("text", "details", "is_over"),
    [
        ("START", {}, True),
        ("yes", {}, True),
        ("Unstop.", {}, True),
        ("ok go on", {"opt_out": "START"}, True),
        ("hello", {}, False),
        ("START he is here", {}, False),
    ],
)
async def test_what_the_provider_refuses_ends_with_the_word_it_takes(
    line: Line, text: str, details: dict[str, Any], is_over: bool
) -> None:
    line.add_cases()
    line.receive("STOP", details={"opt_out": "STOP"})
    line.receive(text, details=details)
    await work(line)

    still = [row.how for row in line.rows(opt_out) if row.ended_at is None]
    assert still == ([] if is_over else ["provider"])
    assert unasked(line).reason == (None if is_over else SendReason.PROVIDER_REFUSES)
    # An answer is tried all the same: the provider may take texts again without our having heard.
    assert sent(line) == ["utter_case_status"]


# --- START, HELP, a person, MENU --------------------------------------------------------------------


async def test_start_opens_again_and_is_asked_as_a_greeting(line: Line) -> None:
    line.add_cases()
    line.receive("STOP")
    line.receive("START")
    await line.answer_all()

    assert line.assistant.asked == ["hello"]
    assert [(row.text, row.read_as) for row in line.rows(inbox)] == [("STOP", None), ("START", "hello")]
    assert line.row(opt_out).ended_at is not None


@pytest.mark.parametrize("word", HUMAN_WORDS)
async def test_a_word_for_a_person_is_asked_in_whole_words(line: Line, word: str) -> None:
    line.receive(word)
    await line.answer_all()

    assert line.assistant.asked == ["I want to talk to a person"]
    assert line.row(inbox).text == word


@pytest.mark.parametrize("word", ["MENU", "Back"])
async def test_menu_brings_the_main_choices(line: Line, word: str) -> None:
    line.receive(word)
    await line.answer_all()

    assert line.assistant.asked == ["hello"]


@pytest.mark.parametrize("word", ["YES", "no", "y", "n", "more", "skip"])
async def test_an_answer_of_one_word_is_the_assistants(line: Line, word: str) -> None:
    line.receive(word)
    await line.answer_all()

    assert line.assistant.asked == [word]


async def test_the_earlier_texts_are_their_own_words(line: Line) -> None:
    line.receive("0")
    line.receive("and another thing")

    assert line.screen.earlier[-1] == ["0"]


async def test_what_the_detector_marks_in_our_words_points_into_none_of_theirs(line: Line) -> None:
    line.assistant.answer = an_answer(learned=a_learned(1, spans=((2, 26),)))
    line.receive("0")
    await line.answer_all()

    [reason] = line.row(desk_item, reason="disclosure").evidence
    assert (reason["start"], reason["end"]) == (0, 0)


@pytest.mark.parametrize("word", ["INFO", "help", "SOS", "999"])
async def test_help_never_gets_a_marketing_reply(line: Line, word: str) -> None:
    """The screen of this test finds everything calm; the packaged one makes most of these words RED."""
    line.receive(word)
    await work(line)

    [told] = line.sender.sent
    assert told.text.startswith("In danger? Call 999. A person will read your message.")
    assert not any(word in told.text.casefold() for word in ("msg", "rates", "http", "unsubscribe", "www"))
    item = line.row(desk_item)
    assert (item.reason, item.grade) == ("asked_for_help", 2)
    assert line.assistant.asked == []


async def test_help_that_the_provider_answered_is_a_task_and_no_second_text(line: Line) -> None:
    line.receive("HELP", details={"opt_out": "HELP"})
    await work(line)

    assert line.sender.sent == []
    assert reasons(line) == ["asked_for_help"]


@pytest.mark.parametrize("word", ["HELP", "0", "MENU", "START", "2"])
async def test_a_word_to_a_person_is_theirs_to_read(line: Line, word: str) -> None:
    conversation_id = line.open(VICTIM)
    line.claim(conversation_id, line.add_staff())
    line.receive(word)
    await work(line)

    assert line.rows(outbox) == []
    assert outcomes(line) == ["with_person"]
    assert line.row(inbox).read_as is None
    assert reasons(line) == ["wrote_while_with_person"]


# --- what was found late -----------------------------------------------------------------------------


@pytest.mark.parametrize(("word", "items"), [("EXIT", []), ("STOP", ["asked_to_stop"])])
async def test_a_closing_word_found_late_does_not_close_what_they_wrote_since(
    line: Line, word: str, items: list[str]
) -> None:
    line.add_cases()
    ten_ago = line.clock.now() - timedelta(minutes=10)
    line.receive("are you there")
    line.receive(word, origin=Origin.SWEEP, sent_at=ten_ago)
    await work(line)

    assert sent(line) == ["utter_case_status"]
    assert line.rows(opt_out) == []
    assert reasons(line) == items
    assert outcomes(line) == ["answered", "overtaken"]


async def test_an_older_message_found_late_opens_nothing_that_was_closed_since(line: Line) -> None:
    line.add_cases()
    ten_ago = line.clock.now() - timedelta(minutes=10)
    line.receive("STOP")
    line.receive("what is happening", origin=Origin.SPOOL, sent_at=ten_ago)
    await work(line)

    assert sent(line) == ["stop_done"]
    assert line.row(opt_out).ended_at is None


async def test_a_stop_found_late_that_is_still_the_last_word_is_honoured(line: Line) -> None:
    line.add_cases()
    line.receive("are you there")
    line.clock.advance(minutes=10)
    line.receive("STOP", origin=Origin.SWEEP, sent_at=line.clock.now() - timedelta(minutes=5))
    await work(line)

    assert sent(line) == ["stop_done"]
    assert line.row(opt_out).how == "asked"


# --- what was held for WhatsApp's window ---------------------------------------------------------------


def hold(line: Line) -> Any:
    """A reply kept until they write again; its row."""
    conversation_id = line.open(VICTIM, Channel.WHATSAPP)

    def write(tx: Any) -> int | None:
        message = an_outbound(conversation_id, channel=Channel.WHATSAPP, kind=SendKind.STAFF_REPLY)
        outbox_id: int | None = tx.outbox.record(message, decision="test", status=OutboxStatus.HELD)
        return outbox_id

    return line.row(outbox, id=line.database.write_now(write))


@pytest.mark.parametrize(
    ("text", "status", "asked"),
    [("hello", "sent", ["hello"]), ("Read now", "sent", []), ("EXIT", "held", []), ("STOP", "held", [])],
)
async def test_what_was_held_leaves_when_they_write_and_not_when_they_leave(
    line: Line, text: str, status: str, asked: list[str]
) -> None:
    line.add_cases()
    held = hold(line)
    line.receive(text, channel=Channel.WHATSAPP)
    await work(line)

    assert line.row(outbox, id=held.id).status == status
    assert line.assistant.asked == asked


async def test_read_now_with_nothing_held_is_a_message(line: Line) -> None:
    line.receive("Read now", channel=Channel.WHATSAPP)
    await line.answer_all()

    assert line.assistant.asked == ["Read now"]


# --- what it costs them ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cost", "said"), [("free", "Texts to us are free."), ("standard", "Texts to us cost your usual rate.")]
)
async def test_what_a_text_costs_is_said_as_it_is_set(line: Line, cost: str, said: str) -> None:
    line = replace(line, texts=load_service_texts(sms_cost=cost))
    for text in ("STOP", "INFO"):
        line.receive(text)
    await work(line)

    assert all(said in message.text for message in line.sender.sent)
    assert [count_segments(message.text) for message in line.sender.sent] == [1, 1]
