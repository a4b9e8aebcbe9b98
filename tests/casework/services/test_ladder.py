"""Every rung of the ladder, everything that ends or delays it, and what the victim may be told.

Red when: a claim does not end the ladder, an acknowledgement does, somebody who cannot be reached is waited for, each
message climbs by itself, words that may not leave stop a clock, a grade written again restarts it, or the victim's text
leaves against the plan, under duress, unread or claimed; each shown in a copy.
"""

from datetime import timedelta

import pytest

from casework.adapters.storage.ladder_tables import escalation, staff_notice
from casework.adapters.storage.tables import audit, conversation, desk_item, outbox
from casework.model.desk import Grade, HandoffReason, Outcome
from casework.model.ladder import Step
from casework.model.standings import Standing
from casework.services import ladder
from casework.services.desk import read_conversation
from casework.services.hand_off import request_person
from casework.services.staff_notices import Attempt, Came
from tests.casework.services.on_call import CONTROL, KIT, ROBIN, FakePhones, OnCall
from tests.support.builders import VICTIM, a_case, an_amber_hit
from tests.support.line import Line

REFUSED = Attempt(came=Came.NEVER, fault="not_a_mobile")
BUSY = Attempt(came=Came.TRY_AGAIN, fault="busy")


@pytest.fixture
def empty(line: Line) -> OnCall:
    """Nobody on the rota."""
    return OnCall(line)


@pytest.fixture
def on_call(empty: OnCall) -> OnCall:
    empty.put("Kit Example", KIT, place=1)
    empty.put("Robin Example", ROBIN, place=2)
    empty.put_control_room()
    return empty


def write(desk: OnCall, text: str = "red 1", **values: object) -> str:
    return desk.line.receive(text, **values).conversation_id


# --- when ---------------------------------------------------------------------------------------


async def test_high_risk_goes_to_the_supervisor_and_then_on_call(on_call: OnCall) -> None:
    conversation_id = write(on_call, "red 2")

    await on_call.pass_time(minutes=11)

    assert on_call.timeline(conversation_id) == [("supervisor", 300), ("on_call", 600)]
    assert on_call.sounding().keys() == {"high_unclaimed"}


async def test_prompt_goes_to_the_supervisors_list_and_no_further(on_call: OnCall) -> None:
    conversation_id = write(on_call, "red 3")

    await on_call.pass_time(hours=3)

    assert on_call.timeline(conversation_id) == [("supervisor", 1800)]
    assert on_call.phones.took == []
    assert on_call.sounding() == {}


async def test_routine_has_no_ladder(on_call: OnCall) -> None:
    conversation_id = write(on_call, "red 4")

    await on_call.pass_time(days=3)

    assert on_call.timeline(conversation_id) == []


@pytest.mark.parametrize("tier", [1, 2])
async def test_out_of_hours_whoever_is_on_call_is_told_at_once(on_call: OnCall, tier: int) -> None:
    on_call.line.clock.advance(hours=6)  # 18:00 on a Saturday: nobody since 16:00
    conversation_id = write(on_call, f"red {tier}")

    await on_call.look()

    assert on_call.timeline(conversation_id) == [("on_call", 0)]
    assert [notice.to for notice in on_call.phones.took] == [KIT]


async def test_prompt_waits_for_the_hours_of_the_desk(on_call: OnCall) -> None:
    on_call.line.clock.advance(hours=3, minutes=50)  # 15:50: ten minutes are left of the day
    conversation_id = write(on_call, "red 3")

    await on_call.pass_time(hours=16)  # to 07:50 on Sunday
    assert on_call.timeline(conversation_id) == []

    await on_call.pass_time(minutes=31)
    assert on_call.timeline(conversation_id) == [("supervisor", 16 * 3600 + 30 * 60)]


async def test_when_the_desk_goes_home_on_call_takes_its_place_then(on_call: OnCall) -> None:
    on_call.line.clock.advance(hours=3, minutes=57)  # 15:57
    conversation_id = write(on_call, "red 2")

    await on_call.pass_time(minutes=4)

    assert on_call.timeline(conversation_id) == [("on_call", 180)]


