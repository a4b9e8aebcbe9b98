"""Passkeys: public keys only, and what the next one of a visit is to sign."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.statements import insert_once, new_id
from casework.adapters.storage.tables import passkey, person, web_session
from casework.services.ports import Passkey


class SqlPasskeys:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def list_of_person(self, person_id: str) -> list[Passkey]:
        query = sa.select(passkey).where(passkey.c.person_id == person_id, passkey.c.ended_at.is_(None))
        rows = self._connection.execute(query.order_by(passkey.c.created_at, passkey.c.id))
        return [_passkey(row) for row in rows]

    def find(self, person_id: str, credential_id: str) -> Passkey | None:
        row = self._connection.execute(
            sa.select(passkey).where(
                passkey.c.person_id == person_id,
                passkey.c.credential_id == credential_id,
                passkey.c.ended_at.is_(None),
            )
        ).first()
        return None if row is None else _passkey(row)

    def record(
        self, person_id: str, *, credential_id: str, public_key: bytes, sign_count: int, most: int
    ) -> bool:
        # Held, so that two at once are counted one after the other.
        self._connection.execute(sa.select(person.c.id).where(person.c.id == person_id).with_for_update())
        if len(self.list_of_person(person_id)) >= most:
            return False
        values = {
            "id": new_id(),
            "person_id": person_id,
            "credential_id": credential_id,
            "public_key": public_key,
            "sign_count": sign_count,
            "created_at": self._now,
        }
        return insert_once(self._connection, passkey, ["credential_id"], values) is not None

    def record_use(self, passkey_id: str, sign_count: int) -> bool:
        # Zero and zero again: a passkey that is copied between a person's own devices does not count.
        is_ahead = passkey.c.sign_count < sign_count if sign_count else passkey.c.sign_count == 0
        return self._set(passkey.c.id == passkey_id, is_ahead, sign_count=sign_count, used_at=self._now) == 1

    def end(self, person_id: str, passkey_id: str) -> bool:
        ended = self._set(passkey.c.person_id == person_id, passkey.c.id == passkey_id, ended_at=self._now)
        return ended == 1

    def end_all(self, person_id: str) -> int:
        return self._set(passkey.c.person_id == person_id, ended_at=self._now)

    def _set(self, *which: sa.ColumnElement[bool], **values: object) -> int:
        statement = sa.update(passkey).where(passkey.c.ended_at.is_(None), *which).values(**values)
        return self._connection.execute(statement).rowcount

    def take_challenge(self, token_hash: str) -> str | None:
        row = self._connection.execute(
            sa.select(web_session.c.challenge, web_session.c.challenge_until).where(
                web_session.c.token_hash == token_hash, web_session.c.challenge.is_not(None)
            )
        ).first()
        if row is None:
            return None
        # Taken only if it is still the one that was read: of two answers at once, one has it.
        taken = self._connection.execute(
            sa.update(web_session)
            .where(web_session.c.token_hash == token_hash, web_session.c.challenge == row.challenge)
            .values(challenge=None, challenge_until=None)
        )
        is_in_time = row.challenge_until is not None and row.challenge_until > self._now
        return str(row.challenge) if taken.rowcount == 1 and is_in_time else None


def _passkey(row: Any) -> Passkey:
    return Passkey(
        id=row.id,
        person_id=row.person_id,
        credential_id=row.credential_id,
        public_key=row.public_key,
        sign_count=row.sign_count,
        created_at=row.created_at,
        used_at=row.used_at,
    )
