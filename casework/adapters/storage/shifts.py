"""Who is at the desk now, and how each of them has it."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.desk_tables import desk_preference, shift
from casework.adapters.storage.statements import insert, new_id
from casework.adapters.storage.tables import staff_member
from casework.model.desk_limits import LONGEST_SHIFT
from casework.services.desk_ports import DeskPreferences, Shift

_SHIFTS = sa.select(shift, staff_member.c.display_name, staff_member.c.role).join_from(
    shift, staff_member, shift.c.staff_id == staff_member.c.id
)


class SqlShifts:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def hold_staff(self, staff_id: str) -> None:
        # Not against rows that only refer to them. SQLite has one writer and ignores it.
        query = sa.select(staff_member.c.id).where(staff_member.c.id == staff_id)
        self._connection.execute(query.with_for_update(key_share=True))

    def find_running(self, staff_id: str) -> Shift | None:
        row = self._connection.execute(_SHIFTS.where(self._is_running(), shift.c.staff_id == staff_id))
        found = row.first()
        return None if found is None else _shift(found)

    def list_running(self) -> list[Shift]:
        query = _SHIFTS.where(self._is_running()).order_by(staff_member.c.display_name, shift.c.id)
        return [_shift(row) for row in self._connection.execute(query)]

    def _is_running(self) -> sa.ColumnElement[bool]:
        return sa.and_(shift.c.ended_at.is_(None), shift.c.started_at > self._now - LONGEST_SHIFT)

    def start(self, staff_id: str, *, sound_heard: bool | None, covers_words: bool) -> None:
        if not self.start_quietly(staff_id, covers_words=covers_words):
            self._set(staff_id, covers_words=covers_words)
        self._set(staff_id, sound_heard=sound_heard)

    def start_quietly(self, staff_id: str, *, covers_words: bool) -> bool:
        self._connection.execute(
            sa.update(shift)
            .where(
                shift.c.staff_id == staff_id,
                shift.c.ended_at.is_(None),
                shift.c.started_at <= self._now - LONGEST_SHIFT,
            )
            .values(ended_at=self._now)
        )
        values = {
            "id": new_id(),
            "staff_id": staff_id,
            "started_at": self._now,
            "covers_words": covers_words,
        }
        begun = insert(self._connection, shift).values(**values).on_conflict_do_nothing()
        return self._connection.execute(begun.returning(shift.c.id)).first() is not None

    def end(self, staff_id: str) -> bool:
        return self._set(staff_id, ended_at=self._now, break_since=None) > 0

    def set_break(self, staff_id: str, since: datetime | None) -> None:
        self._set(staff_id, break_since=since)

    def _set(self, staff_id: str, **values: object) -> int:
        running = (shift.c.staff_id == staff_id, shift.c.ended_at.is_(None))
        return self._connection.execute(sa.update(shift).where(*running).values(**values)).rowcount

    def get_preferences(self, staff_id: str) -> DeskPreferences:
        query = sa.select(desk_preference).where(desk_preference.c.staff_id == staff_id)
        row = self._connection.execute(query).first()
        if row is None:
            return DeskPreferences()
        return DeskPreferences(keys_on=row.keys_on, covers_words=row.covers_words)

    def set_preferences(self, staff_id: str, preferences: DeskPreferences) -> None:
        values = {"keys_on": preferences.keys_on, "covers_words": preferences.covers_words}
        stored = insert(self._connection, desk_preference).values(staff_id=staff_id, **values)
        self._connection.execute(stored.on_conflict_do_update(index_elements=["staff_id"], set_=values))


def _shift(row: Any) -> Shift:
    return Shift(
        staff_id=row.staff_id,
        staff_name=row.display_name,
        role=row.role,
        started_at=row.started_at,
        sound_heard=row.sound_heard,
        covers_words=row.covers_words,
        break_since=row.break_since,
    )
