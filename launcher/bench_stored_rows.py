"""Millions of stored messages, made in the database itself from the rows of one that went all the way through.

Each copy has ids, addresses and times of its own; what is sealed in it is the template's, so it has its true size and
opens for nobody, which nobody asks for. Ids are spread as random ones are: a new row goes anywhere in an index, as it
would in a service that has run for years. What is counted is messages of both sides, one reply to each received.
"""

import hashlib
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.audit_tables import audit_head
from casework.adapters.storage.key_tables import data_key
from casework.adapters.storage.tables import (
    UtcDateTime,
    audit,
    conversation,
    delivery_attempt,
    delivery_event,
    inbox,
    outbox,
    turn,
)
from casework.adapters.storage.workbench_tables import turn_record
from casework.model.audit_chain import SHARDS
from launcher.bench_rasa import BenchFailed

PAIRS_OF_ONE = 10  # messages of a conversation, and their replies
CHUNK = 100_000
DAYS, UNTIL_DAYS_AGO = 365, 3
CACHE_KILOBYTES = 1_500_000
FIRST_COPY = 1000  # above the ids of the template's own rows

OWN = {name: f"md5('{name}' || CAST(i AS TEXT))" for name in ("c", "k", "t", "m", "o", "x", "y")}
HASH = f"{OWN['x']} || {OWN['y']}"


def fill(engine: sa.Engine, stored: int, *, take: Callable[[], None]) -> None:
    """`stored` messages in an empty database; `take` puts the template there. Says on stderr how far it is."""
    take()
    pairs = stored // 2
    conversations = max(1, pairs // PAIRS_OF_ONE)
    with engine.connect() as connection:
        _prepare(connection)
        template = _read_template(connection)
        connection.commit()
        began = time.monotonic()
        for first in range(0, pairs, CHUNK):
            last = min(first + CHUNK, pairs)
            with connection.begin():
                _copy_conversations(connection, template, first, min(last, conversations), conversations)
                _copy_pairs(connection, template, first, last, pairs, conversations)
            seconds = time.monotonic() - began
            print(f"      {2 * last} of {stored} messages, {seconds:.0f} s", file=sys.stderr, flush=True)
        with connection.begin():
            _end_chains(connection, pairs, template)
            _end_numbers(connection)
        connection.invalidate()  # it was told to be careless
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("ANALYZE"))


def _prepare(connection: sa.Connection) -> None:
    """SQLite: a cache that holds the indexes, no waiting for the disk, and the hash that PostgreSQL has by itself."""
    if connection.dialect.name != "sqlite":
        return
    driver: Any = connection.connection.driver_connection
    for pragma in (f"cache_size=-{CACHE_KILOBYTES}", "synchronous=OFF", "foreign_keys=OFF"):
        driver.execute(f"PRAGMA {pragma}")
    driver.create_function(
        "md5", 1, lambda text: hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    )


def _read_template(connection: sa.Connection) -> Mapping[str, Any]:
    """The ids of the one message there is, and where the audit stands."""
    found = connection.execute(sa.select(inbox.c.id, inbox.c.conversation_id)).all()
    if len(found) != 1:
        raise BenchFailed(f"{len(found)} messages are stored: one is wanted to be copied.")
    [(inbox_id, conversation_id)] = found
    turn_id = connection.execute(sa.select(turn.c.id)).scalar_one()
    sent = connection.execute(sa.select(outbox.c.id, outbox.c.provider_message_id)).one()
    return {
        "conversation": conversation_id,
        "inbox": inbox_id,
        "turn": turn_id,
        "outbox": sent.id,
        **{
            name: list(connection.execute(sa.select(table.c.id).order_by(table.c.id)).scalars())
            for name, table in (
                ("attempts", delivery_attempt),
                ("events", delivery_event),
                ("records", audit),
            )
        },
        "seq": connection.execute(sa.select(sa.func.max(audit_head.c.seq))).scalar_one() or 0,
    }


def _copy_conversations(
    connection: sa.Connection, template: Mapping[str, Any], first: int, last: int, conversations: int
) -> None:
    """Each with a key of its own, of a version before the first: a start tries one of the newest, which must open."""
    talk = template["conversation"]
    key = {"id": f"substr({OWN['k']}, 1, 16)", "owner": OWN["c"], "key_version": "0"}
    for table, which, overrides in (
        (conversation, f"id = '{talk}'", {"id": OWN["c"], "external_id": HASH}),
        (data_key, f"owner = '{talk}'", key),
    ):
        _copy(connection, table, which, overrides, first, last, spread=conversations)


