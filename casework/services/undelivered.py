"""What follows when a message of ours reached nobody: it is sent anew, or a person is told, and never nothing.

Each message comes here once, at the moment it is known to have failed: at the answer to the send, or by the
provider's news of it. The failures and their follow-ups stand in casework/model/delivery_failures.toml.
"""

import re
from datetime import timedelta

from casework.model.delivery_failures import TOO_LATE, Failure, FollowUp, get_failure
from casework.model.delivery_states import ARRIVED
from casework.model.desk import Grade, HandoffReason
from casework.model.messages import Channel, Lane, NotSentReason, OutboundMessage
from casework.model.safe_contact import ANSWERS_NOTHING
from casework.services import outgoing, safety_lines, standings, windows
from casework.services.hand_off import request_person
from casework.services.invites import INVITE_TEMPLATES
from casework.services.opt_outs import PROVIDER
from casework.services.ports import Conversation, LeasedDelivery, StoredDelivery, Transaction
from casework.services.service_texts import ServiceTexts

# How old what is sent anew may be when it leaves. Our own choice: an answer is still one on the same day.
OLDEST_ANSWER = timedelta(hours=8)

# A message sent anew names the one that was written, and how often it was sent anew.
_COPY = re.compile(r"again-(\d+):out-(\d+)")

HELD_TOO_LONG = "held_too_long"
ARRIVED_AFTER_ALL = NotSentReason.ARRIVED_AFTER_ALL.value
OVERTAKEN = NotSentReason.OVERTAKEN.value


def follow_up(
    tx: Transaction,
    outbox_id: int,
    failure: Failure,
    texts: ServiceTexts,
    *,
    error_code: str | None,
    is_at_once: bool = True,
) -> None:
    """Acts on a message that failed. `is_at_once`: the provider refused it; else it was taken and then failed."""
    left = tx.outbox.get(outbox_id)
    message = left.message
    if not is_at_once:
        tx.outbox.set_reason(outbox_id, failure.id)
        _record_failed(tx, message.conversation_id, outbox_id, by="provider")
    sound_alarm(tx, message, failure, error_code)
    if failure.follow_up is FollowUp.NONE:
        return
    is_window_closed = failure.follow_up is FollowUp.WINDOW_CLOSED and not is_at_once
    if is_window_closed and windows.hold_after_receipt(tx, outbox_id, texts):
        return
    _note_address(tx, message, failure, error_code)
    if windows.fall_back(tx, message, texts):
        return
    if not _send_anew(tx, left, failure):
        _tell_person(tx, left, failure)


def release_held(
    tx: Transaction, conversation: Conversation, texts: ServiceTexts, *, is_answered_anew: bool
) -> int:
    """They wrote, so what their channel held leaves; how many texts are on their way because of it.

    But a safety line whose moment is over: it has not reached them and does not any more, which is a person's task,
    and they are told so. `is_answered_anew`: what they wrote now has a safety line of its own, which says enough.
    """
    late = windows.list_late(tx, conversation)
    for outbox_id in late:
        tx.held_messages.give_up(outbox_id, reason=TOO_LATE)
        _record_failed(tx, conversation.id, outbox_id, by="service")
        follow_up(tx, outbox_id, get_failure(TOO_LATE), texts, error_code=None)
    is_told = bool(late) and not is_answered_anew
    if is_told:
        # As they stand now: the message that was just stored opens the time in which they may be answered.
        outgoing.reply_as_service(
            tx,
            tx.conversations.get(conversation.id),
            texts.render(HELD_TOO_LONG, conversation.channel),
            template=HELD_TOO_LONG,
            dedupe_key=f"{HELD_TOO_LONG}:out-{late[0]}",
        )
    return windows.release_held(tx, conversation) + int(is_told)


def _record_failed(tx: Transaction, conversation_id: str, outbox_id: int, *, by: str) -> None:
    tx.audit.record("delivery_failed", by=by, conversation_id=conversation_id, thing=f"out-{outbox_id}")


def sound_alarm(tx: Transaction, message: OutboundMessage, failure: Failure, error_code: str | None) -> None:
    """For what concerns more than this message, whether or not it is given up yet."""
    kind = failure.find_alarm(message.channel)
    if kind is not None:
        tx.alarms.sound(kind, f"{message.channel.value} {error_code or failure.id}")


def end_alarms(tx: Transaction, message: OutboundMessage) -> None:
    """A provider has just taken a message, so it does not refuse our account."""
    if message.channel is Channel.TELEGRAM:
        tx.alarms.end("telegram_refused")
    elif message.channel in (Channel.SMS, Channel.WHATSAPP):
        tx.alarms.end("sms_account_refused")


def find_moot(tx: Transaction, leased: LeasedDelivery) -> str | None:
    """Why a message that is to be sent anew must not leave any more; None for every other message."""
    copy = _COPY.fullmatch(leased.message.dedupe_key)
    if copy is None:
        return None
    root = tx.outbox.get(int(copy.group(2)))
    if root.delivery_state in ARRIVED:
        return ARRIVED_AFTER_ALL
    return OVERTAKEN if _is_overtaken(tx, root) else None


