"""A candidate in the shadow: one at a time, never of what may not be used, and nothing twice or skipped.

Red when, each tried once: `list_waiting` reads past a turn that is not over, or gives what the screen alone decided;
`keep` compares no mark, or asks nobody whether a turn may still be used; `_find_why_over` looks at no live model, or
lets what waits keep it going; a shadow stands for a comparison in `count_unopened_risks`; `list_changes` goes by
places; `list_said` leaves out what two people settled on.
"""

from typing import Any

import pytest

from casework.adapters.storage.model_tables import comparison, comparison_change, replay_answer, shadow
from casework.adapters.storage.tables import audit, turn
from casework.model.review_queues import Queue
from casework.model.training_flags import TrainingFlag
from casework.model.turn_outcomes import Change
from casework.services import comparisons, consents, model_releases, shadows
from casework.services.comparison_ports import ComparisonChange, ReplayAnswer
from casework.services.model_releases import NotCompared, RisksUnopened
from casework.services.shadow_ports import Shadow, ShadowBatch, ShadowedTurn
from casework.services.shadows import ShadowRunning, ShadowUnfit
from tests.casework.services.reviewing import decide, make_line, make_quiet, put, say, set_of
from tests.support.builders import a_hit
from tests.support.clock import SetClock
from tests.support.line import Line
from tests.support.models import LIMITS, a_birth, a_report, add_comparison

LIVE, NEW, OTHER = "a" * 32, "b" * 32, "c" * 32
CALM, RED = {"band": "green"}, {"band": "red"}


@pytest.fixture
def line(database_url: str, clock: SetClock) -> Any:
    made = make_line(database_url, clock)
    made.database.write_now(lambda tx: model_releases.found(tx, a_birth(LIVE), file="a", paper="founding"))
    for model_id in (NEW, OTHER):
        add_candidate(made, model_id)
    yield made
    made.database.close()


def add_candidate(line: Line, model_id: str, *, hits: int = 63) -> None:
    def write(tx: Any) -> None:
        model_releases.record_trained(tx, a_birth(model_id), file=model_id, by="toni")
        report, paper = a_report(model_id, hits=hits, against=LIVE), "candidate" if hits > 60 else None
        model_releases.record_report(tx, report, limits=LIMITS, paper=paper, by="toni")

    line.database.write_now(write)


def start(line: Line, model_id: str = NEW, *, hours: int = 24) -> Shadow:
    line.database.write_now(lambda tx: shadows.start(tx, model_id, hours=hours, by="toni"))
    return running(line)


def running(line: Line) -> Shadow:
    found = line.database.read_now(lambda tx: tx.shadows.find_open())
    assert found is not None
    return found


def settle(line: Line) -> None:
    line.clock.advance(seconds=31)


def waiting(line: Line) -> list[int]:
    found = line.database.read_now(lambda tx: shadows.list_waiting(tx, running(line), limit=20))
    return [stored.inbox_id for stored, _ in found.turns]


def why_over(line: Line) -> str | None:
    looked = line.database.read_now(lambda tx: shadows.look(tx, limit=20))
    assert looked is not None
    return looked.why_over


def a_change(inbox_id: int, kind: Change = Change.CHANGED, **values: Any) -> ComparisonChange:
    given: dict[str, Any] = {"is_risk": True, "harm": 1, "before": RED, "after": CALM}
    return ComparisonChange(kind=kind, inbox_id=inbox_id, **(given | values))


def keep(
    line: Line, *inbox_ids: int, upto: int | None = None, at: Shadow | None = None, **values: Any
) -> bool:
    """As if both models had been asked these; each would be answered otherwise."""
    at = at or running(line)
    turn_of = {row.inbox_id: row for row in line.rows(turn)}
    turns = [
        ShadowedTurn(
            turn_id=turn_of[each].id,
            inbox_id=each,
            conversation_id=turn_of[each].conversation_id,
            before=RED,
            after=CALM,
            change=a_change(each, **values),
        )
        for each in inbox_ids
    ]
    answers = [ReplayAnswer(turn_id=each.turn_id, input_sha="s", answer=CALM) for each in turns]
    batch = ShadowBatch(
        after=at.last_inbox_id,
        upto=upto or max(inbox_ids),
        turns=turns,
        answers={NEW: answers},
        unanswered=0,
    )
    return line.database.write_now(lambda tx: shadows.keep(tx, at, batch))


