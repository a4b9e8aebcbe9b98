"""The one way out: what is written to a victim is asked of their safe-contact plan, here and again when it is sent.

Nobody else writes to the outbox. What the plan forbids is kept as suppressed and becomes a person's task.
"""

import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from casework.model.desk import HandoffReason
from casework.model.erased import Erased
from casework.model.messages import (
    Author,
    Channel,
    Lane,
    NotSentReason,
    OutboundMessage,
    OutboxStatus,
    SendKind,
)
from casework.model.safe_contact import (
    LIVE_MINUTES,
    SafeContact,
    SafeContactPlan,
    SendDecision,
    SendReason,
    Wording,
    decide_send,
    find_live_until,
    parse_safe_contact,
    plan_for,
)
from casework.services import opt_outs
from casework.services.hand_off import keep_for_person, request_person
from casework.services.ports import Conversation, NewestTurn, Reach, Transaction

ANSWER_MINUTES = 24 * 60
"""How long somebody who asked for no special care may wait for the answer to what they wrote (ADR 0012)."""


NEVER = datetime.max.replace(tzinfo=UTC)

LEFT, STOPPED = NotSentReason.LEFT.value, NotSentReason.STOPPED.value
"""What becomes of the turn of an EXIT and of a STOP: after it nothing answers what they wrote before."""

ANSWERS_BY_ITSELF = (SendKind.ASSISTANT_REPLY, SendKind.SAFETY_LINE)
MENU_TOKEN_BYTES = 16  # 128 random bits, 22 letters


def address(
    conversation: Conversation,
    text: str,
    *,
    lane: Lane,
    author: Author,
    kind: SendKind,
    template: str,
    dedupe_key: str,
    turn_id: str | None = None,
    staff_id: str | None = None,
    choices: tuple[str, ...] = (),
    valid_for_seconds: int | None = None,
) -> OutboundMessage:
    """A text to whoever this conversation is with, as the conversation stands now.

    Choices get a token to name them by wherever a button may send something back.
    """
    has_menu = bool(choices) and conversation.channel is not Channel.WEBCHAT
    return OutboundMessage(
        conversation_id=conversation.id,
        channel=conversation.channel,
        to=conversation.external_id,
        text=text,
        lane=lane,
        author=author,
        kind=kind,
        template=template,
        dedupe_key=dedupe_key,
        epoch=conversation.epoch,
        turn_id=turn_id,
        staff_id=staff_id,
        choices=choices,
        menu_token=_make_menu_token() if has_menu else None,
        valid_for_seconds=valid_for_seconds,
    )


def send(tx: Transaction, message: OutboundMessage) -> int | None:
    """Puts a message on its way as the plan allows: now, from a later hour, or never and a person is asked.

    The row's id, or None when its dedupe key is already there.
    """
    decision = decide(tx, message)
    outbox_id = tx.outbox.record(
        message,
        decision=decision.reason.value,
        status=OutboxStatus.WAITING if decision.may_leave_some_time else OutboxStatus.SUPPRESSED,
        reason=None if decision.may_leave_some_time else decision.reason.value,
        not_before=decision.allowed_from,
    )
    if outbox_id is not None and not decision.may_leave_some_time:
        report_withheld(tx, outbox_id, message)
    return outbox_id


def reply_as_service(
    tx: Transaction,
    conversation: Conversation,
    text: str,
    *,
    template: str,
    dedupe_key: str,
    turn_id: str | None = None,
) -> None:
    """The service's own words in answer to what they wrote, where the assistant was not asked or gave no answer.

    `template`: what the record calls these words.
    """
    send(
        tx,
        address(
            conversation,
            text,
            lane=Lane.ASSISTANT,
            kind=SendKind.ASSISTANT_REPLY,
            author=Author.SERVICE,
            template=template,
            dedupe_key=dedupe_key,
            turn_id=turn_id,
        ),
    )


def record_suppressed(tx: Transaction, message: OutboundMessage, *, reason: str) -> None:
    """Keeps what was written and must not leave, for the record; whoever calls has seen to a person."""
    decision = decide(tx, message)
    tx.outbox.record(message, decision=decision.reason.value, status=OutboxStatus.SUPPRESSED, reason=reason)


def copy_of(message: OutboundMessage, *, dedupe_key: str) -> OutboundMessage:
    """The same words once more, under a key of their own; their numbered choices are a menu of their own."""
    menu_token = _make_menu_token() if message.menu_token else None
    return replace(message, dedupe_key=dedupe_key, menu_token=menu_token)


def record_held(tx: Transaction, message: OutboundMessage, *, reason: str) -> int | None:
    """Keeps what leaves when they write; whoever calls has told them that it waits. The row's id, as `send`."""
    decision = decide(tx, message)
    return tx.outbox.record(message, decision=decision.reason.value, status=OutboxStatus.HELD, reason=reason)


