"""Passkeys: a second way to step up on the web, with the lock of the person's own phone or computer.

What a device answers is checked outside any transaction, by casework/adapters/passkey_checks.py; here stands who may
have one, whose it is and what comes of it. A try is counted and its challenge taken back before it is looked at. No
answer says whether there is a passkey.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from casework.model.desk import HandoffReason
from casework.model.errors import WaymarkError
from casework.model.standings import ProofMethod
from casework.model.throttles import Tried
from casework.services import step_up, throttles
from casework.services.hand_off import request_person
from casework.services.ports import Passkey, Reach, Transaction
from casework.services.reach import open_conversation_of
from casework.services.step_up import PinState

MOST = 5
# Our own choice, half of what NIST SP 800-63B-4 section 5.1.3 gives a code: time to find out what the phone asks for.
CHALLENGE_LASTS = timedelta(minutes=5)
LOCK = "passkey"  # tells a session's wrong passkeys from its wrong PINs: neither shuts the other out


class PasskeyRefused(WaymarkError):
    """Too many, known already, or its challenge was not this visit's."""


@dataclass(frozen=True, kw_only=True)
class NewPasskey:
    """What a device made, checked. `credential_id` base64url without padding."""

    credential_id: str
    public_key: bytes = field(repr=False)
    sign_count: int


@dataclass(frozen=True, kw_only=True)
class PasskeyTry:
    """A counted try. `passkey` None: there is nothing to compare with, and the same work is done."""

    person_id: str = ""
    crime_reference: str = ""
    challenge: str | None = field(default=None, repr=False)
    passkey: Passkey | None = None
    wait_until: datetime | None = None  # this visit has tried too often; its try does not count


def begin_adding(
    tx: Transaction, conversation_id: str, token_hash: str, challenge: str
) -> tuple[str, Sequence[Passkey]]:
    """The visit's challenge from now on; the person's id, and the passkeys that no device may hold beside the new one.

    Raises PinRefused where none may be added. Where a fresh code allows it, those there were end with the new one.
    """
    state = step_up.find_pin_state(tx, conversation_id)
    reach = step_up.find_person(tx, conversation_id)
    if reach is None or state in (PinState.NOT_LINKED, PinState.LOCKED, PinState.ENDED):
        raise step_up.PinRefused(state.value)
    _give_challenge(tx, token_hash, challenge)
    kept = [] if state is PinState.MAY_CHANGE else tx.passkeys.list_of_person(reach.person_id)
    return reach.person_id, kept


def add(tx: Transaction, conversation_id: str, new: NewPasskey) -> None:
    """The person's from now on, and this visit is stepped up. Raises PinRefused, PasskeyRefused."""
    reach = step_up.begin_choosing(tx, conversation_id)
    is_new = tx.passkeys.record(
        reach.person_id,
        credential_id=new.credential_id,
        public_key=new.public_key,
        sign_count=new.sign_count,
        most=MOST,
    )
    if not is_new:
        raise PasskeyRefused("There are as many passkeys as there may be, or this one is known.")
    tx.audit.record("passkey_added", by="person", conversation_id=conversation_id)
    step_up.step_up(tx, conversation_id, reach.crime_reference, ProofMethod.PASSKEY)


def begin_signing(
    tx: Transaction, conversation_id: str, token_hash: str, challenge: str
) -> tuple[str, Sequence[Passkey]]:
    """The visit's challenge from now on; the person's id and passkeys, perhaps none. Raises PinRefused unlinked."""
    reach = step_up.find_person(tx, conversation_id)
    if reach is None:
        raise step_up.PinRefused(PinState.NOT_LINKED.value)
    _give_challenge(tx, token_hash, challenge)
    return reach.person_id, tx.passkeys.list_of_person(reach.person_id)


def begin_try(tx: Transaction, conversation_id: str, token_hash: str, credential_id: str) -> PasskeyTry:
    """Takes the challenge back, counts one try and gives what it is to be compared with."""
    challenge = tx.passkeys.take_challenge(token_hash)
    reach = step_up.find_person(tx, conversation_id)
    if reach is None:
        return PasskeyTry()
    session = (reach.person_id, conversation_id, LOCK)
    if not throttles.take(tx, Tried.WRONG_PINS_OF_SESSION, *session):
        return PasskeyTry(wait_until=throttles.find_opening(tx, Tried.WRONG_PINS_OF_SESSION, *session))
    return PasskeyTry(
        person_id=reach.person_id,
        crime_reference=reach.crime_reference,
        challenge=challenge,
        passkey=tx.passkeys.find(reach.person_id, credential_id),
    )


