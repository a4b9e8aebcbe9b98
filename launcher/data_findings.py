"""What must not stand in the trainers' data, found again in the files themselves before a model of them is judged."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from casework.model import teaching_texts
from casework.model.errors import WaymarkError
from launcher.evaluation.packs import WRITTEN, read_packs
from launcher.evaluation.sets import read_set

TAUGHT = "data/workbench/nlu"
TEST_SETS = ("test", "dev")


class DataUnreadable(WaymarkError):
    """A file of the trainers' data is not what Rasa would read."""


def count_findings(root: Path) -> tuple[int, int]:
    """How many rows there are, and how many must not be taught: for what they are, or as nearly a test message.

    Personal values are not looked for here but when a row is accepted and written, where the conversation is known.
    Raises DataUnreadable.
    """
    texts = list(read_taught(root))
    refused = {place for place, text in enumerate(texts) if teaching_texts.check(text)}
    leaked = teaching_texts.find_near_copies(texts, _read_tests(root)) if texts else {}
    return len(texts), len(refused | leaked.keys())


def read_taught(root: Path) -> Iterator[str]:
    """The text of every row. Raises DataUnreadable."""
    for file in sorted((root / TAUGHT).glob("*.yml")):
        try:
            content: Any = YAML(typ="safe").load(file.read_text(encoding="utf-8")) or {}
            rows = [row for part in content.get("nlu", []) for row in part["examples"]]
            yield from (str(row["text"]) for row in rows)
        except (YAMLError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as fault:
            raise DataUnreadable(f"{TAUGHT}/{file.name}: {type(fault).__name__}") from fault


def _read_tests(root: Path) -> Iterator[str]:
    for name in TEST_SETS:
        yield from (example.text for example in read_set(root, name))
    for pack in read_packs(root, WRITTEN):
        yield from pack.texts
