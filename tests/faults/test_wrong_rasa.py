"""A Rasa that says 200 and the wrong thing, beside a real worker: found, told, and no row of anybody.

About six seconds.
"""

from pathlib import Path

import aiohttp
import pytest

from casework.model.known_turns import load_known_turns
from tests.channels.provider_stand_ins import serving
from tests.faults.stage import run_stage
from tests.support.assistant_stand_in import AssistantStandIn
from tests.support.databases import copy_sqlite
from tests.support.running import eventually

pytestmark = pytest.mark.slow


async def test_a_wrong_answer_is_found_by_the_worker_and_told_by_the_gateway(
    tmp_path: Path, sqlite_template: Path
) -> None:
    """Red when: the worker does not ask, readiness does not tell, or being wrong takes the gateway out of service."""
    turns = load_known_turns()
    # It answers everything alike, and sees danger nowhere: what a model that lost its weights might do.
    rasa = AssistantStandIn(model="m-broken")
    async with (
        serving(rasa.make_app()) as rasa_url,
        run_stage(
            tmp_path, copy_sqlite(sqlite_template, tmp_path / "waymark.db"), WAYMARK_RASA_URLS=rasa_url
        ) as stage,
        stage.gateway() as url,
        aiohttp.ClientSession() as http,
    ):
        stage.start("channels.worker")

        async def told() -> dict[str, object] | None:
            async with http.get(f"{url}/health/ready") as answer:
                parts: dict[str, object] = await answer.json()
                return parts | {"status": answer.status} if parts["assistant_answers"] is False else None

        parts = await eventually(told, within_seconds=30, what="a wrong answer told")

        assert (parts["status"], parts["ready"], parts["assistant"]) == (200, True, True)
        assert set(rasa.asked) == {turns.calm, turns.danger}
        assert await stage.count("alarm", "kind = 'assistant_wrong' AND ended_at IS NULL") == 1
        for table in ("conversation", "turn", "inbox", "outbox", "desk_item", "turn_record"):
            assert await stage.count(table) == 0
