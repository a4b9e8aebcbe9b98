"""What each label means, read from the file that says it for the people who judge and for the sets they judge by."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from casework.model.toml_files import read_toml

GUIDELINES_FILE = Path(__file__).parents[2] / "data" / "held_out" / "guidelines.toml"
NAMES = re.compile(r"(?<=: )[a-z_]+|\b[a-z]+(?:_[a-z]+)+\b")


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Part of a sentence; `label` where it names one."""

    text: str
    label: str | None = None


@dataclass(frozen=True, kw_only=True)
class NearMiss:
    """Looks like the label and is not: `label` says what it is."""

    text: str
    label: str


@dataclass(frozen=True, kw_only=True)
class Guideline:
    """`kind`: risk or wish. `changed_on`: as the file says it."""

    name: str
    kind: str
    meaning: str
    include: str
    exclude: tuple[Piece, ...]
    examples: tuple[str, ...]
    near_misses: tuple[NearMiss, ...]
    owner: str
    changed_on: str


@cache
def load_guidelines() -> Mapping[str, Guideline]:
    """By name, in the order of the file."""
    tables = read_toml(GUIDELINES_FILE)
    names = {each["name"] for kind in ("risk", "wish") for each in tables[kind]}
    found = [_parse(kind, each, names) for kind in ("risk", "wish") for each in tables[kind]]
    return {each.name: each for each in found}


def _parse(kind: str, table: Mapping[str, Any], names: set[str]) -> Guideline:
    return Guideline(
        name=table["name"],
        kind=kind,
        meaning=table["meaning"],
        include=table["include"],
        exclude=_split(table["exclude"], names),
        examples=tuple(table["examples"]),
        near_misses=tuple(NearMiss(**each) for each in table["near_misses"]),
        owner=table["owner"],
        changed_on=f"{table['changed_on']:%-d %b %Y}",
    )


def _split(text: str, names: set[str]) -> tuple[Piece, ...]:
    """The sentence with the labels it names set apart, so that a page can say them in words and lead there."""
    pieces: list[Piece] = []
    done = 0
    for found in NAMES.finditer(text):
        if found[0] in names:
            pieces += [Piece(text=text[done : found.start()]), Piece(text=found[0], label=found[0])]
            done = found.end()
    return tuple(piece for piece in (*pieces, Piece(text=text[done:])) if piece.text)
