"""`./waymark bench queue`: how long the desk needs for the queue page with millions of messages stored.

The database is filled once by bulk inserts, and kept: 500 items wait, the rest is history. The desk is asked as a
browser asks it, over a socket, by somebody logged in; the time is that of the whole answer, so it is never less than
the server's own. The next page is asked for when the last has come.
"""

import asyncio
import os
import secrets
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import aiohttp
import sqlalchemy as sa

from casework.adapters.settings import Settings
from casework.adapters.storage.database import create_engine, find_keys
from casework.adapters.storage.migrate import upgrade
from casework.adapters.storage.sealed import seal_all
from casework.adapters.storage.statements import new_id
from casework.adapters.storage.tables import conversation, desk_item, inbox, outbox, turn
from casework.bootstrap import build_service
from launcher.bench_desk import describe_machine
from launcher.bench_ingest import find_percentile
from launcher.bench_rasa import BenchFailed, end_of, find_free_port
from launcher.desk_visit import COOKIE, open_session
from launcher.up import make_plan

LARGEST_MS = 100.0
OPEN_ITEMS = 500
MESSAGES_OF_ONE = 20  # of a conversation, both sides
CHUNK = 20_000
WARM_UP, ASKED = 20, 300
READY_SECONDS = 60.0
DAYS = 365  # over which the history is spread
REASONS = ("disclosure", "asked_for_person", "not_understood", "message_for_officer")


@dataclass(frozen=True, kw_only=True)
class Times:
    """Milliseconds of each answer, and what one weighs."""

    name: str
    waits_ms: tuple[float, ...]
    page_bytes: int

    @property
    def is_well(self) -> bool:
        return self.at(95) <= LARGEST_MS

    def at(self, percent: int) -> float:
        return find_percentile(sorted(self.waits_ms), percent)


def render(times: Times) -> str:
    found = "  ".join(f"p{percent} {times.at(percent):6.1f} ms" for percent in (50, 95, 99))
    return (
        f"{times.name:26} {len(times.waits_ms):4} times  {found}  worst {max(times.waits_ms):6.1f} ms  "
        f"{times.page_bytes / 1024:.0f} KB"
    )


def run_bench_queue(root: Path, data_dir: Path, *, stored: int, database_url: str | None = None) -> int:
    """Prints the figures; 0 when 95 of 100 are within the limit. Refuses a database that holds something else."""
    folder = data_dir.absolute() / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    url = database_url or f"sqlite:///{folder}/queue-{stored}.db"
    kind = url.partition(":")[0]
    print(f"{describe_machine(root, kind)}, {stored} messages, {OPEN_ITEMS} open items", flush=True)
    fill_once(url, stored, "messages", (inbox, outbox), fill)
    found = asyncio.run(_measure(root, folder, url))
    print("\n".join(render(each) for each in found))
    print(f"load {os.getloadavg()[0]:.1f} at the end")
    is_held = all(each.is_well for each in found)
    print(f"p95 at most {LARGEST_MS:.0f} ms: {'held' if is_held else 'NOT held'}.")
    return 0 if is_held else 1


# --- the database ---------------------------------------------------------------------------------------


