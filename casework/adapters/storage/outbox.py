"""The outbox: saved before sent, sent in order, and never sent again before looking."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.statements import insert_once, lock_rows
from casework.adapters.storage.tables import (
    OUTBOX_UNFINISHED,
    conversation,
    delivery_attempt,
    delivery_event,
    outbox,
    status_in,
)
from casework.model.messages import Author, Channel, Lane, OutboundMessage, OutboxStatus
from casework.services.ports import LeasedDelivery


class SqlOutbox:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def record(
        self,
        message: OutboundMessage,
        *,
        decision: str,
        status: OutboxStatus = OutboxStatus.WAITING,
        reason: str | None = None,
    ) -> int | None:
        values = {
            "conversation_id": message.conversation_id,
            "turn_id": message.turn_id,
            "dedupe_key": message.dedupe_key,
            "lane": message.lane.value,
            "channel": message.channel.value,
            "to": message.to,
            "text": message.text,
            "choices": list(message.choices),
            "template": message.template,
            "author": message.author.value,
            "staff_id": message.staff_id,
            "epoch": message.epoch,
            "safe_contact_decision": decision,
            "valid_for_seconds": message.valid_for_seconds,
            "status": status.value,
            "reason": reason,
            "attempts": 0,
            "fence": 0,
            "not_before": self._now,
            "created_at": self._now,
        }
        return insert_once(self._connection, outbox, ["dedupe_key"], values)

    def lease_next(self, worker_id: str, *, lease_seconds: float) -> LeasedDelivery | None:
        row = self._connection.execute(lock_rows(self._connection, self._next_row(), outbox)).first()
        if row is None:
            return None
        self._connection.execute(
            sa.update(outbox)
            .where(outbox.c.id == row.id)
            .values(
                status=OutboxStatus.SENDING.value,
                fence=row.fence + 1,
                attempts=row.attempts + 1,
                leased_by=worker_id,
                lease_until=self._now + timedelta(seconds=lease_seconds),
            )
        )
        self._record_attempt(row.id, "started")
        return LeasedDelivery(
            outbox_id=row.id,
            message=_message(row),
            fence=row.fence + 1,
            attempts=row.attempts + 1,
            # A row found in SENDING was left there by a worker that died: it may have gone out.
            was_unknown=row.status != OutboxStatus.WAITING.value,
            first_attempt_at=self._first_attempt_at(row.id),
            is_withdrawn=row.lane == Lane.ASSISTANT.value and self._epoch(row.conversation_id) != row.epoch,
        )

    def _epoch(self, conversation_id: str) -> int:
        query = sa.select(conversation.c.epoch).where(conversation.c.id == conversation_id)
        return int(self._connection.execute(query).scalar_one())

    def _next_row(self) -> sa.Select[Any]:
        other = outbox.alias("other")
        ahead = sa.exists().where(
            other.c.conversation_id == outbox.c.conversation_id,
            status_in(other, OUTBOX_UNFINISHED),
            other.c.id != outbox.c.id,
            sa.or_(
                other.c.lane < outbox.c.lane,
                sa.and_(other.c.lane == outbox.c.lane, other.c.id < outbox.c.id),
                sa.and_(
                    other.c.status == OutboxStatus.SENDING.value,
                    other.c.lease_until >= self._now,
                ),
            ),
        )
        is_free = sa.or_(
            outbox.c.status.in_([OutboxStatus.WAITING.value, OutboxStatus.UNKNOWN.value]),
            outbox.c.lease_until < self._now,
        )
        return (
            sa.select(outbox)
            .where(status_in(outbox, OUTBOX_UNFINISHED), is_free, outbox.c.not_before <= self._now, ~ahead)
            .order_by(outbox.c.lane, outbox.c.id)
            .limit(1)
        )

    def _first_attempt_at(self, outbox_id: int) -> datetime | None:
        query = sa.select(sa.func.min(delivery_attempt.c.at)).where(delivery_attempt.c.outbox_id == outbox_id)
        return self._connection.execute(query).scalar()

    def record_outcome(
        self,
        delivery: LeasedDelivery,
        status: OutboxStatus,
        *,
        provider_message_id: str | None = None,
        error_code: str | None = None,
        retry_at: datetime | None = None,
        redact_to: str | None = None,
    ) -> bool:
        values: dict[str, object] = {"status": status.value, "lease_until": None}
        if provider_message_id is not None:
            values["provider_message_id"] = provider_message_id
        if status is OutboxStatus.SENT:
            values["sent_at"] = self._now
        if error_code is not None:
            values["reason"] = error_code
        if retry_at is not None:
            values["not_before"] = retry_at
        if redact_to is not None:
            values["text"] = redact_to
        result = self._connection.execute(
            sa.update(outbox)
            .where(outbox.c.id == delivery.outbox_id, outbox.c.fence == delivery.fence)
            .values(**values)
        )
        if result.rowcount != 1:
            return False
        self._record_attempt(delivery.outbox_id, status.value, error_code)
        return True

    def _record_attempt(self, outbox_id: int, outcome: str, error_code: str | None = None) -> None:
        self._connection.execute(
            sa.insert(delivery_attempt).values(
                outbox_id=outbox_id, at=self._now, outcome=outcome, error_code=error_code
            )
        )

    def renew(self, worker_id: str, *, lease_seconds: float) -> None:
        self._connection.execute(
            sa.update(outbox)
            .where(
                status_in(outbox, OUTBOX_UNFINISHED),
                outbox.c.status == OutboxStatus.SENDING.value,
                outbox.c.leased_by == worker_id,
            )
            .values(lease_until=self._now + timedelta(seconds=lease_seconds))
        )

    def suppress_waiting(self, conversation_id: str, *, authors: Sequence[Author], reason: str) -> int:
        result = self._connection.execute(
            sa.update(outbox)
            .where(
                outbox.c.conversation_id == conversation_id,
                outbox.c.status == OutboxStatus.WAITING.value,
                outbox.c.author.in_([author.value for author in authors]),
            )
            .values(status=OutboxStatus.SUPPRESSED.value, reason=reason)
        )
        return result.rowcount

    def find_by_provider_id(self, provider_message_id: str) -> tuple[int, str] | None:
        row = self._connection.execute(
            sa.select(outbox.c.id, outbox.c.conversation_id).where(
                outbox.c.provider_message_id == provider_message_id
            )
        ).first()
        return None if row is None else (row.id, row.conversation_id)

    def list_provider_ids(self, conversation_id: str) -> list[str]:
        query = sa.select(outbox.c.provider_message_id).where(
            outbox.c.conversation_id == conversation_id, outbox.c.provider_message_id.is_not(None)
        )
        return list(self._connection.execute(query.order_by(outbox.c.id.desc()).limit(500)).scalars())

    def has_failed_event(self, provider_message_id: str) -> bool:
        told = delivery_event.c.provider_message_id == provider_message_id
        failed = delivery_event.c.status.in_(["failed", "undelivered"])
        return bool(self._connection.execute(sa.select(sa.exists().where(told, failed))).scalar())

    def record_event(self, provider_message_id: str, status: str, error_code: str | None) -> None:
        self._connection.execute(
            sa.insert(delivery_event).values(
                provider_message_id=provider_message_id,
                status=status,
                error_code=error_code,
                received_at=self._now,
            )
        )


def _message(row: Any) -> OutboundMessage:
    return OutboundMessage(
        conversation_id=row.conversation_id,
        channel=Channel(row.channel),
        to=row.to,
        text=row.text,
        lane=Lane(row.lane),
        author=Author(row.author),
        template=row.template,
        dedupe_key=row.dedupe_key,
        epoch=row.epoch,
        turn_id=row.turn_id,
        staff_id=row.staff_id,
        choices=tuple(row.choices),
        valid_for_seconds=row.valid_for_seconds,
    )
