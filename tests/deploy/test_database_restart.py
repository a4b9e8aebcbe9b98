"""PostgreSQL goes and comes back: whoever waits for changes hears of them again, and meanwhile finds them anyway."""

import asyncio

import pytest

from casework.adapters.clock import DatabaseClock
from casework.adapters.storage.changes import watch_changes
from casework.adapters.storage.database import Database, create_engine
from tests.faults.test_fault_matrix import crash
from tests.support.databases import make_postgresql, run_postgresql_server

pytestmark = pytest.mark.journey

SOON_SECONDS = 1.0


async def test_after_a_restart_of_the_database_a_commit_is_heard_of_within_a_second_again() -> None:
    """Red when: a lost listener stays lost, or the fault of its connection ends whoever watches."""
    with run_postgresql_server() as server:
        url = make_postgresql(server.get_uri(), "waymark_restarted")
        engine = create_engine(url)
        database = Database(engine, DatabaseClock(engine))
        changes = watch_changes(engine)
        loop = asyncio.get_running_loop()
        try:
            await changes.wait(20)
            await asyncio.to_thread(crash, server)
            looked = loop.time()
            await changes.wait(20)  # it says so itself: everybody looks
            assert loop.time() - looked < 10
            await asyncio.to_thread(server.ensure_postgres_running)

            async with asyncio.timeout(60):
                while not await hears(database, changes.wait):
                    pass
        finally:
            await changes.close()
            database.close()


async def hears(database: Database, wait: object) -> bool:
    """Whether one commit wakes whoever waits, in less time than a look behind it would take."""
    assert callable(wait)
    loop = asyncio.get_running_loop()
    await wait(SOON_SECONDS)  # whatever was noted before
    waiting = asyncio.ensure_future(wait(20))
    begun = loop.time()
    await database.write(lambda tx: tx.beats.beat("somebody"))
    await waiting
    return loop.time() - begun < SOON_SECONDS
