"""The sweep against a provider's list that the test writes, over both databases."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from casework.adapters.storage.tables import (
    conversation,
    delivery_event,
    desk_item,
    inbound_media,
    inbox,
    outbox,
    sweep_run,
    turn,
)
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.messages import Channel, InboundMedia, InboundMessage, Origin, OutboxStatus
from casework.services import outgoing
from casework.services.ports import Delivery, SweepCount
from casework.services.receipts import record_receipt
from casework.services.receive import Received
from casework.services.sweeps import (
    SENDS_AT_ONCE,
    Listed,
    ListedSend,
    ProviderUnreachable,
    Sweeping,
    SweepOutcome,
    Timetable,
    sweep,
)
from tests.support.builders import VICTIM, a_case, a_hit, an_outbound, an_sms
from tests.support.line import Line

OTHER = "+447700900002"


@dataclass
class FakeList:
    """A provider's record. Remembers from which day it was asked; `broken` says what cannot be had."""

    inbound: list[InboundMessage] = field(default_factory=list)
    outbound: list[ListedSend] = field(default_factory=list)
    by_id: dict[str, ListedSend] = field(default_factory=dict)
    media: dict[str, tuple[InboundMedia, ...]] = field(default_factory=dict)
    unreadable: int = 0
    is_cut: bool = False
    is_down: bool = False
    has_media: bool = True
    days: list[date] = field(default_factory=list)
    looks: int = 0  # at the newest
    asked: list[str] = field(default_factory=list)
    while_fetching: Callable[[], Any] | None = None

    async def list_since(self, day: date, *, received_at: datetime) -> Listed:
        self.days.append(day)
        return self._list(received_at)

    async def list_newest(self, since: datetime, *, received_at: datetime) -> Listed:
        self.looks += 1
        listed = self._list(received_at)
        return replace(listed, inbound=[each for each in listed.inbound if (each.sent_at or since) >= since])

    def _list(self, received_at: datetime) -> Listed:
        if self.is_down:
            raise ProviderUnreachable("timeout")
        listed = [replace(each, received_at=received_at) for each in self.inbound]
        return Listed(
            inbound=listed,
            outbound=tuple(self.outbound),
            unreadable=self.unreadable,
            is_cut=self.is_cut,
        )

    async def add_media(self, message: InboundMessage) -> InboundMessage:
        if self.while_fetching is not None:
            self.while_fetching()
        if not self.has_media:
            raise ProviderUnreachable("http_500")
        return replace(message, media=self.media[message.provider_message_id])

    async def find_send(self, provider_message_id: str) -> ListedSend | None:
        self.asked.append(provider_message_id)
        return self.by_id.get(provider_message_id)


