"""The pace of a sender over real databases: shared by every worker, safe for what is urgent, losing nothing.

Red when: `hold` skips a locked row or makes a bucket for each worker, an assistant's message does not look for urgent
ones put back before it, what is put back loses its place in its conversation, or `keep_pace` returns None always.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

import pytest

from casework.adapters.storage.database import Database
from casework.adapters.storage.tables import delivery_attempt, outbox, sending_pace
from casework.model.gsm_text import count_texts
from casework.model.messages import Author, Channel, Lane, OutboundMessage, OutboxStatus, SendKind
from casework.model.pacing import URGENT, Pace
from casework.services import deliver
from casework.services.pacing import PacedSender, keep_pace, list_paced_senders, take
from casework.services.ports import Delivery
from tests.support.builders import an_outbound
from tests.support.clock import SetClock
from tests.support.fakes import FakeSender
from tests.support.line import Line

SENDER = PacedSender(address="+447700900900", pace=Pace(per_second=1.0, burst=10.0, kept=2.0))
SENDERS = {Channel.SMS: SENDER}
LANES = [Lane.SAFETY, Lane.ONE_TIME_CODE, Lane.STAFF, Lane.ASSISTANT]
KIND_OF_LANE = {
    Lane.SAFETY: SendKind.SAFETY_LINE,
    Lane.ONE_TIME_CODE: SendKind.ONE_TIME_CODE,
    Lane.STAFF: SendKind.STAFF_REPLY,
    Lane.ASSISTANT: SendKind.ASSISTANT_REPLY,
}


@dataclass
class WatchingSender(FakeSender):
    """Remembers when each message left."""

    now: Callable[[], datetime] = datetime.now
    left: list[tuple[datetime, OutboundMessage]] = field(default_factory=list)

    async def deliver(self, message: OutboundMessage) -> Delivery:
        delivery = await super().deliver(message)
        self.left.append((self.now(), message))
        return delivery


def pace(line: Line, worker_id: str = "sender") -> deliver.Delivering:
    return replace(
        line.delivering(worker_id), pace=lambda tx, message: keep_pace(tx, message, senders=SENDERS)
    )


async def deliver_all_due(line: Line, workers: int = 2) -> None:
    """Both workers, one step each in turn, until neither finds anything due."""
    sending = [pace(line, f"sender-{number}") for number in range(workers)]
    while any([await deliver.deliver_next_message(each) for each in sending]):
        pass


def write(line: Line, conversation_id: str, lane: Lane, *, segments: int = 1, number: int = 0) -> None:
    text = f"{number} " + "x" * (150 if segments == 1 else 153 * segments - 10)
    assert count_texts(text) == segments
    message = an_outbound(
        conversation_id,
        text,
        to=line.conversation(conversation_id).external_id,
        lane=lane,
        kind=KIND_OF_LANE[lane],
        author=Author.SERVICE,
    )
    line.database.write_now(lambda tx: tx.outbox.record(message, decision="test"))


@pytest.mark.parametrize("seed", range(4))
async def test_over_any_schedule_the_pace_holds_nothing_is_lost_and_the_urgent_are_first(
    line: Line, clock: SetClock, seed: int
) -> None:
    dice = random.Random(seed)
    line.sender = sender = WatchingSender(now=clock.now)
    conversations = [line.open(f"+4477009001{number:02d}") for number in range(6)]
    written: list[tuple[datetime, Lane]] = []
    for number in range(60):
        lane = dice.choices(LANES, weights=[2, 1, 2, 6])[0]
        write(line, dice.choice(conversations), lane, segments=dice.choice([1, 1, 2]), number=number)
        written.append((clock.now(), lane))
        if dice.random() < 0.5:
            await deliver_all_due(line)
            check_none_urgent_waited(line, sender, written)
            clock.advance(seconds=dice.choice([0.0, 0.2, 1.0, 4.0]))
    for _ in range(200):
        await deliver_all_due(line)
        check_none_urgent_waited(line, sender, written)
        clock.advance(seconds=1)

    assert [row.status for row in line.rows(outbox)] == ["sent"] * 60
    assert len(sender.left) == 60
    check_pace(sender)
    check_order(sender)


async def test_nothing_else_takes_room_while_a_safety_line_waits_for_it(line: Line, clock: SetClock) -> None:
    """A safety line longer than what is kept needs more room than a short answer, which would always be first."""
    write(line, line.open("+447700900101"), Lane.SAFETY, segments=8)
    await deliver_all_due(line)
    write(line, line.open("+447700900102"), Lane.SAFETY, segments=6, number=1)
    await deliver_all_due(line)
    for number in range(2, 5):
        write(line, line.open(f"+4477009001{number:02d}"), Lane.ASSISTANT, number=number)
        clock.advance(seconds=1.2)
        await deliver_all_due(line)

    for _ in range(10):
        clock.advance(seconds=1)
        await deliver_all_due(line)

    assert [message.text.split()[0] for message in line.sender.sent] == ["0", "1", "2", "3", "4"]


def check_pace(sender: WatchingSender) -> None:
    left = [(at, count_texts(message.text)) for at, message in sender.left]
    for first in range(len(left)):
        sent = 0
        for at, segments in left[first:]:
            sent += segments
            seconds = (at - left[first][0]).total_seconds()
            assert sent <= SENDER.pace.burst + SENDER.pace.per_second * seconds + 0.01


def check_none_urgent_waited(
    line: Line, sender: WatchingSender, written: list[tuple[datetime, Lane]]
) -> None:
    """Whenever something else left, every safety line and code written before had left too."""
    urgent_left = [at for at, message in sender.left if message.lane in URGENT]
    for at, message in sender.left:
        if message.lane in URGENT:
            continue
        due = sum(lane in URGENT and written_at < at for written_at, lane in written)
        assert sum(urgent_at < at for urgent_at in urgent_left) >= due


def check_order(sender: WatchingSender) -> None:
    order: dict[tuple[str, Lane], list[int]] = defaultdict(list)
    for _, message in sender.left:
        order[message.conversation_id, message.lane].append(int(message.text.split()[0]))
    assert all(numbers == sorted(numbers) for numbers in order.values())


async def test_a_backlog_is_not_taken_up_again_with_every_token_that_comes_in(
    line: Line, clock: SetClock
) -> None:
    """Each waits for a moment of its own: 40 messages at one a second are put back a few times each, not 40."""
    for number in range(40):
        write(line, line.open(f"+4477009001{number:02d}"), Lane.ASSISTANT, number=number)
    for _ in range(60):
        await deliver_all_due(line)
        clock.advance(seconds=1)

    started = [row for row in line.rows(delivery_attempt) if row.outcome == "started"]
    assert len(line.sender.sent) == 40
    assert [message.text.split()[0] for message in line.sender.sent] == [str(number) for number in range(40)]
    assert len(started) <= 40 * 4


async def test_a_long_backlog_is_put_back_about_once_a_message_and_writes_no_attempt(
    line: Line, clock: SetClock
) -> None:
    """Red when nobody waits longer than half a minute: two minutes' worth is taken up four times over."""
    for number in range(100):
        write(line, line.open(f"+4477009001{number:02d}"), Lane.ASSISTANT, number=number)
    for _ in range(150):
        await deliver_all_due(line)
        clock.advance(seconds=1)

    outcomes = [row.outcome for row in line.rows(delivery_attempt)]
    assert len(line.sender.sent) == 100
    assert set(outcomes) == {"started", "sent"}
    assert outcomes.count("started") <= 100 * 2.5


