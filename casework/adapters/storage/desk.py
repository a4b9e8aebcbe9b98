"""Desk items: what waits for a person, in the order a person should see it."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.statements import insert_once, new_id
from casework.adapters.storage.tables import (
    DESK_ITEM_OPEN,
    DESK_ITEM_UNCLAIMED,
    conversation,
    desk_item,
    staff_member,
    status_in,
)
from casework.model.desk import (
    CheckAnswer,
    DeskItem,
    Grade,
    HandoffReason,
    ItemEvidence,
    ItemStatus,
    Outcome,
)
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
        evidence: Sequence[ItemEvidence] = (),
        quiet_due_at: datetime | None = None,
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
            "evidence": [asdict(each) for each in evidence],
            "quiet_due_at": quiet_due_at,
        }
        return insert_once(self._connection, desk_item, ["dedupe_key"], values)

    def find_open(self, conversation_id: str, reason: HandoffReason) -> str | None:
        query = sa.select(desk_item.c.id).where(
            desk_item.c.conversation_id == conversation_id,
            desk_item.c.reason == reason.value,
            status_in(desk_item, DESK_ITEM_OPEN),
        )
        return self._connection.execute(query.limit(1)).scalar()

    def find_check(self, conversation_id: str) -> DeskItem | None:
        query = self._items().where(
            desk_item.c.conversation_id == conversation_id,
            desk_item.c.reason == HandoffReason.CHECK.value,
            status_in(desk_item, DESK_ITEM_OPEN),
        )
        row = self._connection.execute(query.limit(1)).first()
        return None if row is None else _item(row)

    def raise_check(
        self,
        item_id: str,
        *,
        grade: Grade,
        tier: int | None,
        category: str | None,
        evidence: Sequence[ItemEvidence],
    ) -> None:
        self._set(
            desk_item.c.id == item_id,
            grade=grade.value,
            tier=tier,
            category=category,
            evidence=[asdict(each) for each in evidence],
        )

    def record_asked(self, item_id: str) -> None:
        self._set(desk_item.c.id == item_id, asked_at=self._now, answer=None)

    def record_answer(self, item_id: str, answer: CheckAnswer) -> None:
        self._set(desk_item.c.id == item_id, answer=answer.value)

    def restart_silence(self, conversation_id: str) -> None:
        self._set(
            desk_item.c.conversation_id == conversation_id,
            status_in(desk_item, DESK_ITEM_OPEN),
            desk_item.c.quiet_since.is_not(None),
            # Due at once: whoever looks next finds the new message and waits from there.
            quiet_due_at=self._now,
            quiet_since=None,
            place_in_grade=1,
        )

    def next_quiet_due(self) -> DeskItem | None:
        query = self._items().where(
            status_in(desk_item, DESK_ITEM_UNCLAIMED), desk_item.c.quiet_due_at <= self._now
        )
        row = self._connection.execute(query.order_by(desk_item.c.quiet_due_at).limit(1)).first()
        return None if row is None else _item(row)

    def postpone_quiet(self, item_id: str, due_at: datetime) -> None:
        self._set(desk_item.c.id == item_id, quiet_due_at=due_at)

    def record_quiet(self, item_id: str, since: datetime) -> bool:
        changed = self._set(
            desk_item.c.id == item_id,
            status_in(desk_item, DESK_ITEM_UNCLAIMED),
            desk_item.c.quiet_due_at <= self._now,
            quiet_since=since,
            quiet_due_at=None,
            place_in_grade=0,
        )
        return changed == 1

    def _set(self, *where: sa.ColumnElement[bool], **values: object) -> int:
        return self._connection.execute(sa.update(desk_item).where(*where).values(**values)).rowcount

    def list_queue(self, *, limit: int = 500, after: DeskItem | None = None) -> list[DeskItem]:
        query = self._items().where(status_in(desk_item, DESK_ITEM_OPEN))
        order = [desk_item.c.grade, desk_item.c.place_in_grade, desk_item.c.waiting_since, desk_item.c.id]
        if after is not None:
            place = 1 if after.quiet_since is None else 0
            last = (after.grade.value, place, after.waiting_since, after.id)
            query = query.where(sa.tuple_(*order) > sa.tuple_(*(sa.literal(part) for part in last)))
        return [_item(row) for row in self._connection.execute(query.order_by(*order).limit(limit))]

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
        return self._set(
            desk_item.c.conversation_id == conversation_id,
            desk_item.c.status == from_status.value,
            **values,
        )


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
        evidence=tuple(ItemEvidence(**each) for each in row.evidence or ()),
        asked_at=row.asked_at,
        answer=CheckAnswer(row.answer) if row.answer else None,
        quiet_since=row.quiet_since,
    )
