"""Reading the whole audit in the order it was stored, whatever somebody may have put into it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.audit_tables import audit_anchor, audit_head
from casework.adapters.storage.tables import audit
from casework.model.audit_chain import Entry, Head, Record
from casework.services.anchors import StoredAnchor

BATCH = 5000
# What stands where no time can be read: it was never a record's.
NO_TIME = datetime(1, 1, 1, tzinfo=UTC)


def count_records(connection: sa.Connection) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(audit)).scalar_one()


def read_records(connection: sa.Connection) -> Iterator[Record]:
    """Every record by its id, a few thousand held at a time."""
    # SQLite keeps whatever it is given: a time that is none must be found, and must not end the reading.
    at = sa.type_coerce(audit.c.at, sa.String) if connection.dialect.name == "sqlite" else audit.c.at
    said = (audit.c.actor, audit.c.act, audit.c.conversation_id, audit.c.thing)
    query = sa.select(audit.c.shard, audit.c.seq, audit.c.hash, at, *said).order_by(audit.c.id)
    streaming = connection.execution_options(stream_results=True, max_row_buffer=BATCH)
    for shard, seq, hash_, at, *texts in streaming.execute(query):
        actor, act, conversation_id, thing = texts
        if not _are_texts(actor, act, conversation_id or "", thing or ""):
            actor, act, conversation_id, thing = (repr(each) for each in texts)
        entry = Entry(_read_time(at), actor, act, conversation_id, thing)
        yield Record(_read_number(shard), _read_number(seq), hash_, entry)


def _are_texts(*values: Any) -> bool:
    return all(type(each) is str for each in values)


def _read_time(at: Any) -> datetime:
    if isinstance(at, datetime):
        return at
    try:
        found = datetime.fromisoformat(at)
    except (TypeError, ValueError):
        return NO_TIME
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def _read_number(number: Any) -> int:
    return number if type(number) is int else -1


def read_heads(connection: sa.Connection) -> dict[int, Head]:
    rows = connection.execute(sa.select(audit_head))
    return {row.shard: Head(row.shard, row.seq, row.hash) for row in rows}


def read_anchors(connection: sa.Connection) -> Iterator[StoredAnchor]:
    """By number."""
    query = sa.select(audit_anchor).order_by(audit_anchor.c.number)
    streaming = connection.execution_options(stream_results=True, max_row_buffer=BATCH)
    for row in streaming.execute(query):
        yield StoredAnchor(number=row.number, signed_at=row.signed_at, signed=row.signed)
