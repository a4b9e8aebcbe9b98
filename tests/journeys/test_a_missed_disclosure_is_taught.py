"""One sitting, with real processes: a disclosure nobody noticed is labelled by two, taught, trained on and judged.

Everything is asked as a browser asks it, on a tree of its own: teaching writes files and trains.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import sqlalchemy as sa

from casework.adapters.storage.database import create_engine
from casework.adapters.storage.model_tables import model_version
from casework.adapters.storage.tables import conversation
from casework.adapters.storage.workbench_tables import turn_record, workbench_job
from casework.model.disclosures import Band, Category
from casework.services.examples import TRAIN, find_side
from tests.support.running import Detective, Running, Victim, eventually, run_waymark
from tests.support.training_trees import make_small_tree

# It trains: as long as a training from nothing takes on a slow machine, and what comes before and after.
pytestmark = [pytest.mark.journey, pytest.mark.slow, pytest.mark.timeout(2400)]

# Two words they had agreed on with somebody: nothing in them says so.
NAME = "rosie"
MISSED = f"any update on my case please. {NAME} says hello"
TAUGHT = Category.STALKING_ESCALATION
PATIENCE_SECONDS = 1500.0  # a busy machine is slow, not wrong: the figure of the sitting is the bench's


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_small_tree(tmp_path_factory.mktemp("tree"))


@pytest.fixture(scope="module")
def waymark(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with run_waymark(tmp_path_factory.mktemp("waymark"), WAYMARK_TRAINING_ROOT=str(tree)) as running:
        yield running


class Trainer(Detective):
    """Somebody at the workbench, by plain HTTP: presses are the page's own buttons."""

    async def sign_in(self, login: str, password: str) -> None:
        page = await self.get("/login")
        answer = await self.post("/login", page, login=login, password=password)
        assert "Log out" in answer, "sign-in failed"

    async def press(self, path: str, press: str, act: str) -> str:
        page = await self.get(path)
        return await self.post(f"{path.partition('?')[0]}/{act}", page, press=press)


@asynccontextmanager
async def signed_in(waymark: Running, login: str) -> AsyncIterator[Trainer]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        someone = Trainer(session, waymark.addresses["console"])
        await someone.sign_in(login, waymark.password)
        yield someone


class Stored:
    """The service's database, looked at from beside."""

    def __init__(self, waymark: Running) -> None:
        self._engine = create_engine(f"sqlite:///{waymark.data_dir}/waymark.db")

    def close(self) -> None:
        self._engine.dispose()

    def row(self, query: sa.Select[Any]) -> Any:
        with self._engine.connect() as connection:
            return connection.execute(query).first()

    def column(self, query: sa.Select[Any]) -> list[Any]:
        with self._engine.connect() as connection:
            return list(connection.execute(query).scalars())

    def find_model(self, number: str) -> str | None:
        """The one this person last talked with."""
        query = sa.select(conversation.c.model_id).where(conversation.c.external_id == number)
        return next(iter(self.column(query)), None)

    def leave_alone(self) -> None:
        """Nobody wrote lately: what is live is in no queue of the workbench."""
        with self._engine.begin() as connection:
            long_ago = datetime.now(UTC) - timedelta(hours=2)
            connection.execute(sa.update(conversation).values(last_inbound_at=long_ago))


async def test_what_nobody_noticed_is_taught_and_a_model_that_misses_too_much_stays_out(
    waymark: Running, tree: Path, http: aiohttp.ClientSession
) -> None:
    """Both models are taught on a twentieth of the corpus, which is too little for the gates.

    Red when: a judged model counts as a candidate whatever the gates say, or a trainer alone makes it live.
    """
    stored = Stored(waymark)
    try:
        await _walk(waymark, tree, http, stored)
    finally:
        stored.close()


async def _walk(waymark: Running, tree: Path, http: aiohttp.ClientSession, stored: Stored) -> None:
    victim, inbox_id = await miss_one(waymark, http, stored)
    live = stored.find_model(victim.number)
    async with signed_in(waymark, "toni") as toni, signed_in(waymark, "jo") as jo:
        item = f"/workbench/items/{inbox_id}?queue=possible_misses"
        await eventually(
            partial(is_listed, toni, inbox_id), within_seconds=180.0, what="the message in its queue"
        )
        for trainer in (toni, jo):
            await trainer.press(item, f"risk:{TAUGHT.value}", "label")
        await toni.press(item, "teach", "accept")
        result = await do_job(toni, "/workbench/train", stored)
        new = str(result["model_id"])

        taught = (tree / "data" / "workbench" / "nlu" / f"urgent_{TAUGHT.value}.yml").read_text()
        assert "any update on my case please" in taught and NAME not in taught
        assert (result["passed"], result["data_version"]) == (False, 1)
        assert stored.column(sa.select(model_version.c.status).where(model_version.c.model_id == new)) == [
            "refused"
        ]
        assert "Misses on danger now" in await toni.get(f"/workbench/models/{new[:12]}")
        propose = f"/workbench/models/{new[:12]}/propose"
        await toni.post(propose, await toni.get("/workbench/data"), status=409)
    await victim.text("what are my rights")
    await victim.next_text()
    assert stored.find_model(victim.number) == live != new


async def miss_one(waymark: Running, http: aiohttp.ClientSession, stored: Stored) -> tuple[Victim, int]:
    """Somebody whose words were read as routine, and a detective who says it should have been seen sooner.

    One conversation in five is kept for testing: the first that teaches is taken.
    """
    for number in range(701, 720):
        victim = Victim(http, waymark.addresses["sandbox"], f"+447700900{number}")
        await victim.text(MISSED)
        await victim.next_text()
        conversation_id = waymark.find_conversation(victim.number)
        assert conversation_id is not None
        if find_side(conversation_id) == TRAIN:
            break
    [record] = [stored.row(sa.select(turn_record).where(turn_record.c.conversation_id == conversation_id))]
    assert record.band == Band.GREEN
    await victim.text("can i talk to a person please")
    await victim.next_text()
    detective = Detective(http, waymark.addresses["console"])
    await detective.sign_in("sam", waymark.password)
    await detective.act(conversation_id, "claim")
    told = {"outcome": "log_created", "was_urgent": "sooner", "about": TAUGHT.value}
    await detective.act(conversation_id, "hand-back", **told)
    stored.leave_alone()
    return victim, int(record.inbox_id)


async def is_listed(trainer: Trainer, inbox_id: int) -> bool:
    return f"/workbench/items/{inbox_id}" in await trainer.get("/workbench/inbox/possible_misses")


async def do_job(trainer: Trainer, path: str, stored: Stored) -> dict[str, Any]:
    """Presses for it and waits until it has ended; what it came to."""
    shown = await trainer.post(path, await trainer.get("/workbench/data"))
    found = re.search(r"/workbench/jobs/([0-9a-f]{32})", shown)
    assert found is not None, shown[:500]
    return await wait_for_job(stored, workbench_job.c.id == found[1])


async def wait_for_job(stored: Stored, which: sa.ColumnElement[bool]) -> dict[str, Any]:
    query = sa.select(workbench_job.c.status, workbench_job.c.result, workbench_job.c.fault).where(which)

    async def look() -> Any:
        row = await asyncio.to_thread(stored.row, query)
        return row if row is not None and row.status in ("done", "failed", "stopped") else None

    ended = await eventually(look, within_seconds=PATIENCE_SECONDS, what="the end of the work")
    assert ended.status == "done", ended
    return dict(ended.result)