async def test_what_waits_for_room_counts_no_attempt_and_is_no_failure(line: Line, clock: SetClock) -> None:
    conversation_id = line.open("+447700900101")
    for number in range(12):
        write(line, conversation_id, Lane.ASSISTANT, number=number)
    await deliver_all_due(line)

    waiting = line.rows(outbox, status="waiting")
    assert len(waiting) == 4  # eight of ten tokens, two are kept
    assert {row.attempts for row in waiting} == {0}
    assert [row.reason for row in waiting][:1] == ["paced"]


async def test_a_message_larger_than_the_bucket_leaves(line: Line, clock: SetClock) -> None:
    write(line, line.open("+447700900101"), Lane.STAFF, segments=14)
    write(line, line.open("+447700900102"), Lane.ASSISTANT)

    await deliver_all_due(line)
    assert len(line.sender.sent) == 1
    clock.advance(seconds=8)
    await deliver_all_due(line)

    assert len(line.sender.sent) == 2


async def test_two_workers_at_once_keep_one_pace(database: Database) -> None:
    """Thirty ask together; ten tokens are there. On PostgreSQL each has a connection of its own."""
    results = await asyncio.gather(
        *(database.write(lambda tx: take(tx, SENDER, 1, Lane.SAFETY)) for _ in range(30))
    )

    assert sum(result is None for result in results) == 10
    assert database.read_now(lambda tx: tx.connection.execute(sending_pace.select()).all())[
        0
    ].tokens == pytest.approx(0.0, abs=0.01)


async def test_what_is_spent_on_a_day_is_counted_by_all_together(database: Database) -> None:
    day = date(2026, 11, 21)
    await asyncio.gather(*(database.write(lambda tx: tx.paces.add_spend(day, "codes", 2)) for _ in range(20)))

    assert database.read_now(lambda tx: tx.paces.find_spend(day, "codes")) == 40
    assert database.read_now(lambda tx: tx.paces.find_spend(day + timedelta(days=1), "codes")) == 0


async def test_a_channel_without_a_pace_is_never_held_up(line: Line) -> None:
    message = an_outbound("nobody", channel=Channel.WEBCHAT)

    assert line.database.write_now(lambda tx: keep_pace(tx, message, senders=SENDERS)) is None
    assert line.rows(sending_pace) == []


def test_each_address_of_ours_has_its_own_bucket() -> None:
    found = list_paced_senders(
        sms_from="+447700900900", whatsapp_from="+447700900900", sms_per_second=20.0, has_telegram=True
    )

    assert found[Channel.SMS].pace.per_second == 20.0
    assert found[Channel.WHATSAPP].pace.per_second == 80.0
    assert len({each.address for each in found.values()}) == 3
    assert list(
        list_paced_senders(sms_from="MG1", whatsapp_from=None, sms_per_second=None, has_telegram=False)
    ) == [Channel.SMS]


async def test_a_row_that_may_have_left_is_looked_up_again_after_it_was_put_back(line: Line) -> None:
    conversation_id = line.open("+447700900101")
    write(line, conversation_id, Lane.ASSISTANT)
    leased = line.database.write_now(lambda tx: tx.outbox.lease_next("dead", lease_seconds=-1))
    assert leased is not None
    line.database.write_now(lambda tx: tx.paces.hold(SENDER.address, full=0.0))

    await deliver_all_due(line)

    assert line.row(outbox).status == OutboxStatus.UNKNOWN.value
    assert line.sender.sent == []