def acts(line: Line) -> list[tuple[str, str, str]]:
    return [
        (row.act, row.actor, row.thing)
        for row in sorted(line.rows(audit), key=lambda row: row.id)
        if row.act.startswith("shadow")
    ]


# --- begun and ended --------------------------------------------------------------------------------------------------


def test_a_trainer_begins_and_ends_it_and_both_are_on_record(line: Line) -> None:
    shadow_id = start(line).id

    assert not line.database.write_now(lambda tx: shadows.stop(tx, OTHER, by="toni"))
    assert line.database.write_now(lambda tx: shadows.stop(tx, NEW, by="alex"))
    assert not line.database.write_now(lambda tx: shadows.stop(tx, NEW, by="alex"))

    row = line.row(shadow, id=shadow_id)
    assert (row.started_by, row.ended_by, row.why_ended) == ("toni", "alex", "stopped")
    assert acts(line) == [
        ("shadow_started", "toni", f"model:{NEW}"),
        ("shadow_ended", "alex", f"model:{NEW}:stopped"),
    ]
    made = line.row(comparison, id=shadow_id)
    assert (made.source, made.model_id, made.against_id, made.turns) == ("shadow", NEW, LIVE, 0)


@pytest.mark.parametrize("model_id", [NEW, OTHER])
def test_there_is_one_at_a_time(line: Line, model_id: str) -> None:
    first = start(line)

    with pytest.raises(ShadowRunning):
        start(line, model_id)

    assert running(line) == first
    assert len(line.rows(comparison)) == 1
    line.database.write_now(lambda tx: shadows.stop(tx, NEW, by="toni"))
    assert start(line, model_id).id != first.id


@pytest.mark.parametrize("hours", [-1, 0, 14 * 24 + 1])
def test_it_lasts_a_fortnight_at_most(line: Line, hours: int) -> None:
    with pytest.raises(ShadowUnfit):
        start(line, hours=hours)
    assert line.rows(shadow) == [] and line.rows(comparison) == []


@pytest.mark.parametrize("which", ["live", "refused", "unknown"])
def test_only_a_candidate_is_asked(line: Line, which: str) -> None:
    add_candidate(line, "d" * 32, hits=10)

    with pytest.raises(ShadowUnfit):
        start(line, {"live": LIVE, "refused": "d" * 32, "unknown": "e" * 32}[which])


async def test_it_ends_by_itself_when_its_time_is_over_and_all_of_it_was_asked(line: Line) -> None:
    start(line, hours=1)
    early = await say(line, "is there any news")
    line.clock.advance(minutes=59)
    assert why_over(line) is None
    line.clock.advance(hours=2)
    late = await say(line, "is there still no news")
    settle(line)

    assert (waiting(line), why_over(line)) == ([early], None)
    assert keep(line, early)
    assert (waiting(line), why_over(line)) == ([], "over")
    line.database.write_now(lambda tx: shadows.end(tx, running(line).id, "over"))
    assert acts(line)[-1] == ("shadow_ended", "launcher", f"model:{NEW}:over")
    assert late > early


async def test_what_is_never_asked_does_not_keep_it_going(line: Line) -> None:
    start(line, hours=1)
    inbox_id = await say(line, "is there any news")
    line.clock.advance(hours=24)
    assert (waiting(line), why_over(line)) == ([inbox_id], None)
    line.clock.advance(hours=1)

    assert why_over(line) == "over"


@pytest.mark.parametrize(
    ("what", "why"),
    [("refused", "no_candidate"), ("released", "no_candidate"), ("other_released", "live_changed")],
)
async def test_it_ends_by_itself_when_a_model_was_decided_on(line: Line, what: str, why: str) -> None:
    start(line)
    inbox_id = await say(line, "is there any news")
    settle(line)
    if what == "refused":
        report = a_report(NEW, hits=10)
        line.database.write_now(
            lambda tx: model_releases.record_report(tx, report, limits=LIMITS, paper=None, by="toni")
        )
    else:
        promote(line, NEW if what == "released" else OTHER)

    assert why_over(line) == why
    # What was asked in the meantime is not kept any more.
    assert not keep(line, inbox_id)
    assert line.rows(comparison_change) == []


