"""Answering one turn: ask the assistant, then commit its reply, state and effects as one."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from casework.model.bands import BandDecision, Bands, decide_band
from casework.model.desk import DeskItem, HandoffReason
from casework.model.disclosures import Band
from casework.model.errors import AssistantUnavailable, EffectUnknown
from casework.model.messages import Author, Channel, Lane, OutboundMessage, OutboxStatus
from casework.services import prove
from casework.services.disclosures import hand_over, request_check
from casework.services.effects import EffectRefused, commit_effect, parse_effect
from casework.services.hand_off import keep_for_person, request_person
from casework.services.ports import (
    Assistant,
    AssistantAnswer,
    AssistantReply,
    JsonObject,
    LeasedTurn,
    Store,
    Transaction,
)
from casework.services.safety_lines import SafetyLines
from casework.services.service_texts import ServiceTexts

LEASE_SECONDS = 10
MAX_ATTEMPTS = 3
RETRY_AFTER_SECONDS = 1.5
LONGEST_TEMPLATE = 96
CHECK_QUESTION = "check_question"


class LeaseLost(Exception):
    """Another worker took the turn; nothing of ours may be written."""


@dataclass(frozen=True, kw_only=True)
class Answering:
    """What answering needs, wired once."""

    store: Store
    assistant: Assistant
    texts: ServiceTexts
    codes: prove.CodeBook
    bands: Bands
    safety_lines: SafetyLines
    worker_id: str
    retry_after_seconds: float = RETRY_AFTER_SECONDS


async def answer_next_turn(answering: Answering) -> bool:
    """Leases the oldest waiting turn and brings it to its end. False when none is waiting."""
    turn = await answering.store.write(lambda tx: _lease(tx, answering.worker_id))
    if turn is None:
        return False
    if turn.conversation.owner_id is not None:
        return True
    try:
        await _answer(answering, turn)
    except Exception:
        # This worker lives on and renews what bears its name; a broken step must run out instead.
        await answering.store.write(lambda tx: tx.turns.release(turn))
        raise
    return True


async def _answer(answering: Answering, turn: LeasedTurn) -> None:
    facts = await answering.store.read(lambda tx: _facts(tx, turn, answering.bands))
    try:
        answer = await _ask(answering, turn, facts)
    except AssistantUnavailable as error:
        reason = f"assistant_{error.code}"
        await answering.store.write(lambda tx: _commit_fallback(tx, turn, answering, reason))
        return
    await _commit(answering, turn, answer)


def _lease(tx: Transaction, worker_id: str) -> LeasedTurn | None:
    turn = tx.turns.lease_next(worker_id, lease_seconds=LEASE_SECONDS)
    if turn is not None and turn.conversation.owner_id is not None:
        # A person took over after the message came in: it is theirs to answer.
        tx.turns.finish(turn, "with_person")
        keep_for_person(tx, turn.conversation.id, inbox_id=turn.inbox_id)
    return turn


def _facts(tx: Transaction, turn: LeasedTurn, bands: Bands) -> JsonObject:
    level, _ = tx.standings.find(turn.conversation.id)
    return {
        "channel": turn.conversation.channel.value,
        "standing": level.name.lower(),
        "code_pending": tx.codes.has_asked(turn.conversation.id),
        "earlier": tx.inbox.list_earlier(
            turn.conversation.id,
            before=turn.received_at,
            limits=bands.limits,
            before_id=turn.inbox_id,
        ),
    }


async def _ask(answering: Answering, turn: LeasedTurn, facts: JsonObject) -> AssistantAnswer:
    """Two tries, a breath between them: a restart of the assistant should not need a person."""
    if turn.attempts > MAX_ATTEMPTS:
        raise AssistantUnavailable("too_many_attempts")
    try:
        return await _ask_once(answering.assistant, turn, facts)
    except AssistantUnavailable:
        await asyncio.sleep(answering.retry_after_seconds)
        return await _ask_once(answering.assistant, turn, facts)


async def _ask_once(assistant: Assistant, turn: LeasedTurn, facts: JsonObject) -> AssistantAnswer:
    return await assistant.ask(
        turn_id=turn.id,
        conversation=turn.conversation.id,
        text=turn.text,
        state=turn.conversation.state,
        facts=facts,
    )


async def _commit(answering: Answering, turn: LeasedTurn, answer: AssistantAnswer) -> None:
    try:
        await answering.store.write(lambda tx: commit_answer(tx, turn, answer, answering))
    except LeaseLost:
        return
    except EffectUnknown:
        await answering.store.write(lambda tx: _commit_fallback(tx, turn, answering, "effect_refused"))
    except EffectRefused:
        await answering.store.write(lambda tx: _commit_refused(tx, turn, answering))


def commit_answer(tx: Transaction, turn: LeasedTurn, answer: AssistantAnswer, answering: Answering) -> None:
    """Turn, state, effects and reply together. A reply begun before a person took over never leaves.

    RED: the desk item and the safety line instead; the state stays as it was, so that what was interrupted
    can go on. AMBER: a CHECK item, and the reply asks if they are OK.
    """
    decision = decide_band(turn.screen, answer.learned, answer.wish, answering.bands.limits)
    if decision.band is Band.RED:
        _commit_disclosure(tx, turn, decision, answering)
        return
    effects = [parse_effect(effect) for effect in answer.effects]
    conversation = turn.conversation
    is_current = tx.conversations.record_state(conversation.id, answer.state, epoch=conversation.epoch)
    if not tx.turns.finish(turn, "answered" if is_current else "suppressed"):
        raise LeaseLost
    if is_current:
        for effect in effects:
            commit_effect(tx, turn, effect, answering.codes)
    asks = False
    if decision.band is Band.AMBER:
        check = request_check(
            tx, conversation.id, decision, inbox_id=turn.inbox_id, by="detector", bands=answering.bands
        )
        asks = is_current and check is not None and _ask_now(tx, check, answering.bands)
    tx.outbox.record(
        _reply(turn, answer, answering.texts, asks=asks),
        decision="answers_a_message",
        status=OutboxStatus.WAITING if is_current else OutboxStatus.SUPPRESSED,
        reason=None if is_current else "person_took_over",
    )
    if not is_current:
        keep_for_person(tx, conversation.id, inbox_id=turn.inbox_id)
    tx.audit.record(
        "turn_answered" if is_current else "reply_suppressed",
        by="assistant",
        conversation_id=conversation.id,
        thing=f"turn:{turn.id}",
    )


def _commit_disclosure(
    tx: Transaction, turn: LeasedTurn, decision: BandDecision, answering: Answering
) -> None:
    conversation = tx.conversations.hold(turn.conversation.id)
    if not tx.turns.finish(turn, "disclosed"):
        raise LeaseLost
    hand_over(
        tx,
        conversation,
        decision,
        inbox_id=turn.inbox_id,
        turn_id=turn.id,
        by="detector",
        bands=answering.bands,
        safety_lines=answering.safety_lines,
    )
    tx.audit.record("answer_dropped", by="detector", conversation_id=conversation.id, thing=f"turn:{turn.id}")


def _ask_now(tx: Transaction, check: DeskItem, bands: Bands) -> bool:
    """Whether the reply asks if they are OK: not while the last asking may still be answered."""
    again_after = timedelta(minutes=bands.limits.question_minutes)
    if check.asked_at is not None and tx.now - check.asked_at <= again_after:
        return False
    tx.desk.record_asked(check.id)
    return True


def render_text(replies: Sequence[AssistantReply], channel: Channel, texts: ServiceTexts) -> str:
    """One message of a turn's replies. Where there are no buttons the choices are written out."""
    if channel is Channel.WEBCHAT:
        return "\n\n".join(reply.text for reply in replies)
    lines = [reply.text for reply in replies]
    if replies[-1].choices:
        lines.append(texts.render("choices", channel, choices=", ".join(replies[-1].choices)))
    return "\n".join(lines)


