"""WhatsApp's 24 hours: outside them our words are held until the person writes, and one nudge says that they wait.

The nudge holds nothing: no name, no case, not even who writes. It leaves by an approved template where the plan
agrees to something unasked on WhatsApp; else, or if that fails, by SMS to the contact of record where the plan
agrees to that; else a person is asked. Once for each time they fall silent, however many messages are held.
"""

import re
from datetime import datetime, timedelta

from casework.model.delivery_failures import WINDOW_CLOSED
from casework.model.desk import HandoffReason
from casework.model.messages import (
    Author,
    Channel,
    Lane,
    NotSentReason,
    OutboundMessage,
    OutboxStatus,
    SendKind,
)
from casework.services import outgoing, safety_lines
from casework.services.hand_off import request_person
from casework.services.ports import Conversation, LeasedDelivery, Transaction
from casework.services.service_texts import ServiceTexts

# A minute less than WhatsApp's own, for the way there and for clocks that differ.
WINDOW = timedelta(hours=24) - timedelta(minutes=1)
# Longer than one attempt takes: who wrote this lately may have written while it was made.
JUST_NOW = timedelta(minutes=1)
# Where WhatsApp says closed and they have just written, one of the two is late.
LOOK_AGAIN = timedelta(seconds=10)
# What is held after a callback, and what was sent anew, names the message it copies.
_COPY = re.compile(r"^(?:held|again-\d+):out-(\d+)$")
NUDGE = "waiting"
NUDGE_BY_SMS = "waiting_by_sms"
READ_NOW = "read now"
"""What the template's one button says, folded: it asks for what is held, and for nothing else."""


def is_nudge(message: OutboundMessage) -> bool:
    return message.template in (NUDGE, NUDGE_BY_SMS)


def is_window_open(tx: Transaction, message: OutboundMessage) -> bool:
    """Whether the channel takes words of ours now. Always, but on WhatsApp; and always for the nudge itself."""
    if message.channel is not Channel.WHATSAPP or is_nudge(message):
        return True
    conversation = tx.conversations.get(message.conversation_id)
    return conversation.external_id == message.to and is_open(conversation, tx.now)


def is_open(conversation: Conversation, at: datetime) -> bool:
    """Whether WhatsApp takes words of ours there at that moment."""
    return conversation.last_inbound_at is not None and at - conversation.last_inbound_at < WINDOW


def hold_for_window(tx: Transaction, leased: LeasedDelivery, texts: ServiceTexts) -> bool:
    """Keeps a message that WhatsApp does not take now until they write, and has one nudge leave.

    For whoever found the window closed before sending, or was told so by the provider at once. False, and nothing
    done, for what is no use later: a nudge, what has a time of its own, such as a code, or an old safety line.
    """
    if not _may_be_held(leased.message) or _is_over(tx, leased.outbox_id):
        return False
    conversation = tx.conversations.hold(leased.message.conversation_id)
    if _wrote_since(conversation, tx.now - JUST_NOW):
        # They wrote while it was looked at: nothing would release it any more, and it may leave.
        tx.outbox.postpone(leased, until=tx.now + LOOK_AGAIN)
        return True
    if tx.outbox.record_outcome(leased, OutboxStatus.HELD, failure=WINDOW_CLOSED):
        _note_held(tx, conversation, leased.outbox_id)
        _nudge(tx, conversation, leased.message.lane, texts)
    return True


def hold_after_receipt(tx: Transaction, outbox_id: int, texts: ServiceTexts) -> bool:
    """The same for a message that the provider took, and of which it said later that the window was closed.

    That one stays on record as not delivered; a copy of it is held. False as above, and for a second telling.
    """
    message = tx.outbox.get(outbox_id).message
    if not _may_be_held(message) or _is_over(tx, outbox_id):
        return False
    conversation = tx.conversations.hold(message.conversation_id)
    copy = outgoing.copy_of(message, dedupe_key=f"held:out-{outbox_id}")
    held_id = outgoing.record_held(tx, copy, reason=WINDOW_CLOSED)
    if held_id is None:
        return False
    _note_held(tx, conversation, held_id)
    if _wrote_since(conversation, tx.now - JUST_NOW):
        release_held(tx, conversation)
    else:
        _nudge(tx, conversation, message.lane, texts)
    return True


def fall_back(tx: Transaction, message: OutboundMessage, texts: ServiceTexts) -> bool:
    """What comes after a nudge that could not be sent or did not arrive: the SMS, then a person.

    False for any other message. True: nothing more is to be done about this one.
    """
    if not is_nudge(message):
        return False
    _, conversation_id, silent_since = message.dedupe_key.split(":")
    held = tx.conversations.hold(conversation_id)
    if message.template == NUDGE_BY_SMS or not _nudge_by_sms(tx, held, message.lane, texts):
        _ask_person(tx, conversation_id, silent_since)
    return True


