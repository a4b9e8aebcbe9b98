"""Another model goes live while people write: nobody waits for it, nobody comes to the queue because of it.

Real workers; the two models are stand-ins, each behind an address of its own, as the keeper has them side by side
(tests/launcher/test_model_keeper.py has how they are loaded, docs/models.md what a promotion is).
"""

import asyncio
from pathlib import Path

import pytest

from casework.adapters.storage.tables import conversation
from tests.casework.services.test_model_releases import found, promote
from tests.channels.provider_stand_ins import serving
from tests.faults.stage import run_stage
from tests.support.assistant_stand_in import AssistantStandIn
from tests.support.clock import SetClock
from tests.support.databases import copy_sqlite
from tests.support.line import Line
from tests.support.running import eventually

pytestmark = pytest.mark.journey

RUNNING = [f"+4477009001{number:02d}" for number in range(10)]
LATER = [f"+4477009002{number:02d}" for number in range(30)]
MEANWHILE = "+447700900300"
TEXTS_A_SECOND = 10


async def test_a_promotion_under_traffic_fails_no_turn_and_running_conversations_keep_their_model(
    tmp_path: Path, sqlite_template: Path
) -> None:
    """Red when `model_routing.note_answered` pins nothing (running conversations change), or the workers look for who
    holds a model only once (nobody is answered by the new one).
    """
    old, new = AssistantStandIn(model="a"), AssistantStandIn(model="b", is_loading=True)
    url = copy_sqlite(sqlite_template, tmp_path / "waymark.db")
    async with (
        serving(old.make_app()) as first,
        serving(new.make_app()) as second,
        run_stage(tmp_path, url, WAYMARK_RASA_URLS=f"{first},{second}") as stage,
    ):
        line = Line(database=stage.service.database, clock=SetClock())
        found(line, "a")
        async with stage.gateway():
            stage.start("channels.worker")
            for writer in RUNNING:
                await stage.sandbox.send(writer, body="first")
            await stage.until_quiet()
            new.is_loading = False

            async def was_looked_at() -> bool:
                # Who holds what is looked at for a turn, and for nothing else.
                await stage.sandbox.send(MEANWHILE, body="first")
                return new.looks > 0

            await eventually(was_looked_at, within_seconds=30, what="a worker that knows of the new model")
            async with asyncio.TaskGroup() as writing:
                for number, writer in enumerate([*LATER[:15], *RUNNING, *LATER[15:]]):
                    if number == 15:
                        await asyncio.to_thread(promote, line, "b")
                    writing.create_task(stage.sandbox.send(writer, body="second"))
                    # The traffic's own pace, and not a wait for something to have happened.
                    await asyncio.sleep(1 / TEXTS_A_SECOND)
            await stage.until_quiet()

            async def all_have_it() -> bool:
                return all([await stage.replies(writer) for writer in LATER])

            await eventually(all_have_it, within_seconds=30, what="every answer on its phone")
        pinned = {row.external_id: row.model_id for row in line.rows(conversation)}
        assert [pinned[writer] for writer in RUNNING] == ["a"] * len(RUNNING)
        assert [pinned[writer] for writer in LATER[15:]] == ["b"] * 15
        assert await stage.count("turn", "outcome <> 'answered'") == 0
        assert await stage.count("desk_item") == 0
        assert [await stage.replies(writer) for writer in LATER] == [["re: second"]] * len(LATER)
