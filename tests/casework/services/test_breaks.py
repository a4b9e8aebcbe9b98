"""Breaks, exposure and what is asked after grade 1, on both databases.

Red when: the line to web victims promises a colleague though nobody is there, a return loses the old place, a debrief
row names anybody, or a second look at one conversation counts twice.
"""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from casework.adapters.storage.database import Database
from casework.adapters.storage.supervision_tables import debrief_answer, staff_break, wellbeing_seen
from casework.adapters.storage.tables import audit, desk_item, outbox
from casework.model.desk import Grade, HandoffReason, Outcome
from casework.model.messages import Channel
from casework.services import breaks, desk, exposure, shifts
from casework.services.desk_ports import DeskPreferences
from casework.services.exposure import Nudge
from casework.services.ports import StaffMember
from tests.support.clock import SetClock
from tests.support.line import Line

REASON = "Taking a break"


@pytest.fixture(name="line")
def open_line(database: Database, clock: SetClock) -> Line:
    return Line(database=database, clock=clock)


def start_shift(line: Line, by: StaffMember) -> None:
    line.database.write_now(
        lambda tx: shifts.start_shift(tx, by=by, sound_heard=True, preferences=DeskPreferences())
    )


def add_item(
    line: Line, external_id: str, grade: Grade, channel: Channel = Channel.WEBCHAT, **of: Any
) -> str:
    conversation_id = line.open(external_id, channel)
    line.database.write_now(
        lambda tx: tx.desk.record_item(
            conversation_id=conversation_id,
            reason=HandoffReason.DISCLOSURE,
            grade=grade,
            dedupe_key=external_id,
            **of,
        )
    )
    return conversation_id


def take_break(line: Line, by: StaffMember, **to: str) -> int:
    return line.database.write_now(
        lambda tx: breaks.take_break(tx, by=by, texts=line.texts, to=to, reason=REASON)
    )


def said(line: Line, conversation_id: str) -> list[str]:
    return [row.template for row in line.rows(outbox, conversation_id=conversation_id)]


def test_a_break_lets_go_of_everything_the_most_urgent_first_at_its_old_place(
    line: Line, clock: SetClock
) -> None:
    sam, alex = line.add_staff("sam"), line.add_staff("alex")
    start_shift(line, alex)
    routine = add_item(line, "visit-1", Grade.ROUTINE)
    urgent = add_item(line, "visit-2", Grade.DANGER_NOW)
    waited = {row.conversation_id: row.waiting_since for row in line.rows(desk_item)}
    for each in (routine, urgent):
        line.claim(each, sam)
    clock.advance(minutes=5)

    assert take_break(line, sam) == 2

    assert [line.conversation(each).owner_id for each in (routine, urgent)] == [None, None]
    items = line.rows(desk_item)
    assert {row.conversation_id: row.waiting_since for row in items} == waited
    assert {row.status for row in items} == {"open"}
    returned = [row.conversation_id for row in line.rows(audit, act="conversation_returned")]
    assert returned == [urgent, routine]
    assert said(line, urgent)[-1] == "break_carry_on"
    shift = line.database.read_now(lambda tx: tx.shifts.find_running(sam.id))
    assert shift is not None
    assert shift.break_since is not None


def test_nobody_is_promised_where_nobody_is_there(line: Line) -> None:
    sam, alex = line.add_staff("sam"), line.add_staff("alex")
    start_shift(line, alex)
    take_break(line, alex)
    talk = add_item(line, "visit-1", Grade.HIGH)
    line.claim(talk, sam)

    take_break(line, sam)

    assert said(line, talk)[-1] == "break_nobody_here"


def test_by_text_message_nothing_is_said(line: Line) -> None:
    sam = line.add_staff("sam")
    talk = add_item(line, "+447700900001", Grade.HIGH, Channel.SMS)
    line.claim(talk, sam)
    before = said(line, talk)

    take_break(line, sam)

    assert said(line, talk) == before


def test_a_colleague_at_the_desk_is_asked_and_one_who_is_not_is_not(line: Line) -> None:
    sam, alex, robin = (line.add_staff(name) for name in ("sam", "alex", "robin"))
    start_shift(line, alex)
    first, second = (add_item(line, f"visit-{n}", Grade.PROMPT) for n in (1, 2))
    for each in (first, second):
        line.claim(each, sam)

    take_break(line, sam, **{first: alex.id, second: robin.id})

    offer = line.database.read_now(lambda tx: tx.transfers.find_offered(first))
    assert offer is not None
    assert offer.to_id == alex.id
    assert line.database.read_now(lambda tx: tx.transfers.find_offered(second)) is None
    assert line.conversation(second).owner_id is None


