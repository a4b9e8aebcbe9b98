"""RED, AMBER and GREEN through the service: what is said, what the desk gets, and what is left as it was."""

from typing import Any

import pytest

from casework.adapters.storage.tables import audit, code_request, desk_item, outbox, turn
from casework.model.bands import Wish
from casework.model.desk import Outcome
from casework.model.messages import Channel
from casework.services import answer
from casework.services.ports import AssistantAnswer
from casework.services.receive import Received
from tests.support.builders import (
    REFERENCE,
    VICTIM,
    a_hit,
    a_learned,
    an_amber_hit,
    an_answer,
    an_sms,
)
from tests.support.line import Line

HAND_OFF = {"effect": "hand_off", "reason": "asked_for_person"}
ASK_CODE = {"effect": "request_code", "reference": REFERENCE}
CUE = "when is court, he was about again"


@pytest.fixture
def line(line: Line) -> Line:
    line.screen.results[CUE] = an_amber_hit(2, start=15, end=24)
    return line


def question(line: Line) -> str:
    return line.texts.render("check_question", Channel.SMS)


def amber(line: Line, tier: int = 2) -> AssistantAnswer:
    """A routine answer to a message that the detector puts in AMBER."""
    limit = line.bands.limits.tiers[tier].amber
    return an_answer("Court is on Tuesday.", learned=a_learned(tier, limit, spans=((3, 8),)))


def red(tier: int = 1, **values: Any) -> AssistantAnswer:
    learned = a_learned(tier, spans=((0, 4),))
    return an_answer("Court is on Tuesday.", learned=learned, **values)


def write(line: Line, text: str = "hello", **values: Any) -> Received:
    return line.receive(text, received_at=line.clock.now(), **values)


def acts(line: Line) -> list[tuple[str, str]]:
    return [(row.actor, row.act) for row in line.rows(audit)]


# --- what is read together with a message ---------------------------------------------------------


def test_a_message_is_screened_with_the_last_four_texts_of_a_quarter_of_an_hour(line: Line) -> None:
    write(line, "long ago")
    line.clock.advance(minutes=16)
    for text in ("one", "two", "three"):
        write(line, text)
    write(line, "someone else", external_id="+447700900002")
    write(line, "four")
    assert line.screen.earlier[-1] == ["one", "two", "three"]

    write(line, "five")
    write(line, "six")

    assert line.screen.earlier[-2:] == [["one", "two", "three", "four"], ["two", "three", "four", "five"]]


def test_what_a_person_dealt_with_is_not_read_again(line: Line) -> None:
    rowan = line.add_staff()
    line.screen.results["help"] = a_hit(1)
    received = write(line, "help")
    line.claim(received.conversation_id, rowan)
    write(line, "are you there")
    line.hand_back(received.conversation_id, Outcome.TOLD_TO_CALL_999, by=rowan)

    write(line, "thank you")
    write(line, "bye")

    assert line.screen.earlier[-2:] == [[], ["thank you"]]


def test_of_a_long_text_only_the_end_is_read_again(line: Line) -> None:
    write(line, "x" * 5000 + "he is")
    write(line, "outside")

    [before] = line.screen.earlier[-1]
    assert before.endswith("xhe is") and len(before) == 1000


async def test_the_assistant_is_given_the_texts_before_the_one_it_answers(line: Line) -> None:
    for text in ("one", "two", "three"):
        write(line, text)

    await line.answer_all()

    assert [facts["earlier"] for facts in line.assistant.facts] == [[], ["one"], ["one", "two"]]


# --- AMBER by the screen --------------------------------------------------------------------------


