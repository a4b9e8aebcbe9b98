"""What waits to be done, of every kind in one statement: a worker asks at each commit, and mostly there is nothing."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.outbox import select_due
from casework.adapters.storage.tables import (
    CODE_REQUEST_WAITING,
    code_request,
    duress_check,
    outbox,
    status_in,
    turn,
)
from casework.adapters.storage.turns import select_free
from casework.services.work_ports import Work

MOST = 2


@cache
def _count_all() -> sa.Select[Any]:
    now = sa.bindparam("now", type_=duress_check.c.due_at.type)
    one: sa.Label[int] = sa.literal_column("1").label("one")
    rows = {
        Work.TURN: select_free(turn.c.id),
        Work.MESSAGE: select_due(outbox.c.id),
        Work.CODE: sa.select(one).where(status_in(code_request, CODE_REQUEST_WAITING)),
        Work.DURESS_CHECK: sa.select(one).where(duress_check.c.due_at <= now),
    }
    counts: list[sa.ColumnElement[Any]] = [_count(found).label(work) for work, found in rows.items()]
    return sa.select(*counts)


def _count(rows: sa.Select[Any]) -> sa.ScalarSelect[int]:
    return sa.select(sa.func.count()).select_from(rows.limit(MOST).subquery()).scalar_subquery()


class SqlWaitingWork:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def count(self) -> Mapping[Work, int]:
        row = self._connection.execute(_count_all(), {"now": self._now}).mappings().one()
        return {work: row[work] for work in Work}
