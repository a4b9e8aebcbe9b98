"""The sandbox's Telegram: python-telegram-bot speaks to it, and updates come until they are taken.

Red when: an update is given up after a 500, the secret is left out, a blocked chat can be written to, or a press nobody
made is taken for one (each tried in a copy).
"""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, Update
from telegram.error import BadRequest, Conflict, Forbidden, InvalidToken, TelegramError, TimedOut
from telegram.request import HTTPXRequest

from casework.model.errors import SettingsInvalid
from channels.sandbox.samples import SAMPLES
from channels.sandbox.settings import SandboxSettings
from tests.channels.provider_stand_ins import (
    ACCOUNT_SID,
    TOKEN,
    ListeningService,
    Posted,
    Sandbox,
    listening_service,
    running_sandbox,
)

BOT_TOKEN = "1000001:" + "b" * 32
SECRET = "a-secret-of-the-webhook"
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
PHONE, CHAT = "telegram:1001", 1001


@pytest_asyncio.fixture
async def service() -> AsyncIterator[ListeningService]:
    async with listening_service() as service:
        yield service


def running(tmp_path: Path, service: ListeningService, **more: Any) -> Any:
    fields = {"telegram_webhook_url": service.url + "/webhooks/telegram", "telegram_secret": SECRET, **more}
    return running_sandbox(tmp_path, service_url=service.url, telegram_token=BOT_TOKEN, **fields)


@pytest_asyncio.fixture
async def sandbox(service: ListeningService, tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with running(tmp_path, service) as sandbox:
        yield sandbox


@pytest_asyncio.fixture
async def bot(sandbox: Sandbox) -> AsyncIterator[Bot]:
    async with make_bot(sandbox) as bot:
        yield bot


def make_bot(sandbox: Sandbox, token: str = BOT_TOKEN) -> Bot:
    def request() -> HTTPXRequest:
        return HTTPXRequest(read_timeout=10.0, httpx_kwargs={"trust_env": False})

    return Bot(
        token,
        base_url=sandbox.url + "/bot",
        base_file_url=sandbox.url + "/file/bot",
        request=request(),
        get_updates_request=request(),
    )


def read_update(posted: Posted) -> Update:
    update = Update.de_json(json.loads(posted.body))
    assert update is not None
    return update


async def test_a_message_arrives_with_the_secret_and_is_answered(
    sandbox: Sandbox, bot: Bot, service: ListeningService
) -> None:
    sent = await sandbox.send(PHONE, start="Token_of-an-invite")
    update = read_update(service.posted[0])
    answer = await bot.send_message(CHAT, "Thank you.")

    assert sent["webhook_status"] == 204
    assert service.posted[0].headers[SECRET_HEADER] == SECRET
    assert update.message is not None
    assert (update.message.text, update.message.chat.id) == ("/start Token_of-an-invite", CHAT)
    assert update.message.entities[0].type == "bot_command"
    thread = await sandbox.get_thread(PHONE)
    assert [message["body"] for message in thread] == ["/start Token_of-an-invite", "Thank you."]
    assert answer.message_id > update.message.message_id


async def test_an_update_is_posted_until_it_is_taken_and_every_time_the_same(
    sandbox: Sandbox, service: ListeningService
) -> None:
    service.status = 500
    sent = await sandbox.send(PHONE, body="Are you there")
    await service.wait_for(2)
    service.status = 200
    taken_after = len(service.posted) + 1
    await service.wait_for(taken_after)

    assert sent["webhook_status"] == 500
    assert len({posted.body for posted in service.posted}) == 1


async def test_an_update_outlives_the_sandbox_and_its_number_is_never_used_again(
    service: ListeningService, tmp_path: Path
) -> None:
    async with listening_service() as gone:
        pass
    async with running(tmp_path, gone) as sandbox:
        await sandbox.send(PHONE, body="First", wait=False)
        await sandbox.get_thread(PHONE)
    async with running(tmp_path, service) as sandbox:
        await service.wait_for(1)
        await sandbox.send(PHONE, body="Second")

    first, second = (read_update(posted) for posted in service.posted)
    assert (first.message and first.message.text, second.message and second.message.text) == (
        "First",
        "Second",
    )
    assert second.update_id > first.update_id


async def test_copies_and_the_same_message_again_are_the_same_update(
    sandbox: Sandbox, service: ListeningService
) -> None:
    sent = await sandbox.send(PHONE, body="Hello", copies=3)
    await sandbox.send(PHONE, sid=sent["sid"])

    assert len(service.posted) == 4
    assert len({read_update(posted).update_id for posted in service.posted}) == 1
    assert len(await sandbox.get_thread(PHONE)) == 1


async def test_a_button_is_pressed_and_the_press_can_be_answered_once_known(
    sandbox: Sandbox, bot: Bot, service: ListeningService
) -> None:
    await sandbox.send(PHONE, start="")
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("My case", callback_data="token.1")]])
    menu = await bot.send_message(CHAT, "What would help?", reply_markup=keyboard)
    await sandbox.send(PHONE, press=1)

    query = read_update(service.posted[-1]).callback_query
    assert query is not None
    assert (query.data, query.message and query.message.message_id) == ("token.1", menu.message_id)
    assert await bot.answer_callback_query(query.id)
    with pytest.raises(BadRequest, match=r"(?i)query ID is invalid"):
        await bot.answer_callback_query("1" * 18)


