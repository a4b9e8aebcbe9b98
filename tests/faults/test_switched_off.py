"""The assistant switched off while turns wait, with real workers: it is asked nothing more, and nobody is lost."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from casework.adapters.storage.transaction import SqlTransaction
from casework.services import kill_switch
from casework.services.ports import StaffMember
from tests.faults.stage import Stage, run_stage
from tests.support.databases import copy_sqlite
from tests.support.running import eventually

pytestmark = pytest.mark.journey

WRITERS = [f"+4477009001{number:02d}" for number in range(20)]
IN_DANGER = "+447700900200"


@pytest_asyncio.fixture
async def stage(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[Stage]:
    async with run_stage(tmp_path, copy_sqlite(sqlite_template, tmp_path / "waymark.db")) as made:
        yield made


async def test_off_while_turns_wait_asks_nobody_and_loses_none_and_a_restart_changes_nothing(
    stage: Stage,
) -> None:
    """Two workers, one killed and started again meanwhile. Red when `_lease` does not look at the switch."""
    alex = await stage.service.database.write(add_supervisor)
    async with stage.gateway():
        for writer in WRITERS[:10]:
            await stage.sandbox.send(writer, body="hello")
        # Nobody works yet: ten turns wait.
        await stage.service.database.write(
            lambda tx: kill_switch.switch_off(tx, reason="It says odd things", by=alex)
        )
        first = stage.start("channels.worker")
        stage.start("channels.worker")
        await asyncio.gather(
            *(stage.sandbox.send(writer, body="hello") for writer in WRITERS[10:]),
            stage.sandbox.send(IN_DANGER, body="he has a knife"),
        )
        first.kill()
        stage.start("channels.worker")
        await stage.until_quiet()
        asked_while_off = list(stage.assistant.asked)

        await stage.service.database.write(lambda tx: kill_switch.switch_on(tx, by=alex))
        await stage.sandbox.send(WRITERS[0], body="hello again")

        async def is_answered() -> bool:
            return "re: hello again" in await stage.replies(WRITERS[0])

        await eventually(is_answered, within_seconds=30, what="the answer once it is on again")

    line = stage.service.texts.texts["assistant_off"]["sms"]
    assert asked_while_off == []
    assert [(await stage.replies(writer))[:1] for writer in WRITERS] == [[line]] * len(WRITERS)
    [safety] = await stage.replies(IN_DANGER)
    assert "999" in safety
    items = await stage.service.database.read(lambda tx: tx.desk.list_queue())
    assert sorted(item.reason for item in items) == ["assistant_unavailable"] * len(WRITERS) + ["disclosure"]
    assert await stage.count("inbox") == len(WRITERS) + 2


def add_supervisor(tx: SqlTransaction) -> StaffMember:
    made = tx.staff.add(login="alex", display_name="Alex Test", role="supervisor", password_hash="x")
    return tx.staff.get(made)
