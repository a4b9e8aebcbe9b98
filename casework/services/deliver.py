"""Sending what is due: an attempt is recorded, the provider called, the result recorded."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache

from casework.model.delivery_failures import (
    OUTCOME_UNKNOWN,
    TOO_LATE,
    UNREACHABLE_NOW,
    WINDOW_CLOSED,
    get_failure,
)
from casework.model.messages import Author, Channel, Lane, NotSentReason, OutboundMessage, OutboxStatus
from casework.model.safe_contact import SendDecision, SendReason
from casework.model.staffed_hours import StaffedHours, load_staffed_hours
from casework.services import kill_switch, outgoing, restored, undelivered, windows
from casework.services.hand_off import keep_for_person
from casework.services.invites import INVITE_TEMPLATES
from casework.services.ports import Delivery, LeasedDelivery, NameFailure, Sender, Store, Transaction
from casework.services.promises import keep_promises
from casework.services.receipts import apply_news, name_nothing
from casework.services.service_texts import ServiceTexts

LEASE_SECONDS = 10
MAX_ATTEMPTS = 12
# Nothing of the message's: somebody pays a bill or sets a number, and the alarm says so. The plan's window ends them.
WAIT_FOR_PEOPLE = ("account_refused", "not_our_number")
LONGEST_WAIT_SECONDS = 300
# A request we gave up on may still be on its way to the provider; asking sooner proves nothing.
UNKNOWN_WAIT_SECONDS = 10

# Takes from a sender's allowance what a message costs: None and it may leave, or the moment to ask again.
Pace = Callable[[Transaction, OutboundMessage], datetime | None]
Record = Callable[[Transaction], None]


@dataclass(frozen=True, kw_only=True)
class Delivering:
    """What delivering needs, wired once. `name_failure` reads the codes in the provider's news.

    `shown`: the channels whose page reads the outbox itself; there a message is sent by being recorded as sent.
    """

    store: Store
    senders: Mapping[Channel, Sender]
    texts: ServiceTexts
    worker_id: str
    name_failure: NameFailure = name_nothing
    pace: Pace | None = None
    shown: frozenset[Channel] = frozenset()
    hours: StaffedHours = field(default_factory=cache(load_staffed_hours))
    monotonic: Callable[[], float] = time.monotonic
    # The messages being sent now: only these are renewed. Whatever broke, what is not here runs out.
    in_hand: set[int] = field(default_factory=set)


@dataclass(frozen=True, kw_only=True)
class _Taken:
    """A message in hand. `ready`: as it leaves, where that was decided as it was taken. None: still to be decided."""

    leased: LeasedDelivery
    is_settled: bool = False
    ready: OutboundMessage | None = None


async def deliver_next_message(
    delivering: Delivering, *, on_leased: Callable[[], None] = lambda: None
) -> bool:
    """Sends the most urgent due message. False when none is due.

    `on_leased` is called once there is one, before it is sent: somebody else may look for the next.
    """
    began = delivering.monotonic()
    taken = await _take_next(delivering)
    if taken is None:
        return False
    on_leased()
    if taken.is_settled:
        return True
    outbox_id = taken.leased.outbox_id
    delivering.in_hand.add(outbox_id)
    try:
        await _deliver_leased(delivering, taken, began)
    finally:
        delivering.in_hand.discard(outbox_id)
    return True


async def _take_next(delivering: Delivering) -> _Taken | None:
    try:
        return await delivering.store.write(lambda tx: _take(tx, delivering))
    except Exception:
        # Nothing of it was written. Step by step its failure is its own, and holds up no other message.
        leased = await delivering.store.write(lambda tx: _lease_next(tx, delivering))
        return None if leased is None else _Taken(leased=leased)


def _lease_next(tx: Transaction, delivering: Delivering) -> LeasedDelivery | None:
    leased = tx.outbox.lease_next(delivering.worker_id, lease_seconds=LEASE_SECONDS)
    return None if leased is None else restored.doubt(tx, leased)


def _take(tx: Transaction, delivering: Delivering) -> _Taken | None:
    """Leases the next and decides whether it leaves: nobody is waited for between that and the provider.

    Where a page shows it, everything is done with that. One that may have left is asked for first (`_deliver`).
    """
    leased = _lease_next(tx, delivering)
    if leased is None:
        return None
    if leased.is_drill:
        _keep_drill(tx, leased, delivering.texts)
        return _Taken(leased=leased, is_settled=True)
    is_shown = leased.message.channel in delivering.shown
    if not is_shown and (leased.was_unknown or leased.message.channel not in delivering.senders):
        return _Taken(leased=leased)
    message, record = _prepare(tx, delivering, leased)
    if record is None and is_shown:
        record = _settle(delivering, leased, Delivery(status=OutboxStatus.SENT))
    if record is None:
        record = _keep_pace(tx, delivering, leased, message)
    if record is None:
        return _Taken(leased=leased, ready=message)
    record(tx)
    return _Taken(leased=leased, is_settled=True)


def _keep_pace(
    tx: Transaction, delivering: Delivering, leased: LeasedDelivery, message: OutboundMessage
) -> Record | None:
    """What is recorded of a message that waits for its sender's pace. Last of all: what is not sent costs nothing."""
    until = None if delivering.pace is None else delivering.pace(tx, message)
    return None if until is None else lambda tx: _put_back(tx, leased, until)


