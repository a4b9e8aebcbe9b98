"""The safety line that answers the newest message of a conversation: a page shows it before any worker has sent it."""

import sqlalchemy as sa

from casework.adapters.storage.tables import outbox
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.messages import OutboxStatus

NOT_SHOWN = (OutboxStatus.SUPPRESSED.value, OutboxStatus.HELD.value)


def find_safety_line(tx: SqlTransaction, conversation_id: str) -> str | None:
    """Its text; None when their newest message was not urgent, or a person had it and answers in their own words."""
    newest = tx.inbox.latest_id(conversation_id)
    query = sa.select(outbox.c.text).where(
        outbox.c.dedupe_key == f"safety:{newest}", outbox.c.status.not_in(NOT_SHOWN)
    )
    found: str | None = tx.connection.execute(query).scalar()
    return found
