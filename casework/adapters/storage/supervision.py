"""Broadcasts to staff, pauses of intake, and second looks at closed items."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.sealed import seal
from casework.adapters.storage.statements import insert_once, new_id
from casework.adapters.storage.supervision_tables import broadcast, intake_pause, quality_review
from casework.adapters.storage.tables import audit, conversation, desk_item, outbox, staff_member
from casework.model.desk import Grade, HandoffReason, ItemStatus, Outcome
from casework.model.messages import Channel
from casework.services.quality import ItemNotFound
from casework.services.supervision_ports import Broadcast, ClosedItem, IntakePause, Review

HANDLING = ("conversation_claimed", "staff_replied", "items_closed", "conversation_taken_over")


class SqlBroadcasts:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def start(self, *, text: str, until: datetime, by: str) -> str:
        made = new_id()
        values = {"id": made, "text": text, "since": self._now, "until": until, "by_id": by}
        self._connection.execute(sa.insert(broadcast).values(seal(self._connection, broadcast, values)))
        return made

    def end(self, broadcast_id: str) -> bool:
        where = (broadcast.c.id == broadcast_id, *_goes_on(broadcast, self._now))
        ended = self._connection.execute(sa.update(broadcast).where(*where).values(ended_at=self._now))
        return ended.rowcount == 1

    def list_current(self) -> list[Broadcast]:
        query = _with_name(broadcast).where(*_goes_on(broadcast, self._now))
        rows = self._connection.execute(query.order_by(broadcast.c.since.desc(), broadcast.c.id))
        return [
            Broadcast(id=row.id, text=row.text, since=row.since, until=row.until, by_name=row.display_name)
            for row in rows
        ]


class SqlIntakePauses:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def start(self, *, text_name: str, until: datetime, by: str) -> str:
        made = new_id()
        values = {"id": made, "text_name": text_name, "since": self._now, "until": until, "by_id": by}
        self._connection.execute(sa.insert(intake_pause).values(values))
        return made

    def end_all(self) -> int:
        where = _goes_on(intake_pause, self._now)
        return self._connection.execute(
            sa.update(intake_pause).where(*where).values(ended_at=self._now)
        ).rowcount

    def find_current(self) -> IntakePause | None:
        row = self._connection.execute(CURRENT_PAUSE, {"now": self._now}).first()
        if row is None:
            return None
        return IntakePause(
            id=row.id, text_name=row.text_name, since=row.since, until=row.until, by_name=row.display_name
        )

    def was_told(self, conversation_id: str, pause: IntakePause) -> bool:
        query = sa.select(outbox.c.id).where(
            outbox.c.conversation_id == conversation_id,
            outbox.c.created_at >= pause.since,
            outbox.c.template.contains(pause.text_name, autoescape=True),
        )
        return self._connection.execute(query.limit(1)).first() is not None


class SqlQuality:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def list_closed(self, *, since: datetime, limit: int) -> list[ClosedItem]:
        seen = sa.exists().where(quality_review.c.item_id == desk_item.c.id)
        query = (
            _CLOSED_ITEMS.where(desk_item.c.closed_at >= since, ~seen)
            .order_by(desk_item.c.closed_at, desk_item.c.id)
            .limit(limit)
        )
        return [_closed(row) for row in self._connection.execute(query)]

    def get_closed(self, item_id: str) -> ClosedItem:
        row = self._connection.execute(_CLOSED_ITEMS.where(desk_item.c.id == item_id)).first()
        if row is None:
            raise ItemNotFound(item_id)
        return _closed(row)

    def list_handlers(self, conversation_ids: Collection[str]) -> dict[str, frozenset[str]]:
        if not conversation_ids:
            return {}
        acted = sa.select(audit.c.conversation_id, audit.c.actor).where(
            audit.c.conversation_id.in_(conversation_ids), audit.c.act.in_(HANDLING)
        )
        owned = sa.select(desk_item.c.conversation_id, desk_item.c.owner_id).where(
            desk_item.c.conversation_id.in_(conversation_ids), desk_item.c.owner_id.is_not(None)
        )
        handlers: dict[str, set[str]] = {}
        for conversation_id, who in self._connection.execute(sa.union(acted, owned)):
            handlers.setdefault(conversation_id, set()).add(who)
        return {conversation_id: frozenset(who) for conversation_id, who in handlers.items()}

    def record(
        self, item_id: str, *, reviewer: str, verdict: str, answers: Mapping[str, str], words: str
    ) -> bool:
        values = {
            "item_id": item_id,
            "reviewer_id": reviewer,
            "reviewed_at": self._now,
            "verdict": verdict,
            "answers": dict(answers),
            "words": words,
        }
        of = sa.select(desk_item.c.conversation_id).where(desk_item.c.id == item_id)
        talk = self._connection.execute(of).scalar_one()
        sealed = seal(self._connection, quality_review, values, owner=talk)
        return insert_once(self._connection, quality_review, ["item_id"], sealed) is not None

    def find(self, item_id: str) -> Review | None:
        row = self._connection.execute(_REVIEWS.where(quality_review.c.item_id == item_id)).first()
        return None if row is None else _review(row)

    def list_newest(self, *, limit: int) -> list[Review]:
        query = _REVIEWS.order_by(quality_review.c.reviewed_at.desc()).limit(limit)
        return [_review(row) for row in self._connection.execute(query)]


_CLOSED_ITEMS = (
    sa.select(desk_item, conversation.c.channel)
    .join(conversation, desk_item.c.conversation_id == conversation.c.id)
    .where(
        desk_item.c.status == ItemStatus.CLOSED.value,
        desk_item.c.owner_id.is_not(None),
        desk_item.c.closed_at.is_not(None),
        conversation.c.is_drill.is_(False),
    )
)
_REVIEWS = sa.select(quality_review, staff_member.c.display_name).join(
    staff_member, quality_review.c.reviewer_id == staff_member.c.id
)


def _with_name(table: sa.Table) -> sa.Select[Any]:
    return sa.select(table, staff_member.c.display_name).join(
        staff_member, table.c.by_id == staff_member.c.id
    )


def _goes_on(table: sa.Table, now: Any) -> tuple[sa.ColumnElement[bool], ...]:
    return table.c.ended_at.is_(None), table.c.until > now


# Built once: each turn asks it.
CURRENT_PAUSE = (
    _with_name(intake_pause)
    .where(*_goes_on(intake_pause, sa.bindparam("now")))
    .order_by(intake_pause.c.since.desc())
    .limit(1)
)


def _closed(row: Any) -> ClosedItem:
    return ClosedItem(
        id=row.id,
        conversation_id=row.conversation_id,
        channel=Channel(row.channel),
        grade=Grade(row.grade),
        reason=HandoffReason(row.reason),
        category=row.category,
        outcome=Outcome(row.outcome) if row.outcome else None,
        closed_at=row.closed_at,
    )


def _review(row: Any) -> Review:
    return Review(
        item_id=row.item_id,
        reviewer_name=row.display_name,
        reviewed_at=row.reviewed_at,
        verdict=row.verdict,
        answers=row.answers,
        words=row.words,
    )
