""" "What happened next", told to those who had handled it."""

from datetime import datetime

import sqlalchemy as sa

from casework.adapters.storage.conversation_tables import follow_up
from casework.adapters.storage.sealed import seal
from casework.adapters.storage.statements import new_id
from casework.adapters.storage.tables import audit, staff_member
from casework.services.conversation_ports import FollowUp

TAKEN = ("conversation_claimed", "conversation_taken_over", "transfer_accepted")
MOST_LISTED = 100


class SqlFollowUps:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def list_handlers(self, conversation_id: str) -> list[str]:
        query = (
            sa.select(staff_member.c.id)
            .join(audit, audit.c.actor == staff_member.c.id)
            .where(audit.c.conversation_id == conversation_id, audit.c.act.in_(TAKEN))
            .distinct()
            .order_by(staff_member.c.id)
        )
        return list(self._connection.execute(query).scalars())

    def record(self, conversation_id: str, *, to: str, by: str, text: str) -> None:
        self._connection.execute(
            sa.insert(follow_up).values(
                seal(
                    self._connection,
                    follow_up,
                    {
                        "id": new_id(),
                        "conversation_id": conversation_id,
                        "to_staff_id": to,
                        "by_staff_id": by,
                        "text": text,
                        "created_at": self._now,
                    },
                )
            )
        )

    def list_to(self, staff_id: str) -> list[FollowUp]:
        query = (
            sa.select(follow_up, staff_member.c.display_name)
            .join(staff_member, follow_up.c.by_staff_id == staff_member.c.id)
            .where(follow_up.c.to_staff_id == staff_id)
            .order_by(follow_up.c.created_at.desc(), follow_up.c.id)
            .limit(MOST_LISTED)
        )
        return [
            FollowUp(
                id=row.id,
                conversation_id=row.conversation_id,
                author_name=row.display_name,
                text=row.text,
                created_at=row.created_at,
                seen_at=row.seen_at,
            )
            for row in self._connection.execute(query)
        ]

    def count_unseen(self, staff_id: str) -> int:
        query = sa.select(sa.func.count()).where(
            follow_up.c.to_staff_id == staff_id, follow_up.c.seen_at.is_(None)
        )
        return self._connection.execute(query).scalar_one()

    def mark_seen(self, staff_id: str) -> None:
        self._connection.execute(
            sa.update(follow_up)
            .where(follow_up.c.to_staff_id == staff_id, follow_up.c.seen_at.is_(None))
            .values(seen_at=self._now)
        )
