"""When the assistant was last asked what it must know, and what was heard: three marks, and nothing of anyone."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from casework.adapters.storage.keeping_tables import keeping_mark
from casework.adapters.storage.retention_rows import save_mark
from casework.adapters.storage.statements import insert_once
from casework.model.known_turns import Heard
from casework.services.readiness import LastHeard

BEGUN, HEARD, SINCE = "known_turns_begun", "known_turns_heard", "known_turns_since"
# As a number in the mark; a new outcome is added at the end.
NUMBERS = (Heard.WELL, Heard.AWAY, Heard.WRONG_REPLY, Heard.FALSE_DANGER, Heard.MISSED_DANGER)


class SqlKnownTurns:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def begin(self, every: timedelta) -> bool:
        is_due = sa.and_(keeping_mark.c.name == BEGUN, keeping_mark.c.at <= self._now - every)
        taken = self._connection.execute(sa.update(keeping_mark).where(is_due).values(at=self._now))
        if taken.rowcount:
            return True
        first = {"name": BEGUN, "last_id": 0, "at": self._now}
        return insert_once(self._connection, keeping_mark, ["name"], first) is not None

    def find(self) -> LastHeard | None:
        query = sa.select(keeping_mark).where(keeping_mark.c.name.in_((HEARD, SINCE)))
        found = {row.name: row for row in self._connection.execute(query)}
        if HEARD not in found:
            return None
        heard = found[HEARD]
        return LastHeard(heard=NUMBERS[heard.last_id], at=heard.at, since=found[SINCE].at)

    def record(self, heard: Heard, *, since: datetime) -> None:
        save_mark(self._connection, HEARD, NUMBERS.index(heard), self._now)
        save_mark(self._connection, SINCE, 0, since)
