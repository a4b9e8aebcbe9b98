"""Versions of the words that are published over the release's, and who was told which."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.content_tables import content_version, told_content
from casework.adapters.storage.menus import LEFT
from casework.adapters.storage.statements import insert_for, new_id
from casework.adapters.storage.tables import outbox, status_in
from casework.model.messages import Channel
from casework.services.content_ports import (
    ContentKind,
    ContentRef,
    ContentStatus,
    ContentVersion,
    NewVersion,
    Told,
)


class SqlContents:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def record(self, version: NewVersion) -> bool:
        values = {
            "id": new_id(),
            "name": version.name,
            "kind": version.kind.value,
            "version": version.version,
            "forms": dict(version.forms),
            "source": version.source,
            "review_by": version.review_by,
            "status": version.status.value,
            "drafted_by": version.drafted_by,
            "drafted_at": self._now,
            "note": version.note,
        }
        # Whatever is unique about it: its number, and a draft that waits.
        insert = insert_for(self._connection.dialect.name, content_version).on_conflict_do_nothing()
        kept = self._connection.execute(insert.values(values).returning(content_version.c.id))
        return kept.first() is not None

    def list_of(self, name: str) -> list[ContentVersion]:
        rows = self._connection.execute(_list_of_names(), {"names": [name]})
        return [_version(row) for row in rows]

    def list_standing(self) -> list[ContentVersion]:
        query = (
            sa.select(content_version)
            .where(_is_one_of(ContentStatus.BASE, ContentStatus.PUBLISHED, ContentStatus.DRAFT))
            .order_by(content_version.c.name, content_version.c.version.desc())
        )
        return [_version(row) for row in self._connection.execute(query)]

    def list_published(self) -> list[ContentVersion]:
        return [_version(row) for row in self._connection.execute(_list_published())]

    def list_sayable(self, names: Sequence[str]) -> list[ContentVersion]:
        return [_version(row) for row in self._connection.execute(_list_sayable(), {"names": list(names)})]

    def change_status(
        self, version: ContentVersion, status: ContentStatus, *, approved_by: str | None = None
    ) -> bool:
        values: dict[str, Any] = {"status": status.value}
        if status is ContentStatus.PUBLISHED:
            values |= {"published_at": self._now, "approved_by": approved_by}
        changed = self._connection.execute(
            sa.update(content_version)
            .where(content_version.c.id == version.id, content_version.c.status == version.status.value)
            .values(values)
        )
        return changed.rowcount == 1

    def record_told(self, outbox_id: int, contents: Sequence[ContentRef]) -> None:
        if contents:
            self._connection.execute(
                sa.insert(told_content),
                [
                    {"outbox_id": outbox_id, "name": name, "version": version, "at": self._now}
                    for name, version in contents
                ],
            )

    def list_told(self, name: str, version: int, *, since: datetime | None = None) -> Iterator[Told]:
        query = _list_told().where(told_content.c.name == name, told_content.c.version == version)
        if since is not None:
            query = query.where(told_content.c.at >= since)
        for row in self._connection.execute(query):
            has_left = row.has_left or self._has_left_anew(row)
            yield Told(
                conversation_id=row.conversation_id,
                outbox_id=row.id,
                channel=Channel(row.channel),
                at=row.at,
                has_left=has_left,
            )

    def _has_left_anew(self, row: Any) -> bool:
        """Sent anew it is another row with the same words."""
        if row.turn_id is None:
            return False
        query = sa.select(outbox.c.text).where(
            outbox.c.conversation_id == row.conversation_id,
            outbox.c.turn_id == row.turn_id,
            status_in(outbox, LEFT),
        )
        return row.text in self._connection.execute(query).scalars().all()


def _is_one_of(*statuses: ContentStatus) -> sa.ColumnElement[bool]:
    return status_in(content_version, [status.value for status in statuses])


@cache
def _list_of_names() -> sa.Select[Any]:
    return (
        sa.select(content_version)
        .where(content_version.c.name.in_(sa.bindparam("names", expanding=True)))
        .order_by(content_version.c.version.desc())
    )


@cache
def _list_sayable() -> sa.Select[Any]:
    return _list_of_names().where(_is_one_of(ContentStatus.BASE, ContentStatus.PUBLISHED))


@cache
def _list_published() -> sa.Select[Any]:
    # As the partial index has it, written out.
    is_published: sa.ColumnElement[bool] = sa.literal_column("status = 'published'")
    return sa.select(content_version).where(is_published).order_by(content_version.c.name)


@cache
def _list_told() -> sa.Select[Any]:
    return (
        sa.select(
            outbox.c.conversation_id,
            outbox.c.id,
            outbox.c.turn_id,
            outbox.c.channel,
            outbox.c.text,
            told_content.c.at,
            status_in(outbox, LEFT).label("has_left"),
        )
        .join_from(told_content, outbox, outbox.c.id == told_content.c.outbox_id)
        .order_by(told_content.c.at, outbox.c.id)
    )


def _version(row: Any) -> ContentVersion:
    return ContentVersion(
        id=row.id,
        name=row.name,
        kind=ContentKind(row.kind),
        version=row.version,
        forms=row.forms,
        source=row.source,
        review_by=row.review_by,
        status=ContentStatus(row.status),
        drafted_by=row.drafted_by,
        drafted_at=row.drafted_at,
        approved_by=row.approved_by,
        published_at=row.published_at,
        note=row.note,
    )