def report_withheld(tx: Transaction, outbox_id: int, message: OutboundMessage) -> None:
    """A person's task, once for each message: somebody waits for words that may not be written to them.

    Not for an answer to somebody who has left: they know that they closed it, and can write again.
    """
    tx.audit.record(
        "message_withheld", by="service", conversation_id=message.conversation_id, thing=f"out-{outbox_id}"
    )
    if message.kind in ANSWERS_BY_ITSELF and _find_closing(tx, message.conversation_id) is not None:
        return
    request_person(
        tx,
        message.conversation_id,
        HandoffReason.MAY_NOT_BE_WRITTEN,
        inbox_id=None,
        dedupe_key=f"withheld:out-{outbox_id}",
    )
    keep_for_person(tx, message.conversation_id, inbox_id=None)


def decide(tx: Transaction, message: OutboundMessage) -> SendDecision:
    """Whether this message may leave now. Where an address may be several people's, every plan must allow it."""
    conversation = tx.conversations.get(message.conversation_id)
    decision = _decide(tx, conversation, message.channel, message.to, message.kind, message.turn_id)
    if decision.allowed_from is None or message.valid_for_seconds is None:
        return decision
    # A code that would leave after it has run out does not leave at all.
    is_in_time = decision.allowed_from < tx.now + timedelta(seconds=message.valid_for_seconds)
    return decision if is_in_time else replace(decision, allowed_from=None)


def preview_reply(tx: Transaction, conversation_id: str) -> SendDecision:
    """What would become of a person's answer written now, to the contact point they wrote from."""
    conversation = tx.conversations.get(conversation_id)
    return _decide(tx, conversation, conversation.channel, conversation.external_id, SendKind.STAFF_REPLY)


def _decide(
    tx: Transaction,
    conversation: Conversation,
    channel: Channel,
    to: str,
    kind: SendKind,
    turn_id: str | None = None,
) -> SendDecision:
    if isinstance(to, Erased):
        return SendDecision(allowed=False, reason=SendReason.NOT_UNDERSTOOD)
    is_same_contact_point = conversation.channel is channel and conversation.external_id == to
    heard_at = conversation.last_inbound_at if is_same_contact_point else None
    closing = _find_closing(tx, conversation.id) if is_same_contact_point else None
    if closing is not None and closing.id != turn_id:
        if _answers_what_was_closed(tx, conversation, kind):
            return SendDecision(allowed=False, reason=SendReason.LEFT)
        live_from = None  # the phone is no longer in their hand
    else:
        live_from = heard_at
    decision = _strictest(
        [
            decide_send(
                plan,
                channel=channel,
                at=tx.now,
                kind=kind,
                live_until=find_live_until(live_from, minutes=get_answer_minutes(plan, channel)),
                is_same_contact_point=is_same_contact_point,
            )
            for plan in list_plans(tx, channel, to, conversation.id)
        ]
    )
    is_unasked = decision.reason in (SendReason.UNASKED_AGREED, SendReason.OUTSIDE_HOURS)
    if not is_unasked:
        return decision
    seen = tx.people.list_seen_numbers(channel, conversation.id)
    bar = opt_outs.find_bar(tx, channel, to, seen=seen, heard_at=heard_at)
    return decision if bar is None else SendDecision(allowed=False, reason=bar)


def _find_closing(tx: Transaction, conversation_id: str) -> NewestTurn | None:
    """The EXIT or STOP that is the last thing they wrote there."""
    newest = tx.turns.find_newest(conversation_id)
    return newest if newest is not None and newest.outcome in (LEFT, STOPPED) else None


def _answers_what_was_closed(tx: Transaction, conversation: Conversation, kind: SendKind) -> bool:
    # A code for a page they have open elsewhere is not an answer to this conversation; one they asked for here is.
    return kind in ANSWERS_BY_ITSELF or (
        kind is SendKind.ONE_TIME_CODE and tx.codes.has_asked(conversation.id)
    )


def list_plans(tx: Transaction, channel: Channel, to: str, conversation_id: str) -> list[SafeContactPlan]:
    """The plans of everyone this address or this conversation may belong to; for a stranger, answers only."""
    reaches = tx.people.list_reaches(channel, to, conversation_id)
    return [get_plan(reach) for reach in reaches] or [parse_safe_contact(SafeContact.REPLY_ONLY)]


def get_plan(reach: Reach) -> SafeContactPlan:
    """The plan in force. While nobody knows whose phone it is now, nothing goes there unasked."""
    plan = plan_for(reach.safe_contact, reach.crime_type, reach.stored_plan)
    return replace(plan, is_unsolicited_agreed=False) if reach.is_suspended else plan


def get_answer_minutes(plan: SafeContactPlan, channel: Channel) -> int:
    """A plan with any care in it trusts the phone a quarter of an hour after they wrote; else a day.

    A web page lights nothing up, and shows words to nobody but who has it open.
    """
    if channel is Channel.WEBCHAT:
        return ANSWER_MINUTES
    needs_care = plan.is_safe_first or plan.wording is Wording.NEUTRAL or bool(plan.hours)
    return LIVE_MINUTES if needs_care else ANSWER_MINUTES


def _strictest(decisions: list[SendDecision]) -> SendDecision:
    forbidden = [each for each in decisions if not each.allowed]
    if not forbidden:
        return decisions[0]
    # Of several hours the latest; when it comes the others are asked again.
    return max(forbidden, key=lambda each: (each.allowed_from is None, each.allowed_from or NEVER))


def _make_menu_token() -> str:
    return secrets.token_urlsafe(MENU_TOKEN_BYTES)
