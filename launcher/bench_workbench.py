"""`./waymark bench workbench`: how long the desk needs for a page of the review inbox with 200,000 turns stored.

The database is filled once and kept: every turn has a record of what the assistant gave, one in ten is to be
reviewed for one reason or two. A page holds 25 messages, each masked while it is built.
"""

import asyncio
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.sealed import seal_all
from casework.adapters.storage.tables import conversation, inbox, turn
from casework.adapters.storage.workbench_tables import review_item, review_reason, turn_record
from casework.model.review_queues import NO_DANGER, Queue
from launcher.bench_desk import describe_machine
from launcher.bench_queue import CHUNK, Times, asking_desk, fill, fill_once, render, time_page

LARGEST_MS = 200.0
ASKED = 100
EVERY = 10  # one turn in so many is to be reviewed
QUEUES = tuple(each for each in Queue if each is not Queue.GUESTS)
# Why a message stands there, as the page words it.
WHY = {
    Queue.STAFF_DISAGREED: ("raised", {"from": 3, "to": 1}),
    Queue.POSSIBLE_MISSES: ("handled_as_urgent", {}),
    Queue.FALSE_ALARMS: ("closed_as", {"outcome": "information_given"}),
    Queue.NOT_UNDERSTOOD: ("twice", {}),
    Queue.UNSURE: ("between_two", {"intent": "ask_status", "runner_up": "ask_rights"}),
    Queue.SAMPLE: ("by_chance", {}),
    Queue.NEW_WORDS: ("new_word", {"messages": 7}),
}


def run_bench_workbench(root: Path, data_dir: Path, *, turns: int, database_url: str | None = None) -> int:
    """Prints the figures; 0 when 95 of 100 pages are within the limit."""
    folder = data_dir.absolute() / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    url = database_url or f"sqlite:///{folder}/workbench-{turns}.db"
    print(f"{describe_machine(root, url.partition(':')[0])}, {turns} stored turns", flush=True)
    fill_once(url, turns, "turns", (turn_record,), fill_workbench)
    found = asyncio.run(_measure(root, folder, url))
    print("\n".join(render(each) for each in found))
    print(f"load {os.getloadavg()[0]:.1f} at the end")
    is_held = all(each.at(95) <= LARGEST_MS for each in found)
    print(f"p95 at most {LARGEST_MS:.0f} ms: {'held' if is_held else 'NOT held'}.")
    return 0 if is_held else 1


def fill_workbench(engine: sa.Engine, turns: int) -> None:
    """`turns` messages and answers, as the queue's bench has them, with their records; the old ones are quiet."""
    fill(engine, 2 * turns)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    with engine.begin() as connection:
        connection.execute(sa.update(conversation).values(last_inbound_at=yesterday))
    for table, rows in (
        (turn_record, _records),
        (review_item, _items),
        (review_reason, _reasons),
    ):
        for first in range(1, turns + 1, CHUNK):
            with engine.begin() as connection:
                chunk = list(rows(connection, first, min(first + CHUNK, turns + 1)))
                if chunk:
                    connection.execute(sa.insert(table), seal_all(connection, table, chunk))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("ANALYZE"))


def _stored(connection: sa.Connection, first: int, end: int) -> Iterator[Any]:
    yield from connection.execute(
        sa.select(inbox.c.id, inbox.c.conversation_id, inbox.c.received_at, turn.c.id.label("turn_id"))
        .join(turn, turn.c.inbox_id == inbox.c.id)
        .where(inbox.c.id >= first, inbox.c.id < end)
    )


def _records(connection: sa.Connection, first: int, end: int) -> Iterator[dict[str, Any]]:
    for row in _stored(connection, first, end):
        yield {
            "turn_id": row.turn_id,
            "inbox_id": row.id,
            "conversation_id": row.conversation_id,
            "at": row.received_at,
            "model_id": "b" * 32,
            "state": {"intents": ["ask_status"], "responses": ["utter_status"]},
            "standing": "unknown",
            "code_pending": False,
            "safe_question": False,
            "earlier_ids": [],
            "intent": "ask_status",
            "confidence": 0.9,
            "runner_up": "ask_rights",
            "runner_up_confidence": 0.05,
            "urgency": 0.01,
            "categories": {},
            "responses": ["utter_status"],
            "effects": [],
            "band": "green",
            "tier": None,
        }


def _items(connection: sa.Connection, first: int, end: int) -> Iterator[dict[str, Any]]:
    for row in _stored(connection, first, end):
        if row.id % EVERY:
            continue
        yield {
            "inbox_id": row.id,
            "conversation_id": row.conversation_id,
            "said_at": row.received_at,
            "channel": "sms",
            "language": "en",
            "model_id": "b" * 32,
            "category_seen": None,
            "tier_seen": None,
            "band_seen": "green",
            "side": "test" if row.id % 50 == 0 else "train",
            "status": "open",
            "risks": [],
            "is_restricted": False,
        }


def _reasons(connection: sa.Connection, first: int, end: int) -> Iterator[dict[str, Any]]:
    for row in _stored(connection, first, end):
        if row.id % EVERY:
            continue
        place = row.id // EVERY
        for queue in {QUEUES[place % len(QUEUES)], QUEUES[place // 7 % len(QUEUES)]}:
            why, detail = WHY[queue]
            yield {
                "inbox_id": row.id,
                "queue": queue.value,
                "harm": 1 + place % NO_DANGER,
                "said_at": row.received_at,
                "why": why,
                "detail": detail,
                "cluster": f"word{place % 200}" if queue is Queue.NEW_WORDS else None,
            }


async def _measure(root: Path, folder: Path, url: str) -> list[Times]:
    async with asking_desk(root, folder, url, role="trainer") as http:
        found = [await time_page(http, "home", "/workbench", row="/workbench/inbox/", asked=ASKED)]
        for queue in QUEUES:
            path = f"/workbench/inbox/{queue.value}"
            found.append(await time_page(http, queue.value, path, row="/workbench/items/", asked=ASKED))
        return found
