"""What stands in the way of a text before it is taught: everything known already, and the faults of the files."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from ruamel.yaml import YAML

from bot.corpus import read_corpus
from casework.adapters.training_files import FileFault, StandingText, list_texts, read_rows
from casework.model.disclosures import Category
from casework.model.labels import UNCLEAR, load_labels
from casework.model.masking import CaseValues, Masker
from casework.model.teaching_masks import find_personal
from casework.model.teaching_texts import Refusal, check, find_near_copies

TAUGHT = "data/workbench/nlu"
TRAINING_CORPUS, TRAINING_EXAMPLES = "data/corpus", "data/nlu"
HELD_OUT_CORPORA = ("data/held_out/corpus_dev", "data/held_out/corpus_test")
HELD_OUT_LINES = ("data/held_out/first_messages.jsonl", "data/held_out/packs/*.jsonl")
HELD_OUT_TALKS = "data/held_out/conversations/*.yml"

# By code; FileFault.what and Refusal. What to do about it follows the colon.
WORDS = {
    Refusal.VARIABLE.value: "holds ${...}, which Rasa reads as a setting: reword it",
    Refusal.COMMAND.value: 'begins with "/", which Rasa reads as a command: reword it',
    Refusal.ENTITY.value: "holds [...](...), which Rasa reads as a mark: reword it",
    Refusal.CONTROL.value: "holds a character that cannot be seen: type it again",
    Refusal.TOO_LONG.value: "is longer than 600 letters: shorten it",
    Refusal.EMPTY.value: "has no word left: remove it",
    Refusal.NEAR_COPY.value: "says nearly what another text says already: remove it, or reword it",
    Refusal.OTHER_SIDE.value: "is of a conversation that is tested with: remove it",
    Refusal.COPIED.value: "copies words that are only taught in a trainer's own: reword it",
    Refusal.PERSONAL.value: "holds what looks like somebody's number, address or name: mask it",
    Refusal.LABEL.value: "has no label the assistant knows: move it to the file of one",
    "unreadable": "cannot be read as training data: mend the file",
    "twice": "stands twice: remove one",
    "both": "was changed in the file and on the page: the page's words were written, the file's are in git",
}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Why a text is not taught, or a file not fit to train from. It holds no word of the text."""

    code: str
    row: str | None = None
    file: str | None = None
    line: int = 0

    def __str__(self) -> str:
        place = f"{self.file}, line {self.line}" if self.file else f"row {self.row}"
        return f"{place}: {WORDS[self.code]}"


def of_file(fault: FileFault) -> Finding:
    return Finding(code=fault.what, file=fault.file, line=fault.line)


def has_label(intent: str | None, category: str | None) -> bool:
    """Whether it names a danger of the screen's, or a wish a trainer may give."""
    if category is not None:
        return category in set(Category)
    return intent is not None and intent != UNCLEAR and load_labels().has_wish(intent)


def check_files(root: Path, files: Mapping[str, str], masker: Masker) -> list[Finding]:
    """Everything in the folder that must not be trained on, whoever wrote it. Nobody's case is known here."""
    rows, faults = read_rows(files)
    found = [of_file(fault) for fault in faults]
    texts = list_texts(files)
    for each in texts:
        found += [_at(each, code) for code in _find_codes(each.text, masker)]
        row = rows.get(each.row or "")
        if row is not None and not has_label(row.intent, row.category):
            found.append(_at(each, Refusal.LABEL.value))
    by_hand = [each for each in texts if each.row is None]
    copies = find_near_copies([each.text for each in by_hand], list_held_out(root)) if by_hand else {}
    return found + [_at(by_hand[place], Refusal.NEAR_COPY.value) for place in sorted(copies)]


def _find_codes(text: str, masker: Masker) -> list[str]:
    masked = masker.mask(text, CaseValues(), of="")
    return check(text) + ([Refusal.PERSONAL.value] if find_personal(text, masked) else [])


def _at(text: StandingText, code: str) -> Finding:
    return Finding(code=code, row=text.row, file=text.file, line=text.line)


def list_known(root: Path) -> Iterator[str]:
    """Every text that is taught or tested with and is not the trainers': some 48,000."""
    yield from list_trained(root)
    yield from list_held_out(root)


def list_trained(root: Path) -> Iterator[str]:
    """Those that developers teach."""
    for example in read_corpus(root / TRAINING_CORPUS):
        yield example.text
    for path in sorted((root / TRAINING_EXAMPLES).glob("*.yml")):
        for each in list_texts({path.name: path.read_text(encoding="utf-8")}):
            yield each.text


def list_held_out(root: Path) -> Iterator[str]:
    for folder in HELD_OUT_CORPORA:
        for example in read_corpus(root / folder):
            yield example.text
    for pattern in HELD_OUT_LINES:
        for path in sorted(root.glob(pattern)):
            for line in filter(None, map(bytes.strip, path.read_bytes().splitlines())):
                yield msgspec.json.decode(line, type=_Line).text
    for path in sorted(root.glob(HELD_OUT_TALKS)):
        yield from _find_said(YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8")))


class _Line(msgspec.Struct):
    text: str


def _find_said(node: object) -> Iterator[str]:
    if isinstance(node, Mapping):
        if isinstance(node.get("says"), str):
            yield node["says"]
        for value in node.values():
            yield from _find_said(value)
    elif isinstance(node, Sequence) and not isinstance(node, str):
        for value in node:
            yield from _find_said(value)
