"""Asking the learned layer about messages without starting the service."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from casework.model.errors import WaymarkError
from launcher.training import Model, rasa_environ


class Message(Protocol):
    @property
    def id(self) -> Any: ...
    @property
    def text(self) -> str: ...
    @property
    def channel(self) -> str: ...


class UnderstandingFailed(WaymarkError):
    """The model gave no answer for every message; its own words are above."""


def understand_lines(root: Path, model: Model, lines: Sequence[Message]) -> list[dict[str, Any]]:
    """One answer a message, in order, from the model loaded once."""
    asked = b"\n".join(
        json.dumps({"id": i, "text": line.text, "channel": line.channel}).encode()
        for i, line in enumerate(lines)
    )
    result = subprocess.run(
        [str(root / "bot" / ".venv" / "bin" / "python"), "-m", "bot.understand", "--model", str(model.path)],
        cwd=root,
        env=rasa_environ(),
        input=asked + b"\n",
        capture_output=True,
        check=False,
    )
    answers = [msgspec.json.decode(line) for line in result.stdout.splitlines() if line.startswith(b"{")]
    if result.returncode != 0 or len(answers) != len(lines):
        # Only then: Rasa's libraries warn about each other at length.
        sys.stderr.write(result.stderr.decode(errors="replace"))
        raise UnderstandingFailed(
            f"{len(answers)} answers to {len(lines)} messages, code {result.returncode}"
        )
    return answers


def evaluate_model(root: Path, model: Model) -> int:
    """Prints how the assistant does on the held-out examples; nothing here was trained on."""
    held_out = root / "data" / "held_out" / "first_messages.jsonl"
    rows = [msgspec.json.decode(line) for line in held_out.read_bytes().splitlines() if line.strip()]
    lines = [
        msgspec.convert({"id": i, "text": r["text"], "channel": "sms"}, _Line) for i, r in enumerate(rows)
    ]
    answers = understand_lines(root, model, lines)
    right = sum(answer["outcome"] == row["outcome"] for answer, row in zip(answers, rows, strict=True))
    print(f"Understood as meant: {right} of {len(rows)} ({right / len(rows):.0%}) on {held_out.name}")
    for answer, row in zip(answers, rows, strict=True):
        if answer["outcome"] != row["outcome"]:
            print(f"  meant {row['outcome']}, read {answer['outcome']}: {row['text']}", file=sys.stderr)
    return 0


class _Line(msgspec.Struct):
    id: int
    text: str
    channel: str