def finish_try(tx: Transaction, conversation_id: str, tried: PasskeyTry, *, sign_count: int | None) -> bool:
    """Steps the session up, or leaves the try counted. `sign_count` of a right signature, None for a wrong one.

    A right one that does not count on was made by a copy of the key, or by a broken device: the passkey ends.
    """
    reach = step_up.find_person(tx, conversation_id)
    # The link, or the passkey itself, may have ended while the signature was checked.
    is_same = reach is not None and reach.person_id == tried.person_id
    if reach is not None and is_same and tried.passkey is not None and sign_count is not None:
        if tx.passkeys.record_use(tried.passkey.id, sign_count):
            throttles.clear(tx, Tried.WRONG_PINS_OF_SESSION, tried.person_id, conversation_id, LOCK)
            tx.audit.record("passkey_used", by="person", conversation_id=conversation_id)
            step_up.step_up(tx, conversation_id, reach.crime_reference, ProofMethod.PASSKEY)
            return True
        _end_copied(tx, reach, tried.passkey)
    if tried.person_id:
        tx.audit.record("passkey_refused", by="person", conversation_id=conversation_id)
    return False


def list_own(tx: Transaction, conversation_id: str) -> list[Passkey]:
    """For whoever is stepped up here; nobody else sees how many there are."""
    reach = _find_stepped_up(tx, conversation_id)
    return [] if reach is None else tx.passkeys.list_of_person(reach.person_id)


def end_own(tx: Transaction, conversation_id: str, passkey_id: str) -> bool:
    """Ends one and closes what passkeys opened elsewhere. False unless stepped up, or where it is not theirs."""
    reach = _find_stepped_up(tx, conversation_id)
    if reach is None or not tx.passkeys.end(reach.person_id, passkey_id):
        return False
    opened_by = {proof.method for proof in tx.standings.list_proofs(conversation_id)}
    tx.standings.end_of_method(reach.person_id, ProofMethod.PASSKEY.value, why="passkey_ended")
    if ProofMethod.PASSKEY in opened_by:
        # It was open a moment ago, and by whoever did this.
        step_up.step_up(tx, conversation_id, reach.crime_reference, ProofMethod.PASSKEY)
    tx.audit.record(
        "passkey_ended", by="person", conversation_id=conversation_id, thing=f"passkey:{passkey_id}"
    )
    return True


def end_passkeys(tx: Transaction, person_id: str, *, by: str) -> int:
    """All of them, and what they opened: a device is lost or in the wrong hands, or the person may be another."""
    ended = tx.passkeys.end_all(person_id)
    if ended:
        tx.standings.end_of_method(person_id, ProofMethod.PASSKEY.value, why="passkey_ended")
        tx.audit.record("passkeys_ended", by=by, thing=f"person:{person_id}")
    return ended


def _give_challenge(tx: Transaction, token_hash: str, challenge: str) -> None:
    tx.web_sessions.set_challenge(token_hash, challenge, until=tx.now + CHALLENGE_LASTS)


def _find_stepped_up(tx: Transaction, conversation_id: str) -> Reach | None:
    is_open = step_up.find_pin_state(tx, conversation_id) is PinState.OPEN
    return step_up.find_person(tx, conversation_id) if is_open else None


def _end_copied(tx: Transaction, reach: Reach, passkey: Passkey) -> None:
    case = tx.cases.find(reach.crime_reference)
    if not tx.passkeys.end(reach.person_id, passkey.id) or case is None:
        return
    tx.standings.end_of_method(reach.person_id, ProofMethod.PASSKEY.value, why="passkey_ended")
    tx.audit.record("passkey_ended", by="service", thing=f"passkey:{passkey.id}")
    request_person(
        tx,
        open_conversation_of(tx, case).id,
        HandoffReason.PASSKEY_ENDED,
        inbox_id=None,
        dedupe_key=f"passkey_ended:{passkey.id}",
    )
