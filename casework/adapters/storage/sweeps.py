"""What the provider lists compared with what we hold, and what each comparing came to."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from casework.adapters.storage.tables import (
    OUTBOX_UNFINISHED,
    conversation,
    held_count,
    inbox,
    outbox,
    status_in,
    sweep_run,
)
from casework.model.messages import Channel, DeliveryState, OutboxStatus
from casework.services.ports import HeldCount, SweepCount, SweepRun

MOST_AT_ONCE = 500
# A row that stands for a wish and not for a comparing; the next comparing finishes it.
ASKED = "asked"


class SqlSweeps:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def start(self, provider: str) -> int:
        self._connection.execute(
            sa.update(sweep_run).where(*_asked(provider, self._now)).values(finished_at=self._now)
        )
        values = {"listed_in": 0, "missing_in": 0, "listed_out": 0, "missing_out": 0}
        made = self._connection.execute(
            sa.insert(sweep_run)
            .values(provider=provider, started_at=self._now, **values)
            .returning(sweep_run.c.id)
        )
        return int(made.scalar_one())

    def finish(self, run_id: int, counted: SweepCount, *, fault: str | None = None) -> None:
        self._connection.execute(
            sa.update(sweep_run)
            .where(sweep_run.c.id == run_id)
            .values(
                finished_at=self._now,
                listed_in=counted.listed_in,
                missing_in=counted.missing_in,
                listed_out=counted.listed_out,
                missing_out=counted.missing_out,
                fault=fault[:96] if fault else None,
            )
        )

    def find_newest(self, provider: str) -> SweepRun | None:
        row = self._connection.execute(
            sa.select(sweep_run)
            .where(
                sweep_run.c.provider == provider,
                sweep_run.c.finished_at.is_not(None),
                sweep_run.c.fault.is_(None),
            )
            .order_by(sweep_run.c.started_at.desc(), sweep_run.c.id.desc())
            .limit(1)
        ).first()
        if row is None:
            return None
        counted = SweepCount(
            listed_in=row.listed_in,
            missing_in=row.missing_in,
            listed_out=row.listed_out,
            missing_out=row.missing_out,
        )
        return SweepRun(started_at=row.started_at, finished_at=row.finished_at, counted=counted)

    def ask(self, provider: str) -> None:
        if not self.is_asked(provider):
            run_id = self.start(provider)
            self._connection.execute(sa.update(sweep_run).where(sweep_run.c.id == run_id).values(fault=ASKED))

    def is_asked(self, provider: str) -> bool:
        return bool(
            self._connection.execute(sa.select(sa.exists().where(*_asked(provider, self._now)))).scalar()
        )

    def find_conversations_in(self, channel: Channel, provider_ids: Sequence[str]) -> dict[str, str]:
        only = inbox.c.channel == channel.value
        return self._find(inbox.c.provider_message_id, inbox.c.conversation_id, provider_ids, only)

    def find_conversations_out(self, provider_ids: Sequence[str]) -> dict[str, str]:
        return self._find(outbox.c.provider_message_id, outbox.c.conversation_id, provider_ids, sa.true())

    def find_conversations_with(self, channel: Channel, external_ids: Sequence[str]) -> dict[str, str]:
        only = conversation.c.channel == channel.value
        return self._find(conversation.c.external_id, conversation.c.id, external_ids, only)

    def list_sent(self, channels: Sequence[Channel], *, since: datetime, until: datetime) -> list[str]:
        query = sa.select(outbox.c.provider_message_id).where(
            outbox.c.channel.in_([channel.value for channel in channels]),
            outbox.c.status == OutboxStatus.SENT.value,
            outbox.c.provider_message_id.is_not(None),
            outbox.c.sent_at >= since,
            outbox.c.sent_at <= until,
        )
        return list(self._connection.execute(query.order_by(outbox.c.id)).scalars())

    def find_states(self, provider_ids: Sequence[str]) -> dict[str, DeliveryState | None]:
        found = self._find(outbox.c.provider_message_id, outbox.c.delivery_state, provider_ids, sa.true())
        return {each: DeliveryState(state) if state else None for each, state in found.items()}

    def look_up_now(self, channel: Channel, to: str, *, until: datetime) -> int:
        unsettled = (
            outbox.c.channel == channel.value,
            outbox.c.to == to,
            status_in(outbox, OUTBOX_UNFINISHED),
            outbox.c.status.in_([OutboxStatus.UNKNOWN.value, OutboxStatus.SENDING.value]),
            outbox.c.created_at <= until,
        )
        self._connection.execute(
            sa.update(outbox)
            .where(*unsettled, outbox.c.status == OutboxStatus.UNKNOWN.value, outbox.c.not_before > self._now)
            .values(not_before=self._now)
        )
        counted = self._connection.execute(sa.select(sa.func.count()).select_from(outbox).where(*unsettled))
        return int(counted.scalar_one())

    def _find(
        self, key: sa.Column[str], value: sa.Column[str], wanted: Sequence[str], only: sa.ColumnElement[bool]
    ) -> dict[str, str]:
        found: dict[str, str] = {}
        for start in range(0, len(wanted), MOST_AT_ONCE):
            part = wanted[start : start + MOST_AT_ONCE]
            rows = self._connection.execute(sa.select(key, value).where(only, key.in_(part)))
            found.update((row[0], row[1]) for row in rows)
        return found

    def record_held(self, conversation_id: str, *, since: datetime, listed: int, held: int) -> None:
        values = {"since": since, "listed": listed, "held": held, "counted_at": self._now}
        changed = self._connection.execute(
            sa.update(held_count).where(held_count.c.conversation_id == conversation_id).values(**values)
        )
        if changed.rowcount == 0:
            self._connection.execute(sa.insert(held_count).values(conversation_id=conversation_id, **values))

    def find_held(self, conversation_id: str) -> HeldCount | None:
        row = self._connection.execute(
            sa.select(held_count).where(held_count.c.conversation_id == conversation_id)
        ).first()
        if row is None:
            return None
        return HeldCount(since=row.since, listed=row.listed, held=row.held, counted_at=row.counted_at)


def _asked(provider: str, now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        sweep_run.c.provider == provider,
        sweep_run.c.started_at >= now - timedelta(days=1),
        sweep_run.c.fault == ASKED,
        sweep_run.c.finished_at.is_(None),
    )
