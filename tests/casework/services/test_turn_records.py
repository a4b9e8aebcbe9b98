"""Each turn the assistant answered leaves one row of names and numbers, and can be asked again as it was.

Red when, each tried once: `record_turn` is taken out of `commit_answer` (nothing to find), or runs in the fallback too;
the state after the answer is kept in place of the one before; an effect keeps its other fields; `list_for_replay`
leaves out what the screen decided, or asks no `is_usable`.
"""

from typing import Any

import pytest

from casework.adapters.storage.tables import inbox, turn
from casework.adapters.storage.workbench_tables import turn_record
from casework.model.desk import Outcome
from casework.model.disclosures import Band, Category
from casework.model.training_flags import TrainingFlag
from casework.services import consents
from casework.services.conversation_ports import WasUrgent
from casework.services.workbench_ports import StoredTurn
from tests.casework.services.reviewing import (
    an_answer_of,
    close_as,
    decide,
    make_line,
    make_quiet,
    put,
    say,
)
from tests.support.builders import a_hit, an_answer
from tests.support.clock import SetClock
from tests.support.line import Line

CALM, HIT = "when is my court day", "he has a knife"


@pytest.fixture
def line(database_url: str, clock: SetClock) -> Any:
    made = make_line(database_url, clock)
    made.screen.results = {HIT: a_hit(1)}
    yield made
    made.database.close()


def list_turns(line: Line, **values: Any) -> list[StoredTurn]:
    return line.database.read_now(lambda tx: tx.turn_records.list_for_replay(**({"newest": 100} | values)))


async def test_a_turn_leaves_what_it_was_asked_with_and_what_it_gave(line: Line) -> None:
    first = await say(line, "hello there", answer=an_answer_of(state={"v": 1, "turns": 1}))
    line.clock.advance(seconds=10)
    answer = an_answer_of(
        "request_human",
        0.8,
        model="9f" * 16,
        ranking=(("request_human", 0.8), ("ask_status", 0.15), ("greet", 0.05)),
        urgency=0.06,
        categories={Category.STRANGULATION: 0.06},
        effects=({"effect": "hand_off", "reason": "asked_for_person"},),
        state={"v": 1, "turns": 2},
    )
    second = await say(line, CALM, answer=answer)

    row = line.row(turn_record, inbox_id=second)
    assert row.turn_id == line.row(turn, inbox_id=second).id
    assert (row.model_id, row.state, row.earlier_ids) == ("9f" * 16, {"v": 1, "turns": 1}, [first])
    assert (row.intent, row.confidence) == ("request_human", 0.8)
    assert (row.runner_up, row.runner_up_confidence) == ("ask_status", 0.15)
    assert (row.urgency, row.categories) == (0.06, {"strangulation": 0.06})
    assert (row.responses, row.standing, row.code_pending) == (["utter_case_status"], "unknown", False)
    assert row.effects == [{"effect": "hand_off", "reason": "asked_for_person"}]
    assert (row.band, row.tier) == ("amber", 1)


async def test_a_record_holds_no_word_and_no_value_of_an_effect(line: Line) -> None:
    answer = an_answer_of(effects=({"effect": "request_code", "reference": "43260012345"},))
    await say(line, "my reference is 43260012345", answer=answer)
    kept = repr(tuple(line.row(turn_record)))
    assert "43260012345" not in kept and "my reference" not in kept
    assert line.row(turn_record).effects == [{"effect": "request_code", "reason": None}]


async def test_what_the_model_finds_urgent_is_recorded_too(line: Line) -> None:
    answer = an_answer_of(urgency=0.99, categories={Category.STRANGULATION: 0.99})
    inbox_id = await say(line, CALM, answer=answer)
    row = line.row(turn_record, inbox_id=inbox_id)
    assert (row.band, row.tier, line.row(turn, inbox_id=inbox_id).outcome) == ("red", 1, "disclosed")


