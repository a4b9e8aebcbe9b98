"""The queues of the workbench as they are read.

Every reading leaves out what is live, a rehearsal, or may not teach. Conditions on what is open are written out, as
the partial indexes have them.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.model_tables import guest_link, guest_message
from casework.adapters.storage.tables import conversation, desk_item
from casework.adapters.storage.training_flags import is_usable
from casework.adapters.storage.workbench_tables import annotation, is_open, review_item, review_reason
from casework.model.annotations import Act, ItemStatus
from casework.model.disclosures import Band
from casework.model.messages import Channel
from casework.model.review_queues import Queue
from casework.model.workbench_limits import load_workbench_limits
from casework.services.review_ports import Cluster, GuestRow
from casework.services.workbench_ports import ReviewRow

MOST_THIRD = 1000
# By a name of its own: the condition of what is usable looks at conversations too.
_talk = conversation.alias("talk")
_WAITING = review_item.c.status.in_(
    [sa.literal_column(f"'{status}'") for status in (ItemStatus.OPEN, ItemStatus.NEEDS_SECOND)]
)
_THIRD = review_item.c.status == sa.literal_column(f"'{ItemStatus.NEEDS_THIRD}'")
_DECIDED = sa.and_(
    annotation.c.undone_at.is_(None), annotation.c.act == sa.literal_column(f"'{Act.DECIDED}'")
)
_ROW = (
    review_reason.c.inbox_id,
    review_item.c.conversation_id,
    review_reason.c.said_at,
    review_item.c.channel,
    review_reason.c.harm,
    review_reason.c.why,
    review_reason.c.detail,
    review_item.c.status,
    review_reason.c.cluster,
)
_REASONS = review_reason.join(review_item, review_item.c.inbox_id == review_reason.c.inbox_id).join(
    _talk, _talk.c.id == review_item.c.conversation_id
)
REVIEW_ITEMS = review_item.join(_talk, _talk.c.id == review_item.c.conversation_id)


def is_at_rest(talk: sa.FromClause, now: datetime) -> sa.ColumnElement[bool]:
    """The condition on a conversation that nobody has, that waits for nobody and that was not written to lately."""
    has_open_item = sa.exists().where(
        desk_item.c.conversation_id == talk.c.id, desk_item.c.closed_at.is_(None)
    )
    quiet_since = now - load_workbench_limits().quiet
    return sa.and_(talk.c.owner_id.is_(None), talk.c.last_inbound_at < quiet_since, ~has_open_item)


class SqlReviewLists:
    def __init__(self, connection: sa.Connection, now: datetime, *, unless_said: bool = False) -> None:
        self._connection = connection
        self._now = now
        self._unless_said = unless_said

    def list_open(
        self, queue: Queue, *, after: tuple[int, datetime, int] | None, limit: int
    ) -> list[ReviewRow]:
        # One arm after the other: a condition over both is no place in the index, and reads all that is before it.
        rows: list[Any] = []
        for arm in _behind(after):
            if len(rows) < limit:
                rows += self._connection.execute(self._open(queue, limit - len(rows), *arm)).all()
        return [_row(row) for row in rows]

    def find_next(self, queue: Queue, *, by: str) -> int | None:
        decided = sa.exists().where(
            annotation.c.inbox_id == review_reason.c.inbox_id, annotation.c.staff_id == by, _DECIDED
        )
        put_by = sa.select(annotation.c.inbox_id).where(
            annotation.c.staff_id == by,
            annotation.c.undone_at.is_(None),
            annotation.c.act != Act.DECIDED.value,
        )
        query = self._open(queue, 1, ~decided, review_reason.c.inbox_id.not_in(put_by))
        row = self._connection.execute(query).first()
        return None if row is None else int(row.inbox_id)

    def count_open(self, *, most: int = 1000) -> dict[Queue, int]:
        counts = {
            queue: self._count(
                sa.select(sa.literal_column("1"))
                .select_from(_REASONS)
                .where(*_in_queue(queue), self.is_shown()),
                most,
            )
            for queue in Queue
            if queue is not Queue.GUESTS
        }
        guests: sa.Select[Any] = sa.select(sa.literal_column("1")).where(guest_message.c.handled_at.is_(None))
        return counts | {Queue.GUESTS: self._count(guests, most)}

    def _count(self, query: sa.Select[Any], most: int) -> int:
        limited = query.limit(most + 1).subquery()
        return self._connection.execute(sa.select(sa.func.count()).select_from(limited)).scalar_one()

    def _open(self, queue: Queue, limit: int, *conditions: sa.ColumnElement[bool]) -> sa.Select[Any]:
        return (
            sa.select(*_ROW)
            .select_from(_REASONS)
            .where(*_in_queue(queue), *conditions, self.is_shown())
            .order_by(review_reason.c.harm, review_reason.c.said_at.desc(), review_reason.c.inbox_id)
            .limit(limit)
        )

    def is_shown(self) -> sa.ColumnElement[bool]:
        """Not live - owned, with an open desk item, or written to lately - and usable; a drill's never is."""
        return sa.and_(
            is_at_rest(_talk, self._now),
            _talk.c.is_drill.is_(False),
            is_usable(review_item.c.conversation_id, review_item.c.inbox_id, unless_said=self._unless_said),
        )

    def is_at_rest(self, conversation_id: str) -> bool:
        query = sa.select(_talk.c.id).where(_talk.c.id == conversation_id, is_at_rest(_talk, self._now))
        return self._connection.execute(query).first() is not None

    # --- where two differ ---

    def list_third(self, *, by: str, after: tuple[int, datetime, int] | None, limit: int) -> list[ReviewRow]:
        worst: dict[int, ReviewRow] = {}
        for row in self._connection.execute(
            sa.select(*_ROW).select_from(_REASONS).where(*self._third(by)).limit(MOST_THIRD)
        ):
            known = worst.get(row.inbox_id)
            if known is None or row.harm < known.harm:
                worst[row.inbox_id] = _row(row)
        ordered = sorted(worst.values(), key=_place)
        if after is not None:
            ordered = [row for row in ordered if _place(row) > (after[0], -after[1].timestamp(), after[2])]
        return ordered[:limit]

    def count_third(self, *, by: str, most: int = 1000) -> int:
        items: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(REVIEW_ITEMS)
        return self._count(items.where(*self._third(by)), most)

    def _third(self, by: str) -> tuple[sa.ColumnElement[bool], ...]:
        theirs = sa.exists().where(
            annotation.c.inbox_id == review_item.c.inbox_id, annotation.c.staff_id == by, _DECIDED
        )
        return _THIRD, ~theirs, self.is_shown()

    # --- new words, and what testers wrote ---

    def list_clusters(self, *, limit: int, fewest: int = 3) -> list[Cluster]:
        items = sa.func.count(review_reason.c.inbox_id.distinct())
        query = (
            sa.select(sa.func.max(review_reason.c.inbox_id).label("one"), items.label("items"))
            .select_from(_REASONS)
            .where(*_in_queue(Queue.NEW_WORDS), review_reason.c.cluster.is_not(None), self.is_shown())
            .group_by(review_reason.c.cluster)
            .having(sa.func.count(review_item.c.conversation_id.distinct()) >= fewest)
            .order_by(items.desc(), sa.text("1"))
            .limit(limit)
        )
        counted = {row.one: row.items for row in self._connection.execute(query)}
        names = sa.select(review_reason.c.inbox_id, review_reason.c.cluster).where(
            review_reason.c.inbox_id.in_(list(counted)), review_reason.c.queue == Queue.NEW_WORDS.value
        )
        found = [
            Cluster(name=row.cluster, items=counted[row.inbox_id]) for row in self._connection.execute(names)
        ]
        return sorted(found, key=lambda each: (-each.items, each.name))

    def list_of_cluster(self, cluster: str, *, limit: int) -> list[ReviewRow]:
        query = self._open(Queue.NEW_WORDS, limit, review_reason.c.cluster == cluster)
        return [_row(row) for row in self._connection.execute(query)]

    def list_guests(self, *, after: int, limit: int) -> list[GuestRow]:
        query = (
            sa.select(guest_message, guest_link.c.group_name)
            .join_from(guest_message, guest_link, guest_link.c.token_hash == guest_message.c.token_hash)
            .where(guest_message.c.id > after, guest_message.c.handled_at.is_(None))
            .order_by(guest_message.c.id)
            .limit(limit)
        )
        return [guest_row(row) for row in self._connection.execute(query)]


