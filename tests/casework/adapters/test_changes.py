"""One watcher a process: everybody who waits hears of a commit, and nothing is left open when nobody waits.

Red when: each waiter listens on a connection of its own; a commit between two waits is forgotten; there is no pause
between two returns; the last to leave closes nothing; a lost listener is not opened again.
"""

import asyncio
from collections.abc import Callable
from itertools import pairwise

import sqlalchemy as sa

from casework.adapters.storage.changes import PAUSE_SECONDS, Changes, watch_changes
from casework.adapters.storage.database import Database

PATIENCE_SECONDS = 20.0
LISTENING = sa.text(
    "SELECT pid FROM pg_stat_activity WHERE query = 'LISTEN waymark' AND datname = current_database()"
)


def commit(database: Database) -> None:
    database.write_now(lambda tx: tx.beats.beat("somebody"))


async def open_watchers(database: Database, count: int) -> list[Changes]:
    """Each has reported once, as a fresh one does."""
    opened = [watch_changes(database.engine) for _ in range(count)]
    await asyncio.gather(*(each.wait(PATIENCE_SECONDS) for each in opened))
    return opened


async def close_all(opened: list[Changes]) -> None:
    for each in opened:
        await each.close()


def list_listeners(database: Database) -> list[int]:
    with database.engine.connect() as connection:
        return list(connection.execute(LISTENING).scalars())


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            if await asyncio.to_thread(is_so):
                return
            await asyncio.sleep(0.02)


async def test_one_commit_wakes_everybody_over_one_connection(database: Database) -> None:
    opened = await open_watchers(database, 20)
    if database.engine.dialect.name == "postgresql":
        assert len(list_listeners(database)) == 1

    waiting = [asyncio.create_task(each.wait(3600)) for each in opened]
    await asyncio.to_thread(commit, database)

    async with asyncio.timeout(PATIENCE_SECONDS):
        await asyncio.gather(*waiting)
    await close_all(opened)


async def test_a_commit_between_two_waits_is_not_missed(database: Database) -> None:
    [changes] = opened = await open_watchers(database, 1)
    [other] = more = await open_watchers(database, 1)
    heard = asyncio.create_task(other.wait(3600))
    await asyncio.to_thread(commit, database)
    async with asyncio.timeout(PATIENCE_SECONDS):
        await heard  # by now it was noticed, while nobody waited on the first

        await changes.wait(3600)

    await close_all(opened + more)


async def test_where_something_is_committed_all_the_time_nobody_looks_all_the_time(
    database: Database,
) -> None:
    [changes] = opened = await open_watchers(database, 1)
    loop, returned = asyncio.get_running_loop(), []
    stop = asyncio.Event()

    async def keep_committing() -> None:
        while not stop.is_set():
            await asyncio.to_thread(commit, database)

    busy = asyncio.create_task(keep_committing())
    for _ in range(6):
        await changes.wait(PATIENCE_SECONDS)
        returned.append(loop.time())
    stop.set()
    await busy
    await close_all(opened)

    # The clock of the loop may round: a little less than a pause is one.
    assert min(later - sooner for sooner, later in pairwise(returned)) > PAUSE_SECONDS * 0.9


async def test_nothing_stays_open_when_nobody_waits_and_the_next_one_hears_again(database: Database) -> None:
    await close_all(await open_watchers(database, 3))
    if database.engine.dialect.name == "postgresql":
        await until(lambda: not list_listeners(database))

    opened = await open_watchers(database, 1)
    heard = asyncio.create_task(opened[0].wait(3600))
    await asyncio.to_thread(commit, database)

    async with asyncio.timeout(PATIENCE_SECONDS):
        await heard
    await close_all(opened)


async def test_a_lost_listener_is_opened_again(database: Database) -> None:
    if database.engine.dialect.name != "postgresql":
        return  # a file has no connection to lose
    opened = await open_watchers(database, 2)
    [lost] = list_listeners(database)
    with database.engine.begin() as connection:
        connection.execute(sa.select(sa.func.pg_terminate_backend(lost)))

    await until(lambda: any(pid != lost for pid in list_listeners(database)))
    for each in opened:
        await each.wait(PATIENCE_SECONDS)  # what it noted while it was down
    waiting = [asyncio.create_task(each.wait(3600)) for each in opened]
    await asyncio.to_thread(commit, database)

    async with asyncio.timeout(PATIENCE_SECONDS):
        await asyncio.gather(*waiting)
    await close_all(opened)
