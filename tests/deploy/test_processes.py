"""The layout of several processes on one PostgreSQL, as the unit files have it: two gateways, workers, desks and Rasa.

Red when: a unit names what does not start or a setting that is not read, what one process holds is needed by another,
two workers answer the same message, a live page hears only of its own process, or one that is told to go loses some.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
import sqlalchemy as sa
from aiohttp import web

from casework.adapters.settings import Settings
from casework.bootstrap import build_service
from launcher.staff import SANDBOX_LOGIN, ensure_sandbox_members
from tests.channels.provider_stand_ins import ACCOUNT_SID, TOKEN, Sandbox, running_sandbox, serving
from tests.deploy.machine import Machine, proxy, until_ready
from tests.support.assistant_stand_in import AssistantStandIn
from tests.support.databases import TEST_KEYS, make_empty_postgresql
from tests.support.running import ALWAYS_STAFFED, Detective, eventually, free_port

pytestmark = pytest.mark.journey

PERSON = "+447700900{}"
# The best of a few: what else the machine does is not what is asked. Without a word from the database a page looks each
# five seconds.
HEARD_SECONDS = 1.0
TRIES = 3


@dataclass
class Layout:
    machine: Machine
    sandbox: Sandbox
    http: aiohttp.ClientSession
    gateways: tuple[int, int]
    desks: tuple[int, int]
    assistants: tuple[AssistantStandIn, AssistantStandIn]
    engine: sa.Engine
    password: str

    def count(self, query: str) -> int:
        with self.engine.connect() as connection:
            return int(connection.exec_driver_sql(f"SELECT count(*) FROM {query}").scalar_one())

    async def replies(self, to: str) -> list[str]:
        return [
            each["body"] for each in await self.sandbox.get_thread(to) if each["direction"] == "to_handset"
        ]

    async def until_quiet(self) -> None:
        """Nothing of an earlier message is still to be told."""

        async def quiet() -> bool:
            turns = self.count("turn WHERE status IN ('waiting', 'leased')")
            return turns + self.count("outbox WHERE status IN ('waiting', 'sending', 'unknown')") == 0

        await eventually(quiet, within_seconds=30, what="everything before being done with")

    async def until_answered(self, *people: str) -> None:
        async def answered() -> bool:
            return all([await self.replies(person) for person in people])

        await eventually(answered, within_seconds=30, what="everybody having an answer")


async def say_ready(_request: web.Request) -> web.Response:
    return web.json_response({"ready": True, "model": "stand-in"})


@asynccontextmanager
async def thinking(assistant: AssistantStandIn) -> AsyncIterator[str]:
    app = assistant.make_app()
    app.router.add_get("/webhooks/turn/ready", say_ready)
    async with serving(app) as url:
        yield url


@asynccontextmanager
async def run_layout(folder: Path, postgresql_uri: str) -> AsyncIterator[Layout]:
    public, *ports = (free_port() for _ in range(7))
    gateways, desks, (actions, spool) = (ports[0], ports[1]), (ports[2], ports[3]), ports[4:6]
    url = make_empty_postgresql(postgresql_uri, "waymark_layout")
    assistants = AssistantStandIn(), AssistantStandIn()
    (folder / "keys").mkdir()
    (folder / "keys" / "field.keys").touch(mode=0o600)
    (folder / "keys" / "field.keys").write_text(TEST_KEYS)
    async with AsyncExitStack() as stack:
        rasa = [await stack.enter_async_context(thinking(each)) for each in assistants]
        sandbox = await stack.enter_async_context(
            running_sandbox(
                folder / "sandbox", service_url=f"http://127.0.0.1:{public}", retry_for_seconds=60.0
            )
        )
        await stack.enter_async_context(proxy(public, gateways))
        http = await stack.enter_async_context(
            aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        )
        settings = ALWAYS_STAFFED | {
            "WAYMARK_PUBLIC_URL": f"http://127.0.0.1:{public}",
            "WAYMARK_RASA_URLS": ",".join(rasa),
            "WAYMARK_SPOOL_URL": f"http://127.0.0.1:{spool}",
            "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
            "WAYMARK_TWILIO_API_URL": sandbox.url,
            "WAYMARK_SMS_FROM": "+447700900900",
            "WAYMARK_SMS_SEGMENTS_PER_SECOND": "100",
            "WAYMARK_SANDBOX": "1",
        }
        secrets = {
            "WAYMARK_DATABASE_URL": url,
            "WAYMARK_TURN_SECRET": "x" * 32,
            "TWILIO_AUTH_TOKEN": TOKEN,
        }
        machine = Machine(folder, settings, secrets)
        stack.callback(machine.stop_all)
        assert await asyncio.to_thread(machine.start("migrate").wait, 120) == 0
        # The proxy here needs no time to notice.
        soon = {"WAYMARK_LEAVE_SECONDS": "0.5"}
        for port in gateways:
            machine.start("gateway", str(port), **soon)
        for port in desks:
            machine.start("desk", str(port), **soon)
        for number in ("1", "2"):
            machine.start("worker", number)
        machine.start("actions", WAYMARK_PRIVATE_PORT=str(actions), **soon)
        machine.start("spool", WAYMARK_SPOOL_PORT=str(spool))
        service = build_service(Settings.from_env(settings | secrets | {"WAYMARK_DATA_DIR": str(folder)}))
        stack.callback(service.database.close)
        password = ensure_sandbox_members(service, folder)
        assert password
        addresses = [f"http://127.0.0.1:{port}" for port in (*gateways, *desks, actions)]
        await until_ready(http, *addresses)
        await until_ready(http, f"http://127.0.0.1:{spool}", path="/health/live")
        yield Layout(machine, sandbox, http, gateways, desks, assistants, service.database.engine, password)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def layout(tmp_path_factory: pytest.TempPathFactory, postgresql_uri: str) -> AsyncIterator[Layout]:
    async with run_layout(tmp_path_factory.mktemp("layout"), postgresql_uri) as running:
        yield running


async def next_event(stream: aiohttp.ClientResponse) -> tuple[str, float]:
    """The next id it sends, and when that came."""
    async for line in stream.content:
        if line.startswith(b"id: "):
            return line.decode().removeprefix("id: ").strip(), time.monotonic()
    raise AssertionError("the stream ended")


@pytest.mark.asyncio(loop_scope="module")
async def test_a_message_at_one_gateway_is_on_the_others_stream_within_a_second(layout: Layout) -> None:
    first, second = (f"http://127.0.0.1:{port}" for port in layout.gateways)
    form = {"Sec-Fetch-Site": "same-origin"}
    async with layout.http.post(first + "/start", headers=form, allow_redirects=False) as started:
        assert started.status == 303
    took = []
    for number in range(TRIES):
        async with layout.http.get(first + "/m") as shown:
            found = re.search(r'name="msg_id"[^>]*value="([0-9a-f]+)"', await shown.text())
            assert found
        await layout.until_quiet()
        async with layout.http.get(second + "/m/events") as stream:
            before, _ = await asyncio.wait_for(next_event(stream), 10)
            sent_at = time.monotonic()
            fields = {"msg_id": found[1], "text": f"what is happening with my case {number}"}
            async with layout.http.post(first + "/m", data=fields, headers=form) as taken:
                assert taken.status == 200
            after, heard_at = await asyncio.wait_for(next_event(stream), 10)
        assert after != before
        took.append(heard_at - sent_at)

    assert min(took) < HEARD_SECONDS


@pytest.mark.asyncio(loop_scope="module")
async def test_danger_at_a_gateway_is_on_both_desks_streams_within_a_second(layout: Layout) -> None:
    async with AsyncExitStack() as stack:
        streams = []
        for port in layout.desks:
            console = f"http://127.0.0.1:{port}"
            jar = aiohttp.CookieJar(unsafe=True)
            http = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=jar))
            await Detective(http, console).sign_in(SANDBOX_LOGIN, layout.password)
            streams.append(await stack.enter_async_context(http.get(console + "/console/events")))
        for stream in streams:
            await asyncio.wait_for(next_event(stream), 10)
        took = []
        for number in range(TRIES):
            sent = time.monotonic()
            person = PERSON.format(f"01{number}")
            telling = asyncio.create_task(layout.sandbox.send(person, body="he has a knife"))
            heard = await asyncio.gather(*(asyncio.wait_for(next_event(stream), 10) for stream in streams))
            await telling
            took.append(max(at for _, at in heard) - sent)
            await layout.until_quiet()

    assert min(took) < HEARD_SECONDS


@pytest.mark.asyncio(loop_scope="module")
async def test_one_signed_in_at_one_desk_is_signed_in_at_the_other(layout: Layout) -> None:
    first, second = (f"http://127.0.0.1:{port}" for port in layout.desks)
    await Detective(layout.http, first).sign_in(SANDBOX_LOGIN, layout.password)

    assert "Queue" in await Detective(layout.http, second).get("/console")


@pytest.mark.asyncio(loop_scope="module")
async def test_many_messages_are_answered_once_each_by_whichever_worker_has_time(layout: Layout) -> None:
    people = [PERSON.format(f"{number:03}") for number in range(100, 130)]
    await asyncio.gather(*(layout.sandbox.send(person, body=f"hello from {person}") for person in people))
    await layout.until_answered(*people)

    assert [await layout.replies(person) for person in people] == [[f"re: hello from {p}"] for p in people]
    asked = [[text for text in each.asked if text.startswith("hello from")] for each in layout.assistants]
    assert sum(map(len, asked)) == len(people)
    assert all(asked)
    # Both took turns, and neither died of it.
    assert layout.count("worker_beat") >= 2


@pytest.mark.asyncio(loop_scope="module")
async def test_a_turn_whose_rasa_dies_in_the_middle_is_answered_by_the_other_without_a_person(
    layout: Layout,
) -> None:
    items = layout.count("desk_item")
    layout.assistants[0].mood = "is broken"
    people = [PERSON.format(f"{number:03}") for number in range(200, 212)]
    await asyncio.gather(*(layout.sandbox.send(person, body=f"hello from {person}") for person in people))
    await layout.until_answered(*people)
    layout.assistants[0].mood = "answers"

    assert [await layout.replies(person) for person in people] == [[f"re: hello from {p}"] for p in people]
    assert layout.count("desk_item") == items


@pytest.mark.asyncio(loop_scope="module")
async def test_one_of_each_is_told_to_go_while_people_write_and_nothing_is_missed(layout: Layout) -> None:
    """The last one: from here on there is one of each."""
    people = [PERSON.format(f"{number:03}") for number in range(300, 330)]
    gateway, desk = f"gateway@{layout.gateways[0]}", f"desk@{layout.desks[0]}"

    async def write() -> None:
        for person in people:
            sent = await layout.sandbox.send(person, body=f"hello from {person}")
            assert sent["webhook_status"] == 200
            await asyncio.sleep(0.03)

    writing = asyncio.create_task(write())
    ended = await asyncio.gather(
        *(asyncio.to_thread(layout.machine.stop, each) for each in (gateway, "worker@1", desk))
    )
    await writing
    await layout.until_answered(*people)
    # A reply is on the phone a moment before that is recorded.
    await layout.until_quiet()

    assert ended == [0, 0, 0]
    assert [await layout.replies(person) for person in people] == [[f"re: hello from {p}"] for p in people]
    left = f"http://127.0.0.1:{layout.desks[1]}"
    assert "Queue" in await Detective(layout.http, left).get("/console")
