"""The sources of the review queues in the tables the service keeps anyway, each read a bounded step at a time."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.conversation_tables import correction, ending
from casework.adapters.storage.conversations import screen_from_json
from casework.adapters.storage.desk_tables import regrade
from casework.adapters.storage.measures import LEFT_ACTS
from casework.adapters.storage.statements import insert
from casework.adapters.storage.tables import (
    TURN_UNFINISHED,
    audit,
    case,
    conversation,
    desk_item,
    inbox,
    standing,
    turn,
    web_session,
)
from casework.adapters.storage.workbench_tables import review_mark, turn_record
from casework.model.desk import Grade, HandoffReason
from casework.model.disclosures import Band
from casework.model.messages import Channel
from casework.services.conversation_ports import Block
from casework.services.review_ports import Said, SeenMessage, Talk

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
FLAGGED_FOR = (HandoffReason.DISCLOSURE.value, HandoffReason.CHECK.value, HandoffReason.UNREADABLE.value)
JUDGED_FOR = (HandoffReason.DISCLOSURE.value, HandoffReason.CHECK.value)
ASKED_FOR = (HandoffReason.ASKED_FOR_PERSON.value, HandoffReason.NOT_UNDERSTOOD.value)
CALLED_WRONG = (Block.WHY_FLAGGED.value, Block.WANTS.value)
# A turn nobody ever finished: the messages behind it wait no longer than this.
GIVEN_UP_AFTER = timedelta(days=7)
AUDIT_ROWS = 5000
MOST_OF_A_WINDOW = 500
_SEEN = (
    sa.select(
        inbox.c.id,
        inbox.c.conversation_id,
        inbox.c.received_at,
        inbox.c.channel,
        inbox.c.text,
        inbox.c.screen,
        conversation.c.is_drill,
        turn.c.status.label("turn_status"),
        turn.c.outcome.label("turn_outcome"),
        turn_record.c.model_id,
        turn_record.c.band,
        turn_record.c.tier,
        turn_record.c.intent,
        turn_record.c.confidence,
        turn_record.c.runner_up,
        turn_record.c.runner_up_confidence,
        turn_record.c.urgency,
        turn_record.c.categories,
    )
    .select_from(
        inbox.join(conversation, conversation.c.id == inbox.c.conversation_id)
        .join(turn, turn.c.inbox_id == inbox.c.id, isouter=True)
        .join(turn_record, turn_record.c.inbox_id == inbox.c.id, isouter=True)
    )
    .order_by(inbox.c.id)
)


class SqlReviewReads:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def find_mark(self, name: str) -> int:
        query = sa.select(review_mark.c.last_id).where(review_mark.c.name == name)
        return self._connection.execute(query).scalar() or 0

    def set_mark(self, name: str, last_id: int) -> None:
        statement = insert(self._connection, review_mark)
        self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=["name"],
                set_={"last_id": statement.excluded.last_id, "at": statement.excluded.at},
            ),
            {"name": name, "last_id": last_id, "at": self._now},
        )

    # --- messages ---

    def list_messages(self, *, after: int, before: datetime, limit: int) -> tuple[list[SeenMessage], int]:
        rows = self._connection.execute(_SEEN.where(inbox.c.id > after).limit(limit)).all()
        read = _until(rows, lambda row: row.received_at > before or self._is_unfinished(row))
        return self._see(read), read[-1].id if read else after

    def _is_unfinished(self, row: Any) -> bool:
        return row.turn_status in TURN_UNFINISHED and row.received_at > self._now - GIVEN_UP_AFTER

    def see(self, inbox_ids: Iterable[int]) -> dict[int, SeenMessage]:
        rows = self._connection.execute(_SEEN.where(inbox.c.id.in_(sorted(inbox_ids)))).all()
        return {seen.inbox_id: seen for seen in self._see(rows)}

    def _see(self, rows: Sequence[Any]) -> list[SeenMessage]:
        # By its key and not by its message: a disclosure or check of just this message.
        keys = [f"{kind}:{row.id}" for row in rows for kind in ("disclosure", "check")]
        query = sa.select(desk_item).where(
            desk_item.c.dedupe_key.in_(keys), desk_item.c.reason.in_(FLAGGED_FOR)
        )
        items = {
            row.inbox_id: row for row in self._connection.execute(query.order_by(desk_item.c.grade.desc()))
        }
        return [_seen(row, items.get(row.id)) for row in rows]

    def list_previous(self, inbox_ids: Iterable[int]) -> dict[int, tuple[int, str | None]]:
        here, earlier = turn_record.alias("here"), turn_record.alias("earlier")
        last = (
            sa.select(sa.func.max(earlier.c.inbox_id))
            .where(earlier.c.conversation_id == here.c.conversation_id, earlier.c.inbox_id < here.c.inbox_id)
            .scalar_subquery()
        )
        before = turn_record.alias("before")
        query = (
            sa.select(here.c.inbox_id, before.c.inbox_id.label("before_id"), before.c.intent)
            .join_from(here, before, before.c.inbox_id == last)
            .where(here.c.inbox_id.in_(sorted(inbox_ids)))
        )
        return {row.inbox_id: (row.before_id, row.intent) for row in self._connection.execute(query)}

    # --- what people did ---

    def list_talks(self, *, after: int, before: datetime, limit: int) -> tuple[list[Talk], int]:
        rows, mark = self._by_time(sa.select(ending), ending.c.created_at, after, before, limit)
        return [self._talk(row) for row in rows], mark

    def _talk(self, row: Any) -> Talk:
        earlier = sa.select(sa.func.max(ending.c.last_inbox_id)).where(
            ending.c.conversation_id == row.conversation_id,
            ending.c.id != row.id,
            ending.c.created_at <= row.created_at,
            # What ended at the same message speaks of the same talk.
            ending.c.last_inbox_id < row.last_inbox_id,
        )
        since = self._connection.execute(earlier).scalar() or 0
        newest = (
            sa.select(inbox.c.id)
            .where(
                inbox.c.conversation_id == row.conversation_id,
                inbox.c.id > since,
                inbox.c.id <= row.last_inbox_id,
            )
            .order_by(inbox.c.id.desc())
            .limit(MOST_OF_A_WINDOW)
        )
        return Talk(
            inbox_ids=tuple(sorted(self._connection.execute(newest).scalars())),
            outcome=row.outcome,
            was_urgent=row.was_urgent,
            about=row.about,
        )

    def list_raised(self, *, after: int, before: datetime, limit: int) -> tuple[list[Said], int]:
        query = (
            sa.select(regrade, desk_item.c.inbox_id)
            .join_from(regrade, desk_item, desk_item.c.id == regrade.c.item_id)
            .where(regrade.c.id > after)
            .order_by(regrade.c.id)
            .limit(limit)
        )
        read = _until(self._connection.execute(query).all(), lambda row: row.at > before)
        said = [
            Said(inbox_id=row.inbox_id, code="raised", numbers={"from": row.from_grade, "to": row.to_grade})
            for row in read
            if row.by_id is not None and row.to_grade < row.from_grade and row.inbox_id is not None
        ]
        return said, read[-1].id if read else after

    def list_called_wrong(self, *, after: int, before: datetime, limit: int) -> tuple[list[Said], int]:
        rows, mark = self._by_time(sa.select(correction), correction.c.created_at, after, before, limit)
        said = []
        for row in rows:
            newest = sa.select(sa.func.max(inbox.c.id)).where(
                inbox.c.conversation_id == row.conversation_id, inbox.c.received_at <= row.created_at
            )
            inbox_id = self._connection.execute(newest).scalar() if row.block in CALLED_WRONG else None
            if inbox_id is not None:
                said.append(Said(inbox_id=inbox_id, code=row.block))
        return said, mark

    def list_closed(self, *, after: int, before: datetime, limit: int) -> tuple[list[Said], int]:
        rows, mark = self._by_time(sa.select(desk_item), desk_item.c.closed_at, after, before, limit)
        said = [
            Said(inbox_id=row.inbox_id, code=row.outcome, numbers={"grade": row.grade})
            for row in rows
            if row.reason in JUDGED_FOR
            and row.grade <= Grade.HIGH.value
            and row.outcome is not None
            and row.inbox_id is not None
        ]
        return said, mark

    def list_asked(self, *, after: int, before: datetime, limit: int) -> tuple[list[Said], int]:
        rows, mark = self._by_time(sa.select(desk_item), desk_item.c.created_at, after, before, limit)
        said = [
            Said(inbox_id=row.inbox_id, code=row.reason)
            for row in rows
            if row.reason in ASKED_FOR and row.inbox_id is not None
        ]
        return said, mark

    def list_left(
        self, *, after: int, before: datetime, limit: int, within: timedelta
    ) -> tuple[list[Said], int]:
        # By id and over every act: an index by act would be written with every row of the record.
        columns = (audit.c.id, audit.c.at, audit.c.act, audit.c.conversation_id)
        query = sa.select(*columns).where(audit.c.id > after).order_by(audit.c.id).limit(AUDIT_ROWS)
        read = _until(self._connection.execute(query).all(), lambda row: row.at > before)
        left = [row for row in read if row.act in LEFT_ACTS and row.conversation_id is not None]
        if len(left) > limit:
            left = left[:limit]
            read = [row for row in read if row.id <= left[-1].id]
        found = (self._find_left(row, within) for row in left)
        said = [Said(inbox_id=inbox_id, code="left") for inbox_id in found if inbox_id is not None]
        return said, read[-1].id if read else after

    def _find_left(self, left: Any, within: timedelta) -> int | None:
        """The answered message nothing came after but the word with which they left."""
        query = (
            sa.select(inbox.c.id, inbox.c.received_at, turn.c.outcome)
            .join_from(inbox, turn, turn.c.inbox_id == inbox.c.id, isouter=True)
            .where(inbox.c.conversation_id == left.conversation_id)
            .order_by(inbox.c.id.desc())
            .limit(2)
        )
        newest = self._connection.execute(query).all()
        if any(row.received_at > left.at for row in newest):
            return None
        by_text = left.act == "left_by_text" and bool(newest) and newest[0].outcome != "answered"
        rows = newest[1:] if by_text else newest
        if not rows or rows[0].outcome != "answered" or left.at - rows[0].received_at > within:
            return None
        return int(rows[0].id)

    def _by_time(
        self, query: sa.Select[Any], at: sa.Column[Any], after: int, before: datetime, limit: int
    ) -> tuple[list[Any], int]:
        since = EPOCH + after * MICROSECOND
        window = query.where(at > since, at <= before).order_by(at, at.table.c.id)
        rows = list(self._connection.execute(window.limit(limit)).all())
        if not rows:
            return [], after
        last = getattr(rows[-1], at.name)
        if len(rows) == limit:
            # Of one moment all or none: the mark is a moment.
            known = {row.id for row in rows}
            same = self._connection.execute(query.where(at == last))
            rows += [row for row in same if row.id not in known]
        return rows, (last - EPOCH) // MICROSECOND

    # --- beside the messages ---

    def list_crime_types(self, conversation_ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
        query = (
            sa.select(standing.c.conversation_id, case.c.crime_type)
            .join_from(standing, case, case.c.crime_reference == standing.c.crime_reference)
            .where(standing.c.conversation_id.in_(sorted(set(conversation_ids))))
            .distinct()
            .order_by(standing.c.conversation_id, case.c.crime_type)
        )
        found: dict[str, tuple[str, ...]] = {}
        for row in self._connection.execute(query):
            found[row.conversation_id] = (*found.get(row.conversation_id, ()), row.crime_type)
        return found

    def list_languages(self, conversation_ids: Iterable[str]) -> dict[str, str]:
        query = (
            sa.select(conversation.c.id, web_session.c.language)
            .join_from(conversation, web_session, web_session.c.external_id == conversation.c.external_id)
            .where(
                conversation.c.id.in_(sorted(set(conversation_ids))),
                conversation.c.channel == Channel.WEBCHAT.value,
            )
            .order_by(web_session.c.started_at)
        )
        return {row.id: row.language for row in self._connection.execute(query)}


def _until(rows: Iterable[Any], is_too_young: Callable[[Any], bool]) -> list[Any]:
    """The rows before the first that is: ids are given before they are committed."""
    read: list[Any] = []
    for row in rows:
        if is_too_young(row):
            break
        read.append(row)
    return read


def _seen(row: Any, item: Any | None) -> SeenMessage:
    return SeenMessage(
        inbox_id=row.id,
        conversation_id=row.conversation_id,
        said_at=row.received_at,
        channel=Channel(row.channel),
        screen=screen_from_json(row.screen),
        turn_outcome=row.turn_outcome,
        is_drill=row.is_drill,
        has_words=bool(row.text.strip()),
        model_id=row.model_id,
        band=Band(row.band) if row.band else None,
        tier=row.tier,
        intent=row.intent,
        confidence=row.confidence or 0.0,
        runner_up=row.runner_up,
        runner_up_confidence=row.runner_up_confidence or 0.0,
        urgency=row.urgency,
        categories=row.categories or {},
        item_reason=item.reason if item else None,
        item_category=item.category if item else None,
        item_tier=item.tier if item else None,
        item_grade=item.grade if item else None,
    )