def promote(line: Line, model_id: str) -> None:
    def release(tx: Any) -> None:
        add_comparison(tx, model_id)
        number = model_releases.propose(tx, model_id, by="toni", limits=LIMITS)
        model_releases.approve(tx, number, by="alex", paper="signed", limits=LIMITS)

    line.database.write_now(release)


async def test_it_ends_by_itself_when_the_live_model_is_gone_back_from(line: Line) -> None:
    promote(line, OTHER)
    start(line)
    assert why_over(line) is None

    line.database.write_now(lambda tx: model_releases.roll_back(tx, by="sam", reason="it misses danger"))

    assert why_over(line) == "live_changed"


# --- what is asked ----------------------------------------------------------------------------------------------------


async def test_turns_from_its_beginning_on_are_asked_oldest_first_once_they_are_settled(line: Line) -> None:
    await say(line, "before it began")
    start(line)
    first = await say(line, "is there any news")
    second = await say(line, "and my court day")
    assert waiting(line) == []
    settle(line)

    assert waiting(line) == [first, second]
    assert keep(line, first)
    assert waiting(line) == [second]


async def test_nothing_behind_a_turn_that_is_not_over_is_asked_before_it(line: Line) -> None:
    start(line)
    first = await say(line, "is there any news")
    slow = line.receive("this one is answered late", external_id="+447700900301")
    settle(line)
    assert line.row(turn, inbox_id=slow.inbox_id).status == "waiting" and waiting(line) == [first]
    line.receive("and this one after it", external_id="+447700900302")
    await line.answer_all()
    settle(line)

    assert waiting(line) == [first, slow.inbox_id, slow.inbox_id + 1]


async def test_what_may_not_be_used_and_what_no_model_was_asked_is_passed_over(line: Line) -> None:
    hit = "he has a knife"
    line.screen.results = {hit: a_hit(1)}
    start(line)
    withdrawn, drill, screened, usable = [
        await say(line, text, external_id=f"+44770090031{number}")
        for number, text in enumerate(["taken back", "a rehearsal", hit, "is there any news"])
    ]
    of = {row.inbox_id: row.conversation_id for row in line.rows(turn)}
    flag(line, of[withdrawn], TrainingFlag.WITHDRAWN)
    set_of(line, of[drill], is_drill=True)
    settle(line)

    assert waiting(line) == [usable]
    assert screened < usable and keep(line, usable)
    assert running(line).last_inbox_id == usable


def flag(line: Line, of: str, which: TrainingFlag) -> None:
    line.database.write_now(lambda tx: consents.flag(tx, of, None, which, why="asked", by="toni"))


# --- what came of it --------------------------------------------------------------------------------------------------


async def test_a_step_that_was_kept_is_not_kept_again(line: Line) -> None:
    at = start(line)
    first = await say(line, "is there any news")
    second = await say(line, "and my court day")

    assert keep(line, first, at=at)
    assert not keep(line, first, at=at)
    assert keep(line, second)

    assert [row.inbox_id for row in line.rows(comparison_change)] == [first, second]
    made = line.row(comparison)
    assert (made.turns, made.counts["changed_risk"], len(made.digest)) == (2, 2, 64)


async def test_the_digest_does_not_tell_how_it_was_cut(line: Line) -> None:
    first_id = start(line).id
    numbers = [await say(line, text) for text in ("is there any news", "and my court day")]
    for number in numbers:
        keep(line, number)
    line.database.write_now(lambda tx: shadows.stop(tx, NEW, by="toni"))
    second_id = start(line).id
    keep(line, *numbers)

    assert line.row(comparison, id=first_id).digest == line.row(comparison, id=second_id).digest


