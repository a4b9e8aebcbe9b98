"""What came of a conversation, the labels it suggests, and what staff say is wrong."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from casework.adapters.storage.conversation_tables import correction, ending, label_suggestion
from casework.adapters.storage.sealed import seal
from casework.adapters.storage.statements import new_id
from casework.adapters.storage.tables import inbox, staff_member
from casework.model.desk import Outcome
from casework.services.conversation_ports import Block, Ending, WasUrgent

SUGGESTED = "suggested"


class SqlEndings:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def record(
        self,
        conversation_id: str,
        staff_id: str,
        outcome: Outcome,
        *,
        log_number: str | None,
        was_urgent: WasUrgent | None,
        about: str | None,
        last_inbox_id: int,
    ) -> str:
        ending_id = new_id()
        self._connection.execute(
            sa.insert(ending).values(
                id=ending_id,
                conversation_id=conversation_id,
                staff_id=staff_id,
                outcome=outcome.value,
                log_number=log_number,
                was_urgent=was_urgent,
                about=about,
                last_inbox_id=last_inbox_id,
                created_at=self._now,
            )
        )
        return ending_id

    def suggest_labels(
        self, ending_id: str, inbox_ids: Sequence[int], *, was_urgent: WasUrgent | None, about: str | None
    ) -> None:
        if not inbox_ids:
            return
        self._connection.execute(
            sa.insert(label_suggestion),
            [
                {
                    "id": new_id(),
                    "ending_id": ending_id,
                    "inbox_id": inbox_id,
                    "was_urgent": was_urgent,
                    "about": about,
                    "status": SUGGESTED,
                    "created_at": self._now,
                }
                for inbox_id in inbox_ids
            ],
        )

    def list_window(self, conversation_id: str) -> list[int]:
        last = (
            sa.select(sa.func.coalesce(sa.func.max(ending.c.last_inbox_id), 0))
            .where(ending.c.conversation_id == conversation_id)
            .scalar_subquery()
        )
        query = (
            sa.select(inbox.c.id)
            .where(inbox.c.conversation_id == conversation_id, inbox.c.id > last)
            .order_by(inbox.c.id)
        )
        return list(self._connection.execute(query).scalars())

    def list_of(self, conversation_id: str) -> list[Ending]:
        query = (
            sa.select(ending, staff_member.c.display_name)
            .join(staff_member, ending.c.staff_id == staff_member.c.id)
            .where(ending.c.conversation_id == conversation_id)
            .order_by(ending.c.created_at.desc(), ending.c.id)
        )
        return [
            Ending(
                author_name=row.display_name,
                outcome=Outcome(row.outcome),
                log_number=row.log_number,
                was_urgent=WasUrgent(row.was_urgent) if row.was_urgent else None,
                about=row.about,
                created_at=row.created_at,
            )
            for row in self._connection.execute(query)
        ]

    def record_correction(self, conversation_id: str, staff_id: str, block: Block, text: str) -> str:
        correction_id = new_id()
        self._connection.execute(
            sa.insert(correction).values(
                seal(
                    self._connection,
                    correction,
                    {
                        "id": correction_id,
                        "conversation_id": conversation_id,
                        "staff_id": staff_id,
                        "block": block.value,
                        "text": text,
                        "created_at": self._now,
                    },
                )
            )
        )
        return correction_id
