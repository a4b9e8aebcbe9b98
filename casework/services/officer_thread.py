"""The thread between a victim and the officer in the case, and what happens when the officer does not answer.

A message for the officer is a row of its case, a promise and a desk task. The officer answers by a link, without an
account; the answer goes the way every text goes (casework/services/outgoing.py). See docs/officer-thread.md.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from casework.model.cases import Case
from casework.model.desk import HandoffReason
from casework.model.errors import UnreadMessages, WaymarkError
from casework.model.messages import Author, Channel, Lane, OutboundMessage, SendKind
from casework.model.officer_messages import ANSWER_KEY, MessageStatus, OfficerMessage, OfficerThreadView
from casework.model.promises import PromiseKind, PromiseStatus, count_due, find_promise_by, say_day
from casework.model.safe_contact import Wording, may_reply
from casework.model.standings import Standing
from casework.model.tokens import hash_token, make_address_token
from casework.services import outgoing
from casework.services.hand_off import request_person
from casework.services.ports import Conversation, Store, Transaction
from casework.services.promises import Promising, keep_promises, make_promise, write_unasked
from casework.services.service_texts import ServiceTexts

LINK_LASTS = timedelta(days=7)
TEAM = "team"


class OfficerLinkEnded(WaymarkError):
    """The link opens nothing: ended, run out or never made. Nobody is told which."""


@dataclass(frozen=True, kw_only=True)
class OpenedThread:
    """What a link opens: the messages of one case, oldest first."""

    case: Case
    messages: tuple[OfficerMessage, ...]

    @property
    def latest_left_id(self) -> str:
        """The newest message of the victim; empty when there is none."""
        return next((each.id for each in reversed(self.messages) if each.author is Author.PERSON), "")


@dataclass(frozen=True, kw_only=True)
class Notice:
    subject: str
    body: str


# --- the victim writes ------------------------------------------------------------------------------


def leave_message(
    tx: Transaction, conversation: Conversation, *, inbox_id: int, text: str, promising: Promising
) -> str | None:
    """Keeps what a linked person wrote for their officer. The desk task is the caller's, linked or not.

    Gives the promise to say with the reply; None where none is made: the person is not linked, nothing may be
    written to them, one still stands, or the rota cannot keep one.
    """
    level, crime_reference = tx.standings.find(conversation.id)
    case = tx.cases.find(crime_reference) if crime_reference else None
    if level < Standing.LINKED or case is None:
        return None
    due_at = count_due(promising.hours, promising.limits, PromiseKind.OFFICER_ANSWER, tx.now)
    message_id = tx.officer_messages.record_left(
        case.crime_reference, conversation.id, inbox_id=inbox_id, text=text, due_at=due_at
    )
    if message_id is None:
        return None
    tx.audit.record(
        "officer_message_left", by="person", conversation_id=conversation.id, thing=f"message:{message_id}"
    )
    return _promise_answer(tx, conversation, case, message_id, promising)


def _promise_answer(
    tx: Transaction, conversation: Conversation, case: Case, message_id: str, promising: Promising
) -> str | None:
    due_at = find_promise_by(promising.hours, promising.limits, PromiseKind.OFFICER_ANSWER, tx.now)
    if due_at is None or _find_standing_promise(tx, conversation.id, PromiseKind.OFFICER_ANSWER):
        return None
    plans = outgoing.list_plans(tx, conversation.channel, conversation.external_id, conversation.id)
    if not all(may_reply(plan, conversation.channel) for plan in plans):
        return None
    is_neutral = conversation.channel is not Channel.WEBCHAT and any(
        plan.wording is Wording.NEUTRAL for plan in plans
    )
    name = "officer_promise_neutral" if is_neutral else "officer_promise"
    words = promising.texts.render(name, conversation.channel, day=say_day(due_at))
    make_promise(
        tx,
        kind=PromiseKind.OFFICER_ANSWER,
        owner=case.oic_collar_number or "officer",
        words=words,
        due_at=due_at,
        hours=promising.hours,
        dedupe_key=f"officer_answer:{message_id}",
        conversation_id=conversation.id,
        crime_reference=case.crime_reference,
    )
    return words


def _find_standing_promise(tx: Transaction, conversation_id: str, *kinds: PromiseKind) -> bool:
    made = tx.promises.list_of_conversation(conversation_id)
    return any(each.kind in kinds and each.status is PromiseStatus.MADE for each in made)


def find_officer_thread(tx: Transaction, conversation_id: str) -> OfficerThreadView | None:
    """Reads only: where the messages left in this conversation stand. None below LINKED, or when none was left."""
    level, crime_reference = tx.standings.find(conversation_id)
    if level < Standing.LINKED or crime_reference is None:
        return None
    messages = tx.officer_messages.list_of_conversation(conversation_id, crime_reference=crime_reference)
    left = [each for each in messages if each.author is Author.PERSON]
    if not left:
        return None
    made = tx.promises.list_of_conversation(conversation_id)
    still = [each.due_at for each in made if each.status is PromiseStatus.MADE and each.due_at > tx.now]
    return OfficerThreadView(
        left_at=left[-1].created_at,
        status=left[-1].status,
        read_at=left[-1].read_at,
        hear_by=min(still, default=None) if left[-1].is_open else None,
        held=tuple(each for each in messages if each.status is MessageStatus.HELD),
    )


# --- the officer reads and answers ------------------------------------------------------------------


def issue_officer_link(tx: Transaction, crime_reference: str, *, by: str) -> str:
    """A new token for one case's thread, shown once and kept nowhere."""
    token = make_address_token()
    token_hash = hash_token(token)
    tx.officer_messages.record_link(token_hash, crime_reference, expires_at=tx.now + LINK_LASTS)
    tx.audit.record("officer_link_issued", by=by, thing=_name_link(token_hash))
    return token


