"""Which rows have had their time, by the rules of retention.toml, and their end."""

from collections import Counter
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.belongings import Belongings
from casework.adapters.storage.data_map import load_data_map
from casework.adapters.storage.keeping_tables import keeping_mark, record_export
from casework.adapters.storage.statements import insert
from casework.adapters.storage.tables import (
    DESK_ITEM_OPEN,
    OFFICER_MESSAGE_WAITING,
    OUTBOX_UNFINISHED,
    PROMISE_MADE,
    TURN_UNFINISHED,
    conversation,
    desk_item,
    inbox,
    metadata,
    officer_message,
    outbox,
    promise,
    status_in,
    turn,
)
from casework.model.errors import SettingsInvalid
from casework.model.messages import OutboxStatus
from casework.model.retention import Counted, RetentionRules, TableRule
from casework.services.keeping_ports import ExportNoted

NO_TIME = timedelta()


def check_rules(rules: RetentionRules) -> None:
    """Raises SettingsInvalid unless every table stands in one class, with columns it has."""
    faults = [f"{name}: no such table" for name in rules.tables.keys() - metadata.tables.keys()]
    faults += [f"{name}: in no class" for name in metadata.tables.keys() - rules.tables.keys()]
    for name, rule in rules.tables.items():
        if name in metadata.tables:
            table = metadata.tables[name]
            faults += [
                f"{name}.{each}: no such column" for each in (*rule.at, *rule.unless) if each not in table.c
            ]
            if (
                rule.counted is Counted.EXPORT
                and name != conversation.name
                and "conversation_id" not in table.c
            ):
                faults.append(f"{name}: of no conversation, so no export can tell of it")
    for name, columns in rules.loosens.items():
        tight = (
            {each.name for each in metadata.tables[name].c if not each.nullable}
            if name in metadata.tables
            else columns
        )
        faults += [f"{name}.{each}: cannot let go" for each in columns & tight]
    if faults:
        raise SettingsInvalid(f"The rules of retention do not fit the tables: {'; '.join(sorted(faults))}")


class SqlRetention:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    # --- what the force's record has --------------------------------------------------------------

    def note_exported(self, conversation_id: str, up_to: int, *, covers_until: datetime, by: str) -> None:
        self._connection.execute(
            sa.insert(record_export).values(
                conversation_id=conversation_id,
                up_to_inbox_id=up_to,
                covers_until=covers_until,
                acknowledged_by=by,
                acknowledged_at=self._now,
            )
        )

    def list_exports(self, conversation_id: str) -> list[ExportNoted]:
        query = sa.select(record_export).where(record_export.c.conversation_id == conversation_id)
        return [
            ExportNoted(
                up_to_inbox_id=row.up_to_inbox_id,
                covers_until=row.covers_until,
                acknowledged_by=row.acknowledged_by,
                acknowledged_at=row.acknowledged_at,
            )
            for row in self._connection.execute(query.order_by(record_export.c.id.desc()))
        ]

    def find_received_at(self, conversation_id: str, inbox_id: int) -> datetime | None:
        query = sa.select(inbox.c.received_at).where(
            inbox.c.id == inbox_id, inbox.c.conversation_id == conversation_id
        )
        return self._connection.execute(query).scalar()

    def count_unexported(self, older_than: timedelta) -> int:
        known = sa.exists().where(
            record_export.c.conversation_id == inbox.c.conversation_id,
            record_export.c.covers_until >= inbox.c.received_at,
        )
        real = sa.select(conversation.c.id).where(conversation.c.is_drill.is_(sa.false()))
        query = sa.select(sa.func.count(sa.distinct(inbox.c.conversation_id))).where(
            inbox.c.received_at <= self._now - older_than, inbox.c.conversation_id.in_(real), ~known
        )
        return self._connection.execute(query).scalar_one()

    # --- what has had its time --------------------------------------------------------------------

    def remove_due(self, rules: RetentionRules, rule: TableRule, *, limit: int) -> Counter[str]:
        table, belongings = metadata.tables[rule.table], find_belongings(rules)
        due = self._is_due(rule, belongings, late=NO_TIME)
        return remove_some(self._connection, belongings, table, due, limit=limit)

    def count_due(self, rules: RetentionRules, rule: TableRule, *, late: timedelta = NO_TIME) -> int:
        due = self._is_due(rule, find_belongings(rules), late=late)
        query = sa.select(sa.func.count()).select_from(metadata.tables[rule.table]).where(due)
        return self._connection.execute(query).scalar_one()

    def _is_due(self, rule: TableRule, belongings: Belongings, *, late: timedelta) -> sa.ColumnElement[bool]:
        table = metadata.tables[rule.table]
        assert rule.keep_for is not None
        before = self._now - rule.keep_for - late
        kept = [table.c[column].in_(states) for column, states in rule.unless.items()]
        is_over = (
            _is_exported(table, rule, before)
            if rule.counted is Counted.EXPORT
            else _is_older(table, rule, before)
        )
        return sa.and_(is_over, ~sa.or_(sa.false(), *kept), ~belongings.is_held(table))

    # --- marks ------------------------------------------------------------------------------------

    def find_mark(self, name: str) -> datetime | None:
        return self._connection.execute(
            sa.select(keeping_mark.c.at).where(keeping_mark.c.name == name)
        ).scalar()

    def set_mark(self, name: str) -> None:
        save_mark(self._connection, name, 0, self._now)


