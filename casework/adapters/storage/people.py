"""Staff and their sessions, and a web visitor's session. Tokens are stored hashed."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.statements import new_id
from casework.adapters.storage.tables import staff_member, staff_session, web_session
from casework.model.errors import WaymarkError
from casework.services.ports import StaffMember, StaffSession


class StaffMemberNotFound(WaymarkError):
    pass


class LoginTaken(WaymarkError):
    """A staff member with this login exists already."""


class SqlStaff:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def add(self, *, login: str, display_name: str, role: str, password_hash: str) -> str:
        if self.find(login) is not None:
            raise LoginTaken(f"There is already a staff member called {login}.")
        staff_id = new_id()
        self._connection.execute(
            sa.insert(staff_member).values(
                id=staff_id,
                login=login,
                display_name=display_name,
                role=role,
                password_hash=password_hash,
                is_active=True,
                created_at=self._now,
            )
        )
        return staff_id

    def find(self, login: str) -> StaffMember | None:
        query = sa.select(staff_member).where(staff_member.c.login == login, staff_member.c.is_active)
        row = self._connection.execute(query).first()
        return None if row is None else _staff(row)

    def get(self, staff_id: str) -> StaffMember:
        row = self._connection.execute(sa.select(staff_member).where(staff_member.c.id == staff_id)).first()
        if row is None:
            raise StaffMemberNotFound(staff_id)
        return _staff(row)

    def open_session(self, token_hash: str, staff_id: str, csrf_token: str) -> None:
        self._connection.execute(
            sa.insert(staff_session).values(
                token_hash=token_hash,
                staff_id=staff_id,
                csrf_token=csrf_token,
                started_at=self._now,
                last_seen_at=self._now,
            )
        )

    def find_session(self, token_hash: str, *, idle_since: datetime) -> StaffSession | None:
        query = (
            sa.select(staff_member, staff_session.c.csrf_token)
            .join_from(staff_session, staff_member, staff_session.c.staff_id == staff_member.c.id)
            .where(
                staff_session.c.token_hash == token_hash,
                staff_session.c.ended_at.is_(None),
                staff_session.c.last_seen_at > idle_since,
                staff_member.c.is_active,
            )
        )
        row = self._connection.execute(query).first()
        return None if row is None else StaffSession(staff=_staff(row), csrf_token=row.csrf_token)

    def touch_session(self, token_hash: str) -> None:
        self._connection.execute(
            sa.update(staff_session)
            .where(staff_session.c.token_hash == token_hash)
            .values(last_seen_at=self._now)
        )

    def end_session(self, token_hash: str) -> None:
        self._connection.execute(
            sa.update(staff_session)
            .where(staff_session.c.token_hash == token_hash)
            .values(ended_at=self._now)
        )


def _staff(row: Any) -> StaffMember:
    return StaffMember(
        id=row.id,
        login=row.login,
        display_name=row.display_name,
        role=row.role,
        password_hash=row.password_hash,
    )


class SqlWebSessions:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def open(self, token_hash: str, external_id: str) -> None:
        self._connection.execute(
            sa.insert(web_session).values(
                token_hash=token_hash,
                external_id=external_id,
                started_at=self._now,
                last_seen_at=self._now,
            )
        )

    def find(self, token_hash: str, *, idle_since: datetime) -> str | None:
        query = sa.select(web_session.c.external_id).where(
            web_session.c.token_hash == token_hash,
            web_session.c.ended_at.is_(None),
            web_session.c.last_seen_at > idle_since,
        )
        return self._connection.execute(query).scalar()

    def touch(self, token_hash: str) -> None:
        self._connection.execute(
            sa.update(web_session)
            .where(web_session.c.token_hash == token_hash)
            .values(last_seen_at=self._now)
        )

    def end(self, token_hash: str) -> None:
        self._connection.execute(
            sa.update(web_session).where(web_session.c.token_hash == token_hash).values(ended_at=self._now)
        )
