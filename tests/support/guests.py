"""A candidate, and a tester's link to it."""

from datetime import timedelta

import sqlalchemy as sa

from casework.adapters.storage.database import Database
from casework.adapters.storage.model_tables import model_version
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.tokens import hash_token
from casework.services.model_ports import VersionStatus

CANDIDATE = "a-candidate"


def make_candidate(tx: SqlTransaction, model_id: str = CANDIDATE) -> None:
    tx.model_releases.record_trained(
        model_id, file=f"waymark-{model_id}.tar.gz", sha256="0" * 64, birth={}, by="launcher"
    )
    change_status(tx, VersionStatus.CANDIDATE, model_id)


def change_status(tx: SqlTransaction, status: VersionStatus, model_id: str = CANDIDATE) -> None:
    of_model = model_version.c.model_id == model_id
    tx.connection.execute(sa.update(model_version).where(of_model).values(status=status.value))


def make_guest_link(database: Database, token: str, *, days: int = 7) -> int:
    """Its number. The candidate is made with it."""

    def make(tx: SqlTransaction) -> int:
        make_candidate(tx)
        return tx.guests.open_link(
            hash_token(token),
            CANDIDATE,
            group="a test group",
            by="toni",
            expires_at=tx.now + timedelta(days=days),
        )

    return database.write_now(make)
