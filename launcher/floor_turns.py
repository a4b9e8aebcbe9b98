"""One durable commit and one bare parse for each line, in one process: what a turn can not cost less than.

    python -m launcher.floor_turns --model models/NAME.tar.gz --database FILE < texts.json

Runs in the assistant's Python 3.10. In: a JSON list of texts. Out: {"cpu_ms": [...], "wall_ms": [...]}, one of each a
text. Nothing is screened, sealed, audited, answered or sent.
"""

import argparse
import asyncio
import json
import sqlite3
import sys
import time
from pathlib import Path

from rasa.core.agent import Agent  # type: ignore[import-not-found]

WARM_UP = 30


async def main(model: Path, database: Path) -> None:
    texts = json.load(sys.stdin)
    agent = Agent.load(model)
    connection = sqlite3.connect(database, isolation_level=None)
    # As the service's own database: a commit is on the disk before anything goes on.
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE message (id INTEGER PRIMARY KEY, text TEXT NOT NULL)")
    cpu_ms, wall_ms = [], []
    for text in [*texts[:WARM_UP], *texts]:
        cpu, wall = time.process_time_ns(), time.perf_counter_ns()
        connection.execute("INSERT INTO message (text) VALUES (?)", (text,))
        await agent.parse_message(text)
        cpu_ms.append((time.process_time_ns() - cpu) / 1e6)
        wall_ms.append((time.perf_counter_ns() - wall) / 1e6)
    connection.close()
    warm = min(WARM_UP, len(texts))
    print(json.dumps({"cpu_ms": cpu_ms[warm:], "wall_ms": wall_ms[warm:]}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, type=Path)
    parser.add_argument("--database", required=True, type=Path)
    given = parser.parse_args()
    asyncio.run(main(given.model, given.database))