def save_mark(connection: sa.Connection, name: str, last_id: int, at: datetime) -> None:
    statement = insert(connection, keeping_mark).values(name=name, last_id=last_id, at=at)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["name"], set_={"last_id": last_id, "at": at})
    )


def find_belongings(rules: RetentionRules) -> Belongings:
    return _belongings(tuple((table, columns) for table, columns in sorted(rules.loosens.items())))


@lru_cache(maxsize=4)
def _belongings(loosens: tuple[tuple[str, frozenset[str]], ...]) -> Belongings:
    return Belongings(load_data_map(), dict(loosens))


def remove_some(
    connection: sa.Connection,
    belongings: Belongings,
    table: sa.Table,
    which: sa.ColumnElement[bool],
    *,
    limit: int,
) -> Counter[str]:
    """At most so many of those rows, and all that hangs on them."""
    key = list(table.primary_key.columns)
    rows = connection.execute(sa.select(*key).where(which).order_by(*key).limit(limit)).all()
    if not rows:
        return Counter()
    ids = (
        key[0].in_([row[0] for row in rows])
        if len(key) == 1
        else sa.tuple_(*key).in_([tuple(row) for row in rows])
    )
    return belongings.remove(connection, table, ids)


def _is_older(table: sa.Table, rule: TableRule, before: datetime) -> sa.ColumnElement[bool]:
    """Every time it has, and it has the first."""
    first, *_ = columns = [table.c[name] for name in rule.at]
    return sa.and_(
        first.is_not(None), *(sa.or_(each.is_(None), each <= _as_column(each, before)) for each in columns)
    )


def _is_exported(table: sa.Table, rule: TableRule, before: datetime) -> sa.ColumnElement[bool]:
    whose = table.c.id if table is conversation else table.c.conversation_id
    first, *_ = columns = [table.c[name] for name in rule.at]
    covered = sa.exists().where(
        record_export.c.conversation_id == whose,
        record_export.c.acknowledged_at <= before,
        *(sa.or_(each.is_(None), record_export.c.covers_until >= each) for each in columns),
    )
    rehearsed = sa.select(conversation.c.id).where(conversation.c.is_drill.is_(sa.true())).correlate(None)
    exported = sa.select(record_export.c.conversation_id).where(record_export.c.acknowledged_at <= before)
    is_over = sa.or_(
        # Said twice: the first is what an index is asked, and leaves few for the second.
        sa.and_(whose.in_(exported.correlate(None)), covered.correlate(table)),
        sa.and_(whose.in_(rehearsed), _is_older(table, rule, before)),
    )
    more = [_is_empty()] if table is conversation else []
    return sa.and_(first.is_not(None), is_over, whose.not_in(list_in_work()), ~_is_to_leave(whose), *more)


def _is_to_leave(whose: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Whether words wait there until the person writes again: no index knows them but by conversation."""
    waiting = outbox.alias()
    held = sa.exists().where(waiting.c.conversation_id == whose, waiting.c.status == OutboxStatus.HELD.value)
    return held.correlate_except(waiting)


def _is_empty() -> sa.ColumnElement[bool]:
    """A conversation goes last: once nothing that was said is left in it."""
    said = (
        sa.exists().where(each.c.conversation_id == conversation.c.id).correlate(conversation)
        for each in (inbox, outbox, officer_message)
    )
    return ~sa.or_(*said)


def list_in_work() -> sa.Select[Any]:
    """Conversations somebody has, that wait, or of which something is still to come."""
    parts = [
        sa.select(conversation.c.id).where(conversation.c.owner_id.is_not(None)),
        *(
            sa.select(table.c.conversation_id).where(
                table.c.conversation_id.is_not(None), status_in(table, statuses)
            )
            for table, statuses in (
                (desk_item, DESK_ITEM_OPEN),
                (turn, TURN_UNFINISHED),
                (outbox, OUTBOX_UNFINISHED),
                (promise, PROMISE_MADE),
                (officer_message, OFFICER_MESSAGE_WAITING),
            )
        ),
    ]
    return sa.select(sa.union(*parts).subquery().c[0])


def _as_column(column: sa.Column[Any], moment: datetime) -> Any:
    return moment.date() if isinstance(column.type, sa.Date) else moment
