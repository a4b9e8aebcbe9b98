"""The held-out sets: by name, or any file or folder in the format of the corpus."""

from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from bot.corpus import CorpusInvalid, Example, read_corpus, read_file, split_by_scenario
from casework.model.disclosures import Category
from launcher.evaluation.frozen import FOLDER, check_frozen

DEFAULT_SETS = ("test", "same")
FILES = {
    "dev": "data/held_out/corpus_dev",
    "test": "data/held_out/corpus_test",
    "first": "data/held_out/first_messages.jsonl",
}
SAME_AUTHORS = "same"
CORPUS = "data/corpus"
SECOND_READING = "second_reading.tsv"


@dataclass(frozen=True, kw_only=True)
class HeldOutSet:
    name: str
    examples: tuple[Example, ...]


class _Row(msgspec.Struct, kw_only=True):
    text: str
    outcome: str | None = None
    category: Category | None = None
    sub: str | None = None
    also: list[str] = []
    kind: str | None = None
    style: str = "plain"
    scenario: str = ""


def read_set(root: Path, name: str) -> list[Example]:
    """dev, test (other authors), same (held-out scenarios of the corpus's authors), first, or a path.

    Raises CorpusInvalid for what cannot be read, has a label that does not exist, or holds nothing, and SetAltered
    for a named set that is not the frozen one.
    """
    if name in FILES:
        check_frozen(root, Path(FILES[name]).relative_to(FOLDER).as_posix())
    path = root / FILES[name] if name in FILES else Path(name)
    if name == SAME_AUTHORS:
        examples = split_by_scenario(read_corpus(root / CORPUS))[1]
    elif path.is_dir():
        examples = _with_second_reading(read_corpus(path), path / SECOND_READING)
    elif not path.is_file():
        raise CorpusInvalid(
            f"There is no set {name!r}. Say {', '.join(FILES)}, {SAME_AUTHORS}, or a file or folder"
        )
    else:
        examples = _read_jsonl(path) if path.suffix == ".jsonl" else list(read_file(path))
    if not examples:
        raise CorpusInvalid(f"{name}: no messages in it")
    unknown = sorted({e.category for e in examples if e.category} - set(Category))
    if unknown:
        raise CorpusInvalid(f"{name}: no category is called {', '.join(unknown)}")
    return examples


def _with_second_reading(examples: list[Example], table: Path) -> list[Example]:
    if not table.is_file():
        return examples
    rows = (line.split("\t") for line in table.read_text(encoding="utf-8").splitlines()[1:])
    labels_of = {text: tuple(labels.split("|")) for text, labels in rows}
    return [replace(one, second=labels_of.get(one.text, ())) for one in examples]


def _read_jsonl(path: Path) -> list[Example]:
    examples = []
    for number, raw in enumerate(path.read_bytes().splitlines(), start=1):
        if not raw.strip():
            continue
        try:
            row = msgspec.json.decode(raw, type=_Row)
        except (msgspec.DecodeError, UnicodeDecodeError) as fault:
            raise CorpusInvalid(f"{path.name}, line {number}: {fault}") from fault
        if not (row.outcome or row.category):
            raise CorpusInvalid(f"{path.name}, line {number}: give outcome or category")
        examples.append(
            Example(
                text=row.text,
                scenario=row.scenario or f"{path.name}, line {number}",
                style=row.style,
                outcome=None if row.category else row.outcome,
                sub=row.sub,
                also=tuple(row.also),
                category=row.category,
                kind=row.kind,
            )
        )
    return examples