async def _deliver_leased(delivering: Delivering, taken: _Taken, began: float) -> None:
    leased = taken.leased
    try:
        record = await _deliver(delivering, leased, taken.ready, began)
    except Exception:
        await delivering.store.write(_settle(delivering, leased, Delivery(status=OutboxStatus.UNKNOWN)))
        raise
    await delivering.store.write(record)


async def _deliver(
    delivering: Delivering, leased: LeasedDelivery, ready: OutboundMessage | None, began: float
) -> Record:
    """What is to be recorded of this attempt. The plan may have changed since the message was written."""
    if leased.is_drill:
        # Before a sender is so much as looked for: what it did not learn of, it cannot send or look up.
        return lambda tx: _keep_drill(tx, leased, delivering.texts)
    sender = delivering.senders.get(leased.message.channel)
    if sender is None:
        return _settle(
            delivering, leased, Delivery(status=OutboxStatus.FAILED, error_code=NotSentReason.NO_SENDER.value)
        )
    if leased.was_unknown and leased.first_attempt_at is not None:
        found = await sender.find_sent(leased.message, since=leased.first_attempt_at)
        if found is not None:
            return _settle(delivering, leased, found)
    if ready is None:
        ready, hindrance = await _make_ready(delivering, leased)
        if hindrance is not None:
            return hindrance
    if not await _is_still_ours(delivering, leased, began):
        return lambda tx: None
    return _settle(delivering, leased, await sender.deliver(ready))


async def _make_ready(
    delivering: Delivering, leased: LeasedDelivery
) -> tuple[OutboundMessage, Record | None]:
    message, hindrance = await delivering.store.read(lambda tx: _prepare(tx, delivering, leased))
    if hindrance is None:
        hindrance = await delivering.store.write(lambda tx: _keep_pace(tx, delivering, leased, message))
    return message, hindrance


async def _is_still_ours(delivering: Delivering, leased: LeasedDelivery, began: float) -> bool:
    """A worker that stood still for longer than its lease looks again: another may have sent it meanwhile."""
    if delivering.monotonic() - began <= LEASE_SECONDS:
        return True
    return await delivering.store.read(lambda tx: tx.outbox.is_leased(leased))