def _copy_pairs(
    connection: sa.Connection,
    template: Mapping[str, Any],
    first: int,
    last: int,
    pairs: int,
    conversations: int,
) -> None:
    talk = f"md5('c' || CAST({_rest(conversations)} AS TEXT))"
    # Of each table the template's id is the smallest there is.
    number = f"{template['inbox'] + 1} + i"
    sent = f"{template['outbox'] + 1} + i"
    sid = f"'SM' || {OWN['o']}"
    parts: list[tuple[sa.Table, str, dict[str, str]]] = [
        (
            inbox,
            f"id = {template['inbox']}",
            {"id": number, "provider_message_id": f"'SM' || {OWN['m']}", "conversation_id": talk},
        ),
        (turn, f"id = '{template['turn']}'", {"id": OWN["t"], "inbox_id": number, "conversation_id": talk}),
        (
            turn_record,
            f"turn_id = '{template['turn']}'",
            {"turn_id": OWN["t"], "inbox_id": number, "conversation_id": talk},
        ),
        (
            outbox,
            f"id = {template['outbox']}",
            {
                "id": sent,
                "conversation_id": talk,
                "turn_id": OWN["t"],
                "dedupe_key": f"'turn:' || {OWN['t']}",
                "to": HASH,
                "provider_message_id": sid,
            },
        ),
    ]
    # Several of one message: its attempts, the provider's news, and what the audit says.
    for table, ids, overrides in (
        (delivery_attempt, template["attempts"], {"outbox_id": sent}),
        (delivery_event, template["events"], {"provider_message_id": sid}),
        (audit, template["records"], {"conversation_id": talk, "shard": _rest(SHARDS), "hash": HASH}),
    ):
        for place, one in enumerate(ids):
            own = {"id": f"{FIRST_COPY} + i * {len(ids)} + {place}"}
            if table is audit:
                own["seq"] = f"{template['seq'] + 1} + (i / {SHARDS}) * {len(ids)} + {place}"
            parts.append((table, f"id = {one}", {**overrides, **own}))
    for table, which, overrides in parts:
        _copy(connection, table, which, overrides, first, last, spread=pairs)


def _copy(
    connection: sa.Connection,
    table: sa.Table,
    which: str,
    overrides: Mapping[str, str],
    first: int,
    last: int,
    *,
    spread: int,
) -> None:
    """For each i from `first` to before `last` the row that `which` names, with `overrides` in SQL over i.

    The times in it lie over a year, evenly for `spread` of them.
    """
    if first >= last:
        return
    at = _at(connection.dialect.name, spread)
    given = {**overrides, **{column.name: at for column in table.c if isinstance(column.type, UtcDateTime)}}
    quote = connection.dialect.identifier_preparer.quote
    names = [column.name for column in table.c]
    values = [f"({given[name]})" if name in given else f"t.{quote(name)}" for name in names]
    # A time that the template has not, such as a lease's, no copy has either.
    values = [
        f"CASE WHEN t.{quote(name)} IS NULL THEN NULL ELSE {value} END" if name in given else value
        for name, value in zip(names, values, strict=True)
    ]
    connection.exec_driver_sql(
        f"INSERT INTO {quote(table.name)} ({', '.join(map(quote, names))}) "
        f"WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last - 1}) "
        f"SELECT {', '.join(values)} FROM n CROSS JOIN {quote(table.name)} AS t WHERE t.{which}"
    )


def _end_numbers(connection: sa.Connection) -> None:
    """PostgreSQL counts rows apart from the table; SQLite looks at the table."""
    if connection.dialect.name != "postgresql":
        return
    for table in (inbox, outbox, delivery_attempt, delivery_event, audit):
        sequence = sa.func.pg_get_serial_sequence(table.name, "id")
        newest = sa.select(sa.func.max(table.c.id)).scalar_subquery()
        connection.execute(sa.select(sa.func.setval(sequence, newest)))


def _rest(number: int) -> str:
    """i modulo `number`, without the sign that a driver takes for a place to fill."""
    return f"i - (i / {number}) * {number}"


def _at(dialect: str, spread: int) -> str:
    """The time of i: the first a year ago, the last some days ago, so that nothing looks recent."""
    seconds = (DAYS - UNTIL_DAYS_AGO) * 86400
    if dialect == "sqlite":
        return (
            f"strftime('%Y-%m-%d %H:%M:%S.000000', 'now', '-{DAYS} days', "
            f"(i * {seconds} / {spread}) || ' seconds')"
        )
    return (
        f"now() - interval '{DAYS} days' + (CAST(i AS bigint) * {seconds} / {spread}) * interval '1 second'"
    )


def _end_chains(connection: sa.Connection, pairs: int, template: Mapping[str, Any]) -> None:
    """New records go on after the copies. Nobody verifies these chains: a copy's hash binds it to nothing."""
    seq = template["seq"] + (pairs // SHARDS + 1) * len(template["records"]) + 1
    known = set(connection.execute(sa.select(audit_head.c.shard)).scalars())
    connection.execute(sa.update(audit_head).values(seq=seq))
    missing = [
        {"shard": shard, "seq": seq, "hash": "0" * 64} for shard in range(SHARDS) if shard not in known
    ]
    if missing:
        connection.execute(sa.insert(audit_head), missing)
