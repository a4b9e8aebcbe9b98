"""What may be said of a talk with a person: the words they approved, and whether they were said."""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.conversation_tables import hand_back_summary
from casework.adapters.storage.sealed import seal
from casework.adapters.storage.statements import new_id
from casework.adapters.storage.tables import conversation
from casework.model.desk import Outcome
from casework.services.conversation_ports import HandBackSummary, NextStep

# Built once: asked for each turn that is answered.
FIND_NEWEST = (
    sa.select(hand_back_summary, conversation.c.epoch.label("epoch_now"))
    .join(conversation, hand_back_summary.c.conversation_id == conversation.c.id)
    .where(hand_back_summary.c.conversation_id == sa.bindparam("of"))
    .order_by(hand_back_summary.c.created_at.desc(), hand_back_summary.c.id)
    .limit(1)
)


class SqlHandBacks:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def record(
        self,
        conversation_id: str,
        staff_id: str,
        *,
        done: Outcome,
        step: NextStep,
        due_on: date | None,
        text: str,
        crime_reference: str | None,
        epoch: int,
    ) -> str:
        summary_id = new_id()
        self._connection.execute(
            sa.insert(hand_back_summary).values(
                seal(
                    self._connection,
                    hand_back_summary,
                    {
                        "id": summary_id,
                        "conversation_id": conversation_id,
                        "staff_id": staff_id,
                        "done": done.value,
                        "next": step.value,
                        "due_on": due_on,
                        "text": text,
                        "crime_reference": crime_reference,
                        "epoch": epoch,
                        "created_at": self._now,
                    },
                )
            )
        )
        return summary_id

    def find_unsaid(self, conversation_id: str) -> HandBackSummary | None:
        row = self._find(conversation_id)
        is_over = row is None or row.said_at is not None or row.epoch != row.epoch_now
        return None if is_over else _summary(row)

    def find_newest(self, conversation_id: str) -> HandBackSummary | None:
        row = self._find(conversation_id)
        return None if row is None else _summary(row)

    def mark_said(self, summary_id: str) -> bool:
        marked = self._connection.execute(
            sa.update(hand_back_summary)
            .where(hand_back_summary.c.id == summary_id, hand_back_summary.c.said_at.is_(None))
            .values(said_at=self._now)
        )
        return marked.rowcount == 1

    def _find(self, conversation_id: str) -> Any:
        return self._connection.execute(FIND_NEWEST, {"of": conversation_id}).first()


def _summary(row: Any) -> HandBackSummary:
    return HandBackSummary(
        id=row.id,
        text=row.text,
        due_on=row.due_on,
        crime_reference=row.crime_reference,
        created_at=row.created_at,
        said_at=row.said_at,
    )
