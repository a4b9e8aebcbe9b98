"""Imports: what each one did, those that wait for two people, and whom one has led us to write to."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.sealed import seal
from casework.adapters.storage.statements import insert, new_id
from casework.adapters.storage.tables import IMPORT_HELD, case_notice, held_import, outbox, status_in
from casework.model.bulk_brake import ImportNotFound, ImportStatus, StoredImport
from casework.services.ports import ToldCase

_WITHOUT_CONTENT = tuple(column for column in held_import.c if column.name != "content")


class SqlImports:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def record(
        self,
        *,
        source: str,
        filename: str,
        summary: Mapping[str, Any],
        by: str,
        status: ImportStatus = ImportStatus.APPLIED,
        content: bytes = b"",
        import_id: str | None = None,
    ) -> str:
        chosen = import_id or new_id()
        values = {
            "id": chosen,
            "source": source,
            "filename": filename,
            "content": content,
            "summary": dict(summary),
            "status": status.value,
            "held_at": self._now,
            "held_by": by,
        }
        self._connection.execute(
            insert(self._connection, held_import)
            .values(seal(self._connection, held_import, values))
            .on_conflict_do_nothing(index_elements=["id"])
        )
        return chosen

    def get(self, import_id: str) -> StoredImport:
        found = self._connection.execute(
            sa.select(*_WITHOUT_CONTENT).where(held_import.c.id == import_id).with_for_update()
        ).first()
        if found is None:
            raise ImportNotFound(
                f"There is no import {import_id}. ./waymark cases held lists those that wait."
            )
        return _stored(found)

    def get_content(self, import_id: str) -> bytes:
        query = sa.select(held_import.c.content).where(held_import.c.id == import_id)
        return bytes(self._connection.execute(query).scalar_one())

    def list_held(self) -> list[StoredImport]:
        query = sa.select(*_WITHOUT_CONTENT).where(status_in(held_import, IMPORT_HELD))
        return [_stored(row) for row in self._connection.execute(query.order_by(held_import.c.held_at))]

    def list_newest(self, *, limit: int = 50) -> list[StoredImport]:
        query = sa.select(*_WITHOUT_CONTENT).order_by(held_import.c.held_at.desc()).limit(limit)
        return [_stored(row) for row in self._connection.execute(query)]

    def add_to_held(self, import_id: str, content: bytes, summary: Mapping[str, Any]) -> None:
        self._connection.execute(
            sa.update(held_import)
            .where(held_import.c.id == import_id)
            .values(content=self._seal(import_id, content), summary=dict(summary))
        )

    def set_summary(self, import_id: str, summary: Mapping[str, Any]) -> None:
        self._connection.execute(
            sa.update(held_import).where(held_import.c.id == import_id).values(summary=dict(summary))
        )

    def approve_first(self, import_id: str, *, by: str) -> None:
        self._connection.execute(
            sa.update(held_import).where(held_import.c.id == import_id).values(first_approved_by=by)
        )

    def decide(self, import_id: str, status: ImportStatus, *, by: str) -> None:
        self._connection.execute(
            sa.update(held_import)
            .where(held_import.c.id == import_id)
            .values(
                status=status.value,
                decided_by=by,
                decided_at=self._now,
                content=self._seal(import_id, b""),
            )
        )

    def _seal(self, import_id: str, content: bytes) -> Any:
        return seal(self._connection, held_import, {"id": import_id, "content": content})["content"]

    def list_told(self, import_id: str) -> list[ToldCase]:
        # Where the notice went, not where the case says today: the import may have changed that too.
        query = (
            sa.select(
                case_notice.c.id,
                case_notice.c.crime_reference,
                outbox.c.conversation_id,
                outbox.c.channel,
                outbox.c.to,
            )
            .outerjoin(outbox, outbox.c.dedupe_key == sa.literal("notice:").concat(case_notice.c.id))
            .where(case_notice.c.import_id == import_id, case_notice.c.noticed_at.is_not(None))
            .order_by(case_notice.c.created_at, case_notice.c.id)
        )
        return [
            ToldCase(
                notice_id=row.id,
                crime_reference=row.crime_reference,
                conversation_id=row.conversation_id,
                channel=row.channel,
                to=row.to,
            )
            for row in self._connection.execute(query)
        ]


def _stored(row: Any) -> StoredImport:
    values = row._asdict()
    return StoredImport(**values | {"status": ImportStatus(values["status"])})
