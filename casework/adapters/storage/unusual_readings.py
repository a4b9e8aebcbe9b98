"""A day's reading by each member of staff, as the rules ask for it, and what they found."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.desk_tables import shift
from casework.adapters.storage.durations import utc_hour
from casework.adapters.storage.reading_tables import reading_day, unusual_reading
from casework.adapters.storage.sealed import seal
from casework.adapters.storage.staff_tables import glass_opening
from casework.adapters.storage.statements import insert_once, new_id
from casework.adapters.storage.tables import (
    DESK_ITEM_OPEN,
    audit,
    case,
    desk_item,
    staff_member,
    standing,
    status_in,
)
from casework.model.policy import Relation
from casework.model.unusual_reading import (
    Finding,
    ReaderDay,
    Reading,
    ReadingLimits,
    Rule,
    Subject,
    list_family_names,
)
from casework.model.working_days import LONDON
from casework.services.reading_ports import StoredFinding

READ = "conversation_read"
# What shows something of one conversation to one of the desk.
READING_ACTS = (READ, "media_opened", "conversation_looked_up")
RELATIONS = frozenset(each.value for each in Relation)
MOST_KEPT = 20
"""Conversations a finding names; it counts them all."""
AT_ONCE = 500

_reviewer = staff_member.alias("reviewer")
_FINDINGS = sa.select(
    unusual_reading,
    staff_member.c.display_name.label("staff_name"),
    _reviewer.c.display_name.label("reviewer_name"),
).select_from(
    unusual_reading.join(staff_member, unusual_reading.c.staff_id == staff_member.c.id).join(
        _reviewer, unusual_reading.c.reviewed_by == _reviewer.c.id, isouter=True
    )
)


class SqlUnusualReadings:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def find_newest_day(self) -> date | None:
        return self._connection.execute(sa.select(sa.func.max(reading_day.c.day))).scalar()

    def list_reader_days(self, day: date, limits: ReadingLimits) -> list[ReaderDay]:
        begins, ends = (datetime.combine(each, time(), LONDON) for each in (day, day + timedelta(days=1)))
        readings, openings = self._list_readings(begins, ends), self._list_openings(begins, ends)
        readers = sorted({*readings, *openings})
        usual = self._count_usual(readers, begins, limits)
        shifts = self._list_shifts(readers, begins - timedelta(days=1), ends + timedelta(days=1))
        read = {each.conversation_id for those in readings.values() for each in those}
        subjects = self._list_subjects(sorted(read), limits)
        return [
            ReaderDay(
                staff_id=staff.id,
                role=staff.role,
                family_names=list_family_names(staff.display_name),
                day=day,
                readings=readings.get(staff.id, []),
                openings=openings.get(staff.id, []),
                usual=usual.get(staff.id, []),
                shifts=shifts.get(staff.id, []),
                subjects=subjects,
            )
            for staff in self._list_staff(readers)
        ]

    def begin_day(self, day: date) -> bool:
        values = {"day": day, "looked_at": self._now}
        return insert_once(self._connection, reading_day, ["day"], values) is not None

    def record(self, finding: Finding) -> str:
        finding_id = new_id()
        self._connection.execute(
            sa.insert(unusual_reading).values(
                id=finding_id,
                rule=finding.rule.value,
                staff_id=finding.staff_id,
                day=finding.day,
                conversation_ids=list(finding.conversation_ids[:MOST_KEPT]),
                counted=finding.counted,
                usual=finding.usual,
                found_at=self._now,
            )
        )
        return finding_id

    def find(self, finding_id: str) -> StoredFinding | None:
        row = self._connection.execute(_FINDINGS.where(unusual_reading.c.id == finding_id)).first()
        return None if row is None else _finding(row)

    def list_unreviewed(self, *, limit: int = 200) -> list[StoredFinding]:
        query = _FINDINGS.where(unusual_reading.c.reviewed_at.is_(None))
        query = query.order_by(unusual_reading.c.day, unusual_reading.c.rule, unusual_reading.c.id)
        return [_finding(row) for row in self._connection.execute(query.limit(limit))]

    def list_reviewed(self, *, limit: int = 50) -> list[StoredFinding]:
        query = _FINDINGS.where(unusual_reading.c.reviewed_at.is_not(None))
        query = query.order_by(unusual_reading.c.reviewed_at.desc(), unusual_reading.c.id)
        return [_finding(row) for row in self._connection.execute(query.limit(limit))]

    def review(self, finding_id: str, *, by: str, is_explained: bool, words: str) -> bool:
        sealed = seal(self._connection, unusual_reading, {"id": finding_id, "review_words": words})
        changed = self._connection.execute(
            sa.update(unusual_reading)
            .where(unusual_reading.c.id == finding_id, unusual_reading.c.reviewed_at.is_(None))
            .values(
                reviewed_by=by,
                reviewed_at=self._now,
                is_explained=is_explained,
                review_words=sealed["review_words"],
            )
        )
        return changed.rowcount == 1

    # --- the parts of a day -----------------------------------------------------------------------

    def _list_readings(self, begins: datetime, ends: datetime) -> dict[str, list[Reading]]:
        query = (
            sa.select(audit.c.actor, audit.c.at, audit.c.act, audit.c.conversation_id, audit.c.thing)
            .where(audit.c.act.in_(READING_ACTS), audit.c.at >= begins, audit.c.at < ends)
            .where(audit.c.conversation_id.is_not(None))
            .order_by(audit.c.at, audit.c.id)
        )
        found: dict[str, list[Reading]] = defaultdict(list)
        for row in self._connection.execute(query):
            relation = row.thing if row.act == READ and row.thing in RELATIONS else ""
            found[row.actor].append(
                Reading(at=row.at, conversation_id=row.conversation_id, relation=relation)
            )
        return found

    def _list_openings(self, begins: datetime, ends: datetime) -> dict[str, list[str]]:
        query = sa.select(glass_opening.c.staff_id, glass_opening.c.conversation_id).where(
            glass_opening.c.opened_at >= begins, glass_opening.c.opened_at < ends
        )
        return _gather(self._connection.execute(query).all())

    def _count_usual(
        self, readers: Sequence[str], begins: datetime, limits: ReadingLimits
    ) -> dict[str, list[int]]:
        # By UTC days: a median of a month does not feel the hour by which they differ.
        on_day = sa.func.substr(utc_hour(audit.c.at), 1, 10)
        query = sa.select(audit.c.actor, sa.func.count(sa.distinct(audit.c.conversation_id))).where(
            audit.c.act.in_(READING_ACTS),
            audit.c.at >= begins - timedelta(days=limits.many_days),
            audit.c.at < begins,
            audit.c.conversation_id.is_not(None),
        )
        query = query.group_by(audit.c.actor, on_day)
        counted = _gather(self._connection.execute(query).all())
        return {reader: counted.get(reader, []) for reader in readers}

    def _list_shifts(
        self, readers: Sequence[str], since: datetime, until: datetime
    ) -> dict[str, list[tuple[datetime, datetime | None]]]:
        query = (
            sa.select(shift.c.staff_id, shift.c.started_at, shift.c.ended_at)
            .where(shift.c.staff_id.in_(readers), shift.c.started_at < until)
            .where(sa.or_(shift.c.ended_at.is_(None), shift.c.ended_at > since))
        )
        return _gather((row[0], (row[1], row[2])) for row in self._connection.execute(query))

    def _list_subjects(self, conversation_ids: Sequence[str], limits: ReadingLimits) -> dict[str, Subject]:
        """Of each that has a case; a link that has ended names its person all the same."""
        names: dict[str, set[str]] = defaultdict(set)
        ended: dict[str, list[date | None]] = defaultdict(list)
        for some in _in_parts(conversation_ids):
            query = (
                sa.select(standing.c.conversation_id, case.c.victim_name, case.c.stage, case.c.stage_since)
                .join(case, standing.c.crime_reference == case.c.crime_reference)
                .where(standing.c.conversation_id.in_(some))
            )
            for row in self._connection.execute(query):
                names[row.conversation_id] |= list_family_names(row.victim_name)
                is_ended = row.stage in limits.closed_stages
                ended[row.conversation_id].append(row.stage_since if is_ended else None)
        waiting = self._list_waiting(sorted(ended))
        return {
            each: Subject(
                family_names=frozenset(names[each]), closed_on=_latest(days) if each not in waiting else None
            )
            for each, days in ended.items()
        }

    def _list_waiting(self, conversation_ids: Sequence[str]) -> set[str]:
        """Those somebody of the desk has work in: however long their case is over, reading them is that work."""
        found: set[str] = set()
        for some in _in_parts(conversation_ids):
            query = sa.select(desk_item.c.conversation_id).where(
                desk_item.c.conversation_id.in_(some), status_in(desk_item, DESK_ITEM_OPEN)
            )
            found.update(self._connection.execute(query).scalars())
        return found

    def _list_staff(self, readers: Sequence[str]) -> list[Any]:
        query = sa.select(staff_member.c.id, staff_member.c.role, staff_member.c.display_name)
        return list(
            self._connection.execute(
                query.where(staff_member.c.id.in_(readers)).order_by(staff_member.c.id)
            ).all()
        )


def _latest(days: Sequence[date | None]) -> date | None:
    """None while one of the cases goes on."""
    known = [day for day in days if day is not None]
    return max(known) if len(known) == len(days) else None


def _gather(pairs: Iterable[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found


def _in_parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), AT_ONCE):
        yield ids[start : start + AT_ONCE]


def _finding(row: Any) -> StoredFinding:
    return StoredFinding(
        id=row.id,
        rule=Rule(row.rule),
        staff_id=row.staff_id,
        staff_name=row.staff_name,
        day=row.day,
        conversation_ids=tuple(row.conversation_ids),
        counted=row.counted,
        usual=row.usual,
        found_at=row.found_at,
        reviewer_name=row.reviewer_name,
        reviewed_at=row.reviewed_at,
        is_explained=row.is_explained,
        review_words=row.review_words,
    )
