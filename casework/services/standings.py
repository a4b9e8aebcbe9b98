"""What a conversation's person has proved and what it is still worth now; and what ends it before its time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from casework.model.contact_doubts import is_contact_doubted
from casework.model.desk import HandoffReason
from casework.model.messages import PHONES
from casework.model.standings import CONFIRMS_CONTACT, ProofMethod, Standing, effective_standing
from casework.model.throttles import Tried
from casework.services import throttles
from casework.services.hand_off import request_person
from casework.services.ports import Conversation, Proof, Transaction

# Twilio's error pages: 21610, they have told us to stop; 30006, a landline or a number out of reach.
CODES_OF_DOUBT = frozenset({"21610", "30006"})
WRONG_PERSON = "wrong_person"


@dataclass(frozen=True, kw_only=True)
class Use:
    """A proof that counts now, and what it counts for: one that has run down stays what it has run down to."""

    proof: Proof
    worth: Standing


def weigh(proofs: Sequence[Proof], now: datetime) -> tuple[Standing, str | None]:
    """What these proofs of one conversation, oldest first, are worth together, and the case the newest is about.

    The case is named even where nothing holds any more: look at the standing first.
    """
    if not proofs:
        return Standing.UNKNOWN, None
    uses = list_uses(proofs, now)
    return max((use.worth for use in uses), default=Standing.UNKNOWN), proofs[-1].crime_reference


def list_uses(proofs: Sequence[Proof], now: datetime) -> list[Use]:
    """Those about the newest one's case that still count. A PIN builds on a link: with the link it ends."""
    current = (
        [proof for proof in proofs if proof.crime_reference == proofs[-1].crime_reference] if proofs else []
    )
    links = _list_counting([proof for proof in current if proof.method in CONFIRMS_CONTACT], now)
    if not links:
        return []
    # Whoever opened a link here has confirmed the contact by it, as far as the PIN on top of it is concerned.
    linked_at = max(use.proof.proved_at for use in links)
    others = [
        replace(proof, contact_confirmed_at=max(linked_at, proof.contact_confirmed_at or linked_at))
        for proof in current
        if proof.method not in CONFIRMS_CONTACT
    ]
    return [*links, *_list_counting(others, now)]


def _list_counting(proofs: Sequence[Proof], now: datetime) -> list[Use]:
    return [use for proof in proofs if (use := _weigh_one(proof, now)).worth >= Standing.LINKED]


def _weigh_one(proof: Proof, now: datetime) -> Use:
    worth = effective_standing(
        proof.level,
        method=proof.method,
        proved_at=proof.proved_at,
        last_used_at=proof.last_used_at,
        contact_confirmed_at=proof.contact_confirmed_at,
        now=now,
        channel=proof.channel,
    )
    return Use(proof=proof, worth=worth)


def is_linked(tx: Transaction, conversation_id: str, crime_reference: str) -> bool:
    """Whether this very device has proved its link to this case, and it still holds."""
    standing, proved = tx.standings.find(conversation_id)
    return standing >= Standing.LINKED and proved == crime_reference


def use_standing(tx: Transaction, conversation_id: str) -> None:
    """Notes that it was used just now. What has run out is not brought back by using it."""
    for use in list_uses(tx.standings.list_proofs(conversation_id), tx.now):
        tx.standings.record_use(use.proof.id, use.worth)


def confirm_contact_of(tx: Transaction, crime_reference: str) -> None:
    """Somebody has just proved that they read what is sent to the contact of record: wrong codes count from nought."""
    throttles.clear(tx, Tried.WRONG_CODES_OF_CASE, crime_reference)
    reach = tx.people.find_of_case(crime_reference)
    if reach is not None:
        tx.people.confirm_contact(reach.person_id)


def drop_standing(
    tx: Transaction, conversation: Conversation, why: str, *, inbox_id: int | None = None
) -> bool:
    """Signs that this number is somebody else's now: what was proved through it ends, and nothing goes there unasked
    until it is confirmed. A person's task, once. False when there was nothing to end.

    What was proved otherwise, by an invite opened on another device, stays; their passkeys end wherever they are.
    """
    ended = tx.standings.end_of_conversation(conversation.id, why=why)
    suspended = False
    if conversation.channel in PHONES:
        seen = tx.people.list_seen_numbers(conversation.channel, conversation.id)
        for number in dict.fromkeys((conversation.external_id, *sorted(seen))):
            ended += tx.standings.end_of_contact(number, why=why)
            for person_id in tx.people.list_at(number):
                suspended |= tx.people.suspend_contact(person_id, why=why)
                # One may have been added after a code that went to the wrong hands.
                ended += tx.passkeys.end_all(person_id)
                ended += tx.standings.end_of_method(person_id, ProofMethod.PASSKEY.value, why=why)
    if not ended and not suspended:
        return False
    tx.audit.record("standing_dropped", by="service", conversation_id=conversation.id, thing=why)
    request_person(tx, conversation.id, HandoffReason.CONTACT_DOUBTED, inbox_id=inbox_id)
    return True


def hear_doubt(tx: Transaction, conversation: Conversation, text: str, *, inbox_id: int) -> None:
    """Drops the standing of a phone whose holder writes that they are not who we took them for.

    In a web chat "who is this" asks who answers, and says nothing of a number.
    """
    if conversation.channel in PHONES and is_contact_doubted(text):
        drop_standing(tx, conversation, WRONG_PERSON, inbox_id=inbox_id)


def note_refused_number(tx: Transaction, conversation_id: str, error_code: str | None) -> None:
    """What the provider says of a message of ours that could not be delivered."""
    if error_code in CODES_OF_DOUBT:
        drop_standing(tx, tx.conversations.get(conversation_id), f"provider_{error_code}")