async def test_several_messages_of_one_person_climb_one_ladder(on_call: OnCall) -> None:
    conversation_id = write(on_call)
    on_call.line.clock.advance(seconds=20)
    write(on_call)
    write(on_call, "red 2")

    await on_call.pass_time(minutes=30)

    steps = [step for step, _ in on_call.timeline(conversation_id)]
    assert steps == ["desk", "on_call", "on_call", "control_room", "victim_told"]
    assert [notice.to for notice in on_call.phones.took] == [KIT, ROBIN, CONTROL]


async def test_a_message_after_the_end_starts_a_ladder_of_its_own(on_call: OnCall) -> None:
    conversation_id = write(on_call)
    await on_call.pass_time(minutes=30)
    write(on_call)

    await on_call.pass_time(minutes=4)

    assert [step for step, _ in on_call.timeline(conversation_id)][-2:] == ["desk", "on_call"]


async def test_a_message_that_makes_it_danger_starts_dangers_own_ladder(on_call: OnCall) -> None:
    conversation_id = write(on_call, "red 2")
    await on_call.pass_time(minutes=6)
    write(on_call, "red 1")

    await on_call.pass_time(seconds=181)

    assert on_call.timeline(conversation_id) == [("supervisor", 300), ("desk", 420), ("on_call", 540)]


# --- what ends it, and what does not ------------------------------------------------------------


@pytest.mark.parametrize("after_seconds", [0, 30, 61, 200, 500, 790])
async def test_a_claim_ends_it_at_any_step(on_call: OnCall, after_seconds: int) -> None:
    conversation_id = write(on_call)
    await on_call.pass_time(seconds=after_seconds)
    taken = on_call.timeline(conversation_id)
    rowan = on_call.line.add_staff()
    on_call.line.claim(conversation_id, rowan)
    on_call.line.reply(conversation_id, "I am here.", rowan)

    await on_call.pass_time(minutes=30)

    assert on_call.timeline(conversation_id) == taken
    assert on_call.sounding() == {}


async def test_a_closed_item_has_no_timer(on_call: OnCall) -> None:
    conversation_id = write(on_call)
    rowan = on_call.line.add_staff()
    on_call.line.claim(conversation_id, rowan)
    on_call.line.close(conversation_id, Outcome.TOLD_TO_CALL_999, rowan)

    await on_call.pass_time(minutes=30)

    assert on_call.steps(conversation_id) == []


async def test_an_assistants_or_a_services_words_stop_nothing(on_call: OnCall) -> None:
    conversation_id = write(on_call)
    write(on_call, "hello")
    await on_call.line.answer_all()
    await on_call.line.deliver_all()

    await on_call.pass_time(seconds=61)

    assert on_call.timeline(conversation_id) == [("desk", 60)]
    assert all(row.answered_at is None for row in on_call.line.rows(desk_item))


async def test_what_comes_back_to_the_queue_is_told_at_once_and_counted_anew(on_call: OnCall) -> None:
    conversation_id = write(on_call)
    rowan = on_call.line.add_staff()
    on_call.line.claim(conversation_id, rowan)
    on_call.line.reply(conversation_id, "I am here.", rowan)
    on_call.line.clock.advance(minutes=10)
    on_call.line.return_to_queue(conversation_id, rowan)

    await on_call.pass_time(seconds=181)

    assert on_call.timeline(conversation_id) == [("desk", 600), ("on_call", 780)]


async def test_raising_the_same_grade_again_restarts_nothing(on_call: OnCall) -> None:
    conversation_id = write(on_call)
    item = on_call.line.row(desk_item)
    await on_call.pass_time(seconds=100)
    on_call.line.database.write_now(
        lambda tx: tx.desk.raise_check(
            item.id, grade=Grade(item.grade), tier=1, category=item.category, evidence=()
        )
    )

    await on_call.pass_time(seconds=81)

    assert on_call.timeline(conversation_id) == [("desk", 60), ("on_call", 180)]


