"""Answering one turn: ask the assistant, then commit its reply, state and effects as one."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache

from casework.model.bands import BandDecision, Bands, Learned, decide_band
from casework.model.desk import DeskItem, HandoffReason
from casework.model.disclosures import Band
from casework.model.errors import AssistantUnavailable, EffectUnknown
from casework.model.messages import Author, Lane, NotSentReason, OutboundMessage, SendKind
from casework.model.standings import Standing
from casework.services import kill_switch, outgoing, prove, standings, trials
from casework.services.content_ports import ContentRef
from casework.services.disclosures import hand_over, request_check
from casework.services.effects import EffectRefused, commit_effect, parse_effect
from casework.services.hand_backs import say_handed_back
from casework.services.hand_off import keep_for_person, request_person
from casework.services.intake_pauses import find_pause_reply
from casework.services.invites import find_invite_token, open_invite
from casework.services.kept_informed import KeptInformed, load_kept_informed, mark_read, tells_news
from casework.services.left_messages import find_lines_for
from casework.services.model_routing import note_answered, prefer
from casework.services.officer_thread import release_held_answers
from casework.services.ports import (
    Assistant,
    AssistantAnswer,
    JsonObject,
    LeasedTurn,
    Store,
    Transaction,
)
from casework.services.promises import Promising
from casework.services.rendering import CHECK_QUESTION, render_answer
from casework.services.safety_lines import SafetyLines
from casework.services.service_texts import ServiceTexts
from casework.services.told_contents import note_told, publish_over
from casework.services.turn_records import Asked, record_turn

LEASE_SECONDS = 10
MAX_ATTEMPTS = 3
RETRY_AFTER_SECONDS = 1.5
MODEL_NOTED_EVERY = timedelta(minutes=1)
LONGEST_TEMPLATE = 96
READ = "read"
"""What becomes of a turn whose words were left beside the chat: nothing is answered."""
# Responses that hold something of the person's own case.
TELLING = frozenset({"utter_officer", "utter_officer_contact", "utter_status_neutral", "utter_hear_by"})


class LeaseLost(Exception):
    """Another worker took the turn; nothing of ours may be written."""


class TellingRefused(Exception):
    """A reply tells of a case to somebody who has not proved, or no longer proves, that it is theirs."""


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
    promising: Promising
    retry_after_seconds: float = RETRY_AFTER_SECONDS
    informed: KeptInformed = field(default_factory=cache(load_kept_informed))
    models_noted: dict[str, datetime] = field(default_factory=dict)
    # The turns being answered now: only these are renewed. Whatever broke, what is not here runs out.
    in_hand: set[str] = field(default_factory=set)


async def answer_next_turn(answering: Answering, *, on_leased: Callable[[], None] = lambda: None) -> bool:
    """Leases the oldest waiting turn and brings it to its end. False when none is waiting.

    `on_leased` is called once there is one, before the work: somebody else may look for the next.
    """
    taken = await _take_next(answering)
    if taken is None:
        return False
    on_leased()
    if taken.is_settled:
        return True
    turn = taken.turn
    answering.in_hand.add(turn.id)
    try:
        await _answer(answering, turn, taken.question)
    finally:
        answering.in_hand.discard(turn.id)
    return True


# What the assistant is asked a turn with, and which models may answer it, the preferred one first.
_Question = tuple[Asked, tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class _Taken:
    """A turn in hand. `question`: where it was read as the turn was taken. `is_settled`: it has come to its end."""

    turn: LeasedTurn
    is_settled: bool = False
    question: _Question | None = None


async def _take_next(answering: Answering) -> _Taken | None:
    try:
        return await answering.store.write(lambda tx: _take(tx, answering))
    except Exception:
        # Nothing of it was written. Step by step its failure is its own, and holds up no other conversation.
        return await answering.store.write(lambda tx: _lease(tx, answering))


def _take(tx: Transaction, answering: Answering) -> _Taken | None:
    """Leases the next turn, and reads in the same transaction what the assistant is asked with."""
    taken = _lease(tx, answering)
    if taken is None or taken.is_settled or _find_token(taken.turn) is not None:
        return taken
    return replace(taken, question=_find_question(tx, taken.turn, answering))


def _find_question(tx: Transaction, turn: LeasedTurn, answering: Answering) -> _Question:
    return _find_asked(tx, turn, answering.bands), prefer(tx, turn.conversation)


async def _answer(answering: Answering, turn: LeasedTurn, question: _Question | None) -> None:
    token = _find_token(turn)
    if token is not None:
        await answering.store.write(lambda tx: _commit_invite(tx, turn, token, answering))
        return
    if question is None:
        question = await answering.store.read(lambda tx: _find_question(tx, turn, answering))
    asked, models = question
    try:
        answer = await _ask(answering, turn, asked.facts, models)
    except AssistantUnavailable as error:
        reason = f"assistant_{error.code}"
        await answering.store.write(lambda tx: _commit_fallback(tx, turn, answering, reason))
        return
    await _commit(answering, turn, answer, asked)


def _lease(tx: Transaction, answering: Answering) -> _Taken | None:
    """The next turn, brought to its end where that needs no assistant."""
    turn = tx.turns.lease_next(answering.worker_id, lease_seconds=LEASE_SECONDS)
    if turn is None:
        return None
    if turn.conversation.owner_id is not None:
        # A person took over after the message came in: it is theirs to answer.
        tx.turns.finish(turn, "with_person")
        keep_for_person(tx, turn.conversation.id, inbox_id=turn.inbox_id)
        return _Taken(turn=turn, is_settled=True)
    if _find_token(turn) is None and kill_switch.is_off(tx, turn.conversation.channel):
        _commit_switched_off(tx, turn, answering)
        return _Taken(turn=turn, is_settled=True)
    return _Taken(turn=turn)


def _find_token(turn: LeasedTurn) -> str | None:
    return find_invite_token(turn.text) if turn.left_for is None else None


def _commit_switched_off(tx: Transaction, turn: LeasedTurn, answering: Answering) -> None:
    conversation = tx.conversations.hold(turn.conversation.id)
    if not tx.turns.finish(turn, kill_switch.OUTCOME):
        raise LeaseLost
    kill_switch.give_to_person(
        tx,
        conversation,
        turn_id=turn.id,
        inbox_id=turn.inbox_id,
        texts=answering.texts,
        hours=answering.promising.hours,
    )
    tx.audit.record("turn_held", by="worker", conversation_id=conversation.id, thing=f"turn:{turn.id}")


def _find_asked(tx: Transaction, turn: LeasedTurn, bands: Bands) -> Asked:
    conversation = turn.conversation
    level, _ = tx.standings.find(conversation.id)
    plans = outgoing.list_plans(tx, conversation.channel, conversation.external_id, conversation.id)
    earlier = tx.inbox.list_earlier_with_ids(
        conversation.id, before=turn.received_at, limits=bands.limits, before_id=turn.inbox_id
    )
    facts = {
        "channel": conversation.channel.value,
        "standing": level.name.lower(),
        "code_pending": tx.codes.has_asked(conversation.id),
        "safe_question": any(plan.is_safe_first for plan in plans),
        "earlier": [text for _, text in earlier],
    }
    return Asked(facts=facts, earlier_ids=tuple(number for number, _ in earlier))


async def _ask(
    answering: Answering, turn: LeasedTurn, facts: JsonObject, models: tuple[str, ...]
) -> AssistantAnswer:
    """Two tries, a breath between them: a restart of the assistant should not need a person."""
    if turn.attempts > MAX_ATTEMPTS:
        raise AssistantUnavailable("too_many_attempts")
    try:
        return await _ask_once(answering.assistant, turn, facts, models)
    except AssistantUnavailable:
        await asyncio.sleep(answering.retry_after_seconds)
        return await _ask_once(answering.assistant, turn, facts, models)


async def _ask_once(
    assistant: Assistant, turn: LeasedTurn, facts: JsonObject, models: tuple[str, ...]
) -> AssistantAnswer:
    return await assistant.ask(
        turn_id=turn.id,
        conversation=turn.conversation.id,
        text=turn.text,
        state=turn.conversation.state,
        facts=facts,
        models=models,
    )


async def _commit(answering: Answering, turn: LeasedTurn, answer: AssistantAnswer, asked: Asked) -> None:
    try:
        await answering.store.write(lambda tx: commit_answer(tx, turn, answer, answering, asked))
    except LeaseLost:
        return
    except (EffectUnknown, TellingRefused):
        await answering.store.write(lambda tx: _commit_fallback(tx, turn, answering, "effect_refused"))
    except EffectRefused:
        await answering.store.write(lambda tx: _commit_refused(tx, turn, answering))


def commit_answer(
    tx: Transaction,
    turn: LeasedTurn,
    answer: AssistantAnswer,
    answering: Answering,
    asked: Asked | None = None,
) -> None:
    """Turn, state, effects and reply together, and with `asked` the record of the turn.

    A reply begun before a person took over never leaves. RED: the desk item and the safety line instead; the
    state stays as it was, so that what was interrupted can go on. AMBER: a CHECK item, and the reply asks if they
    are OK.
    """
    decision = decide_band(turn.screen, _learned_of(turn, answer), answer.wish, answering.bands.limits)
    if decision.band is Band.RED:
        _commit_disclosure(tx, turn, decision, answering)
    elif kill_switch.is_off(tx, turn.conversation.channel):
        # Switched off since it was asked: what it said reaches nobody.
        _commit_switched_off(tx, turn, answering)
        return
    elif turn.left_for is not None:
        _commit_read(tx, turn, decision, answering, outcome=READ)
    elif trials.is_left_out(tx, turn.conversation):
        _commit_read(tx, turn, decision, answering, outcome=trials.OUTCOME)
        conversation = tx.conversations.hold(turn.conversation.id)
        trials.tell_left_out(tx, conversation, turn_id=turn.id, texts=answering.texts)
    else:
        _commit_reply(tx, turn, answer, decision, answering)
    if asked is not None:
        record_turn(tx, turn, asked, answer, decision)


def _commit_reply(
    tx: Transaction,
    turn: LeasedTurn,
    answer: AssistantAnswer,
    decision: BandDecision,
    answering: Answering,
) -> None:
    effects = [parse_effect(effect) for effect in answer.effects]
    conversation = turn.conversation
    is_current = tx.conversations.record_state(conversation.id, answer.state, epoch=conversation.epoch)
    if not tx.turns.finish(turn, "answered" if is_current else "suppressed"):
        raise LeaseLost
    _note_model(tx, answer.model, answering.models_noted)
    promised: list[str | None] = []
    if is_current:
        note_answered(tx, conversation, answer.model)
        # Before the effects: an answer that was held belongs to what they wrote before.
        release_held_answers(tx, conversation)
        promised = [
            commit_effect(tx, turn, effect, answering.codes, answering.promising) for effect in effects
        ]
        _check_telling(tx, turn, answer, answering.informed)
        # What a colleague approved comes before what the assistant says next.
        say_handed_back(tx, conversation, turn_id=turn.id, answers=turn.text)
    asks = False
    if decision.band is Band.AMBER:
        check = request_check(
            tx, conversation.id, decision, inbox_id=turn.inbox_id, by="detector", bands=answering.bands
        )
        asks = is_current and check is not None and _ask_now(tx, check, answering.bands)
    words = tuple(each for each in promised if each is not None)
    pause = find_pause_reply(tx, conversation, answering.texts) if is_current else None
    if pause is not None:
        answer = replace(answer, replies=(pause, *answer.replies))
    answer = replace(answer, replies=publish_over(tx, answer.replies, conversation.channel))
    for reply, contents in _replies(turn, answer, answering.texts, asks=asks, words=words):
        if is_current:
            note_told(tx, outgoing.send(tx, reply), contents)
        else:
            outgoing.record_suppressed(tx, reply, reason=NotSentReason.PERSON_TOOK_OVER.value)
    if not is_current:
        keep_for_person(tx, conversation.id, inbox_id=turn.inbox_id)
    tx.audit.record(
        "turn_answered" if is_current else "reply_suppressed",
        by="assistant",
        conversation_id=conversation.id,
        thing=f"turn:{turn.id}",
    )


def _note_model(tx: Transaction, model: str, noted: dict[str, datetime]) -> None:
    """For the supervisors' board: once a minute, not with every answer."""
    if model in noted and tx.now - noted[model] < MODEL_NOTED_EVERY:
        return
    tx.boards.record_model(model)
    noted[model] = tx.now


