"""Reads for the sealed record: which rows there are, and the rows themselves."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.content_tables import content_version, told_content
from casework.adapters.storage.conversations import hide_keys
from casework.adapters.storage.disclosure_export_sources import (
    ATTEMPT,
    DESK_ACTS,
    MEDIA,
    NEWS,
    READING,
    SOURCES,
    TURN,
    Source,
)
from casework.adapters.storage.keeping_tables import erasure, record_export_words
from casework.adapters.storage.model_tables import model_version
from casework.adapters.storage.sealed import seal
from casework.adapters.storage.statements import new_id
from casework.adapters.storage.tables import (
    audit,
    conversation,
    delivery_attempt,
    delivery_event,
    inbound_media,
    media_content,
    officer_message,
    outbox,
    staff_member,
    standing,
    turn,
)
from casework.adapters.storage.workbench_tables import turn_record
from casework.services.disclosure_export_ports import (
    Entry,
    ExportScope,
    ExportWords,
    InboundParts,
    Key,
    OutboundParts,
    RecordKind,
    Row,
)


class SqlExportReads:
    """An `ExportReads`."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def begin(self) -> None:
        # SQLite reads a snapshot anyway; PostgreSQL would read each statement as of its own moment.
        if self._connection.dialect.name == "postgresql":
            self._connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")

    def find_conversation(self, conversation_id: str) -> Row | None:
        found = self._list(sa.select(conversation).where(conversation.c.id == conversation_id))
        return found[0] if found else None

    def find_erased_at(self, conversation_id: str) -> datetime | None:
        query = sa.select(sa.func.max(erasure.c.finished_at)).where(
            erasure.c.subject_kind == "conversation", erasure.c.subject_id == conversation_id
        )
        erased_at: datetime | None = self._connection.execute(query).scalar()
        return erased_at

    def list_conversations_of_case(self, crime_reference: str) -> list[Row]:
        proved = sa.select(standing.c.conversation_id).where(standing.c.crime_reference == crime_reference)
        of_thread = sa.select(officer_message.c.conversation_id).where(
            officer_message.c.crime_reference == crime_reference,
            officer_message.c.conversation_id.is_not(None),
        )
        query = sa.select(conversation).where(
            conversation.c.id.in_(proved.union(of_thread)), ~conversation.c.is_drill
        )
        return sorted(self._list(query), key=lambda row: (row["created_at"], row["id"]))

    def list_entries(self, kind: RecordKind, scope: ExportScope) -> list[Entry]:
        source = SOURCES[kind]
        keys = list(source.table.primary_key.columns)
        query = sa.select(source.table.c[source.at].label("moment"), *keys).where(_is_in(source, scope))
        if source.table is audit:
            query = query.where(audit.c.act.in_(DESK_ACTS))
        return [
            Entry(kind=kind, at=row[0], key=tuple(row[1:]))
            for row in self._connection.execute(query)
            if row[0] is not None
        ]

    def fetch(self, kind: RecordKind, keys: Sequence[Key]) -> dict[Key, Row]:
        source = SOURCES[kind]
        of_key = list(source.table.primary_key.columns)
        found = sa.tuple_(*of_key).in_(keys) if len(of_key) > 1 else of_key[0].in_([key[0] for key in keys])
        rows = self._list(sa.select(source.table).where(found))
        return {tuple(row[column.name] for column in of_key): _cut(row, source) for row in rows}

    def list_inbound_parts(self, inbox_ids: Sequence[int]) -> dict[int, InboundParts]:
        turns = self._group(TURN, turn.c.inbox_id, inbox_ids)
        readings = self._group(READING, turn_record.c.inbox_id, inbox_ids)
        media = self._group(MEDIA, inbound_media.c.inbox_id, inbox_ids)
        return {
            each: InboundParts(
                turn=next(iter(turns.get(each, ())), None),
                reading=next(iter(readings.get(each, ())), None),
                media=sorted(media.get(each, ()), key=lambda row: row["position"]),
            )
            for each in inbox_ids
        }

    def list_outbound_parts(self, outbox_ids: Sequence[int]) -> dict[int, OutboundParts]:
        rows = self._connection.execute(sa.select(outbox).where(outbox.c.id.in_(outbox_ids))).all()
        attempts = self._group(ATTEMPT, delivery_attempt.c.outbox_id, outbox_ids)
        provider_ids = sorted({row.provider_message_id for row in rows if row.provider_message_id})
        news = self._group(NEWS, delivery_event.c.provider_message_id, provider_ids)
        told = self._list_told(outbox_ids)
        return {
            row.id: OutboundParts(
                attempts=attempts.get(row.id, ()),
                news=news.get(row.provider_message_id, ()),
                told=told.get(row.id, ()),
                words_shown=hide_keys(row),
            )
            for row in rows
        }

    def _list_told(self, outbox_ids: Sequence[int]) -> dict[int, list[Row]]:
        query = (
            sa.select(told_content, content_version.c.forms, content_version.c.published_at)
            .select_from(told_content)
            .join(
                content_version,
                sa.and_(
                    content_version.c.name == told_content.c.name,
                    content_version.c.version == told_content.c.version,
                ),
                isouter=True,
            )
            .where(told_content.c.outbox_id.in_(outbox_ids))
        )
        told: dict[int, list[Row]] = {}
        for row in sorted(self._list(query), key=lambda row: (row["name"], row["version"])):
            told.setdefault(row["outbox_id"], []).append(row)
        return told

    def _group(self, source: Source, by: sa.Column[Any], values: Sequence[Any]) -> dict[Any, list[Row]]:
        """The rows in the order they were written."""
        key = next(iter(source.table.primary_key.columns))
        rows = self._list(sa.select(source.table).where(by.in_(values)))
        grouped: dict[Any, list[Row]] = {}
        for row in sorted(rows, key=lambda row: row[key.name]):
            grouped.setdefault(row[by.name], []).append(_cut(row, source))
        return grouped

    def find_media_content(self, media_id: int) -> bytes | None:
        query = sa.select(media_content.c.content).where(media_content.c.media_id == media_id)
        return self._connection.execute(query).scalar()

    def keep_words(self, scope: ExportScope, words: str, *, at: datetime, by: str) -> None:
        is_case = scope.crime_reference is not None
        values = {
            "id": new_id(),
            "conversation_id": None if is_case else scope.conversation_ids[0],
            "crime_reference": scope.crime_reference,
            "words": words,
            "asked_by": by,
            "asked_at": at,
        }
        sealed = seal(self._connection, record_export_words, values)
        self._connection.execute(sa.insert(record_export_words).values(sealed))

    def list_words(self, conversation_id: str) -> list[ExportWords]:
        query = (
            sa.select(record_export_words, staff_member.c.display_name)
            .join(staff_member, staff_member.c.id == record_export_words.c.asked_by)
            .where(record_export_words.c.conversation_id == conversation_id)
            .order_by(record_export_words.c.asked_at.desc(), record_export_words.c.id)
        )
        return [
            ExportWords(words=row.words, by=row.display_name, at=row.asked_at)
            for row in self._connection.execute(query)
        ]

    def list_staff(self) -> dict[str, Row]:
        columns = (staff_member.c.id, staff_member.c.display_name, staff_member.c.collar_number)
        return {row["id"]: row for row in self._list(sa.select(*columns))}

    def _list(self, query: sa.Select[Any]) -> list[Row]:
        return [dict(row) for row in self._connection.execute(query).mappings()]

    def find_model_sha(self, model_id: str) -> str | None:
        query = sa.select(model_version.c.sha256).where(model_version.c.model_id == model_id)
        return self._connection.execute(query).scalar()


def _is_in(source: Source, scope: ExportScope) -> sa.ColumnElement[bool]:
    """Of one of the conversations, or of the case itself where the scope is one."""
    columns = source.table.c
    of_case: sa.ColumnElement[bool] = sa.false()
    if "crime_reference" in columns and scope.crime_reference is not None:
        of_case = columns.crime_reference == scope.crime_reference
    if "conversation_id" not in columns:
        return columns.id.in_(scope.conversation_ids) if source.table is conversation else of_case
    is_of_them = columns.conversation_id.in_(scope.conversation_ids)
    if not columns.conversation_id.nullable or "crime_reference" not in columns:
        return is_of_them
    return sa.or_(is_of_them, sa.and_(columns.conversation_id.is_(None), of_case))


def _cut(row: Row, source: Source) -> Row:
    return {name: row[name] for name in source.columns}
