"""Storing a message before it is answered, and screening it in the same breath."""

from dataclasses import dataclass
from typing import Protocol

from casework.model.desk import Grade, HandoffReason
from casework.model.disclosures import ScreenResult
from casework.model.messages import Author, InboundMessage, Lane, OutboundMessage
from casework.services.hand_off import keep_for_person
from casework.services.ports import Conversation, Transaction
from casework.services.safety_lines import SafetyLines, find_safety_line

# While a person owns the conversation only danger to life or serious risk is answered by a fixed text.
TIERS_ANSWERED_WHILE_OWNED = (1, 2)


class Screen(Protocol):
    def screen(self, message: InboundMessage) -> ScreenResult:
        """Never raises: what cannot be read is a hit."""


@dataclass(frozen=True, kw_only=True)
class Received:
    inbox_id: int | None  # None: a second copy, already stored
    conversation_id: str
    is_urgent: bool


def receive_message(
    tx: Transaction, message: InboundMessage, *, screen: Screen, safety_lines: SafetyLines
) -> Received:
    """One transaction: the message, its screening, the desk item and the safety line, or none of them.

    A copy of a stored message changes nothing. After a commit the provider may be told "accepted".
    """
    result = screen.screen(message)
    conversation = tx.conversations.open(message.channel, message.external_id)
    inbox_id = tx.inbox.record(message, conversation.id, result)
    if inbox_id is None:
        return Received(inbox_id=None, conversation_id=conversation.id, is_urgent=result.urgent)
    tx.audit.record("message_received", by="person", conversation_id=conversation.id, thing=f"in-{inbox_id}")
    if result.urgent:
        _record_disclosure(tx, conversation, inbox_id, result, safety_lines)
    elif conversation.owner_id is not None:
        _leave_to_owner(tx, conversation, inbox_id)
    else:
        tx.turns.record_waiting(inbox_id, conversation.id)
    return Received(inbox_id=inbox_id, conversation_id=conversation.id, is_urgent=result.urgent)


def _record_disclosure(
    tx: Transaction,
    conversation: Conversation,
    inbox_id: int,
    result: ScreenResult,
    safety_lines: SafetyLines,
) -> None:
    unreadable = result.category is None
    tier = result.tier if result.tier is not None else 2
    tx.desk.record_item(
        conversation_id=conversation.id,
        reason=HandoffReason.UNREADABLE if unreadable else HandoffReason.DISCLOSURE,
        grade=Grade(tier),
        dedupe_key=f"disclosure:{inbox_id}",
        inbox_id=inbox_id,
        tier=tier,
        category=result.category.value if result.category else None,
        owner_id=conversation.owner_id,
    )
    tx.audit.record("desk_item_opened", by="screen", conversation_id=conversation.id, thing=f"in-{inbox_id}")
    turn_id = tx.turns.record_finished(inbox_id, conversation.id, "screened")
    if conversation.owner_id is not None and tier not in TIERS_ANSWERED_WHILE_OWNED:
        return
    line = find_safety_line(result, conversation.channel, safety_lines)
    tx.outbox.record(
        OutboundMessage(
            conversation_id=conversation.id,
            channel=conversation.channel,
            to=conversation.external_id,
            text=line.text,
            lane=Lane.SAFETY,
            author=Author.SERVICE,
            template=line.template_name,
            dedupe_key=f"safety:{inbox_id}",
            epoch=conversation.epoch,
            turn_id=turn_id,
        ),
        decision="answers_a_message",
    )


def _leave_to_owner(tx: Transaction, conversation: Conversation, inbox_id: int) -> None:
    tx.turns.record_finished(inbox_id, conversation.id, "with_person")
    keep_for_person(tx, conversation.id, inbox_id=inbox_id)
