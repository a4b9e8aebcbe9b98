"""Candidates that were or are asked beside the live model."""

from datetime import datetime

import sqlalchemy as sa

from casework.adapters.storage.model_tables import comparison, shadow
from casework.adapters.storage.statements import insert
from casework.adapters.storage.tables import inbox
from casework.services.shadow_ports import Shadow

ONLY_SEAT = 1
_SHADOW = sa.select(
    shadow.c.id,
    shadow.c.model_id,
    comparison.c.against_id,
    shadow.c.started_by,
    shadow.c.since,
    shadow.c.until,
    shadow.c.last_inbox_id,
    shadow.c.unanswered,
    shadow.c.ended_at,
    shadow.c.why_ended,
).join_from(shadow, comparison, comparison.c.id == shadow.c.id)
_OPEN = _SHADOW.where(shadow.c.ended_at.is_(None))


class SqlShadows:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def start(self, shadow_id: str, model_id: str, *, by: str, until: datetime) -> bool:
        newest = sa.select(sa.func.coalesce(sa.func.max(inbox.c.id), 0)).scalar_subquery()
        statement = insert(self._connection, shadow).values(
            id=shadow_id,
            model_id=model_id,
            seat=ONLY_SEAT,
            started_by=by,
            since=self._now,
            until=until,
            last_inbox_id=newest,
            unanswered=0,
        )
        started = self._connection.execute(statement.on_conflict_do_nothing().returning(shadow.c.id))
        return started.first() is not None

    def find_open(self) -> Shadow | None:
        return self._find(_OPEN)

    def hold_open(self) -> Shadow | None:
        # SQLite ignores FOR UPDATE: its one writer holds everything already.
        return self._find(_OPEN.with_for_update(of=shadow))

    def find_newest(self, model_id: str | None = None) -> Shadow | None:
        query = _SHADOW.order_by(shadow.c.since.desc(), shadow.c.id).limit(1)
        return self._find(query if model_id is None else query.where(shadow.c.model_id == model_id))

    def _find(self, query: sa.Select[tuple[object, ...]]) -> Shadow | None:
        row = self._connection.execute(query).first()
        return None if row is None else Shadow(**row._mapping)

    def advance(self, shadow_id: str, *, last_inbox_id: int, unanswered: int) -> None:
        self._connection.execute(
            sa.update(shadow)
            .where(shadow.c.id == shadow_id)
            .values(last_inbox_id=last_inbox_id, unanswered=shadow.c.unanswered + unanswered)
        )

    def end(self, shadow_id: str, *, why: str, by: str) -> None:
        self._connection.execute(
            sa.update(shadow)
            .where(shadow.c.id == shadow_id)
            .values(ended_at=self._now, ended_by=by, why_ended=why)
        )
