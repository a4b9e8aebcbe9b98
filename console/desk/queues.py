"""The queue as a detective sees it: one row a conversation, in the order to open them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property, lru_cache

from casework.model.desk import DeskItem, Grade, ItemStatus
from casework.model.desk_limits import MOST_URGENT, is_unattended, is_urgent
from casework.model.grade_clocks import Counts, GradeClocks, Punctuality, Target
from casework.services.desk_ports import FactsByConversation, QueueFacts, Transfer
from casework.services.ports import Alarm
from console.alarms import fingerprint_alarms
from console.live_pages import fingerprint_of

MOST_ITEMS = 500


class Filter(StrEnum):
    ALL = "all"
    UNCLAIMED = "unclaimed"
    MINE = "mine"
    OVERDUE = "overdue"
    WAITING_FOR_VICTIM = "waiting_for_victim"
    OUT_OF_HOURS = "out_of_hours"


class RowStatus(StrEnum):
    """Names of words.row_statuses."""

    UNCLAIMED = "unclaimed"
    CLAIMED = "claimed"
    OFFERED = "offered"  # a colleague was asked to take it
    WAITING_FOR_VICTIM = "waiting_for_victim"  # answered, and they have not written since
    UNATTENDED = "unattended"  # its owner is silent, and somebody urgent waits


@dataclass(frozen=True, kw_only=True)
class QueueInput:
    """What one look at the database gives, the same for everybody's queue page.

    `arranged`: the rows made of it and their mark, where they were made with the look, once for every open console.
    """

    items: Sequence[DeskItem]
    alarms: Sequence[Alarm]
    facts: FactsByConversation
    offers: Sequence[Transfer] = ()
    newest: datetime | None = None  # when the newest item came
    arranged: "Arranged | None" = None


@dataclass(frozen=True, kw_only=True)
class Arranged:
    rows: "tuple[QueueRow, ...]"
    mark: str


@dataclass(frozen=True, kw_only=True)
class QueueRow:
    """The item that gives the row its place, and the conversation's other items."""

    first: DeskItem
    others: tuple[DeskItem, ...]
    facts: QueueFacts
    target: Target | None  # what falls due next; None while nothing of theirs is unanswered
    limit: (
        timedelta | None
    )  # of that target; None where it is not a time but a day, or hours closed in between
    now: datetime
    is_out_of_hours: bool  # it came when nobody was rostered to be there

    @cached_property
    def punctuality(self) -> Punctuality | None:
        return None if self.target is None else self.target.judge(self.now)

    @cached_property
    def waiting_seconds(self) -> int:
        since = self.first.waiting_since if self.target is None else self.target.since
        return max(0, int((self.now - since).total_seconds()))

    @cached_property
    def status(self) -> RowStatus:
        if self.first.status is ItemStatus.OPEN:
            return RowStatus.OFFERED if self.facts.offered_to else RowStatus.UNCLAIMED
        if self._is_unattended:
            return RowStatus.UNATTENDED
        if self.facts.offered_to:
            return RowStatus.OFFERED
        return RowStatus.CLAIMED if self.target is not None else RowStatus.WAITING_FOR_VICTIM

    @property
    def _is_unattended(self) -> bool:
        return is_unattended(
            self.first.grade,
            owned_since=self.facts.owned_since,
            awaiting_since=self.facts.awaiting_since,
            now=self.now,
        )

    @property
    def is_urgent(self) -> bool:
        """Danger now or high, and nobody has it."""
        return is_urgent(self.first.grade) and self.first.status is ItemStatus.OPEN

    @property
    def is_danger(self) -> bool:
        return self.first.grade is Grade.DANGER_NOW and self.first.status is ItemStatus.OPEN

    @property
    def has_gone_quiet(self) -> bool:
        return any(item.quiet_since is not None for item in (self.first, *self.others))

    @property
    def place(self) -> tuple[int, bool, bool, bool, datetime, str]:
        """Grade, the real before a drill, those gone quiet, who is there now, the longest wait (console.md C1)."""
        item, is_here = self.first, self.facts.is_here
        return (item.grade, item.is_drill, item.quiet_since is None, not is_here, item.waiting_since, item.id)


@dataclass(frozen=True, kw_only=True)
class Queue:
    rows: tuple[QueueRow, ...]
    counts: dict[Filter, int]
    urgent: int
    danger: int
    is_cut: bool  # more waits than one page shows
    is_full: bool  # this person holds as many urgent ones as one may
    offers: tuple[Transfer, ...]
    fingerprint: str


@dataclass(frozen=True, kw_only=True)
class Urgent:
    """Conversations nobody has, for sounds and titles: ids and nothing else."""

    danger: tuple[str, ...] = field(default=())
    high: tuple[str, ...] = field(default=())


def arrange_queue(
    found: QueueInput, clocks: GradeClocks, *, now: datetime, staff_id: str, shown: Filter
) -> Queue:
    """Rows in the order to open them; see `QueueRow.place`."""
    rows = list_rows(found, clocks, now)
    by_filter = {each: tuple(row for row in rows if _is_shown(row, each, staff_id)) for each in Filter}
    urgent_of_mine = sum(
        row.first.owner_id == staff_id and is_urgent(row.first.grade) and not row.first.is_drill
        for row in rows
    )
    return Queue(
        rows=by_filter[shown],
        counts={each: len(those) for each, those in by_filter.items()},
        urgent=sum(row.is_urgent for row in rows),
        danger=sum(row.is_danger for row in rows),
        is_cut=len(found.items) >= MOST_ITEMS,
        is_full=urgent_of_mine >= MOST_URGENT,
        offers=tuple(offer for offer in found.offers if offer.to_id == staff_id),
        fingerprint=fingerprint_rows(rows, found, staff_id),
    )


