"""Second factors of the desk's own accounts, and log-ins at the identity provider that have begun."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa

from casework.adapters.storage.sealed import seal
from casework.adapters.storage.staff_tables import sign_in_attempt, staff_factor, staff_recovery_code
from casework.adapters.storage.statements import insert, new_id
from casework.services.staff_ports import Factor, RecoveryCode, SignInAttempt


class SqlFactors:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def find(self, staff_id: str) -> Factor | None:
        query = sa.select(staff_factor).where(staff_factor.c.staff_id == staff_id)
        row = self._connection.execute(query).first()
        if row is None:
            return None
        return Factor(secret=row.secret, is_confirmed=row.confirmed_at is not None, last_step=row.last_step)

    def begin(self, staff_id: str, secret: str) -> None:
        values = {"staff_id": staff_id, "secret": secret, "created_at": self._now, "last_step": 0}
        sealed = seal(self._connection, staff_factor, values)
        statement = insert(self._connection, staff_factor).values(sealed)
        self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=["staff_id"],
                set_=sealed,
                where=staff_factor.c.confirmed_at.is_(None),
            )
        )

    def confirm(self, staff_id: str) -> None:
        self._connection.execute(
            sa.update(staff_factor)
            .where(staff_factor.c.staff_id == staff_id, staff_factor.c.confirmed_at.is_(None))
            .values(confirmed_at=self._now)
        )

    def take_step(self, staff_id: str, step: int) -> bool:
        taken = self._connection.execute(
            sa.update(staff_factor)
            .where(staff_factor.c.staff_id == staff_id, staff_factor.c.last_step < step)
            .values(last_step=step)
        )
        return taken.rowcount == 1

    def reset(self, staff_id: str) -> None:
        self._connection.execute(sa.delete(staff_factor).where(staff_factor.c.staff_id == staff_id))
        self._forget_codes(staff_id)

    def keep_codes(self, staff_id: str, code_hashes: Sequence[str]) -> None:
        self._forget_codes(staff_id)
        rows = [{"id": new_id(), "staff_id": staff_id, "code_hash": each} for each in code_hashes]
        self._connection.execute(sa.insert(staff_recovery_code), rows)

    def _forget_codes(self, staff_id: str) -> None:
        self._connection.execute(
            sa.delete(staff_recovery_code).where(staff_recovery_code.c.staff_id == staff_id)
        )

    def list_codes(self, staff_id: str) -> list[RecoveryCode]:
        query = sa.select(staff_recovery_code.c.id, staff_recovery_code.c.code_hash).where(
            staff_recovery_code.c.staff_id == staff_id, staff_recovery_code.c.used_at.is_(None)
        )
        return [RecoveryCode(id=row.id, code_hash=row.code_hash) for row in self._connection.execute(query)]

    def use_code(self, code_id: str) -> bool:
        used = self._connection.execute(
            sa.update(staff_recovery_code)
            .where(staff_recovery_code.c.id == code_id, staff_recovery_code.c.used_at.is_(None))
            .values(used_at=self._now)
        )
        return used.rowcount == 1


class SqlSignInAttempts:
    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def record(self, state_hash: str, attempt: SignInAttempt) -> None:
        self._connection.execute(sa.insert(sign_in_attempt).values(state_hash=state_hash, **asdict(attempt)))

    def take(self, state_hash: str) -> SignInAttempt | None:
        statement = sa.delete(sign_in_attempt).where(sign_in_attempt.c.state_hash == state_hash)
        row = self._connection.execute(statement.returning(sign_in_attempt)).first()
        if row is None:
            return None
        return SignInAttempt(
            browser_hash=row.browser_hash,
            nonce=row.nonce,
            verifier=row.verifier,
            next_page=row.next_page,
            session_hash=row.session_hash,
            started_at=row.started_at,
        )

    def forget(self, *, before: datetime) -> None:
        self._connection.execute(sa.delete(sign_in_attempt).where(sign_in_attempt.c.started_at < before))
