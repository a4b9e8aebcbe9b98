"""The promise ledger: every "you should hear by ..." is a row with the words used, and a broken one is told.

A promise is only made for a moment at which somebody is there to keep it (casework/model/staffed_hours.toml).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from casework.model.desk import HandoffReason
from casework.model.errors import WaymarkError
from casework.model.messages import Author, Lane, OutboundMessage, SendKind
from casework.model.promises import (
    Promise,
    PromiseKind,
    PromiseLimits,
    PromiseStatus,
    is_in_rota,
    load_promise_limits,
    say_day,
)
from casework.model.staffed_hours import StaffedHours
from casework.services import outgoing
from casework.services.hand_off import request_person
from casework.services.ports import Conversation, Store, Transaction
from casework.services.service_texts import ServiceTexts

# The officer's own silence is noted with the message it leaves unanswered: services/officer_thread.py.
NOTED_HERE = tuple(kind for kind in PromiseKind if kind is not PromiseKind.OFFICER_ANSWER)


class PromiseNotKeepable(WaymarkError):
    """Nobody is there at that moment, or it has passed; nothing was promised."""


@dataclass(frozen=True, kw_only=True)
class Promising:
    """What promising needs, wired once."""

    hours: StaffedHours
    limits: PromiseLimits
    texts: ServiceTexts


def load_promising(texts: ServiceTexts, hours: StaffedHours) -> Promising:
    return Promising(hours=hours, limits=load_promise_limits(), texts=texts)


def make_promise(
    tx: Transaction,
    *,
    kind: PromiseKind,
    owner: str,
    words: str,
    due_at: datetime,
    hours: StaffedHours,
    dedupe_key: str,
    conversation_id: str | None = None,
    crime_reference: str | None = None,
) -> str | None:
    """The new promise's id; None when it was made before. `words` are those the person reads.

    Raises PromiseNotKeepable for a moment outside the rota.
    """
    if due_at <= tx.now or not is_in_rota(hours, due_at):
        raise PromiseNotKeepable(f"nobody is there to keep a promise by {due_at.isoformat()}")
    made = tx.promises.record(
        kind=kind,
        owner=owner,
        words=words,
        due_at=due_at,
        dedupe_key=dedupe_key,
        conversation_id=conversation_id,
        crime_reference=crime_reference,
    )
    if made is not None:
        tx.audit.record("promise_made", by="service", conversation_id=conversation_id, thing=made)
    return made


def keep_promises(
    tx: Transaction, conversation_id: str, *, by: str, kinds: Sequence[PromiseKind] = tuple(PromiseKind)
) -> int:
    """How many promises a person's words to this conversation have kept, in time or late."""
    kept = tx.promises.keep(conversation_id, kinds)
    if kept:
        tx.audit.record("promises_kept", by=by, conversation_id=conversation_id, thing=str(kept))
    return kept


def find_overdue(tx: Transaction) -> Promise | None:
    """The one longest past its time that nobody has noted and no person's words have kept."""
    return tx.promises.find_overdue(NOTED_HERE)


async def note_next_overdue_promise(store: Store, promising: Promising) -> bool:
    """Opens one desk item for one promise past its time and tells the person the truth. False when there is none."""
    if await store.read(find_overdue) is None:
        return False
    await store.write(lambda tx: note_overdue_promise(tx, promising))
    return True


def note_overdue_promise(tx: Transaction, promising: Promising) -> None:
    """The same in one transaction; nothing when another worker was first."""
    promise = find_overdue(tx)
    if promise is None:
        return
    # Held first, as by everyone who makes or keeps one: two that wait for each other would both be undone.
    conversation = tx.conversations.hold(promise.conversation_id) if promise.conversation_id else None
    written_at = tx.promises.find_written_at(conversation.id, since=promise.made_at) if conversation else None
    if not tx.promises.settle(promise.id, _judge(promise, written_at), kept_at=written_at):
        return
    if written_at is not None:
        return
    tx.audit.record("promise_overdue", by="worker", conversation_id=promise.conversation_id, thing=promise.id)
    if conversation is not None:
        _tell_of(tx, promise, conversation, promising.texts)


def _judge(promise: Promise, written_at: datetime | None) -> PromiseStatus:
    if written_at is None:
        return PromiseStatus.OVERDUE
    return PromiseStatus.KEPT if written_at <= promise.due_at else PromiseStatus.KEPT_LATE


def _tell_of(tx: Transaction, promise: Promise, conversation: Conversation, texts: ServiceTexts) -> None:
    key = f"promise_overdue:{promise.id}"
    request_person(tx, conversation.id, HandoffReason.PROMISE_OVERDUE, inbox_id=None, dedupe_key=key)
    words = texts.render("promise_overdue", conversation.channel, day=say_day(promise.due_at))
    outgoing.send(tx, write_unasked(conversation, words, template="promise_overdue", dedupe_key=key))


def write_unasked(
    conversation: Conversation, text: str, *, template: str, dedupe_key: str
) -> OutboundMessage:
    """A text of the service that answers nothing: the plan must agree to it however lately they wrote."""
    return outgoing.address(
        conversation,
        text,
        lane=Lane.STAFF,
        author=Author.SERVICE,
        template=template,
        dedupe_key=dedupe_key,
        kind=SendKind.CASE_UPDATE,
    )
