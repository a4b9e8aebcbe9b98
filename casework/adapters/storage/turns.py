"""Turns: one inbound message and all we did about it, leased to one worker at a time."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from casework.adapters.storage.conversations import SqlConversations, screen_from_json
from casework.adapters.storage.statements import lock_rows, new_id
from casework.adapters.storage.tables import TURN_UNFINISHED, inbox, status_in, turn
from casework.services.ports import LeasedTurn


class SqlTurns:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def record_waiting(self, inbox_id: int, conversation_id: str) -> str:
        return self._record(inbox_id, conversation_id, status="waiting", outcome=None, finished_at=None)

    def record_finished(self, inbox_id: int, conversation_id: str, outcome: str) -> str:
        return self._record(inbox_id, conversation_id, status="done", outcome=outcome, finished_at=self._now)

    def _record(self, inbox_id: int, conversation_id: str, **values: object) -> str:
        turn_id = new_id()
        self._connection.execute(
            sa.insert(turn).values(
                id=turn_id,
                inbox_id=inbox_id,
                conversation_id=conversation_id,
                fence=0,
                attempts=0,
                created_at=self._now,
                **values,
            )
        )
        return turn_id

    def lease_next(self, worker_id: str, *, lease_seconds: float) -> LeasedTurn | None:
        row = self._connection.execute(lock_rows(self._connection, self._next_turn(), turn)).first()
        if row is None:
            return None
        self._connection.execute(
            sa.update(turn)
            .where(turn.c.id == row.id)
            .values(
                status="leased",
                fence=row.fence + 1,
                attempts=row.attempts + 1,
                leased_by=worker_id,
                lease_until=self._now + timedelta(seconds=lease_seconds),
            )
        )
        return LeasedTurn(
            id=row.id,
            inbox_id=row.inbox_id,
            conversation=SqlConversations(self._connection, self._now).get(row.conversation_id),
            text=row.text,
            received_at=row.received_at,
            screen=screen_from_json(row.screen),
            fence=row.fence + 1,
            attempts=row.attempts + 1,
        )

    def _next_turn(self) -> sa.Select[tuple[object, ...]]:
        other = turn.alias("other")
        # Before this one, or in flight: either way this conversation has to wait.
        ahead = sa.exists().where(
            other.c.conversation_id == turn.c.conversation_id,
            status_in(other, TURN_UNFINISHED),
            other.c.id != turn.c.id,
            sa.or_(
                other.c.inbox_id < turn.c.inbox_id,
                sa.and_(other.c.status == "leased", other.c.lease_until >= self._now),
            ),
        )
        is_free = sa.or_(
            turn.c.status == "waiting",
            sa.and_(turn.c.status == "leased", turn.c.lease_until < self._now),
        )
        return (
            sa.select(turn, inbox.c.text, inbox.c.received_at, inbox.c.screen)
            .join_from(turn, inbox, turn.c.inbox_id == inbox.c.id)
            .where(status_in(turn, TURN_UNFINISHED), is_free, ~ahead)
            .order_by(turn.c.inbox_id)
            .limit(1)
        )

    def finish(self, leased: LeasedTurn, outcome: str) -> bool:
        result = self._connection.execute(
            sa.update(turn)
            .where(turn.c.id == leased.id, turn.c.fence == leased.fence, turn.c.status == "leased")
            .values(status="done", outcome=outcome, finished_at=self._now, lease_until=None)
        )
        return result.rowcount == 1

    def release(self, leased: LeasedTurn) -> None:
        self._connection.execute(
            sa.update(turn)
            .where(turn.c.id == leased.id, turn.c.fence == leased.fence, turn.c.status == "leased")
            .values(leased_by=None)
        )

    def renew(self, worker_id: str, *, lease_seconds: float) -> None:
        self._connection.execute(
            sa.update(turn)
            .where(status_in(turn, TURN_UNFINISHED), turn.c.leased_by == worker_id)
            .values(lease_until=self._now + timedelta(seconds=lease_seconds))
        )
