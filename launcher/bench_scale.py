"""`./waymark bench scale`: what a second worker and a second Rasa bring, and whether the simulation says the same.

Real workers, as processes, on a real PostgreSQL. Rasa is a stand-in that takes a set time for each turn and almost no
processor (launcher/capacity/stand_in.py): two Rasas at work, two workers, the database and whoever writes want more
processors than a small machine has, and then the machine would be measured. So what is measured is ours: whether two
workers get in each other's way at the queue, at a conversation, or at the chains of the audit.
"""

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from casework.adapters.settings import Settings
from casework.adapters.storage.tables import inbox, turn
from casework.bootstrap import Service, build_service
from casework.model.messages import Channel, InboundMessage
from launcher.bench_ingest import check_empty, find_percentile
from launcher.bench_rasa import BenchFailed
from launcher.capacity.queues import Shares, Station, arrive_by_chance, fixed, simulate
from launcher.capacity.stand_in import LOOPBACK
from launcher.processes import find_free_port

RASA_SECONDS = 0.25
BACKLOG = 100
WARM_UP = 10
LOAD = 0.6
ARRIVING = 80
SMALLEST_GAIN = 1.7
# How far what is simulated may be from what is measured: of the throughput, and of the 95th percentile.
NEAR_THROUGHPUT, NEAR_P95 = 0.15, 0.35
LONGEST_SECONDS = 120.0
LOOK_SECONDS = 0.1


@dataclass(frozen=True, kw_only=True)
class Answered:
    """Seconds since the epoch: when each message came and was answered, in the order of the answers."""

    came: Sequence[float]
    ended: Sequence[float]

    @property
    def throughput(self) -> float:
        """Messages a second, once all are at work."""
        steady = self.ended[WARM_UP:]
        return (len(steady) - 1) / (steady[-1] - steady[0])

    @property
    def took(self) -> list[float]:
        return sorted(end - came for came, end in zip(self.came, self.ended, strict=True))


def run_bench_scale(*, database_url: str | None) -> int:
    """Prints the figures; 0 where all limits hold. Refuses SQLite, and a database with anything in it."""
    if not (database_url or "").startswith("postgresql"):
        raise BenchFailed("SQLite has one writer. Give --database-url of an empty PostgreSQL database.")
    check_empty(database_url)
    assert database_url is not None
    print(
        f"{RASA_SECONDS * 1000:.0f} ms a turn at each stand-in, {BACKLOG} messages, {os.cpu_count()} processors, "
        f"load {os.getloadavg()[0]:.1f}"
    )
    one, two = (measure_backlog(database_url, pairs=pairs) for pairs in (1, 2))
    gain = two.throughput / one.throughput
    is_well = gain >= SMALLEST_GAIN
    for pairs, answered in ((1, one), (2, two)):
        print(f"{pairs} worker and {pairs} Rasa: {answered.throughput:6.2f} messages/s")
    print(f"Gain {gain:.2f}, at least {SMALLEST_GAIN}: {_say(is_well)}.")
    return 0 if _compare(database_url, one) and is_well else 1


def _compare(database_url: str, one: Answered) -> bool:
    """One pair at a part of what it can do, measured and simulated from the time of a turn alone."""
    seconds = 1 / one.throughput
    arrivals = arrive_by_chance(LOAD / seconds, ARRIVING, chance=random.Random(7))
    seen = measure_arriving(database_url, arrivals)
    station = Station(name="rasa", servers=1, takes=fixed(seconds), shares=Shares.ANY)
    told = simulate([station], arrivals, chance=random.Random(7))
    p95, p95_told = find_percentile(seen.took, 95), find_percentile(sorted(told.took), 95)
    rate = (len(seen.ended) - 1) / (max(seen.ended) - min(seen.came))
    is_near = {
        "throughput": abs(rate / told.throughput - 1) <= NEAR_THROUGHPUT,
        "p95": abs(p95 / p95_told - 1) <= NEAR_P95,
    }
    print(f"At {LOAD:.0%} load     measured {rate:5.2f}/s, p95 {p95 * 1000:4.0f} ms")
    print(f"                simulated {told.throughput:5.2f}/s, p95 {p95_told * 1000:4.0f} ms")
    print(
        f"Within {NEAR_THROUGHPUT:.0%} and {NEAR_P95:.0%}: "
        + ", ".join(f"{name} {_say(held)}" for name, held in is_near.items())
    )
    return all(is_near.values())


