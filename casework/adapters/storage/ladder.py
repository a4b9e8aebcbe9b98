"""The ladder's steps, and the timers of the items they are taken for."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.desk import list_items
from casework.adapters.storage.ladder_tables import escalation
from casework.adapters.storage.statements import insert_once, new_id
from casework.adapters.storage.tables import (
    DESK_ITEM_OPEN,
    DESK_ITEM_UNCLAIMED,
    audit,
    desk_item,
    staff_member,
    status_in,
)
from casework.model.desk import DeskItem, Grade, ItemStatus
from casework.model.ladder import Step
from casework.model.rota import RotaEntry
from casework.services.ladder_ports import OpenedLink, StoredStep

URGENT_UNCLAIMED, HIGH_UNCLAIMED = "urgent_unclaimed", "high_unclaimed"
OWNER_SILENT, NOBODY_ON_CALL = "owner_silent", "nobody_on_call"
MOST_NAMED = 5
SHORT_ID = 8
# Of one database's locks that are not rows': any number nothing else takes.
ALARMS_LOCK = 0x1ADDE2


class SqlLadder:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def find_due(self) -> DeskItem | None:
        due = sa.select(desk_item.c.id).where(
            status_in(desk_item, DESK_ITEM_OPEN), desk_item.c.ladder_due_at <= self._now
        )
        found = self._connection.execute(
            due.order_by(desk_item.c.ladder_due_at, desk_item.c.id).limit(1)
        ).scalar()
        return None if found is None else list_items(self._connection, desk_item.c.id == found)[0]

    def find_lead(self, item: DeskItem) -> DeskItem | None:
        beside = list_items(
            self._connection,
            desk_item.c.conversation_id == item.conversation_id,
            desk_item.c.status == item.status.value,
            status_in(desk_item, DESK_ITEM_OPEN),
            desk_item.c.ladder_due_at.is_not(None),
        )
        if not any(each.id == item.id and _is_due(each, self._now) for each in beside):
            return None
        return min(beside, key=lambda each: (each.grade, each.waiting_since, each.id))

    def list_of_wait(self, item: DeskItem) -> list[StoredStep]:
        query = sa.select(escalation).where(
            escalation.c.item_id == item.id,
            escalation.c.wait_from == item.ladder_from,
            escalation.c.step != Step.OWNER_SILENT.value,
        )
        return [_step(row) for row in self._connection.execute(query.order_by(escalation.c.position))]

    def list_of_conversation(self, conversation_id: str, *, limit: int = 50) -> list[StoredStep]:
        query = sa.select(escalation).where(escalation.c.conversation_id == conversation_id)
        ordered = query.order_by(escalation.c.taken_at.desc(), escalation.c.position.desc())
        return [_step(row) for row in self._connection.execute(ordered.limit(limit))]

    def record(
        self,
        item: DeskItem,
        step: Step,
        *,
        position: int,
        due_at: datetime,
        wait_from: datetime,
        rota_entry: RotaEntry | None = None,
        detail: str | None = None,
    ) -> str | None:
        values = {
            "id": new_id(),
            "item_id": item.id,
            "conversation_id": item.conversation_id,
            "wait_from": wait_from,
            "position": position,
            "step": step.value,
            "grade": item.grade.value,
            "due_at": due_at,
            "taken_at": self._now,
            "rota_entry_id": None if rota_entry is None else rota_entry.id,
            "name": None if rota_entry is None else rota_entry.name,
            "detail": detail,
        }
        return insert_once(self._connection, escalation, ["item_id", "wait_from", "position"], values)

    def set_token(self, step_id: str, token_hash: str) -> None:
        self._connection.execute(
            sa.update(escalation).where(escalation.c.id == step_id).values(token_hash=token_hash)
        )

    def set_due(self, item_id: str, due_at: datetime | None, *, step: int | None = None) -> None:
        values: dict[str, Any] = {"ladder_due_at": due_at} | ({} if step is None else {"ladder_step": step})
        self._connection.execute(
            sa.update(desk_item)
            .where(desk_item.c.id == item_id, status_in(desk_item, DESK_ITEM_OPEN))
            .values(**values)
        )

    def end_wait(self, lead: DeskItem) -> None:
        self._connection.execute(
            sa.update(desk_item)
            .where(
                desk_item.c.conversation_id == lead.conversation_id,
                status_in(desk_item, DESK_ITEM_UNCLAIMED),
                desk_item.c.grade >= lead.grade.value,
            )
            .values(ladder_due_at=None)
        )

    def set_told(self, item_id: str, told: str) -> None:
        self._connection.execute(sa.update(desk_item).where(desk_item.c.id == item_id).values(told=told))

    def was_read(self, conversation_id: str, *, since: datetime) -> bool:
        read = sa.exists().where(
            audit.c.conversation_id == conversation_id,
            audit.c.act == "conversation_read",
            audit.c.at >= since,
        )
        return bool(self._connection.execute(sa.select(read)).scalar())

    def find_link(self, token_hash: str) -> OpenedLink | None:
        query = (
            sa.select(
                escalation,
                desk_item.c.status.label("item_status"),
                desk_item.c.ladder_from,
                staff_member.c.display_name,
            )
            .select_from(
                escalation.join(desk_item, escalation.c.item_id == desk_item.c.id).join(
                    staff_member, desk_item.c.owner_id == staff_member.c.id, isouter=True
                )
            )
            .where(escalation.c.token_hash == token_hash)
        )
        row = self._connection.execute(query).first()
        if row is None:
            return None
        is_waiting = row.item_status == ItemStatus.OPEN.value and row.ladder_from == row.wait_from
        return OpenedLink(step=_step(row), is_waiting=is_waiting, claimed_by=row.display_name)

    def acknowledge(self, step_id: str) -> bool:
        changed = self._connection.execute(
            sa.update(escalation)
            .where(escalation.c.id == step_id, escalation.c.acknowledged_at.is_(None))
            .values(acknowledged_at=self._now)
        )
        return changed.rowcount == 1

    def list_alarms(self) -> dict[str, str]:
        climbed = sa.select(desk_item.c.id, desk_item.c.grade, desk_item.c.status).where(
            status_in(desk_item, DESK_ITEM_OPEN),
            desk_item.c.ladder_step > 0,
            desk_item.c.grade <= Grade.HIGH.value,
        )
        found: dict[str, list[str]] = {}
        for row in self._connection.execute(climbed.order_by(desk_item.c.waiting_since, desk_item.c.id)):
            found.setdefault(_alarm_of(row.status, row.grade), []).append(row.id)
        nobody = (
            sa.select(desk_item.c.id)
            .distinct()
            .join(escalation, escalation.c.item_id == desk_item.c.id)
            .where(
                status_in(desk_item, DESK_ITEM_UNCLAIMED),
                desk_item.c.ladder_step > 0,
                escalation.c.wait_from == desk_item.c.ladder_from,
                escalation.c.step.in_([Step.NOBODY_ON_CALL.value, Step.NO_CONTROL_ROOM.value]),
            )
        )
        if alone := sorted(self._connection.execute(nobody).scalars()):
            found[NOBODY_ON_CALL] = alone
        return {kind: _name(ids) for kind, ids in found.items()}

    def hold_alarms(self) -> None:
        # SQLite has one writer.
        if self._connection.dialect.name == "postgresql":
            self._connection.execute(sa.select(sa.func.pg_advisory_xact_lock(ALARMS_LOCK)))


def _is_due(item: DeskItem, now: datetime) -> bool:
    return item.ladder_due_at is not None and item.ladder_due_at <= now


def _alarm_of(status: str, grade: int) -> str:
    if status == ItemStatus.CLAIMED.value:
        return OWNER_SILENT
    return URGENT_UNCLAIMED if grade == Grade.DANGER_NOW.value else HIGH_UNCLAIMED


def _name(item_ids: list[str]) -> str:
    named = ", ".join(each[:SHORT_ID] for each in item_ids[:MOST_NAMED])
    more = len(item_ids) - MOST_NAMED
    return f"{named} +{more}" if more > 0 else named


def _step(row: Any) -> StoredStep:
    return StoredStep(
        id=row.id,
        item_id=row.item_id,
        conversation_id=row.conversation_id,
        wait_from=row.wait_from,
        position=row.position,
        step=Step(row.step),
        grade=Grade(row.grade),
        due_at=row.due_at,
        taken_at=row.taken_at,
        rota_entry_id=row.rota_entry_id,
        name=row.name,
        detail=row.detail,
        acknowledged_at=row.acknowledged_at,
    )
