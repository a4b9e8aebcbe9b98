"""Replies half written, kept where the next owner finds them."""

from datetime import datetime

import sqlalchemy as sa

from casework.adapters.storage.conversation_tables import draft
from casework.adapters.storage.sealed import seal
from casework.adapters.storage.statements import insert
from casework.adapters.storage.tables import outbox, staff_member
from casework.services.conversation_ports import Draft


class SqlDrafts:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def keep(self, conversation_id: str, staff_id: str, text: str) -> None:
        named = {"conversation_id": conversation_id, "staff_id": staff_id}
        values = seal(self._connection, draft, named | {"text": text, "updated_at": self._now})
        statement = insert(self._connection, draft).values(values)
        self._connection.execute(
            statement.on_conflict_do_update(index_elements=["conversation_id", "staff_id"], set_=values)
        )

    def is_sent(self, conversation_id: str, staff_id: str, composer: str) -> bool:
        query = sa.select(outbox.c.id).where(
            outbox.c.conversation_id == conversation_id,
            outbox.c.dedupe_key.startswith(f"staff:{staff_id}:{composer}", autoescape=True),
        )
        return self._connection.execute(query.limit(1)).first() is not None

    def drop(self, conversation_id: str, staff_id: str) -> None:
        self._connection.execute(
            sa.delete(draft).where(draft.c.conversation_id == conversation_id, draft.c.staff_id == staff_id)
        )

    def list_of(self, conversation_id: str) -> list[Draft]:
        query = (
            sa.select(draft, staff_member.c.display_name)
            .join(staff_member, draft.c.staff_id == staff_member.c.id)
            .where(draft.c.conversation_id == conversation_id)
            .order_by(draft.c.updated_at.desc(), draft.c.staff_id)
        )
        return [
            Draft(
                conversation_id=row.conversation_id,
                staff_id=row.staff_id,
                author_name=row.display_name,
                text=row.text,
                updated_at=row.updated_at,
            )
            for row in self._connection.execute(query)
        ]
