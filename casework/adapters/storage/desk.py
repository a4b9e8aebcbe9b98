"""Desk items: what waits for a person, in the order a person should see it."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.statements import insert_once, new_id
from casework.adapters.storage.tables import DESK_ITEM_OPEN, conversation, desk_item, staff_member, status_in
from casework.model.desk import DeskItem, Grade, HandoffReason, ItemStatus, Outcome
from casework.model.messages import Channel


class SqlDesk:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def record_item(
        self,
        *,
        conversation_id: str,
        reason: HandoffReason,
        grade: Grade,
        dedupe_key: str,
        inbox_id: int | None = None,
        tier: int | None = None,
        category: str | None = None,
        owner_id: str | None = None,
    ) -> str | None:
        status = ItemStatus.OPEN if owner_id is None else ItemStatus.CLAIMED
        values = {
            "id": new_id(),
            "conversation_id": conversation_id,
            "inbox_id": inbox_id,
            "dedupe_key": dedupe_key,
            "grade": grade.value,
            "tier": tier,
            "category": category,
            "reason": reason.value,
            "status": status.value,
            "owner_id": owner_id,
            "waiting_since": self._now,
            "created_at": self._now,
            "claimed_at": None if owner_id is None else self._now,
        }
        return insert_once(self._connection, desk_item, ["dedupe_key"], values)

    def find_open(self, conversation_id: str, reason: HandoffReason) -> str | None:
        query = sa.select(desk_item.c.id).where(
            desk_item.c.conversation_id == conversation_id,
            desk_item.c.reason == reason.value,
            status_in(desk_item, DESK_ITEM_OPEN),
        )
        return self._connection.execute(query.limit(1)).scalar()

    def list_queue(
        self, *, limit: int = 500, after: tuple[int, datetime, str] | None = None
    ) -> list[DeskItem]:
        query = self._items().where(status_in(desk_item, DESK_ITEM_OPEN))
        if after is not None:
            position = sa.tuple_(desk_item.c.grade, desk_item.c.waiting_since, desk_item.c.id)
            query = query.where(position > sa.tuple_(*(sa.literal(part) for part in after)))
        query = query.order_by(desk_item.c.grade, desk_item.c.waiting_since, desk_item.c.id)
        return [_item(row) for row in self._connection.execute(query.limit(limit))]

    def list_of_conversation(self, conversation_id: str) -> list[DeskItem]:
        query = self._items().where(desk_item.c.conversation_id == conversation_id)
        return [_item(row) for row in self._connection.execute(query.order_by(desk_item.c.created_at))]

    def _items(self) -> sa.Select[Any]:
        joined = desk_item.join(conversation, desk_item.c.conversation_id == conversation.c.id)
        joined = joined.join(staff_member, desk_item.c.owner_id == staff_member.c.id, isouter=True)
        return sa.select(desk_item, conversation.c.channel, staff_member.c.display_name).select_from(joined)

    def claim_all(self, conversation_id: str, staff_id: str) -> None:
        self._change(
            conversation_id,
            ItemStatus.OPEN,
            status=ItemStatus.CLAIMED.value,
            owner_id=staff_id,
            claimed_at=self._now,
        )

    def reopen_all(self, conversation_id: str) -> None:
        self._change(
            conversation_id,
            ItemStatus.CLAIMED,
            status=ItemStatus.OPEN.value,
            owner_id=None,
            claimed_at=None,
        )

    def close_all(self, conversation_id: str, outcome: Outcome) -> int:
        return self._change(
            conversation_id,
            ItemStatus.CLAIMED,
            status=ItemStatus.CLOSED.value,
            outcome=outcome.value,
            closed_at=self._now,
        )

    def _change(self, conversation_id: str, from_status: ItemStatus, **values: object) -> int:
        result = self._connection.execute(
            sa.update(desk_item)
            .where(desk_item.c.conversation_id == conversation_id, desk_item.c.status == from_status.value)
            .values(**values)
        )
        return result.rowcount


def _item(row: Any) -> DeskItem:
    return DeskItem(
        id=row.id,
        conversation_id=row.conversation_id,
        channel=Channel(row.channel),
        grade=Grade(row.grade),
        tier=row.tier,
        category=row.category,
        reason=HandoffReason(row.reason),
        status=ItemStatus(row.status),
        waiting_since=row.waiting_since,
        owner_id=row.owner_id,
        owner_name=row.display_name,
        inbox_id=row.inbox_id,
        outcome=Outcome(row.outcome) if row.outcome else None,
    )
