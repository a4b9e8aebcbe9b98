"""The board as a supervisor sees it: what waits in each grade, what is overdue in any, who is here, what runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from casework.model.desk import Grade
from casework.model.grade_clocks import GradeClocks, Punctuality
from casework.model.periods import local_midnight
from casework.services.exposure import is_due_a_break
from casework.services.ports import Transaction
from casework.services.supervision_ports import AssistantHealth, Exposure, PersonOnShift, WaitingItem
from console.live_pages import fingerprint_of

MOST_ITEMS = 500
NEWEST_TURNS = 200
WORKER_SILENT_AFTER = timedelta(seconds=15)
"""It beats every three seconds."""


@dataclass(frozen=True, kw_only=True)
class GradeLine:
    """`waiting`: items nobody has claimed. `oldest_seconds`: how long the oldest of them waits; None for none."""

    grade: Grade
    waiting: int
    overdue: int
    oldest_seconds: int | None


@dataclass(frozen=True, kw_only=True)
class OverdueRow:
    item: WaitingItem
    is_unclaimed: bool
    seconds_over: int


@dataclass(frozen=True, kw_only=True)
class StaffRow:
    person: PersonOnShift
    minutes_since_pause: int
    is_due_a_break: bool


@dataclass(frozen=True, kw_only=True)
class Board:
    grades: tuple[GradeLine, ...]
    overdue: tuple[OverdueRow, ...]
    staff: tuple[StaffRow, ...]
    worker_beat: datetime | None
    is_worker_alive: bool
    assistant: AssistantHealth
    model: str | None
    left_today: int
    came_today: int
    team: Exposure
    fingerprint: str


def read_board(tx: Transaction, clocks: GradeClocks) -> Board:
    today = local_midnight(tx.now)
    items = tx.boards.list_waiting(limit=MOST_ITEMS)
    counts = tx.boards.count_waiting()
    overdue = _list_overdue(items, clocks, tx.now)
    staff = [_staff_row(person, tx.now) for person in tx.boards.list_on_shift(today=today)]
    beat = tx.beats.newest()
    is_alive = beat is not None and tx.now - beat < WORKER_SILENT_AFTER
    assistant = tx.boards.weigh_assistant(newest=NEWEST_TURNS)
    model = tx.boards.find_model()
    left, came = tx.measures.count_left_since(today)
    grades = tuple(_line(grade, items, counts, overdue, tx.now) for grade in Grade)
    return Board(
        grades=grades,
        overdue=tuple(overdue),
        staff=tuple(staff),
        worker_beat=beat,
        is_worker_alive=is_alive,
        assistant=assistant,
        model=model,
        left_today=left,
        came_today=came,
        team=tx.exposures.count_team(since=today),
        fingerprint=fingerprint_of(
            [
                *((line.grade, line.waiting, line.overdue) for line in grades),
                *((row.item.id, row.is_unclaimed, row.item.owner_id) for row in overdue),
                *((row.person, row.is_due_a_break) for row in staff),
                *(is_alive, assistant, model, left, came),
            ]
        ),
    )


def _list_overdue(items: Sequence[WaitingItem], clocks: GradeClocks, now: datetime) -> list[OverdueRow]:
    """Across the grades, the longest overdue first: one of grade 3 cannot be forgotten behind those of grade 2."""
    rows = [row for item in items if (row := _find_overdue(item, clocks, now)) is not None]
    return sorted(rows, key=lambda row: -row.seconds_over)


def _find_overdue(item: WaitingItem, clocks: GradeClocks, now: datetime) -> OverdueRow | None:
    targets = clocks.find_targets(
        item.grade,
        waiting_since=item.waiting_since,
        claimed_at=item.claimed_at,
        answered_at=item.answered_at,
        awaiting_since=item.awaiting_since,
    )
    due = targets.next_due
    if due is None or due.judge(now) is not Punctuality.OVERDUE:
        return None
    return OverdueRow(
        item=item,
        is_unclaimed=item.owner_id is None,
        seconds_over=int((now - due.due_at).total_seconds()),
    )


def _line(
    grade: Grade,
    items: Sequence[WaitingItem],
    counts: Mapping[Grade, int],
    overdue: Sequence[OverdueRow],
    now: datetime,
) -> GradeLine:
    waits = [each.waiting_since for each in items if each.grade is grade and each.owner_id is None]
    return GradeLine(
        grade=grade,
        waiting=counts.get(grade, 0),
        overdue=sum(row.item.grade is grade for row in overdue),
        oldest_seconds=max(0, int((now - min(waits)).total_seconds())) if waits else None,
    )


def _staff_row(person: PersonOnShift, now: datetime) -> StaffRow:
    paused = person.last_break_ended_at
    since = person.since if paused is None else max(person.since, paused)
    return StaffRow(
        person=person,
        minutes_since_pause=int((now - since).total_seconds() // 60),
        is_due_a_break=person.break_began_at is None and is_due_a_break(since=since, now=now),
    )