def fill_once(
    url: str,
    wanted: int,
    what: str,
    counted: Sequence[sa.Table],
    fill: Callable[[sa.Engine, int], None],
    *,
    or_more: bool = False,
) -> None:
    """Fills an empty database with `wanted` rows of the tables `counted`, and leaves one that has them already.

    Raises BenchFailed for one that holds another number; `what` says what is counted. `or_more`: a bench that writes
    leaves its own there.
    """
    engine = create_engine(url)
    try:
        upgrade(engine)
        with engine.connect() as connection:
            held = sum(_count(connection, table) for table in counted)
        if held == 0:
            began = time.monotonic()
            print(f"Filling {url.rpartition('/')[2]} once", file=sys.stderr, flush=True)
            fill(engine, wanted)
            print(f"Filled in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
        elif held < wanted or (held > wanted and not or_more):
            raise BenchFailed(f"The database holds {held} {what} and not {wanted}: give an empty one.")
    finally:
        engine.dispose()


def _count(connection: sa.Connection, table: sa.Table) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def fill(engine: sa.Engine, stored: int) -> None:
    """`stored` messages, half of either side, in conversations of `MESSAGES_OF_ONE`; the newest 500 wait."""
    now = datetime.now(UTC)
    conversations = [new_id() for _ in range(max(OPEN_ITEMS, stored // MESSAGES_OF_ONE))]
    step = timedelta(days=DAYS) / max(1, stored)
    for rows in _chunks(_conversations(conversations, now)):
        _insert(engine, conversation, rows)
    for rows in _chunks(_came(conversations, stored // 2, now, step)):
        _insert(engine, inbox, rows)
    for rows in _chunks(_turns(conversations, stored // 2, now, step)):
        _insert(engine, turn, rows)
    for rows in _chunks(_went(conversations, stored - stored // 2, now, step)):
        _insert(engine, outbox, rows)
    for rows in _chunks(_items(conversations, now)):
        _insert(engine, desk_item, rows)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("ANALYZE"))


def _chunks(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    chunk: list[dict[str, Any]] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _insert(engine: sa.Engine, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    with engine.begin() as connection:
        connection.execute(sa.insert(table), seal_all(connection, table, rows))


def _conversations(ids: Sequence[str], now: datetime) -> Iterator[dict[str, Any]]:
    for number, conversation_id in enumerate(ids):
        yield {
            "id": conversation_id,
            "channel": "sms",
            # No more than a thousand numbers are kept for drama: a letter tells these apart.
            "external_id": f"+447700900{number % 1000:03d}x{number}",
            "epoch": 0,
            "created_at": now - timedelta(days=DAYS),
            "last_inbound_at": now - timedelta(minutes=5),
        }


def _came(ids: Sequence[str], count: int, now: datetime, step: timedelta) -> Iterator[dict[str, Any]]:
    calm = {"urgent": False, "band": "green", "tier": None, "category": None, "evidence": []}
    for number in range(count):
        yield {
            "id": number + 1,
            "channel": "sms",
            "provider_message_id": f"SM{number:032x}",
            "conversation_id": ids[number % len(ids)],
            "received_at": now - step * 2 * (count - number),
            "text": f"what is happening with my case, message {number}",
            "raw": b"",
            "media_count": 0,
            "has_location": False,
            "screen": calm,
        }


def _turns(ids: Sequence[str], count: int, now: datetime, step: timedelta) -> Iterator[dict[str, Any]]:
    for number in range(count):
        at = now - step * 2 * (count - number)
        yield {
            "id": secrets.token_hex(16),
            "inbox_id": number + 1,
            "conversation_id": ids[number % len(ids)],
            "status": "finished",
            "outcome": "answered",
            "fence": 1,
            "attempts": 1,
            "created_at": at,
            "finished_at": at,
        }


def _went(ids: Sequence[str], count: int, now: datetime, step: timedelta) -> Iterator[dict[str, Any]]:
    for number in range(count):
        at = now - step * 2 * (count - number)
        yield {
            "id": number + 1,
            "conversation_id": ids[number % len(ids)],
            "dedupe_key": f"bench:{number}",
            "lane": 3,
            "channel": "sms",
            "to": f"+447700900{number % 1000:03d}",
            "text": f"Your case is with an officer, message {number}",
            "choices": [],
            "template": "bench",
            "author": "assistant",
            "epoch": 0,
            "kind": "assistant_reply",
            "safe_contact_decision": "answers_a_message",
            "status": "sent",
            "provider_message_id": f"SM{number + (1 << 64):032x}",
            "attempts": 1,
            "fence": 1,
            "not_before": at,
            "created_at": at,
            "sent_at": at,
        }


def _items(ids: Sequence[str], now: datetime) -> Iterator[dict[str, Any]]:
    """One item a conversation: the newest are open, a fifth of the others were closed once."""
    waiting = list(ids[-OPEN_ITEMS:])
    closed = [each for number, each in enumerate(ids[:-OPEN_ITEMS]) if number % 5 == 0]
    for number, conversation_id in enumerate([*closed, *waiting]):
        is_open = number >= len(closed)
        since = now - timedelta(seconds=10 * (number + 1)) if is_open else now - timedelta(days=30)
        grade = 1 + number % 4
        yield {
            "id": secrets.token_hex(16),
            "conversation_id": conversation_id,
            "dedupe_key": f"bench:{number}",
            "grade": grade,
            "tier": grade if number % 4 == 0 else None,
            "category": "immediate_danger" if number % 4 == 0 else None,
            "reason": REASONS[number % 4],
            "status": "open" if is_open else "closed",
            "waiting_since": since,
            "created_at": since,
            "closed_at": None if is_open else since + timedelta(hours=1),
            "outcome": None if is_open else "signposted",
            "evidence": [],
        }


# --- the desk -------------------------------------------------------------------------------------------


async def _measure(root: Path, folder: Path, url: str) -> list[Times]:
    async with asking_desk(root, folder, url) as http:
        return [
            await time_page(http, "whole page", "/console", row='id="row-'),
            await time_page(http, "pane of an open page", "/console", {"X-Pane": "queue"}, row='id="row-'),
        ]


@asynccontextmanager
async def asking_desk(
    root: Path, folder: Path, url: str, *, role: str = "investigator"
) -> AsyncIterator[aiohttp.ClientSession]:
    """A desk over that database, a process of its own, and somebody of that role logged in. Raises BenchFailed."""
    plan = make_plan(root, data_dir=folder, port=find_free_port(), console_port=find_free_port())
    environ = {**plan.environ, "WAYMARK_DATABASE_URL": url, "WAYMARK_KEYS": str(find_keys(url))}
    service = build_service(Settings.from_env(environ))
    try:
        token = open_session(service, role=role)
    finally:
        service.database.close()
    log = folder / "desk.log"
    with log.open("wb") as written:
        desk = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "launcher.serve", "desk"),
            cwd=root,
            env=environ,
            stdout=written,
            stderr=written,
        )
    try:
        async with aiohttp.ClientSession(
            plan.addresses["console"], headers={"Cookie": f"{COOKIE}={token}"}, trust_env=False
        ) as http:
            await _wait_ready(http, desk, log)
            yield http
    finally:
        with suppress(ProcessLookupError):
            desk.terminate()
        await desk.wait()


async def _wait_ready(http: aiohttp.ClientSession, desk: asyncio.subprocess.Process, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and desk.returncode is None:
        with suppress(aiohttp.ClientError):
            async with http.get("/health/live") as answer:
                if answer.status == 200:
                    return
        await asyncio.sleep(0.1)
    raise BenchFailed(f"The desk did not start:\n{end_of(log)}")


async def time_page(
    http: aiohttp.ClientSession,
    name: str,
    path: str,
    headers: Mapping[str, str] = MappingProxyType({}),
    *,
    row: str,
    asked: int = ASKED,
) -> Times:
    """Each answer must hold `row`: an empty page is fast and proves nothing. Raises BenchFailed."""
    waits: list[float] = []
    page = ""
    for number in range(WARM_UP + asked):
        began = time.perf_counter()
        async with http.get(path, headers=headers, allow_redirects=False) as answer:
            page = await answer.text()
        if answer.status != 200 or row not in page:
            raise BenchFailed(f"{name}: the desk answered {answer.status} without a row.")
        if number >= WARM_UP:
            waits.append((time.perf_counter() - began) * 1000)
    return Times(name=name, waits_ms=tuple(waits), page_bytes=len(page.encode()))
