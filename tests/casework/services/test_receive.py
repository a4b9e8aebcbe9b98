"""A message is stored, screened and put before a person in one transaction, or not at all."""

import threading
from datetime import timedelta
from typing import Any

import pytest

from casework.adapters.storage.tables import audit, conversation, desk_item, inbox, outbox, turn
from casework.model.desk import Outcome
from casework.model.messages import Channel, Origin, find_written_at
from casework.services.receive import Received
from tests.support.builders import UNREADABLE, VICTIM, a_case, a_hit, an_sms
from tests.support.fakes import BrokenSafetyLines
from tests.support.line import Line

URGENT = "he is at the door"


@pytest.fixture
def line(line: Line) -> Line:
    line.screen.results[URGENT] = a_hit(1)
    return line


def own(line: Line) -> str:
    """A conversation with Rowan, without any item: nothing has been written in it yet."""
    conversation_id = line.open(VICTIM)
    line.claim(conversation_id, line.add_staff("rowan"))
    return conversation_id


def test_a_disclosure_is_stored_with_its_desk_item_its_safety_line_and_its_record(line: Line) -> None:
    received = line.receive(URGENT)

    stored = line.row(inbox)
    item = line.row(desk_item)
    reply = line.row(outbox)
    assert received == Received(inbox_id=stored.id, conversation_id=stored.conversation_id, is_urgent=True)
    assert (item.inbox_id, item.status, item.reason, item.grade, item.tier) == (
        stored.id,
        "open",
        "disclosure",
        1,
        1,
    )
    assert item.category == "immediate_danger"
    assert reply.text == line.safety_lines["immediate_danger"].sms
    assert (reply.status, reply.lane, reply.author) == ("waiting", 0, "service")
    assert [row.act for row in line.rows(audit)] == ["message_received", "desk_item_opened"]


def test_a_disclosure_is_not_left_for_the_assistant(line: Line) -> None:
    line.receive(URGENT)

    done = line.row(turn)
    assert (done.status, done.outcome) == ("done", "screened")
    assert line.row(outbox).turn_id == done.id


def test_nothing_is_stored_when_a_part_of_receiving_fails(line: Line) -> None:
    line.safety_lines = BrokenSafetyLines()

    with pytest.raises(RuntimeError):
        line.receive(URGENT)

    assert {name: rows for name, rows in line.everything().items() if rows} == {}


def test_a_second_copy_of_a_disclosure_changes_nothing(line: Line) -> None:
    message = an_sms(URGENT)
    first = line.receive_again(message)
    before = line.everything()
    line.clock.advance(minutes=5)

    second = line.receive_again(message)

    assert second.inbox_id is None
    assert second.conversation_id == first.conversation_id
    assert line.everything() == before