# --- acknowledgement ----------------------------------------------------------------------------


async def test_an_acknowledgement_gives_time_to_claim_and_no_more(on_call: OnCall) -> None:
    conversation_id = write(on_call)
    await on_call.pass_time(seconds=400)
    on_call.acknowledge(KIT)

    await on_call.pass_time(seconds=290)  # 690: unacknowledged, Robin would have been told at 480
    assert [step for step, _ in on_call.timeline(conversation_id)] == ["desk", "on_call"]

    await on_call.pass_time(seconds=11)
    assert on_call.timeline(conversation_id)[-1] == ("on_call", 700)
    assert on_call.phones.took[-1].to == ROBIN


async def test_a_link_says_nothing_after_a_day(on_call: OnCall) -> None:
    on_call.put("Kit Test-Officer")
    write(on_call)
    await on_call.pass_time(seconds=200)
    on_call.line.clock.advance(hours=25)

    assert on_call.acknowledge(KIT) is None


async def test_an_acknowledgement_is_recorded_once(on_call: OnCall) -> None:
    write(on_call)
    await on_call.pass_time(seconds=181)

    first = on_call.acknowledge(KIT)
    on_call.line.clock.advance(minutes=1)
    again = on_call.acknowledge(KIT)

    assert first.step.acknowledged_at == again.step.acknowledged_at
    assert len(on_call.line.rows(audit, act="ladder_acknowledged")) == 1


async def test_a_link_nobody_was_sent_opens_nothing(on_call: OnCall) -> None:
    write(on_call)
    await on_call.pass_time(seconds=181)

    assert on_call.line.database.read_now(lambda tx: ladder.find_link(tx, "x" * 43)) is None


async def test_a_link_is_stored_as_a_hash_alone_and_each_is_another(on_call: OnCall) -> None:
    write(on_call)
    await on_call.pass_time(minutes=10)
    tokens = {notice.link.rpartition("/")[2] for notice in on_call.phones.took}

    stored = str([tuple(row) for table in (escalation, staff_notice) for row in on_call.line.rows(table)])

    assert len(tokens) == 2
    assert all(len(token) >= 43 and token not in stored for token in tokens)


# --- notices ------------------------------------------------------------------------------------


async def test_a_notice_holds_nothing_of_what_was_written(on_call: OnCall) -> None:
    write(on_call)
    await on_call.pass_time(seconds=181)

    [notice] = on_call.phones.took
    item = on_call.line.row(desk_item)
    assert notice.text == f"Waymark: an urgent item waits. Acknowledge: {notice.link} Item {item.id[:8]}"
    assert VICTIM not in notice.text and "red" not in notice.text


async def test_a_notice_that_fails_is_tried_again(on_call: OnCall) -> None:
    write(on_call)
    on_call.phones.answers = [BUSY, BUSY]

    await on_call.pass_time(seconds=200)

    assert on_call.phones.tried == 3
    assert [notice.to for notice in on_call.phones.took] == [KIT]


@pytest.mark.parametrize("answers", [[REFUSED], [BUSY] * 4], ids=["refused", "tried four times"])
async def test_who_cannot_be_reached_is_not_waited_for(on_call: OnCall, answers: list[Attempt]) -> None:
    conversation_id = write(on_call)
    on_call.phones.answers = list(answers)

    await on_call.pass_time(seconds=220)

    assert [step for step, _ in on_call.timeline(conversation_id)] == ["desk", "on_call", "on_call"]
    assert [notice.to for notice in on_call.phones.took] == [ROBIN]


async def test_a_text_the_provider_could_not_bring_is_not_waited_for(on_call: OnCall) -> None:
    conversation_id = write(on_call)
    await on_call.pass_time(seconds=181)
    on_call.line.database.write_now(lambda tx: tx.outbox.record_event("SMstaff1", "undelivered", "30005"))

    await on_call.look()

    assert [step for step, _ in on_call.timeline(conversation_id)] == ["desk", "on_call", "on_call"]


