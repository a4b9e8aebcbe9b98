"""Testers' links and what they wrote."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.model_tables import guest_link, guest_message, model_version
from casework.adapters.storage.sealed import seal
from casework.model.disclosures import Band
from casework.services.guest_ports import GuestLink, GuestMessage, NewGuestMessage, Said, SaidKind
from casework.services.model_ports import VersionStatus


class SqlGuests:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def open_link(self, token_hash: str, model_id: str, *, group: str, by: str, expires_at: datetime) -> int:
        newest = sa.select(sa.func.coalesce(sa.func.max(guest_link.c.number), 0))
        number: int = self._connection.execute(newest).scalar_one() + 1
        self._connection.execute(
            sa.insert(guest_link).values(
                token_hash=token_hash,
                number=number,
                model_id=model_id,
                group_name=group,
                issued_by=by,
                issued_at=self._now,
                expires_at=expires_at,
            )
        )
        return number

    def find_open(self, token_hash: str) -> GuestLink | None:
        query = self._list_links().where(guest_link.c.token_hash == token_hash)
        row = self._connection.execute(query).first()
        return None if row is None or not row.is_open else _link(row)

    def list_links(self) -> list[GuestLink]:
        query = self._list_links().order_by(guest_link.c.number.desc())
        return [_link(row) for row in self._connection.execute(query)]

    def _list_links(self) -> sa.Select[Any]:
        is_on_trial = sa.exists().where(
            model_version.c.model_id == guest_link.c.model_id,
            model_version.c.status == VersionStatus.CANDIDATE.value,
        )
        is_open = sa.and_(guest_link.c.ended_at.is_(None), guest_link.c.expires_at > self._now, is_on_trial)
        written = sa.select(sa.func.count()).where(guest_message.c.token_hash == guest_link.c.token_hash)
        return sa.select(guest_link, is_open.label("is_open"), written.scalar_subquery().label("messages"))

    def end_link(self, number: int) -> bool:
        ended = self._connection.execute(
            sa.update(guest_link)
            .where(guest_link.c.number == number, guest_link.c.ended_at.is_(None))
            .values(ended_at=self._now)
        )
        return ended.rowcount == 1

    def list_visit(self, token_hash: str, visit: str) -> list[GuestMessage]:
        query = (
            sa.select(guest_message)
            .where(guest_message.c.token_hash == token_hash, guest_message.c.visit == visit)
            .order_by(guest_message.c.id)
        )
        return [_message(row) for row in self._connection.execute(query)]

    def count(self, token_hash: str) -> int:
        of_link = guest_message.c.token_hash == token_hash
        return self._connection.execute(sa.select(sa.func.count()).where(of_link)).scalar_one()

    def record(self, token_hash: str, visit: str, message: NewGuestMessage) -> int:
        values = {
            "token_hash": token_hash,
            "visit": visit,
            "text": message.text,
            "state": message.state,
            "responses": list(message.responses),
            "said": [
                {"kind": said.kind.value, "text": said.text, "choices": list(said.choices)}
                for said in message.said
            ],
            "band": message.band.value,
            "tier": message.tier,
            "at": self._now,
        }
        sealed = seal(self._connection, guest_message, values)
        inserted = sa.insert(guest_message).values(sealed).returning(guest_message.c.id)
        return int(self._connection.execute(inserted).scalar_one())


def _link(row: Any) -> GuestLink:
    return GuestLink(
        number=row.number,
        model_id=row.model_id,
        group=row.group_name,
        issued_by=row.issued_by,
        issued_at=row.issued_at,
        expires_at=row.expires_at,
        ended_at=row.ended_at,
        is_open=bool(row.is_open),
        messages=row.messages,
    )


def _message(row: Any) -> GuestMessage:
    return GuestMessage(
        id=row.id,
        at=row.at,
        text=row.text,
        state=row.state,
        responses=tuple(row.responses),
        said=tuple(
            Said(kind=SaidKind(said["kind"]), text=said["text"], choices=tuple(said["choices"]))
            for said in row.said
        ),
        band=Band(row.band),
        tier=row.tier,
    )
