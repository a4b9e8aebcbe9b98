"""What is taught and tested with, and in which versions of the data it stands."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.sealed import seal
from casework.adapters.storage.statements import insert
from casework.adapters.storage.workbench_tables import data_version, example, example_change
from casework.model.errors import ExampleNotFound
from casework.services.review_ports import Example
from casework.services.workbench_ports import JsonObject

ACCEPTED = example.c.status == sa.literal_column("'accepted'")  # as the index has it


class SqlExamples:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def add(self, example_: Example) -> bool:
        values = {
            column.name: getattr(example_, column.name)
            for column in example.c
            if hasattr(example_, column.name)
        }
        values = seal(self._connection, example, values | {"spans": [list(span) for span in example_.spans]})
        statement = insert(self._connection, example).on_conflict_do_nothing()
        returned = self._connection.execute(statement.returning(example.c.id), values)
        return returned.first() is not None

    def get(self, example_id: str) -> Example:
        row = self._connection.execute(sa.select(example).where(example.c.id == example_id)).first()
        if row is None:
            raise ExampleNotFound(example_id)
        return _example(row)

    def find_of(self, inbox_id: int) -> Example | None:
        query = sa.select(example).where(example.c.inbox_id == inbox_id, ACCEPTED)
        row = self._connection.execute(query).first()
        return None if row is None else _example(row)

    def find_of_guest(self, guest_message_id: int) -> Example | None:
        found = self._list(sa.select(example).where(example.c.guest_message_id == guest_message_id, ACCEPTED))
        return found[0] if found else None

    def list_made_of(
        self, *, inbox_id: int | None = None, guest_message_id: int | None = None
    ) -> list[Example]:
        is_of = (
            example.c.guest_message_id == guest_message_id
            if inbox_id is None
            else example.c.inbox_id == inbox_id
        )
        roots = sa.select(example.c.id).where(is_of)
        query = sa.select(example).where(sa.or_(is_of, example.c.derived_from.in_(roots)), ACCEPTED)
        return self._list(query.order_by(example.c.id))

    def list_variants(self, example_id: str) -> list[Example]:
        query = sa.select(example).where(example.c.derived_from == example_id, ACCEPTED)
        return self._list(query.order_by(example.c.id))

    def list_page(self, *, side: str | None, status: str, after: str | None, limit: int) -> list[Example]:
        query = sa.select(example).where(example.c.status == status)
        if side is not None:
            query = query.where(example.c.side == side)
        if after is not None:
            query = query.where(example.c.id < after)
        return self._list(query.order_by(example.c.id.desc()).limit(limit))

    def list_in_data(self, side: str) -> list[Example]:
        return self._list(sa.select(example).where(example.c.side == side, ACCEPTED).order_by(example.c.id))

    def list_to_drop(self) -> list[Example]:
        query = sa.select(example).where(
            ~ACCEPTED, example.c.in_data_since.is_not(None), example.c.in_data_until.is_(None)
        )
        return self._list(query.order_by(example.c.id))

    def change(self, example_id: str, *, row_version: int, **values: Any) -> bool:
        if "text" in values:
            named = {"id": example_id, "text": values["text"]}
            values["text"] = seal(self._connection, example, named)["text"]
        result = self._connection.execute(
            sa.update(example)
            .where(example.c.id == example_id, example.c.row_version == row_version, ACCEPTED)
            .values(row_version=row_version + 1, **values)
        )
        return result.rowcount == 1

    def remove(self, example_id: str) -> bool:
        result = self._connection.execute(
            sa.update(example)
            .where(example.c.id == example_id, ACCEPTED)
            .values(status="removed", row_version=example.c.row_version + 1)
        )
        return result.rowcount == 1

    def note_change(self, example_id: str, *, by: str, what: JsonObject) -> None:
        self._connection.execute(
            sa.insert(example_change).values(example_id=example_id, at=self._now, by=by, what=what)
        )

    def list_changes(self, example_id: str) -> list[tuple[datetime, str, JsonObject]]:
        query = sa.select(example_change).where(example_change.c.example_id == example_id)
        rows = self._connection.execute(query.order_by(example_change.c.id))
        return [(row.at, row.by, row.what) for row in rows]

    def mark_written(self, example_ids: Sequence[str], *, version: int) -> None:
        self._connection.execute(
            sa.update(example)
            .where(example.c.id.in_(example_ids), example.c.in_data_since.is_(None))
            .values(in_data_since=version)
        )

    def mark_dropped(self, example_ids: Sequence[str], *, version: int) -> None:
        self._connection.execute(
            sa.update(example)
            .where(example.c.id.in_(example_ids), example.c.in_data_until.is_(None))
            .values(in_data_until=version)
        )

    def find_newest_version(self) -> int:
        return self._connection.execute(sa.select(sa.func.max(data_version.c.number))).scalar() or 0

    def record_version(
        self, number: int, *, by: str, added: int, changed: int, removed: int, sha256: str
    ) -> None:
        self._connection.execute(
            sa.insert(data_version).values(
                number=number,
                written_at=self._now,
                by=by,
                added=added,
                changed=changed,
                removed=removed,
                sha256=sha256,
            )
        )

    def _list(self, query: sa.Select[Any]) -> list[Example]:
        return [_example(row) for row in self._connection.execute(query)]


def _example(row: Any) -> Example:
    return Example(
        id=row.id,
        inbox_id=row.inbox_id,
        conversation_id=row.conversation_id,
        derived_from=row.derived_from,
        text=row.text,
        intent=row.intent,
        category=row.category,
        sub=row.sub,
        spans=tuple((start, end, kind) for start, end, kind in row.spans),
        side=row.side,
        scenario=row.scenario,
        status=row.status,
        is_reworded=row.is_reworded,
        row_version=row.row_version,
        accepted_by=row.accepted_by,
        accepted_at=row.accepted_at,
        in_data_since=row.in_data_since,
        in_data_until=row.in_data_until,
        guest_message_id=row.guest_message_id,
    )
