"""A message of which nothing final is heard is asked about, at most so many a minute, and not for ever."""

from dataclasses import dataclass, field
from itertools import pairwise

from casework.adapters.storage.tables import alarm, delivery_event, desk_item, outbox
from casework.model.messages import Channel
from casework.services import stale
from casework.services.ports import ProviderNews
from casework.services.receipts import record_receipt
from tests.support.builders import an_outbound
from tests.support.line import Line


@dataclass
class FakeTracker:
    """Says the same of every message it is asked about, and remembers which."""

    told: ProviderNews | None = field(default_factory=lambda: ProviderNews(word="delivered"))
    asked: list[str] = field(default_factory=list)

    async def find_state(self, provider_message_id: str) -> ProviderNews | None:
        self.asked.append(provider_message_id)
        return self.told


def track(line: Line, tracker: FakeTracker) -> stale.Tracking:
    return stale.Tracking(
        store=line.database,
        clock=line.clock,
        trackers={Channel.SMS: tracker, Channel.WHATSAPP: tracker},
        texts=line.texts,
        name_failure={"30006": "not_a_mobile"}.get,
    )


async def send(line: Line, count: int = 1, **values: object) -> list[str]:
    for number in range(count):
        to = f"+4477009001{number:02}"
        message = an_outbound(line.open(to), to=to, **values)
        line.database.write_now(lambda tx, message=message: tx.outbox.record(message, decision="test"))
    await line.deliver_all()
    return [row.provider_message_id for row in line.rows(outbox)]


async def look(tracking: stale.Tracking) -> int:
    found = 0
    while await stale.look_up_next_silent(tracking):
        found += 1
    return found


async def test_nothing_is_asked_before_a_quarter_of_an_hour(line: Line) -> None:
    tracker = FakeTracker()
    tracking = track(line, tracker)
    await send(line)

    line.clock.advance(minutes=14)
    assert await look(tracking) == 0
    line.clock.advance(minutes=2)
    assert await look(tracking) == 1


async def test_the_answer_is_recorded_as_an_event_and_nothing_is_asked_again(line: Line) -> None:
    """Red when: a final state does not end the asking."""
    tracker = FakeTracker()
    tracking = track(line, tracker)
    [provider_id] = await send(line)
    line.clock.advance(minutes=16)

    await look(tracking)
    line.clock.advance(minutes=90)
    await look(tracking)

    assert tracker.asked == [provider_id]
    assert (line.row(delivery_event).status, line.row(outbox).delivery_state) == ("delivered", "delivered")


async def test_a_failure_found_by_asking_has_the_follow_up_of_one_that_was_told(line: Line) -> None:
    tracking = track(line, FakeTracker(told=ProviderNews(word="undelivered", error_code="30006")))
    await send(line)
    line.clock.advance(minutes=16)

    await look(tracking)

    assert line.row(outbox).reason == "not_a_mobile"
    assert "not_delivered" in {row.reason for row in line.rows(desk_item)}


async def test_what_the_provider_has_told_of_is_not_asked_about(line: Line) -> None:
    tracker = FakeTracker()
    tracking = track(line, tracker)
    [arrived, failed, sent] = await send(line, 3)
    for provider_id, status in ((arrived, "delivered"), (failed, "failed"), (sent, "sent")):
        line.database.write_now(
            lambda tx, provider_id=provider_id, status=status: record_receipt(
                tx, provider_id, status, error_code=None
            )
        )
    line.clock.advance(minutes=16)

    await look(tracking)

    assert tracker.asked == [sent]


async def test_while_nothing_is_heard_it_is_asked_often_for_an_hour_and_then_seldom_and_not_for_ever(
    line: Line,
) -> None:
    """Red when: asking does not count as asked (every second), or left_after is not asked (for ever)."""
    tracker = FakeTracker(told=None)
    tracking = track(line, tracker)
    await send(line)
    asked_at = []
    for minute in range(5, 16 * 60, 5):
        line.clock.advance(minutes=5)
        if await look(tracking):
            asked_at.append(minute)

    assert asked_at[:3] == [15, 30, 45]
    later = asked_at[2:]
    assert {after - before for before, after in pairwise(later)} == {60}
    assert 600 <= asked_at[-1] <= 660


async def test_no_more_are_asked_than_so_many_a_minute(line: Line) -> None:
    """Red when: the minute is not counted: a long outage would be followed by a storm of questions."""
    tracker = FakeTracker()
    tracking = track(line, tracker)
    await send(line, 40)
    line.clock.advance(minutes=16)

    assert await look(tracking) == stale.MOST_A_MINUTE
    line.clock.advance(seconds=30)
    assert await look(tracking) == 0
    line.clock.advance(seconds=31)
    assert await look(tracking) == 10
    assert len(set(tracker.asked)) == 40


async def test_a_channel_that_cannot_be_asked_is_not(line: Line) -> None:
    tracker = FakeTracker()
    tracking = track(line, tracker)
    await send(line, channel=Channel.TELEGRAM)
    line.clock.advance(minutes=16)

    assert await look(tracking) == 0


async def test_two_workers_do_not_ask_about_the_same_message(line: Line) -> None:
    first, second = FakeTracker(told=None), FakeTracker(told=None)
    here, there = track(line, first), track(line, second)
    sent = await send(line, 4)
    line.clock.advance(minutes=16)

    for _ in range(3):
        await stale.look_up_next_silent(here)
        await stale.look_up_next_silent(there)

    assert sorted(first.asked + second.asked) == sorted(sent)


async def test_when_nothing_was_due_it_is_not_looked_for_each_second(line: Line) -> None:
    tracker = FakeTracker()
    tracking = track(line, tracker)
    await send(line)
    line.clock.advance(minutes=14, seconds=55)
    assert await look(tracking) == 0

    line.clock.advance(seconds=10)
    assert await look(tracking) == 0
    line.clock.advance(seconds=6)
    assert await look(tracking) == 1


async def test_an_alarm_that_nothing_else_ends_fades_after_a_day(line: Line) -> None:
    tracking = track(line, FakeTracker())
    line.database.write_now(lambda tx: tx.alarms.sound("sms_filtered", "sms 30007"))
    line.database.write_now(lambda tx: tx.alarms.sound("webhook_not_set", "x"))
    line.clock.advance(hours=23)
    await look(tracking)
    assert [row.kind for row in line.rows(alarm) if row.ended_at is None] == [
        "sms_filtered",
        "webhook_not_set",
    ]

    line.clock.advance(hours=2)
    await look(tracking)

    assert [row.kind for row in line.rows(alarm) if row.ended_at is None] == ["webhook_not_set"]