@dataclass
class Stage:
    line: Line
    provider: FakeList = field(default_factory=FakeList)
    seconds: float = 0.0
    refused: set[str] = field(default_factory=set)

    def sweeping(self) -> Sweeping:
        return Sweeping(
            store=self.line.database,
            provider=self.provider,
            name="twilio",
            channels=(Channel.SMS, Channel.WHATSAPP),
            receive=self._receive,
            record_news=lambda tx, send: record_receipt(
                tx, send.provider_message_id, send.status, error_code=send.error_code
            ),
            every_seconds=300,
            monotonic=lambda: self.seconds,
        )

    def pass_time(self, *, seconds: float) -> None:
        self.seconds += seconds
        self.line.clock.advance(seconds=seconds)

    async def sweep(self) -> SweepOutcome:
        return await sweep(self.sweeping())

    def wrote(
        self, text: str = "who is my officer", *, minutes_ago: float = 10, **values: Any
    ) -> InboundMessage:
        """A text the provider lists, which reached us only if the test says so."""
        sent_at = self.line.clock.now() - timedelta(minutes=minutes_ago)
        message = an_sms(text, origin=Origin.SWEEP, sent_at=sent_at, **values)
        self.provider.inbound.append(message)
        self.provider.inbound.sort(key=lambda each: each.sent_at or each.received_at)
        return message

    def webhook(self, message: InboundMessage) -> Received:
        now = self.line.clock.now()
        return self.line.receive_again(replace(message, origin=Origin.WEBHOOK, sent_at=None, received_at=now))

    def lists_send(self, sid: str, *, minutes_ago: float = 30, to: str = VICTIM, **values: Any) -> ListedSend:
        at = self.line.clock.now() - timedelta(minutes=minutes_ago)
        send = ListedSend(
            **{
                "provider_message_id": sid,
                "channel": Channel.SMS,
                "to": to,
                "status": "delivered",
                "error_code": None,
                "created_at": at,
                **values,
            }
        )
        self.provider.outbound.append(send)
        return send

    def sent(self, sid: str, *, minutes_ago: float = 30, **values: Any) -> int:
        """A message of ours that left, as the outbox has it."""
        conversation_id = self.line.open(VICTIM)
        at = self.line.clock.now() - timedelta(minutes=minutes_ago)

        def write(tx: SqlTransaction) -> int:
            outbox_id = tx.outbox.record(an_outbound(conversation_id), decision="allowed")
            assert outbox_id is not None
            changed = {
                "status": "sent",
                "provider_message_id": sid,
                "sent_at": at,
                "created_at": at,
                **values,
            }
            tx.connection.execute(sa.update(outbox).where(outbox.c.id == outbox_id).values(**changed))
            return outbox_id

        return self.line.database.write_now(write)

    def alarms(self) -> dict[str, str]:
        return {
            each.kind: each.detail for each in self.line.database.read_now(lambda tx: tx.alarms.list_open())
        }

    def held(self, conversation_id: str) -> tuple[int, int] | None:
        found = self.line.database.read_now(lambda tx: tx.sweeps.find_held(conversation_id))
        return None if found is None else (found.held, found.listed)

    def _receive(self, tx: Any, message: InboundMessage) -> Received:
        if message.provider_message_id in self.refused:
            raise RuntimeError("this one cannot be stored")
        return self.line.take_in(tx, message)


@pytest.fixture
def stage(line: Line) -> Stage:
    return Stage(line)


# --- what they wrote --------------------------------------------------------------------------------------------


async def test_what_never_reached_us_is_taken_in_screened_and_answered_like_any_other(stage: Stage) -> None:
    """Red when the sweep stores a row by itself and not through the receive function."""
    stage.line.screen.results["he is outside"] = a_hit()
    stage.wrote("hello", minutes_ago=12)
    stage.wrote("he is outside", minutes_ago=11, external_id=OTHER)

    outcome = await stage.sweep()
    await stage.line.answer_all()

    assert [(row.text, row.origin) for row in stage.line.rows(inbox)] == [
        ("hello", "sweep"),
        ("he is outside", "sweep"),
    ]
    assert outcome.counted == SweepCount(listed_in=2, missing_in=2)
    assert [row.reason for row in stage.line.rows(desk_item)] == ["disclosure"]
    assert stage.line.assistant.asked == ["hello"]
    assert sorted(row.template for row in stage.line.rows(outbox))[-1] == "utter_case_status"
    assert stage.alarms() == {"sweep_found_missing": "2 fetched"}


async def test_what_we_hold_is_left_alone_however_often_it_is_listed(stage: Stage) -> None:
    """Red when the sweep does not ask what is known: the count of missing says 1."""
    message = stage.wrote()
    stage.webhook(message)
    before = stage.line.rows(inbox)

    outcomes = [await stage.sweep() for _ in range(3)]

    assert stage.line.rows(inbox) == before
    assert len(stage.line.rows(turn)) == 1
    assert {each.counted.missing_in for each in outcomes} == {0}
    assert stage.alarms() == {}


async def test_a_webhook_that_comes_in_the_middle_of_a_sweep_makes_no_second_row(stage: Stage) -> None:
    """It comes after we asked which ones we hold. Red when the sweep counts what it took without asking the inbox."""
    message = stage.wrote(media_count=1)
    stage.provider.media[message.provider_message_id] = ()
    stage.provider.while_fetching = lambda: stage.webhook(message)

    outcome = await stage.sweep()

    assert len(stage.line.rows(inbox)) == 1
    assert len(stage.line.rows(turn)) == 1
    assert outcome.counted.missing_in == 0


async def test_a_young_message_is_left_to_its_webhook_which_says_more(stage: Stage) -> None:
    """Red when the list is not given time: the row's form and origin are the sweep's."""
    message = stage.wrote(minutes_ago=0.1)

    first = await stage.sweep()
    stage.webhook(message)
    stage.line.clock.advance(minutes=1)
    second = await stage.sweep()

    assert not first.is_settled and second.is_settled
    assert [row.origin for row in stage.line.rows(inbox)] == ["webhook"]


