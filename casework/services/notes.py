"""Notes to the officer in the case, left on the web: the thread, and how a new one gets into it.

Whatever is written is received first, like every message: danger is caught, and no word is refused for want of proof.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from casework.model.desk import HandoffReason
from casework.model.may_tell import Piece
from casework.model.messages import Author, InboundMessage
from casework.model.officer_messages import MessageStatus, OfficerMessage, Reached
from casework.model.promises import PromiseKind, PromiseStatus, count_due
from casework.services import officer_thread, outgoing
from casework.services.hand_off import request_person
from casework.services.left_messages import FOR_OFFICER, Receiving, receive_left
from casework.services.ports import Conversation, Transaction
from casework.services.promises import Promising
from casework.services.proved import Proved, find_proved
from casework.services.receive import Received

ARRIVED = (Reached.SENT, Reached.DELIVERED, Reached.SHOWN)


@dataclass(frozen=True, kw_only=True)
class Note:
    """One message of the thread as its writer may see it. `author_name`: of an officer who may be named, else ""."""

    at: datetime
    author: Author
    author_name: str
    text: str
    status: MessageStatus
    read_at: datetime | None

    @property
    def is_own(self) -> bool:
        return self.author is Author.PERSON


@dataclass(frozen=True, kw_only=True)
class NotesView:
    """`promises` are the words said of when they hear, while they still hold; `held`: an answer that has not left.

    `is_whole`: notes left from elsewhere are in it, and what was answered to them.
    """

    notes: tuple[Note, ...]
    promises: tuple[str, ...]
    is_open: bool
    is_held: bool
    is_whole: bool


@dataclass(frozen=True, kw_only=True)
class LeftNote:
    """`is_left`: in the thread of the case. False: nothing is proved any more, so it is a message in the chat."""

    received: Received
    is_left: bool


def read_notes(tx: Transaction, conversation_id: str, proved: Proved) -> NotesView:
    """Reads only: this conversation's part of the thread; the whole of it for who may read their history."""
    assert proved.case is not None
    is_whole = Piece.MESSAGE_HISTORY in proved.told
    reference = proved.case.crime_reference
    messages = (
        tx.officer_messages.list_thread(reference)
        if is_whole
        else tx.officer_messages.list_of_conversation(conversation_id, crime_reference=reference)
    )
    shown = [each for each in messages if each.author is Author.PERSON or each.reached in ARRIVED]
    still_open = [each for each in messages if each.author is Author.PERSON and each.is_open]
    return NotesView(
        notes=tuple(_note(each, proved) for each in shown),
        promises=_list_promises(tx, still_open),
        is_open=bool(still_open),
        is_held=any(
            each.status is MessageStatus.HELD and each.conversation_id == conversation_id for each in messages
        ),
        is_whole=is_whole,
    )


def _note(message: OfficerMessage, proved: Proved) -> Note:
    return Note(
        at=message.created_at,
        author=message.author,
        author_name=message.author_name if Piece.OFFICER_NAME in proved.told else "",
        text=message.text,
        status=message.status,
        read_at=message.read_at if Piece.READ_RECEIPTS in proved.told else None,
    )


def _list_promises(tx: Transaction, still_open: Sequence[OfficerMessage]) -> tuple[str, ...]:
    made = [
        promise
        for conversation_id in dict.fromkeys(each.conversation_id for each in still_open)
        for promise in tx.promises.list_of_conversation(conversation_id)
    ]
    standing = [each for each in made if each.status is PromiseStatus.MADE and each.due_at > tx.now]
    return tuple(dict.fromkeys(each.words for each in sorted(standing, key=lambda each: each.due_at)))


def leave_note(
    tx: Transaction, message: InboundMessage, *, receiving: Receiving, promising: Promising
) -> LeftNote:
    """One transaction: the message, its screening and desk items, its place in the thread, the promise.

    Urgent words are in the thread too, with the safety line and without a promise: nobody is told to wait for a day.
    """
    conversation = tx.conversations.open(message.channel, message.external_id)
    proved = find_proved(tx, conversation.id)
    if Piece.SEND_MESSAGE_TO_OFFICER not in proved.told:
        return LeftNote(received=receive_left(tx, message, receiving), is_left=False)
    received = receive_left(tx, message, receiving, left_for=FOR_OFFICER)
    if received.inbox_id is None:
        return LeftNote(received=received, is_left=True)
    # As they stand now: this very message has opened the window that their plan is asked about.
    current = tx.conversations.get(conversation.id)
    officer_thread.release_held_answers(tx, current)
    if received.is_urgent:
        _keep_in_thread(tx, current, proved, message.text, received.inbox_id, promising)
    else:
        _leave(tx, current, message.text, received.inbox_id, promising)
    return LeftNote(received=received, is_left=True)


def _leave(
    tx: Transaction, conversation: Conversation, text: str, inbox_id: int, promising: Promising
) -> None:
    request_person(tx, conversation.id, HandoffReason.MESSAGE_FOR_OFFICER, inbox_id=inbox_id)
    words = officer_thread.leave_message(tx, conversation, inbox_id=inbox_id, text=text, promising=promising)
    if words is None:
        return
    # Said in the chat as well: whoever leaves the page before it loads finds it there, and so does the desk.
    outgoing.reply_as_service(
        tx,
        conversation,
        words,
        template="officer_promise",
        dedupe_key=f"note:{inbox_id}",
    )


def _keep_in_thread(
    tx: Transaction,
    conversation: Conversation,
    proved: Proved,
    text: str,
    inbox_id: int,
    promising: Promising,
) -> None:
    assert proved.case is not None
    due_at = count_due(promising.hours, promising.limits, PromiseKind.OFFICER_ANSWER, tx.now)
    message_id = tx.officer_messages.record_left(
        proved.case.crime_reference, conversation.id, inbox_id=inbox_id, text=text, due_at=due_at
    )
    tx.audit.record(
        "officer_message_left", by="person", conversation_id=conversation.id, thing=f"message:{message_id}"
    )
