"""Notes of staff to staff: kept apart from everything that is sent."""

from datetime import datetime

import sqlalchemy as sa

from casework.adapters.storage.conversation_tables import staff_note
from casework.adapters.storage.sealed import seal
from casework.adapters.storage.statements import new_id
from casework.adapters.storage.tables import staff_member
from casework.services.conversation_ports import StaffNote


class SqlStaffNotes:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def record(self, conversation_id: str, staff_id: str, text: str) -> str:
        note_id = new_id()
        self._connection.execute(
            sa.insert(staff_note).values(
                seal(
                    self._connection,
                    staff_note,
                    {
                        "id": note_id,
                        "conversation_id": conversation_id,
                        "staff_id": staff_id,
                        "text": text,
                        "created_at": self._now,
                    },
                )
            )
        )
        return note_id

    def list_of(self, conversation_id: str) -> list[StaffNote]:
        query = (
            sa.select(staff_note.c.text, staff_note.c.created_at, staff_member.c.display_name)
            .join(staff_member, staff_note.c.staff_id == staff_member.c.id)
            .where(staff_note.c.conversation_id == conversation_id)
            .order_by(staff_note.c.created_at, staff_note.c.id)
        )
        return [
            StaffNote(author_name=row.display_name, text=row.text, created_at=row.created_at)
            for row in self._connection.execute(query)
        ]