def test_parallel_copies_of_a_disclosure_open_one_item_and_write_one_line(line: Line) -> None:
    message = an_sms(URGENT)
    threads = [threading.Thread(target=line.receive_again, args=(message,)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    counts = [len(line.rows(table)) for table in (inbox, turn, desk_item, outbox)]
    assert counts == [1, 1, 1, 1]


def test_two_disclosures_are_two_items(line: Line) -> None:
    line.receive(URGENT)
    line.receive(URGENT)

    assert len(line.rows(desk_item)) == 2


def test_a_calm_message_waits_for_the_assistant(line: Line) -> None:
    received = line.receive("thank you")

    waiting = line.row(turn)
    assert (waiting.status, waiting.outcome) == ("waiting", None)
    assert not received.is_urgent
    assert line.rows(desk_item) == []
    assert line.rows(outbox) == []


def test_a_message_nobody_can_read_is_a_high_item_and_gets_its_line(line: Line) -> None:
    line.screen.results["\ufffd\ufffd"] = UNREADABLE

    line.receive("\ufffd\ufffd")

    item = line.row(desk_item)
    assert (item.reason, item.grade, item.category) == ("unreadable", 2, None)
    assert line.row(turn).status == "done"
    assert len(line.rows(outbox)) == 1


@pytest.mark.parametrize(
    "text", ["", "x" * 4000, "😀" * 1600, "\u202eabc\u202c", "/restart", "a\u0301\ufffd"]
)
def test_a_text_is_stored_exactly_as_it_was_read(line: Line, text: str) -> None:
    line.receive(text, raw=b"\x00\xff raw")

    stored = line.row(inbox)
    assert (stored.text, bytes(stored.raw)) == (text, b"\x00\xff raw")


@pytest.mark.parametrize(("tier", "lines"), [(1, 1), (2, 1), (3, 0), (4, 0)])
def test_while_a_person_owns_it_only_tiers_1_and_2_get_their_line(line: Line, tier: int, lines: int) -> None:
    conversation_id = own(line)
    line.screen.results["he wrote again"] = a_hit(tier)

    line.receive("he wrote again")

    item = line.row(desk_item, reason="disclosure")
    owner = line.conversation(conversation_id).owner_id
    assert (item.status, item.owner_id, item.tier) == ("claimed", owner, tier)
    assert len(line.rows(outbox)) == lines
    assert line.row(turn).status == "done"


@pytest.mark.parametrize("tier", [1, 2, 3, 4])
def test_while_nobody_owns_it_every_tier_gets_its_line(line: Line, tier: int) -> None:
    line.screen.results["it got worse"] = a_hit(tier)

    line.receive("it got worse")

    assert line.row(desk_item).status == "open"
    assert len(line.rows(outbox)) == 1


def test_a_calm_message_to_a_person_does_not_wait_for_the_assistant(line: Line) -> None:
    own(line)

    line.receive("are you there")

    done = line.row(turn)
    assert (done.status, done.outcome) == ("done", "with_person")
    assert line.rows(outbox) == []


def test_a_message_to_a_person_is_their_item(line: Line) -> None:
    conversation_id = own(line)
    line.close(
        conversation_id,
        Outcome.INFORMATION_GIVEN,
        by=line.database.read_now(
            lambda tx: tx.staff.get(tx.conversations.get(conversation_id).owner_id or "")
        ),
    )

    received = line.receive("one more thing")
    line.receive("and another")

    item = line.row(desk_item, reason="wrote_while_with_person")
    assert item.inbox_id == received.inbox_id
    assert (item.status, item.owner_id) == ("claimed", line.conversation(conversation_id).owner_id)


def test_a_message_to_a_person_with_an_item_in_hand_opens_no_second_one(line: Line) -> None:
    received = line.receive(URGENT)
    line.claim(received.conversation_id, line.add_staff())

    line.receive("are you there")

    assert [row.reason for row in line.rows(desk_item)] == ["disclosure"]


def test_a_message_after_every_item_was_closed_makes_a_new_item(line: Line) -> None:
    received = line.receive(URGENT)
    rowan = line.add_staff()
    line.claim(received.conversation_id, rowan)
    line.close(received.conversation_id, Outcome.TOLD_TO_CALL_999, by=rowan)

    line.receive("are you there")

    assert sorted((row.reason, row.status) for row in line.rows(desk_item)) == [
        ("disclosure", "closed"),
        ("wrote_while_with_person", "claimed"),
    ]


# --- when it was written ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("origin", "seconds_ago", "is_late"),
    [
        (Origin.WEBHOOK, None, False),
        (Origin.WEBHOOK, -5, False),
        (Origin.WEBHOOK, 59, False),
        (Origin.WEBHOOK, 60, True),
        (Origin.SPOOL, 1, True),
        (Origin.SWEEP, -5, False),
        (Origin.SWEEP, None, False),
    ],
)
def test_only_what_reached_us_late_was_written_earlier(
    line: Line, origin: Origin, seconds_ago: int | None, is_late: bool
) -> None:
    now = line.clock.now()
    sent_at = None if seconds_ago is None else now - timedelta(seconds=seconds_ago)

    assert (find_written_at(origin, sent_at, now) < now) is is_late


async def test_a_webhook_that_was_kept_back_for_hours_is_not_answered_as_live(line: Line) -> None:
    """Telegram keeps what we did not take for a day. Red when a webhook counts as written when it came."""
    line.add_cases(a_case(crime_type="stalking", safe_contact="reply_only"))
    sent_at = line.clock.now() - timedelta(hours=3)
    line.receive("who is my officer", sent_at=sent_at)
    await line.answer_all()
    await line.deliver_all()

    assert line.row(conversation).last_inbound_at == sent_at
    assert line.sender.sent == []
    assert "may_not_be_written" in {row.reason for row in line.rows(desk_item)}


async def test_a_closing_word_kept_back_closes_nothing_that_was_written_since(line: Line) -> None:
    """Red when what a webhook brings late is never looked at as overtaken."""
    telegram: dict[str, Any] = {"channel": Channel.TELEGRAM, "external_id": "4001"}
    ten_ago = line.clock.now() - timedelta(minutes=10)
    line.receive("are you there", **telegram)
    line.receive("EXIT", sent_at=ten_ago, **telegram)
    await line.answer_all()
    await line.deliver_all()

    assert line.assistant.asked == ["are you there"]
    assert len(line.sender.sent) == 1
