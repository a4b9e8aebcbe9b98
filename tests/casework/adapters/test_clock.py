"""The database's clock: the same for everyone who shares the database, whatever their own says."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from casework.adapters.clock import DatabaseClock
from casework.adapters.settings import Settings
from casework.adapters.storage.database import create_engine
from casework.bootstrap import build_service
from tests.console.desk_site import desk_environ


def ask(engine: sa.Engine) -> datetime:
    with engine.connect() as connection:
        found: datetime = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
        return found


@pytest.fixture
def engine(postgresql_url: str) -> Iterator[sa.Engine]:
    made = create_engine(postgresql_url)
    yield made
    made.dispose()


def test_it_is_the_time_of_the_server(engine: sa.Engine) -> None:
    """Red when the clock is this machine's: the server's day is moved by a fixed monotonic that never moves."""
    clock = DatabaseClock(engine, monotonic=lambda: 0.0)
    before_any = clock.now()
    told = ask(engine)

    # Standing still between two askings, it is what the server said when the connection was opened.
    assert before_any != clock.now()
    assert clock.now() <= told


def test_between_two_askings_it_goes_on_by_itself(engine: sa.Engine) -> None:
    passed = [100.0]
    clock = DatabaseClock(engine, monotonic=lambda: passed[0])
    ask(engine)
    first = clock.now()
    passed[0] += 3600.0

    assert clock.now() - first == timedelta(hours=1)


def test_a_new_connection_asks_again(engine: sa.Engine) -> None:
    passed = [0.0]
    clock = DatabaseClock(engine, monotonic=lambda: passed[0])
    ask(engine)
    passed[0] += 3600.0  # this machine slept, or its monotonic clock ran wild
    engine.dispose()
    told = ask(engine)

    assert clock.now() <= told


def test_a_service_on_postgresql_goes_by_it(
    postgresql_url: str, tmp_path: Path, sqlite_template: Path
) -> None:
    environ = desk_environ(tmp_path, sqlite_template)
    on_sqlite = build_service(Settings.from_env(environ))
    on_postgresql = build_service(Settings.from_env(environ | {"WAYMARK_DATABASE_URL": postgresql_url}))
    try:
        assert isinstance(on_postgresql.clock, DatabaseClock)
        assert not isinstance(on_sqlite.clock, DatabaseClock)
    finally:
        on_sqlite.database.close()
        on_postgresql.database.close()
