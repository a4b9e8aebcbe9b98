"""The straight line over each database."""

import pytest

from casework.adapters.storage.database import Database
from tests.support.clock import SetClock
from tests.support.line import Line


@pytest.fixture
def line(database: Database, clock: SetClock) -> Line:
    return Line(database=database, clock=clock)
