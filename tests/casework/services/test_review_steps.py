"""Each queue of the workbench and every source it has, filled a step at a time from what the service keeps anyway.

Red when, each tried once: a source is taken out of `SOURCES`, or its one `yield` out of review_findings.py (its own
test); `_take` sets no mark (steps never end); `add_reason` inserts without a conflict clause; `_until` reads on behind
a message whose turn waits; `_by_time` leaves out what shares the last row's moment; `note` asks no `is_usable`.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from casework.adapters.storage.model_tables import guest_link, guest_message
from casework.adapters.storage.tables import audit, desk_item, inbox
from casework.adapters.storage.workbench_tables import review_item, review_mark, review_reason
from casework.model.annotations import is_drawn
from casework.model.bands import load_band_limits
from casework.model.desk import Grade, Outcome
from casework.model.disclosures import Category
from casework.model.review_queues import Queue
from casework.model.standings import Standing
from casework.model.training_flags import TrainingFlag
from casework.services import consents, labels, review_inbox, review_steps
from casework.services.conversation_ports import Block, WasUrgent
from casework.services.ports import StaffMember
from casework.services.regrades import regrade
from tests.casework.services.reviewing import (
    an_answer_of,
    close_as,
    make_line,
    queue_of,
    reasons,
    review,
    say,
    set_of,
    why,
)
from tests.support.builders import REFERENCE, a_case, a_hit, an_amber_hit
from tests.support.clock import SetClock
from tests.support.line import Line
from tests.support.rows import put_rows

LIMITS = load_band_limits().tiers
CALM, ODD, MORE = "when is my court day", "hes outside", "thank you"
HIT, AMBER = "he has a knife", "he said he would come"


@pytest.fixture
def line(database_url: str, clock: SetClock) -> Any:
    made = make_line(database_url, clock)
    made.screen.results = {HIT: a_hit(1), AMBER: an_amber_hit(2)}
    yield made
    made.database.close()


@pytest.fixture
def rowan(line: Line) -> StaffMember:
    return line.add_staff()


# --- people said otherwise ---


async def test_an_item_a_person_raised_is_looked_at(line: Line, rowan: StaffMember) -> None:
    inbox_id = await say(line, AMBER)
    item_id = line.row(desk_item).id
    line.database.write_now(
        lambda tx: regrade(tx, item_id, Grade.DANGER_NOW, by=rowan, reason="he is there now")
    )
    close_as(line, inbox_id, Outcome.OFFICER_WILL_CALL, rowan)
    await review(line)

    [row] = queue_of(line, Queue.STAFF_DISAGREED)
    assert (row.inbox_id, row.why, row.harm, row.detail) == (inbox_id, "raised", 1, {"from": 3, "to": 1})


async def test_what_a_rule_raised_or_a_person_lowered_is_no_disagreement(
    line: Line, rowan: StaffMember
) -> None:
    inbox_id = await say(line, AMBER)
    item_id = line.row(desk_item).id
    line.database.write_now(lambda tx: regrade(tx, item_id, Grade.ROUTINE, by=rowan, reason="it is over"))
    close_as(line, inbox_id, Outcome.OFFICER_WILL_CALL, rowan)
    await review(line)
    assert queue_of(line, Queue.STAFF_DISAGREED) == []


@pytest.mark.parametrize(("block", "is_for_us"), [(b, b in ("wants", "why_flagged")) for b in sorted(Block)])
async def test_a_correction_of_what_was_seen_is_about_the_message_before_it(
    line: Line, rowan: StaffMember, block: Block, is_for_us: bool
) -> None:
    await say(line, CALM)
    second = await say(line, ODD)
    of = line.row(inbox, id=second).conversation_id
    line.database.write_now(lambda tx: labels.file_correction(tx, of, block, "No, it is not.", by=rowan))
    line.clock.advance(seconds=1)
    await say(line, MORE)
    await review(line)

    found = [(row.inbox_id, row.why, row.detail) for row in queue_of(line, Queue.STAFF_DISAGREED)]
    assert found == ([(second, "called_wrong", {"block": block.value})] if is_for_us else [])


async def test_a_danger_nobody_saw_in_the_talk_is_a_disagreement(line: Line, rowan: StaffMember) -> None:
    inbox_id = await say(line, CALM)
    close_as(line, inbox_id, Outcome.SIGNPOSTED, rowan, about=Category.STRANGULATION.value)
    await review(line)

    [row] = queue_of(line, Queue.STAFF_DISAGREED)
    assert (row.why, row.harm) == ("about_another", 1)
    assert row.detail == {"about": "strangulation", "seen": None}


async def test_a_danger_seen_in_one_message_of_the_talk_is_none(line: Line, rowan: StaffMember) -> None:
    await say(line, CALM)
    hit = await say(line, HIT)
    close_as(line, hit, Outcome.SIGNPOSTED, rowan, about=Category.IMMEDIATE_DANGER.value)
    await review(line)
    assert queue_of(line, Queue.STAFF_DISAGREED) == []


async def test_routine_is_a_disagreement_with_what_was_red(line: Line, rowan: StaffMember) -> None:
    await say(line, CALM)
    hit = await say(line, HIT)
    close_as(line, hit, Outcome.SIGNPOSTED, rowan, about="case_question")
    await review(line)
    assert why(line, Queue.STAFF_DISAGREED) == [(hit, "about_another")]


# --- what may have been missed ---


@pytest.mark.parametrize(("word", "said"), [("sooner", "should_be_sooner"), ("yes", "handled_as_urgent")])
async def test_what_a_person_handled_as_urgent_and_nobody_flagged_may_be_a_miss(
    line: Line, rowan: StaffMember, word: str, said: str
) -> None:
    first = await say(line, CALM)
    hit = await say(line, HIT)
    close_as(line, hit, Outcome.SIGNPOSTED, rowan, was_urgent=WasUrgent(word))
    await review(line)
    assert why(line, Queue.POSSIBLE_MISSES) == [(first, said)]


async def test_a_talk_acted_on_and_flagged_at_the_third_message_was_flagged_late(
    line: Line, rowan: StaffMember
) -> None:
    first, second, third = await say(line, CALM), await say(line, ODD), await say(line, HIT)
    close_as(line, third, Outcome.TOLD_TO_CALL_999, rowan)
    await review(line)

    rows = queue_of(line, Queue.POSSIBLE_MISSES)
    assert sorted((row.inbox_id, row.why, row.detail["at"]) for row in rows) == [
        (first, "flagged_late", 3),
        (second, "flagged_late", 3),
    ]


@pytest.mark.parametrize(
    ("outcome", "found"),
    [("log_created", ["never_flagged"]), ("safeguarding_referral", ["never_flagged"]), ("signposted", [])],
)
async def test_a_talk_acted_on_that_was_never_flagged_may_be_a_miss(
    line: Line, rowan: StaffMember, outcome: str, found: list[str]
) -> None:
    inbox_id = await say(line, CALM)
    close_as(line, inbox_id, Outcome(outcome), rowan)
    await review(line)
    assert [each for _, each in why(line, Queue.POSSIBLE_MISSES)] == found


async def test_a_talk_flagged_at_its_second_message_was_flagged_in_time(
    line: Line, rowan: StaffMember
) -> None:
    await say(line, CALM)
    hit = await say(line, HIT)
    close_as(line, hit, Outcome.TOLD_TO_CALL_999, rowan)
    await review(line)
    assert queue_of(line, Queue.POSSIBLE_MISSES) == []


async def test_an_earlier_ending_bounds_the_talk(line: Line, rowan: StaffMember) -> None:
    early = await say(line, CALM)
    close_as(line, early, Outcome.SIGNPOSTED, rowan)
    line.clock.advance(minutes=5)
    late = await say(line, ODD)
    close_as(line, late, Outcome.LOG_CREATED, rowan)
    await review(line)
    assert why(line, Queue.POSSIBLE_MISSES) == [(late, "never_flagged")]


@pytest.mark.parametrize(("urgency", "found"), [(0.01, ["rule_alone"]), (0.3, [])])
async def test_amber_by_a_rule_the_model_did_not_share_may_be_a_miss(
    line: Line, rowan: StaffMember, urgency: float, found: list[str]
) -> None:
    inbox_id = await say(line, AMBER, answer=an_answer_of(urgency=urgency))
    close_as(line, inbox_id, Outcome.OFFICER_WILL_CALL, rowan)
    await review(line)
    assert [each for _, each in why(line, Queue.POSSIBLE_MISSES)] == found


async def test_after_a_replay_what_only_the_screen_saw_is_noted_with_the_number(
    line: Line, rowan: StaffMember
) -> None:
    hit = await say(line, HIT)
    close_as(line, hit, Outcome.OFFICER_WILL_CALL, rowan)
    line.clock.advance(hours=1)
    line.database.write_now(lambda tx: review_steps.note_rule_alone(tx, hit, urgency=0.02))

    [row] = queue_of(line, Queue.POSSIBLE_MISSES)
    assert (row.inbox_id, row.harm, row.detail) == (hit, 1, {"urgency": 0.02})


# --- false alarms ---


@pytest.mark.parametrize(
    ("outcome", "found"),
    [
        ("information_given", ["closed_as"]),
        ("log_created", []),
        ("not_a_victim", ["closed_as"]),
        ("test", ["closed_as"]),
    ],
)
async def test_danger_that_was_closed_as_none_is_a_false_alarm(
    line: Line, rowan: StaffMember, outcome: str, found: list[str]
) -> None:
    hit = await say(line, HIT)
    close_as(line, hit, Outcome(outcome), rowan)
    await review(line)

    rows = queue_of(line, Queue.FALSE_ALARMS)
    assert [row.why for row in rows] == found
    assert all(row.detail == {"outcome": outcome} and row.harm == 1 for row in rows)


async def test_danger_a_person_called_not_urgent_is_a_false_alarm(line: Line, rowan: StaffMember) -> None:
    await say(line, CALM)
    hit = await say(line, HIT)
    close_as(line, hit, Outcome.SIGNPOSTED, rowan, was_urgent=WasUrgent.NO)
    await review(line)
    assert why(line, Queue.FALSE_ALARMS) == [(hit, "closed_as")]


# --- not understood ---


async def test_two_in_a_row_that_were_not_understood_are_both_looked_at(line: Line) -> None:
    lost = an_answer_of("nlu_fallback", 0.0)
    alone = await say(line, "blorp", answer=lost, external_id="+447700900009")
    first, second = await say(line, "wibble", answer=lost), await say(line, "wobble", answer=lost)
    await review(line)
    assert sorted(why(line, Queue.NOT_UNDERSTOOD)) == [(first, "twice"), (second, "twice")]
    assert alone in [row.inbox_id for row in queue_of(line, Queue.UNSURE)]


async def test_who_asked_for_a_person_or_was_not_understood_stands_there(
    line: Line, rowan: StaffMember
) -> None:
    for reason, sender in (("asked_for_person", "1"), ("message_for_officer", "2"), ("not_understood", "3")):
        answer = an_answer_of(effects=({"effect": "hand_off", "reason": reason},))
        inbox_id = await say(line, reason, answer=answer, external_id=f"+44770090000{sender}")
        close_as(line, inbox_id, Outcome.SIGNPOSTED, rowan)
    await review(line)
    assert sorted(each for _, each in why(line, Queue.NOT_UNDERSTOOD)) == [
        "asked_for_person",
        "not_understood",
    ]


async def test_who_left_right_after_an_answer_stands_there(line: Line) -> None:
    answered = await say(line, CALM)
    line.clock.advance(seconds=20)
    line.receive("exit")
    line.clock.advance(seconds=1)
    later = await say(line, ODD, external_id="+447700900009")
    line.clock.advance(minutes=31)
    line.receive("exit", external_id="+447700900009")
    line.clock.advance(seconds=1)
    back = await say(line, MORE, external_id="+447700900008")
    line.receive("exit", external_id="+447700900008")
    line.clock.advance(seconds=1)
    await say(line, CALM, external_id="+447700900008")
    await review(line)

    found = why(line, Queue.NOT_UNDERSTOOD)
    assert found == [(answered, "left")]
    assert later not in dict(found) and back not in dict(found)


async def test_who_closed_the_page_right_after_an_answer_stands_there(line: Line) -> None:
    answered = await say(line, CALM)
    of = line.row(inbox, id=answered).conversation_id
    line.clock.advance(seconds=20)
    line.database.write_now(lambda tx: tx.audit.record("web_session_left", by="person", conversation_id=of))
    await review(line)
    assert why(line, Queue.NOT_UNDERSTOOD) == [(answered, "left")]


# --- unsure, and by chance ---


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"confidence": 0.44}, ["unsure"]),
        ({"confidence": 0.6}, []),
        ({"confidence": 0.5, "ranking": (("ask_status", 0.5), ("ask_court", 0.41))}, ["between_two"]),
        ({"confidence": 0.6, "ranking": (("ask_status", 0.6), ("ask_court", 0.39))}, []),
        ({"urgency": 0.7 * LIMITS[4].amber}, ["near_limit"]),
        ({"urgency": 0.03, "categories": {Category.STRANGULATION: 0.8 * LIMITS[1].amber}}, ["near_limit"]),
        ({"urgency": 0.02}, []),
    ],
)
async def test_what_the_model_was_unsure_of_stands_there(
    line: Line, values: dict[str, Any], found: list[str]
) -> None:
    await say(line, CALM, answer=an_answer_of(**values))
    await review(line)
    assert [each for _, each in why(line, Queue.UNSURE)] == found


async def test_just_under_red_is_unsure_too(line: Line, rowan: StaffMember) -> None:
    urgency = LIMITS[1].red - 0.05
    answer = an_answer_of(urgency=urgency, categories={Category.STRANGULATION: urgency - 0.02})
    inbox_id = await say(line, CALM, answer=answer)
    close_as(line, inbox_id, Outcome.SIGNPOSTED, rowan)
    await review(line)
    [row] = queue_of(line, Queue.UNSURE)
    assert (row.harm, row.detail) == (1, {"urgency": round(urgency, 3), "limit": "red"})


async def test_one_message_in_twenty_is_drawn_by_chance_and_always_the_same(line: Line) -> None:
    numbers = [await say(line, f"{CALM} {number}") for number in range(40)]
    await review(line)
    drawn = [number for number in numbers if is_drawn(f"{number}2026-11", 20)]
    assert sorted(number for number, _ in why(line, Queue.SAMPLE)) == drawn
    assert 0 < len(drawn) < 10


# --- words nobody taught, and testers ---


async def test_new_words_stand_there_once_three_conversations_use_them(line: Line) -> None:
    numbers = [await say(line, CALM, external_id=f"+44770090001{each}") for each in range(3)]
    line.clock.advance(hours=1)

    def note(count: int) -> None:
        line.database.write_now(lambda tx: review_steps.note_new_words(tx, numbers[:count], "peng"))

    note(2)
    assert line.database.read_now(review_inbox.list_clusters) == []
    note(3)
    [cluster] = line.database.read_now(review_inbox.list_clusters)
    assert (cluster.name, cluster.items) == ("peng", 3)
    rows = line.database.read_now(lambda tx: review_inbox.list_of_cluster(tx, "peng"))
    assert {row.inbox_id for row in rows} == set(numbers)
    assert {row.why for row in queue_of(line, Queue.NEW_WORDS)} == {"new_word"}


def test_what_testers_wrote_stands_there_until_somebody_has_seen_it(line: Line) -> None:
    def write(tx: Any) -> None:
        tx.connection.execute(
            sa.insert(guest_link).values(
                token_hash="t" * 64,
                number=1,
                model_id="m",
                group_name="a charity",
                issued_by="toni",
                issued_at=tx.now,
                expires_at=tx.now + timedelta(days=1),
            )
        )
        row = {"token_hash": "t" * 64, "visit": "v", "responses": ["utter_greet"], "said": []}
        for text in ("one", "two", "three"):
            values = row | {"text": text, "state": None, "band": "green", "at": tx.now}
            put_rows(tx.connection, guest_message, values)

    line.database.write_now(write)
    page = line.database.read_now(lambda tx: review_inbox.list_guest_page(tx, limit=2))
    assert [(row.text, row.group) for row in page.rows] == [("one", "a charity"), ("two", "a charity")]
    after = page.next or 0
    rest = line.database.read_now(lambda tx: review_inbox.list_guest_page(tx, after=after))
    assert [row.text for row in rest.rows] == ["three"]
    first = page.rows[0].id
    assert line.database.write_now(lambda tx: review_inbox.handle_guest(tx, first, by="toni"))
    assert not line.database.write_now(lambda tx: review_inbox.handle_guest(tx, first, by="toni"))
    assert line.database.read_now(review_inbox.count_tabs)[Queue.GUESTS] == 2


# --- what is never there ---


async def test_a_drill_and_what_may_not_teach_are_never_noted(line: Line) -> None:
    answer = an_answer_of(confidence=0.1)
    numbers = [await say(line, ODD, answer=answer, external_id=f"+44770090002{each}") for each in range(4)]
    of = [line.row(inbox, id=each).conversation_id for each in numbers]
    set_of(line, of[0], is_drill=True)
    for conversation_id, inbox_id, flag in (
        (of[1], None, TrainingFlag.EXCLUDED),
        (of[2], numbers[2], TrainingFlag.WITHDRAWN),
    ):
        line.database.write_now(
            lambda tx, c=conversation_id, i=inbox_id, f=flag: consents.flag(
                tx, c, i, f, why="asked", by="victim"
            )
        )
    await review(line)
    assert [row.inbox_id for row in line.rows(review_item)] == [numbers[3]]
    assert {row[0] for row in reasons(line)} == {numbers[3]}


async def test_no_word_of_anybody_is_kept_with_an_item(line: Line, rowan: StaffMember) -> None:
    hit = await say(line, HIT)
    close_as(line, hit, Outcome.INFORMATION_GIVEN, rowan, was_urgent=WasUrgent.NO, about="other")
    await review(line)
    kept = repr([tuple(row) for table in (review_item, review_reason) for row in line.rows(table)])
    assert HIT not in kept and "knife" not in kept
    assert rowan.id not in kept and rowan.display_name not in kept


async def test_an_item_says_what_was_seen_and_whose_words_are_never_taught_as_they_stand(
    line: Line, rowan: StaffMember
) -> None:
    line.add_cases(a_case(crime_type="Rape"))
    calm, hit = await say(line, ODD, answer=an_answer_of(confidence=0.1)), await say(line, HIT)
    of = line.row(inbox, id=calm).conversation_id
    line.database.write_now(lambda tx: tx.standings.record(of, REFERENCE, Standing.LINKED, method="code"))
    close_as(line, hit, Outcome.TEST, rowan)
    other = await say(line, MORE, answer=an_answer_of(confidence=0.1), external_id="+447700900009")
    await review(line)

    seen = {row.inbox_id: row for row in line.rows(review_item)}
    assert (seen[calm].band_seen, seen[calm].tier_seen, seen[calm].category_seen) == ("green", None, None)
    assert (seen[hit].band_seen, seen[hit].tier_seen, seen[hit].category_seen) == (
        "red",
        1,
        "immediate_danger",
    )
    assert (seen[calm].model_id, seen[hit].model_id) == ("test", None)
    assert (seen[calm].is_restricted, seen[hit].is_restricted, seen[other].is_restricted) == (
        True,
        True,
        False,
    )


# --- steps ---


async def test_steps_end_and_a_second_time_finds_nothing_new(line: Line, rowan: StaffMember) -> None:
    await say(line, ODD, answer=an_answer_of(confidence=0.1))
    hit = await say(line, HIT)
    close_as(line, hit, Outcome.INFORMATION_GIVEN, rowan, was_urgent=WasUrgent.SOONER)
    assert await review(line) > 0
    before = reasons(line)
    assert await review(line, after_minutes=0) == 0
    assert reasons(line) == before


async def test_every_source_from_the_start_again_gives_the_same_rows(line: Line, rowan: StaffMember) -> None:
    for number in range(12):
        await say(line, f"{ODD} {number}", answer=an_answer_of(confidence=0.1))
    hit = await say(line, HIT)
    close_as(
        line, hit, Outcome.INFORMATION_GIVEN, rowan, was_urgent=WasUrgent.YES, about="stalking_escalation"
    )
    await review(line)
    before = reasons(line)
    line.database.write_now(lambda tx: tx.connection.execute(sa.delete(review_mark)))
    await review(line, limit=3)
    assert reasons(line) == before


@pytest.mark.parametrize("source", sorted(review_steps.SOURCES))
async def test_a_step_cut_off_half_way_leaves_nothing_and_is_taken_again(
    line: Line, rowan: StaffMember, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    await _one_of_each(line, rowan)
    await _until(line, lambda: _marks(line).keys() >= set(review_steps.SOURCES), stop_before=source)
    before, marks = reasons(line), _marks(line)

    class Killed(Exception):
        pass

    def fail(*_: Any) -> None:
        raise Killed

    step = review_steps.SOURCES[source]
    with pytest.raises(Killed):

        def work(tx: Any) -> None:
            review_steps.note(tx, step(tx, tx.review_reads.find_mark(source), 200).findings)
            fail()

        line.database.write_now(work)
    assert (reasons(line), _marks(line)) == (before, marks)
    await review(line, after_minutes=0)
    after = reasons(line)
    line.database.write_now(lambda tx: tx.connection.execute(sa.delete(review_mark)))
    await review(line, after_minutes=0)
    assert reasons(line) == after


async def test_a_message_whose_turn_waits_is_waited_for(line: Line) -> None:
    line.assistant.answers[ODD] = an_answer_of(confidence=0.1)
    waiting = line.receive(ODD)
    line.receive(ODD, external_id="+447700900009")
    await review(line)
    assert line.rows(review_item) == []
    await line.answer_all()
    await review(line)
    assert [row.inbox_id for row in line.rows(review_item)] == [waiting.inbox_id, (waiting.inbox_id or 0) + 1]


async def test_what_was_written_a_moment_ago_is_read_with_a_later_step(line: Line) -> None:
    await say(line, ODD, answer=an_answer_of(confidence=0.1))
    assert await review(line, after_minutes=0.5) == 0
    assert await review(line, after_minutes=1) > 0


async def test_rows_of_one_moment_are_read_together_whatever_the_limit(
    line: Line, rowan: StaffMember
) -> None:
    numbers = [await say(line, HIT, external_id=f"+44770090003{each}") for each in range(3)]
    for each in numbers:
        close_as(line, each, Outcome.TEST, rowan)
    moment = line.clock.now()
    line.database.write_now(lambda tx: tx.connection.execute(sa.update(desk_item).values(closed_at=moment)))
    await review(line, limit=1)
    assert {row.inbox_id for row in queue_of(line, Queue.FALSE_ALARMS)} == set(numbers)


def _marks(line: Line) -> dict[str, int]:
    return {row.name: row.last_id for row in line.rows(review_mark)}


async def _one_of_each(line: Line, rowan: StaffMember) -> None:
    await say(line, ODD, answer=an_answer_of(confidence=0.1))
    amber = await say(line, AMBER)
    of = line.row(inbox, id=amber).conversation_id
    [item] = line.rows(desk_item)
    line.database.write_now(
        lambda tx: regrade(tx, item.id, Grade.HIGH, by=rowan, reason="worse than it looks")
    )
    line.database.write_now(lambda tx: labels.file_correction(tx, of, Block.WANTS, "No.", by=rowan))
    close_as(line, amber, Outcome.INFORMATION_GIVEN, rowan, was_urgent=WasUrgent.SOONER)
    asked = an_answer_of(effects=({"effect": "hand_off", "reason": "asked_for_person"},))
    person = await say(line, MORE, answer=asked, external_id="+447700900009")
    close_as(line, person, Outcome.SIGNPOSTED, rowan)
    await say(line, CALM, external_id="+447700900008")
    line.clock.advance(seconds=5)
    line.receive("exit", external_id="+447700900008")
    assert line.rows(audit, act="left_by_text")


async def _until(line: Line, is_done: Callable[[], bool], *, stop_before: str) -> None:
    """Every step before that source's first one."""
    line.clock.advance(minutes=61)
    names = list(review_steps.SOURCES)
    for name in names[: names.index(stop_before)]:
        step = review_steps.SOURCES[name]

        def take(tx: Any, name: str = name, step: Any = step) -> None:
            reading = step(tx, 0, 200)
            review_steps.note(tx, reading.findings)
            tx.review_reads.set_mark(name, reading.mark)

        line.database.write_now(take)
    assert not is_done()