def arrange_look(found: QueueInput, clocks: GradeClocks, now: datetime) -> QueueInput:
    """The look with its rows: 500 of them cost more than the look, and forty consoles ask at the same time."""
    rows = list_rows(found, clocks, now)
    return replace(found, arranged=Arranged(rows=tuple(rows), mark=_mark(rows, found)))


def list_rows(found: QueueInput, clocks: GradeClocks, now: datetime) -> list[QueueRow]:
    if found.arranged is not None:
        return list(found.arranged.rows)
    grouped: dict[str, list[DeskItem]] = {}
    for item in found.items:
        grouped.setdefault(item.conversation_id, []).append(item)
    facts = found.facts
    rows = [_row(group, facts.get(each, QueueFacts()), clocks, now) for each, group in grouped.items()]
    return sorted(rows, key=lambda row: row.place)


def fingerprint_queue(found: QueueInput, clocks: GradeClocks, *, now: datetime, staff_id: str) -> str:
    """Equal while the page would look the same but for its clocks."""
    return fingerprint_rows(list_rows(found, clocks, now), found, staff_id)


def fingerprint_rows(rows: Iterable[QueueRow], found: QueueInput, staff_id: str) -> str:
    mark = _mark(rows, found) if found.arranged is None else found.arranged.mark
    return fingerprint_of([mark, *(offer.id for offer in found.offers if offer.to_id == staff_id)])


def _mark(rows: Iterable[QueueRow], found: QueueInput) -> str:
    """What is the same for every reader."""
    items = [
        (item.id, item.status, item.owner_id, item.grade, item.category, item.quiet_since)
        for item in found.items
    ]
    looks = [
        (row.first.id, row.punctuality, row.status, row.facts.is_here, row.facts.language) for row in rows
    ]
    return fingerprint_of([*items, *looks, fingerprint_alarms(found.alarms)])


def find_urgent(items: Sequence[DeskItem], *, staff_id: str = "") -> Urgent:
    """Of each conversation its worst open item. For its owner what came while they had it, by the item, in `high`.

    One tone, once: the bar and the repeating tone say that nobody has it, and they do.
    """
    worst: dict[str, Grade] = {}
    for item in items:
        if item.status is ItemStatus.OPEN:
            worst[item.conversation_id] = min(item.grade, worst.get(item.conversation_id, item.grade))
    return Urgent(
        danger=tuple(each for each, grade in worst.items() if grade is Grade.DANGER_NOW),
        high=(
            *(each for each, grade in worst.items() if grade is Grade.HIGH),
            *(item.id for item in items if _came_to(item, staff_id)),
        ),
    )


def _came_to(item: DeskItem, staff_id: str) -> bool:
    """Whether it came to its owner, who had the conversation, and they have not answered it."""
    is_theirs = item.status is ItemStatus.CLAIMED and item.owner_id == staff_id and is_urgent(item.grade)
    return is_theirs and item.claimed_at == item.waiting_since and item.answered_at is None


def _row(group: list[DeskItem], facts: QueueFacts, clocks: GradeClocks, now: datetime) -> QueueRow:
    first, *others = group
    target, limit, is_out_of_hours = _find_wait(
        clocks, first.grade, first.waiting_since, first.claimed_at, first.answered_at, first.awaiting_since
    )
    return QueueRow(
        first=first,
        others=tuple(others),
        facts=facts,
        target=target,
        limit=limit,
        now=now,
        is_out_of_hours=is_out_of_hours,
    )


# Staffed hours are counted day by day, and a row's do not change while it waits: every look at the page asks again.
@lru_cache(maxsize=5000)
def _find_wait(
    clocks: GradeClocks,
    grade: Grade,
    waiting_since: datetime,
    claimed_at: datetime | None,
    answered_at: datetime | None,
    awaiting_since: datetime | None,
) -> tuple[Target | None, timedelta | None, bool]:
    """What falls due next, how long that is, and whether it came when nobody was rostered."""
    target = clocks.find_targets(
        grade,
        waiting_since=waiting_since,
        claimed_at=claimed_at,
        answered_at=answered_at,
        awaiting_since=awaiting_since,
    ).next_due
    return target, _find_limit(target, clocks, grade), not clocks.hours.is_staffed(waiting_since)


def _find_limit(target: Target | None, clocks: GradeClocks, grade: Grade) -> timedelta | None:
    if target is None:
        return None
    clock = clocks.clocks[grade]
    length = target.due_at - target.since
    # A night in between is no part of the limit: then the page says by when, and not of how much.
    limits = (clock.claim_within, clock.first_reply_within, clock.next_reply_within)
    return length if clock.counts is not Counts.WORKING_DAYS and length in limits else None


def _is_shown(row: QueueRow, shown: Filter, staff_id: str) -> bool:
    if shown is Filter.UNCLAIMED:
        return row.first.status is ItemStatus.OPEN
    if shown is Filter.MINE:
        return row.first.owner_id == staff_id
    if shown is Filter.OVERDUE:
        return row.punctuality is Punctuality.OVERDUE
    if shown is Filter.WAITING_FOR_VICTIM:
        return row.status is RowStatus.WAITING_FOR_VICTIM
    return shown is Filter.ALL or row.is_out_of_hours
