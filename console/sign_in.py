"""Staff log-in with the desk's own names, passwords and one-time codes, where no identity provider does it."""

import asyncio
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from casework.adapters.passwords import ArgonPasswords
from casework.adapters.service import Service
from casework.adapters.storage.people import ENROL, FACTOR, OPEN
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.errors import SignInRefused, WaymarkError
from casework.model.throttles import Tried
from casework.model.tokens import hash_token
from casework.services import throttles
from casework.services.ports import StaffMember
from console.second_factor import SecondFactor

# What is counted apart, each of one name or account.
PASSWORD, CODE, AGAIN = "password", "code", "again"
FORGETS_EVERY = timedelta(hours=1)
LONGEST_LOGIN = 64
LONGEST_PASSWORD = 1024
# argon2 takes 64 MiB a check: a flood of log-ins must not take the desk down with it.
CHECKS_AT_ONCE = 2
# From the right password to the code of the second factor.
HALFWAY_FOR = timedelta(minutes=10)


class SignInMustWait(WaymarkError):
    """Too many wrong tries for one name, known or not; says how long to wait."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__("too many tries")
        self.wait = wait


@dataclass(frozen=True, kw_only=True)
class SignedIn:
    """`stage`: OPEN, or what is still asked for before the desk opens: FACTOR or ENROL."""

    token: str  # for the cookie; only its hash is stored
    staff: StaffMember
    stage: str


class SignIn:
    """The use case: one name and password in, then a code where one is needed, one fresh session out."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._forgets_at = service.clock.now()
        self._checks = asyncio.Semaphore(CHECKS_AT_ONCE)
        self.factor = SecondFactor(service)

    async def sign_in(self, login: str, password: str) -> SignedIn:
        """Raises SignInRefused, after the same work and in the same words, for a wrong name or password."""
        login = _clean_login(login)
        await self._count_try(PASSWORD, login)
        staff = await self._service.database.read(lambda tx: tx.staff.find(login))
        if not await self._is_right(staff, password) or staff is None:
            actor = staff.id if staff else "nobody"
            await self._service.database.write(lambda tx: tx.audit.record("sign_in_refused", by=actor))
            raise SignInRefused
        return await self._service.database.write(lambda tx: self._begin(tx, login, staff))

    def _begin(self, tx: SqlTransaction, login: str, staff: StaffMember) -> SignedIn:
        throttles.clear(tx, Tried.STAFF_PROOFS, PASSWORD, login)
        stage = self._find_stage(tx, staff)
        token = new_session_token(tx.now)
        if stage == OPEN:
            open_session(tx, token, staff)
        else:
            tx.staff.open_session(hash_token(token), staff.id, secrets.token_urlsafe(32), stage=stage)
        return SignedIn(token=token, staff=staff, stage=stage)

    def _find_stage(self, tx: SqlTransaction, staff: StaffMember) -> str:
        found = tx.factors.find(staff.id)
        if found is not None and found.is_confirmed:
            return FACTOR
        # The data of a sandbox is invented, and whoever tries it out has no phone to set up.
        return OPEN if self._service.settings.is_sandbox else ENROL

    async def find_halfway(self, token: str, stage: str) -> StaffMember | None:
        """Who has given the right password with this cookie and not yet the code; None after ten minutes."""
        if not token:
            return None
        since = self._service.clock.now() - HALFWAY_FOR
        found = await self._service.database.read(
            lambda tx: tx.staff.find_session(hash_token(token), idle_since=since, stage=stage)
        )
        return found.staff if found else None

    async def check_code(self, staff: StaffMember, typed: str) -> None:
        """Raises SignInRefused for a wrong or used code, SignInMustWait after five."""
        await self._count_try(CODE, staff.id)
        if not await self._check_code(staff, typed):
            await self._record_wrong_code(staff)
            raise SignInRefused
        await self._clear(CODE, staff)

    async def _check_code(self, staff: StaffMember, typed: str) -> bool:
        async with self._checks:
            return await self.factor.check(staff, typed)

    async def set_up_factor(self, staff: StaffMember, typed: str) -> tuple[str, ...]:
        """The recovery codes. Raises as `check_code`."""
        await self._count_try(CODE, staff.id)
        async with self._checks:
            codes = await self.factor.confirm(staff, typed)
        if codes is None:
            await self._record_wrong_code(staff)
            raise SignInRefused
        await self._clear(CODE, staff)
        return codes

    async def finish(self, halfway_token: str, staff: StaffMember) -> SignedIn:
        """The session proper, under a new token; what stood halfway is over."""
        token = new_session_token(self._service.clock.now())

        def write(tx: SqlTransaction) -> None:
            tx.staff.end_session(hash_token(halfway_token))
            open_session(tx, token, staff)

        await self._service.database.write(write)
        return SignedIn(token=token, staff=staff, stage=OPEN)

    async def prove_again(self, staff: StaffMember, token_hash: str, password: str, typed: str) -> None:
        """For an act that needs it: the password again, and a code where the account has a second factor."""
        await self._count_try(AGAIN, staff.id)
        factor = await self._service.database.read(lambda tx: tx.factors.find(staff.id))
        is_right = await self._is_right(staff, password)
        # The code is looked at only after the right password: otherwise a wrong one would use it up.
        if is_right and factor is not None and factor.is_confirmed:
            is_right = await self._check_code(staff, typed)
        if not is_right:
            await self._service.database.write(lambda tx: tx.audit.record("proof_refused", by=staff.id))
            raise SignInRefused
        await self._service.database.write(lambda tx: _record_proof(tx, token_hash, staff))

    async def _is_right(self, staff: StaffMember | None, password: str) -> bool:
        async with self._checks:
            return await asyncio.to_thread(_matches, self._service.passwords, password, staff)

    async def _count_try(self, kind: str, of: str) -> None:
        """Counts before anything is looked at, whether or not the name exists. Raises SignInMustWait.

        In the database, so that tries at once, at another desk or after a restart gain nothing.
        """
        now = self._service.clock.now()
        if now >= self._forgets_at:
            self._forgets_at = now + FORGETS_EVERY
            await self._service.database.write(throttles.forget_old)
        wait = await self._service.database.write(lambda tx: _take_try(tx, kind, of))
        if wait is not None:
            raise SignInMustWait(wait)

    async def _clear(self, kind: str, staff: StaffMember) -> None:
        bucket = (Tried.STAFF_PROOFS, kind, staff.id)
        await self._service.database.write(lambda tx: throttles.clear(tx, *bucket))

    async def _record_wrong_code(self, staff: StaffMember) -> None:
        await self._service.database.write(lambda tx: tx.audit.record("code_refused", by=staff.id))


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


def open_session(
    tx: SqlTransaction, token: str, staff: StaffMember, *, proved_at: datetime | None = None
) -> None:
    """`proved_at`: when they proved who they are, where that was not just now."""
    tx.staff.open_session(hash_token(token), staff.id, secrets.token_urlsafe(32), proved_at=proved_at)
    tx.audit.record("signed_in", by=staff.id)


def _take_try(tx: SqlTransaction, kind: str, of: str) -> timedelta | None:
    """None and counted, or how long to wait. The wait stays short: anyone could make it fall on someone else."""
    bucket = (Tried.STAFF_PROOFS, kind, of)
    if throttles.take(tx, *bucket):
        return None
    opens_at = throttles.find_opening(tx, *bucket)
    return None if opens_at is None else opens_at - tx.now


def _record_proof(tx: SqlTransaction, token_hash: str, staff: StaffMember) -> None:
    throttles.clear(tx, Tried.STAFF_PROOFS, AGAIN, staff.id)
    tx.staff.prove_session(token_hash)
    tx.audit.record("proved_again", by=staff.id)
