"""One running service for all journeys; each test has people and cases of its own."""

import json
import os
import zlib
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest
import pytest_asyncio

from tests.support.databases import make_postgresql
from tests.support.running import ROOT, Detective, Running, Victim, run_waymark


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def waymark(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    environ = {}
    if request.param == "postgresql":
        uri: str = request.getfixturevalue("postgresql_uri")
        environ["WAYMARK_DATABASE_URL"] = make_postgresql(uri, "waymark_journeys")
        # Those it was made with.
        environ["WAYMARK_KEYS"] = os.environ["WAYMARK_KEYS"]
    with run_waymark(tmp_path_factory.mktemp("waymark"), **environ) as running:
        yield running


@pytest_asyncio.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    # Cookies of addresses without a name are kept too: everything here is 127.0.0.1.
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        yield session


@pytest.fixture
def victim(waymark: Running, http: aiohttp.ClientSession, request: pytest.FixtureRequest) -> Victim:
    """Someone whose phone is in no case file: a number of its own for each test."""
    number = 100 + zlib.crc32(request.node.nodeid.encode()) % 800
    return Victim(http, waymark.addresses["sandbox"], f"+447700900{number}")


@pytest_asyncio.fixture
async def detective(waymark: Running, http: aiohttp.ClientSession) -> Detective:
    someone = Detective(http, waymark.addresses["console"])
    await someone.sign_in("sam", waymark.password)
    return someone


def case_of(mobile: str) -> dict[str, str]:
    """The synthetic case whose contact of record is this number."""
    cases: list[dict[str, str]] = json.loads((ROOT / "data" / "cases" / "synthetic_cases.json").read_text())
    return next(case for case in cases if case["contact_mobile"] == mobile)
