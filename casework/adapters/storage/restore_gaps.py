"""When backups were put back, and what each of them does not know."""

from datetime import datetime

import sqlalchemy as sa

from casework.adapters.storage.statements import new_id
from casework.adapters.storage.switch_tables import restore_gap
from casework.services.switch_ports import RestoreGap


class SqlRestoreGaps:
    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def record(self, gap: RestoreGap) -> None:
        values = {"id": new_id(), "since": gap.since, "until": gap.until}
        self._connection.execute(sa.insert(restore_gap).values(**values))

    def find_newest(self, *, until_after: datetime) -> RestoreGap | None:
        row = self._connection.execute(_NEWEST, {"after": until_after}).first()
        return None if row is None else RestoreGap(since=row.since, until=row.until)


# Asked before each message leaves.
_NEWEST = (
    sa.select(restore_gap)
    .where(restore_gap.c.until > sa.bindparam("after", type_=restore_gap.c.until.type))
    .order_by(restore_gap.c.until.desc())
    .limit(1)
)
