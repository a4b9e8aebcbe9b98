"""The queue as a detective sees it: one row a conversation, in the order to open them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from casework.model.desk import DeskItem, Grade, ItemStatus
from console.live_pages import fingerprint_of

MOST_ITEMS = 500


class Filter(StrEnum):
    ALL = "all"
    UNCLAIMED = "unclaimed"
    MINE = "mine"


@dataclass(frozen=True, kw_only=True)
class QueueRow:
    """The item that gives the row its place, and the conversation's other items."""

    first: DeskItem
    others: tuple[DeskItem, ...]
    waiting_seconds: int

    @property
    def is_urgent(self) -> bool:
        """Danger now or high, and nobody has it."""
        return self.first.grade <= Grade.HIGH and self.first.status is ItemStatus.OPEN

    @property
    def has_gone_quiet(self) -> bool:
        return any(item.quiet_since is not None for item in (self.first, *self.others))


@dataclass(frozen=True, kw_only=True)
class Queue:
    rows: tuple[QueueRow, ...]
    counts: dict[Filter, int]
    urgent: int
    is_cut: bool  # more waits than one page shows
    fingerprint: str


def arrange_queue(items: Sequence[DeskItem], *, now: datetime, staff_id: str, shown: Filter) -> Queue:
    """Rows in the order of `items`, which storage gives by grade, those gone quiet, then the longest wait."""
    grouped: dict[str, list[DeskItem]] = {}
    for item in items:
        grouped.setdefault(item.conversation_id, []).append(item)
    rows = [_row(group, now) for group in grouped.values()]
    by_filter = {each: tuple(row for row in rows if _is_shown(row, each, staff_id)) for each in Filter}
    return Queue(
        rows=by_filter[shown],
        counts={each: len(found) for each, found in by_filter.items()},
        urgent=sum(row.is_urgent for row in rows),
        is_cut=len(items) >= MOST_ITEMS,
        fingerprint=fingerprint_queue(items),
    )


def fingerprint_queue(items: Sequence[DeskItem]) -> str:
    """Equal while the page would look the same but for its clocks."""
    return fingerprint_of(
        (item.id, item.status, item.owner_id, item.grade, item.category, item.quiet_since) for item in items
    )


def _row(group: list[DeskItem], now: datetime) -> QueueRow:
    first, *others = group
    waiting = int((now - first.waiting_since).total_seconds())
    return QueueRow(first=first, others=tuple(others), waiting_seconds=max(0, waiting))


def _is_shown(row: QueueRow, shown: Filter, staff_id: str) -> bool:
    if shown is Filter.UNCLAIMED:
        return row.first.status is ItemStatus.OPEN
    return shown is Filter.ALL or row.first.owner_id == staff_id
