"""Each message leaves once, in order, and one that cannot leave becomes a person's task."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from casework.adapters.storage.tables import delivery_attempt, desk_item, outbox
from casework.model.messages import Author, Channel, Lane, OutboundMessage, OutboxStatus
from casework.services import deliver, prove
from casework.services.ports import Delivery, Transaction
from casework.services.receipts import record_receipt
from tests.support.builders import REFERENCE, VICTIM, a_hit, an_outbound
from tests.support.fakes import FailingStore, FakeSender
from tests.support.line import Line

SENT = Delivery(status=OutboxStatus.SENT, provider_message_id="SM" + "a" * 32)
FAILED = Delivery(status=OutboxStatus.FAILED, error_code="21610")
UNKNOWN = Delivery(status=OutboxStatus.UNKNOWN)
TRY_AGAIN = Delivery(status=OutboxStatus.WAITING, error_code="20429")


def queue(line: Line, *texts: str, external_id: str = VICTIM, **values: object) -> str:
    conversation_id = line.open(external_id)
    for text in texts:
        message = an_outbound(conversation_id, text, to=external_id, **values)
        line.database.write_now(lambda tx, message=message: tx.outbox.record(message, decision="test"))
    return conversation_id


def sent(line: Line) -> list[str]:
    return [message.text for message in line.sender.sent]


async def keep_trying(line: Line, *, steps: int, seconds: float = 130) -> None:
    for _ in range(steps):
        await line.deliver_all()
        line.clock.advance(seconds=seconds)


# --- what one attempt may come to -----------------------------------------------------------------


async def test_a_message_that_was_sent_keeps_the_providers_id(line: Line) -> None:
    queue(line, "hello")
    line.sender.outcomes = [SENT]

    assert await line.deliver()

    row = line.row(outbox)
    assert (row.status, row.provider_message_id, row.attempts) == ("sent", SENT.provider_message_id, 1)
    assert row.sent_at is not None
    assert [each.outcome for each in line.rows(delivery_attempt)] == ["started", "sent"]
    assert not await line.deliver()


async def test_a_message_that_can_never_be_sent_is_one_item_for_a_person(line: Line) -> None:
    conversation_id = queue(line, "one", "two")
    line.sender.outcomes = [FAILED, FAILED]

    await keep_trying(line, steps=3)

    assert [row.status for row in line.rows(outbox)] == ["failed", "failed"]
    assert line.row(outbox, text="one").reason == "21610"
    item = line.row(desk_item)
    assert (item.reason, item.conversation_id, item.status) == ("not_delivered", conversation_id, "open")


async def test_the_owner_gets_the_item_of_a_message_that_failed(line: Line) -> None:
    rowan = line.add_staff()
    conversation_id = line.open(VICTIM)
    line.claim(conversation_id, rowan)
    line.reply(conversation_id, "I will call you", by=rowan)
    line.sender.outcomes = [FAILED]

    await line.deliver_all()

    assert (line.row(desk_item).owner_id, line.row(desk_item).status) == (rowan.id, "claimed")


async def test_a_busy_provider_is_asked_again_when_it_said_and_not_before(line: Line) -> None:
    queue(line, "hello")
    line.sender.outcomes = [Delivery(status=OutboxStatus.WAITING, retry_after_seconds=40)]
    await line.deliver_all()

    line.clock.advance(seconds=39)
    assert not await line.deliver()
    line.clock.advance(seconds=2)
    assert await line.deliver()

    assert sent(line) == ["hello"]
    assert line.row(outbox).attempts == 2


async def test_the_waits_between_tries_grow(line: Line) -> None:
    waits = [deliver._wait(attempts, TRY_AGAIN).total_seconds() for attempts in range(1, 9)]

    assert waits == sorted(waits)
    assert waits[0] < 2
    assert waits[-1] <= deliver.LONGEST_WAIT_SECONDS * 1.2


async def test_after_too_many_tries_a_person_is_asked_and_nothing_more_is_sent(line: Line) -> None:
    queue(line, "hello")
    line.sender.outcomes = [TRY_AGAIN] * (deliver.MAX_ATTEMPTS + 5)

    await keep_trying(line, steps=deliver.MAX_ATTEMPTS + 5, seconds=400)

    row = line.row(outbox)
    assert (row.status, row.attempts) == ("failed", deliver.MAX_ATTEMPTS)
    assert line.row(desk_item).reason == "not_delivered"
    assert sent(line) == []


@pytest.mark.parametrize("failure", ["account_refused", "not_our_number"])
async def test_what_waits_for_our_account_to_be_put_right_is_not_given_up(line: Line, failure: str) -> None:
    """Somebody must pay a bill or set a number: days, and no message's fault. Red when twelve tries end it."""
    refused = Delivery(status=OutboxStatus.WAITING, error_code="20003", failure=failure)
    queue(line, "hello")
    line.sender.outcomes = [refused] * (deliver.MAX_ATTEMPTS + 5)
    await keep_trying(line, steps=deliver.MAX_ATTEMPTS + 5, seconds=400)
    waited = line.row(outbox)
    await keep_trying(line, steps=1)

    assert (waited.status, waited.attempts) == ("waiting", deliver.MAX_ATTEMPTS + 5)
    assert sent(line) == ["hello"]
    assert deliver._wait(5000, refused).total_seconds() <= deliver.LONGEST_WAIT_SECONDS * 1.2


