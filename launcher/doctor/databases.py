"""The database: its tables, what it promises of a commit, who may do what in it, and what its alarms say."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
from pysqlite3 import dbapi2 as sqlite

from casework.adapters.storage.migration_state import find_newest, find_version
from casework.adapters.storage.schema import metadata
from casework.adapters.storage.tables import alarm
from casework.adapters.storage.vaults import check_keys
from launcher.doctor.findings import Examined, Finding

# Gateway, desk, worker, actions, jobs and the launcher; in each a connection for whoever works, and those that listen.
PROCESSES, CONNECTIONS_EACH = 6, 16
LARGEST_DIFFERENCE = timedelta(seconds=5)
# Whoever owns the audit's rows may not change them: only adding and reading is needed there.
ONLY_ADDED_TO = ("audit", "audit_anchor")
ALL_RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE")
MISSING = sa.text(
    "SELECT t, r FROM unnest(CAST(:tables AS text[])) t, unnest(CAST(:rights AS text[])) r"
    " WHERE NOT has_table_privilege(quote_ident(t), r) ORDER BY t, r"
)


def check_migrations(examined: Examined) -> Iterator[Finding]:
    if not examined.has_database:
        yield Finding("database", False, f"there is none at {examined.database_file}; ./waymark up makes it")
        return
    with examined.engine() as engine:
        check_keys(
            engine
        )  # what it raises is told as the finding it is, here and wherever the database is read
    yield Finding("keys", True, "those this database was sealed with")
    with examined.connect() as connection:
        has, newest = find_version(connection), find_newest()
    if has is not None and has > newest:
        detail = (
            f"it is newer ({has}) than this release ({newest}): run the release that upgraded it, or go back "
            "to the backup from before"
        )
    elif has != newest:
        detail = f"a migration is missing ({has or 'none'} of {newest}); run ./waymark db upgrade"
    else:
        detail = f"current ({has})"
    yield Finding("database", has == newest, detail)


def check_durability(examined: Examined) -> Iterator[Finding]:
    """What was told to a provider as accepted must be on the disk (docs/recovery.md)."""
    if examined.database_file is not None:
        yield Finding("SQLite", True, f"{sqlite.sqlite_version}, which keeps committed writes")
        return
    with examined.connect() as connection:
        for name in ("fsync", "full_page_writes", "synchronous_commit"):
            value = _show(connection, name)
            remedy = (
                f"; a message we accepted is lost when the server falls. Set {name} = on in postgresql.conf"
                if value == "off"
                else ""
            )
            yield Finding(f"PostgreSQL: {name}", value != "off", f"{value}{remedy}")


def check_encoding(examined: Examined) -> Iterator[Finding]:
    if examined.database_file is not None:
        return
    with examined.connect() as connection:
        encoding = _show(connection, "server_encoding")
    remedy = (
        ""
        if encoding == "UTF8"
        else ": what people write has no place in it. Make a new database: "
        "CREATE DATABASE waymark ENCODING 'UTF8' TEMPLATE template0"
    )
    yield Finding("PostgreSQL: encoding", encoding == "UTF8", f"{encoding}{remedy}")


def check_connections(examined: Examined, *, wanted: int = PROCESSES * CONNECTIONS_EACH) -> Iterator[Finding]:
    """The least of what server, database and user allow, against what all processes may ask for at once."""
    if examined.database_file is not None:
        return
    with examined.connect() as connection:
        kept = int(_show(connection, "superuser_reserved_connections"))
        limits = {"max_connections of the server": int(_show(connection, "max_connections")) - kept}
        of_database = "SELECT datconnlimit FROM pg_database WHERE datname = current_database()"
        of_user = "SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user"
        for name, query in (("the limit of the database", of_database), ("the limit of the user", of_user)):
            limit = int(connection.execute(sa.text(query)).scalar_one())
            if limit >= 0:
                limits[name] = limit
    name, least = min(limits.items(), key=lambda each: each[1])
    remedy = (
        ""
        if least >= wanted
        else f", and the processes of one machine may ask for {wanted}: those that get none "
        f"accept nothing. Raise {name}"
    )
    yield Finding("PostgreSQL: connections", least >= wanted, f"{least} by {name}{remedy}")


def check_rights(examined: Examined) -> Iterator[Finding]:
    """The service's user: all it needs in its own tables, and nothing of the server."""
    if examined.database_file is not None:
        return
    with examined.connect() as connection:
        columns = ("rolsuper", "rolcreatedb", "rolcreaterole", "rolbypassrls", "rolreplication")
        query = f"SELECT {', '.join(columns)} FROM pg_roles WHERE rolname = current_user"
        row = connection.execute(sa.text(query)).one()
        more = [name.removeprefix("rol") for name, has in zip(columns, row, strict=True) if has]
        less = _list_missing(connection)
    if more:
        detail = (
            f"the user may do more than it needs ({', '.join(more)}): whoever gets at its password has the server. "
            "Make one with: CREATE ROLE waymark LOGIN"
        )
    elif less:
        detail = f"the user lacks {less[0]} (and {len(less) - 1} more); run as the tables' owner: GRANT"
    else:
        detail = "what the service needs, and no more"
    yield Finding("PostgreSQL: rights", not more and not less, detail)


def _list_missing(connection: sa.Connection) -> list[str]:
    there = set(sa.inspect(connection).get_table_names()).intersection(metadata.tables)
    kept = there.intersection(ONLY_ADDED_TO)
    missing: list[str] = []
    for tables, rights in ((kept, ("SELECT", "INSERT")), (there - kept, ALL_RIGHTS)):
        given = {"tables": sorted(tables), "rights": list(rights)}
        missing += [f"{right} on {table}" for table, right in connection.execute(MISSING, given)]
    return missing


def check_clock(examined: Examined) -> Iterator[Finding]:
    """Leases, hours and codes are counted by the database's clock; logs and the web by this machine's."""
    if examined.database_file is not None:
        return
    with examined.connect() as connection:
        there = connection.execute(sa.text("SELECT clock_timestamp()")).scalar_one()
    apart = abs(there - examined.now())
    well = apart <= LARGEST_DIFFERENCE
    remedy = "" if well else ": set both machines' clocks by one time server (chrony, systemd-timesyncd)"
    yield Finding("clock and the database's", well, f"{apart.total_seconds():.0f} s apart{remedy}")


def check_alarms(examined: Examined) -> Iterator[Finding]:
    """What stands over every page of the desk now."""
    if not examined.has_database:
        return
    with examined.connect() as connection:
        if not sa.inspect(connection).has_table(alarm.name):
            return
        kinds = connection.scalars(sa.select(alarm.c.kind).where(alarm.c.ended_at.is_(None)).distinct())
        for kind in sorted(kinds):
            page = Path("docs/runbook") / f"{kind.replace('_', '-')}.md"
            shown = page if (examined.root / page).exists() else page.with_name("alarm-unknown.md")
            yield Finding(f"alarm {kind}", kind == "drill_running", f"it stands; see {shown}")


def _show(connection: sa.Connection, name: str) -> str:
    return str(connection.execute(sa.text("SELECT current_setting(:name)"), {"name": name}).scalar_one())
