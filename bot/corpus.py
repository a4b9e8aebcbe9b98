"""The written corpus: blocks of messages by one person in one situation, as plain text files.

    # outcome=ask_status sub= scenario=student_flat_burglary style=textspeak
    any news on my stuff yet
    ...

A line that starts with "# " is a header of key=value pairs; every other line that is not blank is a message.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from casework.model.errors import WaymarkError

HELD_OUT_SHARE = 0.1


class CorpusInvalid(WaymarkError):
    """A corpus file that cannot be read; says the file, the line and what to write."""


@dataclass(frozen=True)
class Example:
    """One message with what its writer meant. Calm ones name an outcome, urgent ones a category."""

    text: str
    scenario: str
    style: str
    outcome: str | None = None
    sub: str | None = None
    also: tuple[str, ...] = ()
    category: str | None = None
    kind: str | None = None
    second: tuple[str, ...] = ()
    """What a second reader, who did not know the first one's labels, made of it."""


def read_corpus(folder: Path) -> list[Example]:
    """Every message of every file below, in the order of the files. Raises CorpusInvalid."""
    return [example for path in sorted(folder.rglob("*.txt")) for example in read_file(path)]


def read_file(path: Path) -> Iterator[Example]:
    header: dict[str, str] | None = None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if line.startswith("# "):
            header = _parse_header(line, where=f"{path.name}, line {number}")
        elif line.strip():
            if header is None:
                raise CorpusInvalid(f"{path.name}, line {number}: a message before any header")
            yield _example(line.strip(), header)


def _parse_header(line: str, *, where: str) -> dict[str, str]:
    header = dict(part.partition("=")[::2] for part in line[2:].split())
    if not header.get("scenario") or not header.get("style"):
        raise CorpusInvalid(f"{where}: the header needs scenario= and style=")
    if bool(header.get("outcome")) == bool(header.get("category")):
        raise CorpusInvalid(f"{where}: the header needs either outcome= or category=")
    return header


def _example(text: str, header: dict[str, str]) -> Example:
    return Example(
        text=text,
        scenario=header["scenario"],
        style=header["style"],
        outcome=header.get("outcome") or None,
        sub=header.get("sub") or None,
        also=tuple(filter(None, header.get("also", "").split(","))),
        category=header.get("category") or None,
        kind=header.get("kind") or None,
    )


def split_by_scenario(
    examples: Iterable[Example], *, share: float = HELD_OUT_SHARE
) -> tuple[list[Example], list[Example]]:
    """(to train on, held out): about `share` of the scenarios, each whole on one side, for ever the same ones."""
    to_train_on: list[Example] = []
    held_out: list[Example] = []
    for example in examples:
        (held_out if _place(example.scenario) < share else to_train_on).append(example)
    return to_train_on, held_out


def _place(scenario: str) -> float:
    return int.from_bytes(hashlib.sha256(scenario.encode()).digest()[:8], "big") / 2**64
