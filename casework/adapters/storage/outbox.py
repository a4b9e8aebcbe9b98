"""The outbox: saved before sent, sent in order, and never sent again before looking."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.sealed import seal
from casework.adapters.storage.statements import insert_once, lease_row, lock_rows, lock_rows_for
from casework.adapters.storage.tables import (
    OUTBOX_UNFINISHED,
    conversation,
    delivery_attempt,
    delivery_event,
    outbox,
    status_in,
)
from casework.model.delivery_states import FINAL, News, Reached, find_furthest
from casework.model.messages import (
    RANK_OF_STATE,
    Author,
    Channel,
    DeliveryState,
    Lane,
    NotSentReason,
    OutboundMessage,
    OutboxStatus,
    SendKind,
)
from casework.services.drill_addresses import is_drill_address
from casework.services.ports import LeasedDelivery, SilentMessage, StoredDelivery

PACED = NotSentReason.PACED.value
LONGEST_WORD = 32  # of a provider's word or code: what the tables hold


@cache
def select_due(*columns: Any) -> sa.Select[Any]:
    """The messages that could be leased at the moment `now`, most urgent first."""
    now = sa.bindparam("now", type_=outbox.c.not_before.type)
    other = outbox.alias("other")
    ahead = sa.exists().where(
        other.c.conversation_id == outbox.c.conversation_id,
        status_in(other, OUTBOX_UNFINISHED),
        other.c.id != outbox.c.id,
        # What waits for its hour holds nothing up; what waits for its turn or to be tried again does.
        sa.or_(other.c.not_before <= now, other.c.attempts > 0, other.c.reason == PACED),
        sa.or_(
            other.c.lane < outbox.c.lane,
            sa.and_(other.c.lane == outbox.c.lane, other.c.id < outbox.c.id),
            sa.and_(
                other.c.status == OutboxStatus.SENDING.value,
                other.c.lease_until >= now,
            ),
        ),
    )
    is_free = sa.or_(
        outbox.c.status.in_([OutboxStatus.WAITING.value, OutboxStatus.UNKNOWN.value]),
        outbox.c.lease_until < now,
    )
    return (
        sa.select(*columns)
        .where(status_in(outbox, OUTBOX_UNFINISHED), is_free, outbox.c.not_before <= now, ~ahead)
        .order_by(outbox.c.lane, outbox.c.id)
    )


@cache
def _find_next_row(dialect: str) -> sa.Select[Any]:
    return lock_rows_for(dialect, select_due(outbox).limit(1), outbox)


# Built once: building them costs more than running them, and each message asks them.
RECORD_ATTEMPT = sa.insert(delivery_attempt)
OF_CONVERSATION = sa.select(conversation.c.epoch, conversation.c.is_drill).where(
    conversation.c.id == sa.bindparam("of")
)
FIRST_ATTEMPT = sa.select(sa.func.min(delivery_attempt.c.at)).where(
    delivery_attempt.c.outbox_id == sa.bindparam("of")
)
NEWS = (
    sa.select(delivery_event)
    .where(delivery_event.c.provider_message_id == sa.bindparam("of"))
    .order_by(delivery_event.c.id)
)


@cache
def _held_for_news(dialect: str) -> sa.Select[Any]:
    held = sa.select(outbox.c.provider_message_id, outbox.c.delivery_state)
    held = held.where(outbox.c.id == sa.bindparam("of"))
    return held.with_for_update() if dialect == "postgresql" else held


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
        not_before: datetime | None = None,
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
            "menu_token": message.menu_token,
            "template": message.template,
            "author": message.author.value,
            "staff_id": message.staff_id,
            "epoch": message.epoch,
            "kind": message.kind.value,
            "safe_contact_decision": decision,
            "valid_for_seconds": message.valid_for_seconds,
            "status": status.value,
            "reason": reason,
            "attempts": 0,
            "fence": 0,
            "not_before": not_before or self._now,
            "created_at": self._now,
        }
        return insert_once(self._connection, outbox, ["dedupe_key"], seal(self._connection, outbox, values))

    def was_written(self, conversation_id: str, template: str, *, since: datetime) -> bool:
        query = sa.select(outbox.c.id).where(
            outbox.c.conversation_id == conversation_id,
            outbox.c.created_at >= since,
            outbox.c.template == template,
            outbox.c.status != OutboxStatus.SUPPRESSED.value,
        )
        return self._connection.execute(query.limit(1)).first() is not None

    def lease_next(self, worker_id: str, *, lease_seconds: float) -> LeasedDelivery | None:
        next_row = _find_next_row(self._connection.dialect.name)
        row = self._connection.execute(next_row, {"now": self._now}).first()
        if row is None:
            return None
        until = self._now + timedelta(seconds=lease_seconds)
        sending = {"of": row.id, "to_status": OutboxStatus.SENDING.value}
        self._connection.execute(lease_row(outbox), {**sending, "worker": worker_id, "until": until})
        self._record_attempt(row.id, "started")
        of = self._conversation(row.conversation_id)
        return LeasedDelivery(
            outbox_id=row.id,
            message=_message(row),
            fence=row.fence + 1,
            attempts=row.attempts + 1,
            # A row found in SENDING was left there by a worker that died: it may have gone out.
            was_unknown=row.status != OutboxStatus.WAITING.value,
            first_attempt_at=self._first_attempt_at(row.id) if row.attempts else self._now,
            created_at=row.created_at,
            is_withdrawn=row.lane == Lane.ASSISTANT.value and of.epoch != row.epoch,
            is_drill=of.is_drill or is_drill_address(row.to),
        )

    def is_leased(self, delivery: LeasedDelivery) -> bool:
        held = sa.select(outbox.c.id).where(
            outbox.c.id == delivery.outbox_id, outbox.c.fence == delivery.fence
        )
        return self._connection.execute(held).first() is not None

    def _conversation(self, conversation_id: str) -> Any:
        return self._connection.execute(OF_CONVERSATION, {"of": conversation_id}).one()

    def _first_attempt_at(self, outbox_id: int) -> datetime | None:
        return self._connection.execute(FIRST_ATTEMPT, {"of": outbox_id}).scalar()

    def record_outcome(
        self,
        delivery: LeasedDelivery,
        status: OutboxStatus,
        *,
        provider_message_id: str | None = None,
        error_code: str | None = None,
        failure: str | None = None,
        retry_at: datetime | None = None,
        redact_to: str | None = None,
    ) -> bool:
        is_sent = status is OutboxStatus.SENT
        reason = None if is_sent else failure or error_code
        values: dict[str, object] = {"status": status.value, "lease_until": None, "reason": reason}
        if provider_message_id is not None:
            self._hold_news_of(provider_message_id)
            values["provider_message_id"] = provider_message_id
        if is_sent:
            values["sent_at"] = self._now
        if retry_at is not None:
            values["not_before"] = retry_at
        if redact_to is not None:
            of = delivery.message
            named = {"conversation_id": of.conversation_id, "dedupe_key": of.dedupe_key, "text": redact_to}
            values["text"] = seal(self._connection, outbox, named)["text"]
        result = self._connection.execute(
            sa.update(outbox)
            .where(outbox.c.id == delivery.outbox_id, outbox.c.fence == delivery.fence)
            .values(**values)
        )
        if result.rowcount != 1:
            return False
        self._record_attempt(delivery.outbox_id, status.value, error_code)
        return True

    def postpone(self, delivery: LeasedDelivery, *, until: datetime) -> bool:
        result = self._connection.execute(
            sa.update(outbox)
            .where(outbox.c.id == delivery.outbox_id, outbox.c.fence == delivery.fence)
            .values(
                status=OutboxStatus.WAITING.value, lease_until=None, not_before=until, attempts=0, reason=None
            )
        )
        if result.rowcount != 1:
            return False
        self._record_attempt(delivery.outbox_id, "postponed")
        return True

    def put_back(self, delivery: LeasedDelivery, *, until: datetime) -> bool:
        # One that may have left stays one to be looked up first.
        status = OutboxStatus.UNKNOWN if delivery.was_unknown else OutboxStatus.WAITING
        result = self._connection.execute(
            sa.update(outbox)
            .where(outbox.c.id == delivery.outbox_id, outbox.c.fence == delivery.fence)
            .values(
                status=status.value,
                lease_until=None,
                not_before=until,
                attempts=delivery.attempts - 1,
                reason=PACED,
            )
        )
        return result.rowcount == 1

    def put_off(self, outbox_id: int, *, until: datetime) -> None:
        self._connection.execute(
            sa.update(outbox)
            .where(
                outbox.c.id == outbox_id,
                outbox.c.status == OutboxStatus.WAITING.value,
                outbox.c.not_before < until,
            )
            .values(not_before=until)
        )

    def _record_attempt(self, outbox_id: int, outcome: str, error_code: str | None = None) -> None:
        attempt = {"outbox_id": outbox_id, "at": self._now, "outcome": outcome, "error_code": error_code}
        self._connection.execute(RECORD_ATTEMPT, attempt)

    def renew(self, worker_id: str, outbox_ids: Collection[int], *, lease_seconds: float) -> None:
        if not outbox_ids:
            return
        self._connection.execute(
            sa.update(outbox)
            .where(
                outbox.c.id.in_(outbox_ids),
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

    def record_event(self, provider_message_id: str, status: str, error_code: str | None) -> None:
        self._hold_news_of(provider_message_id)
        self._connection.execute(
            sa.insert(delivery_event).values(
                provider_message_id=provider_message_id,
                status=status[:LONGEST_WORD],
                error_code=error_code[:LONGEST_WORD] if error_code else None,
                received_at=self._now,
            )
        )

    def _hold_news_of(self, provider_message_id: str) -> None:
        """Until the commit. The news of a message and the record that it left must see each other, whoever is first.

        SQLite has one writer and needs nothing.
        """
        if self._connection.dialect.name == "postgresql":
            key = sa.func.hashtextextended(provider_message_id, 0)
            self._connection.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))

    def project_news(self, outbox_id: int) -> tuple[DeliveryState | None, Reached] | None:
        held = _held_for_news(self._connection.dialect.name)
        row = self._connection.execute(held, {"of": outbox_id}).first()
        if row is None or row.provider_message_id is None:
            return None
        before = DeliveryState(row.delivery_state) if row.delivery_state else None
        reached = find_furthest(self._list_news(row.provider_message_id))
        if reached is None or (before and RANK_OF_STATE[reached.state] <= RANK_OF_STATE[before]):
            return None
        self._connection.execute(
            sa.update(outbox)
            .where(outbox.c.id == outbox_id)
            .values(delivery_state=reached.state.value, delivery_state_at=reached.at)
        )
        return before, reached

    def _list_news(self, provider_message_id: str) -> list[News]:
        rows = self._connection.execute(NEWS, {"of": provider_message_id})
        return [News(word=row.status, error_code=row.error_code, at=row.received_at) for row in rows]

    def get(self, outbox_id: int) -> StoredDelivery:
        row = self._connection.execute(sa.select(outbox).where(outbox.c.id == outbox_id)).one()
        return StoredDelivery(
            outbox_id=row.id,
            message=_message(row),
            created_at=row.created_at,
            delivery_state=DeliveryState(row.delivery_state) if row.delivery_state else None,
            sent_at=row.sent_at,
        )

    def set_reason(self, outbox_id: int, reason: str | None) -> None:
        self._connection.execute(sa.update(outbox).where(outbox.c.id == outbox_id).values(reason=reason))

    def has_written_since(self, outbox_id: int, *, copies: str) -> bool:
        row = self._connection.execute(
            sa.select(outbox.c.conversation_id).where(outbox.c.id == outbox_id)
        ).one()
        later = sa.exists().where(
            outbox.c.conversation_id == row.conversation_id,
            outbox.c.id > outbox_id,
            outbox.c.status != OutboxStatus.SUPPRESSED.value,
            ~outbox.c.dedupe_key.endswith(copies, autoescape=True),
        )
        return bool(self._connection.execute(sa.select(later)).scalar())

    def take_silent(
        self,
        channels: Sequence[Channel],
        *,
        left_after: datetime,
        not_since: datetime,
        young_after: datetime,
        young_not_since: datetime,
    ) -> SilentMessage | None:
        heard_at = sa.func.coalesce(outbox.c.delivery_state_at, outbox.c.sent_at)
        is_due = sa.or_(
            heard_at <= not_since, sa.and_(outbox.c.sent_at >= young_after, heard_at <= young_not_since)
        )
        query = (
            sa.select(outbox.c.id, outbox.c.channel, outbox.c.provider_message_id)
            .where(
                # Nothing is heard of a message before it leaves: this range is all there is to read.
                outbox.c.sent_at >= left_after,
                outbox.c.sent_at <= max(not_since, young_not_since),
                outbox.c.status == OutboxStatus.SENT.value,
                outbox.c.channel.in_([channel.value for channel in channels]),
                outbox.c.provider_message_id.is_not(None),
                sa.or_(
                    outbox.c.delivery_state.is_(None),
                    outbox.c.delivery_state.not_in([state.value for state in FINAL]),
                ),
                is_due,
            )
            .order_by(outbox.c.sent_at, outbox.c.id)
            .limit(1)
        )
        row = self._connection.execute(lock_rows(self._connection, query, outbox)).first()
        if row is None:
            return None
        self._connection.execute(
            sa.update(outbox).where(outbox.c.id == row.id).values(delivery_state_at=self._now)
        )
        return SilentMessage(
            outbox_id=row.id, channel=Channel(row.channel), provider_message_id=row.provider_message_id
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
        kind=SendKind(row.kind),
        turn_id=row.turn_id,
        staff_id=row.staff_id,
        choices=tuple(row.choices),
        menu_token=row.menu_token,
        valid_for_seconds=row.valid_for_seconds,
    )
