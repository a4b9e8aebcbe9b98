"""What every test may ask for: a clock, and real databases of both kinds."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from casework.adapters.storage.database import Database, create_engine
from tests.support.clock import SetClock
from tests.support.databases import copy_sqlite, empty, make_postgresql, make_sqlite, put_keys, run_postgresql


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture(scope="session", autouse=True)
def test_keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """For databases that have no folder of their own: PostgreSQL's."""
    path = put_keys(tmp_path_factory.mktemp("keys"))
    before = os.environ.get("WAYMARK_KEYS")
    os.environ["WAYMARK_KEYS"] = str(path)
    yield path
    os.environ.pop("WAYMARK_KEYS")
    if before is not None:
        os.environ["WAYMARK_KEYS"] = before


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    make_sqlite(path)
    return path


@pytest.fixture(scope="session")
def postgresql_uri() -> Iterator[str]:
    with run_postgresql() as uri:
        yield uri


@pytest.fixture(scope="session")
def postgresql_url(postgresql_uri: str) -> str:
    return make_postgresql(postgresql_uri, "waymark_tests")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return copy_sqlite(request.getfixturevalue("sqlite_template"), tmp_path / "waymark.db")
    put_keys(tmp_path)
    url: str = request.getfixturevalue("postgresql_url")
    engine = create_engine(url)
    empty(engine)
    engine.dispose()
    return url


@pytest.fixture
def database(database_url: str, clock: SetClock) -> Iterator[Database]:
    made = Database(create_engine(database_url), clock)
    yield made
    made.close()
