"""Reading the record: by filter for auditors, and what was done with one conversation for whom it is of."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.tables import UtcDateTime, audit, desk_item, inbox, staff_member
from casework.model.desk import HandoffReason
from casework.services.reading_ports import AuditEntry, AuditSearch, Cursor, RecordedDeed

OFFICER = "officer"
MICROSECOND = timedelta(microseconds=1)
_ENTRIES = sa.select(
    *(audit.c.id, audit.c.at, audit.c.actor, audit.c.act, audit.c.conversation_id, audit.c.thing),
    staff_member.c.display_name,
).select_from(audit.join(staff_member, audit.c.actor == staff_member.c.id, isouter=True))


class SqlAuditReads:
    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def search(self, wanted: AuditSearch, *, after: Cursor | None, limit: int) -> list[AuditEntry]:
        # The later pages enter the index where the one before ended, and not at the newest row.
        until = wanted.until if after is None else min(wanted.until, after.at + MICROSECOND)
        query = _ENTRIES.where(audit.c.at >= wanted.since, audit.c.at < until)
        actor: sa.ColumnElement[str] = audit.c.actor
        act: sa.ColumnElement[str] = audit.c.act
        if wanted.conversation_id is not None:
            query = query.where(audit.c.conversation_id == wanted.conversation_id)
            # Of one conversation there are few rows: no index but its own may be chosen.
            actor, act = actor.concat(""), act.concat("")
        if wanted.actor is not None:
            query = query.where(actor == wanted.actor)
        if wanted.act is not None:
            query = query.where(act == wanted.act)
        if after is not None:
            last = sa.tuple_(sa.literal(after.at, UtcDateTime), sa.literal(after.entry_id))
            query = query.where(sa.tuple_(audit.c.at, audit.c.id) < last)
        query = query.order_by(audit.c.at.desc(), audit.c.id.desc()).limit(limit)
        return [_entry(row) for row in self._connection.execute(query)]

    def list_deeds(self, conversation_id: str, *, until: datetime, limit: int) -> list[RecordedDeed]:
        query = (
            _ENTRIES.add_columns(staff_member.c.role)
            .where(audit.c.conversation_id == conversation_id, audit.c.at < until)
            .where(sa.or_(staff_member.c.id.is_not(None), audit.c.actor == OFFICER))
            .order_by(audit.c.at.desc(), audit.c.id.desc())
            .limit(limit)
        )
        return [
            RecordedDeed(
                at=row.at,
                actor=row.actor,
                role=row.role or OFFICER,
                name=row.display_name or "",
                act=row.act,
            )
            for row in self._connection.execute(query)
        ]

    def find_duress(self, conversation_id: str, *, since: datetime) -> datetime | None:
        query = sa.select(sa.func.min(desk_item.c.created_at)).where(
            desk_item.c.conversation_id == conversation_id,
            desk_item.c.reason == HandoffReason.DURESS.value,
            desk_item.c.created_at >= since,
        )
        return self._connection.execute(query).scalar()

    def find_conversation_of_message(self, inbox_id: int) -> str | None:
        query = sa.select(inbox.c.conversation_id).where(inbox.c.id == inbox_id)
        return self._connection.execute(query).scalar()


def _entry(row: Any) -> AuditEntry:
    return AuditEntry(
        id=row.id,
        at=row.at,
        actor=row.actor,
        actor_name=row.display_name,
        act=row.act,
        conversation_id=row.conversation_id,
        thing=row.thing,
    )
