"""Nothing is written to a victim but through their safe-contact plan, asked twice; what may not leave is a task."""

import ast
from typing import Any

import pytest

from casework.adapters.storage.tables import desk_item, outbox
from casework.model.contact_hours import ContactWindow
from casework.model.disclosures import Band
from casework.model.messages import Author, Channel, Lane, SendKind
from casework.model.safe_contact import SafeContactPlan
from casework.services import outgoing
from tests.support.builders import VICTIM, a_case, a_hit, an_outbound
from tests.support.line import Line
from tests.support.running import ROOT

STALKING = "stalking"
WEEK = range(7)
MORNINGS = tuple(ContactWindow(weekday=day, start_minute=9 * 60, end_minute=11 * 60) for day in WEEK)


def agree(line: Line, plan: SafeContactPlan, reference: str | None = None) -> None:
    def write(tx: Any) -> None:
        reach = tx.people.find_of_case(reference or a_case().crime_reference)
        tx.people.set_plan(reach.person_id, plan, by="test")

    line.database.write_now(write)


def a_plan(**values: Any) -> SafeContactPlan:
    defaults: dict[str, Any] = {
        "unasked_channels": frozenset(Channel),
        "answered_channels": frozenset(Channel),
        "is_unsolicited_agreed": True,
    }
    return SafeContactPlan(**(defaults | values))


def send(line: Line, kind: SendKind = SendKind.CASE_UPDATE, to: str = VICTIM, **values: Any) -> int | None:
    def write(tx: Any) -> int | None:
        conversation_id = tx.conversations.open(Channel.SMS, to).id
        message = an_outbound(
            conversation_id, to=to, kind=kind, lane=Lane.STAFF, author=Author.SERVICE, **values
        )
        return outgoing.send(tx, message)

    return line.database.write_now(write)


def items(line: Line) -> list[str]:
    return [row.reason for row in line.rows(desk_item)]


def test_nobody_else_writes_to_the_outbox() -> None:
    found = []
    for folder in ("actions", "casework", "channels", "console", "launcher"):
        for path in (ROOT / folder).rglob("*.py"):
            calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
            found += [path.name for call in calls if ast.unparse(call.func).endswith("outbox.record")]

    assert set(found) == {"outgoing.py"}


async def test_an_answer_to_somebody_nothing_may_be_written_to_becomes_a_task(line: Line) -> None:
    line.add_cases(a_case(safe_contact="none"))
    line.receive()
    await line.answer_all()
    await line.deliver_all()

    row = line.row(outbox)
    assert (row.status, row.reason) == ("suppressed", "nothing_in_writing")
    assert line.sender.sent == []
    assert items(line) == ["may_not_be_written"]


async def test_whoever_writes_of_danger_is_answered_whatever_the_plan_says(line: Line) -> None:
    line.add_cases(a_case(safe_contact="none"))
    line.screen.results["he is outside"] = a_hit(1, band=Band.RED)
    line.receive("he is outside")
    await line.deliver_all()

    assert [message.kind for message in line.sender.sent] == [SendKind.SAFETY_LINE]


async def test_a_plan_that_changed_after_it_was_written_is_asked_again(line: Line) -> None:
    line.add_cases()
    send(line)
    assert line.row(outbox).status == "waiting"
    agree(line, a_plan(is_unsolicited_agreed=False))

    await line.deliver_all()

    row = line.row(outbox)
    assert (row.status, row.reason) == ("suppressed", "answers_only")
    assert line.sender.sent == []
    assert items(line) == ["may_not_be_written"]


async def test_what_is_too_early_waits_for_its_hour_and_holds_nothing_up(line: Line) -> None:
    line.clock.advance(hours=10)
    line.add_cases()
    agree(line, a_plan(hours=MORNINGS))
    send(line, text="There is an update.")
    line.receive("hello")
    await line.answer_all()
    await line.deliver_all()
    assert [message.text for message in line.sender.sent] == ["Your case is with an officer."]

    line.clock.advance(hours=11)
    await line.deliver_all()

    assert [message.text for message in line.sender.sent][1:] == ["There is an update."]
    assert items(line) == []


