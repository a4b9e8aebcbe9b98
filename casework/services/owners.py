"""Who has a conversation: what must hold before it becomes somebody's, and what goes with it."""

from datetime import datetime

from casework.model.desk import DeskItem, HandoffReason, ItemStatus
from casework.model.desk_limits import LONGEST_REASON, MOST_URGENT, is_unattended, is_urgent
from casework.model.errors import ReasonNeeded, TooManyUrgent
from casework.model.transfers import TransferKind, TransferStatus
from casework.services import shifts
from casework.services.hand_off import request_person
from casework.services.ports import Conversation, StaffMember, Transaction

SHORTEST_REASON = 3


def check_reason(reason: str) -> str:
    """The reason as it is kept. Raises ReasonNeeded for none, or for more than is kept."""
    said = " ".join(reason.split())
    if not SHORTEST_REASON <= len(said) <= LONGEST_REASON:
        raise ReasonNeeded
    return said


def check_room(tx: Transaction, conversation_id: str, by: StaffMember) -> None:
    """Raises TooManyUrgent where this would be one urgent conversation too many for them.

    Holds the person until the transaction ends: two claims at once are counted one after the other.
    """
    if not any(is_urgent(item.grade) for item in list_open_items(tx, conversation_id)):
        return
    tx.shifts.hold_staff(by.id)
    if tx.desk.count_urgent_of(by.id) >= MOST_URGENT:
        raise TooManyUrgent


def list_open_items(tx: Transaction, conversation_id: str) -> list[DeskItem]:
    items = tx.desk.list_of_conversation(conversation_id)
    return [item for item in items if item.status is not ItemStatus.CLOSED]


def is_silent(tx: Transaction, conversation: Conversation, now: datetime) -> bool:
    """Whether its owner has left somebody urgent waiting for too long."""
    return any(
        is_unattended(
            item.grade,
            owned_since=conversation.owned_since,
            awaiting_since=item.awaiting_since,
            now=now,
        )
        for item in list_open_items(tx, conversation.id)
    )


def is_gone(tx: Transaction, conversation: Conversation) -> bool:
    """Whether its owner has ended the shift, or is on a break, and nobody is asked to take it."""
    shift = tx.shifts.find_running(conversation.owner_id or "")
    if shift is not None and shift.break_since is None:
        return False
    return tx.transfers.find_offered(conversation.id) is None


def give_to(tx: Transaction, held: Conversation, to: StaffMember) -> bool:
    """Makes `to` the owner in place of whoever has it now; the epoch moves on. `held` must be held.

    False where somebody was quicker. An offer still open for it is over.
    """
    if not tx.conversations.pass_on(held.id, from_id=held.owner_id, to_id=to.id):
        return False
    tx.desk.pass_all_on(held.id, to.id)
    shifts.start_quietly(tx, by=to)
    withdraw_offer(tx, held.id)
    return True


def let_go(tx: Transaction, held: Conversation, *, by: str, why: str | None = None) -> None:
    """To the queue, at its old place; never to the assistant alone: with nothing open it would be in nobody's sight.

    `held` must be held, and somebody's. `by` and `why` are for the record.
    """
    assert held.owner_id is not None  # only what somebody has can be let go
    tx.desk.reopen_all(held.id)
    tx.conversations.release(held.id, held.owner_id)
    withdraw_offer(tx, held.id)
    if not list_open_items(tx, held.id):
        request_person(tx, held.id, HandoffReason.PASSED_ON, inbox_id=None)
    tx.audit.record("conversation_returned", by=by, conversation_id=held.id, thing=why)


def withdraw_offer(tx: Transaction, conversation_id: str) -> None:
    offered = tx.transfers.find_offered(conversation_id)
    if offered is not None:
        tx.transfers.settle(offered.id, TransferStatus.WITHDRAWN)


def record_move(
    tx: Transaction,
    kind: TransferKind,
    held: Conversation,
    *,
    to_id: str | None,
    by: StaffMember,
    reason: str,
    promised: str = "",
) -> None:
    """For whoever has it next: who gave it away, or took it, and why. `held`: as it was before."""
    tx.transfers.record(
        conversation_id=held.id,
        kind=kind,
        status=TransferStatus.DONE,
        from_id=held.owner_id,
        to_id=to_id,
        by_id=by.id,
        reason=reason,
        promised=promised,
        due_at=tx.now,
    )
