"""One-time codes: asked for, issued (real or decoy), tried."""

from datetime import datetime

import sqlalchemy as sa

from casework.adapters.storage.statements import new_id
from casework.adapters.storage.tables import (
    CODE_REQUEST_WAITING,
    case,
    code_request,
    conversation,
    standing,
    status_in,
)
from casework.services.ports import CodeRequest, PendingCode


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

    def bind(self, request_id: str, crime_reference: str) -> None:
        self._connection.execute(
            sa.update(code_request)
            .where(code_request.c.id == request_id)
            .values(crime_reference=crime_reference)
        )

    def count_strangers(self, crime_reference: str, *, since: datetime) -> int:
        of_record = sa.exists().where(
            case.c.crime_reference == crime_reference,
            case.c.contact_mobile == conversation.c.external_id,
        )
        has_proved = sa.exists().where(
            standing.c.crime_reference == crime_reference,
            standing.c.conversation_id == conversation.c.id,
        )
        query = (
            sa.select(sa.func.count(sa.distinct(conversation.c.id)))
            .join_from(code_request, conversation, code_request.c.conversation_id == conversation.c.id)
            .where(
                code_request.c.reference == crime_reference,
                code_request.c.requested_at > since,
                ~of_record,
                ~has_proved,
            )
        )
        return int(self._connection.execute(query).scalar_one())

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
            reference=row.reference,
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
        row = self._connection.execute(LAST_ASKED, {"of": conversation_id}).first()
        if row is None:
            return False
        return bool(row.status == "waiting" or (row.status == "issued" and row.expires_at > self._now))


# Built once: each turn asks it.
LAST_ASKED = (
    sa.select(code_request.c.status, code_request.c.expires_at)
    .where(code_request.c.conversation_id == sa.bindparam("of"))
    .order_by(code_request.c.requested_at.desc(), code_request.c.id)
    .limit(1)
)
