"""A reply half written: kept by the service and not by a browser, so that a log-out or a transfer loses no word."""

from casework.model.errors import NotTheOwner
from casework.services.conversation_ports import Draft
from casework.services.ports import StaffMember, Transaction

LONGEST_DRAFT = 20_000


def keep_draft(
    tx: Transaction, conversation_id: str, text: str, *, by: StaffMember, composer: str = ""
) -> bool:
    """True when it is kept; blank words take the draft away. Raises NotTheOwner for who never had the conversation.

    Who had it a moment ago still keeps the last words: the next owner finds them. `composer`: the beginning of what
    `reply_as_staff` was given as its form; what was on its way when the reply left does not come back after it.
    """
    # Held: the reply and its last draft come at the same moment.
    conversation = tx.conversations.hold(conversation_id)
    if conversation.owner_id != by.id and by.id not in tx.follow_ups.list_handlers(conversation_id):
        raise NotTheOwner(conversation_id)
    if composer and tx.drafts.is_sent(conversation_id, by.id, composer):
        return False
    if not text.strip():
        tx.drafts.drop(conversation_id, by.id)
        return False
    if not find_draft(tx, conversation_id, by.id):
        # Once, and not each time a browser keeps another word of it.
        tx.audit.record("draft_begun", by=by.id, conversation_id=conversation_id)
    tx.drafts.keep(conversation_id, by.id, text[:LONGEST_DRAFT])
    return True


def find_draft(tx: Transaction, conversation_id: str, staff_id: str) -> str:
    """One's own words there; empty when there are none."""
    own = (each.text for each in tx.drafts.list_of(conversation_id) if each.staff_id == staff_id)
    return next(own, "")


def list_left(tx: Transaction, conversation_id: str, staff_id: str) -> list[Draft]:
    """What others left there."""
    return [each for each in tx.drafts.list_of(conversation_id) if each.staff_id != staff_id]


def take_draft(tx: Transaction, conversation_id: str, author_id: str, *, by: StaffMember) -> bool:
    """Makes a colleague's draft the owner's own, after what they have written themselves. False when it is gone."""
    conversation = tx.conversations.hold(conversation_id)
    if conversation.owner_id != by.id:
        raise NotTheOwner(conversation_id)
    left = next((each for each in list_left(tx, conversation_id, by.id) if each.staff_id == author_id), None)
    if left is None:
        return False
    own = find_draft(tx, conversation_id, by.id)
    words = f"{own.rstrip()}\n\n{left.text}" if own.strip() else left.text
    tx.drafts.keep(conversation_id, by.id, words[:LONGEST_DRAFT])
    tx.drafts.drop(conversation_id, author_id)
    tx.audit.record("draft_taken", by=by.id, conversation_id=conversation_id, thing=author_id)
    return True
