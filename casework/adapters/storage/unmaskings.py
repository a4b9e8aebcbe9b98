"""Who uncovered a masked value, and why. What it said is in the inbox alone."""

from datetime import datetime

import sqlalchemy as sa

from casework.adapters.storage.sealed import seal
from casework.adapters.storage.statements import new_id
from casework.adapters.storage.tables import inbox
from casework.adapters.storage.workbench_tables import unmasking


class SqlUnmaskings:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def record(self, inbox_id: int, staff_id: str, *, kind: str, reason: str) -> str:
        unmasking_id = new_id()
        values = {
            "id": unmasking_id,
            "inbox_id": inbox_id,
            "staff_id": staff_id,
            "kind": kind,
            "reason": reason,
            "at": self._now,
        }
        of = sa.select(inbox.c.conversation_id).where(inbox.c.id == inbox_id)
        talk = self._connection.execute(of).scalar_one()
        self._connection.execute(
            sa.insert(unmasking).values(seal(self._connection, unmasking, values, owner=talk))
        )
        return unmasking_id
