"""Who uncovered a masked value, and why. What it said is in the inbox alone."""

from datetime import datetime

import sqlalchemy as sa

from casework.adapters.storage.statements import new_id
from casework.adapters.storage.workbench_tables import unmasking


class SqlUnmaskings:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def record(self, inbox_id: int, staff_id: str, *, kind: str, reason: str) -> str:
        unmasking_id = new_id()
        self._connection.execute(
            sa.insert(unmasking).values(
                id=unmasking_id,
                inbox_id=inbox_id,
                staff_id=staff_id,
                kind=kind,
                reason=reason,
                at=self._now,
            )
        )
        return unmasking_id
