"""The clocks of the Victims' Code: what must be done by when, whether it was, and how often it is.

Which events start a clock, and its limits, stand in code_clocks.toml with their sources. A limit that no source gives
is in no file. All days are local days of England and Wales; a limit ends with the end of its last working day.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from casework.model.cases import CaseEvent
from casework.model.errors import SettingsInvalid
from casework.model.stages import STAGE_IDS, VICTIM_TOLD
from casework.model.toml_files import as_date, as_text, read_toml
from casework.model.working_days import WorkingDays, local_day

CLOCKS_FILE = Path(__file__).with_name("code_clocks.toml")
STAGE_CHANGED = "stage_changed"

_KIND = re.compile(r"[a-z][a-z0-9_]{0,39}")  # as the case file writes event kinds and stages
_RIGHT = re.compile(r"right_(?:[1-9]|1[0-2])")


@dataclass(frozen=True, kw_only=True)
class CodeClock:
    """One limit of one edition of the Code. `standard` and `enhanced` are whole working days.

    `source`: id and title of each page that carries the limit. `told_as`: see code_clocks.toml.
    """

    id: str
    right: str
    starts_on: frozenset[str]
    is_once: bool
    stops_on: frozenset[str]
    told_as: frozenset[str]
    standard: int
    enhanced: int
    show_to_victim: bool
    edition: str
    in_force_from: date
    in_force_until: date | None  # the last day; None: no end known
    source: tuple[tuple[str, str], ...]
    review_by: date

    def is_in_force(self, day: date) -> bool:
        return self.in_force_from <= day and (self.in_force_until is None or day <= self.in_force_until)


@dataclass(frozen=True, kw_only=True)
class RunningClock:
    """A clock that one event of one case started. It runs until the end of `due_on`."""

    clock: CodeClock
    started_by: str
    started_on: date
    is_enhanced: bool
    due_on: date


class ClockState(StrEnum):
    DUE = "due"
    OVERDUE = "overdue"
    MET = "met"
    MET_LATE = "met_late"


@dataclass(frozen=True, kw_only=True)
class ClockRecord:
    """A running clock and what is known of its end. Both moments are aware; None: not yet."""

    running: RunningClock
    told_at: datetime | None = None
    read_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class RightCounts:
    """How many clocks of one right were started, and where each of them stands; `running` are still due."""

    started: int
    met: int
    met_late: int
    overdue: int
    running: int


def what_happened(event: CaseEvent) -> str:
    """The stage a case moved to, or else the kind of the event: the words of `starts_on`."""
    return event.detail if event.kind == STAGE_CHANGED else event.kind


def start_clocks(
    happened: str,
    at: datetime,
    *,
    enhanced: bool | None,
    clocks: Iterable[CodeClock],
    working_days: WorkingDays,
    today: date,
) -> tuple[RunningClock, ...]:
    """The clocks that a stage or an event of this kind starts. `enhanced` None counts as enhanced.

    The edition in force on the day of the event applies. An event still to come starts nothing.
    Raises CalendarTooShort rather than guess a due day.
    """
    day = local_day(at)
    if day > today:
        return ()
    is_enhanced = enhanced is not False
    return tuple(
        RunningClock(
            clock=clock,
            started_by=happened,
            started_on=day,
            is_enhanced=is_enhanced,
            due_on=working_days.add(day, clock.enhanced if is_enhanced else clock.standard),
        )
        for clock in clocks
        if happened in clock.starts_on and clock.is_in_force(day)
    )


def without_repeats(running: Iterable[RunningClock]) -> tuple[RunningClock, ...]:
    """The running clocks of one case, earliest first; of a duty owed once, only the earliest start."""
    kept: list[RunningClock] = []
    begun: set[str] = set()
    for each in sorted(running, key=lambda one: one.started_on):
        if each.clock.is_once and each.clock.id in begun:
            continue
        begun.add(each.clock.id)
        kept.append(each)
    return tuple(kept)


def find_told_at(
    running: RunningClock, events: Iterable[CaseEvent], *, clocks: Iterable[CodeClock]
) -> datetime | None:
    """When the events of the same case first show that it was done; None where none does.

    As in stages, `victim_told` counts unless its detail names another thing that happens in a case.
    """
    names = STAGE_IDS.union(*(clock.starts_on for clock in clocks))
    others = names - running.clock.told_as - {running.started_by}
    return min((event.at for event in events if _stops(event, running, others)), default=None)


def _stops(event: CaseEvent, running: RunningClock, others: frozenset[str]) -> bool:
    if event.kind not in running.clock.stops_on or local_day(event.at) < running.started_on:
        return False
    return event.kind != VICTIM_TOLD or event.detail not in others


def state_of(
    running: RunningClock, *, now: datetime, told_at: datetime | None, read_at: datetime | None = None
) -> ClockState:
    """Whether it was done in time. Who has read it has been told; the earlier of the two moments counts.

    A moment before the day of the event, or still to come, shows nothing.
    """
    days = [local_day(at) for at in (told_at, read_at) if at is not None and at <= now]
    done_on = min((day for day in days if day >= running.started_on), default=None)
    if done_on is None:
        return ClockState.OVERDUE if local_day(now) > running.due_on else ClockState.DUE
    return ClockState.MET_LATE if done_on > running.due_on else ClockState.MET


def may_be_shown(clock: CodeClock, today: date) -> bool:
    """Whether a victim may read this limit. Staff are alarmed by it either way."""
    return clock.show_to_victim and today <= clock.review_by


def count_compliance(records: Iterable[ClockRecord], *, now: datetime) -> dict[str, RightCounts]:
    """Right -> its counts, for export; a right with no clock started is left out."""
    states: dict[str, list[ClockState]] = {}
    for record in records:
        state = state_of(record.running, now=now, told_at=record.told_at, read_at=record.read_at)
        states.setdefault(record.running.clock.right, []).append(state)
    return {right: _count(states[right]) for right in sorted(states, key=_number_of)}


def _number_of(right: str) -> int:
    return int(right.removeprefix("right_"))


def _count(states: list[ClockState]) -> RightCounts:
    return RightCounts(
        started=len(states),
        met=states.count(ClockState.MET),
        met_late=states.count(ClockState.MET_LATE),
        overdue=states.count(ClockState.OVERDUE),
        running=states.count(ClockState.DUE),
    )


def load_code_clocks(path: Path = CLOCKS_FILE) -> tuple[CodeClock, ...]:
    """Every clock in the order of the file. Raises SettingsInvalid, with the place, for one that cannot be right."""
    tables = read_toml(path)
    sources, entries = tables.pop("sources", {}), tables.pop("clock", [])
    if tables or not isinstance(entries, list) or not entries:
        raise SettingsInvalid(f"{path.name}: it holds [[clock]] and [sources.*] and nothing else")
    clocks: list[CodeClock] = []
    for number, entry in enumerate(entries, start=1):
        try:
            clock = _parse_clock(dict(entry), sources)
        except (KeyError, TypeError, ValueError) as fault:
            what = f"{fault!r} is missing, unknown or of the wrong kind"
            raise SettingsInvalid(f"{path.name}, clock number {number}: {what}") from fault
        if any(_overlaps(clock, other) for other in clocks):
            raise SettingsInvalid(f"{path.name}: two editions of {clock.id} are in force on one day")
        clocks.append(clock)
    return tuple(clocks)


def _overlaps(clock: CodeClock, other: CodeClock) -> bool:
    return clock.id == other.id and (
        clock.is_in_force(other.in_force_from) or other.is_in_force(clock.in_force_from)
    )


def _parse_clock(entry: dict[str, Any], sources: Mapping[str, Any]) -> CodeClock:
    until = entry.pop("in_force_until", None)
    clock = CodeClock(
        id=_word(entry.pop("id"), _KIND),
        right=_word(entry.pop("right"), _RIGHT),
        starts_on=_words(entry.pop("starts_on")),
        is_once=_flag(entry.pop("once", False)),
        stops_on=_words(entry.pop("stops_on")),
        told_as=_words(entry.pop("told_as")) if "told_as" in entry else frozenset(),
        standard=_days(entry.pop("standard")),
        enhanced=_days(entry.pop("enhanced")),
        show_to_victim=_flag(entry.pop("show_to_victim")),
        edition=as_text(entry.pop("edition")),
        in_force_from=as_date(entry.pop("in_force_from")),
        in_force_until=None if until is None else as_date(until),
        source=tuple((page, as_text(sources[page]["title"])) for page in _list(entry.pop("source"))),
        review_by=as_date(entry.pop("review_by")),
    )
    if entry:
        raise KeyError(*entry)
    if clock.enhanced > clock.standard:
        raise ValueError("enhanced above standard")
    if not clock.is_in_force(clock.in_force_from):
        raise ValueError("in_force_until before in_force_from")
    return clock


def _word(value: object, form: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not form.fullmatch(value):
        raise TypeError(f"{value!r}")
    return value


def _words(value: object) -> frozenset[str]:
    return frozenset(_word(each, _KIND) for each in _list(value))


def _list(value: object) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise TypeError(f"{value!r} is no list, or an empty one")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is neither true nor false")
    return value


def _days(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise TypeError(f"{value!r} is no number of days from 1")
    return value
