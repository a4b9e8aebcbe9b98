"""How long somebody has waited for a person, and by when one must have taken it and written: grade_clocks.toml.

Only words a person wrote stop a clock: nothing else sets `desk_item.answered_at` or ends `conversation.awaiting_since`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from casework.model.desk import Grade
from casework.model.errors import SettingsInvalid
from casework.model.staffed_hours import StaffedHours, load_staffed_hours
from casework.model.toml_files import as_date, as_text, read_toml
from casework.model.working_days import CalendarTooShort, WorkingDays, load_working_days, local_day

CLOCKS_FILE = Path(__file__).with_name("grade_clocks.toml")
DUE_SOON_SHARE = 0.25
_DAY = timedelta(days=1)


class Punctuality(StrEnum):
    ON_TIME = "on_time"
    DUE_SOON = "due_soon"  # the last quarter of the time
    OVERDUE = "overdue"


class Counts(StrEnum):
    """Which time a grade's clocks count."""

    ALWAYS = "always"
    STAFFED = "staffed"
    WORKING_DAYS = "working_days"


def judge(since: datetime, due: datetime, now: datetime) -> Punctuality:
    """How a wait that began at `since` and must end by `due` stands at `now`; exactly at `due` it is not late yet."""
    return _judge(due - (due - since) * DUE_SOON_SHARE, due, now)


def _judge(soon_at: datetime, due: datetime, now: datetime) -> Punctuality:
    if now > due:
        return Punctuality.OVERDUE
    return Punctuality.DUE_SOON if now >= soon_at else Punctuality.ON_TIME


@dataclass(frozen=True, kw_only=True)
class Target:
    """One wait: from when, until when, and when it is called due soon. Times aware UTC.

    Where only staffed time counts, `soon_at` is counted in it too: nothing falls due in a night nobody works.
    """

    since: datetime
    due_at: datetime
    soon_at: datetime

    def judge(self, now: datetime) -> Punctuality:
        return _judge(self.soon_at, self.due_at, now)


@dataclass(frozen=True, kw_only=True)
class Targets:
    """`claim` is None once claimed, and at a grade that has no such time; `reply` is None while nothing of theirs
    is unanswered."""

    claim: Target | None
    reply: Target | None

    @property
    def next_due(self) -> Target | None:
        """Whichever falls due first."""
        both = [each for each in (self.claim, self.reply) if each is not None]
        return min(both, key=lambda each: each.due_at, default=None)


@dataclass(frozen=True, kw_only=True)
class GradeClock:
    """None: no such limit in minutes; a routine answer is due in working days."""

    claim_within: timedelta | None
    first_reply_within: timedelta | None
    next_reply_within: timedelta | None
    counts: Counts
    working_days: int = 0

    def __post_init__(self) -> None:
        limits = (self.claim_within, self.first_reply_within, self.next_reply_within)
        if any(limit is not None and limit <= timedelta() for limit in limits):
            raise ValueError("a clock needs time to run")
        in_minutes = self.first_reply_within is not None and self.next_reply_within is not None
        if self.counts is Counts.WORKING_DAYS and (self.working_days < 1 or any(limits)):
            raise ValueError("working days, and no minutes")
        if self.counts is not Counts.WORKING_DAYS and (self.working_days or not in_minutes):
            raise ValueError("minutes, and no working days")