def _reply(turn: LeasedTurn, answer: AssistantAnswer, texts: ServiceTexts, *, asks: bool) -> OutboundMessage:
    conversation = turn.conversation
    text = render_text(answer.replies, conversation.channel, texts)
    template = "+".join(reply.response for reply in answer.replies)[:LONGEST_TEMPLATE]
    if asks:
        between = "\n\n" if conversation.channel is Channel.WEBCHAT else "\n"
        text += between + texts.render(CHECK_QUESTION, conversation.channel)
        template = f"{template[: LONGEST_TEMPLATE - len(CHECK_QUESTION) - 1]}+{CHECK_QUESTION}"
    return OutboundMessage(
        conversation_id=conversation.id,
        channel=conversation.channel,
        to=conversation.external_id,
        text=text,
        lane=Lane.ASSISTANT,
        author=Author.ASSISTANT,
        template=template,
        dedupe_key=f"turn:{turn.id}",
        epoch=conversation.epoch,
        turn_id=turn.id,
        choices=answer.replies[-1].choices,
    )


def _commit_refused(tx: Transaction, turn: LeasedTurn, answering: Answering) -> None:
    # The count of this failure was rolled back with the reply; without it guessing would be free.
    prove.refuse_code(tx, turn.conversation.id)
    _commit_fallback(tx, turn, answering, "effect_refused")


def _commit_fallback(tx: Transaction, turn: LeasedTurn, answering: Answering, why: str) -> None:
    if not tx.turns.finish(turn, why[:32]):
        return
    conversation = tx.conversations.hold(turn.conversation.id)
    request_person(tx, conversation.id, HandoffReason.ASSISTANT_UNAVAILABLE, inbox_id=turn.inbox_id)
    if conversation.owner_id is not None:
        return
    tx.outbox.record(
        OutboundMessage(
            conversation_id=conversation.id,
            channel=conversation.channel,
            to=conversation.external_id,
            text=answering.texts.render("holding", conversation.channel),
            lane=Lane.ASSISTANT,
            author=Author.SERVICE,
            template="holding",
            dedupe_key=f"turn:{turn.id}",
            epoch=conversation.epoch,
            turn_id=turn.id,
        ),
        decision="answers_a_message",
    )
    tx.audit.record("turn_held", by="worker", conversation_id=conversation.id, thing=f"turn:{turn.id}")
