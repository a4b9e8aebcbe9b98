"""Cases, their events, and the people they are about."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.sealed import find_vault, seal, seal_all
from casework.adapters.storage.statements import insert, new_id
from casework.adapters.storage.tables import case, case_event, person
from casework.model.case_changes import (
    FeedEvent,
    Settled,
    StoredCase,
    is_same_victim,
    name_of_person,
    settle,
)
from casework.model.cases import Case, CaseEvent

_COLUMNS = tuple(each.name for each in fields(Case) if each.name != "events")
_STORED = tuple(case.c[name] for name in _COLUMNS)
AT_ONCE = 500


class SqlCases:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def record_all(self, cases: Sequence[Case]) -> int:
        """Inserts or replaces each as it stands, without asking what is new; returns how many."""
        self.put([settle(None, each, as_of=self._now) for each in cases], as_of=self._now)
        return len(cases)

    def put(self, settled: Sequence[Settled], *, as_of: datetime) -> None:
        """Each as it was settled, its person and its events with it."""
        if not settled:
            return
        people = self._record_people(settled)
        values = [
            {name: getattr(each.after, name) for name in _COLUMNS}
            | {"imported_at": as_of, "person_id": people[name_of_person(each.after)]}
            for each in settled
        ]
        rows = seal_all(self._connection, case, values)
        statement = insert(self._connection, case)
        changed = {name: statement.excluded[name] for name in rows[0] if name != "crime_reference"}
        self._connection.execute(
            statement.on_conflict_do_update(index_elements=["crime_reference"], set_=changed), rows
        )
        self._remove_events(settled)
        self.record_events([event for each in settled for event in each.added])

    def record_events(self, events: Sequence[FeedEvent]) -> None:
        rows = [
            {
                "crime_reference": event.crime_reference,
                "event_id": event.event_id,
                "at": event.at,
                "kind": event.kind,
                "detail": event.detail,
                "received_at": self._now,
            }
            for event in events
        ]
        if rows:
            sealed = seal_all(self._connection, case_event, rows)
            self._connection.execute(insert(self._connection, case_event).on_conflict_do_nothing(), sealed)

    def _remove_events(self, settled: Sequence[Settled]) -> None:
        rows = [
            {"reference": each.after.crime_reference, "name": name}
            for each in settled
            for name in each.removed
        ]
        if rows:
            self._connection.execute(
                sa.delete(case_event).where(
                    case_event.c.crime_reference == sa.bindparam("reference"),
                    case_event.c.event_id == sa.bindparam("name"),
                ),
                rows,
            )

    def _record_people(self, settled: Sequence[Settled]) -> dict[str, str]:
        """The id of each of them by `name_of_person`; who is new gets one."""
        named = {name_of_person(each.after): each.after for each in settled}
        known = self._find_people(list(named))
        rows = [
            {
                "id": new_id(),
                "match_key": name,
                "contact_mobile": of.contact_mobile,
                "created_at": self._now,
            }
            for name, of in named.items()
            if name not in known
        ]
        if rows:
            sealed = seal_all(self._connection, person, rows)
            self._connection.execute(insert(self._connection, person).on_conflict_do_nothing(), sealed)
            known |= self._find_people([name for name in named if name not in known])
        for each in settled:
            if each.before is not None and is_same_victim(each.before, each.after):
                self._keep_plan(each.before.person_id, known[name_of_person(each.after)])
        return known

    def _find_people(self, names: Sequence[str]) -> dict[str, str]:
        vault = find_vault(self._connection.dialect)
        found: dict[str, str] = {}
        for start in range(0, len(names), AT_ONCE):
            by_index = {vault.index(name): name for name in names[start : start + AT_ONCE]}
            query = sa.select(person.c.match_key, person.c.id).where(
                person.c.match_key.in_(list(by_index.values()))
            )
            found |= {by_index[row.match_key]: row.id for row in self._connection.execute(query)}
        return found

    def _keep_plan(self, old: str | None, new: str) -> None:
        """A new number or a name written otherwise must not lose the plan that keeps its owner safe."""
        if old is None or old == new:
            return
        columns = (person.c.plan, person.c.plan_changed_at, person.c.plan_changed_by)
        plans = {
            row.id: row._asdict()
            for row in self._connection.execute(
                sa.select(person.c.id, *columns).where(person.c.id.in_([old, new]))
            )
        }
        if plans[old]["plan"] is not None and plans[new]["plan"] is None:
            kept = seal(self._connection, person, plans[old] | {"id": new})
            self._connection.execute(sa.update(person).where(person.c.id == new).values(**kept))

    def set_stages(self, cases: Sequence[Case]) -> None:
        """Where each of these known cases stands, and when it was said; nothing else of them."""
        rows = [
            {
                "reference": each.crime_reference,
                "to_stage": each.stage,
                "since": each.stage_since,
                "said_at": each.imported_at,
            }
            for each in cases
        ]
        if rows:
            self._connection.execute(
                sa.update(case)
                .where(case.c.crime_reference == sa.bindparam("reference"))
                .values(
                    stage=sa.bindparam("to_stage"),
                    stage_since=sa.bindparam("since"),
                    imported_at=sa.bindparam("said_at"),
                ),
                rows,
            )

    def confirm(
        self, crime_references: Sequence[str], *, as_of: datetime, unless_after: datetime | None = None
    ) -> None:
        """The force says these stand as they are. `unless_after`: not those recorded again since then."""
        if not crime_references:
            return
        where = [case.c.crime_reference.in_(crime_references), case.c.imported_at < as_of]
        if unless_after is not None:
            where.append(case.c.imported_at <= unless_after)
        self._connection.execute(sa.update(case).where(*where).values(imported_at=as_of))

    def find(self, crime_reference: str) -> Case | None:
        found = self.find_stored([crime_reference]).get(crime_reference)
        return None if found is None else found.case

    def find_stored(self, crime_references: Sequence[str], *, hold: bool = False) -> dict[str, StoredCase]:
        """Those that exist. `hold`: nobody else changes them until the transaction ends."""
        query = sa.select(*_STORED).where(case.c.crime_reference.in_(crime_references))
        if hold:
            # In one order, so that two imports of the same cases wait for each other and never block.
            query = query.order_by(case.c.crime_reference).with_for_update()
        rows = self._connection.execute(query).all()
        events = self._find_events([row.crime_reference for row in rows])
        return {row.crime_reference: _stored(row, events[row.crime_reference]) for row in rows}

    def _find_events(self, crime_references: Sequence[str]) -> Mapping[str, dict[str, CaseEvent]]:
        found: Mapping[str, dict[str, CaseEvent]] = defaultdict(dict)
        rows = self._connection.execute(
            sa.select(
                *(case_event.c.crime_reference, case_event.c.event_id),
                *(case_event.c.at, case_event.c.kind, case_event.c.detail),
            )
            .where(case_event.c.crime_reference.in_(crime_references))
            .order_by(case_event.c.crime_reference, case_event.c.at, case_event.c.id)
        )
        for reference, name, at, kind, says in rows:
            found[reference][name] = CaseEvent(at=at, kind=kind, detail=says)
        return found

    def count(self) -> int:
        return int(self._connection.execute(sa.select(sa.func.count()).select_from(case)).scalar_one())


def _stored(row: Any, events: dict[str, CaseEvent]) -> StoredCase:
    return StoredCase(case=Case(**row._asdict(), events=tuple(events.values())), events=events)
