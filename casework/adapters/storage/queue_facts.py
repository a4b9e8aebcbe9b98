"""What a row of the queue shows beside its item: who is there now, in which language, who was asked to take it."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.desk_tables import TRANSFER_OFFERED, transfer
from casework.adapters.storage.tables import (
    DESK_ITEM_OPEN,
    case,
    conversation,
    desk_item,
    staff_member,
    standing,
    status_in,
    web_session,
)
from casework.model.messages import Channel
from casework.services.desk_ports import QueueFacts

# console.md section 2. Whoever leaves a page may never come back; a text in the last minutes means a phone in the hand.
PAGE_IS_OPEN_FOR = timedelta(seconds=30)
PHONE_IS_IN_HAND_FOR = timedelta(minutes=2)


def list_queue_facts(connection: sa.Connection, now: datetime) -> dict[str, QueueFacts]:
    """Of every conversation with an open item. Four questions, however many there are."""
    queued = connection.execute(_queued()).all()
    visits = _newest(connection.execute(_visits()))
    languages = _newest(connection.execute(_languages()))
    offered = {row.conversation_id: row.display_name for row in connection.execute(_offers(), {"now": now})}
    return {
        row.id: QueueFacts(
            owned_since=row.owned_since,
            awaiting_since=row.awaiting_since,
            is_here=_is_here(row, visits.get(row.id), now),
            language=_find_language(visits.get(row.id), languages.get(row.id)),
            offered_to=offered.get(row.id),
        )
        for row in queued
    }


def _is_here(row: Any, visit: Any | None, now: datetime) -> bool:
    if row.channel != Channel.WEBCHAT.value:
        return row.last_inbound_at is not None and now - row.last_inbound_at <= PHONE_IS_IN_HAND_FOR
    if visit is None or visit.ended_at is not None:
        return False
    seen = max(each for each in (visit.last_seen_at, visit.page_open_at) if each is not None)
    return bool(now - seen <= PAGE_IS_OPEN_FOR)


def _find_language(visit: Any | None, of_case: Any | None) -> str | None:
    # What they chose for themselves comes before what the case file says.
    if visit is not None:
        return str(visit.language)
    return None if of_case is None else str(of_case.language)


def _newest(rows: Iterable[Any]) -> dict[str, Any]:
    """The last row of each conversation: the queries give the oldest first."""
    return {row.conversation_id: row for row in rows}


def _is_queued(column: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    return column.in_(sa.select(desk_item.c.conversation_id).where(status_in(desk_item, DESK_ITEM_OPEN)))


@cache
def _queued() -> sa.Select[Any]:
    return sa.select(
        conversation.c.id,
        conversation.c.channel,
        conversation.c.owned_since,
        conversation.c.awaiting_since,
        conversation.c.last_inbound_at,
    ).where(_is_queued(conversation.c.id))


@cache
def _visits() -> sa.Select[Any]:
    return (
        sa.select(
            conversation.c.id.label("conversation_id"),
            web_session.c.language,
            web_session.c.last_seen_at,
            web_session.c.page_open_at,
            web_session.c.ended_at,
        )
        .join(web_session, conversation.c.external_id == web_session.c.external_id)
        .where(conversation.c.channel == Channel.WEBCHAT.value, _is_queued(conversation.c.id))
        .order_by(web_session.c.started_at)
    )


@cache
def _languages() -> sa.Select[Any]:
    return (
        sa.select(standing.c.conversation_id, case.c.language)
        .join(case, standing.c.crime_reference == case.c.crime_reference)
        .where(standing.c.ended_at.is_(None), _is_queued(standing.c.conversation_id))
        .order_by(standing.c.id)
    )


@cache
def _offers() -> sa.Select[Any]:
    return (
        sa.select(transfer.c.conversation_id, staff_member.c.display_name)
        .join(staff_member, transfer.c.to_id == staff_member.c.id)
        .where(
            status_in(transfer, TRANSFER_OFFERED),
            transfer.c.due_at > sa.bindparam("now", type_=transfer.c.due_at.type),
        )
    )
