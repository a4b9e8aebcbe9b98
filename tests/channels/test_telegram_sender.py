"""Sending by Telegram, over sockets: to the sandbox's Bot API, and to a server that answers as it is told.

Red when, each tried once: NeverLeft is sorted with the unknown outcomes, `find_sent` gives None for every lane, the
429 wait is dropped, or the library's keep-alive and logging are left as they are.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from casework.adapters.storage.database import Database
from casework.adapters.storage.tables import alarm, desk_item, opt_out, outbox
from casework.model.messages import Author, Channel, Lane, OutboundMessage, OutboxStatus
from casework.services import deliver
from casework.services.ports import Delivery
from casework.services.service_texts import load_service_texts
from channels.telegram_sender import TelegramSender
from channels.telegram_transport import TelegramSettings, build_bot
from channels.telegram_webhook import TelegramWebhook
from tests.channels.provider_stand_ins import running_sandbox, serving
from tests.channels.telegram_door import BOT_TOKEN, PERSON, SECRET
from tests.support.builders import an_outbound
from tests.support.clock import SetClock
from tests.support.line import Line
from tests.support.running import free_port

TOKEN_HIDDEN = BOT_TOKEN.partition(":")[2]
SENT = {
    "message_id": 5,
    "date": 1795262400,
    "chat": {"id": int(PERSON), "type": "private"},
    "text": "A text.",
}


@dataclass
class BotApi:
    """Answers each call with the next of `answers`, (status, body) or a way to break off; then sends everything."""

    answers: list[Any] = field(default_factory=list)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    connections: set[object] = field(default_factory=set)
    monotonic: float = 0.0  # what whoever watches takes for the time

    async def answer(self, request: web.Request) -> web.StreamResponse:
        assert request.match_info["token"] == BOT_TOKEN
        self.asked.append((request.match_info["method"], dict(await request.post())))
        assert request.transport is not None
        self.connections.add(request.transport.get_extra_info("peername"))
        answer = self.answers.pop(0) if self.answers else (200, {"ok": True, "result": SENT})
        if answer == "reset":
            request.transport.abort()
        if answer == "silence":
            await asyncio.Event().wait()
        if isinstance(answer, str):
            return web.Response(status=500)
        status, body = answer
        text = body if isinstance(body, str) else json.dumps(body)
        return web.Response(status=status, text=text, content_type="application/json")


@asynccontextmanager
async def speaking(answers: list[Any], **more: Any) -> AsyncIterator[tuple[BotApi, TelegramSender]]:
    api = BotApi(answers)
    app = web.Application()
    app.router.add_post("/bot{token}/{method}", api.answer)
    async with serving(app) as url:
        yield api, TelegramSender(build_bot(settings_for(url, **more)), load_service_texts())


def settings_for(url: str, **more: Any) -> TelegramSettings:
    webhook_url = more.pop("webhook_url", "https://messages.example.org/webhooks/telegram")
    return TelegramSettings(token=BOT_TOKEN, api_url=url, secret=SECRET, webhook_url=webhook_url, **more)


def a_message(text: str = "A text.", **values: Any) -> OutboundMessage:
    return an_outbound("c", text, **({"channel": Channel.TELEGRAM, "to": PERSON} | values))


def refusal(status: int, description: str, **parameters: int) -> tuple[int, dict[str, Any]]:
    body: dict[str, Any] = {"ok": False, "error_code": status, "description": description}
    return status, body | ({"parameters": parameters} if parameters else {})


async def test_a_text_leaves_with_its_buttons_no_preview_and_not_to_be_passed_on() -> None:
    async with speaking([]) as (api, sender):
        message = a_message("What would help?", choices=("My case", "My rights"), menu_token="t" * 22)
        delivery = await sender.deliver(message)

    assert delivery == Delivery(status=OutboxStatus.SENT, provider_message_id=f"{PERSON}:5")
    [(method, params)] = api.asked
    assert method == "sendMessage"
    assert params["chat_id"] == PERSON
    assert params["text"] == "What would help?"
    assert params["protect_content"] == "true"
    assert json.loads(params["link_preview_options"]) == {"is_disabled": True}
    assert json.loads(params["reply_markup"]) == {
        "inline_keyboard": [
            [{"text": "My case", "callback_data": "t" * 22 + ".1"}],
            [{"text": "My rights", "callback_data": "t" * 22 + ".2"}],
        ]
    }
    assert "parse_mode" not in params


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            refusal(429, "Too Many Requests: retry after 7", retry_after=7),
            Delivery(status=OutboxStatus.WAITING, error_code="429", failure="busy", retry_after_seconds=7),
        ),
        (
            (429, "not even JSON"),
            Delivery(status=OutboxStatus.WAITING, error_code="429", failure="busy"),
        ),
        (
            refusal(403, "Forbidden: bot was blocked by the user"),
            Delivery(status=OutboxStatus.FAILED, error_code="403", failure="blocked_by_person"),
        ),
        (
            refusal(403, "Forbidden: user is deactivated"),
            Delivery(status=OutboxStatus.FAILED, error_code="403", failure="blocked_by_person"),
        ),
        (
            refusal(400, "Bad Request: chat not found"),
            Delivery(status=OutboxStatus.FAILED, error_code="400", failure="blocked_by_person"),
        ),
        (
            refusal(400, "Bad Request: message is too long"),
            Delivery(status=OutboxStatus.FAILED, error_code="400", failure="too_long"),
        ),
        (
            refusal(400, "Bad Request: BUTTON_DATA_INVALID"),
            Delivery(status=OutboxStatus.FAILED, error_code="400", failure="unknown_fault"),
        ),
        (
            refusal(401, "Unauthorized"),
            Delivery(status=OutboxStatus.WAITING, error_code="401", failure="account_refused"),
        ),
        (
            refusal(404, "Not Found"),
            Delivery(status=OutboxStatus.WAITING, error_code="401", failure="account_refused"),
        ),
        (refusal(500, "Internal Server Error"), Delivery(status=OutboxStatus.UNKNOWN)),
        ((502, "<html>Bad Gateway</html>"), Delivery(status=OutboxStatus.UNKNOWN)),
        ((302, ""), Delivery(status=OutboxStatus.UNKNOWN)),
        ((200, "<html>"), Delivery(status=OutboxStatus.UNKNOWN)),
        ((200, {"ok": True}), Delivery(status=OutboxStatus.UNKNOWN)),
        ((200, {"ok": True, "result": {"message_id": 5}}), Delivery(status=OutboxStatus.UNKNOWN)),
        ("reset", Delivery(status=OutboxStatus.UNKNOWN)),
        ("silence", Delivery(status=OutboxStatus.UNKNOWN)),
    ],
    ids=[
        "429",
        "429 without a time",
        "blocked",
        "deactivated",
        "no such chat",
        "too long",
        "another bad request",
        "wrong token",
        "no such bot",
        "500",
        "502 of a proxy",
        "sent elsewhere",
        "200 that is no JSON",
        "200 without a result",
        "200 with half a result",
        "reset",
        "silence",
    ],
)
async def test_every_answer_is_sorted_and_the_call_is_made_once(answer: Any, expected: Delivery) -> None:
    async with speaking([answer], answer_seconds=0.3) as (api, sender):
        assert await sender.deliver(a_message()) == expected

    assert len(api.asked) == 1


async def test_without_a_connection_nothing_left() -> None:
    bot = build_bot(settings_for(f"http://127.0.0.1:{free_port()}"))

    delivery = await TelegramSender(bot, load_service_texts()).deliver(a_message())

    assert delivery == Delivery(status=OutboxStatus.WAITING, error_code="not_connected")


async def test_no_connection_is_used_twice() -> None:
    """One that the other side has closed meanwhile would read like a lost answer."""
    async with speaking([]) as (api, sender):
        for _ in range(3):
            await sender.deliver(a_message())

    assert len(api.connections) == 3


async def test_who_has_no_number_is_never_written_to() -> None:
    async with speaking([]) as (api, sender):
        delivery = await sender.deliver(a_message(to="unreadable"))

    assert (delivery.status, api.asked) == (OutboxStatus.FAILED, [])


async def test_neither_token_nor_words_are_logged(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO)
    async with speaking([refusal(500, "no"), "reset", refusal(401, "Unauthorized")]) as (_, sender):
        for _ in range(4):
            await sender.deliver(a_message("he is outside"))

    out, err = capfd.readouterr()
    for said in (caplog.text, out, err):
        assert TOKEN_HIDDEN not in said
        assert "he is outside" not in said


@pytest.mark.parametrize("lane", sorted(Lane))
async def test_an_unknown_outcome_of_a_safety_line_is_sent_once_more_and_of_others_never(lane: Lane) -> None:
    async with speaking([]) as (api, sender):
        message = a_message(lane=lane)
        since = SetClock().now()
        first = await sender.find_sent(message, since=since)
        await sender.deliver(message)
        second = await sender.find_sent(message, since=since)

    gave_up = Delivery(status=OutboxStatus.FAILED, error_code="outcome_unknown", failure="outcome_unknown")
    assert first == (None if lane is Lane.SAFETY else gave_up)
    assert second == gave_up
    assert len(api.asked) == 1


# --- through the outbox ---


def queue(line: Line, text: str, *, lane: Lane = Lane.ASSISTANT) -> int:
    conversation_id = line.open(PERSON, Channel.TELEGRAM)
    message = an_outbound(
        conversation_id, text, channel=Channel.TELEGRAM, to=PERSON, lane=lane, author=Author.ASSISTANT
    )
    outbox_id = line.database.write_now(lambda tx: tx.outbox.record(message, decision="answers_a_message"))
    assert outbox_id is not None
    return outbox_id


async def test_429_is_obeyed(database: Database, clock: SetClock) -> None:
    async with speaking([refusal(429, "Too Many Requests", retry_after=7)]) as (api, sender):
        line = Line(database, clock, sender=sender)
        queue(line, "hello")
        await line.deliver_all()
        clock.advance(seconds=6)
        await line.deliver_all()
        assert len(api.asked) == 1

        clock.advance(seconds=2)
        await line.deliver_all()

    assert len(api.asked) == 2
    assert line.row(outbox).status == OutboxStatus.SENT


@pytest.mark.parametrize(
    ("lane", "copies", "status", "reasons"),
    [(Lane.SAFETY, 2, "sent", []), (Lane.ASSISTANT, 1, "failed", ["not_delivered"])],
)
async def test_a_lost_answer_doubles_a_safety_line_and_nothing_else(
    database: Database, clock: SetClock, lane: Lane, copies: int, status: str, reasons: list[str]
) -> None:
    async with speaking(["reset"]) as (api, sender):
        line = Line(database, clock, sender=sender)
        queue(line, "hello", lane=lane)
        await line.deliver_all()
        assert line.row(outbox).status == OutboxStatus.UNKNOWN

        clock.advance(seconds=deliver.UNKNOWN_WAIT_SECONDS + 1)
        await line.deliver_all()

    assert len(api.asked) == copies
    assert line.row(outbox).status == status
    assert [item.reason for item in line.rows(desk_item)] == reasons


async def test_a_safety_line_that_waits_for_its_pace_is_still_sent_again(
    database: Database, clock: SetClock
) -> None:
    """Red when `find_sent` takes a look-up for the second copy: put back in between, it would never leave."""
    async with speaking(["reset"]) as (api, sender):
        line = Line(database, clock, sender=sender)
        queue(line, "hello", lane=Lane.SAFETY)
        await line.deliver_all()
        clock.advance(seconds=deliver.UNKNOWN_WAIT_SECONDS + 1)
        waits = [clock.now() + timedelta(seconds=1)]
        line.pace = lambda tx, message: waits.pop() if waits else None
        await line.deliver_all()
        clock.advance(seconds=2)
        await line.deliver_all()

    assert len(api.asked) == 2
    assert line.row(outbox).status == OutboxStatus.SENT
    assert line.rows(desk_item) == []


async def test_a_safety_line_is_doubled_once_however_often_the_answer_is_lost(
    database: Database, clock: SetClock
) -> None:
    async with speaking(["reset"] * 12) as (api, sender):
        line = Line(database, clock, sender=sender)
        queue(line, "hello", lane=Lane.SAFETY)
        for _ in range(12):
            await line.deliver_all()
            clock.advance(seconds=30)

    assert len(api.asked) == 2
    assert [item.reason for item in line.rows(desk_item)] == ["not_delivered"]


async def test_a_block_is_noted_and_a_person_finds_another_way(database: Database, clock: SetClock) -> None:
    async with speaking([refusal(403, "Forbidden: bot was blocked by the user")]) as (_, sender):
        line = Line(database, clock, sender=sender)
        queue(line, "hello")
        await line.deliver_all()

    assert line.row(outbox).status == OutboxStatus.FAILED
    assert [row.how for row in line.rows(opt_out)] == ["provider"]
    assert [item.reason for item in line.rows(desk_item)] == ["cannot_be_texted"]


async def test_a_refused_bot_sounds_the_alarm_and_the_message_waits(
    database: Database, clock: SetClock
) -> None:
    async with speaking([refusal(401, "Unauthorized")]) as (_, sender):
        line = Line(database, clock, sender=sender)
        queue(line, "hello")
        await line.deliver_all()
        assert line.row(outbox).status == OutboxStatus.WAITING
        assert [row.kind for row in line.rows(alarm)] == ["telegram_refused"]

        clock.advance(minutes=6)
        await line.deliver_all()

    assert line.row(outbox).status == OutboxStatus.SENT


# --- the webhook's address ---


def info(url: str, **more: Any) -> tuple[int, dict[str, Any]]:
    result = {"url": url, "has_custom_certificate": False, "pending_update_count": 0, **more}
    return 200, {"ok": True, "result": result}


DONE = (200, {"ok": True, "result": True})
OURS = "https://messages.example.org/webhooks/telegram"


@asynccontextmanager
async def watching(
    answers: list[Any], database: Database, clock: SetClock
) -> AsyncIterator[tuple[BotApi, TelegramWebhook]]:
    api = BotApi(answers)
    app = web.Application()
    app.router.add_post("/bot{token}/{method}", api.answer)
    async with serving(app) as url:
        settings = settings_for(url)
        webhook = TelegramWebhook(
            build_bot(settings), settings, database, clock, monotonic=lambda: api.monotonic
        )
        yield api, webhook


def open_alarms(database: Database) -> list[str]:
    return [each.kind for each in database.read_now(lambda tx: tx.alarms.list_open())]


async def test_the_webhook_is_set_at_start_with_its_secret_and_what_waits_is_never_dropped(
    database: Database, clock: SetClock
) -> None:
    async with watching([DONE, info(OURS)], database, clock) as (api, webhook):
        assert await webhook.check_now() is None

    (first, params), (second, _) = api.asked
    assert (first, second) == ("setWebhook", "getWebhookInfo")
    assert params["url"] == OURS
    assert params["secret_token"] == SECRET
    assert json.loads(params["allowed_updates"]) == [
        "message",
        "edited_message",
        "callback_query",
        "my_chat_member",
    ]
    assert "drop_pending_updates" not in params
    assert open_alarms(database) == []


@pytest.mark.parametrize(
    "answers",
    [
        [refusal(401, "Unauthorized")],
        [DONE, info("https://somebody.example.org/hook")],
        [DONE, info("")],
        [
            DONE,
            info(
                OURS,
                pending_update_count=3,
                last_error_date=1795262400,
                last_error_message="Wrong response from the webhook: 403 Forbidden",
            ),
        ],
        ["reset"],
        [(200, "<html>")],
        [DONE, (200, {"ok": True, "result": {}})],
        [refusal(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")],
    ],
    ids=[
        "refused",
        "another address",
        "no address",
        "cannot be brought",
        "reset",
        "no JSON",
        "half",
        "no https",
    ],
)
async def test_what_is_wrong_sounds_the_alarm_and_is_set_right_at_the_next_look(
    database: Database, clock: SetClock, answers: list[Any]
) -> None:
    async with watching([*answers, DONE, info(OURS)], database, clock) as (api, webhook):
        fault = await webhook.check_now()
        assert fault
        assert TOKEN_HIDDEN not in fault
        assert open_alarms(database) == ["telegram_refused"]

        asked = len(api.asked)
        assert await webhook.check_now() is None

    assert [method for method, _ in api.asked[asked:]] == ["setWebhook", "getWebhookInfo"]
    assert open_alarms(database) == []


async def test_it_looks_every_five_minutes_and_sooner_while_something_is_wrong(
    database: Database, clock: SetClock
) -> None:
    async with watching([DONE, info(OURS), info(""), DONE, info(OURS)], database, clock) as (api, webhook):
        calls = []
        for at in (0.0, 1.0, 299.0, 300.0, 310.0, 321.0, 330.0):
            api.monotonic = at
            assert await webhook.look() is False
            calls.append(len(api.asked))

    assert calls == [2, 2, 2, 3, 3, 5, 5]


# --- with the sandbox ---


async def test_the_sandbox_takes_the_webhook_a_message_and_a_block(
    tmp_path: Path, database: Database, clock: SetClock
) -> None:
    async with running_sandbox(
        tmp_path, service_url="http://127.0.0.1:1", telegram_token=BOT_TOKEN
    ) as sandbox:
        settings = settings_for(sandbox.url, webhook_url="http://127.0.0.1:1/webhooks/telegram")
        bot = build_bot(settings)
        assert await TelegramWebhook(bot, settings, database, clock).check_now() is None
        sender = TelegramSender(bot, load_service_texts())
        unknown = await sender.deliver(a_message(to="1001"))
        await write(sandbox.url, "telegram:1001", body="hello")
        sent = await sender.deliver(a_message(to="1001", choices=("Yes", "No"), menu_token="t" * 22))
        await state(sandbox.url, "telegram:1001", is_blocked=True)
        blocked = await sender.deliver(a_message(to="1001"))

    assert unknown.status is OutboxStatus.FAILED
    assert sent.status is OutboxStatus.SENT
    assert (sent.provider_message_id or "").startswith("1001:")
    assert blocked.failure == "blocked_by_person"


async def write(url: str, handset: str, **asked: Any) -> None:
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{url}/sandbox/handsets/{handset}/send", json={"wait": False, **asked}) as answer,
    ):
        assert answer.status == 200, await answer.text()


async def state(url: str, handset: str, **asked: Any) -> None:
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{url}/sandbox/handsets/{handset}/state", json=asked) as answer,
    ):
        assert answer.status < 300, await answer.text()
