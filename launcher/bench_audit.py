"""`./waymark bench audit`: how long it takes to check the whole audit, with a million records in it.

The database is filled once by bulk inserts, chained as the service chains, and kept; no head is signed in it.
"""

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from casework.adapters.storage.audit_tables import audit_head
from casework.adapters.storage.database import create_engine
from casework.adapters.storage.records import to_row
from casework.adapters.storage.tables import audit
from casework.model.audit_chain import SHARDS, Entry, Head, begin_chain, chain, find_shard
from launcher.audit_verify import verify
from launcher.bench_desk import describe_machine
from launcher.bench_queue import fill_once

LONGEST_SECONDS = 60.0  # for a million
CHUNK = 20_000
CONVERSATIONS = 5000
BEGAN_AT = datetime(2026, 1, 1, tzinfo=UTC)


def run_bench_audit(root: Path, data_dir: Path, *, records: int, database_url: str | None = None) -> int:
    """Prints the figures; 0 when nothing was found wrong, in a minute or less for a million records."""
    folder = data_dir.absolute() / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    url = database_url or f"sqlite:///{folder}/audit-{records}.db"
    print(f"{describe_machine(root, url.partition(':')[0])}, {records} records", flush=True)
    fill_once(url, records, "records", (audit,), fill)
    engine = create_engine(url)
    began = time.perf_counter()
    with engine.connect().execution_options(waymark_read=True) as connection:
        verified = verify(connection, folder, None)
    seconds = time.perf_counter() - began
    engine.dispose()
    print(
        f"checked in {seconds:.1f} s, {records / seconds:.0f} records a second, load {os.getloadavg()[0]:.1f}"
    )
    is_held = not verified.wrong and seconds <= LONGEST_SECONDS * records / 1_000_000
    print(f"{LONGEST_SECONDS:.0f} s a million, and all as written: {'held' if is_held else 'NOT held'}.")
    return 0 if is_held else 1


def fill(engine: sa.Engine, records: int) -> None:
    heads = {shard: begin_chain(shard) for shard in range(SHARDS)}
    with engine.begin() as connection:
        for first in range(0, records, CHUNK):
            numbers = range(first, min(first + CHUNK, records))
            connection.execute(sa.insert(audit), [_make_row(number, heads) for number in numbers])
        connection.execute(sa.delete(audit_head))
        connection.execute(
            sa.insert(audit_head),
            [{"shard": each.shard, "seq": each.seq, "hash": each.hash} for each in heads.values()],
        )


def _make_row(number: int, heads: dict[int, Head]) -> dict[str, object]:
    at = BEGAN_AT + timedelta(seconds=number)
    entry = Entry(at, "person", "message_received", f"{number % CONVERSATIONS:032x}", f"in-{number}")
    shard = find_shard(entry)
    [record] = chain(heads[shard], [entry])
    heads[shard] = Head(shard, record.seq, record.hash)
    return to_row(record)
