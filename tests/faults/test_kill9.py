"""kill -9 at every step of a message's life, of the gateway and of the worker: one row, one reply, one desk item."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.faults.dying import GATEWAY_POINTS, WORKER_POINTS
from tests.faults.stage import ASKER, Stage, run_stage
from tests.support.databases import copy_sqlite

pytestmark = pytest.mark.journey

DYING_SECONDS = 120  # until a process has reached the step it dies at, on a machine with much else to do

# "ref" also asks for a code, "he has a knife" is a hit of the screen, and the detector has a RED and an
# AMBER one, so every step has something to break.
TEXTS = ("its nothing but", "was that him", "hello", "ref 43260012345", "he has a knife")


@pytest_asyncio.fixture
async def stage(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[Stage]:
    async with run_stage(tmp_path, copy_sqlite(sqlite_template, tmp_path / "waymark.db")) as made:
        yield made


@pytest.mark.parametrize("point", [*GATEWAY_POINTS, *WORKER_POINTS])
async def test_kill9_between_every_step(stage: Stage, point: str) -> None:
    """Red when a second copy is stored (no UNIQUE), a sent message is sent again, or a lease never ends."""
    doomed = stage.start("tests.faults.dying", point)
    is_gateway = point in GATEWAY_POINTS
    sending = None
    if is_gateway:
        # The provider tries again while nobody answers, as it is told to in docs/recovery.md.
        sending = asyncio.create_task(stage.sandbox.send(ASKER, body=TEXTS[0]))
    try:
        if is_gateway:
            assert await asyncio.to_thread(doomed.wait, DYING_SECONDS) == -signal.SIGKILL
        async with stage.gateway():
            if sending:
                assert (await sending)["webhook_status"] == 200
            for text in TEXTS[is_gateway:]:
                await stage.sandbox.send(ASKER, body=text)
            if not is_gateway:
                assert await asyncio.to_thread(doomed.wait, DYING_SECONDS) == -signal.SIGKILL
            stage.start("channels.worker")
            await stage.until_quiet()
    finally:
        if sending:
            sending.cancel()
    replies = await stage.replies()
    codes = [text for text in replies if "code is" in text]
    safety = [text for text in replies if "call 999" in text.lower()]  # a code may hold 999 too
    items = await stage.service.database.read(lambda tx: tx.desk.list_queue())
    assert await stage.count("inbox") == len(TEXTS)
    assert replies.count("re: hello") == 1
    assert replies.count("re: ref 43260012345") == 1
    assert len(safety) == 2
    assert len(codes) == 1
    assert [text.startswith("re: was that him\n") for text in replies].count(True) == 1
    assert len(replies) == 6
    assert sorted(item.reason for item in items) == ["check", "disclosure", "disclosure"]