async def test_an_e_mail_that_arrives_does_not_make_up_for_a_phone_that_is_off(on_call: OnCall) -> None:
    on_call.put("Sasha Example", "+447700900104", place=0, email="sasha@example.org")
    conversation_id = write(on_call)
    on_call.phones.answers = [REFUSED]

    mail = FakePhones()

    async def look() -> None:
        await on_call.look(email=mail)

    on_call.line.clock.advance(seconds=60)
    await look()
    on_call.line.clock.advance(seconds=121)
    await look()

    assert [notice.to for notice in mail.took] == ["sasha@example.org"]
    assert [step for step, _ in on_call.timeline(conversation_id)] == ["desk", "on_call", "on_call"]


async def test_a_notice_not_yet_sent_is_withdrawn_by_a_claim(on_call: OnCall) -> None:
    conversation_id = write(on_call)
    on_call.line.clock.advance(seconds=60)
    await ladder.take_next_step(on_call.climbing)
    on_call.line.clock.advance(seconds=120)
    await ladder.take_next_step(on_call.climbing)
    on_call.line.claim(conversation_id, on_call.line.add_staff())

    await on_call.look()

    assert on_call.phones.took == []
    assert on_call.line.row(staff_notice).status == "withdrawn"


async def test_notices_never_touch_the_victims_outbox(on_call: OnCall) -> None:
    write(on_call)
    await on_call.pass_time(minutes=12)

    assert {row.to for row in on_call.line.rows(outbox)} == {VICTIM}


# --- nobody there -------------------------------------------------------------------------------


async def test_with_nobody_rostered_the_control_room_is_told_at_once_and_it_is_said(empty: OnCall) -> None:
    empty.put_control_room()
    conversation_id = write(empty)

    await empty.pass_time(seconds=181)

    assert empty.timeline(conversation_id) == [("desk", 60), ("nobody_on_call", 180), ("control_room", 180)]
    assert empty.sounding().keys() == {"nobody_on_call", "urgent_unclaimed"}


async def test_with_nobody_at_all_the_victim_is_told_at_once(empty: OnCall) -> None:
    conversation_id = write(empty)

    await empty.pass_time(seconds=181)

    steps = [step for step, _ in empty.timeline(conversation_id)]
    assert steps == ["desk", "nobody_on_call", "no_control_room", "victim_told"]
    assert "nobody_on_call" in empty.sounding()


# --- the victim ---------------------------------------------------------------------------------


def told(desk: OnCall, conversation_id: str) -> list[str]:
    rows = desk.line.rows(outbox, conversation_id=conversation_id)
    return [row.template for row in rows if row.template.startswith("nobody_has")]


async def test_who_may_not_be_written_to_is_not_and_the_item_says_so(on_call: OnCall) -> None:
    conversation_id = write(on_call)
    on_call.line.add_cases(a_case(crime_type="domestic abuse", safe_contact="none"))
    on_call.line.database.write_now(
        lambda tx: tx.standings.record(
            conversation_id, a_case().crime_reference, Standing.LINKED, method="code"
        )
    )

    await on_call.pass_time(minutes=20)

    assert told(on_call, conversation_id) == []
    assert on_call.line.row(desk_item).told == "not_told"
    assert on_call.steps(conversation_id)[-1].step is Step.VICTIM_NOT_TOLD
    assert on_call.steps(conversation_id)[-1].detail


async def test_who_asked_us_to_stop_is_not_told(on_call: OnCall) -> None:
    conversation_id = write(on_call)
    write(on_call, "STOP")

    await on_call.pass_time(minutes=20)

    assert told(on_call, conversation_id) == []
    assert on_call.line.rows(desk_item, reason="disclosure")[0].told == "not_told"


