"""Stepping up on the web: a PIN that the victim chose themselves, on top of a link to their case.

A wrong PIN slows down the session that tried it and nobody else. The hash is compared outside any transaction, so a
try is counted before it is looked at: many at once are as many tries. The other way is a passkey: see passkeys.py.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from casework.model.desk import HandoffReason
from casework.model.errors import WaymarkError
from casework.model.messages import Channel
from casework.model.standings import ProofMethod, Standing
from casework.model.throttles import Tried, load_limits
from casework.services import standings, throttles
from casework.services.hand_off import request_person
from casework.services.ports import Proof, Reach, Transaction
from casework.services.reach import open_conversation_of

PIN = "pin"
# A code this fresh may take the place of a forgotten PIN; our own choice, as long as a live window.
FRESH = timedelta(minutes=15)


class PinRefused(WaymarkError):
    """No PIN may be chosen here now; find_pin_state says why."""


class PinState(StrEnum):
    NOT_LINKED = "not_linked"  # or not on the web: there is nothing to step up from
    NONE = "none"  # neither a PIN nor a passkey: a first one may be chosen
    LOCKED = "locked"  # there is a PIN or a passkey, and it has to be used
    MAY_CHANGE = "may_change"  # there is one, and they have just proved who they are
    ENDED = "ended"  # too many wrong tries of all sessions: an officer rings
    OPEN = "open"  # stepped up


@dataclass(frozen=True, kw_only=True)
class PinTry:
    """A counted try. `pin_hash` None: there is nothing to compare with, and the same work is done."""

    person_id: str = ""
    crime_reference: str = ""
    pin_hash: str | None = field(default=None, repr=False)
    wait_until: datetime | None = None  # this visit has tried too often; its try does not count


def find_pin_state(tx: Transaction, conversation_id: str) -> PinState:
    """Reads only. Of passkeys too, which may be added wherever a PIN may be chosen."""
    reach = find_person(tx, conversation_id)
    if reach is None:
        return PinState.NOT_LINKED
    if tx.standings.find(conversation_id)[0] >= Standing.STEPPED_UP:
        return PinState.OPEN
    if not throttles.is_open(tx, Tried.WRONG_PINS_OF_PERSON, reach.person_id):
        return PinState.ENDED
    has_pin = tx.credentials.find_hash(reach.person_id, PIN) is not None
    if not has_pin and not tx.passkeys.list_of_person(reach.person_id):
        return PinState.NONE
    return PinState.MAY_CHANGE if _has_fresh_code(tx, conversation_id, reach) else PinState.LOCKED


def set_pin(tx: Transaction, conversation_id: str, pin_hash: str) -> None:
    """The person's PIN from now on, and this visit is stepped up. Raises PinRefused."""
    reach = begin_choosing(tx, conversation_id)
    tx.credentials.set(reach.person_id, PIN, pin_hash)
    end_step_ups(tx, reach.person_id, why="pin_changed")
    # Whoever is stepped up by a passkey may have a PIN again that others wore out; wrong ones count from nought.
    throttles.clear(tx, Tried.WRONG_PINS_OF_PERSON, reach.person_id)
    tx.audit.record("pin_set", by="person", conversation_id=conversation_id)
    step_up(tx, conversation_id, reach.crime_reference, ProofMethod.PIN)


def begin_choosing(tx: Transaction, conversation_id: str) -> Reach:
    """Whose PIN or passkey may be set here now. Raises PinRefused.

    Where a fresh code alone allows it, every PIN and passkey there was ends: nobody with a code gets a way in of
    their own beside the person's, who would not notice.
    """
    reach = find_person(tx, conversation_id)
    state = find_pin_state(tx, conversation_id)
    if reach is None or state in (PinState.NOT_LINKED, PinState.LOCKED, PinState.ENDED):
        raise PinRefused(state.value)
    if state is PinState.MAY_CHANGE:
        tx.credentials.end(reach.person_id, PIN)
        tx.passkeys.end_all(reach.person_id)
        end_step_ups(tx, reach.person_id, why="begun_anew")
    return reach