def guest_row(row: Any) -> GuestRow:
    """A row of `guest_message` with the name of its link's group."""
    return GuestRow(
        id=row.id,
        visit=row.visit,
        group=row.group_name,
        text=row.text,
        responses=tuple(row.responses),
        band=Band(row.band),
        tier=row.tier,
        at=row.at,
    )


def _in_queue(queue: Queue) -> Iterable[sa.ColumnElement[bool]]:
    return review_reason.c.queue == queue.value, is_open(review_reason), _WAITING


def _behind(after: tuple[int, datetime, int] | None) -> list[tuple[sa.ColumnElement[bool], ...]]:
    """What comes behind a row: the rest of its harm, then all that is less grave."""
    if after is None:
        return [()]
    harm, said_at, inbox_id = after
    row = review_reason.c
    later = sa.or_(row.said_at < said_at, row.inbox_id > inbox_id)
    return [(row.harm == harm, row.said_at <= said_at, later), (row.harm > harm,)]


def _place(row: ReviewRow) -> tuple[int, float, int]:
    return row.harm, -row.said_at.timestamp(), row.inbox_id


def _row(row: Any) -> ReviewRow:
    return ReviewRow(
        inbox_id=row.inbox_id,
        conversation_id=row.conversation_id,
        said_at=row.said_at,
        channel=Channel(row.channel),
        harm=row.harm,
        why=row.why,
        detail=row.detail,
        status=row.status,
        cluster=row.cluster,
    )