def end_officer_links(tx: Transaction, crime_reference: str, *, by: str) -> int:
    """Ends every link to the thread: the officer has changed, or a link went astray."""
    ended = tx.officer_messages.end_links(crime_reference)
    if ended:
        tx.audit.record("officer_links_ended", by=by, thing=str(ended))
    return ended


def officer_notice(texts: ServiceTexts, link: str) -> Notice:
    """What brings the link to the officer; holds nothing of the message."""
    return Notice(
        subject=texts.render("officer_notice_subject", Channel.EMAIL),
        body=texts.render("officer_notice", Channel.EMAIL, link=link),
    )


def read_officer_thread(tx: Transaction, token: str) -> OpenedThread:
    """The thread for the officer's page; the reading is recorded. Raises OfficerLinkEnded."""
    token_hash = hash_token(token)
    thread = _open(tx, token_hash)
    if tx.officer_messages.record_opened(thread.case.crime_reference):
        thread = _open(tx, token_hash)
    _record_act(tx, "officer_thread_read", thread, token_hash)
    return thread


def list_answered_channels(tx: Transaction, token: str) -> list[Channel]:
    """The channels an answer would go to, read only. Raises OfficerLinkEnded."""
    thread = _open(tx, hash_token(token))
    addressed = set(_list_addressed(thread))
    return list({each.channel for each in thread.messages if each.conversation_id in addressed})


def answer_as_officer(
    tx: Transaction, token: str, text: str, *, last_seen_id: str, form_id: str
) -> Sequence[str]:
    """Answers every conversation in which a message is open, else the newest; the new messages' ids.

    Raises OfficerLinkEnded, and UnreadMessages where the victim wrote after the page was made. A form sent twice is
    one answer.
    """
    token_hash = hash_token(token)
    thread = _open(tx, token_hash)
    for conversation_id in _list_addressed(thread):
        # Held, so that no message of theirs comes in between the look at what is newest and the commit.
        tx.conversations.hold(conversation_id)
    thread = _open(tx, token_hash)
    answers = {_name_answer(form_id, text, each): each for each in _list_addressed(thread)}
    if any(message.id in answers for message in thread.messages):
        return ()
    if thread.latest_left_id != last_seen_id:
        raise UnreadMessages
    for answer_id, conversation_id in answers.items():
        _answer(tx, thread.case, tx.conversations.get(conversation_id), answer_id, text)
    _record_act(tx, "officer_answered", thread, token_hash)
    return tuple(answers)


def _open(tx: Transaction, token_hash: str) -> OpenedThread:
    crime_reference = tx.officer_messages.find_link(token_hash)
    case = tx.cases.find(crime_reference) if crime_reference else None
    if case is None:
        raise OfficerLinkEnded
    return OpenedThread(case=case, messages=tuple(tx.officer_messages.list_thread(case.crime_reference)))


def _list_addressed(thread: OpenedThread) -> list[str]:
    left = [each for each in thread.messages if each.author is Author.PERSON]
    waiting = [each for each in left if each.is_open] or left[-1:]
    return list(dict.fromkeys(each.conversation_id for each in waiting))


def _answer(tx: Transaction, case: Case, conversation: Conversation, answer_id: str, text: str) -> None:
    message = _write_answer(conversation, answer_id, text)
    may_leave = _may_leave(tx, case.crime_reference, message)
    tx.officer_messages.record_answer(
        answer_id,
        case.crime_reference,
        conversation.id,
        author_name=case.oic_name,
        text=text,
        status=MessageStatus.ON_ITS_WAY if may_leave else MessageStatus.HELD,
    )
    if may_leave:
        _let_leave(tx, case.crime_reference, message)
        return
    # Written but not told: a person has to tell them, or their own next message lets it go.
    tx.officer_messages.pass_to_team(case.crime_reference, conversation.id)
    tx.promises.hand_over(conversation.id, to=PromiseKind.TEAM_ANSWER, owner=TEAM)
    request_person(
        tx,
        conversation.id,
        HandoffReason.MAY_NOT_BE_WRITTEN,
        inbox_id=None,
        dedupe_key=f"{ANSWER_KEY}{answer_id}",
    )


