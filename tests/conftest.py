"""What every test may ask for: a clock, and real databases of both kinds."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from casework.adapters.storage.database import Database, create_engine
from tests.support.clock import SetClock
from tests.support.databases import copy_sqlite, empty, make_postgresql, make_sqlite, run_postgresql


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


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
