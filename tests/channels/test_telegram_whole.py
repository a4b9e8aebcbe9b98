"""A person with the sandbox's Telegram: the real gateway, the real worker, every act over a socket.

The assistant is a stand-in over HTTP. Red when: the worker has no Telegram sender, the webhook is not set at start,
or a button's payload is not looked up.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from casework.adapters.clock import SystemClock
from casework.adapters.service import Service
from casework.adapters.settings import Settings
from casework.adapters.storage.tables import desk_item, inbox, media_content, opt_out, standing
from casework.bootstrap import build_service
from casework.model.messages import Channel
from casework.services.invites import ByWayOf, issue_invite
from channels.gateway import build_gateway_app
from channels.sandbox.samples import SAMPLES
from channels.worker import run_worker
from tests.channels.provider_stand_ins import Sandbox, running_sandbox, serving
from tests.channels.telegram_door import BOT_TOKEN, make_environ
from tests.support.assistant_stand_in import AssistantStandIn
from tests.support.builders import REFERENCE, a_case
from tests.support.running import eventually, free_port

pytestmark = pytest.mark.slow

PHONE = "telegram:1001"
CHOICES = ["My case", "My rights"]


@dataclass
class Whole:
    service: Service
    sandbox: Sandbox

    async def thread(self) -> list[dict[str, Any]]:
        return await self.sandbox.get_thread(PHONE)

    async def next_answer(self, count: int) -> dict[str, Any]:
        """The `count`th message that came to the phone."""

        async def look() -> dict[str, Any] | None:
            came = [each for each in await self.thread() if each["direction"] == "to_handset"]
            return came[count - 1] if len(came) >= count else None

        found: dict[str, Any] = await eventually(look, within_seconds=30, what=f"answer {count}")
        return found

    def rows(self, table: Any) -> list[Any]:
        query = table.select().order_by(*table.primary_key.columns)
        return self.service.database.read_now(lambda tx: tx.connection.execute(query).all())


@asynccontextmanager
async def working(service: Service) -> AsyncIterator[None]:
    stop = asyncio.Event()
    worker = asyncio.create_task(run_worker(service, stop=stop))
    yield
    stop.set()
    await worker


@pytest.fixture
async def whole(tmp_path: Path, database_url: str) -> AsyncIterator[Whole]:
    port = free_port()
    assistant = AssistantStandIn(choices={"hello": CHOICES})
    gateway = f"http://127.0.0.1:{port}"
    async with (
        serving(assistant.make_app()) as rasa,
        running_sandbox(tmp_path / "s", service_url=gateway, telegram_token=BOT_TOKEN) as sandbox,
    ):
        environ = make_environ(
            tmp_path,
            database_url,
            WAYMARK_PUBLIC_URL=gateway,
            WAYMARK_RASA_URLS=rasa,
            WAYMARK_TWILIO_API_URL=sandbox.url,
            WAYMARK_TELEGRAM_API_URL=sandbox.url,
        )
        service = build_service(Settings.from_env(environ), clock=SystemClock())
        async with serving(build_gateway_app(service), port=port), working(service):
            yield Whole(service, sandbox)
        service.database.close()


async def test_a_person_is_let_in_chooses_edits_sends_a_photo_and_blocks(whole: Whole) -> None:
    whole.service.database.write_now(lambda tx: tx.cases.record_all([a_case()]))
    invite = whole.service.database.write_now(
        lambda tx: issue_invite(tx, REFERENCE, by="test", by_way_of=ByWayOf.TELEGRAM)
    )
    texts = whole.service.texts

    # Whatever is written before the worker has set the webhook waits at the provider.
    await whole.sandbox.send(PHONE, start=invite.token, wait=False)

    opened = await whole.next_answer(1)
    assert opened["body"] == texts.render("invite_opened", Channel.TELEGRAM)
    assert [row.level for row in whole.rows(standing)] == [1]

    await whole.sandbox.send(PHONE, start="")
    menu = await whole.next_answer(2)
    assert menu["body"] == "re: hello"
    assert [each["title"] for each in menu["buttons"]] == CHOICES

    await whole.sandbox.send(PHONE, press={"sid": menu["sid"], "choice": 2})
    assert (await whole.next_answer(3))["body"] == "re: My rights"

    said = await whole.sandbox.send(PHONE, body="when is it")
    assert (await whole.next_answer(4))["body"] == "re: when is it"
    await whole.sandbox.send(PHONE, edit=said["sid"], body="when is court")
    assert (await whole.next_answer(5))["body"] == "re: when is court"

    await whole.sandbox.send(PHONE, body="this is the letter", media=["pdf"])
    assert (await whole.next_answer(6))["body"] == "re: this is the letter"

    async def kept() -> list[Any]:
        return whole.rows(media_content)

    [file] = await eventually(kept, within_seconds=30, what="the file")
    assert bytes(file.content) == SAMPLES["pdf"].make()

    await whole.sandbox.set_state(PHONE, is_blocked=True)

    async def noted() -> list[Any]:
        return whole.rows(opt_out)

    blocked = await eventually(noted, what="the block")
    assert [row.word for row in blocked] == ["blocked"]
    assert [row.reason for row in whole.rows(desk_item)] == ["cannot_be_texted"]
    assert len(whole.rows(inbox)) == 6
    assert whole.service.database.read_now(lambda tx: tx.alarms.list_open()) == []
