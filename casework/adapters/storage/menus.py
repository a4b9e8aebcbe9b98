"""The choices we have written to somebody, for what comes back from them."""

from datetime import datetime

import sqlalchemy as sa

from casework.adapters.storage.tables import outbox
from casework.model.messages import OutboxStatus
from casework.services.ports import SentChoices

# A row that never left was seen by nobody; one whose outcome is not known may have been.
LEFT = (OutboxStatus.SENDING.value, OutboxStatus.SENT.value, OutboxStatus.UNKNOWN.value)
MOST_LOOKED_AT = 500


class SqlMenus:
    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def find(self, conversation_id: str, menu_token: str) -> tuple[str, ...]:
        query = sa.select(outbox.c.choices).where(
            outbox.c.menu_token == menu_token, outbox.c.conversation_id == conversation_id
        )
        return tuple(self._connection.execute(query).scalar() or ())

    def find_newest_sent(self, conversation_id: str, *, until: datetime) -> SentChoices | None:
        row = self._connection.execute(NEWEST_SENT, {"of": conversation_id, "until": until}).first()
        return (
            None if row is None else SentChoices(choices=tuple(row.choices), at=row.sent_at or row.created_at)
        )

    def has_sent(self, conversation_id: str, *, since: datetime) -> bool:
        # Looked through here: a condition inside a JSON column is not the same on both databases.
        query = self._newest(conversation_id).where(outbox.c.status.in_(LEFT), outbox.c.created_at >= since)
        return any(row.choices for row in self._connection.execute(query.limit(MOST_LOOKED_AT)))

    def _newest(self, conversation_id: str) -> sa.Select[tuple[list[str], datetime, datetime]]:
        return (
            sa.select(outbox.c.choices, outbox.c.sent_at, outbox.c.created_at)
            .where(outbox.c.conversation_id == conversation_id)
            .order_by(outbox.c.id.desc())
        )


_WRITTEN_AT = sa.func.coalesce(outbox.c.sent_at, outbox.c.created_at, type_=outbox.c.sent_at.type)
NEWEST_SENT = (
    sa.select(outbox.c.choices, outbox.c.sent_at, outbox.c.created_at)
    .where(
        outbox.c.conversation_id == sa.bindparam("of"),
        outbox.c.status.in_(LEFT),
        sa.bindparam("until", type_=outbox.c.sent_at.type) >= _WRITTEN_AT,
    )
    .order_by(outbox.c.id.desc())
    .limit(1)
)
