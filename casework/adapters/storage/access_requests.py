"""Requests for a copy, what there is to look at in each, and what was decided of it."""

import hashlib
import json
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.access_tables import REQUEST_OPEN, access_decision, access_request
from casework.adapters.storage.data_map import MappedTable
from casework.adapters.storage.sealed import seal
from casework.adapters.storage.statements import insert, new_id
from casework.adapters.storage.subject_rows import FILES, KeptFile, SubjectRows, find_conversations
from casework.adapters.storage.subject_values import name_row, read_value, write_flat
from casework.adapters.storage.tables import case, conversation, staff_member
from casework.model.access_requests import OPEN, RequestStatus, RestrictionReason, Verdict
from casework.services.access_ports import AccessDecision, AccessItem, AccessRequest, NewRequest, Spans

CONVERSATION = "conversation"
_agreeing = staff_member.alias("agreeing")


class SqlAccessRequests:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def open(self, asked: NewRequest, *, by: str | None) -> str | None:
        values = {
            "id": new_id(),
            "person_id": asked.person_id,
            "asked_on": asked.asked_on,
            "asked_by": asked.asked_by,
            "identity": asked.identity,
            "due_on": asked.due_on,
            "status": RequestStatus.LOOKING.value,
            "names_staff": asked.names_staff,
            "opened_at": self._now,
            "opened_by": by,
        }
        # Whoever opens one in the same moment comes second: the index of open requests decides.
        sealed = seal(self._connection, access_request, values)
        statement = insert(self._connection, access_request).values(sealed).on_conflict_do_nothing()
        return self._connection.execute(statement.returning(access_request.c.id)).scalar()

    def find(self, request_id: str) -> AccessRequest | None:
        query = sa.select(access_request).where(access_request.c.id == request_id)
        row = self._connection.execute(query).first()
        return None if row is None else self._request(row)

    def find_open(self, person_id: str) -> AccessRequest | None:
        query = sa.select(access_request).where(
            access_request.c.person_id == person_id, access_request.c.status.in_(REQUEST_OPEN)
        )
        row = self._connection.execute(query).first()
        return None if row is None else self._request(row)

    def list_newest(self, *, limit: int) -> list[AccessRequest]:
        is_open = access_request.c.status.in_(REQUEST_OPEN)
        query = sa.select(access_request).order_by(
            is_open.desc(), sa.case((is_open, access_request.c.due_on)), access_request.c.opened_at.desc()
        )
        return [self._request(row) for row in self._connection.execute(query.limit(limit))]

    def _request(self, row: Any) -> AccessRequest:
        query = sa.select(case.c.victim_name, case.c.crime_reference).where(case.c.person_id == row.person_id)
        cases = self._connection.execute(query.order_by(case.c.crime_reference)).all()
        return AccessRequest(
            id=row.id,
            person_id=row.person_id,
            names=tuple(dict.fromkeys(each.victim_name for each in cases)),
            references=tuple(each.crime_reference for each in cases),
            asked_on=row.asked_on,
            asked_by=row.asked_by,
            identity=row.identity,
            due_on=row.due_on,
            put_off_why=row.put_off_why,
            status=RequestStatus(row.status),
            names_staff=row.names_staff,
            ready_at=row.ready_at,
            copy_sha256=row.copy_sha256,
            ended_at=row.ended_at,
            ended_how=row.ended_how,
        )

    # --- what there is to look at ---

    def list_items(self, request_id: str) -> list[AccessItem]:
        person_id = self._connection.execute(
            sa.select(access_request.c.person_id).where(access_request.c.id == request_id)
        ).scalar_one()
        decisions = {each.item: each for each in self._list_decisions(request_id)}
        return list(self._find_items(person_id, decisions))

    def _find_items(self, person_id: str, decisions: dict[str, AccessDecision]) -> Iterator[AccessItem]:
        found = find_conversations(self._connection, person_id)
        for each in found:
            yield self._conversation_item(each.id, each.how, decisions)
        theirs = [each.id for each in found if not _is_another(decisions.get(f"{CONVERSATION}:{each.id}"))]
        rows = SubjectRows(self._connection, person_id, theirs)
        for mapped in rows.list_tables():
            if mapped.name in FILES:
                for media_id, file in rows.list_files().items():
                    yield _file_item(mapped, media_id, file, decisions)
            elif mapped.look:
                for row in rows.read(mapped):
                    yield from _row_item(mapped, row, decisions)

    def _conversation_item(
        self, conversation_id: str, how: str, decisions: dict[str, AccessDecision]
    ) -> AccessItem:
        query = sa.select(conversation).where(conversation.c.id == conversation_id)
        row = self._connection.execute(query).one()
        key = f"{CONVERSATION}:{conversation_id}"
        return AccessItem(
            key=key,
            says=how,
            at=row.created_at,
            parts=(("channel", row.channel), ("external_id", row.external_id)),
            texts={},
            digest=_digest([key, how]),
            is_conversation=True,
            decision=decisions.get(key),
        )

    # --- what was decided ---

    def _list_decisions(self, request_id: str) -> list[AccessDecision]:
        query = (
            sa.select(
                access_decision,
                staff_member.c.display_name.label("decided_name"),
                _agreeing.c.display_name.label("agreed_name"),
            )
            .join(staff_member, staff_member.c.id == access_decision.c.decided_by)
            .outerjoin(_agreeing, _agreeing.c.id == access_decision.c.agreed_by)
            .where(access_decision.c.request_id == request_id)
            .order_by(access_decision.c.item)
        )
        return [_decision(row) for row in self._connection.execute(query)]

    def list_restrictions(self, request_id: str) -> list[AccessDecision]:
        return [each for each in self._list_decisions(request_id) if each.verdict is not Verdict.GIVE]

    def decide(
        self,
        request_id: str,
        item: AccessItem,
        verdict: Verdict,
        *,
        by: str,
        reason: RestrictionReason | None = None,
        why: str | None = None,
        spans: Spans | None = None,
        is_told: bool = True,
    ) -> None:
        values = {
            "digest": item.digest,
            "verdict": verdict.value,
            "reason": None if reason is None else reason.value,
            "why": why,
            "spans": None
            if spans is None
            else {name: [list(each) for each in spans[name]] for name in sorted(spans)},
            "is_told": is_told,
            "decided_at": self._now,
            "decided_by": by,
            "agreed_at": None,
            "agreed_by": None,
        }
        keys = {"request_id": request_id, "item": item.key}
        sealed = seal(self._connection, access_decision, keys | values)
        statement = insert(self._connection, access_decision).values(sealed)
        self._connection.execute(statement.on_conflict_do_update(index_elements=list(keys), set_=sealed))

    def agree(self, request_id: str, item: str, *, by: str) -> None:
        self._connection.execute(
            sa.update(access_decision)
            .where(access_decision.c.request_id == request_id, access_decision.c.item == item)
            .values(agreed_at=self._now, agreed_by=by)
        )

    def forget(self, request_id: str, item: str) -> None:
        self._connection.execute(
            sa.delete(access_decision).where(
                access_decision.c.request_id == request_id, access_decision.c.item == item
            )
        )

    # --- how far it has got ---

    def put_off(self, request_id: str, *, due_on: date, why: str) -> None:
        self._update(request_id, due_on=due_on, put_off_why=why)

    def set_status(self, request_id: str, status: RequestStatus, *, by: str, how: str | None = None) -> None:
        if status is RequestStatus.LOOKING:
            self._update(request_id, status=status.value, ready_at=None, ready_by=None, copy_sha256=None)
        elif status in OPEN:
            self._update(request_id, status=status.value, ready_at=self._now, ready_by=by)
        else:
            self._update(request_id, status=status.value, ended_at=self._now, ended_by=by, ended_how=how)

    def record_copy(self, request_id: str, sha256: str) -> None:
        self._update(request_id, copy_sha256=sha256)

    def _update(self, request_id: str, **values: object) -> None:
        of = sa.select(access_request.c.id, access_request.c.person_id).where(
            access_request.c.id == request_id
        )
        named = self._connection.execute(of).mappings().first()
        if named is not None:
            sealed = seal(self._connection, access_request, {**named, **values})
            changed = sa.update(access_request).where(access_request.c.id == request_id)
            self._connection.execute(changed.values({name: sealed[name] for name in values}))


