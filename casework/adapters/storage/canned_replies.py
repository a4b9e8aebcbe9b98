"""Canned replies: every version of every name, none ever written over."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.conversation_tables import canned_reply
from casework.adapters.storage.statements import insert_once, new_id
from casework.services.conversation_ports import CannedReply


class SqlCannedReplies:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def record(self, reply: CannedReply) -> bool:
        values = {
            "id": new_id(),
            "name": reply.name,
            "version": reply.version,
            "title": reply.title,
            "text": reply.text,
            "is_offered": reply.is_offered,
            "is_closing": reply.is_closing,
            "created_at": self._now,
            "created_by": reply.created_by,
        }
        return insert_once(self._connection, canned_reply, ["name", "version"], values) is not None

    def list_newest(self) -> list[CannedReply]:
        newest = (
            sa.select(canned_reply.c.name, sa.func.max(canned_reply.c.version).label("version"))
            .group_by(canned_reply.c.name)
            .subquery()
        )
        query = (
            sa.select(canned_reply)
            .join(
                newest,
                sa.and_(canned_reply.c.name == newest.c.name, canned_reply.c.version == newest.c.version),
            )
            .order_by(canned_reply.c.title, canned_reply.c.name)
        )
        return [_reply(row) for row in self._connection.execute(query)]


def _reply(row: Any) -> CannedReply:
    return CannedReply(
        name=row.name,
        version=row.version,
        title=row.title,
        text=row.text,
        is_offered=row.is_offered,
        is_closing=row.is_closing,
        created_by=row.created_by,
    )
