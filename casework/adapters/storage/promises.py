"""The promise ledger: what was said, by when, and what became of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.sealed import seal
from casework.adapters.storage.statements import insert_once, new_id
from casework.adapters.storage.tables import PROMISE_MADE, outbox, promise, status_in
from casework.model.messages import Author, OutboxStatus
from casework.model.promises import Promise, PromiseKind, PromiseStatus


class SqlPromises:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def record(
        self,
        *,
        kind: PromiseKind,
        owner: str,
        words: str,
        due_at: datetime,
        dedupe_key: str,
        conversation_id: str | None,
        crime_reference: str | None,
    ) -> str | None:
        values = {
            "id": new_id(),
            "conversation_id": conversation_id,
            "crime_reference": crime_reference,
            "kind": kind.value,
            "owner": owner,
            "words": words,
            "made_at": self._now,
            "due_at": due_at,
            "status": PromiseStatus.MADE.value,
            "dedupe_key": dedupe_key,
        }
        return insert_once(self._connection, promise, ["dedupe_key"], seal(self._connection, promise, values))

    def keep(self, conversation_id: str, kinds: Sequence[PromiseKind]) -> int:
        is_late = promise.c.due_at < self._now
        kept = self._connection.execute(
            sa.update(promise)
            .where(
                promise.c.conversation_id == conversation_id,
                promise.c.kind.in_([kind.value for kind in kinds]),
                promise.c.status.in_([PromiseStatus.MADE.value, PromiseStatus.OVERDUE.value]),
            )
            .values(
                status=sa.case((is_late, PromiseStatus.KEPT_LATE.value), else_=PromiseStatus.KEPT.value),
                kept_at=self._now,
            )
        )
        return kept.rowcount

    def find_overdue(self, kinds: Sequence[PromiseKind]) -> Promise | None:
        query = (
            sa.select(promise)
            .where(
                status_in(promise, PROMISE_MADE),
                promise.c.due_at < self._now,
                promise.c.kind.in_([kind.value for kind in kinds]),
            )
            .order_by(promise.c.due_at, promise.c.id)
            .limit(1)
        )
        row = self._connection.execute(query).first()
        return None if row is None else _promise(row)

    def record_overdue(self, conversation_id: str, kind: PromiseKind) -> int:
        overdue = self._connection.execute(
            sa.update(promise)
            .where(
                promise.c.conversation_id == conversation_id,
                promise.c.kind == kind.value,
                promise.c.status == PromiseStatus.MADE.value,
                promise.c.due_at < self._now,
            )
            .values(status=PromiseStatus.OVERDUE.value)
        )
        return overdue.rowcount

    def hand_over(self, conversation_id: str, *, to: PromiseKind, owner: str) -> int:
        handed = self._connection.execute(
            sa.update(promise)
            .where(
                promise.c.conversation_id == conversation_id,
                promise.c.status == PromiseStatus.MADE.value,
                promise.c.kind != to.value,
            )
            .values(kind=to.value, owner=owner)
        )
        return handed.rowcount

    def settle(self, promise_id: str, status: PromiseStatus, *, kept_at: datetime | None = None) -> bool:
        settled = self._connection.execute(
            sa.update(promise)
            .where(promise.c.id == promise_id, promise.c.status == PromiseStatus.MADE.value)
            .values(status=status.value, kept_at=kept_at)
        )
        return settled.rowcount == 1

    def list_of_conversation(self, conversation_id: str, *, limit: int = 20) -> list[Promise]:
        query = (
            sa.select(promise)
            .where(promise.c.conversation_id == conversation_id)
            .order_by(promise.c.made_at.desc(), promise.c.id)
            .limit(limit)
        )
        return [_promise(row) for row in self._connection.execute(query)]

    def find_written_at(self, conversation_id: str, *, since: datetime) -> datetime | None:
        query = sa.select(sa.func.min(outbox.c.sent_at)).where(
            outbox.c.conversation_id == conversation_id,
            outbox.c.author == Author.STAFF.value,
            outbox.c.status == OutboxStatus.SENT.value,
            outbox.c.sent_at > since,
        )
        written_at: datetime | None = self._connection.execute(query).scalar()
        return written_at


def _promise(row: Any) -> Promise:
    return Promise(
        id=row.id,
        conversation_id=row.conversation_id,
        crime_reference=row.crime_reference,
        kind=PromiseKind(row.kind),
        owner=row.owner,
        words=row.words,
        made_at=row.made_at,
        due_at=row.due_at,
        status=PromiseStatus(row.status),
        kept_at=row.kept_at,
    )
