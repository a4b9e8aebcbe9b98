"""How long what is kept: classes of tables, each with a time and what it is counted from. See retention.toml.

Pure: it knows the names of tables and columns, and no database.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from casework.model.errors import SettingsInvalid
from casework.model.toml_files import as_date, as_text, read_toml

RETENTION_FILE = Path(__file__).with_name("retention.toml")
# An export that somebody said has arrived may turn out not to have; a code is of use for minutes.
SHORTEST = {"export": timedelta(days=7), "row": timedelta(hours=1)}
LONGEST = timedelta(days=3660)


class Counted(StrEnum):
    """What the time of a class is counted from."""

    EXPORT = "export"
    ROW = "row"
    PARENT = "parent"
    NEVER = "never"


@dataclass(frozen=True, kw_only=True)
class TableRule:
    """One table. `at`: the columns with its times; `unless`: column -> states in which a row stays."""

    table: str
    kept_as: str
    counted: Counted
    keep_for: timedelta | None = None
    at: tuple[str, ...] = ()
    unless: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RetentionRules:
    """`loosens`: table -> columns that let go of the row they name, where it goes before theirs."""

    tables: Mapping[str, TableRule]
    loosens: Mapping[str, frozenset[str]]
    unexported_alarm: timedelta
    overdue_alarm: timedelta
    provider_words: timedelta
    provider_alarm: timedelta
    source: str
    review_by: date

    def list_timed(self) -> list[TableRule]:
        """Those that go by time, in one order."""
        return [
            rule for _, rule in sorted(self.tables.items()) if rule.counted in (Counted.EXPORT, Counted.ROW)
        ]


def load_retention(path: Path = RETENTION_FILE) -> RetentionRules:
    """Raises SettingsInvalid, with the place, for rules that cannot be right."""
    tables = read_toml(path)
    try:
        return _parse(tables)
    except (KeyError, TypeError, ValueError) as fault:
        raise SettingsInvalid(f"{path.name}: {fault!r} is missing, unknown or of the wrong kind") from fault


def _parse(given: dict[str, Any]) -> RetentionRules:
    limits = {
        name: timedelta(**{unit: _as_count(given.pop(f"{name}_{unit}"))})
        for name, unit in (
            ("unexported_alarm", "days"),
            ("overdue_alarm", "hours"),
            ("provider_words", "hours"),
            ("provider_alarm", "hours"),
        )
    }
    source, review_by = as_text(given.pop("source")), as_date(given.pop("review_by"))
    rules: dict[str, TableRule] = {}
    loosens: dict[str, frozenset[str]] = {}
    for name, kept_as in given.items():
        for rule in _parse_class(name, kept_as, loosens):
            if rule.table in rules:
                raise ValueError(f"{rule.table} stands in two classes")
            rules[rule.table] = rule
    return RetentionRules(tables=rules, loosens=loosens, source=source, review_by=review_by, **limits)


def _parse_class(name: str, given: dict[str, Any], loosens: dict[str, frozenset[str]]) -> list[TableRule]:
    counted = Counted(given.pop("counted"))
    keep_for = _parse_time(counted, given)
    if counted is Counted.NEVER:
        as_text(given.pop("why"))
    tables, unless = given.pop("tables"), given.pop("unless", {})
    for table, columns in given.pop("loosens", {}).items():
        loosens[table] = loosens.get(table, frozenset()) | {as_text(each) for each in columns}
    if given or set(unless) - set(tables):
        raise KeyError(*given, *unless)
    is_timed = keep_for is not None
    if is_timed != isinstance(tables, dict):
        raise TypeError(f"{name}: tables with their times, or without")
    return [
        TableRule(
            table=table,
            kept_as=name,
            counted=counted,
            keep_for=keep_for,
            at=tuple(as_text(each) for each in tables[table]) if is_timed else (),
            unless={column: tuple(states) for column, states in unless.get(table, {}).items()},
        )
        for table in tables
    ]


def _parse_time(counted: Counted, given: dict[str, Any]) -> timedelta | None:
    if counted in (Counted.PARENT, Counted.NEVER):
        return None
    unit = "hours" if "hours" in given else "days"
    keep_for = timedelta(**{unit: _as_count(given.pop(unit))})
    if not SHORTEST[counted.value] <= keep_for <= LONGEST:
        raise ValueError(f"{keep_for} is too short or too long")
    return keep_for


def _as_count(value: object) -> int:
    if type(value) is not int or value <= 0:
        raise TypeError(f"{value!r} is not a whole number above 0")
    return value
