"""The assistant switched off, on one channel or on all."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.sealed import seal
from casework.adapters.storage.statements import new_id
from casework.adapters.storage.switch_tables import assistant_off
from casework.adapters.storage.tables import staff_member
from casework.model.messages import Channel
from casework.services.switch_ports import AssistantOff

_GOING_ON = (
    sa.select(assistant_off, staff_member.c.display_name)
    .join(staff_member, assistant_off.c.by_id == staff_member.c.id)
    .where(assistant_off.c.ended_at.is_(None))
)


class SqlAssistantSwitch:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def turn_off(self, channel: Channel | None, *, reason: str, by: str) -> str | None:
        if any(each.channel is channel for each in self.list_off()):
            return None
        made = new_id()
        values = {
            "id": made,
            "channel": channel.value if channel else None,
            "reason": reason,
            "since": self._now,
            "by_id": by,
        }
        self._connection.execute(
            sa.insert(assistant_off).values(seal(self._connection, assistant_off, values))
        )
        return made

    def turn_on(self, channel: Channel | None, *, by: str) -> int:
        which = [] if channel is None else [assistant_off.c.channel == channel.value]
        return self._connection.execute(
            sa.update(assistant_off)
            .where(assistant_off.c.ended_at.is_(None), *which)
            .values(ended_at=self._now, ended_by=by)
        ).rowcount

    def find_off(self, channel: Channel) -> AssistantOff | None:
        of_it = sa.or_(assistant_off.c.channel.is_(None), assistant_off.c.channel == channel.value)
        query = _GOING_ON.where(of_it).order_by(assistant_off.c.channel.is_not(None)).limit(1)
        row = self._connection.execute(query).first()
        return None if row is None else _off(row)

    def list_off(self) -> list[AssistantOff]:
        rows = self._connection.execute(_GOING_ON.order_by(assistant_off.c.since, assistant_off.c.id))
        return [_off(row) for row in rows]


def _off(row: Any) -> AssistantOff:
    return AssistantOff(
        id=row.id,
        channel=Channel(row.channel) if row.channel else None,
        reason=row.reason,
        since=row.since,
        by_name=row.display_name,
    )
