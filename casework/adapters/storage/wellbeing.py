"""Breaks, and what the record says of how much hard matter somebody opened."""

import secrets
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.desk_tables import shift
from casework.adapters.storage.feedback import LARGEST_ID, start_of_week
from casework.adapters.storage.statements import insert, new_id
from casework.adapters.storage.supervision_tables import (
    act_is_measured,
    debrief_answer,
    staff_break,
    wellbeing_seen,
)
from casework.adapters.storage.tables import audit, conversation, desk_item, staff_member
from casework.model.desk import Grade, ItemStatus
from casework.model.desk_limits import LONGEST_SHIFT
from casework.model.disclosures import Category
from casework.services.supervision_ports import Exposure

SEXUAL = (Category.SEXUAL_VIOLENCE_RECENT.value,)
READ = "conversation_read"


class SqlBreaks:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def start(self, staff_id: str) -> None:
        # Held, so that two presses are one break.
        held = sa.select(staff_member.c.id).where(staff_member.c.id == staff_id).with_for_update()
        self._connection.execute(held)
        if self.find_open(staff_id) is None:
            values = {"id": new_id(), "staff_id": staff_id, "started_at": self._now}
            self._connection.execute(sa.insert(staff_break).values(values))

    def end(self, staff_id: str) -> bool:
        ended = self._connection.execute(
            sa.update(staff_break)
            .where(staff_break.c.staff_id == staff_id, staff_break.c.ended_at.is_(None))
            .values(ended_at=self._now)
        )
        return ended.rowcount > 0

    def find_open(self, staff_id: str) -> datetime | None:
        query = sa.select(staff_break.c.started_at).where(
            staff_break.c.staff_id == staff_id, staff_break.c.ended_at.is_(None)
        )
        return self._connection.execute(query).scalar()

    def last_ended(self, staff_id: str) -> datetime | None:
        query = sa.select(sa.func.max(staff_break.c.ended_at)).where(staff_break.c.staff_id == staff_id)
        return self._connection.execute(query).scalar()

    def is_anyone_else_there(self, staff_id: str) -> bool:
        query = (
            sa.select(shift.c.id)
            .join(staff_member, shift.c.staff_id == staff_member.c.id)
            .where(
                shift.c.staff_id != staff_id,
                shift.c.ended_at.is_(None),
                shift.c.started_at > self._now - LONGEST_SHIFT,
                shift.c.break_since.is_(None),
                staff_member.c.is_active,
            )
        )
        return self._connection.execute(query.limit(1)).first() is not None

    def list_owned(self, staff_id: str) -> list[str]:
        grade = (
            sa.select(sa.func.min(desk_item.c.grade))
            .where(
                desk_item.c.conversation_id == conversation.c.id,
                desk_item.c.status != ItemStatus.CLOSED.value,
            )
            .correlate(conversation)
            .scalar_subquery()
        )
        query = (
            sa.select(conversation.c.id)
            .where(conversation.c.owner_id == staff_id)
            .order_by(sa.func.coalesce(grade, Grade.ROUTINE.value + 1), conversation.c.owned_since)
        )
        return list(self._connection.execute(query).scalars())


class SqlExposures:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def count(self, staff_id: str, *, since: datetime) -> Exposure:
        return self._count(since, audit.c.actor == staff_id)

    def count_team(self, *, since: datetime) -> Exposure:
        return self._count(since)

    def find_debrief(self, staff_id: str) -> datetime | None:
        closed = sa.select(sa.func.max(desk_item.c.closed_at)).where(
            desk_item.c.owner_id == staff_id,
            desk_item.c.grade == Grade.DANGER_NOW.value,
            # What was closed longer ago is not asked about out of the blue.
            desk_item.c.closed_at >= start_of_week(self._now),
        )
        newest = self._connection.execute(closed).scalar()
        asked = self._seen(staff_id, wellbeing_seen.c.debriefs_until)
        return newest if newest is not None and (asked is None or newest > asked) else None

    def find_nudged(self, staff_id: str) -> datetime | None:
        return self._seen(staff_id, wellbeing_seen.c.nudged_at)

    def record_debrief(self, staff_id: str, *, until: datetime, answer: str) -> None:
        self._note(staff_id, debriefs_until=until)
        self._connection.execute(
            sa.insert(debrief_answer).values(
                id=secrets.randbelow(LARGEST_ID), week=start_of_week(self._now), answer=answer
            )
        )

    def record_nudged(self, staff_id: str) -> None:
        self._note(staff_id, nudged_at=self._now)

    def _count(self, since: datetime, *of: sa.ColumnElement[bool]) -> Exposure:
        """By person and conversation: opening the same one again is no second exposure."""
        opened = (
            sa.select(audit.c.actor, audit.c.conversation_id)
            .where(act_is_measured(), audit.c.act == sa.literal_column(repr(READ)), audit.c.at >= since, *of)
            .distinct()
            .subquery()
        )
        row = self._connection.execute(
            sa.select(
                sa.func.count(),
                sa.func.sum(_has_item(opened, desk_item.c.grade <= Grade.HIGH.value)),
                sa.func.sum(_has_item(opened, desk_item.c.category.in_(SEXUAL))),
            ).select_from(opened)
        ).one()
        return Exposure(opened=row[0], grade_1_or_2=row[1] or 0, sexual=row[2] or 0)

    def _seen(self, staff_id: str, column: sa.Column[datetime]) -> datetime | None:
        query = sa.select(column).where(wellbeing_seen.c.staff_id == staff_id)
        return self._connection.execute(query).scalar()

    def _note(self, staff_id: str, **values: datetime) -> None:
        statement = insert(self._connection, wellbeing_seen).values(staff_id=staff_id, **values)
        self._connection.execute(statement.on_conflict_do_update(index_elements=["staff_id"], set_=values))


def _has_item(opened: Any, is_so: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    found = sa.exists().where(desk_item.c.conversation_id == opened.c.conversation_id, is_so)
    return sa.case((found, 1), else_=0)