async def test_an_amber_message_is_on_the_desk_at_once_and_answered_with_the_question(line: Line) -> None:
    received = write(line, CUE)
    item, waiting = line.row(desk_item), line.row(turn)
    assert (item.reason, item.status, item.grade, item.tier, item.category, item.inbox_id) == (
        *("check", "open", 3, 2, "stalking_escalation"),
        received.inbox_id,
    )
    assert waiting.status == "waiting"
    assert not received.is_urgent
    assert line.rows(outbox) == []

    await line.answer()

    reply = line.row(outbox)
    assert reply.text == f"Your case is with an officer.\n{question(line)}"
    assert (reply.template, reply.status) == ("utter_case_status+check_question", "waiting")
    assert line.row(turn).outcome == "answered"
    assert line.row(desk_item).asked_at == line.row(outbox).created_at
    assert acts(line) == [
        ("person", "message_received"),
        ("screen", "desk_item_opened"),
        ("assistant", "turn_answered"),
    ]


def test_the_words_and_what_they_say_are_kept_with_the_item(line: Line) -> None:
    received = write(line, CUE)

    assert line.row(desk_item).evidence == [
        {
            "inbox_id": received.inbox_id,
            "rule": "stalking_escalation.a_cue",
            "start": 15,
            "end": 24,
            "says": "says stalking_escalation.a_cue",
        }
    ]


def test_a_second_copy_of_an_amber_message_changes_nothing(line: Line) -> None:
    message = an_sms(CUE)
    line.receive_again(message)
    before = line.everything()

    line.receive_again(message)

    assert line.everything() == before


def test_amber_messages_share_one_item_that_rises_and_never_sinks(line: Line) -> None:
    line.screen.results |= {f"cue {tier}": an_amber_hit(tier) for tier in (1, 3, 4)}
    first = write(line, CUE)
    write(line, "cue 4")
    assert (line.row(desk_item).grade, line.row(desk_item).tier) == (3, 2)

    write(line, "cue 1")

    item = line.row(desk_item)
    assert (item.grade, item.tier, item.category) == (2, 1, "immediate_danger")
    assert item.inbox_id == first.inbox_id
    assert [each["inbox_id"] for each in item.evidence] == [1, 2, 3]
    assert [act for _, act in acts(line)].count("desk_item_opened") == 1


def test_a_red_message_after_an_amber_one_is_an_item_of_its_own(line: Line) -> None:
    line.screen.results["he is here"] = a_hit(1)
    write(line, CUE)

    write(line, "he is here")

    assert sorted((row.reason, row.grade) for row in line.rows(desk_item)) == [
        ("check", 3),
        ("disclosure", 1),
    ]


def test_an_amber_message_to_a_person_is_theirs_and_nothing_is_sent(line: Line) -> None:
    conversation_id = line.open(VICTIM)
    rowan = line.add_staff()
    line.claim(conversation_id, rowan)

    write(line, CUE)

    item = line.row(desk_item)
    assert (item.reason, item.status, item.owner_id) == ("check", "claimed", rowan.id)
    assert line.row(turn).outcome == "with_person"
    assert line.rows(outbox) == []


async def test_while_the_assistant_is_away_an_amber_message_keeps_its_item_and_is_asked_nothing(
    line: Line,
) -> None:
    line.assistant.is_down = True
    write(line, CUE)

    await line.answer()

    assert sorted(row.reason for row in line.rows(desk_item)) == ["assistant_unavailable", "check"]
    assert line.row(outbox).text == line.texts.render("holding", Channel.SMS)


# --- AMBER by the detector ------------------------------------------------------------------------


async def test_the_detector_can_make_a_calm_message_amber(line: Line) -> None:
    line.assistant.answer = amber(line)
    received = write(line, "when is court")

    await line.answer()

    item = line.row(desk_item)
    assert (item.reason, item.tier, item.category) == ("check", 2, "stalking_escalation")
    [reason] = item.evidence
    assert (reason["inbox_id"], reason["rule"], reason["start"], reason["end"]) == (
        *(received.inbox_id, "learned.stalking_escalation"),
        *(3, 8),
    )
    assert reason["says"] == line.bands.says("learned.stalking_escalation")
    assert line.row(outbox).text.endswith(question(line))
    assert ("detector", "desk_item_opened") in acts(line)
    assert line.conversation(received.conversation_id).state == {"v": 1, "said": "Court is on Tuesday."}


