"""What a supervisor's board shows: who waits, who is here, and whether the assistant answers."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.desk_tables import shift
from casework.adapters.storage.statements import insert
from casework.adapters.storage.supervision_tables import assistant_model, staff_break
from casework.adapters.storage.tables import (
    DESK_ITEM_OPEN,
    DESK_ITEM_UNCLAIMED,
    conversation,
    desk_item,
    staff_member,
    status_in,
    turn,
)
from casework.model.desk import Grade, HandoffReason
from casework.model.desk_limits import LONGEST_SHIFT
from casework.model.messages import Channel
from casework.services.supervision_ports import AssistantHealth, PersonOnShift, WaitingItem

ANSWERED = "answered"
NOT_ANSWERED = "assistant_%"


class SqlBoards:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def list_waiting(self, *, limit: int) -> list[WaitingItem]:
        query = (
            sa.select(
                desk_item,
                conversation.c.channel,
                conversation.c.awaiting_since,
                staff_member.c.display_name,
            )
            .select_from(
                desk_item.join(conversation, desk_item.c.conversation_id == conversation.c.id).join(
                    staff_member, desk_item.c.owner_id == staff_member.c.id, isouter=True
                )
            )
            .where(status_in(desk_item, DESK_ITEM_OPEN))
            .order_by(
                desk_item.c.grade, desk_item.c.place_in_grade, desk_item.c.waiting_since, desk_item.c.id
            )
            .limit(limit)
        )
        return [_waiting(row) for row in self._connection.execute(query)]

    def count_waiting(self) -> dict[Grade, int]:
        query = (
            sa.select(desk_item.c.grade, sa.func.count())
            .where(status_in(desk_item, DESK_ITEM_UNCLAIMED))
            .group_by(desk_item.c.grade)
        )
        return {Grade(row[0]): row[1] for row in self._connection.execute(query)}

    def list_on_shift(self, *, today: datetime) -> list[PersonOnShift]:
        has_open = (
            sa.select(sa.func.count())
            .where(conversation.c.owner_id == shift.c.staff_id)
            .correlate(shift)
            .scalar_subquery()
        )
        handled = (
            sa.select(sa.func.count(sa.distinct(desk_item.c.conversation_id)))
            .where(
                desk_item.c.owner_id == shift.c.staff_id,
                desk_item.c.grade <= Grade.HIGH.value,
                sa.or_(status_in(desk_item, DESK_ITEM_OPEN), desk_item.c.closed_at >= today),
            )
            .correlate(shift)
            .scalar_subquery()
        )
        last_break = (
            sa.select(sa.func.max(staff_break.c.ended_at))
            .where(staff_break.c.staff_id == shift.c.staff_id)
            .correlate(shift)
            .scalar_subquery()
        )
        query = (
            sa.select(
                shift.c.staff_id,
                staff_member.c.display_name,
                shift.c.started_at,
                shift.c.break_since,
                has_open.label("open"),
                handled.label("handled"),
                last_break.label("last_break"),
            )
            .join(staff_member, shift.c.staff_id == staff_member.c.id)
            .where(shift.c.ended_at.is_(None), shift.c.started_at > self._now - LONGEST_SHIFT)
            .order_by(staff_member.c.display_name, shift.c.staff_id)
        )
        return [
            PersonOnShift(
                staff_id=row.staff_id,
                name=row.display_name,
                since=row.started_at,
                open_conversations=row.open,
                handled_today=row.handled,
                break_began_at=row.break_since,
                last_break_ended_at=row.last_break,
            )
            for row in self._connection.execute(query)
        ]

    def weigh_assistant(self, *, newest: int) -> AssistantHealth:
        put = (
            sa.select(turn.c.outcome)
            .where(sa.or_(turn.c.outcome == ANSWERED, turn.c.outcome.like(NOT_ANSWERED)))
            .order_by(turn.c.inbox_id.desc())
            .limit(newest)
            .subquery()
        )
        failed = sa.func.sum(sa.case((put.c.outcome == ANSWERED, 0), else_=1))
        row = self._connection.execute(sa.select(sa.func.count(), failed).select_from(put)).one()
        return AssistantHealth(asked=row[0], not_answered=row[1] or 0)

    def record_model(self, name: str) -> None:
        statement = insert(self._connection, assistant_model).values(name=name[:96], answered_at=self._now)
        self._connection.execute(
            statement.on_conflict_do_update(index_elements=["name"], set_={"answered_at": self._now})
        )

    def find_model(self) -> str | None:
        query = sa.select(assistant_model.c.name).order_by(assistant_model.c.answered_at.desc()).limit(1)
        return self._connection.execute(query).scalar()


def _waiting(row: Any) -> WaitingItem:
    return WaitingItem(
        id=row.id,
        conversation_id=row.conversation_id,
        channel=Channel(row.channel),
        grade=Grade(row.grade),
        reason=HandoffReason(row.reason),
        category=row.category,
        waiting_since=row.waiting_since,
        claimed_at=row.claimed_at,
        answered_at=row.answered_at,
        awaiting_since=row.awaiting_since,
        owner_id=row.owner_id,
        owner_name=row.display_name,
    )
