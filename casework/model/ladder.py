"""The ladder: what happens next while nobody takes what waits, and when. See ladder.toml.

Pure: a wait and the steps already taken for it in, the next step and its moment out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from casework.model.desk import Grade
from casework.model.errors import SettingsInvalid
from casework.model.staffed_hours import StaffedHours
from casework.model.toml_files import as_date, as_text, read_toml

LADDER_FILE = Path(__file__).with_name("ladder.toml")


class Step(StrEnum):
    """One rung. The values are stored, and name the words of the desk."""

    DESK = "desk"  # everyone at the desk, and the supervisor
    SUPERVISOR = "supervisor"
    OWNER_SILENT = "owner_silent"  # claimed, and the owner has not written in time: the supervisor
    ON_CALL = "on_call"
    NOBODY_ON_CALL = "nobody_on_call"
    CONTROL_ROOM = "control_room"
    NO_CONTROL_ROOM = "no_control_room"
    VICTIM_TOLD = "victim_told"
    VICTIM_NOT_TOLD = "victim_not_told"


AT_THE_DESK = frozenset({Step.DESK, Step.SUPERVISOR})
LAST = frozenset({Step.VICTIM_TOLD, Step.VICTIM_NOT_TOLD})


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A step that was taken. `acknowledged_at`: by whoever it told. `is_unreached`: nothing we sent can arrive."""

    step: Step
    at: datetime
    acknowledged_at: datetime | None = None
    is_unreached: bool = False


@dataclass(frozen=True, kw_only=True)
class Due:
    """The next step, and its moment (aware UTC); it may have passed."""

    step: Step
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Rungs:
    """One grade's. None: no such step."""

    first: Step
    first_after: timedelta
    on_call: timedelta | None
    out_of_hours: timedelta | None

    def __post_init__(self) -> None:
        if (self.on_call is None) != (self.out_of_hours is None):
            raise ValueError("on_call and out_of_hours, both or neither")
        if self.first_after <= timedelta() or (self.on_call is not None and self.on_call < self.first_after):
            raise ValueError("the desk first, then who is on call")


@dataclass(frozen=True, kw_only=True)
class NoticeLimits:
    """How often one message to staff is tried, and the pause after each failure but the last."""

    tries: int
    waits: tuple[timedelta, ...]

    def __post_init__(self) -> None:
        if self.tries < 1 or len(self.waits) < self.tries - 1:
            raise ValueError("a pause after each try but the last")


