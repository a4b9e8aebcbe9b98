"""What people say of testers' messages, as each was pressed."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.model_tables import guest_link, guest_message
from casework.adapters.storage.review_lists import guest_row
from casework.adapters.storage.statements import insert, new_id
from casework.adapters.storage.workbench_tables import guest_annotation
from casework.model.annotations import AnnotationKind, Label
from casework.services.guest_ports import GuestPress
from casework.services.review_ports import GuestRow


class SqlGuestLabels:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def find(self, guest_message_id: int, *, hold: bool = False) -> GuestRow | None:
        query = (
            sa.select(guest_message, guest_link.c.group_name)
            .join_from(guest_message, guest_link, guest_link.c.token_hash == guest_message.c.token_hash)
            .where(guest_message.c.id == guest_message_id)
        )
        row = self._connection.execute(query.with_for_update(of=guest_message) if hold else query).first()
        return None if row is None else guest_row(row)

    def list_before(self, row: GuestRow, *, limit: int) -> list[GuestRow]:
        query = (
            sa.select(guest_message, guest_link.c.group_name)
            .join_from(guest_message, guest_link, guest_link.c.token_hash == guest_message.c.token_hash)
            .where(guest_message.c.visit == row.visit, guest_message.c.id < row.id)
            .order_by(guest_message.c.id.desc())
            .limit(limit)
        )
        return [guest_row(each) for each in reversed(self._connection.execute(query).all())]

    def record(
        self, guest_message_id: int, label: Label, *, kind: AnnotationKind, form_id: str, by: str
    ) -> str | None:
        statement = insert(self._connection, guest_annotation).on_conflict_do_nothing()
        values = {
            "id": new_id(),
            "guest_message_id": guest_message_id,
            "staff_id": by,
            "form_id": form_id,
            "kind": kind.value,
            "intent": label.intent,
            "risks": list(label.risks),
            "made_at": self._now,
        }
        returned = self._connection.execute(statement.returning(guest_annotation.c.id), values)
        return returned.scalar()

    def find_form(self, form_id: str) -> GuestPress | None:
        found = self._list(guest_annotation.c.form_id == form_id)
        return found[0] if found else None

    def list_of(self, guest_message_id: int) -> list[GuestPress]:
        stands = guest_annotation.c.undone_at.is_(None)
        return self._list(guest_annotation.c.guest_message_id == guest_message_id, stands)

    def undo(self, press_id: str) -> None:
        self._connection.execute(
            sa.update(guest_annotation).where(guest_annotation.c.id == press_id).values(undone_at=self._now)
        )

    def reopen(self, guest_message_id: int) -> None:
        self._connection.execute(
            sa.update(guest_message).where(guest_message.c.id == guest_message_id).values(handled_at=None)
        )

    def _list(self, *conditions: sa.ColumnElement[bool]) -> list[GuestPress]:
        query = sa.select(guest_annotation).where(*conditions)
        rows = self._connection.execute(query.order_by(guest_annotation.c.made_at, guest_annotation.c.id))
        return [_press(row) for row in rows]


def _press(row: Any) -> GuestPress:
    return GuestPress(
        id=row.id,
        guest_message_id=row.guest_message_id,
        staff_id=row.staff_id,
        kind=AnnotationKind(row.kind),
        label=Label(risks=tuple(row.risks), intent=row.intent),
    )
