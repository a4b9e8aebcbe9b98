"""Storing a message before it is answered, and screening it in the same breath."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol

from casework.model.bands import ANSWERED_NO, BandDecision, Bands, decide_band
from casework.model.desk import CheckAnswer
from casework.model.disclosures import Band, Category, Evidence, ScreenResult
from casework.model.folded_words import fold_words
from casework.model.keywords import CLOSING, Keyword, fold_whole
from casework.model.messages import InboundMessage, Origin, find_written_at
from casework.services import duress, keywords, opt_outs, standings, undelivered, windows
from casework.services.disclosures import hand_over, request_check
from casework.services.hand_off import keep_for_person
from casework.services.ports import Conversation, Transaction
from casework.services.safety_lines import SafetyLines
from casework.services.service_texts import ServiceTexts


class Screen(Protocol):
    def screen(self, message: InboundMessage, earlier: Sequence[str] = ()) -> ScreenResult:
        """Never raises: what cannot be read is a hit. `earlier`: the person's last texts, oldest first."""


@dataclass(frozen=True, kw_only=True)
class Received:
    inbox_id: int | None  # None: a second copy, already stored
    conversation_id: str
    is_urgent: bool  # RED: with a person, and not put to the assistant


def receive_message(
    tx: Transaction,
    message: InboundMessage,
    *,
    screen: Screen,
    safety_lines: SafetyLines,
    bands: Bands,
    texts: ServiceTexts,
) -> Received:
    """One transaction: the message, its screening, the desk item and the safety line, or none of them.

    The screen reads first, then a keyword or a choice that is the whole text, then the assistant. A copy of a
    stored message changes nothing. After a commit the provider may be told "accepted".
    """
    conversation = tx.conversations.open(message.channel, message.external_id)
    earlier = tx.inbox.list_earlier(conversation.id, before=message.received_at, limits=bands.limits)
    result = screen.screen(message, earlier)
    inbox_id = tx.inbox.record(message, conversation.id, result)
    if inbox_id is None:
        return Received(inbox_id=None, conversation_id=conversation.id, is_urgent=result.band is Band.RED)
    tx.audit.record("message_received", by="person", conversation_id=conversation.id, thing=f"in-{inbox_id}")
    tx.media.record(inbox_id, message.media)
    tx.desk.restart_silence(conversation.id)
    duress.listen(tx, conversation, inbox_id)
    standings.hear_doubt(tx, conversation, message.text, inbox_id=inbox_id)
    decision = decide_band(result, None, None, bands.limits)
    if conversation.owner_id is None:
        decision = _hear_answer(tx, conversation, message, decision, bands)
    is_urgent = decision.band is Band.RED
    # RED wins over every keyword: "STOP" among cries for help is a disclosure and no wish to hear no more.
    keyword = None if is_urgent else keywords.find_keyword(message)
    is_overtaken = _is_overtaken(tx, conversation, message, inbox_id)
    opt_outs.hear_writer(tx, conversation, message, keyword, inbox_id=inbox_id, is_overtaken=is_overtaken)
    # Not to somebody who leaves, and not for what they wrote before: the conversation as it stood until now.
    may_release = keyword not in CLOSING and not is_overtaken
    released = (
        undelivered.release_held(tx, conversation, texts, is_answered_anew=is_urgent) if may_release else 0
    )
    phone = message.details.get("phone")
    if isinstance(phone, str):
        windows.report_held_elsewhere(tx, conversation.channel, phone)
    if is_urgent:
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
        if decision.band is Band.AMBER:
            request_check(tx, conversation.id, decision, inbox_id=inbox_id, by="screen", bands=bands)
        whole = _Whole(
            message=message,
            keyword=keyword,
            inbox_id=inbox_id,
            is_overtaken=is_overtaken,
            reads_held=released > 0 and fold_whole(message.text) == windows.READ_NOW,
        )
        _keep_going(tx, conversation, whole, texts)
    return Received(inbox_id=inbox_id, conversation_id=conversation.id, is_urgent=is_urgent)


@dataclass(frozen=True, kw_only=True)
class _Whole:
    """A message that is not urgent, stored.

    `is_overtaken`: found late, and they have written since. `reads_held`: it asked for what waited, and has it.
    """

    message: InboundMessage
    keyword: Keyword | None
    inbox_id: int
    is_overtaken: bool
    reads_held: bool


def _keep_going(tx: Transaction, conversation: Conversation, whole: _Whole, texts: ServiceTexts) -> None:
    inbox_id = whole.inbox_id
    if whole.keyword in CLOSING and whole.keyword is not None:
        # Whoever answers here: an EXIT is silent, and a STOP is heard, while a person owns it too.
        if whole.is_overtaken:
            keywords.keep_overtaken(tx, conversation, whole.keyword, inbox_id=inbox_id)
        else:
            keywords.close(tx, conversation, whole.message, whole.keyword, inbox_id=inbox_id, texts=texts)
    elif whole.reads_held:
        tx.turns.record_finished(inbox_id, conversation.id, "read_held")
    elif conversation.owner_id is None:
        keywords.read_whole_text(
            tx, conversation, whole.message, whole.keyword, inbox_id=inbox_id, texts=texts
        )
    else:
        tx.turns.record_finished(inbox_id, conversation.id, "with_person")
        keep_for_person(tx, conversation.id, inbox_id=inbox_id)


def _is_overtaken(
    tx: Transaction, conversation: Conversation, message: InboundMessage, inbox_id: int
) -> bool:
    written_at = find_written_at(message.origin, message.sent_at, message.received_at)
    is_late = message.origin is not Origin.WEBHOOK or written_at < message.received_at
    return is_late and tx.inbox.is_overtaken(inbox_id, conversation.id, sent_at=written_at)


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
    said = " ".join(fold_words(message.text))
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
