"""What the work does to the people who do it: how much hard matter they opened, and when a pause is due.

Their own figures are theirs alone; others see sums without names. Nothing here keeps anybody from taking the next
item: it nudges, and order by urgency always wins.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from casework.model.periods import local_midnight
from casework.services.ports import Transaction
from casework.services.supervision_ports import Exposure

# console.md section 5, 1: after three conversations about a sexual offence, or 90 minutes without a pause.
MOST_SEXUAL = 3
LONGEST_WITHOUT_PAUSE = timedelta(minutes=90)
NOT_NUDGED_AGAIN_FOR = timedelta(minutes=30)
DEBRIEF_ANSWERS = ("talk", "talked", "skip")


class Nudge(StrEnum):
    SEXUAL = "sexual"
    MINUTES = "minutes"


@dataclass(frozen=True, kw_only=True)
class Care:
    """What one person's pages say to them about themselves. `since`: the last pause, the shift's start, or midnight."""

    since: datetime
    minutes: int
    seen: Exposure
    nudge: Nudge | None
    is_debrief_due: bool
    break_began_at: datetime | None


def look_after(tx: Transaction, staff_id: str) -> Care:
    shift = tx.shifts.find_running(staff_id)
    began = shift.started_at if shift else None
    paused = tx.breaks.last_ended(staff_id)
    since = max(each for each in (local_midnight(tx.now), began, paused) if each is not None)
    minutes = int((tx.now - since).total_seconds() // 60)
    seen = tx.exposures.count(staff_id, since=since)
    break_began_at = tx.breaks.find_open(staff_id)
    nudge = None if break_began_at else _find_nudge(tx, staff_id, seen, since if shift else None)
    return Care(
        since=since,
        minutes=minutes,
        seen=seen,
        nudge=nudge,
        is_debrief_due=tx.exposures.find_debrief(staff_id) is not None,
        break_began_at=break_began_at,
    )


def is_due_a_break(*, since: datetime, now: datetime) -> bool:
    """For the board: how long, and never what they saw."""
    return now - since >= LONGEST_WITHOUT_PAUSE


def put_off(tx: Transaction, staff_id: str) -> None:
    """Not now: silent for half an hour."""
    tx.exposures.record_nudged(staff_id)


def answer_debrief(tx: Transaction, staff_id: str, answer: str) -> None:
    """Keeps what was answered apart from who answered; a skip is kept like any other."""
    closed_at = tx.exposures.find_debrief(staff_id)
    if closed_at is not None and answer in DEBRIEF_ANSWERS:
        tx.exposures.record_debrief(staff_id, until=closed_at, answer=answer)


def _find_nudge(
    tx: Transaction, staff_id: str, seen: Exposure, worked_since: datetime | None
) -> Nudge | None:
    nudged = tx.exposures.find_nudged(staff_id)
    if nudged is not None and tx.now - nudged < NOT_NUDGED_AGAIN_FOR:
        return None
    if seen.sexual >= MOST_SEXUAL:
        return Nudge.SEXUAL
    is_long = worked_since is not None and is_due_a_break(since=worked_since, now=tx.now)
    return Nudge.MINUTES if is_long else None