def _commit_read(
    tx: Transaction, turn: LeasedTurn, decision: BandDecision, answering: Answering, *, outcome: str
) -> None:
    """Words left beside the chat, or of somebody outside a trial: read for danger as any others, and not answered.

    The dialogue stays where it was. AMBER still asks if they are OK.
    """
    if not tx.turns.finish(turn, outcome):
        raise LeaseLost
    if decision.band is not Band.AMBER:
        return
    conversation = tx.conversations.hold(turn.conversation.id)
    check = request_check(
        tx, conversation.id, decision, inbox_id=turn.inbox_id, by="detector", bands=answering.bands
    )
    if check is None or conversation.owner_id is not None or not _ask_now(tx, check, answering.bands):
        return
    outgoing.send(
        tx,
        outgoing.address(
            conversation,
            answering.texts.render(CHECK_QUESTION, conversation.channel),
            lane=Lane.ASSISTANT,
            kind=SendKind.ASSISTANT_REPLY,
            author=Author.ASSISTANT,
            template=CHECK_QUESTION,
            dedupe_key=f"turn:{turn.id}",
            turn_id=turn.id,
        ),
    )


def _learned_of(turn: LeasedTurn, answer: AssistantAnswer) -> Learned | None:
    """What the detector says; of words put in place of theirs its spans would point into a text they did not write."""
    if answer.learned is None or not turn.is_reworded:
        return answer.learned
    return replace(answer.learned, spans=())


