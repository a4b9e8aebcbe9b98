"""Desk items: what waits for a person, in the order a person should see it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.desk_tables import regrade
from casework.adapters.storage.queue_facts import list_queue_facts
from casework.adapters.storage.sealed import seal_all
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
from casework.model.errors import DeskItemNotFound
from casework.model.messages import Channel
from casework.services.desk_ports import QueueFacts

_BESIDE = (
    conversation.c.channel,
    conversation.c.is_drill,
    conversation.c.awaiting_since,
    staff_member.c.display_name,
)
_FROM = desk_item.join(conversation, desk_item.c.conversation_id == conversation.c.id).join(
    staff_member, desk_item.c.owner_id == staff_member.c.id, isouter=True
)
_ITEMS = sa.select(desk_item, *_BESIDE).select_from(_FROM)
_WITHOUT_EVIDENCE = sa.select(
    *(column for column in desk_item.c if column is not desk_item.c.evidence),
    sa.null().label("evidence"),
    *_BESIDE,
).select_from(_FROM)
_NEWEST = sa.select(sa.func.max(desk_item.c.created_at)).where(status_in(desk_item, DESK_ITEM_OPEN))
# Built once: in the transaction that stores a message, building a statement costs more than running it.
FIND_CHECK = _ITEMS.where(
    desk_item.c.conversation_id == sa.bindparam("of"),
    desk_item.c.reason == sa.literal_column(repr(HandoffReason.CHECK.value)),
    status_in(desk_item, DESK_ITEM_OPEN),
).limit(1)
RESTART_SILENCE = (
    sa.update(desk_item)
    .where(
        desk_item.c.conversation_id == sa.bindparam("of"),
        status_in(desk_item, DESK_ITEM_OPEN),
        desk_item.c.quiet_since.is_not(None),
    )
    .values(
        quiet_due_at=sa.bindparam("now", type_=desk_item.c.quiet_due_at.type),
        quiet_since=None,
        place_in_grade=1,
    )
)
# They wait for a person from now on, unless they do already.
AWAIT = (
    sa.update(conversation)
    .where(conversation.c.id == sa.bindparam("of"), conversation.c.awaiting_since.is_(None))
    .values(awaiting_since=sa.bindparam("now", type_=conversation.c.awaiting_since.type))
)


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
            "ladder_from": self._now,
            "ladder_due_at": self._now,
        }
        opened = insert_once(self._connection, desk_item, ["dedupe_key"], values)
        if opened is not None and inbox_id is not None:
            self._connection.execute(AWAIT, {"of": conversation_id, "now": self._now})
        return opened

    def record_answered(self, conversation_id: str) -> None:
        self._set(
            desk_item.c.conversation_id == conversation_id,
            status_in(desk_item, DESK_ITEM_OPEN),
            desk_item.c.answered_at.is_(None),
            answered_at=self._now,
        )
        self._set(
            desk_item.c.conversation_id == conversation_id,
            status_in(desk_item, DESK_ITEM_OPEN),
            ladder_step=0,
            ladder_due_at=self._now,
        )
        self._connection.execute(
            sa.update(conversation).where(conversation.c.id == conversation_id).values(awaiting_since=None)
        )

    def find_open(self, conversation_id: str, reason: HandoffReason) -> str | None:
        query = sa.select(desk_item.c.id).where(
            desk_item.c.conversation_id == conversation_id,
            desk_item.c.reason == reason.value,
            status_in(desk_item, DESK_ITEM_OPEN),
        )
        return self._connection.execute(query.limit(1)).scalar()

    def raise_open(self, conversation_id: str, *, highest: Grade) -> int:
        below = (
            desk_item.c.conversation_id == conversation_id,
            status_in(desk_item, DESK_ITEM_OPEN),
            desk_item.c.grade > highest.value,
        )
        self._note_raised(*below, to_grade=desk_item.c.grade - 1)
        return self._set(*below, grade=desk_item.c.grade - 1)

    def _note_raised(self, *where: sa.ColumnElement[bool], to_grade: sa.ColumnElement[int]) -> None:
        """For the record, just before a rule raises them: what it says is the item's own reason."""
        raised = sa.select(
            desk_item.c.id.label("item_id"),
            desk_item.c.conversation_id,
            desk_item.c.grade.label("from_grade"),
            to_grade.label("to_grade"),
            desk_item.c.reason,
        ).where(*where)
        rows = [{**row, "at": self._now} for row in self._connection.execute(raised).mappings()]
        if rows:
            self._connection.execute(sa.insert(regrade), seal_all(self._connection, regrade, rows))

    def find_check(self, conversation_id: str) -> DeskItem | None:
        row = self._connection.execute(FIND_CHECK, {"of": conversation_id}).first()
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
        is_raised = (desk_item.c.id == item_id, desk_item.c.grade > grade.value)
        self._note_raised(*is_raised, to_grade=sa.literal(grade.value))
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
        # Due at once: whoever looks next finds the new message and waits from there.
        self._connection.execute(RESTART_SILENCE, {"of": conversation_id, "now": self._now})

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
        values = restart_ladder(values, self._now) | values
        return self._connection.execute(sa.update(desk_item).where(*where).values(**values)).rowcount

    def get(self, item_id: str) -> DeskItem:
        row = self._connection.execute(self._items().where(desk_item.c.id == item_id)).first()
        if row is None:
            raise DeskItemNotFound(item_id)
        return _item(row)

    def set_grade(self, item_id: str, grade: Grade) -> None:
        self._set(desk_item.c.id == item_id, grade=grade.value)

    def count_owned(self, staff_id: str) -> int:
        query = sa.select(sa.func.count()).where(conversation.c.owner_id == staff_id)
        return self._connection.execute(query).scalar_one()

    def count_urgent_of(self, staff_id: str) -> int:
        query = (
            sa.select(sa.func.count(sa.distinct(desk_item.c.conversation_id)))
            .join(conversation, desk_item.c.conversation_id == conversation.c.id)
            .where(
                conversation.c.owner_id == staff_id,
                # A rehearsal keeps nobody from somebody real.
                conversation.c.is_drill.is_(False),
                status_in(desk_item, DESK_ITEM_OPEN),
                desk_item.c.grade <= Grade.HIGH.value,
            )
        )
        return self._connection.execute(query).scalar_one()

    def pass_all_on(self, conversation_id: str, staff_id: str) -> None:
        self._set(
            desk_item.c.conversation_id == conversation_id,
            status_in(desk_item, DESK_ITEM_OPEN),
            status=ItemStatus.CLAIMED.value,
            owner_id=staff_id,
            claimed_at=self._now,
        )

    def list_facts(self) -> dict[str, QueueFacts]:
        return list_queue_facts(self._connection, self._now)

    def find_newest(self) -> datetime | None:
        return self._connection.execute(_NEWEST).scalar()

    def list_queue(
        self, *, limit: int = 500, after: DeskItem | None = None, with_evidence: bool = True
    ) -> list[DeskItem]:
        items = _ITEMS if with_evidence else _WITHOUT_EVIDENCE
        query = items.where(status_in(desk_item, DESK_ITEM_OPEN))
        order = [desk_item.c.grade, desk_item.c.place_in_grade, desk_item.c.waiting_since, desk_item.c.id]
        if after is not None:
            place = 1 if after.quiet_since is None else 0
            last = (after.grade.value, place, after.waiting_since, after.id)
            query = query.where(sa.tuple_(*order) > sa.tuple_(*(sa.literal(part) for part in last)))
        rows = self._connection.execute(query.order_by(*order).limit(limit))
        if with_evidence:
            return [_item(row) for row in rows]
        return [_queued_item(tuple(row)) for row in rows]

    def list_of_conversation(self, conversation_id: str) -> list[DeskItem]:
        query = self._items().where(desk_item.c.conversation_id == conversation_id)
        return [_item(row) for row in self._connection.execute(query.order_by(desk_item.c.created_at))]

    def _items(self) -> sa.Select[Any]:
        return _ITEMS

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


