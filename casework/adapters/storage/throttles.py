"""Throttle buckets, kept so that a restart forgives nobody."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.statements import insert
from casework.adapters.storage.tables import throttle
from casework.model.throttles import Throttle


class SqlThrottles:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def find(self, bucket: str) -> Throttle | None:
        row = self._connection.execute(sa.select(throttle).where(throttle.c.bucket == bucket)).first()
        return None if row is None else _throttle(row)

    def hold(self, bucket: str) -> Throttle:
        """The bucket, a new one where there is none; nobody else can count in it until the transaction ends."""
        statement = insert(self._connection, throttle).values(
            bucket=bucket, window_start=self._now, count=0, cooled=0
        )
        statement = statement.on_conflict_do_update(
            index_elements=["bucket"], set_={"bucket": bucket}
        ).returning(throttle)
        return _throttle(self._connection.execute(statement).one())

    def save(self, bucket: str, counted: Throttle) -> None:
        self._connection.execute(
            sa.update(throttle).where(throttle.c.bucket == bucket).values(**asdict(counted))
        )

    def clear(self, bucket: str) -> None:
        self._connection.execute(sa.delete(throttle).where(throttle.c.bucket == bucket))

    def forget(self, kind: str, *, before: datetime) -> None:
        """Buckets of that kind whose window began before then and which no longer cool."""
        self._connection.execute(
            sa.delete(throttle).where(
                sa.type_coerce(throttle.c.bucket, sa.String).startswith(f"{kind}:", autoescape=True),
                throttle.c.window_start < before,
                sa.or_(throttle.c.cools_until.is_(None), throttle.c.cools_until < before),
            )
        )


def _throttle(row: Any) -> Throttle:
    return Throttle(
        window_start=row.window_start, count=row.count, cools_until=row.cools_until, cooled=row.cooled
    )
