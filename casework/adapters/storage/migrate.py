"""Bringing a database up to this version of the tables."""

from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from casework.adapters.storage.migration_state import find_version
from casework.adapters.storage.vaults import get_vault

SCRIPTS = Path(__file__).parent / "migrations"
# Any constant: two processes upgrading one PostgreSQL database take turns.
UPGRADE_LOCK = 20261121
SEALS = "0019"  # what is stored in the clear before it is not after it


def upgrade(engine: sa.Engine, *, say: Callable[[str], None] | None = None) -> None:
    """Runs every migration this database has not had, in one transaction. Raises KeysWrong before it writes.

    The first time it makes the key file; never for a database that was sealed with another.
    """
    vault = get_vault(engine)
    vault.make_keys_if_new()
    vault.check()
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({UPGRADE_LOCK})")
        before = find_version(connection)
        config = _config()
        config.attributes["connection"] = connection
        config.attributes["say"] = say
        command.upgrade(config, "head")
    if before is not None and before < SEALS:
        _rewrite(engine)


def _rewrite(engine: sa.Engine) -> None:
    """Rows that were changed leave their old bytes in the files until those are written anew."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        if engine.dialect.name == "postgresql":
            driver.execute("VACUUM FULL")
        else:
            driver.execute("VACUUM")
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    return config
