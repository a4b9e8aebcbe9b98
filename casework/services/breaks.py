"""A break in one press: what they had goes on to somebody, in order, and whoever waits on the web is told the truth."""

from collections.abc import Mapping

from casework.services.ports import StaffMember, Transaction
from casework.services.service_texts import ServiceTexts
from casework.services.transfers import offer_transfer, pass_to_team
from casework.services.who_writes import tell_who_writes

TEAM = ""
"""In the place of a colleague: whoever takes it from the queue."""


def take_break(
    tx: Transaction,
    *,
    by: StaffMember,
    texts: ServiceTexts,
    to: Mapping[str, str] | None = None,
    reason: str,
) -> int:
    """Lets go of every conversation of theirs, the most urgent first; how many. Alerts stop until they are back.

    `to`: conversation -> a colleague's id. What it does not name, and what is for somebody who is not at the desk, goes
    back to the queue, at its old place; so does what a colleague does not accept in time. `reason`: what is recorded
    with each.
    """
    tx.breaks.start(by.id)
    tx.shifts.set_break(by.id, tx.now)
    said = "break_carry_on" if tx.breaks.is_anyone_else_there(by.id) else "break_nobody_here"
    owned = tx.breaks.list_owned(by.id)
    for conversation_id in owned:
        colleague_id = (to or {}).get(conversation_id, TEAM)
        if _is_at_the_desk(tx, colleague_id, by):
            offer_transfer(tx, conversation_id, to_id=colleague_id, reason=reason, by=by)
        else:
            pass_to_team(tx, conversation_id, by=by, reason=reason)
        tell_who_writes(tx, tx.conversations.get(conversation_id), said, by=by, texts=texts)
    tx.audit.record("break_taken", by=by.id, thing=f"{len(owned)} conversations")
    return len(owned)


def come_back(tx: Transaction, *, by: StaffMember) -> None:
    """Alerts sound again."""
    tx.shifts.set_break(by.id, None)
    if tx.breaks.end(by.id):
        tx.audit.record("break_ended", by=by.id)


def _is_at_the_desk(tx: Transaction, colleague_id: str, by: StaffMember) -> bool:
    shift = tx.shifts.find_running(colleague_id) if colleague_id not in (TEAM, by.id) else None
    return shift is not None and shift.break_since is None