async def test_under_duress_nothing_is_said(on_call: OnCall) -> None:
    conversation_id = write(on_call)
    on_call.line.database.write_now(
        lambda tx: tx.desk.record_item(
            conversation_id=conversation_id,
            reason=HandoffReason.DURESS,
            grade=Grade.DANGER_NOW,
            dedupe_key="duress:1",
        )
    )

    await on_call.pass_time(minutes=40)

    assert told(on_call, conversation_id) == []


async def test_who_was_never_told_that_a_person_reads_is_not_told_that_none_has(on_call: OnCall) -> None:
    conversation_id = on_call.line.open("+447700900005")
    on_call.line.database.write_now(
        lambda tx: request_person(tx, conversation_id, HandoffReason.CANNOT_BE_TEXTED, inbox_id=None)
    )

    await on_call.pass_time(hours=1)

    assert told(on_call, conversation_id) == []
    assert on_call.line.row(desk_item).told == "not_told"


async def test_what_somebody_opened_is_not_called_unread(on_call: OnCall) -> None:
    conversation_id = write(on_call)
    rowan = on_call.line.add_staff()
    on_call.line.database.write_now(lambda tx: read_conversation(tx, conversation_id, by=rowan, relations=()))

    await on_call.pass_time(minutes=20)

    assert told(on_call, conversation_id) == ["nobody_has_answered"]


async def test_a_claim_before_it_leaves_withdraws_it(on_call: OnCall) -> None:
    conversation_id = write(on_call)
    await on_call.line.deliver_all()
    await on_call.pass_time(minutes=20)
    on_call.line.claim(conversation_id, on_call.line.add_staff())

    await on_call.line.deliver_all()

    row = next(row for row in on_call.line.rows(outbox) if row.template == "nobody_has_read")
    assert row.status == "suppressed"


# --- an owner who does not write ----------------------------------------------------------------


async def test_an_owner_who_does_not_write_in_time_is_the_supervisors(on_call: OnCall) -> None:
    conversation_id = write(on_call)
    on_call.line.clock.advance(seconds=30)
    rowan = on_call.line.add_staff()
    on_call.line.claim(conversation_id, rowan)

    await on_call.pass_time(seconds=80)
    assert on_call.sounding() == {}
    await on_call.pass_time(seconds=11)

    assert on_call.timeline(conversation_id) == [("owner_silent", 120)]
    assert on_call.sounding().keys() == {"owner_silent"}

    on_call.line.reply(conversation_id, "I am here.", rowan)
    await on_call.look()
    assert on_call.sounding() == {}


async def test_a_next_message_starts_then_reply_by(on_call: OnCall) -> None:
    conversation_id = write(on_call)
    rowan = on_call.line.add_staff()
    on_call.line.claim(conversation_id, rowan)
    on_call.line.reply(conversation_id, "I am here.", rowan)
    await on_call.pass_time(minutes=30)
    assert on_call.steps(conversation_id) == []
    write(on_call, "he is back")

    await on_call.pass_time(seconds=119)
    assert on_call.steps(conversation_id) == []
    await on_call.pass_time(seconds=2)

    [(step, after)] = on_call.timeline(conversation_id)
    assert (step, after) == ("owner_silent", 30 * 60 + 120)


async def test_who_claims_late_has_the_time_of_a_claim_to_write(on_call: OnCall) -> None:
    conversation_id = write(on_call)
    await on_call.pass_time(seconds=170)
    on_call.line.claim(conversation_id, on_call.line.add_staff())

    await on_call.pass_time(seconds=58)
    assert [step for step, _ in on_call.timeline(conversation_id)] == ["desk"]
    await on_call.pass_time(seconds=4)

    assert on_call.timeline(conversation_id)[-1] == ("owner_silent", 230)


# --- the clocks' columns ------------------------------------------------------------------------


def awaiting(line: Line, conversation_id: str) -> object:
    return line.row(conversation, id=conversation_id).awaiting_since


