"""What a database has to be told when a backup of it was put back, by whichever tool that was."""

from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from casework.adapters.backups import NotHere
from casework.adapters.clock import SystemClock
from casework.adapters.storage.database import Database, create_engine, find_keys
from casework.adapters.storage.key_tables import data_key
from casework.adapters.storage.migration_state import is_current
from casework.adapters.storage.tables import audit
from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.vault.key_services import FileKeys
from casework.adapters.vault.shredded import read_shredded
from casework.services.switch_ports import RestoreGap

ACT = "backup_restored"
# Clocks differ, and a send is recorded after the provider has it.
MARGIN = timedelta(minutes=2)


def note_restored(url: str, *, key_file: Path | None = None) -> RestoreGap:
    """Takes keys that were shredded since away again, and notes the gap: from the newest record until now.

    Before anything of the service starts. Doing it twice changes nothing. Raises NotHere while a migration is missing.
    """
    keys = key_file or find_keys(url)
    engine = create_engine(url, FileKeys(keys))
    with engine.connect() as connection:
        has_tables = is_current(connection)
    database = Database(engine, SystemClock())
    try:
        if not has_tables:
            raise NotHere("It is of an older version: run ./waymark db upgrade, then ./waymark db restored.")
        return database.write_now(lambda tx: _note(tx, read_shredded(keys)))
    finally:
        database.close()


def _note(tx: SqlTransaction, shredded: frozenset[str]) -> RestoreGap:
    tx.connection.execute(sa.delete(data_key).where(data_key.c.id.in_(shredded)))
    query = sa.select(sa.func.max(audit.c.at)).where(audit.c.act != ACT)
    newest = tx.connection.execute(query).scalar() or tx.now
    gap = RestoreGap(since=newest - MARGIN, until=tx.now)
    tx.restore_gaps.record(gap)
    tx.audit.record(ACT, by="service", thing=gap.since.isoformat())
    return gap
