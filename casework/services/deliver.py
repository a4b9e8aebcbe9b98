"""Sending what is due: an attempt is recorded, the provider called, the result recorded."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from casework.model.desk import HandoffReason
from casework.model.messages import Channel, Lane, OutboxStatus
from casework.services.hand_off import keep_for_person, request_person
from casework.services.ports import Delivery, LeasedDelivery, Sender, Store, Transaction
from casework.services.service_texts import ServiceTexts

LEASE_SECONDS = 10
MAX_ATTEMPTS = 12
LONGEST_WAIT_SECONDS = 300
# A request we gave up on may still be on its way to the provider; asking sooner proves nothing.
UNKNOWN_WAIT_SECONDS = 10


@dataclass(frozen=True, kw_only=True)
class Delivering:
    """What delivering needs, wired once."""

    store: Store
    senders: Mapping[Channel, Sender]
    texts: ServiceTexts
    worker_id: str


async def deliver_next_message(delivering: Delivering) -> bool:
    """Sends the most urgent due message. False when none is due."""
    leased = await delivering.store.write(
        lambda tx: tx.outbox.lease_next(delivering.worker_id, lease_seconds=LEASE_SECONDS)
    )
    if leased is None:
        return False
    try:
        delivery = await _deliver(delivering.senders.get(leased.message.channel), leased)
    except Exception:
        unknown = Delivery(status=OutboxStatus.UNKNOWN)
        await delivering.store.write(lambda tx: record_delivery(tx, leased, unknown, delivering.texts))
        raise
    await delivering.store.write(lambda tx: record_delivery(tx, leased, delivery, delivering.texts))
    return True


async def _deliver(sender: Sender | None, leased: LeasedDelivery) -> Delivery:
    if sender is None:
        return Delivery(status=OutboxStatus.FAILED, error_code="no_sender")
    if leased.was_unknown and leased.first_attempt_at is not None:
        found = await sender.find_sent(leased.message, since=leased.first_attempt_at)
        if found is not None:
            return found
    if leased.is_withdrawn:
        return Delivery(status=OutboxStatus.SUPPRESSED, error_code="person_took_over")
    return await sender.deliver(leased.message)


def record_delivery(tx: Transaction, leased: LeasedDelivery, delivery: Delivery, texts: ServiceTexts) -> None:
    """Writes what came of an attempt; a message that cannot be delivered becomes a person's task."""
    status = _final(leased, delivery)
    recorded = tx.outbox.record_outcome(
        leased,
        status,
        provider_message_id=delivery.provider_message_id,
        error_code=delivery.error_code,
        retry_at=tx.now + _wait(leased.attempts, delivery),
        redact_to=_redacted(leased, status, texts),
    )
    conversation_id, provider_id = leased.message.conversation_id, delivery.provider_message_id
    if not recorded:
        return
    if status is OutboxStatus.SUPPRESSED:
        keep_for_person(tx, conversation_id, inbox_id=None)
    # The provider's news can outrun this commit.
    if status is OutboxStatus.FAILED or (provider_id and tx.outbox.has_failed_event(provider_id)):
        report_undelivered(tx, leased.outbox_id, conversation_id)


def report_undelivered(tx: Transaction, outbox_id: int, conversation_id: str) -> None:
    """A person's task, once for each message however often the failure is told."""
    key = f"not_delivered:out-{outbox_id}"
    request_person(tx, conversation_id, HandoffReason.NOT_DELIVERED, inbox_id=None, dedupe_key=key)


def _final(leased: LeasedDelivery, delivery: Delivery) -> OutboxStatus:
    is_final = delivery.status in (OutboxStatus.SENT, OutboxStatus.FAILED, OutboxStatus.SUPPRESSED)
    if not is_final and leased.attempts >= MAX_ATTEMPTS:
        return OutboxStatus.FAILED
    return delivery.status


def _wait(attempts: int, delivery: Delivery) -> timedelta:
    if delivery.retry_after_seconds is not None:
        return timedelta(seconds=delivery.retry_after_seconds)
    seconds = min(LONGEST_WAIT_SECONDS, 0.5 * 2**attempts) * random.uniform(0.8, 1.2)
    if delivery.status is OutboxStatus.UNKNOWN:
        seconds = max(seconds, UNKNOWN_WAIT_SECONDS)
    return timedelta(seconds=seconds)


def _redacted(leased: LeasedDelivery, status: OutboxStatus, texts: ServiceTexts) -> str | None:
    is_over = status in (OutboxStatus.SENT, OutboxStatus.FAILED)
    if leased.message.lane is not Lane.ONE_TIME_CODE or not is_over:
        return None
    return texts.render("one_time_code_sent", leased.message.channel)
