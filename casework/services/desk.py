"""A person takes a conversation over, answers on the victim's channel, and hands it back."""

from collections.abc import Iterable

from casework.model.desk import ItemStatus, Outcome
from casework.model.errors import (
    AlreadyClaimed,
    NotTheOwner,
    NotUnattended,
    OutcomeNeeded,
    UnreadMessages,
)
from casework.model.messages import Author, Lane, NotSentReason, SendKind
from casework.model.policy import Relation
from casework.model.transfers import TransferKind
from casework.model.unusual_reading import best_relation
from casework.services import kill_switch, outgoing
from casework.services.hand_off import keep_for_person
from casework.services.owners import (
    check_reason,
    check_room,
    give_to,
    is_silent,
    let_go,
    record_move,
    withdraw_offer,
)
from casework.services.ports import Conversation, StaffMember, Transaction
from casework.services.service_texts import ServiceTexts
from casework.services.who_writes import tell_who_writes


def claim_conversation(
    tx: Transaction, conversation_id: str, *, by: StaffMember, texts: ServiceTexts
) -> Conversation:
    """Makes `by` the only one who may answer; raises AlreadyClaimed with the owner's name, TooManyUrgent.

    From the commit on no reply of the assistant leaves: what waits is suppressed, what is being
    written is dropped because the epoch moved.
    """
    held = tx.conversations.hold(conversation_id)
    if held.owner_id == by.id:
        return held
    if held.owner_id is not None:
        raise AlreadyClaimed(tx.staff.get(held.owner_id).display_name, held.owned_since)
    check_room(tx, conversation_id, by)
    if not give_to(tx, held, by):
        owner = tx.conversations.get(conversation_id)
        raise AlreadyClaimed(tx.staff.get(owner.owner_id or "").display_name, owner.owned_since)
    if tx.outbox.suppress_waiting(
        conversation_id, authors=[Author.ASSISTANT], reason=NotSentReason.PERSON_TOOK_OVER.value
    ):
        keep_for_person(tx, conversation_id, inbox_id=None)
    conversation = tx.conversations.get(conversation_id)
    tell_who_writes(tx, conversation, "person_joined", by=by, texts=texts)
    tx.audit.record("conversation_claimed", by=by.id, conversation_id=conversation_id)
    return conversation


def read_conversation(
    tx: Transaction, conversation_id: str, *, by: StaffMember, relations: Iterable[Relation]
) -> Conversation:
    """The conversation for a staff page; the reading is recorded, with which of `relations` explains it best."""
    conversation = tx.conversations.get(conversation_id)
    through = best_relation(relations)
    tx.audit.record("conversation_read", by=by.id, conversation_id=conversation_id, thing=through.value)
    return conversation


def reply_as_staff(
    tx: Transaction,
    conversation_id: str,
    text: str,
    *,
    by: StaffMember,
    last_seen_inbox_id: int,
    form_id: str,
    template: str = "staff",
) -> None:
    """Queues a person's words. Refuses a stranger, and a reply written before the latest message was seen.

    `form_id` names one composer: a form sent twice is one message. `template`: what the record calls these words.
    """
    conversation = _get_owned(tx, conversation_id, by)
    _check_read(tx, conversation_id, last_seen_inbox_id)
    may_leave = outgoing.preview_reply(tx, conversation_id).may_leave_some_time
    recorded = outgoing.send(
        tx,
        outgoing.address(
            conversation,
            text,
            lane=Lane.STAFF,
            kind=SendKind.STAFF_REPLY,
            author=Author.STAFF,
            template=template,
            dedupe_key=f"staff:{by.id}:{form_id}",
            staff_id=by.id,
        ),
    )
    if recorded is not None:
        tx.audit.record("staff_replied", by=by.id, conversation_id=conversation_id)
        if may_leave:
            tx.desk.record_answered(conversation_id)


def close_items(
    tx: Transaction, conversation_id: str, outcome: Outcome, *, by: StaffMember, last_seen_inbox_id: int
) -> int:
    """Closes this person's items; they keep the conversation. Refuses while a message is unread."""
    _get_owned(tx, conversation_id, by)
    _check_read(tx, conversation_id, last_seen_inbox_id)
    closed = tx.desk.close_all(conversation_id, outcome)
    tx.audit.record("items_closed", by=by.id, conversation_id=conversation_id, thing=outcome.value)
    return closed