async def test_messages_are_taken_in_as_they_were_written_oldest_first(stage: Stage) -> None:
    for number in (3, 1, 2):
        stage.wrote(f"text {number}", minutes_ago=30 - number)

    await stage.sweep()
    await stage.line.answer_all()

    assert [row.text for row in stage.line.rows(inbox)] == ["text 1", "text 2", "text 3"]
    assert stage.line.assistant.asked == ["text 1", "text 2", "text 3"]


async def test_one_that_cannot_be_stored_keeps_nobody_out_and_is_an_alarm(stage: Stage) -> None:
    """Red when an error of one message ends the sweep."""
    bad = stage.wrote("bad", minutes_ago=20)
    stage.wrote("good", minutes_ago=10)
    stage.refused.add(bad.provider_message_id)

    outcome = await stage.sweep()

    assert [row.text for row in stage.line.rows(inbox)] == ["good"]
    assert not outcome.is_settled
    assert stage.alarms() == {"sweep_found_missing": "1 fetched, 1 not stored"}


async def test_many_that_cannot_be_stored_end_neither_this_sweep_nor_its_record(stage: Stage) -> None:
    """Red when the fifth failure is raised: every later sweep ends there too, and nobody is told."""
    for number in range(12):
        bad = stage.wrote(f"bad {number}", minutes_ago=40 - number)
        stage.refused.add(bad.provider_message_id)
    stage.wrote("good", minutes_ago=10)

    outcome = await stage.sweep()

    assert [row.text for row in stage.line.rows(inbox)] == ["good"]
    assert not outcome.is_settled
    assert stage.alarms() == {"sweep_found_missing": "1 fetched, 12 not stored"}
    assert stage.line.row(sweep_run).finished_at is not None


async def test_the_addresses_of_pictures_are_fetched_and_a_text_does_not_wait_for_them_for_ever(
    stage: Stage,
) -> None:
    """Red when a message whose pictures cannot be had is either lost or waits without end."""
    photo = stage.wrote("look", minutes_ago=2, media_count=1)
    source = InboundMedia(source="https://api.twilio.com/ME1", stated_type="image/jpeg")
    stage.provider.media[photo.provider_message_id] = (source,)
    stage.provider.has_media = False

    waits = await stage.sweep()
    rows_while_waiting = len(stage.line.rows(inbox))
    stage.provider.has_media = True
    await stage.sweep()
    late = stage.wrote("and this", minutes_ago=9, media_count=1)
    stage.provider.has_media = False
    await stage.sweep()

    assert not waits.is_settled and rows_while_waiting == 0
    assert [row.source for row in stage.line.rows(inbound_media)] == ["https://api.twilio.com/ME1"]
    assert [row.provider_message_id for row in stage.line.rows(inbox)] == [
        photo.provider_message_id,
        late.provider_message_id,
    ]


async def test_a_whatsapp_number_opens_its_own_conversation_whoever_was_seen_with_it(stage: Stage) -> None:
    """The list names no id, and numbers change hands. Red when the newest id seen with the number takes it in."""
    known = an_sms(
        "hello",
        channel=Channel.WHATSAPP,
        external_id="GB.1234567890",
        details={"phone": VICTIM},
        received_at=stage.line.clock.now(),
    )
    first = stage.line.receive_again(known)
    stage.wrote("are you there", channel=Channel.WHATSAPP, external_id=VICTIM)

    await stage.sweep()

    swept = stage.line.row(inbox, text="are you there").conversation_id
    assert swept != first.conversation_id
    assert stage.line.conversation(swept).external_id == VICTIM


# --- how long ago it was --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("minutes_ago", "is_answered"), [(5, True), (60, False)])
async def test_a_careful_plan_counts_from_when_it_was_written_and_not_from_when_it_was_found(
    stage: Stage, minutes_ago: float, is_answered: bool
) -> None:
    """Whose hands the phone is in an hour later is not known. The person on duty gets it instead.

    Red when last_inbound_at is the time we fetched the message: an hour later is answered too.
    """
    stage.line.add_cases(a_case(crime_type="stalking", safe_contact="reply_only"))
    stage.wrote("who is my officer", minutes_ago=minutes_ago)

    await stage.sweep()
    await stage.line.answer_all()
    await stage.line.deliver_all()

    assert bool(stage.line.sender.sent) is is_answered
    reasons = [row.reason for row in stage.line.rows(desk_item)]
    assert ("may_not_be_written" in reasons) is not is_answered


