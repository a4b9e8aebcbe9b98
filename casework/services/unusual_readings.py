"""Unusual reading: each day is looked at once it is over, and a supervisor says of each finding what it was."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from casework.model.errors import WaymarkError
from casework.model.unusual_reading import Finding, ReadingLimits, find_unusual
from casework.model.working_days import local_day
from casework.services.ports import Store
from casework.services.reading_ports import ReadingTransaction

# After a longer time without a worker the days before are left out.
LOOKED_BACK = timedelta(days=28)


class FindingNotFound(WaymarkError):
    """No finding has this id."""


class ReviewFault(StrEnum):
    OWN = "own"
    ALREADY = "already"


@dataclass(frozen=True, kw_only=True)
class Watching:
    store: Store
    limits: ReadingLimits


async def look_at_next_day(watching: Watching) -> bool:
    """Looks at the reading of the next day that is over. False when there is none left to look at."""
    day = await watching.store.read(find_next_day)
    if day is None:
        return False
    limits = watching.limits
    # Outside the transaction that writes: a day's reading is much to read.
    found = await watching.store.read(lambda tx: find_unusual_of_day(tx, day, limits))
    await watching.store.write(lambda tx: record_day(tx, day, found))
    return True


def find_next_day(tx: ReadingTransaction) -> date | None:
    yesterday = local_day(tx.now) - timedelta(days=1)
    newest = tx.unusual_readings.find_newest_day()
    following = yesterday if newest is None else max(newest + timedelta(days=1), yesterday - LOOKED_BACK)
    return following if following <= yesterday else None


def find_unusual_of_day(tx: ReadingTransaction, day: date, limits: ReadingLimits) -> list[Finding]:
    """Writes nothing."""
    readers = tx.unusual_readings.list_reader_days(day, limits)
    return [finding for read in readers for finding in find_unusual(read, limits)]


def record_day(tx: ReadingTransaction, day: date, found: list[Finding]) -> None:
    """Nothing when another worker was first."""
    if not tx.unusual_readings.begin_day(day):
        return
    for finding in found:
        finding_id = tx.unusual_readings.record(finding)
        tx.audit.record("unusual_reading_found", by="worker", thing=f"{finding_id}:{finding.rule.value}")


def review_finding(
    tx: ReadingTransaction, finding_id: str, *, by: str, is_explained: bool, words: str
) -> ReviewFault | None:
    """For good; None once it is recorded. Trying to judge one's own is recorded too. Raises FindingNotFound."""
    found = tx.unusual_readings.find(finding_id)
    if found is None:
        raise FindingNotFound(finding_id)
    if found.staff_id == by:
        tx.audit.record("access_refused", by=by, thing="review_own_reading")
        return ReviewFault.OWN
    if not tx.unusual_readings.review(finding_id, by=by, is_explained=is_explained, words=words):
        return ReviewFault.ALREADY
    said = "explained" if is_explained else "not_explained"
    tx.audit.record("unusual_reading_reviewed", by=by, thing=f"{finding_id}:{said}")
    return None
