"""What the service cannot put right by itself, until somebody has."""

from datetime import datetime

import sqlalchemy as sa

from casework.adapters.storage.tables import alarm
from casework.services.ports import Alarm

# Built once: each message that is sent asks it.
END = (
    sa.update(alarm)
    .where(alarm.c.kind == sa.bindparam("of"), alarm.c.ended_at.is_(None))
    .values(ended_at=sa.bindparam("now"))
)


class SqlAlarms:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def sound(self, kind: str, detail: str) -> bool:
        held = self._connection.execute(
            sa.update(alarm)
            .where(alarm.c.kind == kind, alarm.c.ended_at.is_(None))
            .values(last_at=self._now, detail=detail[:200])
        )
        if held.rowcount:
            return False
        self._connection.execute(
            sa.insert(alarm).values(kind=kind, detail=detail[:200], since=self._now, last_at=self._now)
        )
        return True

    def end(self, kind: str) -> bool:
        ended = self._connection.execute(END, {"of": kind, "now": self._now})
        return ended.rowcount > 0

    def list_open(self) -> list[Alarm]:
        rows = self._connection.execute(
            sa.select(alarm).where(alarm.c.ended_at.is_(None)).order_by(alarm.c.since, alarm.c.id)
        ).all()
        return [Alarm(kind=row.kind, detail=row.detail, since=row.since, last_at=row.last_at) for row in rows]
