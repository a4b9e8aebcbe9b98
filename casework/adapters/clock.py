"""What time it is: this machine's, or the database's where several machines share one."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa


class SystemClock:
    """Aware UTC now."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class DatabaseClock:
    """The time of a PostgreSQL server, asked whenever a connection to it is opened.

    A lease ends when every worker believes it has ended; machines whose clocks differ would take each other's
    messages. Between two askings it goes on by the monotonic clock, so this machine's clock may jump as it likes.
    Until the first connection it is this machine's time.
    """

    def __init__(self, engine: sa.Engine, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._known = (datetime.now(UTC), monotonic())
        sa.event.listen(engine, "connect", self._ask)

    def now(self) -> datetime:
        at, then = self._known
        return at + timedelta(seconds=self._monotonic() - then)

    def _ask(self, connection: Any, _record: Any) -> None:
        asked = self._monotonic()
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            [at] = cursor.fetchone()
        connection.rollback()
        # Half the way there and back, as far as anybody can tell.
        self._known = (at.astimezone(UTC), (asked + self._monotonic()) / 2)