async def test_an_edit_keeps_its_number_and_says_when(sandbox: Sandbox, service: ListeningService) -> None:
    sent = await sandbox.send(PHONE, body="He came back")
    await sandbox.send(PHONE, body="He came back last night", edit=sent["sid"])

    first, edited = (read_update(posted) for posted in service.posted)
    assert first.message is not None and edited.edited_message is not None
    assert edited.edited_message.message_id == first.message.message_id
    assert edited.edited_message.text == "He came back last night"
    assert edited.edited_message.edit_date is not None
    assert [message["body"] for message in await sandbox.get_thread(PHONE)] == ["He came back last night"]


@pytest.mark.parametrize("name", ["photo", "pdf", "voice", "program"])
async def test_a_file_can_be_fetched_by_its_id(
    name: str, sandbox: Sandbox, bot: Bot, service: ListeningService
) -> None:
    await sandbox.send(PHONE, media=[name])
    message = read_update(service.posted[0]).message
    assert message is not None
    given = message.photo[-1] if message.photo else message.document or message.voice
    assert given is not None and not isinstance(given, tuple)

    file = await bot.get_file(given.file_id)

    assert bytes(await file.download_as_bytearray()) == SAMPLES[name].make()
    assert given.file_size == SAMPLES[name].size


async def test_a_file_too_big_or_unknown_is_not_given(
    sandbox: Sandbox, bot: Bot, service: ListeningService
) -> None:
    await sandbox.send(PHONE, media=["huge"])
    message = read_update(service.posted[0]).message
    assert message is not None and message.document is not None

    with pytest.raises(BadRequest, match=r"(?i)file is too big"):
        await bot.get_file(message.document.file_id)
    with pytest.raises(BadRequest, match=r"(?i)wrong file_id"):
        await bot.get_file("unknown")


async def test_blocking_is_told_and_refuses_until_it_ends(
    sandbox: Sandbox, bot: Bot, service: ListeningService
) -> None:
    await sandbox.send(PHONE, body="Hello")
    await sandbox.set_state(PHONE, is_blocked=True)
    change = read_update((await service.wait_for(2))[-1]).my_chat_member
    with pytest.raises(Forbidden, match=r"(?i)blocked by the user"):
        await bot.send_message(CHAT, "Hello")
    await sandbox.set_state(PHONE, is_blocked=False)

    assert change is not None
    assert (change.old_chat_member.status, change.new_chat_member.status) == ("member", "kicked")
    assert await bot.send_message(CHAT, "Hello")


@pytest.mark.parametrize(
    ("chat", "text", "data", "words"),
    [
        (CHAT, " ", "a", "message text is empty"),
        (CHAT, "a" * 4097, "a", "message is too long"),
        (CHAT, "Hello", "a" * 65, "BUTTON_DATA_INVALID"),
        (9999, "Hello", "a", "chat not found"),
    ],
)
async def test_what_telegram_does_not_send_is_refused(
    chat: int, text: str, data: str, words: str, sandbox: Sandbox, bot: Bot
) -> None:
    await sandbox.send(PHONE, body="Hello")
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("Yes", callback_data=data)]])

    with pytest.raises(BadRequest, match="(?i)" + words):
        await bot.send_message(chat, text, reply_markup=keyboard)


@pytest.mark.parametrize(
    ("fault", "error", "arrived"),
    [
        ("error:403", Forbidden, 0),
        ("500", TelegramError, 0),
        ("500_after_store", TelegramError, 1),
        ("timeout", TimedOut, 0),
        ("timeout_after_store", TimedOut, 1),
        ("reset", TelegramError, 0),
    ],
)
async def test_every_fault_can_be_had_on_telegram_too(
    fault: str, error: type[TelegramError], arrived: int, sandbox: Sandbox, bot: Bot
) -> None:
    await sandbox.send(PHONE, body="Hello")
    await sandbox.add_fault(fault, to=PHONE)

    with pytest.raises(error):
        patience = 2.0 if "timeout" in fault else 10.0
        await bot.send_message(CHAT, "We have your message.", read_timeout=patience)

    assert len(await sandbox.get_thread(PHONE)) == 1 + arrived


