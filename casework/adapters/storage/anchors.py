"""Signed heads of the audit, and how far each place outside has got with them."""

from datetime import datetime

import sqlalchemy as sa

from casework.adapters.storage.audit_tables import anchor_place, audit_anchor, audit_head
from casework.adapters.storage.statements import insert, insert_once
from casework.model.audit_chain import Head
from casework.services.anchors import PlaceState, StoredAnchor

NEWEST = sa.select(audit_anchor).order_by(audit_anchor.c.number.desc()).limit(1)


class SqlAnchors:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def list_heads(self) -> list[Head]:
        # One statement: all of one moment, on PostgreSQL too.
        query = sa.select(audit_head).where(audit_head.c.seq > 0).order_by(audit_head.c.shard)
        return [Head(row.shard, row.seq, row.hash) for row in self._connection.execute(query)]

    def find_newest(self) -> StoredAnchor | None:
        row = self._connection.execute(NEWEST).first()
        return None if row is None else _read(row)

    def record(self, number: int, signed: str) -> bool:
        values = {"number": number, "signed_at": self._now, "signed": signed}
        return insert_once(self._connection, audit_anchor, ["number"], values) is not None

    def find_state(self, place: str) -> PlaceState | None:
        row = self._connection.execute(
            sa.select(anchor_place).where(anchor_place.c.place == place)
        ).one_or_none()
        if row is None:
            return None
        following = (
            sa.select(audit_anchor)
            .where(audit_anchor.c.number > row.handed_number)
            .order_by(audit_anchor.c.number)
            .limit(1)
        )
        waiting = self._connection.execute(following).first()
        return PlaceState(
            next=None if waiting is None else _read(waiting), tried_at=row.tried_at, fault=row.fault
        )

    def begin(self, place: str) -> None:
        newest = self.find_newest()
        statement = insert(self._connection, anchor_place).values(
            place=place, handed_number=newest.number - 1 if newest else 0
        )
        self._connection.execute(statement.on_conflict_do_nothing(index_elements=["place"]))

    def note_handed(self, place: str, number: int) -> None:
        self._note(
            place, handed_number=number, handed_at=self._now, tried_at=None, fault=None, only_before=number
        )

    def note_failed(self, place: str, code: str) -> None:
        self._note(place, tried_at=self._now, fault=code[:48])

    def _note(self, place: str, *, only_before: int | None = None, **values: object) -> None:
        statement = sa.update(anchor_place).where(anchor_place.c.place == place).values(values)
        if only_before is not None:
            # Another worker may have handed over more meanwhile.
            statement = statement.where(anchor_place.c.handed_number < only_before)
        self._connection.execute(statement)


def _read(row: sa.Row[tuple[int, datetime, str]]) -> StoredAnchor:
    return StoredAnchor(number=row.number, signed_at=row.signed_at, signed=row.signed)