async def test_a_provider_that_says_at_once_is_asked_no_sooner_than_we_would(line: Line) -> None:
    """Red when its word alone counts: "again in 0 seconds" would use up every try in a moment."""
    at_once = Delivery(status=OutboxStatus.WAITING, retry_after_seconds=0)

    assert deliver._wait(8, at_once) >= timedelta(seconds=0.5 * 2**8 * 0.8)


async def test_a_short_outage_of_the_provider_fails_no_message(line: Line) -> None:
    """Ten minutes is an ordinary outage; a person's desk must not fill with messages that were only early."""
    queue(line, "hello")
    for _ in range(30):
        line.sender.outcomes = [TRY_AGAIN]
        await line.deliver_all()
        line.clock.advance(seconds=20)
    line.sender.outcomes = []
    await keep_trying(line, steps=3, seconds=400)

    assert sent(line) == ["hello"]
    assert line.rows(desk_item) == []


# --- an unknown outcome ---------------------------------------------------------------------------


async def test_an_unknown_message_that_the_provider_holds_is_not_sent_again(line: Line) -> None:
    queue(line, "hello")
    line.sender.outcomes = [UNKNOWN]
    line.sender.holds = SENT
    await line.deliver_all()
    assert line.row(outbox).status == "unknown"

    await keep_trying(line, steps=3)

    assert sent(line) == []
    assert [message.text for message in line.sender.looked_up] == ["hello"]
    assert (line.row(outbox).status, line.row(outbox).provider_message_id) == (
        "sent",
        SENT.provider_message_id,
    )


async def test_an_unknown_message_that_the_provider_does_not_hold_is_sent(line: Line) -> None:
    queue(line, "hello")
    line.sender.outcomes = [UNKNOWN]

    await keep_trying(line, steps=3)

    assert len(line.sender.looked_up) == 1
    assert sent(line) == ["hello"]


async def test_an_unknown_message_is_not_looked_up_at_once(line: Line) -> None:
    """The request may still be on its way, so an answer now would prove nothing."""
    queue(line, "hello")
    line.sender.outcomes = [UNKNOWN]
    await line.deliver_all()

    line.clock.advance(seconds=deliver.UNKNOWN_WAIT_SECONDS - 1)

    assert not await line.deliver()
    assert line.sender.looked_up == []


async def test_a_message_stays_unknown_while_the_provider_cannot_be_asked(line: Line) -> None:
    queue(line, "hello")
    line.sender.outcomes = [UNKNOWN]
    line.sender.holds = UNKNOWN

    await keep_trying(line, steps=2)

    assert line.row(outbox).status == "unknown"
    assert sent(line) == []


async def test_a_message_a_dead_worker_was_sending_is_looked_up_first(line: Line) -> None:
    queue(line, "hello")
    line.database.write_now(lambda tx: tx.outbox.lease_next("died", lease_seconds=deliver.LEASE_SECONDS))
    line.sender.holds = SENT
    assert not await line.deliver()

    line.clock.advance(seconds=deliver.LEASE_SECONDS + 1)
    await line.deliver_all()

    assert sent(line) == []
    assert line.row(outbox).status == "sent"


async def test_a_worker_that_lost_its_lease_records_nothing(line: Line) -> None:
    queue(line, "hello")
    slow = line.database.write_now(lambda tx: tx.outbox.lease_next("slow", lease_seconds=10))
    line.clock.advance(seconds=11)
    line.database.write_now(lambda tx: tx.outbox.lease_next("quick", lease_seconds=10))
    before = line.everything()

    assert slow is not None
    line.database.write_now(lambda tx: deliver.record_delivery(tx, slow, FAILED, line.texts))

    assert line.everything() == before


