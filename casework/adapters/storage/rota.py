"""The rota as it is written, and what was sent to those on it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.ladder_tables import NOTICE_WAITING, escalation, rota_entry, staff_notice
from casework.adapters.storage.sealed import seal, seal_all
from casework.adapters.storage.statements import lock_rows, new_id
from casework.adapters.storage.tables import conversation, delivery_event, desk_item, status_in
from casework.model.desk import ItemStatus
from casework.model.messages import DeliveryState
from casework.model.rota import RotaEntry, RotaKind, Way
from casework.services.ladder_ports import LeasedNotice, NoticeStatus

# A text that has not arrived by then is no news: whoever is next was told long ago.
NEWS_MATTERS_FOR = timedelta(hours=1)
MOST_AT_ONCE = 500


class SqlRota:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def add(
        self,
        *,
        kind: RotaKind,
        name: str,
        starts_at: datetime,
        ends_at: datetime | None,
        place: int,
        mobile: str | None,
        email: str | None,
        webhook: str | None,
        by: str,
    ) -> str:
        entry_id = new_id()
        self._connection.execute(
            sa.insert(rota_entry).values(
                seal(
                    self._connection,
                    rota_entry,
                    {
                        "id": entry_id,
                        "kind": kind.value,
                        "name": name,
                        "starts_at": starts_at,
                        "ends_at": ends_at,
                        "place": place,
                        "mobile": mobile,
                        "email": email,
                        "webhook": webhook,
                        "created_at": self._now,
                        "created_by": by,
                    },
                )
            )
        )
        return entry_id

    def remove(self, entry_id: str) -> bool:
        removed = self._connection.execute(
            sa.update(rota_entry)
            .where(rota_entry.c.id == entry_id, rota_entry.c.removed_at.is_(None))
            .values(removed_at=self._now)
        )
        return removed.rowcount == 1

    def list_between(self, since: datetime, until: datetime) -> list[RotaEntry]:
        query = sa.select(rota_entry).where(
            rota_entry.c.removed_at.is_(None),
            rota_entry.c.starts_at < until,
            rota_entry.c.ends_at.is_(None) | (rota_entry.c.ends_at > since),
        )
        ordered = query.order_by(rota_entry.c.starts_at, rota_entry.c.place, rota_entry.c.id)
        return [_entry(row) for row in self._connection.execute(ordered)]


class SqlStaffNotices:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def record(self, escalation_id: str, ways: Sequence[tuple[Way, str]]) -> None:
        rows = [
            {
                "id": new_id(),
                "escalation_id": escalation_id,
                "way": way.value,
                "to": to,
                "status": NoticeStatus.WAITING.value,
                "attempts": 0,
                "not_before": self._now,
                "created_at": self._now,
            }
            for way, to in ways
        ]
        if rows:
            self._connection.execute(sa.insert(staff_notice), seal_all(self._connection, staff_notice, rows))

    def has_next(self, way: Way) -> bool:
        return self._connection.execute(self._due(way)).first() is not None

    def lease_next(self, way: Way, *, lease_seconds: float) -> LeasedNotice | None:
        found = self._connection.execute(lock_rows(self._connection, self._due(way), staff_notice)).scalar()
        if found is None:
            return None
        self._connection.execute(
            sa.update(staff_notice)
            .where(staff_notice.c.id == found)
            .values(
                attempts=staff_notice.c.attempts + 1,
                not_before=self._now + timedelta(seconds=lease_seconds),
            )
        )
        return self._get_leased(found)

    def _due(self, way: Way) -> sa.Select[Any]:
        query = sa.select(staff_notice.c.id).where(
            status_in(staff_notice, NOTICE_WAITING),
            staff_notice.c.way == way.value,
            staff_notice.c.not_before <= self._now,
        )
        return query.order_by(staff_notice.c.not_before, staff_notice.c.id).limit(1)

    def _get_leased(self, notice_id: str) -> LeasedNotice:
        query = (
            sa.select(
                staff_notice,
                escalation.c.item_id,
                escalation.c.conversation_id,
                desk_item.c.status.label("item_status"),
                conversation.c.is_drill,
            )
            .select_from(
                staff_notice.join(escalation, staff_notice.c.escalation_id == escalation.c.id)
                .join(desk_item, escalation.c.item_id == desk_item.c.id)
                .join(conversation, escalation.c.conversation_id == conversation.c.id)
            )
            .where(staff_notice.c.id == notice_id)
        )
        row = self._connection.execute(query).one()
        return LeasedNotice(
            id=row.id,
            escalation_id=row.escalation_id,
            item_id=row.item_id,
            conversation_id=row.conversation_id,
            way=Way(row.way),
            to=row.to,
            attempts=row.attempts,
            is_needed=row.item_status == ItemStatus.OPEN.value,
            is_drill=row.is_drill,
        )

    def retry(self, notice: LeasedNotice, *, until: datetime, fault: str) -> bool:
        return self._change(notice, not_before=until, fault=fault)

    def settle(
        self,
        notice: LeasedNotice,
        status: NoticeStatus,
        *,
        provider_message_id: str | None = None,
        fault: str | None = None,
    ) -> bool:
        return self._change(
            notice,
            status=status.value,
            provider_message_id=provider_message_id,
            fault=fault,
            settled_at=self._now,
        )

    def _change(self, notice: LeasedNotice, **values: object) -> bool:
        changed = self._connection.execute(
            sa.update(staff_notice)
            .where(
                staff_notice.c.id == notice.id,
                staff_notice.c.attempts == notice.attempts,
                staff_notice.c.status == NoticeStatus.WAITING.value,
            )
            .values(**values)
        )
        return changed.rowcount == 1

    def list_states(self, escalation_ids: Sequence[str]) -> dict[str, list[tuple[Way, NoticeStatus]]]:
        query = sa.select(staff_notice.c.escalation_id, staff_notice.c.way, staff_notice.c.status).where(
            staff_notice.c.escalation_id.in_(escalation_ids)
        )
        found: dict[str, list[tuple[Way, NoticeStatus]]] = {}
        for row in self._connection.execute(query.order_by(staff_notice.c.created_at, staff_notice.c.id)):
            found.setdefault(row.escalation_id, []).append((Way(row.way), NoticeStatus(row.status)))
        return found

    def find_sent(self, provider_ids: Sequence[str]) -> set[str]:
        found: set[str] = set()
        for start in range(0, len(provider_ids), MOST_AT_ONCE):
            part = provider_ids[start : start + MOST_AT_ONCE]
            held = staff_notice.c.provider_message_id
            found.update(self._connection.execute(sa.select(held).where(held.in_(part))).scalars())
        return found

    def has_undelivered(self) -> bool:
        return self._find_undelivered() is not None

    def take_undelivered(self) -> str | None:
        row = self._find_undelivered()
        if row is None:
            return None
        changed = self._connection.execute(
            sa.update(staff_notice)
            .where(staff_notice.c.id == row.id, staff_notice.c.status == NoticeStatus.SENT.value)
            .values(status=NoticeStatus.FAILED.value, fault="undelivered")
        )
        return str(row.item_id) if changed.rowcount else None

    def _find_undelivered(self) -> Any:
        bad = (DeliveryState.UNDELIVERED.value, DeliveryState.FAILED.value)
        query = (
            sa.select(staff_notice.c.id, escalation.c.item_id)
            .join(delivery_event, delivery_event.c.provider_message_id == staff_notice.c.provider_message_id)
            .join(escalation, staff_notice.c.escalation_id == escalation.c.id)
            .where(
                staff_notice.c.status == NoticeStatus.SENT.value,
                staff_notice.c.created_at > self._now - NEWS_MATTERS_FOR,
                delivery_event.c.status.in_(bad),
            )
        )
        return self._connection.execute(query.limit(1)).first()


def _entry(row: Any) -> RotaEntry:
    return RotaEntry(
        id=row.id,
        kind=RotaKind(row.kind),
        name=row.name,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        place=row.place,
        mobile=row.mobile,
        email=row.email,
        webhook=row.webhook,
    )