async def test_a_busy_telegram_says_how_long_to_wait(sandbox: Sandbox) -> None:
    await sandbox.send(PHONE, body="Hello")
    await sandbox.add_fault("429:7", to=PHONE)

    asked = {"chat_id": CHAT, "text": "Hello"}
    async with sandbox.session.post(f"{sandbox.url}/bot{BOT_TOKEN}/sendMessage", json=asked) as answer:
        refusal = await answer.json()

    assert (answer.status, refusal["error_code"], refusal["parameters"]) == (429, 429, {"retry_after": 7})


async def test_the_bot_sets_its_webhook_and_reads_how_it_goes(
    sandbox: Sandbox, bot: Bot, service: ListeningService
) -> None:
    await bot.set_webhook(service.url + "/other", secret_token="another-secret", allowed_updates=["message"])
    service.status = 503
    await sandbox.send(PHONE, body="Hello")
    waiting = await bot.get_webhook_info()
    service.status = 200
    await service.wait_for(2)

    assert service.posted[0].headers[SECRET_HEADER] == "another-secret"
    assert (waiting.url, waiting.pending_update_count) == (service.url + "/other", 1)
    assert waiting.last_error_message == "Wrong response from the webhook: 503 Service Unavailable"
    assert tuple(waiting.allowed_updates or ()) == ("message",)


async def test_what_the_bot_does_not_want_to_hear_of_is_not_posted(
    sandbox: Sandbox, bot: Bot, service: ListeningService
) -> None:
    await bot.set_webhook(service.url + "/webhooks/telegram", allowed_updates=["message"])
    sent = await sandbox.send(PHONE, body="Hello")
    await sandbox.send(PHONE, body="Hello, changed", edit=sent["sid"])
    await sandbox.send(PHONE, body="Next")

    assert [read_update(posted).message is not None for posted in service.posted] == [True, True]


async def test_without_a_webhook_updates_wait_and_can_be_asked_for(
    sandbox: Sandbox, bot: Bot, service: ListeningService
) -> None:
    with pytest.raises(Conflict):
        await bot.get_updates()
    await bot.delete_webhook()
    sent = await sandbox.send(PHONE, body="Hello")
    [update] = await bot.get_updates()
    none = await bot.get_updates(offset=update.update_id + 1)

    assert (sent["webhook_status"], len(service.posted), none) == (None, 0, ())
    assert update.message is not None and update.message.text == "Hello"


async def test_a_secret_with_other_letters_is_refused(bot: Bot, service: ListeningService) -> None:
    with pytest.raises(BadRequest, match=r"(?i)unallowed characters"):
        await bot.set_webhook(service.url, secret_token="a secret")


async def test_another_token_is_nobody(sandbox: Sandbox) -> None:
    with pytest.raises(InvalidToken):
        async with make_bot(sandbox, "1000001:" + "c" * 32):
            pass


async def test_a_message_of_the_bot_can_be_changed_and_taken_away(sandbox: Sandbox, bot: Bot) -> None:
    await sandbox.send(PHONE, body="Hello")
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("Yes", callback_data="token.1")]])
    sent = await bot.send_message(CHAT, "Safe?", reply_markup=keyboard)
    await bot.edit_message_reply_markup(CHAT, sent.message_id)

    assert (await sandbox.get_thread(PHONE))[-1]["buttons"] == []
    assert await bot.delete_message(CHAT, sent.message_id)
    with pytest.raises(BadRequest, match=r"(?i)not found"):
        await bot.edit_message_text("Safe now?", CHAT, sent.message_id)


async def test_any_update_at_all_can_be_posted(sandbox: Sandbox, service: ListeningService) -> None:
    await sandbox.send(PHONE, update={"inline_query": {"id": "1", "query": "a", "offset": ""}})

    posted = json.loads(service.posted[0].body)
    assert set(posted) == {"update_id", "inline_query"}


async def test_a_sandbox_without_a_token_knows_no_bot(service: ListeningService, tmp_path: Path) -> None:
    async with running_sandbox(tmp_path, service_url=service.url) as sandbox:
        async with sandbox.session.get(f"{sandbox.url}/bot{BOT_TOKEN}/getMe") as answer:
            assert answer.status == 401
        sent = await asyncio.wait_for(sandbox.send(PHONE, body="Hello"), 5)
    assert sent["webhook_status"] is None


@pytest.mark.parametrize(
    "changes", [{"telegram_token": "short"}, {"telegram_webhook_url": "https://far.example.org/"}]
)
def test_a_token_that_is_none_and_an_address_far_away_are_refused(
    changes: dict[str, str], tmp_path: Path
) -> None:
    with pytest.raises(SettingsInvalid):
        SandboxSettings(
            account_sid=ACCOUNT_SID,
            auth_token=TOKEN,
            webhook_url="http://127.0.0.1:1/",
            data_dir=tmp_path,
            **changes,
        )
