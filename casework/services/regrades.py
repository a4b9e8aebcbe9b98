"""An item's place in the queue, changed with a reason: people raise and lower, rules only raise."""

from casework.model.desk import DeskItem, Grade, ItemStatus
from casework.model.errors import DeskItemNotFound, SameGrade
from casework.services.owners import check_reason
from casework.services.ports import StaffMember, Transaction


def regrade(tx: Transaction, item_id: str, to: Grade, *, by: StaffMember, reason: str) -> None:
    """Raises DeskItemNotFound for one that is closed, SameGrade, ReasonNeeded."""
    reason = check_reason(reason)
    item = _hold_open(tx, item_id)
    if item.grade is to:
        raise SameGrade(item_id)
    _change(tx, item, to, by_id=by.id, reason=reason)


def raise_by_rule(tx: Transaction, item_id: str, to: Grade, *, rule: str) -> bool:
    """False, and nothing changed, where the item stands as high already, or is closed: no rule ever lowers."""
    try:
        item = _hold_open(tx, item_id)
    except DeskItemNotFound:
        return False
    if to >= item.grade:
        return False
    _change(tx, item, to, by_id=None, reason=rule)
    return True


def _hold_open(tx: Transaction, item_id: str) -> DeskItem:
    tx.conversations.hold(tx.desk.get(item_id).conversation_id)
    # Read again: it may have been closed while it was waited for.
    item = tx.desk.get(item_id)
    if item.status is ItemStatus.CLOSED:
        raise DeskItemNotFound(item_id)
    return item


def _change(tx: Transaction, item: DeskItem, to: Grade, *, by_id: str | None, reason: str) -> None:
    tx.desk.set_grade(item.id, to)
    tx.regrades.record(
        item_id=item.id,
        conversation_id=item.conversation_id,
        from_grade=item.grade,
        to_grade=to,
        by_id=by_id,
        reason=reason,
    )
    tx.audit.record(
        "item_regraded",
        by=by_id or "rule",
        conversation_id=item.conversation_id,
        thing=f"{item.id}:{item.grade.value}>{to.value}",
    )
