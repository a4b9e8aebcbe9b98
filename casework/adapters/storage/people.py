"""Staff and their sessions, and a web visitor's session. Tokens are stored hashed."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.sealed import seal
from casework.adapters.storage.staff_tables import staff_factor
from casework.adapters.storage.statements import new_id
from casework.adapters.storage.tables import staff_member, staff_session, web_session
from casework.model.errors import WaymarkError
from casework.services.ports import StaffMember, StaffSession
from casework.services.staff_ports import ListedMember

# The stages of a session: only the first shows anything.
OPEN, FACTOR, ENROL = "open", "factor", "enrol"


class StaffMemberNotFound(WaymarkError):
    pass


class LoginTaken(WaymarkError):
    """A staff member with this login exists already."""


class SqlStaff:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def add(
        self,
        *,
        login: str,
        display_name: str,
        role: str,
        password_hash: str,
        collar_number: str | None = None,
        issuer: str | None = None,
        subject: str | None = None,
    ) -> str:
        """Raises LoginTaken; a login that was ended is taken too, or the record would name two people alike."""
        taken = sa.select(staff_member.c.id).where(staff_member.c.login == login)
        if self._connection.execute(taken).first() is not None:
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
                collar_number=collar_number,
                issuer=issuer,
                subject=subject,
            )
        )
        return staff_id

    def find(self, login: str) -> StaffMember | None:
        query = sa.select(staff_member).where(staff_member.c.login == login, staff_member.c.is_active)
        row = self._connection.execute(query).first()
        return None if row is None else _staff(row)

    def find_by_subject(self, issuer: str, subject: str) -> tuple[StaffMember, bool] | None:
        """Who the identity provider means, and whether they still are of the staff."""
        query = sa.select(staff_member).where(
            staff_member.c.issuer == issuer, staff_member.c.subject == subject
        )
        row = self._connection.execute(query).first()
        return None if row is None else (_staff(row), row.is_active)

    def get(self, staff_id: str) -> StaffMember:
        row = self._connection.execute(sa.select(staff_member).where(staff_member.c.id == staff_id)).first()
        if row is None:
            raise StaffMemberNotFound(staff_id)
        return _staff(row)

    def list_members(self) -> list[ListedMember]:
        """Everybody, also who was ended; by name."""
        query = (
            sa.select(staff_member, staff_factor.c.confirmed_at)
            .join_from(staff_member, staff_factor, staff_member.c.id == staff_factor.c.staff_id, isouter=True)
            .order_by(staff_member.c.is_active.desc(), staff_member.c.display_name, staff_member.c.id)
        )
        return [
            ListedMember(
                staff=_staff(row),
                is_active=row.is_active,
                created_at=row.created_at,
                ended_at=row.ended_at,
                has_factor=row.confirmed_at is not None,
            )
            for row in self._connection.execute(query)
        ]

    def list_of_collar(self, collar_number: str) -> list[StaffMember]:
        """Active accounts of whoever has that number."""
        query = sa.select(staff_member).where(
            staff_member.c.collar_number == collar_number, staff_member.c.is_active
        )
        return [_staff(row) for row in self._connection.execute(query)]

    def change(self, staff_id: str, **values: object) -> None:
        """`role`, `display_name` or `collar_number`."""
        self._connection.execute(
            sa.update(staff_member).where(staff_member.c.id == staff_id).values(**values)
        )

    def end(self, staff_id: str) -> None:
        """No longer of the staff; every session of theirs is over."""
        self.change(staff_id, is_active=False, ended_at=self._now)
        self.end_sessions(staff_id)

    def end_sessions(self, staff_id: str, *, but: str | None = None) -> int:
        """Every open session of theirs, but one; how many."""
        query = sa.update(staff_session).where(
            staff_session.c.staff_id == staff_id, staff_session.c.ended_at.is_(None)
        )
        if but is not None:
            query = query.where(staff_session.c.token_hash != but)
        return self._connection.execute(query.values(ended_at=self._now)).rowcount

    def open_session(
        self,
        token_hash: str,
        staff_id: str,
        csrf_token: str,
        *,
        stage: str = OPEN,
        proved_at: datetime | None = None,
    ) -> None:
        """`stage`: OPEN, or what is still asked of them before anything is shown. `proved_at` None: just now."""
        self._connection.execute(
            sa.insert(staff_session).values(
                token_hash=token_hash,
                staff_id=staff_id,
                csrf_token=csrf_token,
                started_at=self._now,
                last_seen_at=self._now,
                stage=stage,
                proved_at=proved_at or self._now,
            )
        )

    def find_session(
        self, token_hash: str, *, idle_since: datetime, stage: str = OPEN
    ) -> StaffSession | None:
        query = (
            sa.select(staff_member, staff_session.c.csrf_token, staff_session.c.proved_at)
            .join_from(staff_session, staff_member, staff_session.c.staff_id == staff_member.c.id)
            .where(
                staff_session.c.token_hash == token_hash,
                staff_session.c.ended_at.is_(None),
                staff_session.c.last_seen_at > idle_since,
                staff_session.c.stage == stage,
                staff_member.c.is_active,
            )
        )
        row = self._connection.execute(query).first()
        if row is None:
            return None
        return StaffSession(staff=_staff(row), csrf_token=row.csrf_token, proved_at=row.proved_at)

    def touch_session(self, token_hash: str) -> None:
        self._set_session(token_hash, last_seen_at=self._now)

    def prove_session(self, token_hash: str, *, at: datetime | None = None) -> None:
        """They have proved again who they are; `at` None: just now."""
        self._set_session(token_hash, proved_at=at or self._now)

    def end_session(self, token_hash: str) -> None:
        self._set_session(token_hash, ended_at=self._now)

    def _set_session(self, token_hash: str, **values: object) -> None:
        self._connection.execute(
            sa.update(staff_session).where(staff_session.c.token_hash == token_hash).values(**values)
        )


def _staff(row: Any) -> StaffMember:
    return StaffMember(
        id=row.id,
        login=row.login,
        display_name=row.display_name,
        role=row.role,
        password_hash=row.password_hash,
        collar_number=row.collar_number,
        issuer=row.issuer,
    )


class SqlWebSessions:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def open(
        self, token_hash: str, external_id: str, *, language: str = "en", screen_seen: str | None = None
    ) -> None:
        self._connection.execute(
            sa.insert(web_session).values(
                seal(
                    self._connection,
                    web_session,
                    {
                        "token_hash": token_hash,
                        "external_id": external_id,
                        "started_at": self._now,
                        "last_seen_at": self._now,
                        "language": language,
                        "screen_seen": screen_seen,
                    },
                )
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
        self._set(token_hash, last_seen_at=self._now)

    def end(self, token_hash: str) -> None:
        self._set(token_hash, ended_at=self._now)

    def end_all_of(self, external_id: str) -> None:
        is_open = sa.and_(web_session.c.external_id == external_id, web_session.c.ended_at.is_(None))
        self._connection.execute(sa.update(web_session).where(is_open).values(ended_at=self._now))

    def set_language(self, token_hash: str, language: str) -> None:
        self._set(token_hash, language=language)

    def set_screen_seen(self, token_hash: str, screen_seen: str) -> None:
        self._set(token_hash, screen_seen=screen_seen)

    def set_idle_minutes(self, token_hash: str, minutes: int) -> None:
        self._set(token_hash, idle_minutes=minutes)

    def set_challenge(self, token_hash: str, challenge: str | None, *, until: datetime | None) -> None:
        self._set(token_hash, challenge=challenge, challenge_until=until)

    def _set(self, token_hash: str, **values: object) -> None:
        self._connection.execute(
            sa.update(web_session).where(web_session.c.token_hash == token_hash).values(**values)
        )
