"""Notices to staff who are on call: kept until they left or were given up. They never go through the victims' outbox.

A notice says that something waits and where to acknowledge it; nothing of what was written, nor by whom.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from casework.model.ladder import NoticeLimits
from casework.model.messages import Channel
from casework.model.rota import Way
from casework.services.ladder import make_token
from casework.services.ladder_ports import LeasedNotice, NoticeStatus
from casework.services.ports import Store, Transaction
from casework.services.service_texts import ServiceTexts

# Longer than any one attempt takes. A worker that dies leaves its notice to the others for this long.
LEASE_SECONDS = 25.0
SHORT_ID = 8
NOT_SET_UP, OF_A_DRILL, RAISED = "not_set_up", "drill", "fault"


class Came(StrEnum):
    """What one attempt came to. Where nobody knows whether it left, it is tried again: twice is better than never."""

    SENT = "sent"
    TRY_AGAIN = "try_again"
    NEVER = "never"


@dataclass(frozen=True, kw_only=True)
class Attempt:
    came: Came
    provider_message_id: str | None = None
    fault: str | None = None


@dataclass(frozen=True, kw_only=True)
class StaffNotice:
    """What leaves. `id` is the same at every attempt."""

    id: str
    to: str
    text: str
    link: str
    item: str  # the item's id, shortened


class NoticeSender(Protocol):
    async def deliver(self, notice: StaffNotice) -> Attempt:
        """One attempt; a provider's fault is never raised."""


@dataclass(frozen=True, kw_only=True)
class Notifying:
    """What sending notices needs, wired once. `console_url`: where a phone reaches the desk's acknowledgement page."""

    store: Store
    senders: Mapping[Way, NoticeSender]
    limits: NoticeLimits
    texts: ServiceTexts
    console_url: str
    key: str


async def send_next_notice(notifying: Notifying, way: Way) -> bool:
    """Tries one notice of that way. False when none is due."""
    if not await notifying.store.read(lambda tx: tx.staff_notices.has_next(way)):
        return False
    leased = await notifying.store.write(lambda tx: _lease(tx, way))
    if leased is None:
        return True
    attempt = await _try(notifying, leased)
    await notifying.store.write(lambda tx: _settle(tx, notifying.limits, leased, attempt))
    return True


def _lease(tx: Transaction, way: Way) -> LeasedNotice | None:
    """None as well for one that needs no sending, which is settled here."""
    leased = tx.staff_notices.lease_next(way, lease_seconds=LEASE_SECONDS)
    if leased is None:
        return None
    if leased.is_drill or not leased.is_needed:
        fault = OF_A_DRILL if leased.is_drill else None
        tx.staff_notices.settle(leased, NoticeStatus.WITHDRAWN, fault=fault)
        return None
    return leased


async def _try(notifying: Notifying, leased: LeasedNotice) -> Attempt:
    sender = notifying.senders.get(leased.way)
    if sender is None:
        return Attempt(came=Came.NEVER, fault=NOT_SET_UP)
    try:
        return await sender.deliver(write_notice(notifying, leased))
    except Exception:
        # Of one way to one person: it must neither stay leased for long nor hold up the next.
        return Attempt(came=Came.TRY_AGAIN, fault=RAISED)


def write_notice(notifying: Notifying, leased: LeasedNotice) -> StaffNotice:
    link = f"{notifying.console_url}/a/{make_token(notifying.key, leased.escalation_id)}"
    item = leased.item_id[:SHORT_ID]
    text = notifying.texts.render("on_call_notice", Channel.SMS, link=link, item=item)
    return StaffNotice(id=leased.id, to=leased.to, text=text, link=link, item=item)


def _settle(tx: Transaction, limits: NoticeLimits, leased: LeasedNotice, attempt: Attempt) -> None:
    if attempt.came is Came.SENT:
        tx.staff_notices.settle(
            leased, NoticeStatus.SENT, provider_message_id=attempt.provider_message_id, fault=None
        )
    elif attempt.came is Came.TRY_AGAIN and leased.attempts < limits.tries:
        until = tx.now + limits.waits[leased.attempts - 1]
        tx.staff_notices.retry(leased, until=until, fault=attempt.fault or RAISED)
    elif tx.staff_notices.settle(leased, NoticeStatus.FAILED, fault=attempt.fault):
        _give_up(tx, leased.item_id, leased.conversation_id)


def _give_up(tx: Transaction, item_id: str, conversation_id: str) -> None:
    # The ladder looks at once: where nothing of it can arrive, the next step is due.
    tx.conversations.hold(conversation_id)
    tx.ladder.set_due(item_id, tx.now)
    tx.audit.record("notice_given_up", by="worker", conversation_id=conversation_id, thing=item_id)


async def note_next_undelivered(store: Store) -> bool:
    """A text that the provider took and could not bring is a failure like any other. False when there is none."""
    return await store.write(_note_undelivered) if await store.read(_has_undelivered) else False


def _has_undelivered(tx: Transaction) -> bool:
    return tx.staff_notices.has_undelivered()


def _note_undelivered(tx: Transaction) -> bool:
    item_id = tx.staff_notices.take_undelivered()
    if item_id is not None:
        tx.ladder.set_due(item_id, tx.now)
    return item_id is not None
