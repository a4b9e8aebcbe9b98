"""Throttles that are no weapon: how often something was tried, and whether anything more may come of it.

A throttle only ever withholds a code or a look at a PIN from whoever tries. Which tries are not counted at all is
decided in casework/services/throttles.py; the limits stand in throttles.toml.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from casework.model.errors import SettingsInvalid
from casework.model.toml_files import read_toml

LIMITS_FILE = Path(__file__).with_name("throttles.toml")


class Tried(StrEnum):
    """What is counted; the name of its limit, and the beginning of its buckets' names."""

    REFERENCES_OF_SENDER = "references_of_sender"
    WRONG_CODES_OF_SENDER_AND_CASE = "wrong_codes_of_sender_and_case"
    CODE_SENDS_OF_CASE = "code_sends_of_case"
    WRONG_CODES_OF_CASE = "wrong_codes_of_case"
    UNKNOWN_REFERENCES = "unknown_references"
    WRONG_PINS_OF_SESSION = "wrong_pins_of_session"
    WRONG_PINS_OF_PERSON = "wrong_pins_of_person"
    UNMASKINGS = "unmaskings"
    STAFF_PROOFS = "staff_proofs"


@dataclass(frozen=True, kw_only=True)
class Limit:
    """`window` None: counted until it is cleared. `cools_for` None: closed for the rest of the window.

    With both, `most` in a window are free and each one more cools again, for twice as long.
    """

    most: int
    window: timedelta | None = None
    cools_for: timedelta | None = None
    cools_at_most: timedelta | None = None


@dataclass(frozen=True, kw_only=True)
class Throttle:
    """One bucket as stored. Times aware UTC; `cooled`: how often it has closed so far."""

    window_start: datetime
    count: int = 0
    cools_until: datetime | None = None
    cooled: int = 0


def is_closed(throttle: Throttle | None, limit: Limit, now: datetime) -> bool:
    """Whether nothing may come of a further try. No bucket: nothing was tried."""
    if throttle is None:
        return False
    if limit.cools_for is not None:
        return throttle.cools_until is not None and now < throttle.cools_until
    return _is_in_window(throttle, limit, now) and throttle.count >= limit.most


def count_try(throttle: Throttle, limit: Limit, now: datetime) -> Throttle:
    """The bucket after one more try. One that has just counted `most` and cools closes now, for twice as long
    as the last time."""
    if not _is_in_window(throttle, limit, now):
        throttle = replace(throttle, window_start=now, count=0, cooled=0)
    counted = replace(throttle, count=throttle.count + 1)
    if limit.cools_for is None or counted.count < limit.most:
        return counted
    cools_until = now + _find_cooling(limit, limit.cools_for, counted.cooled)
    kept = 0 if limit.window is None else counted.count
    return replace(counted, count=kept, cools_until=cools_until, cooled=counted.cooled + 1)


def _find_cooling(limit: Limit, first: timedelta, cooled: int) -> timedelta:
    longest = limit.cools_at_most or first
    # The exponent is held down first: a timedelta cannot hold two to the power of anything.
    doubled: timedelta = first * (1 << min(cooled, 20))
    return min(longest, doubled)


def _is_in_window(throttle: Throttle, limit: Limit, now: datetime) -> bool:
    return limit.window is None or now < throttle.window_start + limit.window


@cache
def load_limits() -> Mapping[Tried, Limit]:
    """The packaged limits, read once. Raises SettingsInvalid for a table that cannot be right."""
    return parse_limits(read_toml(LIMITS_FILE))


def parse_limits(table: Mapping[str, Mapping[str, Any]]) -> Mapping[Tried, Limit]:
    """Every limit by name; none may be missing, unknown, without a source, or below one."""
    if set(table) != set(Tried):
        raise SettingsInvalid(f"throttles.toml must have exactly: {', '.join(Tried)}.")
    return {name: _parse_limit(name, table[name]) for name in Tried}


def _parse_limit(name: str, row: Mapping[str, Any]) -> Limit:
    minutes = {key: row.get(f"{key}_minutes") for key in ("window", "cools", "cools_at_most")}
    numbers = [row.get("most"), *(value for value in minutes.values() if value is not None)]
    if any(type(value) is not int or value < 1 for value in numbers):
        raise SettingsInvalid(f"throttles.toml, {name}: every limit is a whole number from 1.")
    if not row.get("source") or not row.get("review_by"):
        raise SettingsInvalid(f"throttles.toml, {name}: a limit needs a source and a review_by.")
    as_time = {key: None if value is None else timedelta(minutes=value) for key, value in minutes.items()}
    return Limit(
        most=row["most"],
        window=as_time["window"],
        cools_for=as_time["cools"],
        cools_at_most=as_time["cools_at_most"],
    )
