"""The past-tense record, and the worker's sign of life."""

from datetime import datetime

import sqlalchemy as sa

from casework.adapters.storage.statements import insert
from casework.adapters.storage.tables import audit, worker_beat

RECORD = sa.insert(audit)


class SqlAudit:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def record(
        self, act: str, *, by: str, conversation_id: str | None = None, thing: str | None = None
    ) -> None:
        self._connection.execute(
            RECORD,
            {"at": self._now, "actor": by, "act": act, "conversation_id": conversation_id, "thing": thing},
        )


class SqlBeats:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def beat(self, worker_id: str) -> None:
        statement = insert(self._connection, worker_beat).values(worker_id=worker_id, beat_at=self._now)
        self._connection.execute(
            statement.on_conflict_do_update(index_elements=["worker_id"], set_={"beat_at": self._now})
        )

    def newest(self) -> datetime | None:
        return self._connection.execute(sa.select(sa.func.max(worker_beat.c.beat_at))).scalar()
