"""Messages of ours that wait, not for an hour but for the person to write: their channel takes none until then."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from casework.adapters.storage.tables import OUTBOX_UNFINISHED, outbox, status_in
from casework.model.messages import Lane, OutboxStatus


class SqlHeldMessages:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def release(self, conversation_id: str) -> int:
        result = self._connection.execute(
            sa.update(outbox)
            .where(outbox.c.conversation_id == conversation_id, outbox.c.status == OutboxStatus.HELD.value)
            .values(status=OutboxStatus.WAITING.value, reason=None, not_before=self._now, attempts=0)
        )
        return result.rowcount

    def list_in_lane(self, conversation_id: str, lane: Lane) -> list[int]:
        query = sa.select(outbox.c.id).where(
            outbox.c.conversation_id == conversation_id,
            outbox.c.status == OutboxStatus.HELD.value,
            outbox.c.lane == lane.value,
        )
        return list(self._connection.scalars(query.order_by(outbox.c.id)))

    def give_up(self, outbox_id: int, *, reason: str) -> None:
        self._connection.execute(
            sa.update(outbox)
            .where(outbox.c.id == outbox_id, outbox.c.status == OutboxStatus.HELD.value)
            .values(status=OutboxStatus.FAILED.value, reason=reason)
        )

    def find_newest(self, conversation_id: str) -> int | None:
        query = sa.select(sa.func.max(outbox.c.id)).where(
            outbox.c.conversation_id == conversation_id, outbox.c.status == OutboxStatus.HELD.value
        )
        return self._connection.execute(query).scalar()

    def withdraw_nudges(
        self, conversation_ids: Sequence[str], key_starts: tuple[str, ...], *, reason: str
    ) -> int:
        starts = [outbox.c.dedupe_key.startswith(start, autoescape=True) for start in key_starts]
        result = self._connection.execute(
            sa.update(outbox)
            .where(
                outbox.c.conversation_id.in_(conversation_ids),
                status_in(outbox, OUTBOX_UNFINISHED),
                outbox.c.status == OutboxStatus.WAITING.value,
                sa.or_(*starts),
            )
            .values(status=OutboxStatus.SUPPRESSED.value, reason=reason)
        )
        return result.rowcount
