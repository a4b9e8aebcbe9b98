"""Telegram lets go of a message of ours, or says why not: over sockets, to the sandbox's Bot API and to a server that
answers as it is told.

Red when: a message that is not there is no longer `gone` (it would be asked for without end); "can't be deleted" is
tried again; a network that fails is taken for a no.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from casework.model.messages import OutboxStatus
from casework.services.provider_redaction import Answered, LetGo
from casework.services.service_texts import load_service_texts
from channels.telegram_redaction import TelegramForgetting
from channels.telegram_sender import TelegramSender
from channels.telegram_transport import build_bot
from tests.channels.provider_stand_ins import running_sandbox, serving
from tests.channels.telegram_door import BOT_TOKEN
from tests.channels.test_telegram_sender import BotApi, a_message, refusal, settings_for, write

NAMED = "1001:5"


@asynccontextmanager
async def forgetting_at(answers: list[Any]) -> AsyncIterator[tuple[BotApi, TelegramForgetting]]:
    api = BotApi(answers)
    app = web.Application()
    app.router.add_post("/bot{token}/{method}", api.answer)
    async with serving(app) as url:
        bot = build_bot(settings_for(url))
        yield api, TelegramForgetting(bot)
        await bot.shutdown()


async def test_the_sandbox_deletes_what_we_sent_and_then_has_no_such_message(tmp_path: Path) -> None:
    async with running_sandbox(
        tmp_path, service_url="http://127.0.0.1:1", telegram_token=BOT_TOKEN
    ) as sandbox:
        bot = build_bot(settings_for(sandbox.url))
        forgetting, sender = TelegramForgetting(bot), TelegramSender(bot, load_service_texts())
        await write(sandbox.url, "telegram:1001", body="hello")
        sent = await sender.deliver(a_message(to="1001"))
        assert sent.status is OutboxStatus.SENT and sent.provider_message_id is not None

        first = await forgetting.forget(sent.provider_message_id, deletes=True)
        never_was = await forgetting.forget("1001:999999", deletes=True)
        await bot.shutdown()

    assert first == Answered(came_of_it=LetGo.DONE)
    assert never_was == Answered(came_of_it=LetGo.GONE, fault="400")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((200, {"ok": True, "result": True}), Answered(came_of_it=LetGo.DONE)),
        (
            refusal(400, "Bad Request: message to delete not found"),
            Answered(came_of_it=LetGo.GONE, fault="400"),
        ),
        # What it says of one older than 48 hours.
        (
            refusal(400, "Bad Request: message can't be deleted for everyone"),
            Answered(came_of_it=LetGo.IMPOSSIBLE, fault="400"),
        ),
        (
            refusal(403, "Forbidden: bot was blocked by the user"),
            Answered(came_of_it=LetGo.IMPOSSIBLE, fault="403"),
        ),
        (
            refusal(429, "Too Many Requests: retry after 7", retry_after=7),
            Answered(came_of_it=LetGo.LATER, fault="TooManyRequests"),
        ),
        ("broken", Answered(came_of_it=LetGo.LATER, fault="NetworkError")),
        ("reset", Answered(came_of_it=LetGo.LATER, fault="NetworkError")),
    ],
    ids=["done", "not_found", "too_old", "blocked", "too_many", "error_500", "reset"],
)
async def test_each_answer_comes_to_one_end(answer: Any, expected: Answered) -> None:
    async with forgetting_at([answer]) as (api, forgetting):
        found = await forgetting.forget(NAMED, deletes=True)

    assert found == expected
    [(method, params)] = api.asked
    assert (method, params["chat_id"], params["message_id"]) == ("deleteMessage", "1001", "5")


@pytest.mark.parametrize("name", ["", "1001", "no:number"])
async def test_what_names_no_message_is_never_asked(name: str) -> None:
    async with forgetting_at([]) as (api, forgetting):
        found = await forgetting.forget(name, deletes=True)

    assert found == Answered(came_of_it=LetGo.IMPOSSIBLE, fault="no_address")
    assert api.asked == []
