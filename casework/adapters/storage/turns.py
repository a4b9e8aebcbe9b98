"""Turns: one inbound message and all we did about it, leased to one worker at a time."""

from collections.abc import Collection
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.conversations import SqlConversations, screen_from_json
from casework.adapters.storage.statements import lease_row, lock_rows_for, new_id
from casework.adapters.storage.tables import TURN_UNFINISHED, inbox, status_in, turn
from casework.model.messages import Origin, find_written_at
from casework.services.ports import LeasedTurn, NewestTurn

MOST_LATE = 20
RECORD = sa.insert(turn)


@cache
def select_free(*columns: Any) -> sa.Select[Any]:
    """The turns that could be leased at the moment `now`, oldest first."""
    now = sa.bindparam("now", type_=turn.c.lease_until.type)
    other = turn.alias("other")
    # Before this one, or in flight: either way this conversation has to wait.
    ahead = sa.exists().where(
        other.c.conversation_id == turn.c.conversation_id,
        status_in(other, TURN_UNFINISHED),
        other.c.id != turn.c.id,
        sa.or_(
            other.c.inbox_id < turn.c.inbox_id,
            sa.and_(other.c.status == "leased", other.c.lease_until >= now),
        ),
    )
    is_free = sa.or_(
        turn.c.status == "waiting",
        sa.and_(turn.c.status == "leased", turn.c.lease_until < now),
    )
    return (
        sa.select(*columns)
        .join_from(turn, inbox, turn.c.inbox_id == inbox.c.id)
        .where(status_in(turn, TURN_UNFINISHED), is_free, ~ahead)
        .order_by(turn.c.inbox_id)
    )


@cache
def _find_next_turn(dialect: str) -> sa.Select[Any]:
    return lock_rows_for(dialect, select_free(turn, *_OF_INBOX).limit(1), turn)


# Built once: building them costs more than running them, and each turn asks them.
_OF_INBOX = (inbox.c.text, inbox.c.read_as, inbox.c.received_at, inbox.c.screen, inbox.c.details)
FINISH = (
    sa.update(turn)
    .where(turn.c.id == sa.bindparam("of"), turn.c.fence == sa.bindparam("held"), turn.c.status == "leased")
    .values(
        status=sa.bindparam("to_status"),
        outcome=sa.bindparam("what"),
        finished_at=sa.bindparam("at"),
        lease_until=None,
    )
)
# What was found late was stored last and written before: the times are looked at afterwards, over a few.
NEWEST = (
    sa.select(inbox.c.id, inbox.c.origin, inbox.c.received_at, inbox.c.sent_at, turn.c.outcome)
    .add_columns(turn.c.id.label("turn_id"))
    .join_from(inbox, turn, turn.c.inbox_id == inbox.c.id)
    .where(inbox.c.conversation_id == sa.bindparam("of"))
    .order_by(inbox.c.id.desc())
    .limit(MOST_LATE)
)


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
            RECORD,
            {
                "id": turn_id,
                "inbox_id": inbox_id,
                "conversation_id": conversation_id,
                "fence": 0,
                "attempts": 0,
                "created_at": self._now,
                **values,
            },
        )
        return turn_id

    def find_newest(self, conversation_id: str) -> NewestTurn | None:
        rows = self._connection.execute(NEWEST, {"of": conversation_id}).all()
        newest = max(rows, key=lambda row: (_written_at(row), row.id), default=None)
        return None if newest is None else NewestTurn(id=newest.turn_id, outcome=newest.outcome)

    def find_written_at(self, turn_id: str) -> datetime | None:
        query = sa.select(inbox.c.origin, inbox.c.received_at, inbox.c.sent_at).join_from(
            turn, inbox, turn.c.inbox_id == inbox.c.id
        )
        row = self._connection.execute(query.where(turn.c.id == turn_id)).first()
        return None if row is None else _written_at(row)

    def lease_next(self, worker_id: str, *, lease_seconds: float) -> LeasedTurn | None:
        next_turn = _find_next_turn(self._connection.dialect.name)
        row = self._connection.execute(next_turn, {"now": self._now}).first()
        if row is None:
            return None
        until = self._now + timedelta(seconds=lease_seconds)
        self._connection.execute(
            lease_row(turn), {"of": row.id, "to_status": "leased", "worker": worker_id, "until": until}
        )
        return LeasedTurn(
            id=row.id,
            inbox_id=row.inbox_id,
            conversation=SqlConversations(self._connection, self._now).get(row.conversation_id),
            text=row.text if row.read_as is None else row.read_as,
            received_at=row.received_at,
            screen=screen_from_json(row.screen),
            fence=row.fence + 1,
            attempts=row.attempts + 1,
            is_reworded=row.read_as is not None,
            left_for=(row.details or {}).get("left_for"),
        )

    def finish(self, leased: LeasedTurn, outcome: str) -> bool:
        finished = {"of": leased.id, "held": leased.fence, "to_status": "done"}
        result = self._connection.execute(FINISH, {**finished, "what": outcome, "at": self._now})
        return result.rowcount == 1

    def renew(self, worker_id: str, turn_ids: Collection[str], *, lease_seconds: float) -> None:
        if not turn_ids:
            return
        self._connection.execute(
            sa.update(turn)
            .where(turn.c.id.in_(turn_ids), status_in(turn, TURN_UNFINISHED), turn.c.leased_by == worker_id)
            .values(lease_until=self._now + timedelta(seconds=lease_seconds))
        )


def _written_at(row: Any) -> datetime:
    return find_written_at(Origin(row.origin), row.sent_at, row.received_at)
