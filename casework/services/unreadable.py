"""What a provider handed us and no program can read: kept for a person, because it may be somebody's cry for help."""

from datetime import datetime

from casework.model.desk import HandoffReason
from casework.model.messages import Channel, InboundMessage
from casework.services.hand_off import request_person
from casework.services.ports import Transaction
from casework.services.receive import Screen

NOBODY = "unreadable"  # the conversation they stand in: nobody knows who wrote them
LONGEST_SHOWN = 4000


def keep_unreadable(
    tx: Transaction,
    channel: Channel,
    raw: bytes,
    *,
    provider_message_id: str,
    received_at: datetime,
    screen: Screen,
) -> int | None:
    """Stores it word for word and puts it on the desk; nobody is answered. None: a copy, already kept."""
    text = raw.decode("utf-8", "replace").replace("\0", "\ufffd")[:LONGEST_SHOWN]
    message = InboundMessage(
        channel=channel,
        provider_message_id=provider_message_id,
        external_id=NOBODY,
        text=text,
        received_at=received_at,
        raw=raw,
        is_readable=False,
    )
    conversation = tx.conversations.open(channel, NOBODY)
    inbox_id = tx.inbox.record(message, conversation.id, screen.screen(message))
    if inbox_id is None:
        return None
    tx.audit.record("message_received", by="person", conversation_id=conversation.id, thing=f"in-{inbox_id}")
    tx.turns.record_finished(inbox_id, conversation.id, "unreadable")
    request_person(tx, conversation.id, HandoffReason.UNREADABLE, inbox_id=inbox_id)
    return inbox_id