@dataclass(frozen=True, kw_only=True)
class Ladder:
    rungs: Mapping[Grade, Rungs]
    unacknowledged: timedelta
    acknowledged: timedelta
    victim: timedelta
    victim_text_valid: timedelta
    notice: NoticeLimits
    source: str
    review_by: date

    def __post_init__(self) -> None:
        waits = (self.unacknowledged, self.acknowledged, self.victim, self.victim_text_valid)
        if any(wait <= timedelta() for wait in waits):
            raise ValueError("every step needs time")

    def find_next(
        self,
        grade: Grade,
        *,
        waiting_since: datetime,
        wait_from: datetime,
        taken: Sequence[Taken],
        is_anyone_left: bool,
        hours: StaffedHours,
    ) -> Due | None:
        """The step after those `taken` in this wait; None at the ladder's end.

        `waiting_since`: when the victim began to wait; `wait_from`: when it came, or came back, to the queue.
        `is_anyone_left`: whether somebody on call now was not told yet.
        """
        rungs = self.rungs.get(grade)
        if rungs is None:
            return None
        if not taken:
            return self._find_first(rungs, waiting_since, wait_from, hours, is_anyone_left)
        last = taken[-1]
        if last.step in AT_THE_DESK:
            return self._find_on_call(rungs, wait_from, hours, is_anyone_left)
        if last.step is Step.ON_CALL:
            step = Step.ON_CALL if is_anyone_left else Step.CONTROL_ROOM
            return Due(step=step, at=self._after(last, self.unacknowledged))
        if last.step is Step.NOBODY_ON_CALL:
            return Due(step=Step.CONTROL_ROOM, at=last.at)
        if last.step is Step.CONTROL_ROOM:
            return Due(step=Step.VICTIM_TOLD, at=self._after(last, self.victim))
        if last.step is Step.NO_CONTROL_ROOM:
            return Due(step=Step.VICTIM_TOLD, at=last.at)
        return None

    def _find_first(
        self,
        rungs: Rungs,
        waiting_since: datetime,
        wait_from: datetime,
        hours: StaffedHours,
        is_anyone_left: bool,
    ) -> Due:
        if rungs.on_call is None:
            return Due(step=rungs.first, at=hours.add_staffed(waiting_since, rungs.first_after))
        at_the_desk = max(waiting_since + rungs.first_after, wait_from)
        empty_at = self._find_empty(rungs, wait_from, hours)
        if empty_at is not None and empty_at <= at_the_desk:
            return Due(step=_on_call(is_anyone_left), at=empty_at)
        return Due(step=rungs.first, at=at_the_desk)

    def _find_on_call(
        self, rungs: Rungs, wait_from: datetime, hours: StaffedHours, is_anyone_left: bool
    ) -> Due | None:
        if rungs.on_call is None:
            return None
        at, empty_at = wait_from + rungs.on_call, self._find_empty(rungs, wait_from, hours)
        return Due(step=_on_call(is_anyone_left), at=at if empty_at is None else min(at, empty_at))

    def _find_empty(self, rungs: Rungs, wait_from: datetime, hours: StaffedHours) -> datetime | None:
        """When whoever is on call takes the place of a desk with nobody at it."""
        unstaffed = hours.next_unstaffed(wait_from)
        return None if unstaffed is None else unstaffed + (rungs.out_of_hours or timedelta())

    def _after(self, last: Taken, wait: timedelta) -> datetime:
        if last.acknowledged_at is not None:
            return last.acknowledged_at + self.acknowledged
        return last.at if last.is_unreached else last.at + wait


def _on_call(is_anyone_left: bool) -> Step:
    return Step.ON_CALL if is_anyone_left else Step.NOBODY_ON_CALL


def load_ladder(path: Path = LADDER_FILE) -> Ladder:
    """Raises SettingsInvalid, with the place, for a ladder that cannot be right."""
    tables = read_toml(path)
    try:
        return _parse_ladder(tables)
    except (KeyError, TypeError, ValueError) as fault:
        raise SettingsInvalid(f"{path.name}: {fault!r} is missing, unknown or of the wrong kind") from fault


def _parse_ladder(tables: dict[str, Any]) -> Ladder:
    notice = tables.pop("notice")
    ladder = Ladder(
        rungs={grade: _parse_rungs(tables.pop(f"grade_{grade.value}")) for grade in list(Grade)[:3]},
        unacknowledged=_as_seconds(tables.pop("unacknowledged")),
        acknowledged=_as_seconds(tables.pop("acknowledged")),
        victim=_as_seconds(tables.pop("victim")),
        victim_text_valid=_as_seconds(tables.pop("victim_text_valid")),
        notice=NoticeLimits(
            tries=notice.pop("tries"), waits=tuple(_as_seconds(each) for each in notice.pop("wait"))
        ),
        source=as_text(tables.pop("source")),
        review_by=as_date(tables.pop("review_by")),
    )
    if tables or notice:
        raise KeyError(*tables, *notice)
    return ladder


def _parse_rungs(row: dict[str, Any]) -> Rungs:
    first = next(step for step in (Step.DESK, Step.SUPERVISOR) if step.value in row)
    rungs = Rungs(
        first=first,
        first_after=_as_seconds(row.pop(first.value)),
        on_call=_as_seconds(row.pop("on_call")) if "on_call" in row else None,
        out_of_hours=_as_seconds(row.pop("out_of_hours")) if "out_of_hours" in row else None,
    )
    if row:
        raise KeyError(*row)
    return rungs


def _as_seconds(value: object) -> timedelta:
    if type(value) not in (int, float) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is not a number of seconds")
    return timedelta(seconds=value)
