"""A trial with a few people: whether one goes on, and who takes part."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.sealed import seal
from casework.adapters.storage.statements import insert_once, new_id
from casework.adapters.storage.switch_tables import trial, trial_entry
from casework.adapters.storage.tables import staff_member
from casework.services.switch_ports import Trial, TrialEntry


class SqlTrials:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def start(self, *, by: str) -> str | None:
        if self.find_current() is not None:
            return None
        made = new_id()
        self._connection.execute(sa.insert(trial).values(id=made, since=self._now, by_id=by))
        return made

    def end(self, *, by: str) -> bool:
        ended = self._connection.execute(
            sa.update(trial).where(trial.c.ended_at.is_(None)).values(ended_at=self._now, ended_by=by)
        )
        return ended.rowcount > 0

    def find_current(self) -> Trial | None:
        row = self._connection.execute(_CURRENT).first()
        return None if row is None else Trial(id=row.id, since=row.since, by_name=row.display_name)

    def add_number(self, number: str, *, by: str) -> str | None:
        return self._add(by, number=number)

    def add_prefix(self, reference_prefix: str, *, by: str) -> str | None:
        return self._add(by, reference_prefix=reference_prefix)

    def _add(self, by: str, **what: str) -> str | None:
        values = {"id": new_id(), "added_at": self._now, "added_by": by, **what}
        made: str | None = insert_once(
            self._connection, trial_entry, list(what), seal(self._connection, trial_entry, values)
        )
        return made

    def remove(self, entry_id: str) -> bool:
        gone = self._connection.execute(sa.delete(trial_entry).where(trial_entry.c.id == entry_id))
        return gone.rowcount == 1

    def find_number(self, number: str) -> str | None:
        query = sa.select(trial_entry.c.id).where(trial_entry.c.number == number)
        return self._connection.execute(query).scalar()

    def list_entries(self) -> list[TrialEntry]:
        rows: list[Any] = list(
            self._connection.execute(
                sa.select(trial_entry).order_by(trial_entry.c.added_at, trial_entry.c.id)
            )
        )
        return [
            TrialEntry(
                id=row.id, number=row.number, reference_prefix=row.reference_prefix, added_at=row.added_at
            )
            for row in rows
        ]

    def list_prefixes(self) -> list[str]:
        query = sa.select(trial_entry.c.reference_prefix).where(trial_entry.c.reference_prefix.is_not(None))
        return list(self._connection.execute(query.order_by(trial_entry.c.reference_prefix)).scalars())


_CURRENT = (
    sa.select(trial, staff_member.c.display_name)
    .join(staff_member, trial.c.by_id == staff_member.c.id)
    .where(trial.c.ended_at.is_(None))
    .limit(1)
)