async def test_a_worker_that_stood_still_for_longer_than_its_lease_sends_nothing_another_took(
    line: Line,
) -> None:
    """Frozen between the lease and the provider, and another worker sends it: the phone must not have it twice.

    Red when the lease is not looked at again.
    """
    queue(line, "hello")
    ticks = iter([0.0, deliver.LEASE_SECONDS + 1.0])
    frozen = replace(line.delivering(), monotonic=lambda: next(ticks))

    def stand_still() -> None:
        line.clock.advance(seconds=deliver.LEASE_SECONDS + 1)
        assert line.database.write_now(lambda tx: tx.outbox.lease_next("another", lease_seconds=10))

    assert await deliver.deliver_next_message(frozen, on_leased=stand_still)

    assert sent(line) == []
    assert line.row(outbox).leased_by == "another"


async def test_a_worker_that_was_slow_and_kept_its_lease_sends(line: Line) -> None:
    """Red when time alone decides: where a provider is slow nothing would ever leave."""
    queue(line, "hello")
    ticks = iter([0.0, deliver.LEASE_SECONDS + 1.0])

    assert await deliver.deliver_next_message(replace(line.delivering(), monotonic=lambda: next(ticks)))

    assert sent(line) == ["hello"]


async def test_a_message_whose_sending_broke_is_taken_up_again_though_its_worker_lives_on(line: Line) -> None:
    """The living worker renews every lease that bears its name; a broken step must not be among them."""
    queue(line, "hello")
    sender = line.sender

    class Breaking(type(sender)):  # type: ignore[misc]
        async def deliver(self, message: OutboundMessage) -> Delivery:
            raise ZeroDivisionError

    line.sender = Breaking()
    with pytest.raises(ZeroDivisionError):
        await line.deliver("worker")
    line.sender = sender

    for _ in range(10):
        line.database.write_now(lambda tx: tx.outbox.renew("worker", (), lease_seconds=deliver.LEASE_SECONDS))
        line.clock.advance(seconds=3)
        await line.deliver("worker")

    assert sent(line) == ["hello"]
    assert [message.text for message in sender.looked_up] == ["hello"]


async def test_a_message_for_a_channel_without_a_sender_is_a_persons_task(line: Line) -> None:
    queue(line, "hello", channel=Channel.TELEGRAM)
    delivering = deliver.Delivering(store=line.database, senders={}, texts=line.texts, worker_id="w")

    await deliver.deliver_next_message(delivering)

    assert line.row(outbox).status == "failed"
    assert line.row(desk_item).reason == "not_delivered"


# --- the pace -------------------------------------------------------------------------------------


def hold_back(line: Line, *, texts: tuple[str, ...] = (), seconds: float = 3) -> list[str]:
    """Lets these texts wait each time they are asked about; what was asked, in order."""
    asked: list[str] = []

    def pace(tx: Transaction, message: OutboundMessage) -> datetime | None:
        asked.append(message.text)
        return tx.now + timedelta(seconds=seconds) if message.text in texts else None

    line.pace = pace
    return asked


async def test_what_must_wait_for_its_turn_is_not_counted_as_a_try(line: Line) -> None:
    """Red when: put_back keeps the attempt: a busy hour would end in failed messages."""
    queue(line, "one")
    hold_back(line, texts=("one",))
    for _ in range(deliver.MAX_ATTEMPTS + 3):
        await line.deliver_all()
        line.clock.advance(seconds=4)

    row = line.row(outbox)
    assert (row.status, row.attempts, row.reason) == ("waiting", 0, "paced")
    assert (sent(line), line.rows(desk_item)) == ([], [])

    line.pace = None
    await line.deliver_all()
    assert (sent(line), line.row(outbox).reason) == (["one"], None)


async def test_what_waits_for_its_turn_is_not_overtaken(line: Line) -> None:
    """Red when: lease_next looks at not_before alone: a short text passes a long one of the same conversation."""
    queue(line, "a long one", "a short one")
    hold_back(line, texts=("a long one",))
    await line.deliver_all()
    line.clock.advance(seconds=1)
    await line.deliver_all()
    assert sent(line) == []

    hold_back(line)
    line.clock.advance(seconds=5)
    await line.deliver_all()

    assert sent(line) == ["a long one", "a short one"]


