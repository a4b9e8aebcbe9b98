"""Cases, who has proved a link to one, and the codes that prove it."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.statements import insert, new_id
from casework.adapters.storage.tables import CODE_REQUEST_WAITING, case, code_request, standing, status_in
from casework.model.cases import Case, CaseEvent
from casework.model.standings import Standing
from casework.services.ports import CodeRequest, PendingCode


class SqlCases:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def record_all(self, cases: Sequence[Case]) -> int:
        """Inserts or replaces each; returns how many."""
        for each in cases:
            values = asdict(each) | {
                "events": [
                    {"at": event.at.isoformat(), "kind": event.kind, "detail": event.detail}
                    for event in each.events
                ],
                "imported_at": self._now,
            }
            changed = {name: value for name, value in values.items() if name != "crime_reference"}
            statement = insert(self._connection, case).values(**values)
            self._connection.execute(
                statement.on_conflict_do_update(index_elements=["crime_reference"], set_=changed)
            )
        return len(cases)

    def find(self, crime_reference: str) -> Case | None:
        row = self._connection.execute(
            sa.select(case).where(case.c.crime_reference == crime_reference)
        ).first()
        return None if row is None else _case(row)

    def count(self) -> int:
        return int(self._connection.execute(sa.select(sa.func.count()).select_from(case)).scalar_one())


def _case(row: Any) -> Case:
    values = row._asdict()
    events = tuple(
        CaseEvent(
            at=datetime.fromisoformat(event["at"]).astimezone(UTC),
            kind=event["kind"],
            detail=event["detail"],
        )
        for event in values.pop("events")
    )
    return Case(**values, events=events)


class SqlStandings:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def find(self, conversation_id: str) -> tuple[Standing, str | None]:
        row = self._connection.execute(
            sa.select(standing)
            .where(standing.c.conversation_id == conversation_id, standing.c.ended_at.is_(None))
            .order_by(standing.c.id.desc())
            .limit(1)
        ).first()
        if row is None:
            return Standing.UNKNOWN, None
        return Standing(row.level), row.crime_reference

    def record(self, conversation_id: str, crime_reference: str, level: Standing, *, method: str) -> None:
        self._connection.execute(
            sa.insert(standing).values(
                conversation_id=conversation_id,
                crime_reference=crime_reference,
                level=level.value,
                method=method,
                proved_at=self._now,
            )
        )


class SqlCodes:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def request(self, conversation_id: str, reference: str) -> str:
        request_id = new_id()
        self._connection.execute(
            sa.insert(code_request).values(
                id=request_id,
                conversation_id=conversation_id,
                reference=reference,
                status="waiting",
                requested_at=self._now,
                failures=0,
            )
        )
        return request_id

    def next_requested(self) -> CodeRequest | None:
        row = self._connection.execute(
            sa.select(code_request)
            .where(status_in(code_request, CODE_REQUEST_WAITING))
            .order_by(code_request.c.requested_at)
            .limit(1)
        ).first()
        if row is None:
            return None
        return CodeRequest(
            id=row.id,
            conversation_id=row.conversation_id,
            reference=row.reference,
            requested_at=row.requested_at,
        )

    def count_requests(self, conversation_id: str, *, since: datetime) -> int:
        return self._count(code_request.c.conversation_id == conversation_id, since)

    def count_sends(self, crime_reference: str, *, since: datetime) -> int:
        return self._count(code_request.c.crime_reference == crime_reference, since)

    def _count(self, whose: sa.ColumnElement[bool], since: datetime) -> int:
        query = sa.select(sa.func.count()).where(whose, code_request.c.requested_at > since)
        return int(self._connection.execute(query).scalar_one())

    def issue(
        self, request_id: str, *, code_hash: str, crime_reference: str | None, expires_at: datetime
    ) -> bool:
        """False when another worker issued it first."""
        result = self._connection.execute(
            sa.update(code_request)
            .where(code_request.c.id == request_id, code_request.c.status == "waiting")
            .values(
                status="issued",
                code_hash=code_hash,
                crime_reference=crime_reference,
                expires_at=expires_at,
            )
        )
        return result.rowcount == 1

    def find_pending(self, conversation_id: str, *, max_failures: int) -> PendingCode | None:
        row = self._connection.execute(
            sa.select(code_request)
            .where(code_request.c.conversation_id == conversation_id)
            .order_by(code_request.c.requested_at.desc(), code_request.c.id)
            .limit(1)
        ).first()
        if row is None or row.status != "issued":
            return None
        if row.expires_at <= self._now or row.failures >= max_failures:
            return None
        return PendingCode(
            id=row.id,
            code_hash=row.code_hash,
            crime_reference=row.crime_reference,
            failures=row.failures,
        )

    def count_failure(self, code_id: str) -> None:
        self._connection.execute(
            sa.update(code_request)
            .where(code_request.c.id == code_id)
            .values(failures=code_request.c.failures + 1)
        )

    def consume(self, code_id: str) -> None:
        self._connection.execute(
            sa.update(code_request).where(code_request.c.id == code_id).values(status="used")
        )

    def has_asked(self, conversation_id: str) -> bool:
        row = self._connection.execute(
            sa.select(code_request.c.status, code_request.c.expires_at)
            .where(code_request.c.conversation_id == conversation_id)
            .order_by(code_request.c.requested_at.desc(), code_request.c.id)
            .limit(1)
        ).first()
        if row is None:
            return False
        return bool(row.status == "waiting" or (row.status == "issued" and row.expires_at > self._now))