async def test_both_layers_on_one_message_are_one_item_with_both_reasons(line: Line) -> None:
    line.assistant.answer = amber(line, 1)
    write(line, CUE)

    await line.answer()

    item = line.row(desk_item)
    assert (item.tier, item.grade) == (1, 2)
    assert [each["rule"] for each in item.evidence] == [
        "stalking_escalation.a_cue",
        "learned.immediate_danger",
    ]


async def test_on_the_web_the_question_is_a_paragraph_of_its_own(line: Line) -> None:
    line.assistant.answer = amber(line)
    write(line, channel=Channel.WEBCHAT)

    await line.answer()

    asked = line.texts.render("check_question", Channel.WEBCHAT)
    assert line.row(outbox).text == f"Court is on Tuesday.\n\n{asked}"


async def test_the_question_is_asked_once_while_it_may_still_be_answered(line: Line) -> None:
    line.assistant.answer = amber(line)
    for _ in range(3):
        write(line)
    await line.answer_all()
    line.clock.advance(minutes=line.bands.limits.question_minutes + 1)
    write(line)
    await line.answer_all()

    assert [question(line) in row.text for row in line.rows(outbox)] == [True, False, False, True]
    assert len(line.rows(desk_item)) == 1


async def test_an_unclear_wish_with_something_urgent_in_it_is_amber(line: Line) -> None:
    limits = line.bands.limits
    learned = a_learned(4, limits.amber_where_unclear, categories={})
    unclear = Wish(name="ask_court", confidence=0.0)
    line.assistant.answer = an_answer("Say it another way.", learned=learned, wish=unclear)
    write(line)

    await line.answer()

    item = line.row(desk_item)
    assert (item.reason, item.grade, item.tier, item.category) == ("check", 3, None, None)
    assert question(line) in line.row(outbox).text


async def test_a_person_who_takes_over_meanwhile_gets_the_check_and_the_question_never_leaves(
    line: Line,
) -> None:
    rowan = line.add_staff()
    received = write(line)
    line.assistant.answer = amber(line)
    line.assistant.while_answering = lambda: line.claim(received.conversation_id, rowan) and None

    await line.answer()
    await line.deliver_all()

    item = line.row(desk_item)
    assert (item.reason, item.status, item.owner_id) == ("check", "claimed", rowan.id)
    assert item.asked_at is None
    assert question(line) not in line.row(outbox).text
    assert line.sender.sent == []


async def test_a_question_that_never_left_was_not_asked(line: Line) -> None:
    rowan = line.add_staff()
    received = write(line)
    line.assistant.answer = amber(line)

    def take_and_let_go() -> None:
        line.claim(received.conversation_id, rowan)
        line.return_to_queue(received.conversation_id, rowan)

    line.assistant.while_answering = take_and_let_go
    await line.answer()

    assert line.row(desk_item, reason="check").asked_at is None
    assert not write(line, "no").is_urgent


async def test_what_a_person_already_closed_is_not_opened_again_by_the_late_answer(line: Line) -> None:
    rowan = line.add_staff()
    received = write(line, CUE)

    def deal_with_it() -> None:
        line.claim(received.conversation_id, rowan)
        line.hand_back(received.conversation_id, Outcome.INFORMATION_GIVEN, by=rowan)

    line.assistant.while_answering = deal_with_it
    await line.answer()

    assert [row.status for row in line.rows(desk_item, reason="check")] == ["closed"]
    assert question(line) not in line.row(outbox).text


# --- the answer to the question -------------------------------------------------------------------


async def ask(line: Line) -> str:
    """A conversation that was just asked if they are OK."""
    received = write(line, CUE)
    await line.answer_all()
    await line.deliver_all()
    return received.conversation_id


@pytest.mark.parametrize("word", ["yes", "YES", " Yes. ", "I\u2019m ok", "ok!"])
async def test_a_yes_is_noted_and_the_item_stays(line: Line, word: str) -> None:
    await ask(line)

    received = write(line, word)
    await line.answer_all()

    item = line.row(desk_item)
    assert (item.status, item.answer) == ("open", "yes")
    assert not received.is_urgent
    assert line.row(turn, inbox_id=received.inbox_id).outcome == "answered"


