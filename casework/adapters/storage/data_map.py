"""What every table and column holds, and how a row reaches the person it is about: `data_map.toml`, typed.

A copy for somebody is built by walking it (subject_rows.py), so what is labelled there is given and nothing is
forgotten; erasure and the page for the data protection officer read the same file. Tests hold it against the tables.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from casework.model.errors import SettingsInvalid
from casework.model.toml_files import as_text, read_toml

DATA_MAP = Path(__file__).parent / "data_map.toml"
ROOTS = ("person", "conversation")
"""The tables whose rows of somebody are found by proof (subjects.py); every other row is found from these."""


class RecordClass(StrEnum):
    """What a table is kept for. Retention has classes of its own."""

    EVIDENTIAL = "evidential"
    SERVICE = "service"
    TELEMETRY = "telemetry"
    TRAINING = "training"
    STAFF = "staff"
    SYSTEM = "system"


class Label(StrEnum):
    """What a column is to the person its row is about."""

    PERSONAL = "personal"  # theirs: it is given to them
    LINKED = "linked"  # names another row, or a member of staff
    SYSTEM = "system"  # keeps the service going


@dataclass(frozen=True, kw_only=True)
class Reach:
    """`columns` of this table equal `there` of `table`, one by one, in a row this one belongs to."""

    columns: tuple[str, ...]
    table: str
    there: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class MappedTable:
    """`personal`: the words each personal column is given under. `reach`: the first that is not empty decides.

    `look`: personal columns a person reads before they are given. `by_hand`: why nothing of it reaches anybody by
    itself, or None.
    """

    name: str
    says: str
    record_class: RecordClass
    reach: tuple[Reach, ...]
    by_hand: str | None
    look: frozenset[str]
    labels: Mapping[str, Label]
    personal: Mapping[str, str]

    @property
    def is_of_a_person(self) -> bool:
        return bool(self.reach) or self.name in ROOTS


@cache
def load_data_map(path: Path = DATA_MAP) -> Mapping[str, MappedTable]:
    """Every table by name, in the file's order. Raises SettingsInvalid naming the table that is wrong."""
    loaded = {}
    for name, row in read_toml(path).items():
        try:
            loaded[name] = _parse_table(name, row)
        except (KeyError, TypeError, ValueError, AttributeError) as fault:
            raise SettingsInvalid(f"{path.name}: {name}: {fault!r}") from fault
    for table in loaded.values():
        for reach in table.reach:
            if reach.table not in loaded:
                raise SettingsInvalid(f"{path.name}: {table.name} reaches {reach.table}, which is not there")
    return loaded


def list_faults(data_map: Mapping[str, MappedTable], metadata: sa.MetaData) -> list[str]:
    """In sorted order, what the map and the tables do not say alike; each names the table or column."""
    return sorted(_find_faults(data_map, metadata))


def _find_faults(data_map: Mapping[str, MappedTable], metadata: sa.MetaData) -> Iterator[str]:
    yield from (f"{name}: no such table" for name in data_map.keys() - metadata.tables.keys())
    yield from (f"{name}: not in the map" for name in metadata.tables.keys() - data_map.keys())
    for name in data_map.keys() & metadata.tables.keys():
        mapped, there = data_map[name], set(metadata.tables[name].columns.keys())
        yield from (f"{name}.{column}: not in the map" for column in there - mapped.labels.keys())
        yield from (f"{name}.{column}: no such column" for column in mapped.labels.keys() - there)
        yield from (
            f"{name}.{column}: looked at, but not personal" for column in mapped.look - set(mapped.personal)
        )
        yield from _find_bad_reaches(mapped, metadata)
        is_whose = mapped.is_of_a_person or mapped.by_hand or mapped.record_class is RecordClass.STAFF
        if mapped.personal and not is_whose:
            yield f"{name}: personal columns, and nothing says whose"


def _find_bad_reaches(mapped: MappedTable, metadata: sa.MetaData) -> Iterator[str]:
    for reach in mapped.reach:
        target = metadata.tables.get(reach.table)
        known = set() if target is None else set(target.columns.keys())
        missing = (set(reach.there) - known) | (set(reach.columns) - mapped.labels.keys())
        yield from (f"{mapped.name}: reaches by {column}, which is not there" for column in missing)


def _parse_table(name: str, row: dict[str, Any]) -> MappedTable:
    known = {"says", "class", "reach", "by_hand", "look", "linked", "system", "personal"}
    if unknown := row.keys() - known:
        raise ValueError(f"nothing is called {', '.join(sorted(unknown))}")
    personal = {column: as_text(words) for column, words in row.get("personal", {}).items()}
    labelled = [
        *((column, Label.PERSONAL) for column in personal),
        *((column, Label.LINKED) for column in row["linked"]),
        *((column, Label.SYSTEM) for column in row["system"]),
    ]
    labels = dict(labelled)
    if len(labels) != len(labelled):
        raise ValueError("a column has two labels")
    return MappedTable(
        name=name,
        says=as_text(row["says"]),
        record_class=RecordClass(row["class"]),
        reach=tuple(_parse_reach(line) for line in row.get("reach", ())),
        by_hand=as_text(row["by_hand"]) if "by_hand" in row else None,
        look=frozenset(row.get("look", ())),
        labels=labels,
        personal=personal,
    )


def _parse_reach(line: str) -> Reach:
    here, _, target = line.partition(" -> ")
    table, _, there = target.partition(".")
    reach = Reach(columns=_names(here), table=table, there=_names(there))
    if not table or len(reach.columns) != len(reach.there):
        raise ValueError(f"{line!r} is not 'column -> table.column'")
    return reach


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())