async def test_the_pace_is_asked_last_of_all(line: Line) -> None:
    """What does not leave must take nothing from what may."""
    received = line.receive()
    await line.answer()
    line.claim(received.conversation_id, line.add_staff())
    asked = hold_back(line)

    await line.deliver_all()

    assert (asked, sent(line)) == ([], [])


async def test_a_message_that_may_have_left_stays_one_to_be_looked_up_while_it_waits(line: Line) -> None:
    queue(line, "one")
    line.sender.outcomes = [UNKNOWN]
    await line.deliver_all()
    hold_back(line, texts=("one",))
    line.clock.advance(seconds=12)
    await line.deliver_all()
    assert line.row(outbox).status == "unknown"

    line.sender.holds = SENT
    line.clock.advance(seconds=4)
    await line.deliver_all()

    assert (sent(line), line.row(outbox).status) == ([], "sent")


# --- order ----------------------------------------------------------------------------------------


async def test_a_message_that_must_be_tried_again_is_not_overtaken(line: Line) -> None:
    queue(line, "one", "two", "three")
    line.sender.outcomes = [TRY_AGAIN]

    await keep_trying(line, steps=5)

    assert sent(line) == ["one", "two", "three"]


async def test_a_message_whose_outcome_is_unknown_is_not_overtaken(line: Line) -> None:
    queue(line, "one", "two")
    line.sender.outcomes = [UNKNOWN]

    await keep_trying(line, steps=5)

    assert sent(line) == ["one", "two"]


async def test_a_message_that_failed_for_good_lets_the_next_pass(line: Line) -> None:
    queue(line, "one", "two")
    line.sender.outcomes = [FAILED]

    await keep_trying(line, steps=1)

    assert sent(line) == ["two"]


async def test_another_conversation_does_not_wait(line: Line) -> None:
    queue(line, "a 1", "a 2")
    queue(line, "b 1", external_id="+447700900002")
    line.sender.outcomes = [TRY_AGAIN]

    await line.deliver_all()

    assert sent(line) == ["b 1"]


async def test_a_safety_line_overtakes_replies_that_wait(line: Line) -> None:
    line.screen.results["he is here"] = a_hit(1)
    line.receive("what is happening")
    await line.answer()
    line.receive("he is here")

    await line.deliver_all()

    assert [message.lane for message in line.sender.sent] == [Lane.SAFETY, Lane.ASSISTANT]


# --- a person took over between two tries ----------------------------------------------------------


@pytest.mark.parametrize("first", [TRY_AGAIN, UNKNOWN])
async def test_a_reply_that_did_not_leave_before_a_person_took_over_never_leaves(
    line: Line, first: Delivery
) -> None:
    received = line.receive()
    await line.answer()
    rowan = line.add_staff()

    class TakenOver(type(line.sender)):  # type: ignore[misc]
        async def deliver(self, message: OutboundMessage) -> Delivery:
            if not self.outcomes:
                return await super().deliver(message)
            line.claim(received.conversation_id, rowan)
            return await super().deliver(message)

    line.sender = TakenOver(outcomes=[first])

    await keep_trying(line, steps=4)

    assert sent(line) == []
    assert [status for _, status in line.outgoing(received.conversation_id)] == ["suppressed"]


async def test_a_reply_left_unknown_that_did_leave_is_shown_as_sent_to_the_person_who_took_over(
    line: Line,
) -> None:
    received = line.receive()
    await line.answer()
    line.sender.outcomes = [UNKNOWN]
    line.sender.holds = SENT
    await line.deliver_all()
    line.claim(received.conversation_id, line.add_staff())

    await keep_trying(line, steps=3)

    assert [status for _, status in line.outgoing(received.conversation_id)] == ["sent"]


async def test_a_safety_line_leaves_though_a_person_took_over(line: Line) -> None:
    line.screen.results["he is here"] = a_hit(1)
    received = line.receive("he is here")
    line.claim(received.conversation_id, line.add_staff())

    await line.deliver_all()

    assert len(sent(line)) == 1


# --- one-time codes -------------------------------------------------------------------------------


CODE = "482913"


def queue_code(line: Line) -> None:
    text = line.texts.render("one_time_code", Channel.SMS, code=CODE)
    queue(line, text, lane=Lane.ONE_TIME_CODE, author=Author.SERVICE)


