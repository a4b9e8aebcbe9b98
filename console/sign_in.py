"""Staff log-in with the desk's own names and passwords, until a force's identity provider takes over."""

import asyncio
import secrets
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta

from casework.adapters.passwords import ArgonPasswords
from casework.adapters.service import Service
from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import hash_token
from casework.model.errors import SignInRefused, WaymarkError
from casework.services.ports import Clock, StaffMember

FREE_TRIES = 5
TRIES_COUNT_FOR = timedelta(minutes=15)
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(minutes=15)
MOST_NAMES_REMEMBERED = 10_000
LONGEST_LOGIN = 64
LONGEST_PASSWORD = 1024
# argon2 takes 64 MiB a check: a flood of log-ins must not take the desk down with it.
CHECKS_AT_ONCE = 2


class SignInMustWait(WaymarkError):
    """Too many wrong tries for one name, known or not; says how long to wait."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__("too many tries")
        self.wait = wait


class SignInThrottle:
    """Counts tries by name, whether or not the name exists. A restart forgets them, which is cheap to bear.

    The wait stays short because anyone could make it fall on someone else: it slows guessing to about
    forty tries an hour and a name, and locks nobody out for longer than `LONGEST_WAIT`.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tries: dict[str, deque[datetime]] = {}

    def count_try(self, login: str) -> None:
        """Counts before the password is looked at, so tries at once gain nothing. Raises SignInMustWait."""
        now = self._clock.now()
        tries = self._tries.pop(login, None) or deque(maxlen=FREE_TRIES + 5)
        while tries and tries[0] <= now - TRIES_COUNT_FOR:
            tries.popleft()
        self._tries[login] = tries
        wait = self._wait(tries, now)
        if wait > timedelta(0):
            raise SignInMustWait(wait)
        tries.append(now)
        self._forget_oldest()

    def forget(self, login: str) -> None:
        self._tries.pop(login, None)

    def _wait(self, tries: deque[datetime], now: datetime) -> timedelta:
        if len(tries) < FREE_TRIES:
            return timedelta(0)
        pause = min(LONGEST_WAIT, FIRST_WAIT * (1 << (len(tries) - FREE_TRIES)))
        until: datetime = tries[-1] + pause
        return until - now

    def _forget_oldest(self) -> None:
        while len(self._tries) > MOST_NAMES_REMEMBERED:
            self._tries.pop(next(iter(self._tries)))


@dataclass(frozen=True, kw_only=True)
class SignedIn:
    token: str  # for the cookie; only its hash is stored
    staff: StaffMember


class SignIn:
    """The use case: one name and password in, one fresh session out."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._throttle = SignInThrottle(service.clock)
        self._checks = asyncio.Semaphore(CHECKS_AT_ONCE)

    async def sign_in(self, login: str, password: str) -> SignedIn:
        """Raises SignInRefused, after the same work and in the same words, for a wrong name or password."""
        login = _clean_login(login)
        self._throttle.count_try(login)
        staff = await self._service.database.read(lambda tx: tx.staff.find(login))
        async with self._checks:
            is_right = await asyncio.to_thread(_matches, self._service.passwords, password, staff)
        if staff is None or not is_right:
            actor = staff.id if staff else "nobody"
            await self._service.database.write(lambda tx: tx.audit.record("sign_in_refused", by=actor))
            raise SignInRefused
        self._throttle.forget(login)
        token = new_session_token(self._service.clock.now())
        await self._service.database.write(lambda tx: _open_session(tx, token, staff))
        return SignedIn(token=token, staff=staff)


def new_session_token(now: datetime) -> str:
    """256 random bits and the second the session began.

    The stored hash covers both, so nobody can make a session younger by rewriting the cookie.
    """
    return f"{int(now.timestamp())}.{secrets.token_urlsafe(32)}"


def _clean_login(login: str) -> str:
    login = login.strip()
    # No stored name looks like this, so it is looked up, checked and refused like any unknown one.
    return login if login.isprintable() and len(login) <= LONGEST_LOGIN else ""


def _matches(passwords: ArgonPasswords, password: str, staff: StaffMember | None) -> bool:
    stored = staff.password_hash if staff else None
    return passwords.matches(password[: LONGEST_PASSWORD + 1], stored) and len(password) <= LONGEST_PASSWORD


def _open_session(tx: SqlTransaction, token: str, staff: StaffMember) -> None:
    tx.staff.open_session(hash_token(token), staff.id, secrets.token_urlsafe(32))
    tx.audit.record("signed_in", by=staff.id)
