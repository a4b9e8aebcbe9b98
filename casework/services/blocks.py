"""A person who blocked us in their app, and one who let us in again: told by the provider, not by a word of theirs."""

from datetime import datetime, timedelta

from casework.model.desk import HandoffReason
from casework.model.messages import Channel
from casework.services.hand_off import request_person
from casework.services.opt_outs import PROVIDER
from casework.services.ports import Transaction

# A message written just before may have reached us after the moment of the block, which is told in whole seconds.
UNDER_WAY = timedelta(minutes=1)


def record_block(tx: Transaction, channel: Channel, external_id: str, *, at: datetime) -> None:
    """Nothing we send arrives any more: noted, and a person finds another way to whoever had written to us.

    News older than the person's last message is late or a copy, and is not believed.
    """
    conversation = tx.conversations.open(channel, external_id)
    wrote_at = conversation.last_inbound_at
    if wrote_at is not None and wrote_at - at > UNDER_WAY:
        return
    if not tx.opt_outs.record(channel, external_id, how=PROVIDER, word="blocked"):
        return
    tx.audit.record("blocked_by_person", by="person", conversation_id=conversation.id)
    if wrote_at is not None:
        request_person(tx, conversation.id, HandoffReason.CANNOT_BE_TEXTED, inbox_id=None)


def record_unblock(tx: Transaction, channel: Channel, external_id: str) -> None:
    """What we send arrives again. Believed whenever it comes: were it late, the next send would say so."""
    if tx.opt_outs.end(channel, external_id, how=PROVIDER):
        conversation = tx.conversations.open(channel, external_id)
        tx.audit.record("unblocked_by_person", by="person", conversation_id=conversation.id)
