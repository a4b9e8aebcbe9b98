"""One person on several channels: their other conversations, by the cases they have proved in each."""

import sqlalchemy as sa

from casework.adapters.storage.tables import (
    DESK_ITEM_OPEN,
    case,
    conversation,
    desk_item,
    standing,
    status_in,
    web_session,
)
from casework.model.desk import Outcome
from casework.model.messages import Channel
from casework.services.conversation_ports import OtherConversation

MOST_LISTED = 20


class SqlPersonThreads:
    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def list_others(self, conversation_id: str) -> list[OtherConversation]:
        here, there = standing.alias(), standing.alias()
        people = (
            sa.select(case.c.person_id)
            .join(here, here.c.crime_reference == case.c.crime_reference)
            .where(
                here.c.conversation_id == conversation_id,
                here.c.ended_at.is_(None),
                case.c.person_id.is_not(None),
            )
        )
        theirs = (
            sa.select(there.c.conversation_id)
            .join(case, there.c.crime_reference == case.c.crime_reference)
            .where(there.c.ended_at.is_(None), case.c.person_id.in_(people))
        )
        came_of_it = (
            sa.select(desk_item.c.outcome)
            .where(desk_item.c.conversation_id == conversation.c.id, desk_item.c.closed_at.is_not(None))
            .order_by(desk_item.c.closed_at.desc())
            .limit(1)
            .scalar_subquery()
        )
        is_open = sa.exists().where(
            desk_item.c.conversation_id == conversation.c.id, status_in(desk_item, DESK_ITEM_OPEN)
        )
        query = (
            sa.select(conversation, came_of_it.label("outcome"), is_open.label("is_open"))
            .where(conversation.c.id.in_(theirs), conversation.c.id != conversation_id)
            .order_by(conversation.c.last_inbound_at.desc(), conversation.c.id)
            .limit(MOST_LISTED)
        )
        return [
            OtherConversation(
                conversation_id=row.id,
                channel=Channel(row.channel),
                last_inbound_at=row.last_inbound_at,
                outcome=Outcome(row.outcome) if row.outcome else None,
                is_open=bool(row.is_open),
                owner_id=row.owner_id,
            )
            for row in self._connection.execute(query)
        ]

    def find_language(self, conversation_id: str) -> str | None:
        query = (
            sa.select(web_session.c.language)
            .join(conversation, conversation.c.external_id == web_session.c.external_id)
            .where(conversation.c.id == conversation_id, conversation.c.channel == Channel.WEBCHAT.value)
            .order_by(web_session.c.started_at.desc())
            .limit(1)
        )
        return self._connection.execute(query).scalar()