async def test_words_left_beside_the_chat_are_recorded_as_read(line: Line) -> None:
    line.assistant.answers[CALM] = an_answer_of()
    received = line.receive(CALM, details={"left_for": "officer"})
    await line.answer_all()
    assert line.row(turn, inbox_id=received.inbox_id).outcome == "read"
    assert line.row(turn_record).inbox_id == received.inbox_id


async def test_a_reply_that_never_left_is_recorded_all_the_same(line: Line) -> None:
    rowan = line.add_staff()
    received = line.receive(CALM)
    line.assistant.while_answering = lambda: line.claim(received.conversation_id, rowan) and None
    await line.answer()
    assert line.row(turn, inbox_id=received.inbox_id).outcome == "suppressed"
    assert line.row(turn_record).inbox_id == received.inbox_id


@pytest.mark.parametrize("fault", ["down", "unknown effect"])
async def test_a_fallback_leaves_no_record(line: Line, fault: str) -> None:
    line.assistant.is_down = fault == "down"
    line.assistant.answer = an_answer(effects=({"effect": "nothing we know"},))
    line.receive(CALM)
    await line.answer_all()
    assert line.rows(turn_record) == []


async def test_names_that_are_too_long_cost_nobody_their_answer(line: Line) -> None:
    await say(line, CALM, answer=an_answer_of("x" * 90, model="m" * 90, ranking=(("y" * 90, 0.1),)))
    row = line.row(turn_record)
    assert [len(each) for each in (row.model_id, row.intent, row.runner_up)] == [64, 64, 64]


async def test_turns_are_given_to_be_asked_again_newest_first_as_they_were(line: Line) -> None:
    first = await say(line, "hello there", answer=an_answer_of(state={"n": 1}))
    line.clock.advance(seconds=10)
    second = await say(line, CALM)
    line.clock.advance(seconds=10)
    third = await say(line, HIT)

    found = list_turns(line)
    assert [each.inbox_id for each in found] == [third, second, first]
    assert [each.state for each in found] == [None, {"n": 1}, None]
    assert found[1].earlier == ("hello there",)
    # The screen alone read it: what it was read with is found again.
    assert (found[0].earlier, found[0].screen.band) == (("hello there", CALM), Band.RED)
    assert [each.inbox_id for each in list_turns(line, newest=2)] == [third, second]
    assert [each.inbox_id for each in list_turns(line, after=second)] == [third]
    assert [each.inbox_id for each in list_turns(line, only_urgent=True)] == [third]


async def test_what_may_not_teach_and_a_drill_are_not_asked_again(line: Line) -> None:
    numbers = [await say(line, CALM, external_id=f"+44770090002{each}") for each in range(2)]
    of = line.row(inbox, id=numbers[0]).conversation_id
    line.database.write_now(
        lambda tx: consents.flag(tx, of, None, TrainingFlag.EXCLUDED, why="asked", by="victim")
    )
    assert [each.inbox_id for each in list_turns(line)] == [numbers[1]]


async def test_truth_is_what_people_settled_on_and_before_that_what_a_desk_said(line: Line) -> None:
    rowan, toni, jo = (line.add_staff(login) for login in ("rowan", "toni", "jo"))
    inbox_id = await say(line, CALM)
    assert list_turns(line)[0].truth is None
    close_as(line, inbox_id, Outcome.SIGNPOSTED, rowan, was_urgent=WasUrgent.YES, about="stalking_escalation")
    truth = list_turns(line, only_urgent=True)[0].truth
    assert truth is not None
    assert (truth.is_urgent, truth.category, truth.by) == (True, Category.STALKING_ESCALATION, "ending")
    make_quiet(line)
    put(line, inbox_id)
    for by in (toni, jo):
        decide(line, inbox_id, by, risks=(Category.STRANGULATION.value,))
    truth = list_turns(line)[0].truth
    assert truth is not None
    assert (truth.category, truth.by) == (Category.STRANGULATION, "settled")