def list_items(connection: sa.Connection, *where: sa.ColumnElement[bool]) -> list[DeskItem]:
    """For the repositories beside this one."""
    query = _ITEMS.where(*where).order_by(desk_item.c.created_at, desk_item.c.id)
    return [_item(row) for row in connection.execute(query)]


def restart_ladder(values: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """What else changes with an item's status, owner or grade: its ladder is counted anew, or ends with the item.

    For every statement that changes one of the three. A grade written as it was restarts nothing.
    """
    anew: dict[str, Any] = {"ladder_from": now, "ladder_step": 0, "ladder_due_at": now}
    if "status" in values or "owner_id" in values:
        is_over = values.get("status") == ItemStatus.CLOSED.value
        return anew | {"ladder_due_at": None} if is_over else anew
    if "grade" not in values:
        return {}
    is_new = desk_item.c.grade != values["grade"]
    return {name: sa.case((is_new, value), else_=desk_item.c[name]) for name, value in anew.items()}


# Hundreds are read many times a second while messages come, and few of them have changed.
@lru_cache(maxsize=2000)
def _queued_item(values: tuple[Any, ...]) -> DeskItem:
    return _item(SimpleNamespace(**dict(zip(_WITHOUT_EVIDENCE.selected_columns.keys(), values, strict=True))))


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
        is_drill=row.is_drill,
        claimed_at=row.claimed_at,
        answered_at=row.answered_at,
        awaiting_since=row.awaiting_since,
        ladder_from=row.ladder_from,
        ladder_step=row.ladder_step,
        ladder_due_at=row.ladder_due_at,
        told=row.told,
    )