def _prepare(
    tx: Transaction, delivering: Delivering, leased: LeasedDelivery
) -> tuple[OutboundMessage, Record | None]:
    """The message as it leaves now, and what is to be recorded instead where it must not."""
    message = leased.message
    if leased.is_withdrawn or _is_overtaken(tx, message):
        return message, _settle(delivering, leased, _suppressed(NotSentReason.PERSON_TOOK_OVER.value))
    turn_id = message.turn_id
    if message.author is Author.ASSISTANT and turn_id and kill_switch.is_off(tx, message.channel):
        return message, lambda tx: _give_to_person(tx, delivering, leased, turn_id)
    moot = undelivered.find_moot(tx, leased)
    if moot is not None:
        return message, lambda tx: _record_moot(tx, leased, moot)
    left = _find_seconds_left(leased, tx.now)
    if left is not None and left <= 0:
        return message, _settle(delivering, leased, Delivery(status=OutboxStatus.FAILED, failure=TOO_LATE))
    decision = outgoing.decide(tx, message)
    if decision.allowed_from is not None:
        return message, lambda tx: postpone(tx, leased, decision)
    if not decision.allowed:
        return message, _settle(delivering, leased, _suppressed(decision.reason.value))
    if not windows.is_window_open(tx, message):
        return message, _settle(
            delivering, leased, Delivery(status=OutboxStatus.FAILED, failure=WINDOW_CLOSED)
        )
    # The provider is told what is left of its time, not what it had when it was written.
    return (message if left is None else replace(message, valid_for_seconds=left)), None


def _is_overtaken(tx: Transaction, message: OutboundMessage) -> bool:
    """A person took it since this was leased: looked at again, for a provider may be waited for in between."""
    is_assistants = message.lane is Lane.ASSISTANT
    return is_assistants and tx.conversations.get(message.conversation_id).epoch != message.epoch


def _give_to_person(tx: Transaction, delivering: Delivering, leased: LeasedDelivery, turn_id: str) -> None:
    """What the assistant said before it was switched off reaches nobody who has not had it."""
    conversation = tx.conversations.hold(leased.message.conversation_id)
    if tx.outbox.record_outcome(
        leased, OutboxStatus.SUPPRESSED, error_code=NotSentReason.ASSISTANT_OFF.value
    ):
        kill_switch.give_to_person(
            tx,
            conversation,
            turn_id=turn_id,
            inbox_id=None,
            texts=delivering.texts,
            hours=delivering.hours,
        )


def _find_seconds_left(leased: LeasedDelivery, now: datetime) -> int | None:
    """Of the time in which a message is worth anything; None where it always is."""
    valid_for = leased.message.valid_for_seconds
    if valid_for is None or leased.created_at is None:
        return valid_for
    return valid_for - int((now - leased.created_at).total_seconds())


def _suppressed(why: str) -> Delivery:
    return Delivery(status=OutboxStatus.SUPPRESSED, error_code=why)


def _settle(delivering: Delivering, leased: LeasedDelivery, delivery: Delivery) -> Record:
    return lambda tx: record_delivery(
        tx, leased, delivery, delivering.texts, name_failure=delivering.name_failure
    )


def postpone(tx: Transaction, leased: LeasedDelivery, decision: SendDecision) -> None:
    if decision.allowed_from is not None and tx.outbox.postpone(leased, until=decision.allowed_from):
        tx.audit.record(
            "message_postponed",
            by="worker",
            conversation_id=leased.message.conversation_id,
            thing=f"out-{leased.outbox_id}",
        )


def _keep_drill(tx: Transaction, leased: LeasedDelivery, texts: ServiceTexts) -> None:
    """Kept as it was written, and no task for anybody: nobody real waits for it."""
    recorded = tx.outbox.record_outcome(
        leased,
        OutboxStatus.SUPPRESSED,
        error_code=NotSentReason.DRILL.value,
        redact_to=_redacted(leased, OutboxStatus.SUPPRESSED, texts),
    )
    if recorded and leased.message.author is Author.STAFF:
        keep_promises(tx, leased.message.conversation_id, by=leased.message.staff_id or "officer")


def _put_back(tx: Transaction, leased: LeasedDelivery, until: datetime) -> None:
    tx.outbox.put_back(leased, until=until)


def _record_moot(tx: Transaction, leased: LeasedDelivery, why: str) -> None:
    if tx.outbox.record_outcome(leased, OutboxStatus.SUPPRESSED, error_code=why):
        undelivered.report_moot(tx, leased, why)


