"""Notices of a case, where they could go, and the desk's items about them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.statements import insert_once, new_id
from casework.adapters.storage.tables import (
    DESK_ITEM_OPEN,
    NOTICE_WAITING,
    case,
    case_notice,
    conversation,
    desk_item,
    running_clock,
    standing,
    status_in,
)
from casework.model.cases import Case
from casework.model.desk import HandoffReason, ItemStatus, Outcome
from casework.model.messages import Channel
from casework.model.notices import CaseNotice, NoticeStatus
from casework.model.standings import Standing
from casework.services.ports import Conversation

_COLUMNS = tuple(column for column in case_notice.c if column.name != "import_id")
_OF_CASES = {
    HandoffReason.TELL_VICTIM_FIRST: case_notice,
    HandoffReason.UPDATE_BLOCKED: case_notice,
    HandoffReason.CLOCK_OVERDUE: running_clock,
    HandoffReason.CLOCK_UNDATED: running_clock,
}


class NoticeNotFound(LookupError):
    """No notice has this id."""


class SqlNotices:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def record(
        self,
        *,
        crime_reference: str,
        event_id: str,
        kind: str,
        happened_at: datetime,
        needs_person: bool,
        not_before: datetime,
        import_id: str | None,
    ) -> str | None:
        values = {
            "id": new_id(),
            "crime_reference": crime_reference,
            "event_id": event_id,
            "kind": kind,
            "import_id": import_id,
            "status": NoticeStatus.WAITING.value,
            "needs_person": needs_person,
            "happened_at": happened_at,
            "not_before": not_before,
            "created_at": self._now,
        }
        return insert_once(self._connection, case_notice, ["crime_reference", "event_id"], values)

    def get(self, notice_id: str) -> CaseNotice:
        row = self._connection.execute(self._notices().where(case_notice.c.id == notice_id)).first()
        if row is None:
            raise NoticeNotFound(notice_id)
        return _notice(row)

    def next_due(self) -> CaseNotice | None:
        query = self._notices().where(
            status_in(case_notice, NOTICE_WAITING), case_notice.c.not_before <= self._now
        )
        row = self._connection.execute(query.order_by(case_notice.c.not_before).limit(1)).first()
        return None if row is None else _notice(row)

    def list_of_cases(self, crime_references: Sequence[str]) -> list[CaseNotice]:
        query = self._notices().where(case_notice.c.crime_reference.in_(crime_references))
        ordered = query.order_by(case_notice.c.happened_at, case_notice.c.id)
        return [_notice(row) for row in self._connection.execute(ordered)]

    def _notices(self) -> sa.Select[Any]:
        return sa.select(*_COLUMNS)

    # --- what becomes of them ---

    def postpone(self, notice_ids: Sequence[str], until: datetime) -> None:
        self._set(notice_ids, not_before=until)

    def give_to_person(self, notice_ids: Sequence[str], *, blocked_why: str | None = None) -> None:
        self._set(notice_ids, status=NoticeStatus.WITH_PERSON.value, blocked_why=blocked_why)

    def record_text(self, notice_ids: Sequence[str]) -> None:
        self._set(notice_ids, status=NoticeStatus.TOLD.value, noticed_at=self._now)

    def record_told(self, notice_ids: Sequence[str], *, at: datetime, by: str) -> None:
        self._set(notice_ids, status=NoticeStatus.TOLD.value, told_by_person_at=at, told_by=by)

    def record_read(self, notice_ids: Sequence[str]) -> None:
        self._set(notice_ids, status=NoticeStatus.TOLD.value, read_at=self._now)

    def void(self, notice_ids: Sequence[str]) -> None:
        self._set(notice_ids, status=NoticeStatus.VOID.value)

    def _set(self, notice_ids: Sequence[str], **values: object) -> None:
        if notice_ids:
            where = case_notice.c.id.in_(notice_ids)
            self._connection.execute(sa.update(case_notice).where(where).values(**values))

    # --- whom a text would reach ---

    def list_cases_of_person(self, of: Case) -> list[str]:
        if of.person_id is None:
            return [of.crime_reference]
        query = sa.select(case.c.crime_reference).where(case.c.person_id == of.person_id)
        found = self._connection.execute(query.order_by(case.c.crime_reference)).scalars()
        return list(dict.fromkeys([of.crime_reference, *found]))

    def list_linked(self, crime_reference: str, *, lasts: timedelta) -> list[Conversation]:
        query = (
            sa.select(conversation, standing.c.id.label("proved"))
            .join(standing, standing.c.conversation_id == conversation.c.id)
            .where(
                standing.c.crime_reference == crime_reference,
                standing.c.ended_at.is_(None),
                standing.c.level >= Standing.LINKED.value,
                standing.c.proved_at > self._now - lasts,
            )
            .order_by(standing.c.id.desc())
        )
        found = {row.id: _conversation(row) for row in reversed(self._connection.execute(query).all())}
        return list(reversed(found.values()))

    # --- the desk's items about a case ---

    def list_cases_of_items(self, conversation_id: str) -> list[str]:
        found: dict[str, None] = {}
        for reason, table in _OF_CASES.items():
            key = sa.literal(f"{reason.value}:").concat(table.c.id)
            query = (
                sa.select(table.c.crime_reference)
                .join(desk_item, desk_item.c.dedupe_key == key)
                .where(desk_item.c.conversation_id == conversation_id, desk_item.c.reason == reason.value)
            )
            found |= dict.fromkeys(self._connection.execute(query.order_by(desk_item.c.created_at)).scalars())
        return list(found)

    def find_item_conversations(self, dedupe_keys: Sequence[str]) -> dict[str, str]:
        """Key -> conversation, of the items there are."""
        query = sa.select(desk_item.c.dedupe_key, desk_item.c.conversation_id)
        rows = self._connection.execute(query.where(desk_item.c.dedupe_key.in_(dedupe_keys)))
        return {row.dedupe_key: row.conversation_id for row in rows}

    def close_items(self, dedupe_keys: Sequence[str]) -> None:
        if not dedupe_keys:
            return
        # `closed_at` stays empty: it says from when on a person had dealt with what the victim wrote.
        self._connection.execute(
            sa.update(desk_item)
            .where(desk_item.c.dedupe_key.in_(dedupe_keys), status_in(desk_item, DESK_ITEM_OPEN))
            .values(status=ItemStatus.CLOSED.value, outcome=Outcome.INFORMATION_GIVEN.value)
        )


def _notice(row: Any) -> CaseNotice:
    values = row._asdict()
    return CaseNotice(**values | {"status": NoticeStatus(values["status"])})


def _conversation(row: Any) -> Conversation:
    return Conversation(
        id=row.id,
        channel=Channel(row.channel),
        external_id=row.external_id,
        state=row.state,
        epoch=row.epoch,
        owner_id=row.owner_id,
        owned_since=row.owned_since,
        last_inbound_at=row.last_inbound_at,
    )
