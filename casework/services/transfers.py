"""Passing a conversation on: to a colleague, who must accept it, or back to the team.

Nobody loses their place by it: the items wait from when they first waited, whoever has them.
"""

from casework.model.desk_limits import ACCEPT_WITHIN, LONGEST_REASON
from casework.model.errors import NotTheOwner, NotToThem, ReasonNeeded, TransferOver
from casework.model.transfers import TransferKind, TransferStatus
from casework.services.desk_ports import Transfer
from casework.services.owners import (
    check_reason,
    check_room,
    give_to,
    let_go,
    record_move,
    withdraw_offer,
)
from casework.services.ports import Conversation, StaffMember, Store, Transaction
from casework.services.service_texts import ServiceTexts
from casework.services.who_writes import tell_who_writes


def offer_transfer(
    tx: Transaction,
    conversation_id: str,
    *,
    to_id: str,
    by: StaffMember,
    reason: str,
    promised: str = "",
    as_supervisor: bool = False,
) -> str:
    """Asks a colleague to take it; the giver has it until they do. The offer's id.

    `promised`: what the victim was told will happen, empty for nothing. `as_supervisor`: what is somebody else's, or
    nobody's, may be offered too. A later offer takes the place of the last. Raises NotTheOwner, ReasonNeeded, and
    NotToThem for its owner and for whoever is not at the desk.
    """
    reason, promised = check_reason(reason), _check_promised(promised)
    held = tx.conversations.hold(conversation_id)
    if held.owner_id != by.id and not as_supervisor:
        raise NotTheOwner(conversation_id)
    taker = tx.shifts.find_running(to_id)
    if to_id == held.owner_id or taker is None or taker.break_since is not None:
        raise NotToThem(to_id)
    withdraw_offer(tx, conversation_id)
    offer_id = tx.transfers.record(
        conversation_id=conversation_id,
        kind=TransferKind.TO_PERSON,
        status=TransferStatus.OFFERED,
        from_id=held.owner_id,
        to_id=to_id,
        by_id=by.id,
        reason=reason,
        promised=promised,
        due_at=tx.now + ACCEPT_WITHIN,
    )
    tx.audit.record("transfer_offered", by=by.id, conversation_id=conversation_id, thing=f"to:{to_id}")
    return offer_id


def pass_to_team(
    tx: Transaction, conversation_id: str, *, by: StaffMember, reason: str, promised: str = ""
) -> None:
    """Back to the queue at once, with what the next one should know. Raises NotTheOwner, ReasonNeeded."""
    reason, promised = check_reason(reason), _check_promised(promised)
    held = tx.conversations.hold(conversation_id)
    if held.owner_id != by.id:
        raise NotTheOwner(conversation_id)
    let_go(tx, held, by=by.id, why="to_team")
    record_move(tx, TransferKind.TO_TEAM, held, to_id=None, by=by, reason=reason, promised=promised)


def accept_transfer(
    tx: Transaction, transfer_id: str, *, by: StaffMember, texts: ServiceTexts
) -> Conversation:
    """It is theirs from now on. Raises TransferOver where it is not to be had any more, TooManyUrgent."""
    offered = _get_offered(tx, transfer_id, by)
    held = tx.conversations.hold(offered.conversation_id)
    if tx.now >= offered.due_at or held.owner_id != offered.from_id:
        raise TransferOver(transfer_id)
    check_room(tx, held.id, by)
    if not tx.transfers.settle(transfer_id, TransferStatus.DONE):
        raise TransferOver(transfer_id)
    if not give_to(tx, held, by):
        raise TransferOver(transfer_id)
    taken = tx.conversations.get(held.id)
    tell_who_writes(tx, taken, "person_joined", by=by, texts=texts)
    tx.audit.record("transfer_accepted", by=by.id, conversation_id=held.id, thing=f"from:{offered.from_id}")
    return taken


def refuse_transfer(tx: Transaction, transfer_id: str, *, by: StaffMember) -> None:
    """Whoever was asked says no: back to the queue if it was the giver who asked. Raises TransferOver."""
    offered = _get_offered(tx, transfer_id, by)
    _end_offer(tx, offered, TransferStatus.REFUSED, by=by.id)


async def return_next_late_transfer(store: Store) -> bool:
    """Puts back what nobody accepted in time. False when there is none."""
    late = await store.read(lambda tx: tx.transfers.next_late())
    if late is None:
        return False
    try:
        await store.write(return_late_transfer)
    except Exception:
        # One that cannot be put back stays with whoever has it, and must not stand before all the others.
        await store.write(lambda tx: tx.transfers.settle(late.id, TransferStatus.LATE))
        raise
    return True


def return_late_transfer(tx: Transaction) -> None:
    """The same in one transaction; nothing when another worker was first."""
    late = tx.transfers.next_late()
    if late is not None:
        _end_offer(tx, late, TransferStatus.LATE, by="worker")


def return_all_of(tx: Transaction, staff_id: str, *, by: str) -> int:
    """Of somebody whose account ends or changes its role: what they have goes back, at its old place; how many."""
    owned = tx.breaks.list_owned(staff_id)
    for conversation_id in owned:
        held = tx.conversations.hold(conversation_id)
        if held.owner_id == staff_id:
            let_go(tx, held, by=by, why="member_gone")
    return len(owned)


def _get_offered(tx: Transaction, transfer_id: str, by: StaffMember) -> Transfer:
    offered = tx.transfers.get(transfer_id)
    if offered.to_id != by.id or offered.status is not TransferStatus.OFFERED:
        raise TransferOver(transfer_id)
    return offered


def _end_offer(tx: Transaction, offered: Transfer, status: TransferStatus, *, by: str) -> None:
    held = tx.conversations.hold(offered.conversation_id)
    is_still_theirs = held.owner_id == offered.from_id
    if not tx.transfers.settle(offered.id, status if is_still_theirs else TransferStatus.WITHDRAWN):
        return
    if not is_still_theirs:
        return
    tx.audit.record(f"transfer_{status.value}", by=by, conversation_id=held.id, thing=f"to:{offered.to_id}")
    # Only the giver has let go of it. What a supervisor offered of somebody else's stays with whoever is writing there.
    if held.owner_id is not None and offered.by_id == offered.from_id:
        let_go(tx, held, by=by, why=f"transfer_{status.value}")


def _check_promised(promised: str) -> str:
    said = " ".join(promised.split())
    if len(said) > LONGEST_REASON:
        raise ReasonNeeded
    return said