def _check_telling(
    tx: Transaction, turn: LeasedTurn, answer: AssistantAnswer, informed: KeptInformed
) -> None:
    """Looked at again where it counts: what tells of a case leaves only while the link to it holds."""
    said = [reply.response for reply in answer.replies]
    level, crime_reference = tx.standings.find(turn.conversation.id)
    is_linked = level >= Standing.LINKED and crime_reference is not None
    tells = tells_news(said) or not TELLING.isdisjoint(said)
    if tells and not is_linked:
        raise TellingRefused
    standings.use_standing(tx, turn.conversation.id)
    if crime_reference is not None and is_linked and tells_news(said):
        # A status question answered without a person: counted by casework/adapters/storage/measures.py.
        tx.audit.record("status_told", by="assistant", conversation_id=turn.conversation.id)
        mark_read(tx, crime_reference, turn.conversation.id, informed=informed)


def _commit_invite(tx: Transaction, turn: LeasedTurn, token: str, answering: Answering) -> None:
    """An invite used in a chat, or the words for one that opens nothing: the assistant is not asked."""
    conversation = tx.conversations.hold(turn.conversation.id)
    if not tx.turns.finish(turn, "invite"):
        return
    if conversation.owner_id is not None:
        keep_for_person(tx, conversation.id, inbox_id=turn.inbox_id)
        return
    opened = open_invite(tx, token, conversation, codes=answering.codes)
    said = "invite_refused" if opened is None else "invite_opened"
    outgoing.reply_as_service(
        tx,
        conversation,
        answering.texts.render(said, conversation.channel),
        template=said,
        dedupe_key=f"turn:{turn.id}",
        turn_id=turn.id,
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
        safety_lines=find_lines_for(turn.left_for, answering.safety_lines),
    )
    tx.audit.record("answer_dropped", by="detector", conversation_id=conversation.id, thing=f"turn:{turn.id}")


