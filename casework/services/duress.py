"""Words a person agreed to write when they are not free to speak: heard apart from the answer, and silently.

Whoever watches must not notice. The answer is made without knowing of them, so it is the same words as quickly; a
worker compares the hashes afterwards and puts the conversation in front of a detective, and nothing is written back.
"""

import re
from collections.abc import Sequence

from casework.model.bands import AGREED_DURESS, Bands
from casework.model.desk import Grade, HandoffReason, ItemEvidence
from casework.model.folded_words import fold_words
from casework.services import outgoing
from casework.services.ports import Conversation, DuressCheck, Store, Transaction
from casework.services.prove import CodeBook

MOST_PIECES = 8


def listen(tx: Transaction, conversation: Conversation, inbox_id: int) -> None:
    """Notes that this message is to be compared, if whoever may have written it has agreed such words."""
    plans = outgoing.list_plans(tx, conversation.channel, conversation.external_id, conversation.id)
    if any(plan.duress_phrase_hash for plan in plans):
        tx.people.request_duress_check(inbox_id, conversation.id)


async def hear_next_duress(store: Store, *, codes: CodeBook, bands: Bands) -> bool:
    """Compares one message with the words agreed. False when none is waiting."""
    # Looked at first: a write tells every worker that something changed, this one too.
    if await store.read(lambda tx: tx.people.next_duress_check()) is None:
        return False
    check = await store.write(lambda tx: tx.people.take_duress_check())
    if check is None:
        return True
    is_heard = await store.read(lambda tx: is_duress(tx, check, codes))
    await store.write(lambda tx: end_check(tx, check, bands, is_heard=is_heard))
    return True


def is_duress(tx: Transaction, check: DuressCheck, codes: CodeBook) -> bool:
    plans = outgoing.list_plans(tx, check.channel, check.external_id, check.conversation_id)
    hashes = {plan.duress_phrase_hash for plan in plans if plan.duress_phrase_hash}
    pieces = list_pieces(tx.inbox.get_text(check.inbox_id))
    return any(codes.matches(piece, each) for each in hashes for piece in pieces)


def end_check(tx: Transaction, check: DuressCheck, bands: Bands, *, is_heard: bool) -> None:
    if not tx.people.end_duress_check(check.inbox_id) or not is_heard:
        return
    held = tx.conversations.hold(check.conversation_id)
    tx.desk.record_item(
        conversation_id=check.conversation_id,
        reason=HandoffReason.DURESS,
        grade=Grade.DANGER_NOW,
        dedupe_key=f"duress:{check.inbox_id}",
        inbox_id=check.inbox_id,
        tier=1,
        owner_id=held.owner_id,
        evidence=[
            ItemEvidence(
                inbox_id=check.inbox_id, rule=AGREED_DURESS, start=0, end=0, says=bands.says(AGREED_DURESS)
            )
        ],
    )
    tx.audit.record(
        "desk_item_opened",
        by="worker",
        conversation_id=check.conversation_id,
        thing=f"duress:in-{check.inbox_id}",
    )


def list_pieces(text: str) -> Sequence[str]:
    """The message, and each sentence and line of it, as they are hashed: `fold_phrase` of each, at most eight."""
    pieces = [fold_phrase(text), *(fold_phrase(piece) for piece in re.split(r"[.!?\n]+", text))]
    return list(dict.fromkeys(piece for piece in pieces if piece))[:MOST_PIECES]


def fold_phrase(text: str) -> str:
    """Small letters and single spaces, nothing but letters and digits: "Is Daisy ok?" is "is daisy ok"."""
    return " ".join(fold_words(text))
