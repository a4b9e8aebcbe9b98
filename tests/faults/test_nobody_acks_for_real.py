"""Nobody acknowledges, with real processes and no browser anywhere: worker, desk and provider, the limits shortened.

Which steps come before whoever is on call depends on the hour this runs at; who is told in which order, and what the
victim reads, does not. Red when: the worker's loop does not climb the ladder; shown by taking it out of a copy.
"""

import asyncio
import html
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from casework.model.rota import RotaKind
from tests.faults.stage import ASKER, Stage, run_stage
from tests.support.databases import copy_sqlite
from tests.support.running import eventually, free_port

pytestmark = pytest.mark.journey

KIT, ROBIN, CONTROL = "+447700900101", "+447700900102", "+447700900103"
LADDER = """
source = "a test"
review_by = 2099-01-01
unacknowledged = {unacknowledged}
acknowledged = {unacknowledged}
victim = 1
victim_text_valid = 600
[grade_1]
desk = 1
on_call = 2
out_of_hours = 0
[grade_2]
supervisor = 1
on_call = 2
out_of_hours = 0
[grade_3]
supervisor = 1
[notice]
tries = 2
wait = [1]
"""


@pytest_asyncio.fixture
async def stage(
    request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path
) -> AsyncIterator[Stage]:
    ladder = tmp_path / "ladder.toml"
    ladder.write_text(LADDER.format(unacknowledged=request.param), encoding="utf-8")
    port = free_port()
    more = {
        "WAYMARK_LADDER_FILE": str(ladder),
        "WAYMARK_CONSOLE_PORT": str(port),
        "WAYMARK_CONSOLE_URL": f"http://127.0.0.1:{port}",
        "WAYMARK_SANDBOX": "1",
    }
    url = copy_sqlite(sqlite_template, tmp_path / "waymark.db")
    async with run_stage(tmp_path, url, **more) as made:
        await put_on_call(made)
        yield made


async def put_on_call(stage: Stage) -> None:
    now = stage.service.clock.now()

    def write(tx: Any) -> None:
        given = {"email": None, "webhook": None, "by": "test", "starts_at": now - timedelta(hours=1)}
        later = now + timedelta(days=1)
        for place, (name, mobile) in enumerate((("Kit Example", KIT), ("Robin Example", ROBIN)), start=1):
            tx.rota.add(kind=RotaKind.ON_CALL, name=name, mobile=mobile, place=place, ends_at=later, **given)
        tx.rota.add(
            kind=RotaKind.CONTROL_ROOM, name="Control room", mobile=CONTROL, place=1, ends_at=None, **given
        )

    await stage.service.database.write(write)


async def text_to(stage: Stage, number: str) -> str:
    async def look() -> list[str]:
        return await stage.replies(number)

    [newest] = await eventually(look, within_seconds=60, what=f"a text to {number}")
    return str(newest)


@pytest.mark.parametrize("stage", [2], indirect=True)
async def test_every_browser_closed_the_ladder_is_climbed_and_the_victim_is_told_the_truth(
    stage: Stage,
) -> None:
    async with stage.gateway():
        first = stage.start("channels.worker")
        await stage.sandbox.send(ASKER, body="he has a knife")
        assert "Waymark: an urgent item waits. Acknowledge: http" in await text_to(stage, KIT)
        # Whatever a worker was at when it died, two others go on with it.
        first.kill()
        await asyncio.to_thread(first.wait)
        stage.start("channels.worker")
        stage.start("channels.worker")
        await text_to(stage, ROBIN)
        await text_to(stage, CONTROL)

        async def told() -> list[str]:
            return [text for text in await stage.replies() if "No one has read your message yet" in text]

        texts = await eventually(told, within_seconds=60, what="the victim being told")
        await stage.until_quiet()

    order = "SELECT name FROM escalation WHERE name IS NOT NULL ORDER BY taken_at"
    names = await stage.service.database.read(lambda tx: list(tx.connection.exec_driver_sql(order).scalars()))
    assert names == ["Kit Example", "Robin Example", "Control room"]
    assert len(texts) == 1 and "999" in texts[0] and "55" in texts[0]
    assert [len(await stage.replies(number)) for number in (KIT, ROBIN, CONTROL)] == [1, 1, 1]
    assert await stage.count("escalation", "step = 'victim_told'") == 1
    assert await stage.count("alarm", "kind = 'urgent_unclaimed' AND ended_at IS NULL") == 1
    assert await stage.count("conversation", f"external_id IN ('{KIT}', '{ROBIN}', '{CONTROL}')") == 0


@pytest.mark.parametrize("stage", [600], indirect=True)
async def test_the_link_of_the_text_acknowledges_by_its_button_alone(stage: Stage) -> None:
    async with stage.gateway(), aiohttp.ClientSession() as phone:
        stage.start("console")
        stage.start("channels.worker")
        await stage.sandbox.send(ASKER, body="he has a knife")
        [link] = re.findall(r"http\S+/a/\S+", await text_to(stage, KIT))

        async def page() -> str | None:
            try:
                async with phone.get(link) as answer:
                    return await answer.text() if answer.status == 200 else None
            except aiohttp.ClientError:
                return None

        shown = await eventually(page, within_seconds=60, what="the desk answering")
        assert await stage.count("escalation", "acknowledged_at IS NOT NULL") == 0

        [token] = re.findall(r'name="csrf_token" value="(\w+)"', shown)
        async with phone.post(
            link, data={"csrf_token": token}, headers={"Sec-Fetch-Site": "same-origin"}
        ) as answer:
            after = html.unescape(await answer.text())

        assert "Acknowledged by Kit Example" in after
        assert await stage.count("escalation", "acknowledged_at IS NOT NULL") == 1
