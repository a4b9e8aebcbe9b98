"""`./waymark bench stored`: what a message costs with millions stored, against the same message in an empty database.

The service's own line runs in this process: ingest, answer, deliver, and two reports of delivery, with stand-ins for
the assistant and the provider. Each message goes through the full database and through the empty one, one straight
after the other, so a machine that is busier for a while slows both. The full one is filled once (bench_stored_rows.py)
and kept in the data folder.
"""

import asyncio
import os
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from casework.adapters.settings import Settings
from casework.adapters.storage.database import create_engine, find_keys
from casework.adapters.storage.migrate import upgrade
from casework.adapters.storage.tables import inbox, outbox
from casework.bootstrap import Service, build_service
from launcher.bench_desk import describe_machine
from launcher.bench_ingest import find_percentile
from launcher.bench_line import Line
from launcher.bench_queue import fill_once
from launcher.bench_rasa import end_on_sigterm
from launcher.bench_report import Part, Promise, Row, render_text
from launcher.bench_stored_rows import fill
from launcher.bench_turn import SCRIPT
from launcher.up import make_plan

LARGEST_RATIO = 1.2
MESSAGES, WARM_UP, PHONES = 400, 40, 100


@dataclass(frozen=True, kw_only=True)
class Costs:
    """Milliseconds of each message, of this process's processor and of waiting."""

    cpu_ms: tuple[float, ...]
    wall_ms: tuple[float, ...]


def run_bench_stored(root: Path, data_dir: Path, *, stored: int, database_url: str | None = None) -> int:
    """Prints the figures; 0 where the ratio is within the limit. `database_url`: an empty or a filled PostgreSQL."""
    end_on_sigterm()
    part = measure_stored(root, data_dir, stored=stored, database_url=database_url)
    print(render_text(part))
    return 0 if part.holds else 1


def measure_stored(
    root: Path, data_dir: Path, *, stored: int, database_url: str | None = None, messages: int = MESSAGES
) -> Part:
    """The empty database is of the same kind: a file of its own, or made on the same server and dropped again."""
    measured = describe_machine(root, (database_url or "sqlite").partition(":")[0])
    folder = data_dir.absolute() / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    url = database_url or f"sqlite:///{folder}/stored-{stored}.db"
    note = _fill(root, url, stored)
    with (
        tempfile.TemporaryDirectory(prefix="waymark-bench-") as made,
        _empty_beside(url, Path(made)) as other,
    ):
        full, empty = asyncio.run(_measure(root, url, other, Path(made), messages))
    return make_part(
        full,
        empty,
        stored=stored,
        size_bytes=_find_size(url),
        notes=(
            note,
            "In both the assistant and the provider are stand-ins; the processor is this process's, with all its "
            "threads, and not a PostgreSQL server's.",
        ),
        measured=f"{measured}, {messages} messages in each",
    )


def _fill(root: Path, url: str, stored: int) -> str:
    """What is to be told of it. A file that was not filled to its end is not taken for a filled one."""
    path = Path(sa.engine.make_url(url).database or "")
    is_file = url.startswith("sqlite")
    if is_file and path.exists():
        return "The database was kept from an earlier run."
    part = path.with_suffix(".part")
    began = time.monotonic()
    if is_file:
        part.unlink(missing_ok=True)
    into = f"sqlite:///{part}" if is_file else url
    take = partial(_take_template, root, into)
    fill_once(into, stored, "messages", (inbox, outbox), partial(fill, take=take), or_more=True)
    if is_file:
        part.rename(path)
    return f"Filled in {time.monotonic() - began:.0f} s."


@contextmanager
def _empty_beside(url: str, folder: Path) -> Iterator[str]:
    if url.startswith("sqlite"):
        yield f"sqlite:///{folder}/empty.db"
        return
    address = sa.engine.make_url(url).set(drivername="postgresql+psycopg")
    server = sa.create_engine(address, isolation_level="AUTOCOMMIT")
    name = f"waymark_bench_{secrets.token_hex(4)}"
    with server.connect() as connection:
        connection.execute(sa.text(f'CREATE DATABASE "{name}"'))
        try:
            yield sa.engine.make_url(url).set(database=name).render_as_string(hide_password=False)
        finally:
            connection.execute(sa.text(f'DROP DATABASE "{name}"'))
    server.dispose()


