"""Trains the message classifier on one draw of a public set after another and says what it makes of the test texts.

    python -m bot.bench_understanding < draws.jsonl

In: {"train": [[text, label]], "texts": [text], "stock": bool}. Out, for every line, {"answers": {reader: [[label,
confidence]]}, "latency_ms": {reader: [ms]}, "seconds": {reader: s}, "model_mb": {reader: MB}, "resident_mb"}. A
reader is "tokens", "words" or "sentences" alone, "all" of them together as shipped, or "stock", Rasa's default
pipeline, where it was asked for. Progress goes to standard error.
"""

import asyncio
import json
import logging
import resource
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rasa.core.agent import Agent
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.model_training import train_nlu
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.components.message_classifier import MessageClassifier

CONTEXT = ExecutionContext(GraphSchema({}))
MEGABYTE = 1e6
MOST_TIMED = 100
ALL, STOCK = "all", "stock"
STOCK_CONFIG = "recipe: default.v1\nassistant_id: stock\nlanguage: en\npipeline:\npolicies:\n"
PROGRESS_EVERY = 2000

logger = logging.getLogger(__name__)


def main() -> None:
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="      %(message)s")
    logging.getLogger("bot").setLevel(logging.INFO)
    for line in sys.stdin:
        asked = json.loads(line)
        measured = measure(asked["train"], asked["texts"])
        if asked["stock"]:
            of_stock = measure_stock(asked["train"], asked["texts"])
            for name, found in of_stock.items():
                measured[name][STOCK] = found
        sys.stdout.write(json.dumps(measured) + "\n")
        sys.stdout.flush()


def measure(train: Sequence[tuple[str, str]], texts: Sequence[str]) -> dict[str, Any]:
    """Trains as Rasa would, loads what was stored, and reads every text with each reader alone and with all."""
    with tempfile.TemporaryDirectory() as folder:
        config = MessageClassifier.get_default_config()
        storage, place = LocalModelStorage.create(Path(folder)), Resource("classifier")
        examples = [Message.build(text=text, intent=label) for text, label in train]
        started = time.perf_counter()
        MessageClassifier.create(config, storage, place, CONTEXT).train(TrainingData(examples))
        seconds = time.perf_counter() - started
        classifier = MessageClassifier.load(config, storage, place, CONTEXT)
        size = sum(_megabytes(file) for file in Path(folder).rglob("*") if file.is_file())
    readers = [ALL, *classifier.readers]
    return {
        "answers": _answer(classifier, texts),
        "latency_ms": {reader: _time(classifier, reader, texts[:MOST_TIMED]) for reader in readers},
        "seconds": {ALL: seconds},
        "model_mb": {ALL: size},
        "resident_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MEGABYTE,
    }


def measure_stock(train: Sequence[tuple[str, str]], texts: Sequence[str]) -> dict[str, Any]:
    """Rasa's own choice of pipeline (DIET, 100 epochs) on the same texts."""
    by_label: dict[str, list[dict[str, str]]] = defaultdict(list)
    for text, label in train:
        by_label[label].append({"text": text})
    nlu = [{"intent": label, "examples": examples} for label, examples in by_label.items()]
    with tempfile.TemporaryDirectory() as folder:
        config, data = Path(folder) / "config.yml", Path(folder) / "nlu.yml"
        config.write_text(STOCK_CONFIG)
        # JSON is YAML, but Rasa takes a file that is JSON from the first sign for another format.
        data.write_text(f"version: '3.1'\nnlu: {json.dumps(nlu)}\n")
        logger.info("training Rasa's default pipeline")
        started = time.perf_counter()
        model = train_nlu(str(config), str(data), folder, fixed_model_name="stock")
        seconds = time.perf_counter() - started
        agent = Agent.load(model)
        size = _megabytes(model)
    answers, latency = asyncio.run(_parse_all(agent, texts))
    return {
        "answers": answers,
        "latency_ms": latency[1 : MOST_TIMED + 1],
        "seconds": seconds,
        "model_mb": size,
    }


async def _parse_all(agent: Agent, texts: Sequence[str]) -> tuple[list[tuple[str, float]], list[float]]:
    answers, latency = [], []
    for number, text in enumerate(texts):
        if number % PROGRESS_EVERY == 0:
            logger.info("reading texts: %d of %d", number, len(texts))
        started = time.perf_counter()
        parsed = await agent.parse_message(text)
        latency.append(1000 * (time.perf_counter() - started))
        answers.append((parsed["intent"]["name"] or "", float(parsed["intent"]["confidence"])))
    return answers, latency


def _megabytes(path: str | Path) -> float:
    return Path(path).stat().st_size / MEGABYTE


def _answer(classifier: MessageClassifier, texts: Sequence[str]) -> dict[str, list[tuple[str, float]]]:
    answers: dict[str, list[tuple[str, float]]] = {reader: [] for reader in (*classifier.readers, ALL)}
    for number, text in enumerate(texts):
        if number % PROGRESS_EVERY == 0:
            logger.info("reading texts: %d of %d", number, len(texts))
        for reader, chances in classifier.read_apart(text).items():
            answers[reader].append((classifier.wishes[int(chances.argmax())], float(chances.max())))
    return answers


def _time(classifier: MessageClassifier, reader: str, texts: Sequence[str]) -> list[float]:
    """Milliseconds for each text on its own; the first one warms up and is not counted."""
    taken = []
    for text in texts:
        started = time.perf_counter()
        if reader == ALL:
            classifier.process([Message({TEXT: text})])
        else:
            classifier.read_alone(reader, text)
        taken.append(1000 * (time.perf_counter() - started))
    return taken[1:]


if __name__ == "__main__":
    main()
