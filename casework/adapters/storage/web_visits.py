"""A visit to the web chat: which conversation a session token opens, and how new its page is."""

from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from casework.adapters.storage.tables import conversation, inbox, outbox, web_session
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.messages import Channel, OutboxStatus

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)


@dataclass(frozen=True, kw_only=True)
class WebVisit:
    external_id: str
    conversation_id: str | None  # None until the first message


def find_visit(tx: SqlTransaction, token_hash: str) -> WebVisit | None:
    """The visit, or None when it is unknown, was ended, stood idle for 30 minutes or began 12 hours ago."""
    joined = web_session.join(
        conversation,
        sa.and_(
            conversation.c.external_id == web_session.c.external_id,
            conversation.c.channel == Channel.WEBCHAT.value,
        ),
        isouter=True,
    )
    query = (
        sa.select(web_session.c.external_id, conversation.c.id)
        .select_from(joined)
        .where(
            web_session.c.token_hash == token_hash,
            web_session.c.ended_at.is_(None),
            web_session.c.last_seen_at > tx.now - IDLE,
            web_session.c.started_at > tx.now - LONGEST,
        )
    )
    row = tx.connection.execute(query).first()
    return None if row is None else WebVisit(external_id=row.external_id, conversation_id=row.id)


def get_version(tx: SqlTransaction, token_hash: str) -> str:
    """Changes whenever the visit's page would: ids and a count, never a word of a message."""
    visit = find_visit(tx, token_hash)
    if visit is None:
        return "ended"
    came = sa.select(sa.func.max(inbox.c.id)).where(inbox.c.conversation_id == visit.conversation_id)
    # The count too: a row may be sent after one with a higher id.
    went = sa.select(sa.func.max(outbox.c.id), sa.func.count()).where(
        outbox.c.conversation_id == visit.conversation_id, outbox.c.status == OutboxStatus.SENT.value
    )
    last_in = tx.connection.execute(came).scalar() or 0
    last_out, sent = tx.connection.execute(went).one()
    return f"{last_in}.{last_out or 0}.{sent}"
