"""The assistant switched off: nobody's words are put to it, nothing it said leaves, and people have everything.

Red when: `_lease` does not look at the switch (asked once), `commit_answer` does not (an answer begun before leaves),
`_prepare` does not (one that was waiting leaves), or `give_to_person` opens no item.
"""

import pytest

from casework.adapters.storage.database import Database
from casework.adapters.storage.switch_tables import assistant_off
from casework.adapters.storage.tables import alarm, audit, desk_item, outbox, turn
from casework.model.desk import Outcome
from casework.model.messages import Channel
from casework.services import kill_switch
from casework.services.kill_switch import SwitchRefused
from casework.services.ports import StaffMember
from tests.support.builders import a_hit, a_learned, an_answer
from tests.support.clock import SetClock
from tests.support.line import Line

OTHER = "+447700900002"


@pytest.fixture(name="line")
def open_line(database: Database, clock: SetClock) -> Line:
    return Line(database=database, clock=clock)


@pytest.fixture(name="alex")
def add_alex(line: Line) -> StaffMember:
    return line.add_staff("alex")


def off(
    line: Line, by: StaffMember, channel: Channel | None = None, reason: str = "It says odd things"
) -> bool:
    return line.database.write_now(
        lambda tx: kill_switch.switch_off(tx, reason=reason, by=by, channel=channel)
    )


def on(line: Line, by: StaffMember, channel: Channel | None = None) -> bool:
    return line.database.write_now(lambda tx: kill_switch.switch_on(tx, by=by, channel=channel))


async def test_what_waits_and_what_comes_is_asked_of_nobody_and_goes_to_people(
    line: Line, alex: StaffMember
) -> None:
    waiting = line.receive("waited before")
    off(line, alex)
    came = line.receive("came after", external_id=OTHER)

    await line.answer_all()
    await line.deliver_all()

    assert line.assistant.asked == []
    assert {row.outcome for row in line.rows(turn)} == {kill_switch.OUTCOME}
    assert sorted(row.conversation_id for row in line.rows(desk_item)) == sorted(
        [waiting.conversation_id, came.conversation_id]
    )
    said = line.texts.render("assistant_off", Channel.SMS)
    assert [message.text for message in line.sender.sent] == [said, said]


async def test_an_answer_begun_before_the_switch_never_leaves(line: Line, alex: StaffMember) -> None:
    received = line.receive()
    line.assistant.while_answering = lambda: None if line.rows(assistant_off) else void(off(line, alex))

    await line.answer_all()
    await line.deliver_all()

    assert [message.template for message in line.sender.sent] == ["assistant_off"]
    assert line.row(turn).outcome == kill_switch.OUTCOME
    assert line.conversation(received.conversation_id).state is None
    assert line.row(desk_item).reason == "assistant_unavailable"


def void(_given: object) -> None:
    """For what is called for its effect alone."""


async def test_an_answer_that_waits_to_leave_is_kept_and_a_person_has_it(
    line: Line, alex: StaffMember
) -> None:
    line.receive()
    await line.answer_all()
    off(line, alex)

    await line.deliver_all()

    assert [message.template for message in line.sender.sent] == ["assistant_off"]
    kept = line.row(outbox, author="assistant")
    assert (kept.status, kept.reason) == ("suppressed", "assistant_off")
    assert line.row(desk_item).reason == "assistant_unavailable"


async def test_danger_still_has_its_item_and_its_safety_line(line: Line, alex: StaffMember) -> None:
    off(line, alex)
    line.screen.results["he is here"] = a_hit(1)

    assert line.receive("he is here").is_urgent
    await line.answer_all()
    await line.deliver_all()

    assert [row.reason for row in line.rows(desk_item)] == ["disclosure"]
    [safety] = line.sender.sent
    assert safety.kind.value == "safety_line"


async def test_danger_that_the_detector_saw_in_time_is_still_danger(line: Line, alex: StaffMember) -> None:
    line.receive("its nothing but")
    line.assistant.answer = an_answer(learned=a_learned(1))
    line.assistant.while_answering = lambda: None if line.rows(assistant_off) else void(off(line, alex))

    await line.answer_all()

    assert line.row(turn).outcome == "disclosed"
    assert line.row(desk_item).reason == "disclosure"