@pytest.mark.parametrize("which", [TrainingFlag.EXCLUDED, TrainingFlag.WITHDRAWN])
async def test_what_was_taken_back_while_the_models_thought_is_not_kept(
    line: Line, which: TrainingFlag
) -> None:
    at = start(line)
    gone, stays = [
        await say(line, "is there any news", external_id=f"+44770090032{number}") for number in range(2)
    ]
    flag(line, line.row(turn, inbox_id=gone).conversation_id, which)

    assert keep(line, gone, stays, at=at)

    assert [row.inbox_id for row in line.rows(comparison_change)] == [stays]
    assert [row.turn_id for row in line.rows(replay_answer)] == [line.row(turn, inbox_id=stays).id]
    assert line.row(comparison).turns == 1
    assert running(line).last_inbox_id == stays


async def test_danger_stands_first_whenever_it_came(line: Line) -> None:
    start(line)
    numbers = [await say(line, text) for text in ("one", "two", "three")]
    keep(line, numbers[0], is_risk=False, harm=5)
    keep(line, numbers[1], harm=3)
    keep(line, numbers[2], harm=1)

    def listed(**values: Any) -> list[int]:
        return line.database.read_now(
            lambda tx: [place for place, _ in tx.comparisons.list_changes(running(line).id, **values)]
        )

    assert listed(limit=9) == [3, 2, 1]
    assert listed(limit=1, after=3) == [2]
    assert listed(limit=9, after=1) == []


async def test_what_people_said_later_is_found(line: Line) -> None:
    line.clock.advance(seconds=1)
    start(line)
    numbers = [await say(line, text) for text in ("one", "two")]
    keep(line, *numbers)
    line.database.write_now(lambda tx: shadows.stop(tx, NEW, by="toni"))
    assert said(line) == []
    make_quiet(line)
    put(line, numbers[1], Queue.POSSIBLE_MISSES)
    for login in ("toni", "terry"):
        decide(line, numbers[1], line.add_staff(login), risks=("immediate_danger",))

    assert said(line) == [2]
    truths = line.database.read_now(lambda tx: tx.turn_records.find_truths(numbers))
    assert {each: truth.is_urgent for each, truth in truths.items()} == {numbers[1]: True}
    promote(line, NEW)
    assert line.database.read_now(shadows.list_said) is None


def said(line: Line) -> list[int]:
    found = line.database.read_now(shadows.list_said)
    assert found is not None
    return [place for place, _ in found[1]]


async def test_what_is_judged_anew_is_counted_anew(line: Line) -> None:
    shadow_id = start(line).id
    inbox_id = await say(line, "is there any news")
    keep(line, inbox_id, is_risk=False, harm=5)
    wrong = a_change(inbox_id, Change.NEWLY_WRONG, harm=2)

    line.database.write_now(lambda tx: tx.comparisons.rejudge(shadow_id, {1: wrong, 2: wrong}))

    row = line.row(comparison_change)
    assert (row.place, row.kind, row.is_risk, row.harm) == (1, "newly_wrong", True, 2)
    counts = line.row(comparison).counts
    assert (counts["newly_wrong"], counts["newly_wrong_risk"], counts["changed"]) == (1, 1, 0)


# --- before anybody lets it answer ------------------------------------------------------------------------------------


async def test_it_stands_for_no_comparison_and_its_dangers_are_opened_too(line: Line) -> None:
    toni, alex = line.add_staff("toni").id, line.add_staff("alex").id
    shadow_id = start(line).id

    def propose() -> None:
        line.database.write_now(lambda tx: model_releases.propose(tx, NEW, by=toni, limits=LIMITS))

    with pytest.raises(NotCompared):
        propose()
    line.database.write_now(lambda tx: add_comparison(tx, NEW))
    keep(line, await say(line, "is there any news"), kind=Change.NEWLY_WRONG)
    with pytest.raises(RisksUnopened):
        propose()
    line.database.write_now(lambda tx: comparisons.open_change(tx, shadow_id, 1, by=toni))
    propose()

    newest = line.database.read_now(lambda tx: tx.comparisons.find_newest(NEW))
    assert newest is not None and newest.id != shadow_id
    assert line.database.read_now(lambda tx: tx.model_releases.count_unopened_risks(NEW, by=alex)) == 1