@pytest.mark.parametrize("is_urgent", [False, True])
async def test_a_text_of_the_day_before_is_a_persons_task_and_never_silently_dropped(
    stage: Stage, is_urgent: bool
) -> None:
    """Red when neither an answer nor a desk item comes of a message older than 24 hours."""
    if is_urgent:
        stage.line.screen.results["he came back"] = a_hit()
    stage.wrote("he came back" if is_urgent else "hello", minutes_ago=26 * 60)

    await stage.sweep()
    await stage.line.answer_all()
    await stage.line.deliver_all()

    assert stage.line.sender.sent == []
    reasons = {row.reason for row in stage.line.rows(desk_item)}
    assert reasons and ("disclosure" in reasons) is is_urgent


async def test_an_old_text_does_not_make_a_live_conversation_look_dead(stage: Stage) -> None:
    stage.webhook(an_sms("hello"))
    heard = stage.line.row(conversation).last_inbound_at
    stage.wrote("an hour ago", minutes_ago=60)

    await stage.sweep()

    assert stage.line.row(conversation).last_inbound_at == heard
    assert [row.sent_at is not None for row in stage.line.rows(inbox)] == [False, True]


# --- what we sent ---------------------------------------------------------------------------------------------------


async def test_a_send_we_know_nothing_of_is_counted_and_told_once(stage: Stage) -> None:
    """Red when only what they wrote is compared."""
    stage.lists_send("SM" + "a" * 32)

    first = await stage.sweep()
    stage.line.clock.advance(hours=2)
    await stage.sweep()

    assert first.counted == SweepCount(listed_out=1, missing_out=1)
    assert stage.line.rows(sweep_run)[-1].missing_out == 1
    # The same one again is no news: the alarm ends by itself.
    assert stage.alarms() == {}


async def test_a_day_of_many_sends_is_accounted_for_to_the_last(stage: Stage) -> None:
    """Red when the last part is left out."""
    for number in range(SENDS_AT_ONCE + 1):
        stage.lists_send(f"SM{number:032x}", to=OTHER)

    outcome = await stage.sweep()

    assert outcome.counted.missing_out == SENDS_AT_ONCE + 1


async def test_a_send_whose_answer_we_lost_is_joined_and_not_sent_again(stage: Stage) -> None:
    """Red when the sweep counts it as somebody else's, or does not bring the look-up forward."""
    line = stage.line
    conversation_id = line.open(VICTIM)
    line.sender.outcomes = [Delivery(status=OutboxStatus.UNKNOWN, retry_after_seconds=3600)]
    line.database.write_now(lambda tx: outgoing.send(tx, an_outbound(conversation_id)))
    await line.deliver()
    assert not await line.deliver()
    line.clock.advance(minutes=3)
    stage.lists_send("SM" + "b" * 32, minutes_ago=3)
    line.sender.holds = Delivery(status=OutboxStatus.SENT, provider_message_id="SM" + "b" * 32)

    outcome = await stage.sweep()
    await line.deliver_all()

    assert outcome.counted.missing_out == 0
    assert line.sender.sent == []
    row = line.row(outbox)
    assert (row.status, row.provider_message_id) == ("sent", "SM" + "b" * 32)


async def test_a_send_the_provider_lists_too_late_or_not_at_all_is_looked_up_by_its_id(stage: Stage) -> None:
    """Red when "not in the day's list" passes for "not at the provider": a queued message has no day."""
    stage.sent("SM" + "c" * 32)
    stage.sent("SM" + "d" * 32)
    stage.sent("SM" + "e" * 32, minutes_ago=1)
    queued = stage.lists_send("SM" + "c" * 32, status="queued")
    stage.provider.by_id[queued.provider_message_id] = queued
    stage.provider.outbound.clear()

    outcome = await stage.sweep()

    assert sorted(stage.provider.asked) == ["SM" + "c" * 32, "SM" + "d" * 32]
    assert outcome.counted.missing_out == 1
    assert stage.alarms() == {"sweep_found_missing": "1 sends unaccounted for"}