def report_moot(tx: Transaction, leased: LeasedDelivery, why: str) -> None:
    """What somebody wrote and nobody got is a person's task; an answer to somebody who has written since is not."""
    is_answered = leased.message.lane is Lane.ASSISTANT
    if why == OVERTAKEN and not is_answered:
        report_undelivered(tx, leased.outbox_id, leased.message.conversation_id)


def report_undelivered(tx: Transaction, outbox_id: int, conversation_id: str) -> None:
    """A person's task, once for each message however often the failure is told."""
    key = f"not_delivered:out-{outbox_id}"
    request_person(tx, conversation_id, HandoffReason.NOT_DELIVERED, inbox_id=None, dedupe_key=key)


def _note_address(
    tx: Transaction, message: OutboundMessage, failure: Failure, error_code: str | None
) -> None:
    if failure.follow_up is FollowUp.CANNOT_BE_TEXTED:
        word = error_code or failure.id
        tx.opt_outs.record(message.channel, message.to, how=PROVIDER, word=word)
    if failure.follow_up is FollowUp.NUMBER_DOUBTED:
        conversation = tx.conversations.get(message.conversation_id)
        standings.drop_standing(tx, conversation, f"provider_{error_code or failure.id}"[:32])
    else:
        standings.note_refused_number(tx, message.conversation_id, error_code)


def _tell_person(tx: Transaction, left: StoredDelivery, failure: Failure) -> None:
    """What stands on the desk for them already moves up first, so that the new item is not moved with it."""
    message = left.message
    raised = _raise_items(tx, message)
    if failure.follow_up is FollowUp.CANNOT_BE_TEXTED:
        request_person(
            tx,
            message.conversation_id,
            HandoffReason.CANNOT_BE_TEXTED,
            inbox_id=None,
            dedupe_key=f"cannot_be_texted:out-{left.outbox_id}",
        )
    elif message.lane is Lane.ONE_TIME_CODE:
        request_person(
            tx,
            message.conversation_id,
            HandoffReason.CODE_NOT_SENT,
            inbox_id=None,
            dedupe_key=f"code_not_sent:out-{left.outbox_id}",
        )
    else:
        report_undelivered(tx, left.outbox_id, message.conversation_id)
    if message.lane is Lane.SAFETY and not raised:
        _raise_items(tx, message)


def _raise_items(tx: Transaction, message: OutboundMessage) -> int:
    """One grade up for whatever waits for a person there (sms_whatsapp.md section 6.7), never down.

    Only a safety line brings anything to the first grade: a switched-off phone is no danger to life.
    """
    if message.lane is Lane.ONE_TIME_CODE or message.kind in ANSWERS_NOTHING:
        return 0
    highest = Grade.DANGER_NOW if message.lane is Lane.SAFETY else Grade.HIGH
    raised = tx.desk.raise_open(message.conversation_id, highest=highest)
    if raised:
        tx.audit.record("items_raised", by="service", conversation_id=message.conversation_id)
    return raised


# --- sent anew ------------------------------------------------------------------------------------


def _send_anew(tx: Transaction, left: StoredDelivery, failure: Failure) -> bool:
    """A copy under its own key, if the failure may pass and the moment of the words has not."""
    copy = _COPY.fullmatch(left.message.dedupe_key)
    times, root_id = (int(copy.group(1)), int(copy.group(2))) if copy else (0, left.outbox_id)
    if times >= len(failure.again):
        return False
    root = tx.outbox.get(root_id)
    leaves_at = tx.now + failure.again[times]
    age = leaves_at - root.created_at
    if is_time_bound(root.message, age=age) or _is_overtaken(tx, root):
        return False
    message = outgoing.copy_of(left.message, dedupe_key=f"again-{times + 1}:out-{root_id}")
    if not outgoing.decide(tx, message).may_leave_some_time:
        return False
    outbox_id = outgoing.send(tx, message)
    if outbox_id is not None:
        tx.outbox.put_off(outbox_id, until=leaves_at)
    return True


def is_time_bound(message: OutboundMessage, *, age: timedelta) -> bool:
    """Whether these words, that old, are wrong or worthless. What holds a secret is not kept once it left."""
    if message.lane is Lane.ONE_TIME_CODE or message.template in INVITE_TEMPLATES:
        return True
    if message.valid_for_seconds is not None and age.total_seconds() >= message.valid_for_seconds:
        return True
    return age > OLDEST_ANSWER or safety_lines.is_over(message, age=age)


def _is_overtaken(tx: Transaction, root: StoredDelivery) -> bool:
    """Whether either side has written since: old words after newer ones may say the wrong thing."""
    conversation = tx.conversations.get(root.message.conversation_id)
    heard_at = conversation.last_inbound_at
    if heard_at is not None and heard_at > root.created_at:
        return True
    return tx.outbox.has_written_since(root.outbox_id, copies=f":out-{root.outbox_id}")
