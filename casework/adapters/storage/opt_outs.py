"""Who is not to be texted unasked, and who cannot be texted at all."""

from datetime import datetime

import sqlalchemy as sa

from casework.adapters.storage.sealed import seal
from casework.adapters.storage.tables import opt_out
from casework.model.messages import Channel
from casework.services.ports import OptOut


class SqlOptOuts:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def record(self, channel: Channel, external_id: str, *, how: str, word: str) -> bool:
        if any(each.how == how for each in self.find(channel, external_id)):
            return False
        self._connection.execute(
            sa.insert(opt_out).values(
                seal(
                    self._connection,
                    opt_out,
                    {
                        "channel": channel.value,
                        "external_id": external_id,
                        "how": how,
                        "word": word[:32],
                        "since": self._now,
                    },
                )
            )
        )
        return True

    def find(self, channel: Channel, external_id: str) -> tuple[OptOut, ...]:
        query = sa.select(opt_out).where(_is_of(channel, external_id), opt_out.c.ended_at.is_(None))
        rows = self._connection.execute(query.order_by(opt_out.c.id)).all()
        return tuple(OptOut(how=row.how, word=row.word, since=row.since) for row in rows)

    def end(self, channel: Channel, external_id: str, *, how: str, before: datetime | None = None) -> int:
        which = {"on": channel.value, "of": external_id, "by": how, "now": self._now}
        statement = END if before is None else END.where(opt_out.c.since < before)
        return self._connection.execute(statement, which).rowcount

    def record_told(self, channel: Channel, external_id: str) -> bool:
        told = sa.select(sa.exists().where(_is_of(channel, external_id), opt_out.c.told_at.is_not(None)))
        if self._connection.execute(told).scalar():
            return False
        self._connection.execute(
            sa.update(opt_out)
            .where(_is_of(channel, external_id), opt_out.c.ended_at.is_(None))
            .values(told_at=self._now)
        )
        return True


def _is_of(channel: Channel, external_id: str) -> sa.ColumnElement[bool]:
    return sa.and_(opt_out.c.channel == channel.value, opt_out.c.external_id == external_id)


END = (
    sa.update(opt_out)
    .where(
        opt_out.c.channel == sa.bindparam("on"),
        opt_out.c.external_id == sa.bindparam("of"),
        opt_out.c.how == sa.bindparam("by"),
        opt_out.c.ended_at.is_(None),
    )
    .values(ended_at=sa.bindparam("now", type_=opt_out.c.ended_at.type))
)
