"""What we said would happen by when, and what may be said at all: only what the rota can keep."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from casework.model.errors import SettingsInvalid
from casework.model.staffed_hours import StaffedHours
from casework.model.toml_files import as_date, as_text, read_toml
from casework.model.working_days import local_day

LIMITS_FILE = Path(__file__).with_name("promises.toml")


class PromiseKind(StrEnum):
    OFFICER_ANSWER = "officer_answer"  # the officer in the case answers a message
    TEAM_ANSWER = "team_answer"  # the team does, because the officer did not


class PromiseStatus(StrEnum):
    MADE = "made"
    KEPT = "kept"
    OVERDUE = "overdue"
    KEPT_LATE = "kept_late"


@dataclass(frozen=True, kw_only=True)
class Promise:
    """One row of the ledger. `words` are the words used; `due_at` is never later than they say."""

    id: str
    conversation_id: str | None
    crime_reference: str | None
    kind: PromiseKind
    owner: str
    words: str
    made_at: datetime
    due_at: datetime
    status: PromiseStatus
    kept_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class PromiseLimits:
    """How much staffed time each kind gives. Raises ValueError for none at all."""

    lengths: Mapping[PromiseKind, timedelta]
    longest: timedelta
    is_from_the_code: bool
    source: str
    review_by: date

    def __post_init__(self) -> None:
        if any(length <= timedelta() for length in (*self.lengths.values(), self.longest)):
            raise ValueError("a promise needs time to be kept")


def count_due(hours: StaffedHours, limits: PromiseLimits, kind: PromiseKind, at: datetime) -> datetime:
    """When it is late, whether or not anybody is told a day."""
    return hours.promise_by(at, limits.lengths[kind])


def find_promise_by(
    hours: StaffedHours, limits: PromiseLimits, kind: PromiseKind, at: datetime
) -> datetime | None:
    """The moment that may be promised. None where it is too far off, or the rota or limits need a review first."""
    if local_day(at) > min(hours.review_by, limits.review_by):
        return None
    due_at = count_due(hours, limits, kind, at)
    return due_at if due_at - at <= limits.longest else None


def is_in_rota(hours: StaffedHours, due_at: datetime) -> bool:
    """Whether somebody is there up to that moment, who can keep it; a closing time counts, an opening time does not."""
    return hours.is_staffed(due_at - timedelta.resolution)


def say_day(moment: datetime) -> str:
    """`Thursday 26 November`, as it is in England and Wales."""
    day = local_day(moment)
    return f"{day:%A} {day.day} {day:%B}"


def load_promise_limits(path: Path = LIMITS_FILE) -> PromiseLimits:
    """Raises SettingsInvalid, with the place, for limits that cannot be right."""
    tables = read_toml(path)
    try:
        return _parse_limits(tables)
    except (KeyError, TypeError, ValueError) as fault:
        raise SettingsInvalid(f"{path.name}: {fault!r} is missing, unknown or of the wrong kind") from fault


def _parse_limits(tables: dict[str, Any]) -> PromiseLimits:
    lengths = {
        kind: timedelta(hours=_as_count(tables.pop(f"{kind.value}_staffed_hours"))) for kind in PromiseKind
    }
    limits = PromiseLimits(
        lengths=lengths,
        longest=timedelta(days=_as_count(tables.pop("longest_days"))),
        is_from_the_code=_as_flag(tables.pop("is_from_the_code")),
        source=as_text(tables.pop("source")),
        review_by=as_date(tables.pop("review_by")),
    )
    if tables:
        raise KeyError(*tables)
    return limits


def _as_count(value: object) -> int:
    if type(value) is not int:
        raise TypeError(f"{value!r} is not a whole number")
    return value


def _as_flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is not true or false")
    return value