async def test_news_of_a_failure_that_never_reached_us_becomes_a_persons_task(stage: Stage) -> None:
    """Red when the list's status is not compared with ours."""
    stage.sent("SM" + "f" * 32, delivery_state="sent")
    stage.lists_send("SM" + "f" * 32, status="undelivered", error_code="30005")

    await stage.sweep()

    assert [(row.status, row.error_code) for row in stage.line.rows(delivery_event)] == [
        ("undelivered", "30005")
    ]
    assert stage.line.rows(desk_item) != []


async def test_news_we_have_is_not_told_again(stage: Stage) -> None:
    stage.sent("SM" + "0" * 32, delivery_state="delivered")
    stage.lists_send("SM" + "0" * 32, status="delivered")
    stage.sent("SM" + "1" * 32, delivery_state="read")
    stage.lists_send("SM" + "1" * 32, status="delivered")

    await stage.sweep()

    assert stage.line.rows(delivery_event) == []


# --- we hold 5 of 5 -------------------------------------------------------------------------------------------------


async def test_each_conversation_says_how_many_of_the_listed_messages_it_holds(stage: Stage) -> None:
    """Red when a message that could not be stored, or a send nobody knows, is left out of "listed"."""
    whole = stage.webhook(stage.wrote("one", minutes_ago=20)).conversation_id
    stage.wrote("two", minutes_ago=19)
    stage.sent("SM" + "a" * 32)
    stage.lists_send("SM" + "a" * 32)
    part = stage.webhook(stage.wrote("three", external_id=OTHER, minutes_ago=18)).conversation_id
    stage.refused.add(stage.wrote("four", external_id=OTHER, minutes_ago=17).provider_message_id)
    stage.lists_send("SM" + "b" * 32, to=OTHER)

    await stage.sweep()

    assert stage.held(whole) == (3, 3)
    assert stage.held(part) == (1, 3)


# --- when, from when, and when it cannot ----------------------------------------------------------------------------


async def test_it_looks_at_yesterday_and_today_by_the_providers_days(stage: Stage) -> None:
    """Half past midnight in British summer is still yesterday in UTC. Red when the day is London's."""
    stage.line.clock._now = datetime(2026, 6, 30, 23, 30, tzinfo=UTC)

    await stage.sweep()

    assert stage.provider.days == [date(2026, 6, 29)]


async def test_after_a_longer_absence_it_looks_back_to_the_last_time_it_succeeded(stage: Stage) -> None:
    """Red when five days of absence are looked at as two."""
    await stage.sweep()
    stage.provider.is_down = True
    stage.line.clock.advance(days=5)
    await stage.sweep()
    stage.provider.is_down = False
    stage.wrote("still there?", minutes_ago=4 * 24 * 60)
    await stage.sweep()

    assert stage.provider.days == [date(2026, 11, 20)] * 3
    assert [row.text for row in stage.line.rows(inbox)] == ["still there?"]


async def test_a_provider_that_cannot_be_asked_is_an_alarm_until_it_can(stage: Stage) -> None:
    stage.provider.is_down = True
    failed = await stage.sweep()
    alarms = stage.alarms()
    stage.provider.is_down = False
    await stage.sweep()

    assert not failed.is_settled
    assert alarms == {"provider_unreachable": "timeout"}
    assert stage.alarms() == {}
    assert [row.fault for row in stage.line.rows(sweep_run)] == ["timeout", None]


async def test_a_list_that_was_cut_off_is_taken_in_and_an_alarm(stage: Stage) -> None:
    stage.provider.is_cut = True
    stage.wrote("who is my officer")
    outcome = await stage.sweep()
    alarms = stage.alarms()
    stage.provider.is_cut = False
    await stage.sweep()

    assert outcome.counted.missing_in == 1
    assert alarms["provider_unreachable"] == "too_many_pages"
    assert "provider_unreachable" not in stage.alarms()


async def test_what_was_missing_is_told_for_an_hour(stage: Stage) -> None:
    stage.wrote()
    await stage.sweep()
    stage.line.clock.advance(minutes=30)
    await stage.sweep()
    told = stage.alarms()
    stage.line.clock.advance(minutes=31)
    await stage.sweep()

    assert list(told) == ["sweep_found_missing"]
    assert stage.alarms() == {}