def begin_try(tx: Transaction, conversation_id: str) -> PinTry:
    """Counts one try and gives what it is to be compared with."""
    reach = find_person(tx, conversation_id)
    if reach is None or not throttles.is_open(tx, Tried.WRONG_PINS_OF_PERSON, reach.person_id):
        return PinTry()
    session = (reach.person_id, conversation_id)
    if not throttles.take(tx, Tried.WRONG_PINS_OF_SESSION, *session):
        return PinTry(wait_until=throttles.find_opening(tx, Tried.WRONG_PINS_OF_SESSION, *session))
    throttles.count(tx, Tried.WRONG_PINS_OF_PERSON, reach.person_id)
    return PinTry(
        person_id=reach.person_id,
        crime_reference=reach.crime_reference,
        pin_hash=tx.credentials.find_hash(reach.person_id, PIN),
    )


def finish_try(tx: Transaction, conversation_id: str, tried: PinTry, *, is_right: bool) -> bool:
    """Steps the session up, or leaves the try counted; the hundredth in a row ends the PIN and asks for an officer."""
    reach = find_person(tx, conversation_id)
    # The link, or the PIN itself, may have ended while the hashes were compared.
    still_holds = reach is not None and (
        reach.person_id == tried.person_id
        and tx.credentials.find_hash(reach.person_id, PIN) == tried.pin_hash
    )
    if is_right and still_holds and tried.pin_hash is not None:
        throttles.clear(tx, Tried.WRONG_PINS_OF_SESSION, tried.person_id, conversation_id)
        throttles.clear(tx, Tried.WRONG_PINS_OF_PERSON, tried.person_id)
        tx.audit.record("pin_entered", by="person", conversation_id=conversation_id)
        step_up(tx, conversation_id, tried.crime_reference, ProofMethod.PIN)
        return True
    if tried.person_id:
        tx.audit.record("pin_refused", by="person", conversation_id=conversation_id)
        _end_after_too_many(tx, tried)
    return False


def end_pin(tx: Transaction, person_id: str, *, by: str) -> None:
    """Forgotten, and an officer has rung them: they may choose a new one, and wrong tries count from nought."""
    tx.credentials.end(person_id, PIN)
    throttles.clear(tx, Tried.WRONG_PINS_OF_PERSON, person_id)
    tx.audit.record("pin_ended", by=by, thing=f"person:{person_id}")


def count_minutes(wait_until: datetime | None, now: datetime) -> int:
    """How long to wait until then, in whole minutes from 1; 0 for no wait."""
    return 0 if wait_until is None else max(1, -int((now - wait_until).total_seconds() // 60))


def find_person(tx: Transaction, conversation_id: str) -> Reach | None:
    """Whom this web visit is linked to now; None also off the web, where nobody steps up."""
    standing, crime_reference = tx.standings.find(conversation_id)
    is_web = tx.conversations.get(conversation_id).channel is Channel.WEBCHAT
    if standing < Standing.LINKED or crime_reference is None or not is_web:
        return None
    return tx.people.find_of_case(crime_reference)


def step_up(tx: Transaction, conversation_id: str, crime_reference: str, method: ProofMethod) -> None:
    tx.standings.record(conversation_id, crime_reference, Standing.STEPPED_UP, method=method.value)
    standings.use_standing(tx, conversation_id)


def end_step_ups(tx: Transaction, person_id: str, *, why: str) -> None:
    """Wherever this person is stepped up, whichever way, they have to do it again."""
    for method in (ProofMethod.PIN, ProofMethod.PASSKEY):
        tx.standings.end_of_method(person_id, method.value, why=why)


def _has_fresh_code(tx: Transaction, conversation_id: str, reach: Reach) -> bool:
    def is_fresh(proof: Proof) -> bool:
        is_proof_enough = proof.method in (ProofMethod.CODE, ProofMethod.CALL_BACK)
        return is_proof_enough and tx.now - proof.proved_at <= FRESH

    proofs = tx.standings.list_proofs(conversation_id)
    return any(proof.crime_reference == reach.crime_reference and is_fresh(proof) for proof in proofs)


def _end_after_too_many(tx: Transaction, tried: PinTry) -> None:
    bucket = throttles.name_bucket(Tried.WRONG_PINS_OF_PERSON, tried.person_id)
    counted = tx.throttles.hold(bucket)
    if counted.count < load_limits()[Tried.WRONG_PINS_OF_PERSON].most:
        return
    case = tx.cases.find(tried.crime_reference)
    if not tx.credentials.end(tried.person_id, PIN) or case is None:
        return
    tx.audit.record("pin_ended", by="service", thing=f"person:{tried.person_id}")
    request_person(
        tx,
        open_conversation_of(tx, case).id,
        HandoffReason.PIN_ENDED,
        inbox_id=None,
        dedupe_key=f"pin_ended:{tried.person_id}:{counted.window_start.timestamp()}",
    )
