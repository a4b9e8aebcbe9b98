"""How long one sitting's training takes beside stock Rasa's default on the same texts, in one run on one machine.

Stock is stopped at four times ours: what is to be shown is that ours takes at most a quarter, and hours of waiting
would show no more. Stock finds urgent messages under an intent of their own; both have everything else alike.
"""

import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bot.corpus import Example, read_corpus, split_by_scenario
from casework.adapters.training_files import quote
from launcher import training
from launcher.bench_desk import describe_machine
from launcher.bench_rasa import BenchFailed, end_of, end_on_sigterm, start_rasa
from launcher.bench_report import Part, Promise, Row, render_text
from launcher.bench_stock import CONFIG
from launcher.processes import end_process
from launcher.training import rasa_environ

TIMES = 4.0
TICK_SECONDS = 1.0
TOLD_EACH_SECONDS = 30
OUTCOME_AS_INTENT = {"unclear": "nlu_fallback"}
URGENT = "urgent"
OURS, STOCK = "ours", "stock"


@dataclass(frozen=True, kw_only=True)
class Trained:
    """`seconds` of wall-clock. `finished`: False where it was stopped at its limit."""

    seconds: float
    finished: bool


@dataclass(frozen=True, kw_only=True)
class TrainingBench:
    """Both on `texts` texts of the corpus, beside what stands in YAML."""

    texts: int
    ours: Trained
    stock: Trained

    @property
    def holds(self) -> bool:
        """Whether ours took at most a quarter of stock's time."""
        return self.ours.finished and self.stock.seconds >= TIMES * self.ours.seconds


def run_bench_training(root: Path) -> int:
    """Prints the report. 0 where ours took at most a quarter."""
    end_on_sigterm()
    part = measure_training(root)
    print(render_text(part))
    return 0 if part.holds else 1


def measure_training(root: Path) -> Part:
    """Trains both from nothing, one after the other: nothing that is kept is used."""
    measured = describe_machine(root, "sqlite")
    with tempfile.TemporaryDirectory(prefix="waymark-training-") as folder:
        for name in (OURS, STOCK):
            (Path(folder) / name).mkdir()
        bench = asyncio.run(_bench(root, Path(folder)))
    return make_part(bench, measured=measured)


async def _bench(root: Path, folder: Path) -> TrainingBench:
    taught, _ = split_by_scenario(read_corpus(root / "data" / "corpus"))
    stock_nlu = folder / "stock-nlu"
    write_as_yaml(taught, stock_nlu)
    ours = await _train(
        root,
        folder / OURS,
        ("--config", "config.yml", "--data", *training.DATA),
        limit_seconds=None,
    )
    (folder / "stock.yml").write_text(CONFIG)
    stock = await _train(
        root,
        folder / STOCK,
        ("--config", str(folder / "stock.yml"), "--data", *training.DATA, str(stock_nlu)),
        limit_seconds=TIMES * ours.seconds,
    )
    return TrainingBench(texts=len(taught), ours=ours, stock=stock)


async def _train(
    root: Path, folder: Path, arguments: tuple[str, ...], *, limit_seconds: float | None
) -> Trained:
    """From nothing: the cache is its own and empty. Raises BenchFailed where Rasa gives up."""
    log = folder / "train.log"
    given = ("train", "--domain", "bot/domain", *arguments, "--out", str(folder), "--fixed-model-name", "it")
    started = time.monotonic()
    process = await start_rasa(root, given, rasa_environ(RASA_CACHE_DIRECTORY=str(folder / "cache")), log)
    try:
        finished = await _wait(process, folder.name, limit_seconds)
    finally:
        await end_process(process)
    seconds = time.monotonic() - started
    if finished and process.returncode != 0:
        raise BenchFailed(f"{folder.name} could not train. The end of its log:\n{end_of(log)}")
    shutil.rmtree(folder / "cache", ignore_errors=True)
    return Trained(seconds=seconds if finished else limit_seconds or seconds, finished=finished)


async def _wait(process: asyncio.subprocess.Process, name: str, limit_seconds: float | None) -> bool:
    started = time.monotonic()
    while limit_seconds is None or time.monotonic() - started < limit_seconds:
        try:
            await asyncio.wait_for(process.wait(), TICK_SECONDS)
            return True
        except TimeoutError:
            elapsed = time.monotonic() - started
            if int(elapsed) % TOLD_EACH_SECONDS == 0:
                of = "" if limit_seconds is None else f" of at most {limit_seconds:.0f}"
                print(f"      {name}: {elapsed:.0f} s{of}", file=sys.stderr, flush=True)
    return False


def write_as_yaml(examples: Iterable[Example], folder: Path) -> None:
    """The corpus as stock Rasa reads it: every text under its outcome, the urgent ones under one of their own."""
    by_intent: dict[str, list[str]] = {}
    for example in examples:
        intent = URGENT if example.category else example.outcome or ""
        by_intent.setdefault(OUTCOME_AS_INTENT.get(intent, intent), []).append(example.text)
    folder.mkdir()
    for intent, texts in sorted(by_intent.items()):
        lines = "".join(f"  - text: {quote(text)}\n" for text in texts)
        (folder / f"{intent}.yml").write_text(
            f'version: "3.1"\nnlu:\n- intent: {intent}\n  examples:\n{lines}', encoding="utf-8"
        )


def make_part(bench: TrainingBench, *, measured: str = "") -> Part:
    """The report. A stock that was stopped is told as stopped, never as a time it took."""
    ours, stock = bench.ours, bench.stock
    if stock.finished:
        told = f"Stock Rasa's default: {stock.seconds:.0f} s, {stock.seconds / ours.seconds:.1f} times ours."
    else:
        told = (
            f"Stock Rasa's default had not finished after {stock.seconds:.0f} s, {TIMES:.0f} times ours, and was "
            "stopped. How long it would take was not measured."
        )
    return Part(
        name="training",
        title="Training",
        measured=measured,
        rows=(
            Row(
                name="From nothing to a model",
                unit="s",
                ours=ours.seconds,
                stock=stock.seconds if stock.finished else None,
            ),
        ),
        promises=(Promise(text=f"Ours takes at most 1/{TIMES:.0f} of stock's time", held=bench.holds),),
        notes=(
            f"Trained on {bench.texts} texts of the corpus and everything in YAML, one after the other, caches empty.",
            told,
        ),
    )
