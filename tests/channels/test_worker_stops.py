"""A worker that is told to stop finishes the turn it has; one whose tables are not there yet waits for them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import aiohttp

from casework.adapters.health import FINISH_SECONDS
from casework.adapters.process_settings import ProcessSettings
from casework.adapters.service import Service
from casework.adapters.settings import Settings
from casework.adapters.storage.tables import turn
from casework.bootstrap import build_service
from channels.worker import run_worker
from channels.worker_health import telling_health, wait_until_migrated
from tests.support.clock import SetClock
from tests.support.databases import copy_sqlite
from tests.support.line import Line
from tests.support.rasa_places import SECRET, Place, serving
from tests.support.running import eventually, free_port


@asynccontextmanager
async def a_service(tmp_path: Path, sqlite_template: Path, rasa_url: str) -> AsyncIterator[Service]:
    service = build_service(
        Settings.from_env(
            {
                "WAYMARK_DATA_DIR": str(tmp_path),
                "WAYMARK_DATABASE_URL": copy_sqlite(sqlite_template, tmp_path / "waymark.db"),
                "WAYMARK_TURN_SECRET": SECRET,
                "WAYMARK_RASA_URLS": rasa_url,
                "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
                "TWILIO_AUTH_TOKEN": "0" * 32,
                "WAYMARK_TWILIO_API_URL": "http://127.0.0.1:1",
                "WAYMARK_SMS_FROM": "+447700900900",
            }
        )
    )
    try:
        yield service
    finally:
        service.database.close()


async def statuses(line: Line, *wanted: str) -> bool:
    return [row.status for row in line.rows(turn)] == list(wanted)


async def test_the_turn_in_hand_is_answered_and_no_other_is_begun(
    tmp_path: Path, sqlite_template: Path
) -> None:
    """Red when: what is in hand is broken off (its lease runs on, and it counts as a try), or looking goes on."""
    rasa = Place("live", mood="waits")
    async with serving(rasa) as [url], a_service(tmp_path, sqlite_template, url) as service:
        line, stop = Line(service.database, SetClock()), asyncio.Event()
        line.receive("what is happening with my case")
        worker = asyncio.create_task(run_worker(service, stop=stop))
        await eventually(partial(statuses, line, "leased"), what="the turn being in hand")
        stop.set()
        line.receive("who is my officer", provider_message_id="SM" + "2" * 32, external_id="+447700900002")
        rasa.go.set()
        await asyncio.wait_for(worker, 20)
        rows = line.rows(turn)

    assert sorted((row.status, row.outcome, row.attempts) for row in rows) == [
        ("done", "answered", 1),
        ("waiting", None, 0),
    ]


async def test_a_worker_waits_for_the_tables_it_needs_and_says_so(
    tmp_path: Path, sqlite_template: Path
) -> None:
    """Red when: a worker of the new version begins before the migration, or does not begin after it."""
    process = ProcessSettings(health_port=free_port())
    address = f"http://127.0.0.1:{process.health_port}/health/ready"
    stop = asyncio.Event()

    def set_version(version: str) -> None:
        change = f"UPDATE alembic_version SET version_num = '{version}'"
        service.database.write_now(lambda tx: tx.connection.exec_driver_sql(change))

    async with (
        a_service(tmp_path, sqlite_template, "http://127.0.0.1:1") as service,
        aiohttp.ClientSession() as http,
        telling_health(service, process, stop=stop),
    ):

        async def status() -> int:
            async with http.get(address) as answer:
                return answer.status

        set_version("0001")
        waiting = asyncio.create_task(wait_until_migrated(service, stop=stop))
        assert await status() == 503
        assert not waiting.done()
        set_version("9999")
        assert await asyncio.wait_for(waiting, 10)
        assert await status() == 200
        stop.set()
        assert await status() == 503
        set_version("0001")
        assert not await asyncio.wait_for(wait_until_migrated(service, stop=stop), 10)


async def test_without_a_port_a_worker_listens_nowhere(tmp_path: Path, sqlite_template: Path) -> None:
    async with a_service(tmp_path, sqlite_template, "http://127.0.0.1:1") as service:
        before = asyncio.all_tasks()
        async with telling_health(service, ProcessSettings(), stop=asyncio.Event()):
            assert asyncio.all_tasks() == before


async def test_a_worker_with_nothing_in_hand_is_gone_at_once(tmp_path: Path, sqlite_template: Path) -> None:
    """Red when: whoever looks for work goes on looking, and is cut off with those who have some."""
    rasa = Place("live")
    async with serving(rasa) as [url], a_service(tmp_path, sqlite_template, url) as service:
        line, stop = Line(service.database, SetClock()), asyncio.Event()
        line.receive("what is happening with my case")
        worker = asyncio.create_task(run_worker(service, stop=stop))
        await eventually(partial(statuses, line, "done"), what="the answer")
        stop.set()
        await asyncio.wait_for(worker, FINISH_SECONDS - 1)