async def test_who_writes_five_times_is_told_once_and_after_an_hour_again(
    line: Line, alex: StaffMember, clock: SetClock
) -> None:
    off(line, alex)
    for number in range(5):
        line.receive(f"text {number}")
    await line.answer_all()
    await line.deliver_all()
    assert len(line.sender.sent) == 1
    clock.advance(hours=1, seconds=1)

    line.receive("are you there")
    await line.answer_all()
    await line.deliver_all()

    assert len(line.sender.sent) == 2
    assert len(line.rows(desk_item)) == 1


async def test_out_of_hours_nobody_is_said_to_be_there(
    line: Line, alex: StaffMember, clock: SetClock
) -> None:
    clock.advance(hours=10)  # Saturday, 22:00
    off(line, alex)
    line.receive()

    await line.answer_all()
    await line.deliver_all()

    assert [message.text for message in line.sender.sent] == [
        line.texts.render("assistant_off_closed", Channel.SMS)
    ]


async def test_one_channel_alone_can_be_off(line: Line, alex: StaffMember) -> None:
    off(line, alex, Channel.WHATSAPP)
    line.receive("by text")
    line.receive("by app", external_id=OTHER, channel=Channel.WHATSAPP)

    await line.answer_all()

    assert line.assistant.asked == ["by text"]
    assert [row.template for row in line.rows(outbox)] == ["utter_case_status", "assistant_off"]


async def test_on_again_the_assistant_answers_and_closed_items_stay_closed(
    line: Line, alex: StaffMember
) -> None:
    off(line, alex)
    received = line.receive("first")
    await line.answer_all()
    line.claim(received.conversation_id, alex)
    line.close(received.conversation_id, Outcome.INFORMATION_GIVEN, alex)
    line.hand_back(received.conversation_id, None, alex)
    assert on(line, alex)

    line.receive("second")
    await line.answer_all()

    assert line.assistant.asked == ["second"]


async def test_a_page_handed_back_meanwhile_is_not_told_that_the_assistant_is_there_again(
    line: Line, alex: StaffMember
) -> None:
    off(line, alex)
    received = line.receive("first", channel=Channel.WEBCHAT, external_id="page-1")
    await line.answer_all()
    line.claim(received.conversation_id, alex)
    line.hand_back(received.conversation_id, Outcome.INFORMATION_GIVEN, alex)

    told = [row.template for row in line.rows(outbox)]
    assert (told[-1], "person_left" in told) == ("person_left_off", False)


def test_the_alarm_stands_while_it_is_off_anywhere_and_names_no_reason(line: Line, alex: StaffMember) -> None:
    off(line, alex, Channel.SMS)
    off(line, alex, Channel.TELEGRAM)
    assert [(row.kind, row.detail, row.ended_at) for row in line.rows(alarm)] == [
        (kill_switch.ALARM, "sms, telegram", None)
    ]

    on(line, alex, Channel.SMS)
    assert line.row(alarm).detail == "telegram"
    on(line, alex, Channel.TELEGRAM)

    assert line.row(alarm).ended_at is not None


def test_every_press_is_on_record_once(line: Line, alex: StaffMember) -> None:
    assert off(line, alex)
    assert not off(line, alex)
    assert on(line, alex)
    assert not on(line, alex)

    acts = [(row.act, row.thing, row.actor) for row in line.rows(audit) if "switched" in row.act]
    made = line.row(assistant_off)
    assert acts == [
        ("assistant_switched_off", f"all:{made.id}", alex.id),
        ("assistant_switched_on", "all", alex.id),
    ]
    assert (made.reason, made.ended_by) == ("It says odd things", alex.id)


def test_one_channel_is_not_switched_on_while_all_are_off(line: Line, alex: StaffMember) -> None:
    off(line, alex)
    off(line, alex, Channel.SMS)

    with pytest.raises(SwitchRefused):
        on(line, alex, Channel.SMS)
    assert on(line, alex)

    assert line.database.read_now(lambda tx: tx.assistant_switch.list_off()) == []


@pytest.mark.parametrize("reason", ["", " \n ", "x" * 301])
def test_without_a_reason_nothing_is_switched(line: Line, alex: StaffMember, reason: str) -> None:
    with pytest.raises(SwitchRefused):
        off(line, alex, reason=reason)

    assert line.rows(assistant_off) == []