def release_held(tx: Transaction, conversation: Conversation) -> int:
    """They wrote, so what was held is on its way, in its order; how many. A nudge not yet sent is not needed now.

    For the transaction that stores their message.
    """
    if conversation.channel is not Channel.WHATSAPP:
        return 0
    # Of any silence: whoever calls may have read the conversation before or after it ended.
    starts = (_key(NUDGE, conversation.id, ""), _key(NUDGE_BY_SMS, conversation.id, ""))
    numbers = sorted(_list_numbers(tx, conversation))
    by_sms = tx.sweeps.find_conversations_with(Channel.SMS, numbers).values()
    tx.held_messages.withdraw_nudges(
        (conversation.id, *by_sms), starts, reason=NotSentReason.THEY_WROTE.value
    )
    released = tx.held_messages.release(conversation.id)
    if released:
        tx.audit.record(
            "held_released",
            by="person",
            conversation_id=conversation.id,
            thing=f"{released} messages",
        )
    return released


def list_late(tx: Transaction, conversation: Conversation) -> list[int]:
    """Safety lines held there whose moment is over, the oldest first."""
    if conversation.channel is not Channel.WHATSAPP:
        return []
    held = tx.held_messages.list_in_lane(conversation.id, Lane.SAFETY)
    return [outbox_id for outbox_id in held if _is_over(tx, outbox_id)]


def report_held_elsewhere(tx: Transaction, channel: Channel, phone: str) -> None:
    """Somebody wrote under another id, seen with this number: what is held under the number alone waits for ever.

    So a person passes it on. Nothing is sent there and nothing is joined: a number can change hands.
    """
    conversation_id = tx.sweeps.find_conversations_with(channel, [phone]).get(phone)
    newest = None if conversation_id is None else tx.held_messages.find_newest(conversation_id)
    if conversation_id is None or newest is None:
        return
    request_person(
        tx,
        conversation_id,
        HandoffReason.NOT_DELIVERED,
        inbox_id=None,
        dedupe_key=f"held_elsewhere:out-{newest}",
    )


def _wrote_since(conversation: Conversation, moment: datetime) -> bool:
    return conversation.last_inbound_at is not None and conversation.last_inbound_at > moment


def _may_be_held(message: OutboundMessage) -> bool:
    return message.channel is Channel.WHATSAPP and message.valid_for_seconds is None and not is_nudge(message)


def _is_over(tx: Transaction, outbox_id: int) -> bool:
    """Counted from when the words were written first: a copy is as old as what it copies."""
    left = written = tx.outbox.get(outbox_id)
    while copy := _COPY.search(written.message.dedupe_key):
        written = tx.outbox.get(int(copy.group(1)))
    return safety_lines.is_over(left.message, age=tx.now - written.created_at)


def _note_held(tx: Transaction, conversation: Conversation, outbox_id: int) -> None:
    tx.audit.record("message_held", by="worker", conversation_id=conversation.id, thing=f"out-{outbox_id}")


def _nudge(tx: Transaction, conversation: Conversation, lane: Lane, texts: ServiceTexts) -> None:
    nudge = _address(conversation, NUDGE, of=conversation, lane=lane, texts=texts)
    if outgoing.decide(tx, nudge).may_leave_some_time:
        outgoing.send(tx, nudge)
    else:
        fall_back(tx, nudge, texts)


def _nudge_by_sms(tx: Transaction, held: Conversation, lane: Lane, texts: ServiceTexts) -> bool:
    """False where there is no one number of record, or no text may go there unasked.

    Nor to anybody who told us to stop or shut us out on WhatsApp: another way in is for a person to choose.
    """
    if tx.opt_outs.find(held.channel, held.external_id):
        return False
    numbers = _list_numbers(tx, held)
    if len(numbers) != 1:
        return False
    conversation = tx.conversations.open(Channel.SMS, numbers.pop())
    nudge = _address(conversation, NUDGE_BY_SMS, of=held, lane=lane, texts=texts)
    if not outgoing.decide(tx, nudge).may_leave_some_time:
        return False
    outgoing.send(tx, nudge)
    return True


def _list_numbers(tx: Transaction, held: Conversation) -> set[str]:
    """Those of record."""
    reaches = tx.people.list_reaches(held.channel, held.external_id, held.id)
    return {reach.contact_mobile for reach in reaches if reach.contact_mobile}


def _address(
    to: Conversation, template: str, *, of: Conversation, lane: Lane, texts: ServiceTexts
) -> OutboundMessage:
    return outgoing.address(
        to,
        texts.render(template, to.channel),
        # Not the assistant's lane: it would be withdrawn when a person takes over, and the words still wait.
        lane=min(lane, Lane.STAFF),
        author=Author.SERVICE,
        kind=SendKind.CASE_UPDATE,
        template=template,
        dedupe_key=_key(template, of.id, _name_silence(of)),
    )


def _ask_person(tx: Transaction, conversation_id: str, silent_since: str) -> None:
    request_person(
        tx,
        conversation_id,
        HandoffReason.NOT_DELIVERED,
        inbox_id=None,
        dedupe_key=f"held:{conversation_id}:{silent_since}",
    )


def _key(template: str, conversation_id: str, silent_since: str) -> str:
    return f"{template}:{conversation_id}:{silent_since}"


def _name_silence(conversation: Conversation) -> str:
    """One name for each time they fell silent: a nudge is written once for it."""
    since = conversation.last_inbound_at
    return "never" if since is None else f"{since.timestamp():.6f}"
