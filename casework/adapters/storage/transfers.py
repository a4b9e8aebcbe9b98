"""Conversations that go from one person to another: offered, taken, late."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.desk_tables import TRANSFER_OFFERED, regrade, transfer
from casework.adapters.storage.sealed import seal
from casework.adapters.storage.statements import new_id
from casework.adapters.storage.tables import conversation, staff_member, status_in
from casework.model.desk import Grade
from casework.model.errors import TransferNotFound
from casework.model.transfers import TransferKind, TransferStatus
from casework.services.desk_ports import Regrade, Transfer

_giver, _taker, _asker = (staff_member.alias(name) for name in ("giver", "taker", "asker"))
_TRANSFERS = sa.select(
    transfer,
    _giver.c.display_name.label("from_name"),
    _taker.c.display_name.label("to_name"),
    _asker.c.display_name.label("by_name"),
).select_from(
    transfer.join(_asker, transfer.c.by_id == _asker.c.id)
    .join(_giver, transfer.c.from_id == _giver.c.id, isouter=True)
    .join(_taker, transfer.c.to_id == _taker.c.id, isouter=True)
)


class SqlTransfers:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def record(
        self,
        *,
        conversation_id: str,
        kind: TransferKind,
        status: TransferStatus,
        from_id: str | None,
        to_id: str | None,
        by_id: str,
        reason: str,
        promised: str,
        due_at: datetime,
    ) -> str:
        transfer_id = new_id()
        values = {
            "id": transfer_id,
            "conversation_id": conversation_id,
            "kind": kind.value,
            "status": status.value,
            "from_id": from_id,
            "to_id": to_id,
            "by_id": by_id,
            "reason": reason,
            "promised": promised,
            "offered_at": self._now,
            "due_at": due_at,
            "settled_at": None if status is TransferStatus.OFFERED else self._now,
        }
        self._connection.execute(sa.insert(transfer).values(seal(self._connection, transfer, values)))
        return transfer_id

    def get(self, transfer_id: str) -> Transfer:
        found = self._first(_TRANSFERS.where(transfer.c.id == transfer_id))
        if found is None:
            raise TransferNotFound(transfer_id)
        return found

    def settle(self, transfer_id: str, status: TransferStatus) -> bool:
        settled = self._connection.execute(
            sa.update(transfer)
            .where(transfer.c.id == transfer_id, status_in(transfer, TRANSFER_OFFERED))
            .values(status=status.value, settled_at=self._now)
        )
        return settled.rowcount == 1

    def find_offered(self, conversation_id: str) -> Transfer | None:
        is_open = status_in(transfer, TRANSFER_OFFERED)
        return self._first(_TRANSFERS.where(transfer.c.conversation_id == conversation_id, is_open))

    def find_newest(self, conversation_id: str) -> Transfer | None:
        of_it = _TRANSFERS.where(transfer.c.conversation_id == conversation_id)
        return self._first(of_it.order_by(transfer.c.offered_at.desc(), transfer.c.id.desc()))

    def list_offered(self) -> list[Transfer]:
        # What changed hands since is nobody's to accept, though the row has yet to be settled.
        still_theirs = sa.exists().where(
            conversation.c.id == transfer.c.conversation_id,
            conversation.c.owner_id.is_not_distinct_from(transfer.c.from_id),
        )
        query = _TRANSFERS.where(
            status_in(transfer, TRANSFER_OFFERED),
            transfer.c.due_at > self._now,
            still_theirs,
        )
        return [_transfer(row) for row in self._connection.execute(query.order_by(transfer.c.due_at))]

    def next_late(self) -> Transfer | None:
        late = _TRANSFERS.where(status_in(transfer, TRANSFER_OFFERED), transfer.c.due_at <= self._now)
        return self._first(late.order_by(transfer.c.due_at))

    def _first(self, query: sa.Select[Any]) -> Transfer | None:
        row = self._connection.execute(query.limit(1)).first()
        return None if row is None else _transfer(row)


def _transfer(row: Any) -> Transfer:
    values = row._asdict()
    told = {"kind": TransferKind(row.kind), "status": TransferStatus(row.status)}
    return Transfer(**values | told)


class SqlRegrades:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def record(
        self,
        *,
        item_id: str,
        conversation_id: str,
        from_grade: Grade,
        to_grade: Grade,
        by_id: str | None,
        reason: str,
    ) -> None:
        self._connection.execute(
            sa.insert(regrade).values(
                seal(
                    self._connection,
                    regrade,
                    {
                        "item_id": item_id,
                        "conversation_id": conversation_id,
                        "from_grade": from_grade.value,
                        "to_grade": to_grade.value,
                        "by_id": by_id,
                        "reason": reason,
                        "at": self._now,
                    },
                )
            )
        )

    def list_of_conversation(self, conversation_id: str) -> list[Regrade]:
        query = (
            sa.select(regrade, staff_member.c.display_name)
            .select_from(regrade.join(staff_member, regrade.c.by_id == staff_member.c.id, isouter=True))
            .where(regrade.c.conversation_id == conversation_id)
            .order_by(regrade.c.id)
        )
        return [
            Regrade(
                item_id=row.item_id,
                from_grade=Grade(row.from_grade),
                to_grade=Grade(row.to_grade),
                by_name=row.display_name,
                reason=row.reason,
                at=row.at,
            )
            for row in self._connection.execute(query)
        ]