def record_delivery(
    tx: Transaction,
    leased: LeasedDelivery,
    delivery: Delivery,
    texts: ServiceTexts,
    *,
    name_failure: NameFailure = name_nothing,
) -> None:
    """Writes what came of an attempt; a message that cannot be delivered becomes a person's task."""
    status = _final(leased, delivery)
    if status is OutboxStatus.FAILED and delivery.status is OutboxStatus.UNKNOWN:
        delivery = replace(delivery, failure=OUTCOME_UNKNOWN)
    is_window_closed = status is OutboxStatus.FAILED and delivery.failure == WINDOW_CLOSED
    if is_window_closed and windows.hold_for_window(tx, leased, texts):
        return
    recorded = tx.outbox.record_outcome(
        leased,
        status,
        provider_message_id=delivery.provider_message_id,
        error_code=delivery.error_code,
        failure=delivery.failure,
        retry_at=tx.now + _wait(leased.attempts, delivery),
        redact_to=_redacted(leased, status, texts),
    )
    if not recorded:
        return
    if status is OutboxStatus.SENT:
        _record_sent(tx, leased, delivery, texts, name_failure)
    elif status is OutboxStatus.FAILED:
        failure = get_failure(delivery.failure)
        undelivered.follow_up(tx, leased.outbox_id, failure, texts, error_code=delivery.error_code)
    elif status is OutboxStatus.SUPPRESSED:
        _report_suppressed(tx, leased, delivery)
    elif delivery.failure is not None:
        undelivered.sound_alarm(tx, leased.message, get_failure(delivery.failure), delivery.error_code)


def _record_sent(
    tx: Transaction,
    leased: LeasedDelivery,
    delivery: Delivery,
    texts: ServiceTexts,
    name_failure: NameFailure,
) -> None:
    undelivered.end_alarms(tx, leased.message)
    if leased.message.author is Author.STAFF:
        keep_promises(tx, leased.message.conversation_id, by=leased.message.staff_id or "officer")
    # The provider's news can outrun this commit.
    if delivery.provider_message_id is not None:
        apply_news(tx, leased.outbox_id, texts, name_failure=name_failure)


def _report_suppressed(tx: Transaction, leased: LeasedDelivery, delivery: Delivery) -> None:
    if delivery.error_code in set(SendReason):
        outgoing.report_withheld(tx, leased.outbox_id, leased.message)
    else:
        keep_for_person(tx, leased.message.conversation_id, inbox_id=None)


def _final(leased: LeasedDelivery, delivery: Delivery) -> OutboxStatus:
    is_final = delivery.status in (OutboxStatus.SENT, OutboxStatus.FAILED, OutboxStatus.SUPPRESSED)
    waits_for_people = delivery.status is OutboxStatus.WAITING and delivery.failure in WAIT_FOR_PEOPLE
    if not is_final and not waits_for_people and leased.attempts >= MAX_ATTEMPTS:
        return OutboxStatus.FAILED
    if delivery.status is OutboxStatus.WAITING and delivery.failure == UNREACHABLE_NOW:
        # A phone that is off is not waited for at the head of the line: a copy leaves later.
        return OutboxStatus.FAILED
    return delivery.status


def _wait(attempts: int, delivery: Delivery) -> timedelta:
    # No power of more than that: what waits for people is tried thousands of times.
    seconds = min(LONGEST_WAIT_SECONDS, 0.5 * 2 ** min(attempts, MAX_ATTEMPTS)) * random.uniform(0.8, 1.2)
    seconds = max(seconds, delivery.retry_after_seconds or 0)
    if delivery.status is OutboxStatus.UNKNOWN:
        seconds = max(seconds, UNKNOWN_WAIT_SECONDS)
    return timedelta(seconds=seconds)


def _redacted(leased: LeasedDelivery, status: OutboxStatus, texts: ServiceTexts) -> str | None:
    is_over = status in (OutboxStatus.SENT, OutboxStatus.FAILED, OutboxStatus.SUPPRESSED)
    if leased.message.lane is Lane.ONE_TIME_CODE and is_over:
        return texts.render("one_time_code_sent", leased.message.channel)
    if leased.message.template in INVITE_TEMPLATES and is_over:
        return texts.render("invite_sent", leased.message.channel)
    return None