@pytest.mark.parametrize("word", ["no", "NO", "no.", "Not really", "n"])
async def test_a_no_is_handed_over_at_once(line: Line, word: str) -> None:
    await ask(line)

    received = write(line, word)
    await line.answer_all()

    check, disclosure = line.row(desk_item, reason="check"), line.row(desk_item, reason="disclosure")
    assert check.answer == "no"
    assert (disclosure.inbox_id, disclosure.tier, disclosure.category) == (
        *(received.inbox_id, 2),
        "stalking_escalation",
    )
    [reason] = disclosure.evidence
    assert (reason["rule"], reason["start"], reason["end"]) == ("answered.no", 0, len(word))
    assert received.is_urgent
    assert len(line.assistant.asked) == 1
    assert line.rows(outbox)[-1].text == line.safety_lines["stalking_escalation"].sms


async def test_a_no_after_an_unclear_wish_gets_the_line_of_no_category(line: Line) -> None:
    learned = a_learned(4, line.bands.limits.amber_where_unclear, categories={})
    line.assistant.answer = an_answer(learned=learned, wish=Wish(name="x", confidence=0.0))
    write(line)
    await line.answer_all()

    write(line, "no")

    item = line.row(desk_item, reason="disclosure")
    assert (item.tier, item.category) == (2, None)
    assert line.rows(outbox)[-1].template == "safety.no_category.sms"


@pytest.mark.parametrize("word", ["no thanks", "yes but he is back", "43260012345", "when is court"])
async def test_anything_else_is_an_ordinary_message_and_the_question_stays_open(
    line: Line, word: str
) -> None:
    await ask(line)

    received = write(line, word)

    assert not received.is_urgent
    assert line.row(desk_item).answer is None
    assert line.row(turn, inbox_id=received.inbox_id).status == "waiting"


async def test_a_no_that_the_screen_hits_is_handed_over_as_what_the_screen_saw(line: Line) -> None:
    await ask(line)
    line.screen.results["not safe"] = a_hit(1)

    write(line, "not safe")

    item = line.row(desk_item, reason="disclosure")
    assert (item.tier, item.category) == (1, "immediate_danger")
    assert line.row(desk_item, reason="check").answer == "no"


async def test_a_no_long_after_the_question_is_only_a_no(line: Line) -> None:
    await ask(line)
    line.clock.advance(minutes=line.bands.limits.question_minutes + 1)

    assert not write(line, "no").is_urgent


async def test_a_second_no_is_only_a_no(line: Line) -> None:
    await ask(line)
    write(line, "no")

    assert not write(line, "no").is_urgent


async def test_a_no_to_a_person_is_for_the_person(line: Line) -> None:
    conversation_id = await ask(line)
    line.claim(conversation_id, line.add_staff())

    write(line, "no")

    assert [row.reason for row in line.rows(desk_item)] == ["check"]
    assert line.row(desk_item).answer is None


async def test_nobody_was_asked_so_a_no_is_only_a_no(line: Line) -> None:
    write(line, CUE)

    assert not write(line, "no").is_urgent


# --- RED by the detector --------------------------------------------------------------------------


async def test_a_red_turn_leaves_an_item_and_the_safety_line_and_nothing_of_the_answer(line: Line) -> None:
    line.assistant.answer = red(effects=(HAND_OFF, ASK_CODE))
    received = write(line, "when is court he is here")

    await line.answer_all()

    item, done, reply = line.row(desk_item), line.row(turn), line.row(outbox)
    assert (item.reason, item.status, item.grade, item.tier, item.category, item.inbox_id) == (
        *("disclosure", "open", 1, 1, "immediate_danger"),
        received.inbox_id,
    )
    assert [(each["rule"], each["start"], each["end"]) for each in item.evidence] == [
        ("learned.immediate_danger", 0, 4)
    ]
    assert (done.status, done.outcome) == ("done", "disclosed")
    assert (reply.text, reply.lane, reply.author, reply.turn_id) == (
        *(line.safety_lines["immediate_danger"].sms, 0, "service"),
        done.id,
    )
    assert line.rows(code_request) == []
    assert acts(line)[1:] == [("detector", "desk_item_opened"), ("detector", "answer_dropped")]


