"""The Code clocks that run, and those that are over."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.statements import insert_once, new_id
from casework.adapters.storage.tables import CLOCK_OVERDUE, CLOCK_RUNNING, running_clock, status_in
from casework.services.ports import ClockStatus, StoredClock


class ClockNotFound(LookupError):
    """No clock has this id."""


class SqlClocks:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def record(
        self,
        *,
        crime_reference: str,
        clock_id: str,
        right: str,
        event_id: str,
        started_by: str,
        started_at: datetime,
        due_on: date,
        is_enhanced: bool,
        status: ClockStatus = ClockStatus.RUNNING,
        met_at: datetime | None = None,
    ) -> str | None:
        values = {
            "id": new_id(),
            "crime_reference": crime_reference,
            "clock_id": clock_id,
            "right": right,
            "event_id": event_id,
            "started_by": started_by,
            "started_at": started_at,
            "due_on": due_on,
            "is_enhanced": is_enhanced,
            "status": status.value,
            "met_at": met_at,
        }
        key = ["crime_reference", "clock_id", "event_id"]
        return insert_once(self._connection, running_clock, key, values)

    def get(self, stored_id: str) -> StoredClock:
        row = self._connection.execute(
            sa.select(running_clock).where(running_clock.c.id == stored_id)
        ).first()
        if row is None:
            raise ClockNotFound(stored_id)
        return _clock(row)

    def next_past(self, today: date) -> StoredClock | None:
        query = sa.select(running_clock).where(
            status_in(running_clock, CLOCK_RUNNING), running_clock.c.due_on < today
        )
        ordered = query.order_by(running_clock.c.due_on, running_clock.c.id)
        row = self._connection.execute(ordered.limit(1)).first()
        return None if row is None else _clock(row)

    def list_of_case(self, crime_reference: str) -> list[StoredClock]:
        query = sa.select(running_clock).where(running_clock.c.crime_reference == crime_reference)
        ordered = query.order_by(running_clock.c.started_at, running_clock.c.id)
        return [_clock(row) for row in self._connection.execute(ordered)]

    def list_open(self, *, until: date, limit: int) -> list[StoredClock]:
        rows: list[Any] = []
        # Two questions, so that each finds its own partial index.
        for statuses in (CLOCK_OVERDUE, CLOCK_RUNNING):
            query = sa.select(running_clock).where(
                status_in(running_clock, statuses), running_clock.c.due_on <= until
            )
            ordered = query.order_by(running_clock.c.due_on, running_clock.c.id)
            rows += self._connection.execute(ordered.limit(limit)).all()
        return sorted((_clock(row) for row in rows), key=lambda clock: (clock.due_on, clock.id))[:limit]

    def list_all(self) -> list[StoredClock]:
        return [_clock(row) for row in self._connection.execute(sa.select(running_clock))]

    def set_due(self, stored_id: str, due_on: date, status: ClockStatus) -> None:
        self._set([stored_id], due_on=due_on, status=status.value)

    def set_overdue(self, stored_id: str) -> None:
        self._set([stored_id], status=ClockStatus.OVERDUE.value)

    def void(self, stored_ids: Sequence[str]) -> None:
        self._set(stored_ids, status=ClockStatus.VOID.value)

    def record_met(self, stored_id: str, at: datetime) -> None:
        self._set([stored_id], status=ClockStatus.MET.value, met_at=at)

    def record_read(self, stored_ids: Sequence[str], *, meets: bool) -> None:
        met = {"status": ClockStatus.MET.value} if meets else {}
        self._set(stored_ids, read_at=self._now, **met)

    def _set(self, stored_ids: Sequence[str], **values: object) -> None:
        if stored_ids:
            where = running_clock.c.id.in_(stored_ids)
            self._connection.execute(sa.update(running_clock).where(where).values(**values))


def _clock(row: Any) -> StoredClock:
    values = row._asdict()
    return StoredClock(**values | {"status": ClockStatus(values["status"])})
