"""Changing how a person may be reached: what an officer agreed with them, on a number the officer had verified."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from casework.model.errors import WaymarkError
from casework.model.safe_contact import SafeContactPlan
from casework.services import outgoing
from casework.services.duress import fold_phrase
from casework.services.ports import Reach, Transaction

SHORTEST_PHRASE = 8


class PersonNotReached(WaymarkError):
    """This conversation is nobody's whose plan could be changed."""


class PhraseTooShort(WaymarkError):
    """Few letters are soon written by accident, and soon guessed."""


@dataclass(frozen=True, kw_only=True)
class SecretChange:
    """What is to become of a safe word or a duress phrase: kept, taken away, or another one."""

    is_removed: bool = False
    phrase: str = ""


@dataclass(frozen=True, kw_only=True)
class PersonPlan:
    """One person this conversation may belong to, with the plan in force."""

    reach: Reach
    plan: SafeContactPlan


def list_person_plans(tx: Transaction, conversation_id: str) -> list[PersonPlan]:
    """Each person once, by the first of their cases."""
    conversation = tx.conversations.get(conversation_id)
    found: dict[str, PersonPlan] = {}
    for reach in tx.people.list_reaches(conversation.channel, conversation.external_id, conversation_id):
        found.setdefault(reach.person_id, PersonPlan(reach=reach, plan=outgoing.get_plan(reach)))
    return list(found.values())


def change_plan(
    tx: Transaction,
    conversation_id: str,
    person_id: str,
    plan: SafeContactPlan,
    *,
    by: str,
    safe_word: SecretChange,
    duress_phrase: SecretChange,
    hash_of: Callable[[str], str],
) -> None:
    """Raises PersonNotReached, PhraseTooShort. The two secrets of `plan` itself are not looked at."""
    known = next(
        (each for each in list_person_plans(tx, conversation_id) if each.reach.person_id == person_id), None
    )
    if known is None:
        raise PersonNotReached("This conversation is not that person's. Open the plan from their own.")
    kept = known.reach.stored_plan or SafeContactPlan()
    changed = replace(
        plan,
        safe_word_hash=_change(kept.safe_word_hash, safe_word, hash_of),
        duress_phrase_hash=_change(kept.duress_phrase_hash, duress_phrase, hash_of),
    )
    tx.people.set_plan(person_id, changed, by=by)
    # An officer has just spoken to them on a number they had verified.
    tx.people.confirm_contact(person_id)
    tx.audit.record("plan_changed", by=by, conversation_id=conversation_id, thing=f"person:{person_id}")


def _change(kept: str | None, change: SecretChange, hash_of: Callable[[str], str]) -> str | None:
    phrase = fold_phrase(change.phrase)
    if phrase and len(phrase) < SHORTEST_PHRASE:
        raise PhraseTooShort(
            f"Use a phrase of at least {SHORTEST_PHRASE} letters, words they would not write."
        )
    if phrase:
        return hash_of(phrase)
    return None if change.is_removed else kept