def holds_code(line: Line) -> bool:
    return any(CODE in repr(value) for rows in line.everything().values() for row in rows for value in row)


async def test_a_code_is_gone_from_every_table_once_it_was_sent(line: Line) -> None:
    queue_code(line)
    assert holds_code(line)

    await line.deliver_all()

    assert CODE in line.sender.sent[0].text
    assert not holds_code(line)
    assert line.row(outbox).text == line.texts.render("one_time_code_sent", Channel.SMS)


async def test_a_code_is_gone_from_every_table_once_it_failed(line: Line) -> None:
    queue_code(line)
    line.sender.outcomes = [FAILED]

    await line.deliver_all()

    assert not holds_code(line)


async def test_a_code_is_gone_from_every_table_after_the_last_try(line: Line) -> None:
    queue_code(line)
    line.sender.outcomes = [TRY_AGAIN] * 50

    await keep_trying(line, steps=40, seconds=400)

    assert line.row(outbox).status == "failed"
    assert not holds_code(line)


@pytest.mark.parametrize("first", [TRY_AGAIN, UNKNOWN])
async def test_a_code_that_must_be_tried_again_is_still_whole(line: Line, first: Delivery) -> None:
    queue_code(line)
    line.sender.outcomes = [first]

    await line.deliver_all()
    line.clock.advance(seconds=60)
    await line.deliver_all()

    assert CODE in line.sender.sent[0].text
    assert not holds_code(line)


async def test_other_messages_keep_their_words_after_sending(line: Line) -> None:
    queue(line, "hello")

    await line.deliver_all()

    assert line.row(outbox).text == "hello"


# --- codes have a time ------------------------------------------------------------------------------


def queue_code_for(line: Line, seconds: int = 600) -> None:
    text = line.texts.render("one_time_code", Channel.SMS, code=CODE)
    queue(line, text, lane=Lane.ONE_TIME_CODE, author=Author.SERVICE, valid_for_seconds=seconds)


async def test_the_provider_is_told_what_is_left_of_a_codes_time(line: Line) -> None:
    """Red when: the whole time is passed on: a code that waited nine minutes would live nineteen."""
    queue_code_for(line)
    line.clock.advance(seconds=240)

    await line.deliver_all()

    assert line.sender.sent[0].valid_for_seconds == 360


@pytest.mark.parametrize("first", [None, TRY_AGAIN, UNKNOWN])
async def test_a_code_whose_time_is_over_is_not_sent_or_sent_again(
    line: Line, first: Delivery | None
) -> None:
    """Red when: _find_seconds_left gives None. Its asker can ask again: see test_prove."""
    queue_code_for(line)
    if first is not None:
        line.sender.outcomes = [first]
        await line.deliver_all()
    line.clock.advance(seconds=601)

    await line.deliver_all()

    assert sent(line) == []
    assert (line.row(outbox).status, line.row(outbox).reason) == ("failed", "too_late")
    assert line.row(desk_item).reason == "code_not_sent"
    assert not holds_code(line)


async def test_a_code_past_its_time_that_did_leave_is_found(line: Line) -> None:
    queue_code_for(line)
    line.sender.outcomes = [UNKNOWN]
    line.sender.holds = SENT
    await line.deliver_all()
    line.clock.advance(seconds=601)

    await line.deliver_all()

    assert (line.row(outbox).status, line.rows(desk_item)) == ("sent", [])


async def test_whose_code_came_too_late_is_sent_the_next_one(line: Line) -> None:
    line.add_cases()
    line.receive("my reference is 43260012345")
    conversation_id = line.open(VICTIM)
    line.sender.outcomes = [TRY_AGAIN]
    line.database.write_now(lambda tx: prove.request_code(tx, conversation_id, REFERENCE))
    await line.issue_codes()
    await line.deliver_all()
    line.clock.advance(seconds=prove.CODE_SECONDS + 1)
    await line.deliver_all()
    assert line.row(outbox, kind="one_time_code").reason == "too_late"

    line.open(VICTIM)
    line.database.write_now(lambda tx: prove.request_code(tx, conversation_id, REFERENCE))
    await line.issue_codes()
    await line.deliver_all()

    [code] = [message for message in line.sender.sent if message.lane is Lane.ONE_TIME_CODE]
    assert line.codes.issued[-1] in code.text


# --- WhatsApp's window ------------------------------------------------------------------------------

