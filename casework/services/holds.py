"""Holds: what somebody placed one on is deleted by no timer and no erasing until a supervisor lifts it.

What one reaches: a conversation; a case with its conversations; a person with all of theirs. See docs/retention.md.
"""

from datetime import date, timedelta

from casework.model.errors import WaymarkError
from casework.model.holds import Hold, HoldReason, Subject, SubjectKind
from casework.services.owners import check_reason
from casework.services.ports import Transaction

# Nobody is asked again after longer than that.
REVIEWED_WITHIN = timedelta(days=366)


class SubjectNotFound(WaymarkError):
    """No conversation, case or person has this id."""


class HoldNotFound(WaymarkError):
    """No hold has this id, or it was lifted before."""


class ReviewDayWrong(WaymarkError):
    """A hold is looked at again on a day to come, within a year."""


def place(
    tx: Transaction, subject: Subject, reason: HoldReason, *, why: str, review_on: date, by: str
) -> str:
    """Its id. Raises SubjectNotFound, ReasonNeeded, ReviewDayWrong; then nothing is held."""
    why = check_reason(why)
    if not tx.now.date() < review_on <= tx.now.date() + REVIEWED_WITHIN:
        raise ReviewDayWrong
    if not tx.holds.list_subjects(subject):
        raise SubjectNotFound(subject.id)
    hold_id = tx.holds.record(subject, reason, why=why, review_on=review_on, by=by)
    tx.audit.record(
        "hold_placed", by=by, conversation_id=_conversation_of(subject), thing=f"{hold_id}:{reason.value}"
    )
    return hold_id


def lift(tx: Transaction, hold_id: str, *, why: str, by: str) -> None:
    """Raises ReasonNeeded and HoldNotFound. Whether they may is asked by whoever calls: a supervisor."""
    lifted = tx.holds.lift(hold_id, why=check_reason(why), by=by)
    if lifted is None:
        raise HoldNotFound(hold_id)
    tx.audit.record("hold_lifted", by=by, conversation_id=_conversation_of(lifted.subject), thing=hold_id)


def list_holds(tx: Transaction, conversation_id: str) -> list[Hold]:
    """Every hold that keeps this conversation: its own, and those on a case or a person of it."""
    whose = Subject(kind=SubjectKind.CONVERSATION, id=conversation_id)
    return tx.holds.list_on(tx.holds.list_subjects(whose))


def _conversation_of(subject: Subject) -> str | None:
    return subject.id if subject.kind is SubjectKind.CONVERSATION else None
