"""A person who goes quiet after a disclosure: told on the desk, once a silence, and never chased."""

from datetime import timedelta

from casework.model.bands import BandLimits
from casework.services.ports import Store, Transaction


async def note_next_silence(store: Store, limits: BandLimits) -> bool:
    """Looks at one unclaimed item whose time has come. False when there is none.

    Where the person has written since, it is timed anew from their last message; else it says "has gone quiet".
    """
    due = await store.read(lambda tx: tx.desk.next_quiet_due())
    if due is None:
        return False
    await store.write(lambda tx: note_silence(tx, limits))
    return True


def note_silence(tx: Transaction, limits: BandLimits) -> None:
    """The same in one transaction; nothing when another worker was first."""
    item = tx.desk.next_quiet_due()
    if item is None:
        return
    conversation = tx.conversations.hold(item.conversation_id)
    wrote_at = conversation.last_inbound_at or item.waiting_since
    due_at = wrote_at + timedelta(minutes=limits.quiet_minutes(item.tier))
    if due_at > tx.now:
        tx.desk.postpone_quiet(item.id, due_at)
    elif tx.desk.record_quiet(item.id, wrote_at):
        tx.audit.record("gone_quiet", by="worker", conversation_id=item.conversation_id, thing=item.id)