def _say(held: bool) -> str:
    return "held" if held else "NOT held"


def measure_backlog(database_url: str, *, pairs: int) -> Answered:
    """Everything waits before the first worker starts, each message in a conversation of its own."""
    with _prepared(database_url, pairs) as (service, environ):
        first = _write(service, BACKLOG, name=f"backlog-{pairs}")
        with _workers(environ, pairs):
            return _wait(service, first, BACKLOG)


def measure_arriving(database_url: str, arrivals: Sequence[float]) -> Answered:
    """Messages come at these seconds, to one worker that waits for them."""
    with _prepared(database_url, 1) as (service, environ), _workers(environ, 1):
        warm = _write(service, WARM_UP, name="warm")
        _wait(service, warm, WARM_UP)
        began, first = time.monotonic(), None
        for number, at in enumerate(arrivals):
            time.sleep(max(0.0, began + at - time.monotonic()))
            written = _write(service, 1, name=f"arriving-{number}")
            first = first or written
        assert first is not None
        return _wait(service, first, len(arrivals))


@contextmanager
def _prepared(database_url: str, pairs: int) -> Iterator[tuple[Service, dict[str, str]]]:
    """The service's parts in this process, and what the workers are told; `pairs` stand-ins run."""
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="waymark-bench-")))
        ports = [find_free_port() for _ in range(pairs)]
        for port in ports:
            command = ("-m", "launcher.capacity.stand_in", str(port), str(RASA_SECONDS))
            running.enter_context(_running(command, dict(os.environ)))
        environ = {
            **os.environ,
            "WAYMARK_DATABASE_URL": database_url,
            "WAYMARK_DATA_DIR": str(folder),
            "WAYMARK_TURN_SECRET": "bench" * 8,
            "WAYMARK_RASA_URLS": ",".join(f"http://{LOOPBACK}:{port}" for port in ports),
            # Nobody is written to: the conversations are pages, which read what is stored.
            "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
            "TWILIO_AUTH_TOKEN": "0" * 32,
            "WAYMARK_TWILIO_API_URL": f"http://{LOOPBACK}:1",
            "WAYMARK_SMS_FROM": "+447700900999",
        }
        service = build_service(Settings.from_env(environ), screens=True)
        running.callback(service.database.close)
        yield service, environ


@contextmanager
def _workers(environ: dict[str, str], count: int) -> Iterator[None]:
    with ExitStack() as running:
        for _ in range(count):
            running.enter_context(_running(("-m", "channels.worker"), environ))
        yield


@contextmanager
def _running(command: Sequence[str], environ: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen((sys.executable, *command), env=environ, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _write(service: Service, count: int, *, name: str) -> int:
    """Stores as many messages as the gateway would; the number of the first."""
    stored = []
    for number in range(count):
        message = InboundMessage(
            channel=Channel.WEBCHAT,
            provider_message_id=f"{name}-{number}",
            external_id=f"{name}-{number}",
            text="hello",
            received_at=datetime.now(UTC),
        )
        received = service.database.write_now(
            lambda tx, message=message: service.receive(tx, message)  # type: ignore[misc]
        )
        stored.append(received.inbox_id)
    return int(stored[0] or 0)


def _wait(service: Service, first: int, count: int) -> Answered:
    """Until as many from that one on are answered. Raises BenchFailed where they are not in time."""
    query = (
        sa.select(inbox.c.received_at, turn.c.finished_at)
        .join(turn, turn.c.inbox_id == inbox.c.id)
        .where(inbox.c.id >= first, turn.c.outcome == "answered")
        .order_by(turn.c.finished_at)
    )
    until = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < until:
        rows = service.database.read_now(lambda tx: tx.connection.execute(query).all())
        if len(rows) >= count:
            return Answered(
                came=[row.received_at.timestamp() for row in rows],
                ended=[row.finished_at.timestamp() for row in rows],
            )
        time.sleep(LOOK_SECONDS)
    raise BenchFailed(f"{len(rows)} of {count} messages were answered within {LONGEST_SECONDS:.0f} s.")
