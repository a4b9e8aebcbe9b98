"""Drills, and what became of their synthetic victims."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.drill_tables import drill, drill_line
from casework.adapters.storage.ladder_tables import escalation
from casework.adapters.storage.statements import new_id
from casework.adapters.storage.tables import audit, conversation, desk_item, outbox, staff_member
from casework.model.desk import Grade, ItemStatus, Outcome
from casework.model.messages import Author, Channel
from casework.services.drill_ports import Drill, DrillLine, DrillNotFound, DrillVictim


class SqlDrills:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def record(self, script: str, *, by: str, starts_at: datetime, lines: Sequence[DrillLine]) -> str:
        drill_id = new_id()
        self._connection.execute(
            sa.insert(drill).values(
                id=drill_id, script=script, started_by=by, created_at=self._now, starts_at=starts_at
            )
        )
        for line in lines:
            self._connection.execute(
                sa.insert(drill_line).values(
                    drill_id=drill_id,
                    victim=line.victim,
                    channel=line.channel.value,
                    external_id=line.external_id,
                    text=line.text,
                    due_at=line.due_at,
                )
            )
        return drill_id

    def get(self, drill_id: str) -> Drill:
        row = self._connection.execute(sa.select(drill).where(drill.c.id == drill_id)).first()
        if row is None:
            raise DrillNotFound("No drill has this id.")
        return _drill(row)

    def list_newest(self, *, limit: int = 50) -> list[Drill]:
        query = sa.select(drill).order_by(drill.c.created_at.desc(), drill.c.id).limit(limit)
        return [_drill(row) for row in self._connection.execute(query)]

    def list_open(self) -> list[Drill]:
        query = sa.select(drill).where(drill.c.ended_at.is_(None)).order_by(drill.c.created_at, drill.c.id)
        return [_drill(row) for row in self._connection.execute(query)]

    def find_due(self) -> DrillLine | None:
        query = (
            sa.select(drill_line)
            .join(drill, drill.c.id == drill_line.c.drill_id)
            .where(
                drill_line.c.sent_at.is_(None),
                drill_line.c.due_at <= self._now,
                drill.c.ended_at.is_(None),
            )
            .order_by(drill_line.c.due_at, drill_line.c.id)
            .limit(1)
        )
        row = self._connection.execute(query).first()
        return None if row is None else _line(row)

    def mark_conversation(self, conversation_id: str) -> None:
        self._connection.execute(
            sa.update(conversation).where(conversation.c.id == conversation_id).values(is_drill=True)
        )

    def record_sent(self, line_id: int, conversation_id: str) -> bool:
        sent = self._connection.execute(
            sa.update(drill_line)
            .where(drill_line.c.id == line_id, drill_line.c.sent_at.is_(None))
            .values(sent_at=self._now, conversation_id=conversation_id)
        )
        return sent.rowcount == 1

    def count_unsent(self, drill_id: str) -> int:
        query = sa.select(sa.func.count()).where(
            drill_line.c.drill_id == drill_id, drill_line.c.sent_at.is_(None)
        )
        return self._connection.execute(query).scalar_one()

    def end(self, drill_id: str) -> bool:
        ended = self._connection.execute(
            sa.update(drill)
            .where(drill.c.id == drill_id, drill.c.ended_at.is_(None))
            .values(ended_at=self._now)
        )
        return ended.rowcount == 1

    def close_unclaimed(self, drill_id: str) -> int:
        of_it = sa.select(drill_line.c.conversation_id).where(
            drill_line.c.drill_id == drill_id, drill_line.c.conversation_id.is_not(None)
        )
        closed = self._connection.execute(
            sa.update(desk_item)
            .where(desk_item.c.conversation_id.in_(of_it), desk_item.c.status == ItemStatus.OPEN.value)
            .values(status=ItemStatus.CLOSED.value, outcome=Outcome.TEST.value, closed_at=self._now)
        )
        return closed.rowcount

    def list_victims(self, drill_id: str) -> list[DrillVictim]:
        lines = self._connection.execute(
            sa.select(drill_line)
            .where(drill_line.c.drill_id == drill_id)
            .order_by(drill_line.c.due_at, drill_line.c.id)
        ).all()
        first: dict[str, Any] = {}
        for line in lines:
            first.setdefault(line.victim, line)
        return [self._victim(line) for line in first.values()]

    def _victim(self, line: Any) -> DrillVictim:
        known = {"victim": line.victim, "channel": Channel(line.channel), "due_at": line.due_at}
        if line.conversation_id is None:
            return DrillVictim(**known)
        claim = self._first_claim(line.conversation_id)
        items = self._connection.execute(
            sa.select(sa.func.min(desk_item.c.created_at), sa.func.min(desk_item.c.grade)).where(
                desk_item.c.conversation_id == line.conversation_id
            )
        ).one()
        return DrillVictim(
            **known,
            conversation_id=line.conversation_id,
            wrote_at=line.sent_at,
            listed_at=items[0],
            graded=None if items[1] is None else Grade(items[1]),
            claimed_at=None if claim is None else claim.at,
            claimed_by=None if claim is None else claim.display_name,
            answered_at=self._first_answer(line.conversation_id),
            steps=self._steps(line.conversation_id),
        )

    def _first_claim(self, conversation_id: str) -> Any:
        # Of the record, not of the item: a claim that was given back still was one.
        query = (
            sa.select(audit.c.at, staff_member.c.display_name)
            .join_from(audit, staff_member, audit.c.actor == staff_member.c.id, isouter=True)
            .where(audit.c.conversation_id == conversation_id, audit.c.act == "conversation_claimed")
            .order_by(audit.c.at)
            .limit(1)
        )
        return self._connection.execute(query).first()

    def _first_answer(self, conversation_id: str) -> datetime | None:
        query = sa.select(sa.func.min(outbox.c.created_at)).where(
            outbox.c.conversation_id == conversation_id, outbox.c.author == Author.STAFF.value
        )
        return self._connection.execute(query).scalar()

    def _steps(self, conversation_id: str) -> tuple[str, ...]:
        taken = (
            sa.select(escalation.c.step)
            .where(escalation.c.conversation_id == conversation_id)
            .order_by(escalation.c.taken_at, escalation.c.position)
        )
        return tuple(dict.fromkeys(self._connection.execute(taken).scalars()))


def _drill(row: Any) -> Drill:
    return Drill(
        id=row.id,
        script=row.script,
        started_by=row.started_by,
        created_at=row.created_at,
        starts_at=row.starts_at,
        ended_at=row.ended_at,
    )


def _line(row: Any) -> DrillLine:
    return DrillLine(
        id=row.id,
        drill_id=row.drill_id,
        victim=row.victim,
        channel=Channel(row.channel),
        external_id=row.external_id,
        text=row.text,
        due_at=row.due_at,
    )
