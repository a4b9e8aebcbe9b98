"""Two hundred open streams on a small real server, with readers that leave, stand still and come back.

Red when: `Last-Event-ID` is not heard (told again what it had, or not told what it missed); a stream carries another
visit's version; a stream of an ended visit stays open; a reader who left is kept; what a slow reader does not take is
waited for or kept; the oldest of a visit is cut off for good; the end of the server waits for open streams.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import sqlalchemy as sa
from aiohttp import web
from yarl import URL

from casework.adapters.storage.database import Database
from casework.adapters.storage.web_versions import VisitVersions
from casework.adapters.storage.web_visits import get_version
from casework.adapters.stream_hub import MOST_OF_ONE_KEY, Versions
from casework.adapters.web_app import HUB, MOST_UNREAD_BYTES, add_stream_hub, stream_versions
from channels.runner import make_runner
from tests.casework.adapters.versions_in_memory import VersionsInMemory
from tests.casework.adapters.web_visitors import answer, change, open_visit
from tests.support.clock import SetClock

PATIENCE_SECONDS = 30.0
READERS = 200
CHATTING = 20


@dataclass
class Site:
    """A server with nothing but streams; the key of each is in its address."""

    url: str
    app: web.Application
    http: aiohttp.ClientSession

    @property
    def count(self) -> int:
        return self.app[HUB].count

    @asynccontextmanager
    async def listening(self, key: str, *, told: str | None = None) -> AsyncIterator["Listener"]:
        headers = {} if told is None else {"Last-Event-ID": told}
        async with self.http.get(f"{self.url}/{key}", headers=headers) as stream:
            yield Listener(stream)

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                if is_so():
                    return
                await asyncio.sleep(0.02)


@dataclass
class Listener:
    stream: aiohttp.ClientResponse

    async def next_id(self) -> str:
        """The id of the next event; raises EOFError where the stream ends instead."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            async for line in self.stream.content:
                name, _, value = line.decode().strip().partition(": ")
                if name == "id":
                    return value
        raise EOFError

    async def rest(self) -> list[str]:
        """What comes until the stream ends."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return (await self.stream.content.read()).decode().splitlines()


async def stream_one(request: web.Request) -> web.StreamResponse:
    return await stream_versions(request, "news", request.match_info["key"])


@asynccontextmanager
async def running(versions: Versions) -> AsyncIterator[Site]:
    app = web.Application()
    add_stream_hub(app, versions)
    app.router.add_get("/{key}", stream_one)
    runner = make_runner(app, shutdown_seconds=PATIENCE_SECONDS)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    connector = aiohttp.TCPConnector(limit=0)
    try:
        async with aiohttp.ClientSession(connector=connector, trust_env=False) as http:
            yield Site(f"http://127.0.0.1:{runner.addresses[0][1]}", app, http)
    finally:
        await runner.cleanup()


async def test_of_two_hundred_streams_each_is_told_its_own_news_once(database: Database) -> None:
    conversations = {
        f"visit-{n:03}": database.write_now(lambda tx, n=n: open_visit(tx, f"visit-{n:03}"))
        for n in range(READERS)
    }
    chatting = sorted(conversations)[:CHATTING]
    told: dict[str, list[str]] = {key: [] for key in conversations}
    has_heard = asyncio.Condition()

    async def listen(key: str) -> None:
        async with site.listening(key) as listener:
            while True:
                seen = await listener.next_id()
                async with has_heard:
                    told[key].append(seen)
                    has_heard.notify_all()

    async def until_told(key: str, version: str) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS), has_heard:
            await has_heard.wait_for(lambda: told[key][-1:] == [version])

    async with running(VisitVersions(database)) as site:
        listening = [asyncio.create_task(listen(key)) for key in conversations]
        for key in conversations:
            await until_told(key, "0.0.0.0")
        for _ in range(3):
            for key in chatting:
                await change(database, answer, conversations[key])
                now = await database.read(lambda tx, key=key: get_version(tx, key))
                await until_told(key, now)
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)

    assert {len(told[key]) for key in chatting} == {4}
    assert all(len(set(told[key])) == 4 for key in chatting)  # none of them twice
    assert all(told[key] == ["0.0.0.0"] for key in sorted(conversations)[CHATTING:])


async def test_who_comes_back_is_told_at_once_what_was_missed_and_nothing_that_was_not(
    database: Database,
) -> None:
    mine = database.write_now(lambda tx: open_visit(tx, "mine"))
    async with running(VisitVersions(database)) as site:
        async with site.listening("mine") as listener:
            first = await listener.next_id()

        async with site.listening("mine", told=first) as listener:
            await change(database, answer, mine)
            second = await listener.next_id()
        assert second != first  # and not `first` once more, before it

        await change(database, answer, mine)
        async with site.listening("mine", told=second) as listener:
            third = await listener.next_id()

    assert third == database.read_now(lambda tx: get_version(tx, "mine"))
    assert third not in (first, second)


async def test_the_end_of_a_visit_is_told_once_and_ends_the_stream(database: Database) -> None:
    database.write_now(lambda tx: open_visit(tx, "mine"))
    async with running(VisitVersions(database)) as site, site.listening("mine") as listener:
        await listener.next_id()
        await asyncio.to_thread(database.write_now, lambda tx: tx.web_sessions.end("mine"))

        lines = await listener.rest()

    assert [line for line in lines if line.startswith("id")] == ["id: ended"]


async def test_a_visit_that_stood_idle_is_told_so_without_a_commit(
    database: Database, clock: SetClock
) -> None:
    database.write_now(lambda tx: open_visit(tx, "mine"))
    async with running(VisitVersions(database)) as site, site.listening("mine") as listener:
        await listener.next_id()
        clock.advance(minutes=31)

        assert await listener.next_id() == "ended"


async def test_streams_outlive_a_database_that_goes_away(database: Database) -> None:
    """PostgreSQL closes every connection of ours; a file cannot, so there the reads alone are tried."""
    mine = database.write_now(lambda tx: open_visit(tx, "mine"))
    async with running(VisitVersions(database)) as site, site.listening("mine") as listener:
        first = await listener.next_id()
        if database.engine.dialect.name == "postgresql":
            database.write_now(lambda tx: tx.connection.execute(END_ALL_OTHERS))
        await asyncio.to_thread(write_until_it_is_back, database, mine)

        assert await listener.next_id() != first
        assert site.count == 1


END_ALL_OTHERS = sa.text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


def write_until_it_is_back(database: Database, conversation_id: str) -> None:
    for _ in range(20):
        try:
            database.write_now(lambda tx: answer(tx, conversation_id))
        except sa.exc.OperationalError:
            continue  # a connection that was closed under it; the pool makes another
        return


async def test_a_reader_who_left_is_let_go(database: Database) -> None:
    database.write_now(lambda tx: open_visit(tx, "mine"))
    async with running(VisitVersions(database)) as site:
        async with site.listening("mine") as listener:
            await listener.next_id()
            assert site.count == 1

        await site.until(lambda: site.count == 0)


async def test_a_slow_reader_makes_nobody_wait_and_is_told_the_newest_when_it_comes_back() -> None:
    versions = VersionsInMemory(told={"slow": "0", "quick": "0"})
    async with running(versions) as site, site.listening("quick") as quick:
        await quick.next_id()
        slow = await open_and_never_read(site, "slow")
        await site.until(lambda: site.count == 2)
        number = 0
        while site.count == 2:
            number += 1
            assert number < 20_000, "what it does not take is kept for ever"
            versions.commit(slow="s" * 200 + str(number), quick=str(number))
            assert await quick.next_id() == str(number)

        async with site.listening("slow", told="0") as back:
            assert await back.next_id() == versions.told["slow"]
        slow.close()
    assert number * 200 > MOST_UNREAD_BYTES  # it was dropped for what it left lying, not before


async def open_and_never_read(site: Site, key: str) -> socket.socket:
    url = URL(site.url)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    connection.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(connection, (url.host, url.port))
    await loop.sock_sendall(connection, f"GET /{key} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return connection


async def test_the_oldest_of_a_visit_is_told_when_to_ask_again_and_misses_nothing() -> None:
    versions = VersionsInMemory(told={"mine": "1"})
    async with running(versions) as site:
        tabs: list[Any] = [site.listening("mine") for _ in range(MOST_OF_ONE_KEY + 1)]
        opened = []
        for tab in tabs:
            opened.append(await tab.__aenter__())
            await opened[-1].next_id()

        assert opened[0].stream.status == 200
        assert (await opened[0].rest())[-2:] == ["retry: 10000", ""]
        versions.commit(mine="2")
        assert [await each.next_id() for each in opened[1:]] == ["2"] * MOST_OF_ONE_KEY
        async with site.listening("mine", told="1") as again:
            assert await again.next_id() == "2"
        for tab in tabs:
            await tab.__aexit__(None, None, None)


async def test_the_end_of_the_server_does_not_wait_for_open_streams() -> None:
    versions = VersionsInMemory(told={"mine": "1"})
    async with running(versions) as site, site.listening("mine") as listener:
        await listener.next_id()
        await site.app.shutdown()

        rest = await listener.rest()
    assert "retry: 10000" not in rest  # what starts in its place is asked soon


async def test_proxies_are_asked_to_pass_it_on_at_once() -> None:
    versions = VersionsInMemory(told={"mine": "1"})
    async with running(versions) as site, site.listening("mine") as listener:
        sent = listener.stream.headers

    assert sent["Content-Type"] == "text/event-stream"
    assert sent["X-Accel-Buffering"] == "no"
    assert sent["Cache-Control"] == "no-store"