async def test_it_is_due_at_once_then_in_its_time_and_whenever_somebody_asks(stage: Stage) -> None:
    """Red when an asking is forgotten, or answered twice."""
    timetable = Timetable(stage.sweeping())
    at_once = [await timetable.sweep_if_due() for _ in range(2)]
    stage.line.database.write_now(lambda tx: tx.sweeps.ask("twilio"))
    stage.line.database.write_now(lambda tx: tx.sweeps.ask("twilio"))
    asked = [await timetable.sweep_if_due() for _ in range(2)]
    stage.pass_time(seconds=299)
    early = await timetable.sweep_if_due()
    stage.pass_time(seconds=2)
    in_time = await timetable.sweep_if_due()

    assert at_once == [True, False]
    assert asked == [True, False]
    assert (early, in_time) == (False, True)
    assert len(stage.provider.days) == 3


async def test_after_a_failure_it_looks_again_soon(stage: Stage) -> None:
    stage.provider.is_down = True
    timetable = Timetable(stage.sweeping())
    await timetable.sweep_if_due()
    stage.provider.is_down = False
    stage.pass_time(seconds=16)

    assert await timetable.sweep_if_due()
    assert stage.alarms() == {}


async def test_what_was_too_young_is_soon_looked_for_among_the_newest_alone(stage: Stage) -> None:
    """Red when the whole list is read again every few seconds while people write, or what was young is forgotten."""
    stage.wrote("an old one", minutes_ago=60)
    young = stage.wrote("who is my officer", minutes_ago=0.1)
    timetable = Timetable(stage.sweeping())
    await timetable.sweep_if_due()
    stage.pass_time(seconds=16)
    await timetable.sweep_if_due()  # still too young
    stage.pass_time(seconds=16)
    await timetable.sweep_if_due()

    assert (len(stage.provider.days), stage.provider.looks) == (1, 2)
    assert young.provider_message_id in [row.provider_message_id for row in stage.line.rows(inbox)]
    assert stage.alarms() == {"sweep_found_missing": "1 fetched"}
    assert [row.missing_in for row in stage.line.rows(sweep_run)] == [1]
    stage.pass_time(seconds=16)
    assert not await timetable.sweep_if_due()


async def test_news_that_never_reached_us_is_found_among_the_newest(stage: Stage) -> None:
    stage.wrote("still there?", minutes_ago=0.1)
    timetable = Timetable(stage.sweeping())
    await timetable.sweep_if_due()
    outbox_id = stage.sent("SM" + "d" * 32, minutes_ago=3)
    stage.lists_send("SM" + "d" * 32, minutes_ago=3, status="undelivered", error_code="30003")
    stage.pass_time(seconds=16)
    await timetable.sweep_if_due()

    assert stage.provider.looks == 1
    assert stage.line.row(outbox, id=outbox_id).delivery_state == "undelivered"


async def test_of_several_workers_one_sweeps_each_time(stage: Stage) -> None:
    """Red when each reads the whole list by itself; or when one that has just started trusts another's."""
    first, second = Timetable(stage.sweeping()), Timetable(stage.sweeping())
    at_the_start = [await each.sweep_if_due() for each in (first, second)]
    for _ in range(4):
        stage.pass_time(seconds=150)
        for each in (first, second):
            await each.sweep_if_due()

    assert at_the_start == [True, True]
    assert len(stage.line.rows(sweep_run)) == 2 + 2


async def test_when_the_newest_cannot_be_had_the_next_is_a_whole_one(stage: Stage) -> None:
    """Red when the alarm stands until the next whole sweep would have come, or what was missed waits for it."""
    stage.wrote("still there?", minutes_ago=0.1)
    timetable = Timetable(stage.sweeping())
    await timetable.sweep_if_due()
    stage.provider.is_down = True
    stage.pass_time(seconds=16)
    await timetable.sweep_if_due()
    told = stage.alarms()
    stage.provider.is_down = False
    stage.pass_time(seconds=16)
    await timetable.sweep_if_due()

    assert told == {"provider_unreachable": "timeout"}
    assert "provider_unreachable" not in stage.alarms()
    assert len(stage.provider.days) == 2
