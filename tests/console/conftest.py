"""A desk for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.console.desk_site import DeskSite, run_desk
from tests.support.clock import SetClock


@pytest.fixture
async def site(tmp_path: Path, sqlite_template: Path, clock: SetClock) -> AsyncIterator[DeskSite]:
    async with run_desk(tmp_path, sqlite_template, clock) as running:
        yield running
