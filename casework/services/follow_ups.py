"""What happened next, told to those who handled it: knowing how it ended is what lets people put it down.

Source: console.md C9 and section 5; policingtrauma.sociology.cam.ac.uk/roles.
"""

from casework.model.errors import WaymarkError
from casework.services.conversation_ports import FollowUp
from casework.services.ports import StaffMember, Transaction

LONGEST_FOLLOW_UP = 1000


class FollowUpUnfit(WaymarkError):
    """No words, or too many; nothing was told."""


def tell_what_happened(tx: Transaction, conversation_id: str, text: str, *, by: StaffMember) -> int:
    """How many colleagues it was told to: everybody who has had the conversation, but not whoever tells it."""
    tx.conversations.get(conversation_id)
    said = text.strip()
    if not said or len(said) > LONGEST_FOLLOW_UP:
        raise FollowUpUnfit(conversation_id)
    told = [each for each in tx.follow_ups.list_handlers(conversation_id) if each != by.id]
    for staff_id in told:
        tx.follow_ups.record(conversation_id, to=staff_id, by=by.id, text=said)
    tx.audit.record("what_happened_told", by=by.id, conversation_id=conversation_id, thing=str(len(told)))
    return len(told)


def read_follow_ups(tx: Transaction, *, by: StaffMember) -> list[FollowUp]:
    """What was told to `by`, newest first, and seen from now on. Recorded once, and for each conversation with news."""
    listed = tx.follow_ups.list_to(by.id)
    new = {each.conversation_id for each in listed if each.seen_at is None}
    for conversation_id in (None, *sorted(new)):
        tx.audit.record("follow_ups_read", by=by.id, conversation_id=conversation_id)
    tx.follow_ups.mark_seen(by.id)
    return listed