def test_two_presses_are_one_break_and_coming_back_ends_it(line: Line, clock: SetClock) -> None:
    sam = line.add_staff("sam")
    start_shift(line, sam)
    take_break(line, sam)
    take_break(line, sam)
    clock.advance(minutes=10)
    line.database.write_now(lambda tx: breaks.come_back(tx, by=sam))

    [row] = line.rows(staff_break)
    assert row.ended_at - row.started_at > timedelta(minutes=9)
    shift = line.database.read_now(lambda tx: tx.shifts.find_running(sam.id))
    assert shift is not None
    assert shift.break_since is None


def read(line: Line, conversation_id: str, by: StaffMember) -> None:
    line.database.write_now(lambda tx: desk.read_conversation(tx, conversation_id, by=by, relations=()))


def care_of(line: Line, by: StaffMember) -> exposure.Care:
    return line.database.read_now(lambda tx: exposure.look_after(tx, by.id))


def test_exposure_counts_conversations_of_this_person_since_their_last_pause(
    line: Line, clock: SetClock
) -> None:
    sam, alex = line.add_staff("sam"), line.add_staff("alex")
    start_shift(line, sam)
    hard = [
        add_item(line, f"visit-{n}", Grade.HIGH, category="sexual_violence_recent", tier=2) for n in range(3)
    ]
    mild = add_item(line, "visit-9", Grade.ROUTINE)
    for each in (*hard, hard[0], mild):
        read(line, each, sam)
    read(line, mild, alex)

    care = care_of(line, sam)
    team = line.database.read_now(lambda tx: tx.exposures.count_team(since=care.since))

    assert (care.seen.opened, care.seen.grade_1_or_2, care.seen.sexual) == (4, 3, 3)
    assert care.nudge is Nudge.SEXUAL
    assert (team.opened, team.sexual) == (5, 3)
    clock.advance(minutes=1)
    take_break(line, sam)
    clock.advance(minutes=1)
    line.database.write_now(lambda tx: breaks.come_back(tx, by=sam))
    assert care_of(line, sam).seen.opened == 0
    assert care_of(line, sam).nudge is None


def test_ninety_minutes_without_a_pause_nudge_once_in_half_an_hour(line: Line, clock: SetClock) -> None:
    sam = line.add_staff("sam")
    start_shift(line, sam)
    clock.advance(minutes=89)
    assert care_of(line, sam).nudge is None
    clock.advance(minutes=1)
    assert care_of(line, sam).nudge is Nudge.MINUTES

    line.database.write_now(lambda tx: exposure.put_off(tx, sam.id))

    assert care_of(line, sam).nudge is None
    clock.advance(minutes=30)
    assert care_of(line, sam).nudge is Nudge.MINUTES


@pytest.mark.parametrize("answer", ["skip", "talk"])
def test_after_grade_1_they_are_asked_once_and_the_answer_has_no_name(line: Line, answer: str) -> None:
    sam = line.add_staff("sam")
    talk = add_item(line, "visit-1", Grade.DANGER_NOW)
    line.claim(talk, sam)
    line.close(talk, Outcome.TOLD_TO_CALL_999, sam)
    assert care_of(line, sam).is_debrief_due

    line.database.write_now(lambda tx: exposure.answer_debrief(tx, sam.id, answer))
    line.database.write_now(lambda tx: exposure.answer_debrief(tx, sam.id, "talk"))

    assert not care_of(line, sam).is_debrief_due
    [row] = line.rows(debrief_answer)
    assert row.answer == answer
    assert sam.id not in map(str, row)
    assert set(debrief_answer.c.keys()) == {"id", "week", "answer"}
    assert answer not in map(str, line.row(wellbeing_seen))
    assert not any(answer in str(row.thing) for row in line.rows(audit))


def test_nothing_of_others_makes_a_debrief_due(line: Line) -> None:
    sam, alex = line.add_staff("sam"), line.add_staff("alex")
    talk = add_item(line, "visit-1", Grade.DANGER_NOW)
    line.claim(talk, alex)
    line.close(talk, Outcome.TOLD_TO_CALL_999, alex)
    line.database.write_now(
        lambda tx: tx.connection.execute(sa.update(desk_item).values(grade=Grade.HIGH.value))
    )

    assert not care_of(line, sam).is_debrief_due
    assert not care_of(line, alex).is_debrief_due


def test_a_shift_nobody_ended_is_nobody_who_carries_on(line: Line) -> None:
    forgetful, rowan = line.add_staff("forgetful"), line.add_staff()
    start_shift(line, forgetful)
    line.clock.advance(hours=15)
    start_shift(line, rowan)
    conversation_id = add_item(line, "visit", Grade.HIGH)
    line.claim(conversation_id, rowan)

    take_break(line, rowan)

    assert line.rows(outbox, conversation_id=conversation_id)[-1].template == "break_nobody_here"
