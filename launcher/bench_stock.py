"""Rasa as it comes: its default pipeline and policies on our data, its REST channel, a SQL tracker store."""

import asyncio
import re
import sqlite3
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

from aiohttp import ClientError, ClientSession

from launcher.bench_rasa import ActionsBeside, BenchFailed, Talker, end_of, running_rasa, start_rasa
from launcher.processes import end_process
from launcher.training import rasa_environ

TRAINING_SECONDS = 900.0
TICK_SECONDS = 10.0

# Nothing is configured: Rasa fills in its own defaults (`rasa init` leaves the same two keys empty).
CONFIG = """\
recipe: default.v1
assistant_id: stock
language: en
pipeline:
policies:
"""
CREDENTIALS = "rest:\n"
SKIPPED = re.compile(r"Skipping training of `(\w+)`")
ENDPOINTS = """\
action_endpoint:
  url: ${{WAYMARK_ACTIONS_URL}}
  headers:
    X-Waymark-Secret: ${{WAYMARK_TURN_SECRET}}
tracker_store:
  type: SQL
  dialect: sqlite
  db: "{database}"
"""


@dataclass
class StockTalker:
    """Sends a text and a sender; Rasa keeps the conversation in its database."""

    pid: int
    session: ClientSession
    address: str
    database: Path

    async def say(self, conversation: str, text: str) -> bool:
        asked = {"sender": conversation, "message": text}
        try:
            async with self.session.post(f"{self.address}/webhooks/rest/webhook", json=asked) as answer:
                return answer.status == 200 and bool(await answer.json())
        except (ClientError, TimeoutError) as error:
            raise BenchFailed(f"A turn brought no answer at all: {type(error).__name__}") from error

    def size_bytes(self, conversation: str) -> int:
        asked = "SELECT coalesce(sum(length(data)), 0) FROM events WHERE sender_id = ?"
        with closing(sqlite3.connect(self.database)) as connection:
            return int(connection.execute(asked, (conversation,)).fetchone()[0])


@dataclass(frozen=True)
class StockModel:
    """`skipped` are the default policies Rasa did not train: TED wants stories, and we have rules."""

    path: Path
    skipped: tuple[str, ...]


async def train_stock(root: Path, folder: Path) -> StockModel:
    """Trains in `folder`, showing that it lives; raises BenchFailed with the end of the log."""
    (folder / "config.yml").write_text(CONFIG)
    log = folder / "train.log"
    process = await start_rasa(root, _training_arguments(folder), _environ(folder), log)
    try:
        await _wait_trained(process)
    finally:
        await end_process(process)
    if process.returncode != 0:
        raise BenchFailed(f"Stock Rasa could not train. The end of its log:\n{end_of(log)}")
    skipped = sorted(set(SKIPPED.findall(log.read_text(errors="replace"))))
    return StockModel(folder / "stock.tar.gz", tuple(skipped))


def _training_arguments(folder: Path) -> tuple[str, ...]:
    return (
        *("train", "--config", str(folder / "config.yml"), "--domain", "bot/domain"),
        *("--data", "data/nlu", "data/rules", "data/stories"),
        *("--out", str(folder), "--fixed-model-name", "stock"),
    )


def _environ(folder: Path) -> dict[str, str]:
    # A cache of its own: it must train now, and leave nothing behind.
    # Its warnings say which policies it did not train.
    return rasa_environ(RASA_CACHE_DIRECTORY=str(folder / "cache"), PYTHONWARNINGS="default::UserWarning")


async def _wait_trained(process: asyncio.subprocess.Process) -> None:
    started = time.monotonic()
    while (elapsed := time.monotonic() - started) < TRAINING_SECONDS:
        try:
            await asyncio.wait_for(process.wait(), TICK_SECONDS)
            return
        except TimeoutError:
            print(f"      training, {elapsed + TICK_SECONDS:.0f} s", file=sys.stderr, flush=True)
    raise BenchFailed(f"Stock Rasa had not trained after {TRAINING_SECONDS:.0f} s.")


@asynccontextmanager
async def running_stock(
    root: Path, model: StockModel, beside: ActionsBeside, folder: Path
) -> AsyncIterator[Talker]:
    database = folder / "tracker.db"
    (folder / "credentials.yml").write_text(CREDENTIALS)
    (folder / "endpoints.yml").write_text(ENDPOINTS.format(database=database))
    arguments = ["--model", str(model.path), "--credentials", str(folder / "credentials.yml")]
    arguments += ["--endpoints", str(folder / "endpoints.yml")]
    log = folder / "run.log"
    async with running_rasa(root, arguments, beside.environ(), log, ready="/webhooks/rest/") as rasa:
        yield StockTalker(rasa.pid, rasa.session, rasa.address, database)
