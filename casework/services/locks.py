"""What opens a person's page and their thread with the officer, ended for them by the desk."""

from dataclasses import dataclass
from enum import StrEnum

from casework.services import step_up
from casework.services.officer_thread import end_officer_links
from casework.services.passkeys import end_passkeys
from casework.services.plans import PersonNotReached, list_person_plans
from casework.services.ports import Reach, Transaction


class Lock(StrEnum):
    PIN = "pin"  # forgotten, or tried too often: they may choose another
    PASSKEYS = "passkeys"  # a device is lost or in the wrong hands
    OFFICER_LINKS = "officer_links"  # the officer has changed, or a link went astray


@dataclass(frozen=True, kw_only=True)
class PersonLocks:
    """What of one person can be ended. An officer's links are not counted: ending none does no harm."""

    reach: Reach
    has_pin: bool
    passkeys: int


def list_locks(tx: Transaction, conversation_id: str) -> list[PersonLocks]:
    """Of each person this conversation reaches, once."""
    return [
        PersonLocks(
            reach=each.reach,
            has_pin=tx.credentials.find_hash(each.reach.person_id, step_up.PIN) is not None,
            passkeys=len(tx.passkeys.list_of_person(each.reach.person_id)),
        )
        for each in list_person_plans(tx, conversation_id)
    ]


def end_lock(tx: Transaction, conversation_id: str, person_id: str, lock: Lock, *, by: str) -> None:
    """On the record each. Raises PersonNotReached for anybody this conversation does not reach."""
    known = [each for each in list_locks(tx, conversation_id) if each.reach.person_id == person_id]
    if not known:
        raise PersonNotReached("This conversation is not that person's. Open the page from their own.")
    match lock:
        case Lock.PIN:
            step_up.end_pin(tx, person_id, by=by)
        case Lock.PASSKEYS:
            end_passkeys(tx, person_id, by=by)
        case Lock.OFFICER_LINKS:
            end_officer_links(tx, known[0].reach.crime_reference, by=by)
