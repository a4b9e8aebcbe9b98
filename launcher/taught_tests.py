"""What trainers keep to test with: a new file for each set, never changed once it was written."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from ruamel.yaml import YAML

from casework.services.review_ports import Example
from launcher.evaluation.frozen import check_written, sha_path

FOLDER = "data/held_out/workbench"


def list_sets(root: Path) -> list[Path]:
    """Oldest first."""
    return sorted((root / FOLDER).glob("v*.jsonl"))


def read_rows(path: Path) -> list[str]:
    """The rows of a set, in its order. Raises SetAltered."""
    check_written(path)
    return [str(msgspec.json.decode(line)["row"]) for line in path.read_bytes().splitlines()]


def write_set(root: Path, rows: Sequence[Example]) -> Path | None:
    """A new set where the rows are others than the newest set's; None where they are the same, or there are none.

    Raises SetAltered where the newest one is not what was written.
    """
    sets = list_sets(root)
    before = read_rows(sets[-1]) if sets else []
    if not rows or [row.id for row in rows] == before:
        return None
    # The sha256 of a set that was ended stays: its number is never another set's.
    numbers = [int(each.name[1:5]) for each in (root / FOLDER).glob("v*.jsonl.sha256")]
    number = max(numbers, default=0) + 1
    path = root / FOLDER / f"v{number:04d}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    outcomes = read_outcomes(root)
    content = b"".join(msgspec.json.encode(_line(row, outcomes)) + b"\n" for row in rows)
    sha_path(path).write_text(f"{hashlib.sha256(content).hexdigest()}  {path.name}\n")
    new = path.with_suffix(".new")
    new.write_bytes(content)
    new.replace(path)
    return path


def end_sets(root: Path, is_withdrawn: Callable[[str], bool]) -> list[str]:
    """Deletes every set that holds what somebody took back; their names. What was measured on one cannot be again."""
    ended = []
    for path in list_sets(root):
        if any(is_withdrawn(row) for row in read_rows(path)):
            path.unlink()
            ended.append(path.name)
    return ended


def _line(row: Example, outcomes: dict[str, str]) -> dict[str, Any]:
    label = {"category": row.category} if row.category else {"outcome": outcomes[row.intent or ""]}
    sub = {"sub": row.sub} if row.sub else {}
    return {"row": row.id, "text": row.text, **label, **sub, "scenario": row.scenario, "style": "real"}


def read_outcomes(root: Path) -> dict[str, str]:
    """What each wish comes to, by bot/outcomes.yml."""
    table = YAML(typ="safe", pure=True).load((root / "bot" / "outcomes.yml").read_text(encoding="utf-8"))
    return {intent: entry["outcome"] for intent, entry in table["outcomes"].items()}
