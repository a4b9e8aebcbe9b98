"""A person takes a conversation over, answers on the victim's channel, and hands it back."""

import secrets

from casework.model.desk import ItemStatus, Outcome
from casework.model.errors import AlreadyClaimed, NotTheOwner, OutcomeNeeded, UnreadMessages
from casework.model.messages import Author, Channel, Lane, OutboundMessage
from casework.services.hand_off import keep_for_person
from casework.services.ports import Conversation, StaffMember, Transaction
from casework.services.service_texts import ServiceTexts


def claim_conversation(
    tx: Transaction, conversation_id: str, *, by: StaffMember, texts: ServiceTexts
) -> Conversation:
    """Makes `by` the only one who may answer; raises AlreadyClaimed with the owner's name.

    From the commit on no reply of the assistant leaves: what waits is suppressed, what is being
    written is dropped because the epoch moved.
    """
    held = tx.conversations.hold(conversation_id)
    if held.owner_id == by.id:
        return held
    if held.owner_id is not None:
        raise AlreadyClaimed(tx.staff.get(held.owner_id).display_name, held.owned_since)
    tx.conversations.claim(conversation_id, by.id)
    tx.desk.claim_all(conversation_id, by.id)
    if tx.outbox.suppress_waiting(conversation_id, authors=[Author.ASSISTANT], reason="person_took_over"):
        keep_for_person(tx, conversation_id, inbox_id=None)
    conversation = tx.conversations.get(conversation_id)
    _tell(tx, conversation, "person_joined", by=by, texts=texts)
    tx.audit.record("conversation_claimed", by=by.id, conversation_id=conversation_id)
    return conversation


def read_conversation(tx: Transaction, conversation_id: str, *, by: StaffMember) -> Conversation:
    """The conversation for a staff page; the reading itself is recorded."""
    conversation = tx.conversations.get(conversation_id)
    tx.audit.record("conversation_read", by=by.id, conversation_id=conversation_id)
    return conversation


def reply_as_staff(
    tx: Transaction,
    conversation_id: str,
    text: str,
    *,
    by: StaffMember,
    last_seen_inbox_id: int,
    form_id: str,
) -> None:
    """Queues a person's words. Refuses a stranger, and a reply written before the latest message was seen.

    `form_id` names one composer: a form sent twice is one message.
    """
    conversation = _get_owned(tx, conversation_id, by)
    _check_read(tx, conversation_id, last_seen_inbox_id)
    recorded = tx.outbox.record(
        OutboundMessage(
            conversation_id=conversation.id,
            channel=conversation.channel,
            to=conversation.external_id,
            text=text,
            lane=Lane.STAFF,
            author=Author.STAFF,
            template="staff",
            dedupe_key=f"staff:{by.id}:{form_id}",
            epoch=conversation.epoch,
            staff_id=by.id,
        ),
        decision="answers_a_message",
    )
    if recorded is not None:
        tx.audit.record("staff_replied", by=by.id, conversation_id=conversation_id)


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
    _tell(tx, conversation, "person_left", by=by, texts=texts)
    tx.audit.record("conversation_handed_back", by=by.id, conversation_id=conversation_id)


def return_to_queue(tx: Transaction, conversation_id: str, *, by: StaffMember) -> None:
    """Lets go without an outcome: the items wait for someone else, from when they first waited."""
    _get_owned(tx, conversation_id, by)
    tx.desk.reopen_all(conversation_id)
    tx.conversations.release(conversation_id, by.id)
    tx.audit.record("conversation_returned", by=by.id, conversation_id=conversation_id)


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


def _tell(
    tx: Transaction, conversation: Conversation, text: str, *, by: StaffMember, texts: ServiceTexts
) -> None:
    # A text nobody asked for can be seen by the wrong person, so only an open page is told at once;
    # by text message the person's own first words say who is writing.
    if conversation.channel is not Channel.WEBCHAT:
        return
    tx.outbox.record(
        OutboundMessage(
            conversation_id=conversation.id,
            channel=conversation.channel,
            to=conversation.external_id,
            text=texts.render(text, conversation.channel, name=by.display_name),
            lane=Lane.STAFF,
            author=Author.SERVICE,
            template=text,
            dedupe_key=f"{text}:{conversation.id}:{secrets.token_hex(8)}",
            epoch=conversation.epoch,
            staff_id=by.id,
        ),
        decision="open_page",
    )
