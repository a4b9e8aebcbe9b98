"""Labels and judgements of trainers, as each was pressed."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.statements import insert, new_id
from casework.adapters.storage.workbench_tables import annotation
from casework.model.annotations import Act, AnnotationKind
from casework.model.errors import AnnotationNotFound
from casework.services.review_ports import Annotation, Pair
from casework.services.workbench_ports import Decided

STANDS = annotation.c.undone_at.is_(None)
IS_LABEL = sa.and_(annotation.c.act == Act.DECIDED.value, annotation.c.kind == AnnotationKind.LABEL.value)


class SqlAnnotations:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def record(self, decided: Decided, *, by: str) -> str | None:
        annotation_id = new_id()
        # Two keys may be taken: the form's, and this person's one label of the message.
        statement = insert(self._connection, annotation).on_conflict_do_nothing()
        returned = self._connection.execute(
            statement.returning(annotation.c.id),
            {
                "id": annotation_id,
                "inbox_id": decided.inbox_id,
                "staff_id": by,
                "form_id": decided.form_id,
                "kind": decided.kind,
                "act": decided.act,
                "intent": decided.intent,
                "sub": decided.sub,
                "risks": list(decided.risks),
                "spans": [list(span) for span in decided.spans],
                "text_sha": decided.text_sha,
                "judgement": decided.judgement,
                "was_blind": decided.was_blind,
                "suggested": decided.suggested,
                "seconds": decided.seconds,
                "made_at": self._now,
            },
        )
        return None if returned.first() is None else annotation_id

    def find_form(self, form_id: str) -> Annotation | None:
        found = self._list(annotation.c.form_id == form_id)
        return found[0] if found else None

    def get(self, annotation_id: str) -> Annotation:
        found = self._list(annotation.c.id == annotation_id)
        if not found:
            raise AnnotationNotFound(annotation_id)
        return found[0]

    def list_of(self, inbox_id: int) -> list[Annotation]:
        return self._list(annotation.c.inbox_id == inbox_id, STANDS)

    def list_own(self, inbox_id: int, staff_id: str) -> list[Annotation]:
        return self._list(annotation.c.inbox_id == inbox_id, annotation.c.staff_id == staff_id, STANDS)

    def list_newest(self, staff_id: str, *, limit: int) -> list[Annotation]:
        query = sa.select(annotation).where(annotation.c.staff_id == staff_id, STANDS)
        newest = query.order_by(annotation.c.made_at.desc(), annotation.c.id.desc()).limit(limit)
        return [_annotation(row) for row in self._connection.execute(newest)]

    def undo(self, annotation_id: str) -> bool:
        result = self._connection.execute(
            sa.update(annotation).where(annotation.c.id == annotation_id, STANDS).values(undone_at=self._now)
        )
        return result.rowcount == 1

    def list_pairs(self, *, since: datetime) -> list[Pair]:
        return self._pairs(annotation.c.made_at >= since)

    def list_pairs_of(self, staff_id: str, *, since: datetime) -> list[Pair]:
        own = annotation.alias("own")
        theirs = sa.select(own.c.inbox_id).where(own.c.staff_id == staff_id, own.c.made_at >= since)
        return self._pairs(annotation.c.inbox_id.in_(theirs), of=staff_id)

    def _pairs(self, *conditions: sa.ColumnElement[bool], of: str | None = None) -> list[Pair]:
        query = (
            sa.select(annotation)
            .where(IS_LABEL, STANDS, ~_has_seen_others(), *conditions)
            .order_by(annotation.c.inbox_id, annotation.c.made_at, annotation.c.id)
        )
        labels: dict[int, list[Annotation]] = {}
        for row in self._connection.execute(query):
            labels.setdefault(row.inbox_id, []).append(_annotation(row))
        pairs = []
        for inbox_id, given in labels.items():
            first_two = given[:2]
            if len(first_two) < 2 or (of is not None and all(each.staff_id != of for each in first_two)):
                continue
            pairs.append(Pair(inbox_id=inbox_id, first=first_two[0].label, second=first_two[1].label))
        return pairs

    def _list(self, *conditions: sa.ColumnElement[bool]) -> list[Annotation]:
        query = sa.select(annotation).where(*conditions).order_by(annotation.c.made_at, annotation.c.id)
        return [_annotation(row) for row in self._connection.execute(query)]


def _has_seen_others() -> sa.ColumnElement[bool]:
    """They took a label of this message back while another's stood: since then they may have read that."""
    own, other = annotation.alias("own"), annotation.alias("other")
    stood = sa.exists().where(
        other.c.inbox_id == annotation.c.inbox_id,
        other.c.staff_id != annotation.c.staff_id,
        other.c.act == Act.DECIDED.value,
        other.c.kind == AnnotationKind.LABEL.value,
        other.c.made_at <= own.c.undone_at,
        sa.or_(other.c.undone_at.is_(None), other.c.undone_at >= own.c.made_at),
    )
    return sa.exists().where(
        own.c.inbox_id == annotation.c.inbox_id,
        own.c.staff_id == annotation.c.staff_id,
        own.c.undone_at.is_not(None),
        own.c.act == Act.DECIDED.value,
        own.c.kind == AnnotationKind.LABEL.value,
        stood,
    )


def _annotation(row: Any) -> Annotation:
    return Annotation(
        id=row.id,
        staff_id=row.staff_id,
        decided=Decided(
            inbox_id=row.inbox_id,
            form_id=row.form_id,
            kind=row.kind,
            act=row.act,
            risks=tuple(row.risks),
            intent=row.intent,
            sub=row.sub,
            spans=tuple((start, end, kind) for start, end, kind in row.spans),
            text_sha=row.text_sha,
            judgement=row.judgement,
            was_blind=row.was_blind,
            suggested=row.suggested,
            seconds=row.seconds,
        ),
        made_at=row.made_at,
        undone_at=row.undone_at,
    )