def open_service(root: Path, url: str, folder: Path) -> Service:
    """The service's parts over that database, nothing started; what it would keep beside it goes into `folder`."""
    plan = make_plan(root, data_dir=folder, port=8080, console_port=8081)
    return build_service(
        Settings.from_env({**plan.environ, "WAYMARK_DATABASE_URL": url, "WAYMARK_KEYS": str(find_keys(url))})
    )


def _take_template(root: Path, url: str) -> None:
    """One message all the way through: the rows that are multiplied."""
    with tempfile.TemporaryDirectory(prefix="waymark-bench-") as made:
        service = open_service(root, url, Path(made))
        try:
            asyncio.run(_take_one(service))
        finally:
            service.database.close()


async def _take_one(service: Service) -> None:
    await Line(service).take("+447700900999", SCRIPT[1])


async def _measure(root: Path, url: str, other: str, folder: Path, messages: int) -> tuple[Costs, Costs]:
    services = {}
    for name, address in (("full", url), ("empty", other)):
        engine = create_engine(address)
        upgrade(engine)
        engine.dispose()
        services[name] = open_service(root, address, folder)
    lines = {name: Line(service) for name, service in services.items()}
    # The filled database is kept: nobody goes on with a conversation of an earlier run.
    own = f"x{secrets.token_hex(3)}"
    cpu: Mapping[str, list[float]] = {name: [] for name in lines}
    wall: Mapping[str, list[float]] = {name: [] for name in lines}
    try:
        for number in range(WARM_UP + messages):
            if number % 100 == 0:
                print(f"      {number} of {WARM_UP + messages} messages in each", file=sys.stderr, flush=True)
            phone = f"+447700900{number % PHONES:03d}{own}"
            for name in ("full", "empty") if number % 2 else ("empty", "full"):
                cpu_began, wall_began = time.process_time_ns(), time.perf_counter_ns()
                await lines[name].take(phone, SCRIPT[(number // PHONES + number) % len(SCRIPT)])
                cpu[name].append((time.process_time_ns() - cpu_began) / 1e6)
                wall[name].append((time.perf_counter_ns() - wall_began) / 1e6)
    finally:
        for service in services.values():
            service.database.close()
    full, empty = (
        Costs(cpu_ms=tuple(cpu[name][WARM_UP:]), wall_ms=tuple(wall[name][WARM_UP:]))
        for name in ("full", "empty")
    )
    return full, empty


def make_part(
    full: Costs,
    empty: Costs,
    *,
    stored: int,
    size_bytes: int | None,
    notes: tuple[str, ...],
    measured: str = "",
) -> Part:
    """Medians of both, and their ratio; of the slowest twentieth as well."""
    rows = []
    for name, of in (("Processor for a message", "cpu_ms"), ("Wait for a message", "wall_ms")):
        for database, costs in (("empty", empty), (f"{stored:,} stored", full)):
            values = sorted(getattr(costs, of))
            rows.append(
                Row(
                    name=f"{name}, {database}",
                    unit="ms",
                    ours=statistics.median(values),
                    drawn=of == "cpu_ms",
                )
            )
            rows.append(Row(name=f"{name}, {database}, p95", unit="ms", ours=find_percentile(values, 95)))
    ratio = statistics.median(full.cpu_ms) / statistics.median(empty.cpu_ms)
    waits = statistics.median(full.wall_ms) / statistics.median(empty.wall_ms)
    rows.append(Row(name="Processor, stored / empty", unit="", ours=ratio))
    rows.append(Row(name="Wait, stored / empty", unit="", ours=waits))
    if size_bytes is not None:
        rows.append(Row(name="Database", unit="GB", ours=size_bytes / 1e9))
    return Part(
        name="stored",
        title=f"A message with {stored:,} stored",
        measured=measured,
        rows=tuple(rows),
        promises=(
            Promise(
                text=f"With {stored:,} messages stored a message costs at most {LARGEST_RATIO} times as much as with "
                f"none ({ratio:.2f})",
                held=ratio <= LARGEST_RATIO,
            ),
        ),
        notes=notes,
    )


def _find_size(url: str) -> int | None:
    """Bytes of a SQLite file; None for another."""
    path = sa.engine.make_url(url).database or ""
    return os.stat(path).st_size if url.startswith("sqlite") else None
