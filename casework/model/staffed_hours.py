"""When somebody is there to answer, and what may be promised from it.

A promise that runs through a night nobody works is broken before it is made, so time is counted in staffed hours only.
Hours are British time, right over both clock changes; every moment taken is aware, every moment given is UTC.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from casework.model.errors import SettingsInvalid
from casework.model.toml_files import as_date, as_text, read_toml
from casework.model.working_days import LONDON, local_day

HOURS_FILE = Path(__file__).with_name("staffed_hours.toml")

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)
_LONGEST_LOOK = timedelta(days=7)
_WEEK = frozenset(range(1, 8))


@dataclass(frozen=True, kw_only=True)
class Window:
    """Whole minutes of one day, from `opens` until just before `closes`; closing at 00:00 is the day's end.

    Raises ValueError for a window that is empty, runs past midnight or has seconds.
    """

    opens: time
    closes: time

    def __post_init__(self) -> None:
        if any(each.second or each.microsecond or each.tzinfo for each in (self.opens, self.closes)):
            raise ValueError(f"{self.opens} to {self.closes}: whole minutes of British time")
        if self.closes <= self.opens and self.closes != time.min:
            raise ValueError(f"{self.opens} to {self.closes}: write hours past midnight as two days")


Windows = tuple[Window, ...]


@dataclass(frozen=True, kw_only=True)
class StaffedHours:
    """The hours of every weekday (Monday is 1) and of single days that differ. No windows: nobody is there.

    Raises ValueError for a week in which nobody is ever there, or windows of a day that meet.
    """

    week: Mapping[int, Windows]
    exceptions: Mapping[date, Windows] = field(default_factory=dict)
    source: str
    review_by: date

    def __post_init__(self) -> None:
        if not _WEEK.issuperset(self.week) or not any(self.week.values()):
            raise ValueError("a week has the days 1 to 7, and hours on one of them")
        for windows in (*self.week.values(), *self.exceptions.values()):
            for before, after in itertools.pairwise(windows):
                if before.closes == time.min or after.opens <= before.closes:
                    raise ValueError(f"{before.opens} and {after.opens}: windows in order, and apart")

    def is_staffed(self, at: datetime) -> bool:
        return any(opens <= at < closes for opens, closes in self._open_spans(local_day(at)))

    def next_staffed(self, at: datetime) -> datetime:
        """`at` itself while somebody is there, else the moment when somebody next is."""
        return next(max(opens, at) for opens, closes in self._spans_from(at) if at < closes).astimezone(UTC)

    def add_staffed(self, at: datetime, length: timedelta) -> datetime:
        """The moment when `length` of staffed time has passed since `at`; it may be a closing time.

        Nothing added gives `next_staffed`.
        """
        if length < timedelta():
            raise ValueError("staffed time is counted forwards")
        if not length:
            return self.next_staffed(at)
        left = length
        for opens, closes in self._spans_from(at):
            begins = max(opens, at)
            if left <= closes - begins:
                return (begins + left).astimezone(UTC)
            left -= max(closes - begins, timedelta())
        raise AssertionError("the spans of a week with hours never end")

    def next_unstaffed(self, at: datetime) -> datetime | None:
        """`at` itself while nobody is there, else the moment when nobody is any more; None: not within a week."""
        end = at
        for opens, closes in self._spans_from(at):
            if opens > end:
                break
            end = max(end, closes)
            if end - at > _LONGEST_LOOK:
                return None
        return end.astimezone(UTC)

    def closes_on(self, day: date) -> datetime | None:
        """When the last of them leaves on that British day; None where nobody comes."""
        return max((closes for _, closes in self._open_spans(day)), default=None)

    def promise_by(self, at: datetime, within: timedelta) -> datetime:
        """The moment by which a reply may be promised: `within` of staffed time, then up to the whole minute.

        A promise is said in minutes; rounded down, it would be due before it was counted out.
        Raises ValueError for a promise of no time at all.
        """
        if within <= timedelta():
            raise ValueError("a promise needs time to be kept")
        exact = self.add_staffed(at, within)
        minute = exact.replace(second=0, microsecond=0)
        return minute if minute == exact else minute + _MINUTE

    def _spans_from(self, at: datetime) -> Iterator[tuple[datetime, datetime]]:
        day = local_day(at)
        while True:
            yield from self._open_spans(day)
            day += _DAY

    def _open_spans(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        windows = self.exceptions.get(day, self.week.get(day.isoweekday(), ()))
        for window in windows:
            opens = max(_moments(day, window.opens))
            closes = min(_moments(day + _DAY if window.closes == time.min else day, window.closes))
            if opens < closes:
                yield opens, closes


@lru_cache(maxsize=1024)
def _moments(day: date, at: time) -> tuple[datetime, datetime]:
    """Both readings of a time of day, UTC: they differ where it comes twice, and the narrower window counts."""
    local = datetime.combine(day, at, LONDON)
    first, second = local.astimezone(UTC), local.replace(fold=1).astimezone(UTC)
    if first > second:  # it never comes: British clocks go on, and back, at 01:00 UTC (Summer Time Act 1972)
        first = second = datetime.combine(day, time(1), UTC)
    return first, second


def load_staffed_hours(path: Path = HOURS_FILE) -> StaffedHours:
    """Raises SettingsInvalid, with the place, for hours that cannot be right."""
    tables = read_toml(path)
    try:
        return _parse_hours(tables)
    except (KeyError, TypeError, ValueError) as fault:
        raise SettingsInvalid(f"{path.name}: {fault!r} is missing, unknown or of the wrong kind") from fault


def _parse_hours(tables: dict[str, Any]) -> StaffedHours:
    rows, exceptions = tables.pop("week"), tables.pop("exceptions", [])
    source, review_by = as_text(tables.pop("source")), as_date(tables.pop("review_by"))
    if tables:
        raise KeyError(*tables)
    singles = {as_date(entry["day"]): _parse_windows(entry["open"]) for entry in exceptions}
    if len(singles) < len(exceptions):
        raise ValueError("a day listed twice")
    week = {day: _parse_windows([row for row in rows if day in row["days"]]) for day in _WEEK}
    if any(not _WEEK.issuperset(row["days"]) for row in rows):
        raise ValueError("days are 1 to 7")
    return StaffedHours(week=week, exceptions=singles, source=source, review_by=review_by)


def _parse_windows(rows: list[dict[str, Any]]) -> Windows:
    return tuple(Window(opens=_as_time(row["from"]), closes=_as_time(row["to"])) for row in rows)


def _as_time(value: object) -> time:
    if not isinstance(value, time):
        raise TypeError(f"{value!r} is not a time of day")
    return value