async def test_hours_that_were_changed_meanwhile_put_it_off_without_a_try(line: Line) -> None:
    line.clock.advance(hours=10)
    line.add_cases()
    send(line)
    agree(line, a_plan(hours=MORNINGS))
    await line.deliver_all()

    row = line.row(outbox)
    assert (row.status, row.attempts) == ("waiting", 0)
    assert row.not_before.isoformat() == "2026-11-22T09:00:00+00:00"


def test_a_code_that_would_leave_after_it_ran_out_does_not_wait(line: Line) -> None:
    line.clock.advance(hours=10)
    line.add_cases()
    agree(line, a_plan(hours=MORNINGS))
    send(line, SendKind.ONE_TIME_CODE, valid_for_seconds=600)

    assert line.row(outbox).status == "suppressed"


@pytest.mark.parametrize(
    ("crime_type", "minutes", "status"),
    [
        ("burglary", 14, "waiting"),
        ("burglary", 23 * 60, "waiting"),
        ("burglary", 25 * 60, "suppressed"),
        (STALKING, 14, "waiting"),
        (STALKING, 16, "suppressed"),
    ],
)
def test_an_officers_answer_may_take_a_day_but_not_where_care_is_needed(
    line: Line, crime_type: str, minutes: int, status: str
) -> None:
    line.add_cases(a_case(crime_type=crime_type, safe_contact=""))
    line.open(VICTIM)
    line.clock.advance(minutes=minutes)
    send(line, SendKind.STAFF_REPLY)

    assert line.row(outbox).status == status


def test_a_phone_two_people_share_is_written_to_as_the_more_careful_one_asks(line: Line) -> None:
    other = a_case(crime_reference="43260990002", victim_name="Sam Other", safe_contact="reply_only")
    line.add_cases(a_case(), other)
    send(line)

    assert line.row(outbox).reason == "answers_only"


def test_a_stranger_is_answered_and_never_written_to(line: Line) -> None:
    line.open(VICTIM)
    send(line, SendKind.STAFF_REPLY)
    send(line, SendKind.BROADCAST)

    assert [row.status for row in line.rows(outbox)] == ["waiting", "suppressed"]


def test_a_contact_that_may_be_somebody_elses_now_is_written_to_no_more(line: Line) -> None:
    line.add_cases()

    def suspend(tx: Any) -> bool:
        [person_id] = tx.people.list_at(VICTIM)
        return bool(tx.people.suspend_contact(person_id, why="wrong_person"))

    assert line.database.write_now(suspend)
    assert not line.database.write_now(suspend)
    send(line)

    assert line.row(outbox).reason == "answers_only"


def test_an_answer_to_a_web_page_needs_no_hour(line: Line) -> None:
    visit = "f" * 32
    line.add_cases(a_case(crime_type=STALKING, safe_contact=""))
    conversation_id = line.open(visit, Channel.WEBCHAT)
    line.clock.advance(hours=3)
    message = an_outbound(conversation_id, to=visit, channel=Channel.WEBCHAT, kind=SendKind.STAFF_REPLY)
    line.database.write_now(lambda tx: outgoing.send(tx, message))

    assert line.row(outbox).status == "waiting"


def test_a_number_is_the_same_person_s_on_whatsapp(line: Line) -> None:
    line.add_cases(a_case(safe_contact="none"))
    conversation_id = line.open(VICTIM, Channel.WHATSAPP)
    message = an_outbound(conversation_id, channel=Channel.WHATSAPP, kind=SendKind.STAFF_REPLY)
    line.database.write_now(lambda tx: outgoing.send(tx, message))

    assert line.row(outbox).reason == "nothing_in_writing"