def hand_back(
    tx: Transaction,
    conversation_id: str,
    outcome: Outcome | None,
    *,
    by: StaffMember,
    last_seen_inbox_id: int,
    texts: ServiceTexts,
) -> None:
    """Gives the conversation back to the assistant. An item still open needs an outcome first."""
    conversation = _get_owned(tx, conversation_id, by)
    _check_read(tx, conversation_id, last_seen_inbox_id)
    if outcome is not None:
        close_items(tx, conversation_id, outcome, by=by, last_seen_inbox_id=last_seen_inbox_id)
    elif _has_claimed_items(tx, conversation_id):
        raise OutcomeNeeded
    tx.conversations.release(conversation_id, by.id)
    withdraw_offer(tx, conversation_id)
    left = "person_left_off" if kill_switch.is_off(tx, conversation.channel) else "person_left"
    tell_who_writes(tx, conversation, left, by=by, texts=texts)
    tx.audit.record("conversation_handed_back", by=by.id, conversation_id=conversation_id)


def return_to_queue(tx: Transaction, conversation_id: str, *, by: StaffMember) -> None:
    """Lets go without an outcome: the items wait for someone else, from when they first waited."""
    let_go(tx, _get_owned(tx, conversation_id, by), by=by.id)


def take_over(
    tx: Transaction, conversation_id: str, *, by: StaffMember, reason: str, texts: ServiceTexts
) -> Conversation:
    """Makes `by` the owner in place of whoever is. For supervisors. Raises ReasonNeeded, TooManyUrgent.

    The one who had it may write no more from the commit on; what they wrote still leaves.
    """
    reason = check_reason(reason)
    held = tx.conversations.hold(conversation_id)
    if held.owner_id == by.id:
        return held
    if held.owner_id is None:
        return claim_conversation(tx, conversation_id, by=by, texts=texts)
    check_room(tx, conversation_id, by)
    give_to(tx, held, by)
    record_move(tx, TransferKind.TAKEN_OVER, held, to_id=by.id, by=by, reason=reason)
    taken = tx.conversations.get(conversation_id)
    tell_who_writes(tx, taken, "person_joined", by=by, texts=texts)
    tx.audit.record(
        "conversation_taken_over", by=by.id, conversation_id=conversation_id, thing=f"from:{held.owner_id}"
    )
    return taken


def release_unattended(tx: Transaction, conversation_id: str, *, by: StaffMember) -> None:
    """Back to the queue, from when it first waited, because its owner is silent. For supervisors.

    Raises NotUnattended where the owner has answered, or their time is not over.
    """
    held = tx.conversations.hold(conversation_id)
    if held.owner_id is None or not is_silent(tx, held, tx.now):
        raise NotUnattended(conversation_id)
    let_go(tx, held, by=by.id, why=f"unattended:{held.owner_id}")
    record_move(tx, TransferKind.RELEASED, held, to_id=None, by=by, reason="unattended")


def release_left(tx: Transaction, held: Conversation) -> None:
    """The worker's: back to the queue, for whoever has it is gone or has been silent too long. `held` must be held."""
    let_go(tx, held, by="worker", why=f"unattended:{held.owner_id}")


def _get_owned(tx: Transaction, conversation_id: str, by: StaffMember) -> Conversation:
    # Held, so that neither a message nor a colleague comes in between the checks and the commit.
    conversation = tx.conversations.hold(conversation_id)
    if conversation.owner_id != by.id:
        raise NotTheOwner(conversation_id)
    return conversation


def _check_read(tx: Transaction, conversation_id: str, last_seen_inbox_id: int) -> None:
    if (tx.inbox.latest_id(conversation_id) or 0) > last_seen_inbox_id:
        raise UnreadMessages


def _has_claimed_items(tx: Transaction, conversation_id: str) -> bool:
    items = tx.desk.list_of_conversation(conversation_id)
    return any(item.status is ItemStatus.CLAIMED for item in items)
