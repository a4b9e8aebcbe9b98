"""A server that is told to go: it says so, still takes what comes, finishes what it has, and is gone."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from casework.adapters.process_settings import ProcessSettings
from casework.adapters.service import Service
from launcher.serve import ACTIONS, DESK, GATEWAY, serve
from tests.support.databases import copy_sqlite
from tests.support.running import eventually, free_port
from tests.support.services import build_service_in

LEAVE_SECONDS = 0.4


@pytest.fixture
def make_service(tmp_path: Path, sqlite_template: Path) -> Callable[[], Service]:
    def make() -> Service:
        ports = (free_port() for _ in range(3))
        names = ("WAYMARK_PORT", "WAYMARK_CONSOLE_PORT", "WAYMARK_PRIVATE_PORT")
        return build_service_in(
            tmp_path,
            WAYMARK_DATABASE_URL=copy_sqlite(sqlite_template, tmp_path / "waymark.db"),
            **{name: str(port) for name, port in zip(names, ports, strict=True)},
        )

    return make


@asynccontextmanager
async def serving(
    service: Service, part: str, *, leave_seconds: float = 0.0
) -> AsyncIterator[tuple[str, asyncio.Event, asyncio.Task[None]]]:
    settings, stop = service.settings, asyncio.Event()
    ports = {GATEWAY: settings.port, DESK: settings.console_port, ACTIONS: settings.private_port}
    running = asyncio.create_task(
        serve(service, [part], process=ProcessSettings(leave_seconds=leave_seconds), stop=stop)
    )
    address = f"http://127.0.0.1:{ports[part]}"
    try:
        async with aiohttp.ClientSession() as http:
            await eventually(lambda: is_alive(http, address), what=part)
        yield address, stop, running
    finally:
        stop.set()
        await running
        service.database.close()


async def is_alive(http: aiohttp.ClientSession, address: str) -> bool:
    try:
        async with http.get(address + "/health/live") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


@pytest.mark.parametrize("part", [ACTIONS, DESK, GATEWAY])
async def test_one_that_goes_is_not_ready_still_takes_what_comes_and_is_gone_after_that(
    make_service: Callable[[], Service], part: str
) -> None:
    """Red when: readiness is what the app says of itself, connections are kept, or the port closes at once."""
    async with (
        serving(make_service(), part, leave_seconds=LEAVE_SECONDS) as (address, stop, running),
        aiohttp.ClientSession() as http,
    ):
        begun = time.monotonic()
        stop.set()
        async with http.get(address + "/health/ready") as ready:
            assert (ready.status, await ready.json()) == (503, {"ready": False, "leaving": True})
        async with http.get(address + "/health/live") as live:
            assert (live.status, live.headers["Connection"]) == (200, "close")
        await running
        assert time.monotonic() - begun >= LEAVE_SECONDS
        assert not await is_alive(http, address)


@pytest.mark.parametrize("part", [ACTIONS, DESK])
async def test_one_that_stays_is_ready_while_its_database_answers(
    make_service: Callable[[], Service], part: str
) -> None:
    async with (
        serving(make_service(), part) as (address, _, _),
        aiohttp.ClientSession() as http,
        http.get(address + "/health/ready") as ready,
    ):
        assert ready.status == 200


async def test_a_request_that_came_before_the_end_is_answered_whole(
    make_service: Callable[[], Service],
) -> None:
    """Red when: what is in hand is cut off with the listening."""
    async with serving(make_service(), GATEWAY) as (address, stop, _):
        port = int(address.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = "POST /webhooks/twilio/message HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\n"
        writer.write(head.encode() + b"Body")
        await writer.drain()
        async with aiohttp.ClientSession() as http:
            assert await is_alive(http, address)  # by now the half of it was read
        stop.set()
        await eventually(lambda: _is_closed(port), what="nothing new being taken")
        writer.write(b"=yes")
        answer = await asyncio.wait_for(reader.readline(), 10)
        writer.close()

    assert answer.startswith(b"HTTP/1.1 403")


async def _is_closed(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return True
    writer.close()
    return False


async def test_a_server_whose_database_is_behind_is_not_ready_and_one_that_is_ahead_is(
    make_service: Callable[[], Service],
) -> None:
    service = make_service()
    found = []
    async with serving(service, DESK) as (address, _, _), aiohttp.ClientSession() as http:
        for version in ("0001", "9999"):
            change = f"UPDATE alembic_version SET version_num = '{version}'"
            service.database.write_now(lambda tx, change=change: tx.connection.exec_driver_sql(change))
            async with http.get(address + "/health/ready") as ready:
                found.append(ready.status)

    assert found == [503, 200]