async def test_what_they_write_waits_only_while_a_person_has_to_do_with_it(line: Line) -> None:
    desk = OnCall(line)
    conversation_id = write(desk, "hello")
    assert awaiting(line, conversation_id) is None

    write(desk, "red 2")
    first = awaiting(line, conversation_id)
    assert first is not None
    line.clock.advance(minutes=1)
    write(desk, "are you there")
    assert awaiting(line, conversation_id) == first

    rowan = line.add_staff()
    line.claim(conversation_id, rowan)
    assert awaiting(line, conversation_id) == first
    line.reply(conversation_id, "I am here.", rowan)
    assert awaiting(line, conversation_id) is None
    assert line.row(desk_item, reason="disclosure").answered_at is not None

    line.clock.advance(minutes=1)
    write(desk, "thank you")
    assert awaiting(line, conversation_id) is not None
    line.hand_back(conversation_id, Outcome.INFORMATION_GIVEN, rowan)
    assert awaiting(line, conversation_id) is None


async def test_words_that_may_not_leave_stop_no_clock(line: Line) -> None:
    desk = OnCall(line)
    conversation_id = write(desk)
    line.add_cases(a_case(crime_type="domestic abuse", safe_contact="none"))
    line.database.write_now(
        lambda tx: tx.standings.record(
            conversation_id, a_case().crime_reference, Standing.LINKED, method="code"
        )
    )
    rowan = line.add_staff()
    line.claim(conversation_id, rowan)

    line.reply(conversation_id, "I am here.", rowan)

    assert line.rows(desk_item, reason="disclosure")[0].answered_at is None
    assert awaiting(line, conversation_id) is not None


async def test_returned_to_the_queue_it_still_waits_from_then(line: Line) -> None:
    desk = OnCall(line)
    conversation_id = write(desk)
    before = awaiting(line, conversation_id)
    rowan = line.add_staff()
    line.claim(conversation_id, rowan)
    line.clock.advance(minutes=5)

    line.return_to_queue(conversation_id, rowan)

    assert awaiting(line, conversation_id) == before
    assert timedelta() < line.clock.now() - line.row(desk_item).ladder_from < timedelta(seconds=1)


# --- an owner who is gone, or silent for long -----------------------------------------------------


@pytest.mark.parametrize("is_gone", [False, True], ids=["silent", "gone home"])
async def test_danger_does_not_stay_with_somebody_who_is_gone_or_silent(
    on_call: OnCall, is_gone: bool
) -> None:
    rowan = on_call.line.add_staff()
    conversation_id = write(on_call, "hello")
    on_call.line.claim(conversation_id, rowan)
    on_call.line.reply(conversation_id, "Hello", rowan)
    if is_gone:
        on_call.line.database.write_now(lambda tx: tx.shifts.end(rowan.id))
    on_call.line.clock.advance(minutes=10)
    write(on_call, "red 1")

    await on_call.pass_time(hours=1)

    steps = [step for step, _ in on_call.timeline(conversation_id)]
    climbed = ["desk", "on_call", "on_call", "control_room", "victim_told"]
    assert steps == (climbed if is_gone else ["owner_silent", *climbed])
    assert on_call.line.conversation(conversation_id).owner_id is None


async def test_the_truth_is_told_whichever_of_their_items_leads(on_call: OnCall) -> None:
    on_call.line.screen.results["perhaps"] = an_amber_hit(1)
    conversation_id = write(on_call, "perhaps")
    on_call.line.clock.advance(seconds=30)
    write(on_call, "red 2")

    await on_call.pass_time(hours=1)

    assert on_call.timeline(conversation_id)[-1][0] == "victim_told"


async def test_who_was_answered_is_not_told_that_nobody_has(on_call: OnCall) -> None:
    rowan = on_call.line.add_staff()
    conversation_id = write(on_call)
    on_call.line.claim(conversation_id, rowan)
    on_call.line.reply(conversation_id, "I have rung 999 for you.", rowan)
    on_call.line.return_to_queue(conversation_id, rowan)

    await on_call.pass_time(hours=1)

    assert on_call.timeline(conversation_id)[-1][0] == "victim_not_told"
