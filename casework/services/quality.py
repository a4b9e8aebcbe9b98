"""A second pair of eyes: one closed item in twenty, drawn for good, and every item of grade 1."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from casework.model.desk import Grade
from casework.model.errors import WaymarkError
from casework.services.ports import StaffMember, Transaction
from casework.services.supervision_ports import ClosedItem

DRAWN = 20
"""One in that many."""
LOOKED_BACK = timedelta(days=28)
MOST_LOOKED_AT = 10_000
QUESTIONS = ("safety_first", "plan_kept", "grade_right", "plain_words", "promises_true")
ANSWERS = ("yes", "no", "not_sure")
VERDICTS = ("good", "could_be_better", "concern")
LONGEST_WORDS = 2000


class ItemNotFound(WaymarkError):
    """No closed item has this id, or it was not drawn."""


class ReviewerHandledIt(WaymarkError):
    """Whoever had a hand in a conversation does not judge it."""


class ReviewedAlready(WaymarkError):
    """Somebody else was sooner."""


class ReviewIncomplete(WaymarkError):
    """A question or the verdict is left out, or "concern" has no words."""


@dataclass(frozen=True, kw_only=True)
class DueItem:
    item: ClosedItem
    is_own: bool  # whoever asks had a hand in it


def is_drawn(item: ClosedItem) -> bool:
    """Always the same for one conversation: nobody can draw again until a better one comes."""
    digest = hashlib.sha256(item.conversation_id.encode()).digest()
    return item.grade is Grade.DANGER_NOW or int.from_bytes(digest[:8], "big") % DRAWN == 0


def list_due(tx: Transaction, *, by: StaffMember) -> list[DueItem]:
    """What waits for a second look, the oldest first, of the last four weeks."""
    closed = tx.quality.list_closed(since=tx.now - LOOKED_BACK, limit=MOST_LOOKED_AT)
    drawn = [item for item in closed if is_drawn(item)]
    handlers = tx.quality.list_handlers({item.conversation_id for item in drawn})
    return [DueItem(item=item, is_own=by.id in handlers.get(item.conversation_id, ())) for item in drawn]


def get_due(tx: Transaction, item_id: str, *, by: StaffMember) -> ClosedItem:
    """Raises ItemNotFound, ReviewedAlready or ReviewerHandledIt."""
    item = tx.quality.get_closed(item_id)
    if not is_drawn(item):
        raise ItemNotFound(item_id)
    if tx.quality.find(item_id) is not None:
        raise ReviewedAlready(item_id)
    if by.id in tx.quality.list_handlers({item.conversation_id}).get(item.conversation_id, ()):
        raise ReviewerHandledIt(item_id)
    return item


def record_review(
    tx: Transaction, item_id: str, *, verdict: str, answers: Mapping[str, str], words: str, by: StaffMember
) -> None:
    """Keeps the verdict; once an item. Raises as `get_due`, and ReviewIncomplete."""
    item = get_due(tx, item_id, by=by)
    said = words.strip()[:LONGEST_WORDS]
    known = {name: answers.get(name, "") for name in QUESTIONS}
    if verdict not in VERDICTS or not set(known.values()) <= set(ANSWERS):
        raise ReviewIncomplete(item_id)
    if verdict == "concern" and not said:
        raise ReviewIncomplete(item_id)
    if not tx.quality.record(item_id, reviewer=by.id, verdict=verdict, answers=known, words=said):
        raise ReviewedAlready(item_id)
    tx.audit.record("quality_reviewed", by=by.id, conversation_id=item.conversation_id, thing=verdict)
