"""A line to everybody at the desk, on each of its pages until a time that is said when it is sent."""

from datetime import timedelta

from casework.model.errors import WaymarkError
from casework.services.ports import StaffMember, Transaction

LONGEST_TEXT = 200
HOURS = (1, 4, 8, 24)


class BroadcastRefused(WaymarkError):
    """Empty, too long, or for a time that is not offered."""


def send_broadcast(tx: Transaction, text: str, *, hours: int, by: StaffMember) -> str:
    """Its id. The record says that it was sent and by whom; the words stand in its own row."""
    said = " ".join(text.split())
    if not said or len(said) > LONGEST_TEXT or hours not in HOURS:
        raise BroadcastRefused(said[:20])
    sent = tx.broadcasts.start(text=said, until=tx.now + timedelta(hours=hours), by=by.id)
    tx.audit.record("broadcast_sent", by=by.id, thing=sent)
    return sent


def end_broadcast(tx: Transaction, broadcast_id: str, *, by: StaffMember) -> None:
    if tx.broadcasts.end(broadcast_id):
        tx.audit.record("broadcast_ended", by=by.id, thing=broadcast_id)
