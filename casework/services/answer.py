"""Answering one turn: ask the assistant, then commit its reply, state and effects as one."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from casework.model.desk import GRADE_OF_REASON, HandoffReason
from casework.model.errors import AssistantUnavailable, EffectUnknown
from casework.model.messages import Author, Channel, Lane, OutboundMessage, OutboxStatus
from casework.services import prove
from casework.services.ports import (
    Assistant,
    AssistantAnswer,
    AssistantReply,
    JsonObject,
    LeasedTurn,
    Store,
    Transaction,
)
from casework.services.service_texts import ServiceTexts

LEASE_SECONDS = 10
MAX_ATTEMPTS = 3
RETRY_AFTER_SECONDS = 1.5


class EffectRefused(Exception):
    """An effect could not be carried out as the reply says; the reply must not leave."""


class LeaseLost(Exception):
    """Another worker took the turn; nothing of ours may be written."""


@dataclass(frozen=True, kw_only=True)
class Answering:
    """What answering needs, wired once."""

    store: Store
    assistant: Assistant
    texts: ServiceTexts
    codes: prove.CodeBook
    worker_id: str
    retry_after_seconds: float = RETRY_AFTER_SECONDS


async def answer_next_turn(answering: Answering) -> bool:
    """Leases the oldest waiting turn and brings it to its end. False when none is waiting."""
    turn = await answering.store.write(lambda tx: _lease(tx, answering.worker_id))
    if turn is None:
        return False
    if turn.conversation.owner_id is not None:
        return True
    facts = await answering.store.read(lambda tx: _facts(tx, turn))
    try:
        answer = await _ask(answering, turn, facts)
    except AssistantUnavailable as error:
        reason = f"assistant_{error.code}"
        await answering.store.write(lambda tx: _commit_fallback(tx, turn, answering, reason))
        return True
    await _commit(answering, turn, answer)
    return True


def _lease(tx: Transaction, worker_id: str) -> LeasedTurn | None:
    turn = tx.turns.lease_next(worker_id, lease_seconds=LEASE_SECONDS)
    if turn is not None and turn.conversation.owner_id is not None:
        # A person took over after the message came in: it is theirs to answer.
        tx.turns.finish(turn, "with_person")
    return turn


def _facts(tx: Transaction, turn: LeasedTurn) -> JsonObject:
    level, _ = tx.standings.find(turn.conversation.id)
    return {
        "channel": turn.conversation.channel.value,
        "standing": level.name.lower(),
        "code_pending": tx.codes.has_asked(turn.conversation.id),
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
    except (EffectUnknown, EffectRefused):
        await answering.store.write(lambda tx: _commit_fallback(tx, turn, answering, "effect_refused"))


def commit_answer(tx: Transaction, turn: LeasedTurn, answer: AssistantAnswer, answering: Answering) -> None:
    """Turn, state, effects and reply together. A reply begun before a person took over never leaves."""
    effects = [parse_effect(effect) for effect in answer.effects]
    conversation = turn.conversation
    is_current = tx.conversations.record_state(conversation.id, answer.state, epoch=conversation.epoch)
    if not tx.turns.finish(turn, "answered" if is_current else "suppressed"):
        raise LeaseLost
    if is_current:
        for effect in effects:
            _commit_effect(tx, turn, effect, answering.codes)
    tx.outbox.record(
        _reply(turn, answer, answering.texts),
        decision="answers_a_message",
        status=OutboxStatus.WAITING if is_current else OutboxStatus.SUPPRESSED,
        reason=None if is_current else "person_took_over",
    )
    tx.audit.record(
        "turn_answered" if is_current else "reply_suppressed",
        by="assistant",
        conversation_id=conversation.id,
        thing=f"turn:{turn.id}",
    )


def render_text(replies: Sequence[AssistantReply], channel: Channel, texts: ServiceTexts) -> str:
    """One message of a turn's replies. Where there are no buttons the choices are written out."""
    if channel is Channel.WEBCHAT:
        return "\n\n".join(reply.text for reply in replies)
    lines = [reply.text for reply in replies]
    if replies[-1].choices:
        lines.append(texts.render("choices", channel, choices=", ".join(replies[-1].choices)))
    return "\n".join(lines)


def _reply(turn: LeasedTurn, answer: AssistantAnswer, texts: ServiceTexts) -> OutboundMessage:
    conversation = turn.conversation
    return OutboundMessage(
        conversation_id=conversation.id,
        channel=conversation.channel,
        to=conversation.external_id,
        text=render_text(answer.replies, conversation.channel, texts),
        lane=Lane.ASSISTANT,
        author=Author.ASSISTANT,
        template="+".join(reply.response for reply in answer.replies)[:96],
        dedupe_key=f"turn:{turn.id}",
        epoch=conversation.epoch,
        turn_id=turn.id,
        choices=answer.replies[-1].choices,
    )


def _commit_fallback(tx: Transaction, turn: LeasedTurn, answering: Answering, why: str) -> None:
    if not tx.turns.finish(turn, why[:32]):
        return
    conversation = tx.conversations.get(turn.conversation.id)
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


def request_person(
    tx: Transaction, conversation_id: str, reason: HandoffReason, *, inbox_id: int | None
) -> None:
    """Puts the conversation on the queue, once per reason while it is there."""
    if tx.desk.find_open(conversation_id, reason) is not None:
        return
    tx.desk.record_item(
        conversation_id=conversation_id,
        reason=reason,
        grade=GRADE_OF_REASON[reason],
        # Not unique by inbox id: the same reason may come back after the item was closed.
        dedupe_key=f"{reason.value}:{conversation_id}:{tx.now.timestamp()}",
        inbox_id=inbox_id,
        owner_id=tx.conversations.get(conversation_id).owner_id,
    )
    tx.audit.record("desk_item_opened", by="assistant", conversation_id=conversation_id, thing=reason.value)


# --- effects: what an action may declare, and nothing else -----------------------------------------


class _Effect(msgspec.Struct, frozen=True, tag_field="effect", forbid_unknown_fields=True):
    pass


class RequestCode(_Effect, frozen=True, tag="request_code"):
    reference: str


class ConfirmCode(_Effect, frozen=True, tag="confirm_code"):
    code: str
    accepted: bool


class HandOff(_Effect, frozen=True, tag="hand_off"):
    reason: HandoffReason


Effect = RequestCode | ConfirmCode | HandOff


def parse_effect(declared: Any) -> Effect:
    """The effect, whole and known; raises EffectUnknown, never guesses."""
    try:
        effect: Effect = msgspec.convert(declared, Effect)
    except msgspec.ValidationError as error:
        raise EffectUnknown(str(error)) from error
    return effect


def _commit_effect(tx: Transaction, turn: LeasedTurn, effect: Effect, codes: prove.CodeBook) -> None:
    match effect:
        case RequestCode(reference=reference):
            prove.request_code(tx, turn.conversation.id, reference)
        case ConfirmCode(code=code, accepted=accepted):
            confirmed = prove.confirm_code(tx, turn.conversation.id, code, codes=codes)
            if accepted and not confirmed:
                # The reply may hold case details; it was written for a standing that is not there.
                raise EffectRefused
        case HandOff(reason=reason):
            request_person(tx, turn.conversation.id, reason, inbox_id=turn.inbox_id)