ON_WHATSAPP = {"channel": Channel.WHATSAPP, "author": Author.STAFF, "lane": Lane.STAFF}
CLOSED = Delivery(status=OutboxStatus.FAILED, error_code="63016", failure="window_closed")


def queue_on_whatsapp(line: Line, text: str) -> str:
    conversation_id = line.open(VICTIM, Channel.WHATSAPP)
    message = an_outbound(conversation_id, text, **ON_WHATSAPP)
    line.database.write_now(lambda tx: tx.outbox.record(message, decision="test"))
    return conversation_id


async def test_a_window_the_provider_says_is_closed_holds_the_message(line: Line) -> None:
    queue_on_whatsapp(line, "hello")
    line.clock.advance(minutes=5)
    line.sender.outcomes = [CLOSED]

    await line.deliver_all()

    row = line.row(outbox, text="hello")
    assert (row.status, row.reason) == ("held", "window_closed")


async def test_a_window_the_provider_says_later_was_closed_holds_a_copy(line: Line) -> None:
    """Red when: follow_up does not ask hold_after_receipt: the words are lost and only a task is left."""
    line.name_failure = {"63016": "window_closed"}.get
    queue_on_whatsapp(line, "hello")
    line.clock.advance(minutes=5)
    await line.deliver_all()
    provider_id = line.row(outbox, text="hello").provider_message_id

    for _ in range(2):
        line.database.write_now(
            lambda tx: record_receipt(
                tx, provider_id, "failed", error_code="63016", name_failure=line.name_failure
            )
        )

    assert [(row.status, row.reason) for row in line.rows(outbox, text="hello")] == [
        ("sent", "window_closed"),
        ("held", "window_closed"),
    ]


async def test_a_code_is_not_held_for_a_window(line: Line) -> None:
    conversation_id = line.open(VICTIM, Channel.WHATSAPP)
    message = an_outbound(
        conversation_id, "a code", channel=Channel.WHATSAPP, lane=Lane.ONE_TIME_CODE, valid_for_seconds=600
    )
    line.database.write_now(lambda tx: tx.outbox.record(message, decision="test"))
    line.sender.outcomes = [CLOSED]

    await line.deliver_all()

    assert (line.row(outbox).status, line.row(outbox).reason) == ("failed", "window_closed")
    assert line.row(desk_item).reason == "code_not_sent"


async def test_nothing_is_given_to_the_provider_outside_the_window(line: Line) -> None:
    """Red when: _prepare does not ask is_window_open: WhatsApp refuses it, and Twilio charges for it."""
    line.add_cases()
    queue_on_whatsapp(line, "hello")
    line.clock.advance(hours=25)

    await line.deliver_all()

    assert "hello" not in sent(line)
    assert line.row(outbox, text="hello").status == "held"


async def test_a_database_that_goes_while_a_message_is_sent_holds_nothing_up_for_ever(line: Line) -> None:
    """Red when a worker renews whatever bears its name: the row would be its own, and nobody's, for ever."""
    queue(line, "hello")
    store = FailingStore(line.database)

    class Breaking(FakeSender):
        async def deliver(self, message: OutboundMessage) -> Delivery:
            store.failures = 1
            return await super().deliver(message)

    sender = Breaking(holds=SENT)
    delivering = replace(line.delivering("worker"), store=store, senders=dict.fromkeys(Channel, sender))
    with pytest.raises(sa.exc.OperationalError):
        await deliver.deliver_next_message(delivering)
    for _ in range(5):
        held = tuple(delivering.in_hand)
        line.database.write_now(
            lambda tx, held=held: tx.outbox.renew("worker", held, lease_seconds=deliver.LEASE_SECONDS)
        )
        line.clock.advance(seconds=3)
    await deliver.deliver_next_message(delivering)

    assert line.row(outbox).status == "sent"
    assert len(sender.sent) == 1


async def test_what_is_in_hand_is_renewed_and_let_go(line: Line) -> None:
    queue(line, "hello")
    delivering = line.delivering("worker")
    seen: list[set[int]] = []

    class Looking(FakeSender):
        async def deliver(self, message: OutboundMessage) -> Delivery:
            seen.append(set(delivering.in_hand))
            return await super().deliver(message)

    delivering = replace(delivering, senders=dict.fromkeys(Channel, Looking()))
    await deliver.deliver_next_message(delivering)

    assert seen == [{line.row(outbox).id}]
    assert delivering.in_hand == set()
