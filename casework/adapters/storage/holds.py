"""Holds: what keeps rows from every timer and every erasing. What one reaches is in belongings.py."""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.keeping_tables import hold
from casework.adapters.storage.sealed import seal
from casework.adapters.storage.statements import new_id
from casework.adapters.storage.tables import case, conversation, person, standing
from casework.model.holds import Hold, HoldReason, Subject, SubjectKind


class SqlHolds:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def record(self, subject: Subject, reason: HoldReason, *, why: str, review_on: date, by: str) -> str:
        hold_id = new_id()
        self._connection.execute(
            sa.insert(hold).values(
                seal(
                    self._connection,
                    hold,
                    {
                        "id": hold_id,
                        "subject_kind": subject.kind.value,
                        "subject_id": subject.id,
                        "reason": reason.value,
                        "why": why,
                        "placed_by": by,
                        "placed_at": self._now,
                        "review_on": review_on,
                    },
                )
            )
        )
        return hold_id

    def lift(self, hold_id: str, *, why: str, by: str) -> Hold | None:
        sealed = seal(self._connection, hold, {"id": hold_id, "lifted_why": why})
        lifted = self._connection.execute(
            sa.update(hold)
            .where(hold.c.id == hold_id, hold.c.lifted_at.is_(None))
            .values(lifted_by=by, lifted_at=self._now, lifted_why=sealed["lifted_why"])
        )
        if lifted.rowcount == 0:
            return None
        return _hold(self._connection.execute(sa.select(hold).where(hold.c.id == hold_id)).one())

    def list_open(self, *, limit: int) -> list[Hold]:
        query = sa.select(hold).where(hold.c.lifted_at.is_(None)).order_by(hold.c.review_on, hold.c.id)
        return [_hold(row) for row in self._connection.execute(query.limit(limit))]

    def list_on(self, subjects: Collection[Subject]) -> list[Hold]:
        named = [(each.kind.value, each.id) for each in sorted(subjects)]
        if not named:
            return []
        which = sa.tuple_(hold.c.subject_kind, hold.c.subject_id).in_(named)
        query = sa.select(hold).where(hold.c.lifted_at.is_(None), which).order_by(hold.c.placed_at, hold.c.id)
        return [_hold(row) for row in self._connection.execute(query)]

    def list_subjects(self, subject: Subject) -> list[Subject]:
        if not self._is_there(subject):
            return []
        conversations, cases, people = set[str](), set[str](), set[str]()
        match subject.kind:
            case SubjectKind.CONVERSATION:
                conversations = {subject.id}
                cases = self._list_cases(standing.c.conversation_id == subject.id)
                people = self._list_people(cases)
            case SubjectKind.CASE:
                cases = {subject.id}
                people = self._list_people(cases)
                conversations = self._list_conversations(cases)
            case SubjectKind.PERSON:
                people = {subject.id}
                theirs = sa.select(case.c.crime_reference).where(case.c.person_id == subject.id)
                cases = set(self._connection.execute(theirs).scalars())
                conversations = self._list_conversations(cases)
        found = {
            SubjectKind.CONVERSATION: conversations,
            SubjectKind.CASE: cases,
            SubjectKind.PERSON: people,
        }
        return sorted(Subject(kind=kind, id=each) for kind, ids in found.items() for each in ids)

    def _is_there(self, subject: Subject) -> bool:
        key = {
            SubjectKind.CONVERSATION: conversation.c.id,
            SubjectKind.CASE: case.c.crime_reference,
            SubjectKind.PERSON: person.c.id,
        }[subject.kind]
        return self._connection.execute(sa.select(key).where(key == subject.id)).first() is not None

    def _list_cases(self, proved: sa.ColumnElement[bool]) -> set[str]:
        return set(self._connection.execute(sa.select(standing.c.crime_reference).where(proved)).scalars())

    def _list_people(self, cases: set[str]) -> set[str]:
        query = sa.select(case.c.person_id).where(
            case.c.crime_reference.in_(cases), case.c.person_id.is_not(None)
        )
        return set(self._connection.execute(query).scalars())

    def _list_conversations(self, cases: set[str]) -> set[str]:
        query = sa.select(standing.c.conversation_id).where(standing.c.crime_reference.in_(cases))
        return set(self._connection.execute(query).scalars())


def _hold(row: Any) -> Hold:
    return Hold(
        id=row.id,
        subject=Subject(kind=SubjectKind(row.subject_kind), id=row.subject_id),
        reason=HoldReason(row.reason),
        why=row.why,
        placed_by=row.placed_by,
        placed_at=row.placed_at,
        review_on=row.review_on,
    )
