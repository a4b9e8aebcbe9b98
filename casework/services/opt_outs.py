"""Who asked us to stop, and whom the provider refuses: when that begins, when it is over, what it forbids.

Their own word forbids what they did not ask for; whatever they write next is answered, and ends it. What the provider
refuses ends with the word that the provider takes for it: an answer is still tried, for it may have begun again
without our hearing of it, and a refusal costs nothing.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import product

from casework.model.desk import HandoffReason
from casework.model.keywords import CLOSING, REOPENING, Keyword
from casework.model.messages import PHONES, Channel, InboundMessage
from casework.model.safe_contact import SendReason
from casework.services.hand_off import request_person
from casework.services.ports import Conversation, Transaction

ASKED = "asked"
PROVIDER = "provider"
# How a channel names what its provider did by itself: InboundMessage.details["opt_out"].
PROVIDER_STOPPED = "STOP"
PROVIDER_STARTED = "START"


def hear_writer(
    tx: Transaction,
    conversation: Conversation,
    message: InboundMessage,
    keyword: Keyword | None,
    *,
    inbox_id: int,
    is_overtaken: bool = False,
) -> None:
    """What a message changes by having been written: whoever writes wants an answer, unless it is to close.

    `is_overtaken`: it was found late and they have written since, so it begins nothing again.
    """
    acted = message.details.get("opt_out")
    if keyword not in CLOSING and not is_overtaken:
        _end(tx, conversation, message, ASKED)
    if (keyword in REOPENING or acted == PROVIDER_STARTED) and not is_overtaken:
        _end(tx, conversation, message, PROVIDER)
    if acted == PROVIDER_STOPPED:
        tx.opt_outs.record(conversation.channel, conversation.external_id, how=PROVIDER, word=message.text)
        request_person(tx, conversation.id, HandoffReason.CANNOT_BE_TEXTED, inbox_id=inbox_id)
        tx.audit.record("opted_out_by_provider", by="provider", conversation_id=conversation.id)


def stop_writing(
    tx: Transaction, conversation: Conversation, message: InboundMessage, *, inbox_id: int
) -> None:
    """Their STOP: nothing unasked from now on, and a person finds out another way whether they are safe."""
    for each in _list_addresses(conversation, message):
        tx.opt_outs.record(conversation.channel, each, how=ASKED, word=message.text)
    request_person(tx, conversation.id, HandoffReason.ASKED_TO_STOP, inbox_id=inbox_id)
    tx.audit.record("asked_to_stop", by="person", conversation_id=conversation.id, thing=f"in-{inbox_id}")


def find_bar(
    tx: Transaction, channel: Channel, to: str, *, seen: Sequence[str] = (), heard_at: datetime | None
) -> SendReason | None:
    """Why nothing unasked may go there; None where nobody said so.

    A number is one phone: a STOP by SMS holds for WhatsApp too, unless they wrote there since. `heard_at`: when
    they last wrote from there, None where that is not known. `seen`: the numbers a writer with another id was seen
    with, which are that phone too.
    """
    channels = PHONES if channel in PHONES else (channel,)
    for address, each in product((to, *seen), channels):
        for found in tx.opt_outs.find(each, address):
            is_since = heard_at is not None and heard_at > found.since
            is_own = each is channel and address == to
            if found.how == ASKED and (is_own or not is_since):
                return SendReason.ASKED_TO_STOP
            if found.how == PROVIDER and each is channel:
                return SendReason.PROVIDER_REFUSES
    return None


def _end(tx: Transaction, conversation: Conversation, message: InboundMessage, how: str) -> None:
    addresses = _list_addresses(conversation, message)
    if sum(tx.opt_outs.end(conversation.channel, each, how=how) for each in addresses):
        tx.audit.record("opt_out_ended", by="person", conversation_id=conversation.id, thing=how)


def _list_addresses(conversation: Conversation, message: InboundMessage) -> set[str]:
    """What a message was written from: the address, and the number that was seen with another id."""
    phone = message.details.get("phone")
    return {conversation.external_id, *([phone] if isinstance(phone, str) else [])}
