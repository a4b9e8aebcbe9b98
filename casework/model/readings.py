"""What staff do with a conversation, as the person it is of is told: the acts of the record in a few plain deeds."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Deed(StrEnum):
    """The words of each are in the page that lists them, channels/webchat/templates/my/readers.html."""

    READ = "read"
    LOOKED_UP = "looked_up"  # who has it, since when, how urgent: none of the words
    OPENED_FILE = "opened_file"
    OPENED_WITH_REASON = "opened_with_reason"
    ANSWERED = "answered"
    TOOK = "took"
    PASSED_ON = "passed_on"
    GAVE_BACK = "gave_back"  # to the assistant
    NOTED = "noted"
    CHANGED = "changed"
    CHECKED = "checked"
    READ_MASKED = "read_masked"
    UNMASKED = "unmasked"
    EXPORTED = "exported"


# What is not here is told by its kind, or is no deed of somebody with a conversation.
DEED_OF: Mapping[str, Deed] = MappingProxyType(
    {
        "conversation_read": Deed.READ,
        "officer_thread_read": Deed.READ,
        "follow_ups_read": Deed.READ,
        "conversation_looked_up": Deed.LOOKED_UP,
        "media_opened": Deed.OPENED_FILE,
        "glass_broken": Deed.OPENED_WITH_REASON,
        "staff_replied": Deed.ANSWERED,
        "officer_answered": Deed.ANSWERED,
        "told_from_conversation": Deed.ANSWERED,
        "victim_told": Deed.ANSWERED,
        "conversation_claimed": Deed.TOOK,
        "conversation_taken_over": Deed.TOOK,
        "transfer_accepted": Deed.TOOK,
        "transfer_offered": Deed.PASSED_ON,
        "conversation_returned": Deed.PASSED_ON,
        "conversation_handed_back": Deed.GAVE_BACK,
        "note_written": Deed.NOTED,
        "what_happened_told": Deed.NOTED,
        "quality_reviewed": Deed.CHECKED,
        "glass_reviewed": Deed.CHECKED,
        "masked_item_read": Deed.READ_MASKED,
        "item_labelled": Deed.READ_MASKED,
        "item_adjudicated": Deed.READ_MASKED,
        "item_skipped": Deed.READ_MASKED,
        "item_flagged": Deed.READ_MASKED,
        "difference_opened": Deed.READ_MASKED,
        "words_unmasked": Deed.UNMASKED,
    }
)
# By the kinds of section 62(1) of the Data Protection Act 2018, for acts that have no words of their own.
_DEED_OF_KIND: Mapping[str, Deed] = MappingProxyType(
    {
        "consultation": Deed.READ,
        "collection": Deed.NOTED,
        "alteration": Deed.CHANGED,
        "combination": Deed.CHANGED,
        "disclosure": Deed.EXPORTED,
        "erasure": Deed.CHANGED,
    }
)


def find_deed(act: str, kind: str | None) -> Deed | None:
    """None for what is no deed with a conversation, such as an offer that ran out. `kind`: of the act, if any."""
    return DEED_OF.get(act) or _DEED_OF_KIND.get(kind or "")
