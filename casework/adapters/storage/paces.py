"""How fast each of our addresses may send, and what a day has come to: shared by every worker."""

from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.outbox import PACED
from casework.adapters.storage.statements import insert, insert_for
from casework.adapters.storage.tables import OUTBOX_UNFINISHED, outbox, sending_pace, spend, status_in
from casework.model.messages import Channel
from casework.model.pacing import URGENT

MOST_COUNTED = 300
STILL_ITS_MOMENT = timedelta(seconds=5)


class SqlPaces:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def hold(self, sender: str, *, full: float) -> tuple[float, datetime]:
        # The update branch takes the row's lock. Skipping a locked row would give each worker a bucket of its own.
        values = {"sender": sender, "tokens": full, "counted_at": self._now}
        row = self._connection.execute(_hold(self._connection.dialect.name), values).one()
        return row.tokens, row.counted_at

    def save(self, sender: str, tokens: float, *, counted_at: datetime) -> None:
        self._connection.execute(SAVE, {"of": sender, "left": tokens, "at": counted_at})

    def count_ahead(self, dedupe_key: str) -> int:
        own = sa.select(outbox.c.id, outbox.c.lane, outbox.c.channel).where(outbox.c.dedupe_key == dedupe_key)
        row = self._connection.execute(own).first()
        if row is None:
            return 0
        comes_before = sa.or_(
            outbox.c.lane < row.lane, sa.and_(outbox.c.lane == row.lane, outbox.c.id < row.id)
        )
        # What waits for its hour is not in the way.
        could_leave = sa.or_(outbox.c.not_before <= self._now, outbox.c.reason == PACED)
        waiting = (
            sa.select(outbox.c.id)
            .where(
                status_in(outbox, OUTBOX_UNFINISHED),
                outbox.c.channel == row.channel,
                comes_before,
                could_leave,
            )
            .limit(MOST_COUNTED)
            .subquery()
        )
        return int(self._connection.execute(sa.select(sa.func.count()).select_from(waiting)).scalar_one())

    def has_urgent_waiting(self, channel: Channel) -> bool:
        # One that still waits long after its moment waits for something else, and nobody must wait for that.
        since = self._now - STILL_ITS_MOMENT
        return bool(self._connection.execute(URGENT_WAITS, {"on": channel.value, "since": since}).scalar())

    def add_spend(self, day: date, kind: str, segments: int) -> int:
        statement = insert(self._connection, spend).values(day=day, kind=kind, segments=segments)
        statement = statement.on_conflict_do_update(
            index_elements=["day", "kind"], set_={"segments": spend.c.segments + segments}
        ).returning(spend.c.segments)
        return int(self._connection.execute(statement).scalar_one())

    def find_spend(self, day: date, kind: str) -> int:
        query = sa.select(spend.c.segments).where(spend.c.day == day, spend.c.kind == kind)
        return self._connection.execute(query).scalar() or 0


# Built once: each message that is sent asks them.
SAVE = (
    sa.update(sending_pace)
    .where(sending_pace.c.sender == sa.bindparam("of"))
    .values(tokens=sa.bindparam("left"), counted_at=sa.bindparam("at"))
)
URGENT_WAITS = sa.select(
    sa.exists().where(
        status_in(outbox, OUTBOX_UNFINISHED),
        outbox.c.lane.in_([lane.value for lane in URGENT]),
        outbox.c.channel == sa.bindparam("on"),
        outbox.c.reason == PACED,
        outbox.c.not_before >= sa.bindparam("since"),
    )
)


@cache
def _hold(dialect: str) -> Any:
    statement = insert_for(dialect, sending_pace)
    return statement.on_conflict_do_update(
        index_elements=["sender"], set_={"sender": statement.excluded.sender}
    ).returning(sending_pace.c.tokens, sending_pace.c.counted_at)
