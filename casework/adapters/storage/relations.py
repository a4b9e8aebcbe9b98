"""How a member of staff stands to a conversation, in one look."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from casework.adapters.storage.staff_tables import glass_opening
from casework.adapters.storage.tables import (
    DESK_ITEM_OPEN,
    audit,
    case,
    conversation,
    desk_item,
    outbox,
    standing,
    status_in,
)
from casework.model.policy import Relation
from casework.services.ports import StaffMember
from casework.services.staff_ports import Related

# After that who had it once is a stranger to it, as to everything else they write: they open it with a reason.
HANDLED_LASTS = timedelta(days=28)
# What the record says of somebody who had it or did something in it. Reading is not enough.
HANDLING = (
    *("conversation_claimed", "conversation_taken_over", "transfer_accepted"),
    *("note_written", "plan_changed", "told_from_conversation"),
)


class SqlRelations:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def find(self, conversation_id: str, staff: StaffMember) -> Related:
        query = sa.select(
            conversation.c.owner_id,
            _waits(conversation_id).label("waits"),
            _was_handled(conversation_id, staff.id, since=self._now - HANDLED_LASTS).label("handled"),
            _is_assigned(conversation_id, staff.collar_number).label("assigned"),
            self._is_open(conversation_id, staff.id).label("glass"),
        ).where(conversation.c.id == conversation_id)
        row = self._connection.execute(query).first()
        if row is None:
            return Related(relations=frozenset({Relation.NONE}), exists=False)
        held = {
            Relation.OWNER: row.owner_id == staff.id,
            Relation.COLLEAGUE: row.owner_id is not None and row.owner_id != staff.id,
            Relation.ON_QUEUE: row.owner_id is None and row.waits,
            Relation.HANDLED: row.handled,
            Relation.ASSIGNED: row.assigned,
            Relation.GLASS: row.glass,
        }
        found = frozenset(relation for relation, holds in held.items() if holds)
        return Related(relations=found or frozenset({Relation.NONE}), exists=True)

    def _is_open(self, conversation_id: str, staff_id: str) -> sa.Exists:
        return sa.exists().where(
            glass_opening.c.conversation_id == conversation_id,
            glass_opening.c.staff_id == staff_id,
            glass_opening.c.until > self._now,
        )


def _waits(conversation_id: str) -> sa.Exists:
    return sa.exists().where(
        desk_item.c.conversation_id == conversation_id, status_in(desk_item, DESK_ITEM_OPEN)
    )


def _was_handled(conversation_id: str, staff_id: str, *, since: datetime) -> sa.ColumnElement[bool]:
    recorded = sa.exists().where(
        audit.c.conversation_id == conversation_id,
        audit.c.actor == staff_id,
        audit.c.act.in_(HANDLING),
        audit.c.at > since,
    )
    wrote = sa.exists().where(
        outbox.c.conversation_id == conversation_id,
        outbox.c.staff_id == staff_id,
        outbox.c.created_at > since,
    )
    return sa.or_(recorded, wrote)


def _is_assigned(conversation_id: str, collar_number: str | None) -> sa.ColumnElement[bool]:
    # An empty number is nobody's, whatever a case file holds.
    if not collar_number:
        return sa.false()
    return (
        sa.exists()
        .where(standing.c.conversation_id == conversation_id, standing.c.ended_at.is_(None))
        .where(standing.c.crime_reference == case.c.crime_reference)
        .where(case.c.oic_collar_number == collar_number)
    )
