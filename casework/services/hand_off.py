"""Putting a conversation in front of a person."""

from casework.model.desk import GRADE_OF_REASON, HandoffReason, ItemStatus
from casework.services.ports import Transaction


def keep_for_person(tx: Transaction, conversation_id: str, *, inbox_id: int | None) -> None:
    """A message whose answer was withheld has a place with a person: none may end unanswered and unseen."""
    items = tx.desk.list_of_conversation(conversation_id)
    if all(item.status is ItemStatus.CLOSED for item in items):
        request_person(tx, conversation_id, HandoffReason.WROTE_WHILE_WITH_PERSON, inbox_id=inbox_id)


def request_person(
    tx: Transaction,
    conversation_id: str,
    reason: HandoffReason,
    *,
    inbox_id: int | None,
    dedupe_key: str | None = None,
) -> None:
    """Puts the conversation on the queue, once per reason while it is there, and once ever per key."""
    held = tx.conversations.hold(conversation_id)
    if tx.desk.find_open(conversation_id, reason) is not None:
        return
    opened = tx.desk.record_item(
        conversation_id=conversation_id,
        reason=reason,
        grade=GRADE_OF_REASON[reason],
        # Not unique by inbox id: the same reason may come back after the item was closed.
        dedupe_key=dedupe_key or f"{reason.value}:{conversation_id}:{tx.now.timestamp()}",
        inbox_id=inbox_id,
        owner_id=held.owner_id,
    )
    if opened is None:
        return
    tx.audit.record("desk_item_opened", by="assistant", conversation_id=conversation_id, thing=reason.value)