def _row_item(mapped: MappedTable, row: Any, decisions: dict[str, AccessDecision]) -> Iterator[AccessItem]:
    """The row, unless none of it says anything."""
    columns = row._mapping
    values = {name: read_value(columns[name]) for name in mapped.personal if name in mapped.look}
    texts = {name: write_flat(value) for name, value in values.items() if value}
    if not texts:
        return
    key = f"{mapped.name}:{name_row(mapped.name, row)}"
    yield AccessItem(
        key=key,
        says=mapped.says,
        at=next((value for value in columns.values() if isinstance(value, datetime)), None),
        parts=tuple((mapped.personal[name], text) for name, text in texts.items()),
        texts=texts,
        digest=_digest(texts),
        decision=decisions.get(key),
    )


def _file_item(
    mapped: MappedTable, media_id: int, file: KeptFile, decisions: dict[str, AccessDecision]
) -> AccessItem:
    key = f"{mapped.name}:{media_id}"
    return AccessItem(
        key=key,
        says=mapped.says,
        at=None,
        parts=(("kind", file.found_type),),
        texts={},
        digest=_digest([media_id, file.sha256]),
        media_id=media_id,
        decision=decisions.get(key),
    )


def _is_another(decision: AccessDecision | None) -> bool:
    return decision is not None and decision.verdict is Verdict.NOT_THEIRS


def _digest(values: object) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def _decision(row: Any) -> AccessDecision:
    spans = None
    if row.spans is not None:
        spans = {name: tuple((start, end) for start, end in places) for name, places in row.spans.items()}
    return AccessDecision(
        item=row.item,
        digest=row.digest,
        verdict=Verdict(row.verdict),
        reason=None if row.reason is None else RestrictionReason(row.reason),
        why=row.why,
        spans=spans,
        is_told=row.is_told,
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        decided_name=row.decided_name,
        agreed_at=row.agreed_at,
        agreed_name=row.agreed_name,
    )