def release_held_answers(tx: Transaction, conversation: Conversation) -> int:
    """Sends what an officer wrote and could not be sent, now that its reader is there. To linked people only."""
    level, crime_reference = tx.standings.find(conversation.id)
    if level < Standing.LINKED or crime_reference is None:
        return 0
    released = 0
    messages = tx.officer_messages.list_of_conversation(conversation.id, crime_reference=crime_reference)
    for held in messages:
        message = _write_answer(conversation, held.id, held.text)
        if held.status is not MessageStatus.HELD or not _may_leave(tx, crime_reference, message):
            continue
        if tx.officer_messages.record_released(held.id):
            _let_leave(tx, crime_reference, message)
            released += 1
    return released


def _may_leave(tx: Transaction, crime_reference: str, message: OutboundMessage) -> bool:
    if not tx.officer_messages.is_linked(crime_reference, message.conversation_id):
        return False  # the proof was ended: somebody else may have that phone now
    return outgoing.decide(tx, message).may_leave_some_time


def _let_leave(tx: Transaction, crime_reference: str, message: OutboundMessage) -> None:
    outgoing.send(tx, message)
    tx.officer_messages.record_answered(crime_reference, message.conversation_id)
    keep_promises(tx, message.conversation_id, by="officer")


def _write_answer(conversation: Conversation, answer_id: str, text: str) -> OutboundMessage:
    return outgoing.address(
        conversation,
        text,
        lane=Lane.STAFF,
        author=Author.STAFF,
        template="officer",
        dedupe_key=f"{ANSWER_KEY}{answer_id}",
        kind=SendKind.STAFF_REPLY,
    )


def _record_act(tx: Transaction, act: str, thread: OpenedThread, token_hash: str) -> None:
    for conversation_id in dict.fromkeys(each.conversation_id for each in thread.messages) or [None]:
        tx.audit.record(act, by="officer", conversation_id=conversation_id, thing=_name_link(token_hash))


def _name_link(token_hash: str) -> str:
    return f"officer-link:{token_hash[:16]}"


def _name_answer(form_id: str, text: str, conversation_id: str) -> str:
    # Sent twice it is one message; gone back to and changed it is another.
    named = f"{form_id}|{conversation_id}|{text}"
    return hashlib.sha256(named.encode("utf-8", "replace")).hexdigest()[:32]


# --- the officer is silent --------------------------------------------------------------------------


async def pass_on_next_silent(store: Store, promising: Promising) -> bool:
    """Gives one message whose officer did not answer in time to the team. False when there is none."""
    if await store.read(lambda tx: tx.officer_messages.find_silent()) is None:
        return False
    await store.write(lambda tx: pass_on_silent(tx, promising))
    return True


def pass_on_silent(tx: Transaction, promising: Promising) -> None:
    """The same in one transaction; nothing when another worker was first."""
    message = tx.officer_messages.find_silent()
    if message is None:
        return
    conversation = tx.conversations.hold(message.conversation_id)
    if not tx.officer_messages.pass_to_team(message.crime_reference, conversation.id):
        return
    tx.promises.record_overdue(conversation.id, PromiseKind.OFFICER_ANSWER)
    key = f"officer_silent:{message.id}"
    request_person(tx, conversation.id, HandoffReason.OFFICER_SILENT, inbox_id=None, dedupe_key=key)
    tx.audit.record("officer_silent", by="worker", conversation_id=conversation.id, thing=message.id)
    # Who has been written to by a person since then is not told that nobody answered.
    if tx.promises.find_written_at(conversation.id, since=message.created_at) is None:
        _tell_truth(tx, conversation, message, key, promising)


def _tell_truth(
    tx: Transaction, conversation: Conversation, message: OfficerMessage, key: str, promising: Promising
) -> None:
    without_day = promising.texts.render("officer_silent_no_day", conversation.channel)
    text = write_unasked(conversation, without_day, template="officer_silent_no_day", dedupe_key=key)
    decision = outgoing.decide(tx, text)
    leaves_at = tx.now if decision.allowed else decision.allowed_from
    due_at = leaves_at and find_promise_by(
        promising.hours, promising.limits, PromiseKind.TEAM_ANSWER, leaves_at
    )
    if due_at is None:
        outgoing.send(tx, text)
        return
    words = promising.texts.render("officer_silent", conversation.channel, day=say_day(due_at))
    outgoing.send(tx, write_unasked(conversation, words, template="officer_silent", dedupe_key=key))
    make_promise(
        tx,
        kind=PromiseKind.TEAM_ANSWER,
        owner=TEAM,
        words=words,
        due_at=due_at,
        hours=promising.hours,
        dedupe_key=key,
        conversation_id=conversation.id,
        crime_reference=message.crime_reference,
    )
