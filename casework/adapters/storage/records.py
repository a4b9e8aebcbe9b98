"""The past-tense record, and the worker's sign of life."""

import re
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.audit_tables import audit_head
from casework.adapters.storage.statements import insert, insert_once
from casework.adapters.storage.tables import audit, worker_beat
from casework.model.audit_acts import check_entry
from casework.model.audit_chain import Entry, Head, Record, begin_chain, chain, find_shard

RECORD = sa.insert(audit).inline()
HEAD = sa.select(audit_head.c.seq, audit_head.c.hash).where(audit_head.c.shard == sa.bindparam("shard"))
HOLD_HEAD = HEAD.with_for_update()
MOVE_HEAD = (
    sa.update(audit_head)
    .where(audit_head.c.shard == sa.bindparam("of"))
    .values(seq=sa.bindparam("to_seq"), hash=sa.bindparam("to_hash"))
)
OF_CONNECTION = "waymark_audit"
NAMES_AUDIT = re.compile(r"\baudit\b")


class SqlAudit:
    """Gathers what one transaction records, and chains and writes it just before the commit.

    So whoever writes to one chain waits for the other only for as long as a commit takes, and all take the chains in
    the same order. A statement that reads the audit has what was gathered written first (`write_before_reading`).
    """

    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._gathered: list[Entry] = []

    def record(
        self, act: str, *, by: str, conversation_id: str | None = None, thing: str | None = None
    ) -> None:
        check_entry(act, thing)
        if self._connection.get_execution_options().get("waymark_read"):
            raise RuntimeError(f"{act} was recorded in a transaction that only reads: it would be lost")
        if not self._gathered:
            self._connection.execution_options(**{OF_CONNECTION: self})
        self._gathered.append(Entry(self._now, by, act, conversation_id, thing))

    def write(self) -> None:
        """Everything gathered so far, in its order."""
        if not self._gathered:
            return
        entries, self._gathered = self._gathered, []
        of_shard: dict[int, list[Entry]] = {}
        for entry in entries:
            of_shard.setdefault(find_shard(entry), []).append(entry)
        # Everybody holds the chains in this order: none waits for one who waits for them.
        chained = {
            shard: chain(self._hold_head(shard), of_chain) for shard, of_chain in sorted(of_shard.items())
        }
        ordered = {id(record.entry): record for records in chained.values() for record in records}
        self._connection.execute(RECORD, [to_row(ordered[id(entry)]) for entry in entries])
        for shard, records in chained.items():
            moved = {"of": shard, "to_seq": records[-1].seq, "to_hash": records[-1].hash}
            self._connection.execute(MOVE_HEAD, moved)

    def _hold_head(self, shard: int) -> Head:
        """Until the end of the transaction; SQLite has one writer at a time anyway."""
        query = HOLD_HEAD if self._connection.dialect.name == "postgresql" else HEAD
        row = self._connection.execute(query, {"shard": shard}).first()
        if row is not None:
            return Head(shard, row[0], row[1])
        begun = begin_chain(shard)
        # Two may begin the same chain: the second waits here for the first, and then finds its head.
        values = {"shard": shard, "seq": begun.seq, "hash": begun.hash}
        insert_once(self._connection, audit_head, ["shard"], values)
        return self._hold_head(shard)


def to_row(record: Record) -> dict[str, Any]:
    entry = record.entry
    return {
        "at": entry.at,
        "actor": entry.actor,
        "act": entry.act,
        "conversation_id": entry.conversation_id,
        "thing": entry.thing,
        "shard": record.shard,
        "seq": record.seq,
        "hash": record.hash,
    }


def write_before_reading(connection: sa.Connection, _cursor: Any, statement: str, *_more: Any) -> None:
    """Listens to every statement: one that names the audit finds in it what its own transaction has recorded."""
    gathered = connection.get_execution_options().get(OF_CONNECTION)
    if gathered is not None and NAMES_AUDIT.search(statement):
        gathered.write()


class SqlBeats:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def beat(self, worker_id: str) -> None:
        statement = insert(self._connection, worker_beat).values(worker_id=worker_id, beat_at=self._now)
        self._connection.execute(
            statement.on_conflict_do_update(index_elements=["worker_id"], set_={"beat_at": self._now})
        )

    def newest(self) -> datetime | None:
        return self._connection.execute(sa.select(sa.func.max(worker_beat.c.beat_at))).scalar()
