"""What a person can prove themselves with besides the contact of record: hashes only."""

from datetime import datetime

import sqlalchemy as sa

from casework.adapters.storage.statements import new_id
from casework.adapters.storage.tables import credential


class SqlCredentials:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def find_hash(self, person_id: str, kind: str) -> str | None:
        row = self._connection.execute(
            sa.select(credential.c.secret_hash)
            .where(
                credential.c.person_id == person_id,
                credential.c.kind == kind,
                credential.c.ended_at.is_(None),
            )
            .order_by(credential.c.created_at.desc())
            .limit(1)
        ).first()
        return None if row is None else str(row.secret_hash)

    def set(self, person_id: str, kind: str, secret_hash: str) -> None:
        """Takes the place of an earlier one of that kind."""
        self.end(person_id, kind)
        self._connection.execute(
            sa.insert(credential).values(
                id=new_id(), person_id=person_id, kind=kind, secret_hash=secret_hash, created_at=self._now
            )
        )

    def end(self, person_id: str, kind: str) -> bool:
        """False when there was none."""
        result = self._connection.execute(
            sa.update(credential)
            .where(
                credential.c.person_id == person_id,
                credential.c.kind == kind,
                credential.c.ended_at.is_(None),
            )
            .values(ended_at=self._now)
        )
        return result.rowcount > 0
