"""Storing a message before it is answered, and screening it in the same breath."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol

from casework.model.bands import ANSWERED_NO, BandDecision, Bands, decide_band
from casework.model.desk import CheckAnswer
from casework.model.disclosures import Band, Category, Evidence, ScreenResult
from casework.model.messages import InboundMessage
from casework.services.disclosures import hand_over, request_check
from casework.services.hand_off import keep_for_person
from casework.services.ports import Conversation, Transaction
from casework.services.safety_lines import SafetyLines


class Screen(Protocol):
    def screen(self, message: InboundMessage, earlier: Sequence[str] = ()) -> ScreenResult:
        """Never raises: what cannot be read is a hit. `earlier`: the person's last texts, oldest first."""


@dataclass(frozen=True, kw_only=True)
class Received:
    inbox_id: int | None  # None: a second copy, already stored
    conversation_id: str
    is_urgent: bool  # RED: with a person, and not put to the assistant


def receive_message(
    tx: Transaction, message: InboundMessage, *, screen: Screen, safety_lines: SafetyLines, bands: Bands
) -> Received:
    """One transaction: the message, its screening, the desk item and the safety line, or none of them.

    A copy of a stored message changes nothing. After a commit the provider may be told "accepted".
    """
    conversation = tx.conversations.open(message.channel, message.external_id)
    earlier = tx.inbox.list_earlier(conversation.id, before=message.received_at, limits=bands.limits)
    result = screen.screen(message, earlier)
    inbox_id = tx.inbox.record(message, conversation.id, result)
    if inbox_id is None:
        return Received(inbox_id=None, conversation_id=conversation.id, is_urgent=result.band is Band.RED)
    tx.audit.record("message_received", by="person", conversation_id=conversation.id, thing=f"in-{inbox_id}")
    tx.desk.restart_silence(conversation.id)
    decision = decide_band(result, None, None, bands.limits)
    if conversation.owner_id is None:
        decision = _hear_answer(tx, conversation, message, decision, bands)
    if decision.band is Band.RED:
        hand_over(
            tx,
            conversation,
            decision,
            inbox_id=inbox_id,
            turn_id=tx.turns.record_finished(inbox_id, conversation.id, "screened"),
            by="screen",
            bands=bands,
            safety_lines=safety_lines,
        )
    else:
        _keep_going(tx, conversation, decision, inbox_id, bands)
    return Received(inbox_id=inbox_id, conversation_id=conversation.id, is_urgent=decision.band is Band.RED)


def _keep_going(
    tx: Transaction, conversation: Conversation, decision: BandDecision, inbox_id: int, bands: Bands
) -> None:
    if decision.band is Band.AMBER:
        request_check(tx, conversation.id, decision, inbox_id=inbox_id, by="screen", bands=bands)
    if conversation.owner_id is None:
        tx.turns.record_waiting(inbox_id, conversation.id)
        return
    tx.turns.record_finished(inbox_id, conversation.id, "with_person")
    keep_for_person(tx, conversation.id, inbox_id=inbox_id)


def _hear_answer(
    tx: Transaction,
    conversation: Conversation,
    message: InboundMessage,
    decision: BandDecision,
    bands: Bands,
) -> BandDecision:
    """What the message says if it is the one word that answers "are you OK": a yes is noted, a no is RED."""
    asked = tx.desk.find_check(conversation.id)
    if asked is None or asked.asked_at is None or asked.answer is not None:
        return decision
    if tx.now - asked.asked_at > timedelta(minutes=bands.limits.question_minutes):
        return decision
    said = _plain(message.text)
    if said in bands.limits.answers_yes and decision.band is Band.GREEN:
        tx.desk.record_answer(asked.id, CheckAnswer.YES)
    if said not in bands.limits.answers_no:
        return decision
    tx.desk.record_answer(asked.id, CheckAnswer.NO)
    no = Evidence(rule=ANSWERED_NO, start=0, end=len(message.text))
    if decision.band is Band.RED:
        return replace(decision, evidence=(*decision.evidence, no))
    return BandDecision(
        band=Band.RED,
        tier=asked.tier,
        category=Category(asked.category) if asked.category else None,
        evidence=(no, *decision.evidence),
    )


def _plain(text: str) -> str:
    """Small letters and single spaces, apostrophes dropped: how the answers are listed in bands.toml."""
    return " ".join(re.sub(r"[^\w\s]|_", " ", re.sub(r"['\u2019]", "", text.casefold())).split())
