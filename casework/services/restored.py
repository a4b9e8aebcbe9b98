"""After a backup was put back: what may have left in the time it knows nothing of is looked up before it leaves.

The turns of that time are answered anew, from the database or from the provider's list, and the same words come out.
Whoever had them once must not have them twice. One that is found at the provider is recorded as sent.
"""

from dataclasses import replace
from datetime import timedelta

from casework.model.messages import Author, Lane
from casework.services.ports import LeasedDelivery, Transaction
from casework.services.switch_ports import RestoreGap

# As long as the sweep looks back: no message older than that is taken in.
LOOKED_UP_FOR = timedelta(days=14)
# What answers nobody, such as a notice, comes about again within a day or never.
UNASKED_LOOKED_UP_FOR = timedelta(days=1)


def doubt(tx: Transaction, leased: LeasedDelivery) -> LeasedDelivery:
    """The same message, as one whose outcome is unknown if it may have left before."""
    gap = tx.restore_gaps.find_newest(until_after=tx.now - LOOKED_UP_FOR)
    if gap is None or not _may_have_left(tx, leased, gap):
        return leased
    since = min(gap.since, leased.first_attempt_at or gap.since)
    return replace(leased, was_unknown=True, first_attempt_at=since)


def _may_have_left(tx: Transaction, leased: LeasedDelivery, gap: RestoreGap) -> bool:
    message = leased.message
    # A new code has other words, and the one that left opens nothing any more.
    if message.lane is Lane.ONE_TIME_CODE:
        return False
    if leased.created_at is None or leased.created_at <= gap.until:
        return True
    if message.turn_id is not None:
        written_at = tx.turns.find_written_at(message.turn_id)
        return written_at is not None and written_at <= gap.until
    # What a person writes now is meant now, though they may have said the same before.
    return message.author is not Author.STAFF and tx.now - gap.until <= UNASKED_LOOKED_UP_FOR