async def test_after_a_red_turn_the_interrupted_task_goes_on_from_where_it_was(line: Line) -> None:
    line.assistant.answers = {
        "begin": an_answer("Your reference?", state={"form": "open"}),
        "danger": red(state={"form": "lost"}),
    }
    write(line, "begin")
    write(line, "danger")
    write(line, "43260012345")

    await line.answer_all()

    assert line.assistant.states == [None, {"form": "open"}, {"form": "open"}]


async def test_an_unknown_effect_beside_danger_does_not_stop_the_hand_over(line: Line) -> None:
    line.assistant.answer = red(effects=({"effect": "close_case"},))
    write(line)

    await line.answer_all()

    assert line.row(desk_item).reason == "disclosure"


async def test_the_detector_raises_what_the_screen_found_amber(line: Line) -> None:
    line.assistant.answer = red()
    write(line, CUE)

    await line.answer_all()

    assert [row.reason for row in line.rows(desk_item)].count("check") == 1
    disclosure = line.row(desk_item, reason="disclosure")
    assert [each["rule"] for each in disclosure.evidence] == [
        "learned.immediate_danger",
        "stalking_escalation.a_cue",
    ]
    assert len(line.rows(outbox)) == 1


@pytest.mark.parametrize(("tier", "lines"), [(1, 1), (2, 1), (3, 0), (4, 0)])
async def test_a_person_who_takes_over_meanwhile_owns_the_red_item_too(
    line: Line, tier: int, lines: int
) -> None:
    rowan = line.add_staff()
    received = write(line)
    line.assistant.answer = red(tier)
    line.assistant.while_answering = lambda: line.claim(received.conversation_id, rowan) and None

    await line.answer()

    item = line.row(desk_item)
    assert (item.reason, item.status, item.owner_id) == ("disclosure", "claimed", rowan.id)
    assert [row.lane for row in line.rows(outbox)] == [0] * lines


@pytest.mark.parametrize("make", [red, amber], ids=["red", "amber"])
async def test_a_band_whose_commit_dies_half_way_leaves_everything_as_it_was(line: Line, make: Any) -> None:
    said = make() if make is red else make(line)
    write(line, CUE)
    leased = line.database.write_now(lambda tx: tx.turns.lease_next("w", lease_seconds=10))
    before = line.everything()
    assert leased is not None

    def commit_then_die(tx: Any) -> None:
        answer.commit_answer(tx, leased, said, line.answering())
        raise SystemError("the worker died here")

    with pytest.raises(SystemError):
        line.database.write_now(commit_then_die)

    assert line.everything() == before


@pytest.mark.parametrize("make", [red, amber], ids=["red", "amber"])
async def test_a_worker_that_comes_back_late_adds_no_second_item_line_or_question(
    line: Line, make: Any
) -> None:
    line.assistant.answer = make() if make is red else make(line)
    write(line)
    slow = line.database.write_now(lambda tx: tx.turns.lease_next("slow", lease_seconds=10))
    line.clock.advance(seconds=11)
    await line.answer("quick")
    before = line.everything()
    assert slow is not None

    with pytest.raises(answer.LeaseLost):
        line.database.write_now(
            lambda tx: answer.commit_answer(tx, slow, line.assistant.answer, line.answering())
        )

    assert line.everything() == before
    assert (len(line.rows(desk_item)), len(line.rows(outbox))) == (1, 1)


async def test_without_a_word_of_the_detector_a_calm_message_is_automated(line: Line) -> None:
    line.assistant.answer = an_answer(wish=Wish(name="ask_status", confidence=0.0))
    write(line)

    await line.answer_all()

    assert line.rows(desk_item) == []
    assert line.row(outbox).text == "Your case is with an officer."