def _ask_now(tx: Transaction, check: DeskItem, bands: Bands) -> bool:
    """Whether the reply asks if they are OK: not while the last asking may still be answered."""
    again_after = timedelta(minutes=bands.limits.question_minutes)
    if check.asked_at is not None and tx.now - check.asked_at <= again_after:
        return False
    tx.desk.record_asked(check.id)
    return True


def _replies(
    turn: LeasedTurn, answer: AssistantAnswer, texts: ServiceTexts, *, asks: bool, words: Sequence[str] = ()
) -> list[tuple[OutboundMessage, tuple[ContentRef, ...]]]:
    """The turn's answer, in the messages it takes on its channel, each with what it is made of: in this order."""
    rendered = render_answer(answer.replies, turn.conversation.channel, texts, promised=words, asks=asks)
    return [
        (
            outgoing.address(
                turn.conversation,
                each.text,
                lane=Lane.ASSISTANT,
                kind=SendKind.ASSISTANT_REPLY,
                author=Author.ASSISTANT,
                template=_cut(each.template),
                dedupe_key=f"turn:{turn.id}" if number == 1 else f"turn:{turn.id}:{number}",
                turn_id=turn.id,
                choices=each.choices,
            ),
            each.contents,
        )
        for number, each in enumerate(rendered, 1)
    ]


def _cut(template: str) -> str:
    """As much as the record has room for; that they were asked if they are OK is never what is cut off."""
    if len(template) <= LONGEST_TEMPLATE:
        return template
    end = f"+{CHECK_QUESTION}" if template.endswith(CHECK_QUESTION) else ""
    return template[: LONGEST_TEMPLATE - len(end)] + end


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
    outgoing.reply_as_service(
        tx,
        conversation,
        answering.texts.render("holding", conversation.channel),
        template="holding",
        dedupe_key=f"turn:{turn.id}",
        turn_id=turn.id,
    )
    tx.audit.record("turn_held", by="worker", conversation_id=conversation.id, thing=f"turn:{turn.id}")
