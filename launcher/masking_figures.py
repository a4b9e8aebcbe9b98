"""How well the masking hides, measured on marked messages: of each kind, and of what it hides without need."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from casework.model.masking import CaseValues, MaskedText, Masker
from casework.model.masking.masker import load_masker
from launcher.evaluation.figures import Figure

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "data" / "held_out" / "masking"
TOWNS = ROOT / "bot" / "components" / "towns.txt"
STRUCTURED = (
    *("phone", "reference", "postcode", "email", "vehicle", "nino", "nhs", "birth_date", "url", "address"),
    *("account", "number", "handle"),
)
# The figures beside those of one kind each.
ALL_STRUCTURED, PRECISION = "structured", "precision"
_MARK = re.compile(r"\{([a-z_]{1,24}):([^{}]{0,300})\}")
_ABOUT = re.compile(r"([a-z_]+)=(\S+)")


@dataclass(frozen=True, kw_only=True)
class MarkedMessage:
    """A message and what of it must not be read: (kind, start, end) in code points of `text`."""

    text: str
    person: str
    style: str
    marks: tuple[tuple[str, int, int], ...]


def measure(
    folder: Path = FOLDER, *, name: str = "messages.txt", masker: Masker | None = None
) -> dict[str, Figure]:
    """Recall by kind, of all structured kinds together and precision; each a share with its Wilson interval.

    A mark is hit when every letter and digit of it is covered. `folder` holds people.toml and the named messages.
    Raises ValueError for a line that is not of the format.
    """
    masker = masker or make_masker()
    people = read_people(folder / "people.toml")
    hits: Counter[str] = Counter()
    marks: Counter[str] = Counter()
    for message in read_messages(folder / name):
        masked = masker.mask(message.text, people[message.person], of=message.person)
        for kind, start, end in message.marks:
            marks[kind] += 1
            hits[kind] += is_covered(message.text, masked, start, end)
        marks[PRECISION] += len(masked.masks)
        hits[PRECISION] += sum(
            any(mask.start < end and start < mask.end for _, start, end in message.marks)
            for mask in masked.masks
        )
    for kind in STRUCTURED:
        marks[ALL_STRUCTURED] += marks[kind]
        hits[ALL_STRUCTURED] += hits[kind]
    return {kind: _share(hits[kind], marks[kind]) for kind in sorted(marks) if marks[kind]}


def make_masker() -> Masker:
    """One with a key of its own: nothing measured depends on which."""
    return load_masker(key=b"measured", towns=TOWNS.read_text("utf-8"))


def render(figures: Mapping[str, Figure]) -> str:
    """One line a figure: kind, share, interval, hits of how many."""
    lines = []
    for kind, figure in figures.items():
        low, high = figure.interval or (0.0, 0.0)
        lines.append(f"{kind:12} {figure.value:.3f}  ({low:.3f} to {high:.3f})  {figure.hits} of {figure.n}")
    return "\n".join(lines)


def is_covered(text: str, masked: MaskedText, start: int, end: int) -> bool:
    """Whether no letter or digit of the span is left."""
    return all(
        not text[place].isalnum() or any(mask.start <= place < mask.end for mask in masked.masks)
        for place in range(start, end)
    )


def read_people(path: Path) -> dict[str, CaseValues]:
    """The case values of each invented person by id; "" is somebody without a case."""
    people = {"": CaseValues()}
    for row in tomllib.loads(path.read_text("utf-8"))["person"]:
        people[row["id"]] = CaseValues(
            names=tuple(row["names"]),
            officers=(f"{row['officer_rank']} {row['officer_name']}",),
            phones=tuple(row["phones"]),
            emails=tuple(row["emails"]),
            references=(row["reference"],),
            others=(row["officer_number"],),
        )
    return people


def read_messages(path: Path) -> Iterator[MarkedMessage]:
    """A comment line is about the next message only: of whom it is and in which style. Every other line is one."""
    about: dict[str, str] = {}
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("#"):
            about = dict(_ABOUT.findall(line))
        elif line.strip():
            yield _read_message(line, about)
            about = {}


def _read_message(line: str, about: Mapping[str, str]) -> MarkedMessage:
    text, marks, copied = "", [], 0
    for found in _MARK.finditer(line):
        text += line[copied : found.start()]
        marks.append((found[1], len(text), len(text) + len(found[2])))
        text += found[2]
        copied = found.end()
    text += line[copied:]
    return MarkedMessage(
        text=text, person=about.get("person", ""), style=about.get("style", ""), marks=tuple(marks)
    )


def _share(hits: int, n: int) -> Figure:
    return Figure(value=hits / n, n=n, hits=hits)