# Equal to itself alone: what one of them has said may be kept by whoever asked.
@dataclass(frozen=True, kw_only=True, eq=False)
class GradeClocks:
    """The clocks of every grade with the hours and days they count in."""

    clocks: Mapping[Grade, GradeClock]
    due_soon_share: float
    hours: StaffedHours
    days: WorkingDays
    source: str
    review_by: date

    def __post_init__(self) -> None:
        if set(self.clocks) != set(Grade) or not 0 < self.due_soon_share < 1:
            raise ValueError("one clock a grade, and a share between 0 and 1")

    def find_targets(
        self,
        grade: Grade,
        *,
        waiting_since: datetime,
        claimed_at: datetime | None = None,
        answered_at: datetime | None = None,
        awaiting_since: datetime | None = None,
    ) -> Targets:
        """What an open or claimed item asks for now.

        `awaiting_since` is the conversation's: their oldest message no person has answered. Before the first answer
        the reply is due counted from `waiting_since`; after it from `awaiting_since`, and not at all while it is None.
        """
        clock = self.clocks[grade]
        claim = None
        if claimed_at is None and clock.claim_within is not None:
            claim = self._target(clock, waiting_since, clock.claim_within)
        if answered_at is None:
            return Targets(claim=claim, reply=self._target(clock, waiting_since, clock.first_reply_within))
        if awaiting_since is None:
            return Targets(claim=claim, reply=None)
        return Targets(claim=claim, reply=self._target(clock, awaiting_since, clock.next_reply_within))

    def count_due(self, grade: Grade, since: datetime, within: timedelta) -> datetime:
        """`within` after `since`, in the time this grade counts."""
        return self._add(self.clocks[grade], since, within)

    def _target(self, clock: GradeClock, since: datetime, within: timedelta | None) -> Target:
        if within is None:
            due_at = self._end_of_working_day(since, clock.working_days)
            return Target(since=since, due_at=due_at, soon_at=due_at - (due_at - since) * self.due_soon_share)
        soon_at = self._add(clock, since, within * (1 - self.due_soon_share))
        return Target(since=since, due_at=self._add(clock, since, within), soon_at=soon_at)

    def _add(self, clock: GradeClock, since: datetime, within: timedelta) -> datetime:
        return since + within if clock.counts is Counts.ALWAYS else self.hours.add_staffed(since, within)

    def _end_of_working_day(self, since: datetime, count: int) -> datetime:
        """When they leave on the `count`th working day after it; on the next staffed day if nobody is there then."""
        try:
            day = self.days.add(local_day(since), count)
        except CalendarTooShort:
            # The holidays of that day are not known: the hours alone say when somebody is there.
            day = local_day(since) + count * _DAY
        while (closes := self.hours.closes_on(day)) is None:
            day += _DAY
        return closes


def load_grade_clocks(path: Path = CLOCKS_FILE, *, hours: StaffedHours | None = None) -> GradeClocks:
    """Raises SettingsInvalid, with the place, for clocks that cannot be right. `hours`: the packaged ones if None."""
    tables = read_toml(path)
    try:
        return _parse_clocks(tables, hours or load_staffed_hours())
    except (KeyError, TypeError, ValueError) as fault:
        raise SettingsInvalid(f"{path.name}: {fault!r} is missing, unknown or of the wrong kind") from fault


def _parse_clocks(tables: dict[str, Any], hours: StaffedHours) -> GradeClocks:
    clocks = {grade: _parse_clock(tables.pop(f"grade_{grade.value}")) for grade in Grade}
    share = tables.pop("due_soon_share")
    if not isinstance(share, float):
        raise TypeError(f"{share!r} is not a share")
    source, review_by = as_text(tables.pop("source")), as_date(tables.pop("review_by"))
    if tables:
        raise KeyError(*tables)
    return GradeClocks(
        clocks=clocks,
        due_soon_share=share,
        hours=hours,
        days=load_working_days(),
        source=source,
        review_by=review_by,
    )


def _parse_clock(row: dict[str, Any]) -> GradeClock:
    days = row.pop("working_days", 0)
    clock = GradeClock(
        claim_within=_as_minutes(row.pop("claim", None)),
        first_reply_within=_as_minutes(row.pop("first_reply", None)),
        next_reply_within=_as_minutes(row.pop("next_reply", None)),
        counts=Counts(row.pop("counts")),
        working_days=days,
    )
    if row:
        raise KeyError(*row)
    return clock


def _as_minutes(value: object) -> timedelta | None:
    if value is None:
        return None
    if type(value) is not int:
        raise TypeError(f"{value!r} is not a whole number of minutes")
    return timedelta(minutes=value)
