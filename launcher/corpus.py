"""The written corpus: blocks of messages by one person in one situation, as plain text files.

    # outcome=ask_status sub= scenario=student_flat_burglary style=textspeak
    any news on my stuff yet
    ...

A header line starts with "# " and holds key=value pairs; every other line that is not blank is a message.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from casework.model.errors import WaymarkError

SHINGLE = 4
TOO_ALIKE = 0.6


class CorpusInvalid(WaymarkError):
    """A corpus file that cannot be read; says the file, the line and what to write."""


@dataclass(frozen=True, kw_only=True)
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


def find_near_duplicates(examples: Iterable[Example]) -> list[tuple[Example, Example]]:
    """Pairs (later, earlier) that share too many letter groups to count as two messages.

    Jaccard index over 4-letter groups of the letters alone; 0.6 and more is the same message again.
    """
    seen: dict[str, list[int]] = defaultdict(list)
    kept: list[tuple[Example, frozenset[str]]] = []
    pairs = []
    for example in examples:
        groups = _letter_groups(example.text)
        near = _nearest(groups, seen, kept)
        if near is not None:
            pairs.append((example, kept[near][0]))
            continue
        for group in groups:
            seen[group].append(len(kept))
        kept.append((example, groups))
    return pairs


def _nearest(
    groups: frozenset[str], seen: dict[str, list[int]], kept: list[tuple[Example, frozenset[str]]]
) -> int | None:
    shared: dict[int, int] = defaultdict(int)
    for group in groups:
        for index in seen.get(group, ()):
            shared[index] += 1
    for index, count in shared.items():
        if count / (len(groups) + len(kept[index][1]) - count) >= TOO_ALIKE:
            return index
    return None


def _letter_groups(text: str) -> frozenset[str]:
    letters = re.sub(r"[^a-z0-9]+", " ", text.casefold()).strip()
    if len(letters) < 2 * SHINGLE:
        return frozenset({f"={letters}"})
    return frozenset(letters[i : i + SHINGLE] for i in range(len(letters) - SHINGLE + 1))
