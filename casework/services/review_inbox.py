"""The queues of the workbench, read: what somebody should look at, the worst first, and nothing of a live talk."""

from dataclasses import dataclass

from casework.model.annotations import ItemStatus
from casework.model.errors import WaymarkError
from casework.model.review_queues import Queue
from casework.services.ports import Transaction
from casework.services.review_ports import Cluster, Cursor, GuestRow, Reason, ReviewItem
from casework.services.workbench_ports import ReviewRow

PAGE = 25
MOST_COUNTED = 1000


class ItemNotFound(WaymarkError):
    """No message to review has this number, or it is of a live conversation, a drill, or may not teach."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """`next`: the cursor of the next page; None on the last."""

    rows: tuple[ReviewRow, ...]
    next: Cursor | None


@dataclass(frozen=True, kw_only=True)
class GuestPage:
    """`next`: the `after` of the next page; None on the last."""

    rows: tuple[GuestRow, ...]
    next: int | None


def list_page(tx: Transaction, queue: Queue, *, after: Cursor | None = None, limit: int = PAGE) -> Page:
    """A page of a queue by harm, then newest first. Words are masked by `masked_reading.mask_messages`.

    What testers wrote is no message of a person: `list_guest_page`; the page of GUESTS is empty.
    """
    return _page(tx.reviews.list_open(queue, after=after, limit=limit + 1), limit)


def list_third_page(tx: Transaction, *, by: str, after: Cursor | None = None, limit: int = PAGE) -> Page:
    """What two people labelled differently, without what this person is one of the two for."""
    return _page(tx.reviews.list_third(by=by, after=after, limit=limit + 1), limit)


def list_guest_page(tx: Transaction, *, after: int = 0, limit: int = PAGE) -> GuestPage:
    """What testers of a candidate wrote, oldest first, raw: shown masked."""
    rows = tx.reviews.list_guests(after=after, limit=limit + 1)
    return GuestPage(rows=tuple(rows[:limit]), next=rows[limit - 1].id if len(rows) > limit else None)


def handle_guest(tx: Transaction, guest_message_id: int, *, by: str) -> bool:
    """A trainer has seen it: it leaves the queue. False where it had already."""
    is_new = tx.reviews.handle_guest(guest_message_id)
    if is_new:
        tx.audit.record("guest_message_handled", by=by, thing=str(guest_message_id))
    return is_new


def count_tabs(tx: Transaction) -> dict[Queue, int]:
    """Of every queue in the order of the tabs, counted up to 1,001: more than a thousand is shown as such."""
    counts = tx.reviews.count_open(most=MOST_COUNTED)
    return {queue: counts.get(queue, 0) for queue in Queue}


def count_third(tx: Transaction, *, by: str) -> int:
    """Counted up to 1,001."""
    return tx.reviews.count_third(by=by, most=MOST_COUNTED)


def find_next(tx: Transaction, queue: Queue, *, by: str) -> int | None:
    """The inbox id of the first item there this person has neither labelled, skipped nor flagged."""
    return tx.reviews.find_next(queue, by=by)


def find_next_third(tx: Transaction, *, by: str) -> int | None:
    rows = tx.reviews.list_third(by=by, after=None, limit=1)
    return rows[0].inbox_id if rows else None


def get_item(tx: Transaction, inbox_id: int) -> ReviewItem:
    """Raises ItemNotFound, also while its conversation is live and once it may not teach."""
    item = tx.reviews.find_item(inbox_id)
    if item is None or item.status is ItemStatus.REMOVED:
        raise ItemNotFound(inbox_id)
    return item


def list_reasons(tx: Transaction, inbox_id: int) -> list[Reason]:
    """Why it is here, in the order of the tabs. An item that was drawn by chance is shown blind: see `is_blind`."""
    return tx.reviews.list_reasons(inbox_id)


def is_blind(reasons: list[Reason]) -> bool:
    """Whether the page hides what the assistant made of it: drawn by chance, to learn what nobody noticed."""
    return any(reason.queue is Queue.SAMPLE for reason in reasons)


def list_clusters(tx: Transaction, *, limit: int = PAGE) -> list[Cluster]:
    """New words that stand in at least three conversations, the most frequent first."""
    return tx.reviews.list_clusters(limit=limit)


def list_of_cluster(tx: Transaction, cluster: str, *, limit: int = 50) -> list[ReviewRow]:
    return tx.reviews.list_of_cluster(cluster, limit=limit)


def _page(rows: list[ReviewRow], limit: int) -> Page:
    shown = tuple(rows[:limit])
    if len(rows) <= limit:
        return Page(rows=shown, next=None)
    last = shown[-1]
    return Page(rows=shown, next=Cursor(last.harm, last.said_at, last.inbox_id))
