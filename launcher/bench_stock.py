"""Rasa as it comes: its default pipeline and policies on our data, a SQL tracker store, its REST or Twilio channel."""

import asyncio
import hashlib
import json
import re
import shutil
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import ClientError, ClientSession

from launcher.bench_rasa import (
    ActionsBeside,
    BenchFailed,
    RunningRasa,
    Talker,
    end_of,
    running_rasa,
    start_rasa,
)
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
DOMAIN = "bot/domain"
# Without data/corpus, on which this pipeline trains for hours (bench_training.py): its turns cost no more for it.
DATA = ("data/nlu", "data/rules", "data/stories")
CREDENTIALS = "rest:\n"
BY_SMS = """\
launcher.stock_channel.SandboxTwilio:
  account_sid: "{account_sid}"
  auth_token: "{auth_token}"
  twilio_number: "{number}"
  api_url: "{api_url}"
"""
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


@dataclass(frozen=True, kw_only=True)
class StockModel:
    """`skipped` are the default policies Rasa did not train: TED wants stories, and we have rules.

    `seconds` it took to train at `trained_at`; `is_kept`: then, and not in this run.
    """

    path: Path
    skipped: tuple[str, ...]
    seconds: float
    trained_at: str
    is_kept: bool = False

    def tell(self) -> str:
        when = f"kept since {self.trained_at[:16]}" if self.is_kept else "in this run"
        without = f", without {', '.join(self.skipped)} (they need stories)" if self.skipped else ""
        return f"Stock Rasa's model: trained in {self.seconds:.0f} s, {when}{without}."


def get_stock(root: Path, data_dir: Path, *, fresh: bool = False) -> StockModel:
    """The model of the present data and configuration: the one kept in the data folder, or trained now and kept.

    `fresh`: trained now whatever is kept. Raises BenchFailed with the end of the log.
    """
    folder = data_dir.absolute() / "bench" / "stock" / hash_inputs(root)[:16]
    about = folder / "about.json"
    if about.exists() and not fresh:
        kept = json.loads(about.read_text())
        model = StockModel(path=folder / "stock.tar.gz", skipped=tuple(kept.pop("skipped")), **kept)
        return replace(model, is_kept=True)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    print("Stock Rasa: training its default pipeline on the same data", file=sys.stderr, flush=True)
    model = asyncio.run(train_stock(root, folder))
    shutil.rmtree(folder / "cache", ignore_errors=True)
    told = {"skipped": model.skipped, "seconds": model.seconds, "trained_at": model.trained_at}
    about.write_text(json.dumps(told) + "\n")
    return model


def hash_inputs(root: Path) -> str:
    """SHA-256 of all that a stock model is made of: its configuration, the domain, the data, and Rasa's packages."""
    digest = hashlib.sha256(CONFIG.encode())
    for name in (*DATA, DOMAIN, "bot/requirements.lock"):
        start = root / name
        for path in [start] if start.is_file() else sorted(start.rglob("*.yml")):
            digest.update(f"{path.relative_to(root)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


async def train_stock(root: Path, folder: Path) -> StockModel:
    """Trains in `folder`, showing that it lives; raises BenchFailed with the end of the log."""
    started = time.monotonic()
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
    return StockModel(
        path=folder / "stock.tar.gz",
        skipped=tuple(skipped),
        seconds=round(time.monotonic() - started, 1),
        trained_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _training_arguments(folder: Path) -> tuple[str, ...]:
    return (
        *("train", "--config", str(folder / "config.yml"), "--domain", DOMAIN),
        *("--data", *DATA),
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
    arguments = _running_arguments(model, folder, CREDENTIALS)
    log = folder / "run.log"
    async with running_rasa(root, arguments, beside.environ(), log, ready="/webhooks/rest/") as rasa:
        yield StockTalker(rasa.pid, rasa.session, rasa.address, folder / "tracker.db")


@asynccontextmanager
async def running_stock_by_sms(
    root: Path, model: StockModel, beside: ActionsBeside, folder: Path, account: "SmsAccount"
) -> AsyncIterator[RunningRasa]:
    """Its Twilio channel at /webhooks/twilio/webhook, answering by way of that sandbox provider."""
    credentials = BY_SMS.format(
        account_sid=account.account_sid,
        auth_token=account.auth_token,
        number=account.number,
        api_url=account.api_url,
    )
    arguments = _running_arguments(model, folder, credentials)
    log = folder / "run.log"
    async with running_rasa(root, arguments, beside.environ(), log, ready="/webhooks/twilio/") as rasa:
        yield rasa


@dataclass(frozen=True, kw_only=True)
class SmsAccount:
    """With a sandbox provider at `api_url`."""

    account_sid: str
    auth_token: str
    number: str
    api_url: str


def _running_arguments(model: StockModel, folder: Path, credentials: str) -> Sequence[str]:
    (folder / "credentials.yml").write_text(credentials)
    (folder / "endpoints.yml").write_text(ENDPOINTS.format(database=folder / "tracker.db"))
    return (
        *("--model", str(model.path), "--credentials", str(folder / "credentials.yml")),
        *("--endpoints", str(folder / "endpoints.yml")),
    )
