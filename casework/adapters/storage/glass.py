"""Conversations opened beyond one's own work, and what a supervisor thought of it."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.sealed import seal
from casework.adapters.storage.staff_tables import glass_opening
from casework.adapters.storage.statements import new_id
from casework.adapters.storage.tables import staff_member
from casework.services.staff_ports import GlassOpening

_reviewer = staff_member.alias("reviewer")
_OPENINGS = sa.select(
    glass_opening,
    staff_member.c.display_name.label("staff_name"),
    _reviewer.c.display_name.label("reviewer_name"),
).select_from(
    glass_opening.join(staff_member, glass_opening.c.staff_id == staff_member.c.id).join(
        _reviewer, glass_opening.c.reviewed_by == _reviewer.c.id, isouter=True
    )
)


class SqlGlass:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def record(self, conversation_id: str, *, staff_id: str, reason: str, until: datetime) -> str:
        opening_id = new_id()
        self._connection.execute(
            sa.insert(glass_opening).values(
                seal(
                    self._connection,
                    glass_opening,
                    {
                        "id": opening_id,
                        "conversation_id": conversation_id,
                        "staff_id": staff_id,
                        "reason": reason,
                        "opened_at": self._now,
                        "until": until,
                    },
                )
            )
        )
        return opening_id

    def find(self, opening_id: str) -> GlassOpening | None:
        row = self._connection.execute(_OPENINGS.where(glass_opening.c.id == opening_id)).first()
        return None if row is None else _opening(row)

    def list_unreviewed(self, *, limit: int = 200) -> list[GlassOpening]:
        query = _OPENINGS.where(glass_opening.c.reviewed_at.is_(None)).order_by(glass_opening.c.opened_at)
        return [_opening(row) for row in self._connection.execute(query.limit(limit))]

    def list_reviewed(self, *, limit: int = 50) -> list[GlassOpening]:
        query = _OPENINGS.where(glass_opening.c.reviewed_at.is_not(None))
        query = query.order_by(glass_opening.c.reviewed_at.desc()).limit(limit)
        return [_opening(row) for row in self._connection.execute(query)]

    def count_unreviewed(self) -> int:
        query = sa.select(sa.func.count()).where(glass_opening.c.reviewed_at.is_(None))
        return self._connection.execute(query).scalar_one()

    def review(self, opening_id: str, *, by: str, is_justified: bool, words: str) -> bool:
        of = sa.select(glass_opening.c.id, glass_opening.c.conversation_id).where(
            glass_opening.c.id == opening_id
        )
        row = self._connection.execute(of).first()
        if row is None:
            return False
        sealed = seal(self._connection, glass_opening, {**row._mapping, "review_words": words})
        changed = self._connection.execute(
            sa.update(glass_opening)
            .where(glass_opening.c.id == opening_id, glass_opening.c.reviewed_at.is_(None))
            .values(
                reviewed_by=by,
                reviewed_at=self._now,
                is_justified=is_justified,
                review_words=sealed["review_words"],
            )
        )
        return changed.rowcount == 1


def _opening(row: Any) -> GlassOpening:
    return GlassOpening(
        id=row.id,
        conversation_id=row.conversation_id,
        staff_id=row.staff_id,
        staff_name=row.staff_name,
        reason=row.reason,
        opened_at=row.opened_at,
        until=row.until,
        reviewer_name=row.reviewer_name,
        reviewed_at=row.reviewed_at,
        is_justified=row.is_justified,
        review_words=row.review_words,
    )
