"""The pages of the pretend phones: every button works without scripts, and what a stranger sees is shown as it is.

Red when: the preview shows 71 letters or a third line, the clock of the window is not on the page, or a list's rows are
no buttons (each tried in a copy).
"""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from casework.model.sms_segments import SmsSize, measure
from channels.sandbox.addresses import find_handset, format_national, get_address, get_hidden_address
from channels.sandbox.contents import BUTTONS, LIST
from channels.sandbox.previews import cut_preview, say_left
from tests.channels.provider_stand_ins import (
    ACCOUNT_SID,
    HANDSET,
    SERVICE,
    TOKEN,
    ListeningService,
    Sandbox,
    listening_service,
    running_sandbox,
)

SIGNED_IN = {"Authorization": aiohttp.encode_basic_auth(ACCOUNT_SID, TOKEN)}
WHATSAPP = "whatsapp:" + HANDSET
TELEGRAM = "telegram:1001"
BOT_TOKEN = "1000001:" + "b" * 32


@pytest_asyncio.fixture
async def service() -> AsyncIterator[ListeningService]:
    async with listening_service() as service:
        yield service


@pytest_asyncio.fixture
async def sandbox(service: ListeningService, tmp_path: Path) -> AsyncIterator[Sandbox]:
    more = {"telegram_token": BOT_TOKEN, "telegram_webhook_url": service.url + "/webhooks/telegram"}
    async with running_sandbox(tmp_path, service_url=service.url, **more) as sandbox:
        yield sandbox


async def get_page(sandbox: Sandbox, path: str) -> str:
    async with sandbox.session.get(sandbox.url + path) as answer:
        assert answer.status == 200
        return await answer.text()


async def press(sandbox: Sandbox, path: str, **form: Any) -> str:
    async with sandbox.session.post(sandbox.url + path, data=form) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.text()


def get_form(service: ListeningService) -> dict[str, str]:
    return dict(parse_qsl(service.posted[-1].body.decode(), keep_blank_values=True))


async def send_menu(sandbox: Sandbox, types: dict[str, Any]) -> str:
    asked = {"language": "en", "types": types}
    async with sandbox.session.post(sandbox.url + "/v1/Content", json=asked, headers=SIGNED_IN) as made:
        form = {"To": WHATSAPP, "From": "whatsapp:" + SERVICE, "ContentSid": (await made.json())["sid"]}
    address = f"{sandbox.url}/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"
    async with sandbox.session.post(address, data=form, headers=SIGNED_IN) as sent:
        assert sent.status == 201
        return str((await sent.json())["sid"])


async def test_the_front_page_lists_phones_by_channel(sandbox: Sandbox) -> None:
    await sandbox.send(WHATSAPP, body="Hello\nthere")

    page = await get_page(sandbox, "/")

    assert page.index('<h2 id="group-1">SMS') < page.index(">WhatsApp<") < page.index(">Telegram<")
    assert "Sent: Hello\nthere" in page
    assert 'href="/handsets/telegram%3A1001"' in page


@pytest.mark.parametrize(
    ("form", "opened"),
    [
        ({"channel": "", "number": "07700 900123"}, "+447700900123"),
        ({"channel": "whatsapp:", "number": "07700 900123"}, "whatsapp:+447700900123"),
        ({"channel": "telegram:", "number": "1007"}, "telegram:1007"),
    ],
)
async def test_a_phone_of_every_channel_can_be_opened(
    form: dict[str, str], opened: str, sandbox: Sandbox
) -> None:
    async with sandbox.session.post(sandbox.url + "/handsets", data=form) as answer:
        assert answer.status == 200
        assert str(answer.url).endswith("/handsets/" + opened)


@pytest.mark.parametrize("number", ["1007<script>", "0", "-1"])
async def test_what_is_no_chat_of_telegram_is_refused(number: str, sandbox: Sandbox) -> None:
    form = {"channel": "telegram:", "number": number}
    async with sandbox.session.post(sandbox.url + "/handsets", data=form) as answer:
        assert answer.status == 422
        assert "<script>" not in await answer.text()
    async with sandbox.session.get(f"{sandbox.url}/handsets/telegram:{number}") as answer:
        assert answer.status == 404


async def test_a_button_and_a_row_are_pressed_without_scripts(
    sandbox: Sandbox, service: ListeningService
) -> None:
    await sandbox.send(WHATSAPP, body="Hello")
    buttons = {
        BUTTONS: {"body": "Safe?", "actions": [{"title": "Yes", "id": "a.1"}, {"title": "No", "id": "a.2"}]}
    }
    rows = {LIST: {"body": "Which?", "button": "Choose", "items": [{"item": "Rights", "id": "b.1"}]}}
    first, second = await send_menu(sandbox, buttons), await send_menu(sandbox, rows)
    page = await get_page(sandbox, f"/handsets/{WHATSAPP}")

    await press(sandbox, f"/handsets/{WHATSAPP}/press", sid=first, choice="2")
    await service.wait_for(2)
    assert get_form(service)["ButtonPayload"] == "a.2"
    await press(sandbox, f"/handsets/{WHATSAPP}/press", sid=second, choice="1")
    await service.wait_for(3)
    assert get_form(service)["ListId"] == "b.1"
    assert page.count('name="choice"') == 3
    assert "<summary>Choose</summary>" in page


async def test_the_clock_of_the_window_is_on_the_page_and_can_be_moved(sandbox: Sandbox) -> None:
    before = await get_page(sandbox, f"/handsets/{WHATSAPP}")
    open_again = await press(sandbox, f"/handsets/{WHATSAPP}/window", hours_ago="0.8")
    after = await press(sandbox, f"/handsets/{WHATSAPP}/window", hours_ago="25")

    assert "Window closed" in before
    assert "Window closes in 23 h 1" in open_again
    assert "Window closed" in after


async def test_a_place_a_hidden_number_and_a_block_are_one_press_each(
    sandbox: Sandbox, service: ListeningService
) -> None:
    hidden = await press(sandbox, f"/handsets/{WHATSAPP}/hidden")
    await press(sandbox, f"/handsets/{WHATSAPP}/location")
    await service.wait_for(1)

    assert "Hidden: the service gets an id" in hidden
    assert (get_form(service)["MessageType"], "WaId" in get_form(service)) == ("location", False)
    assert "Shown: the service sees" in await press(sandbox, f"/handsets/{WHATSAPP}/hidden")
    assert 'aria-pressed="true">Block' in await press(sandbox, f"/handsets/{WHATSAPP}/blocked")


async def test_a_file_is_chosen_from_the_list_and_shown(sandbox: Sandbox, service: ListeningService) -> None:
    page = await press(sandbox, f"/handsets/{WHATSAPP}", body="look", file="photo", forwarded="1")
    await service.wait_for(1)
    async with sandbox.session.get(sandbox.url + "/sandbox/samples/photo") as picture:
        kind = picture.content_type
    async with sandbox.session.get(sandbox.url + "/sandbox/samples/script") as script:
        assert script.status == 404

    assert (get_form(service)["NumMedia"], get_form(service)["Forwarded"]) == ("1", "true")
    assert '<img src="/sandbox/samples/photo" alt="A photo">' in page
    assert kind == "image/jpeg"


async def test_telegram_starts_edits_and_presses_without_scripts(
    sandbox: Sandbox, service: ListeningService
) -> None:
    phone = f"/handsets/{TELEGRAM}"
    await press(sandbox, phone + "/start", payload="Token")
    await press(sandbox, phone, body="He came back")
    sent = (await sandbox.get_thread(TELEGRAM))[-1]
    page = await press(sandbox, phone + "/edit", sid=sent["sid"], body="He came back\r\nlast night")
    await service.wait_for(3)
    keyboard = {"inline_keyboard": [[{"text": "My case", "callback_data": "c.1"}]]}
    asked = {"chat_id": 1001, "text": "What?", "reply_markup": keyboard}
    async with sandbox.session.post(f"{sandbox.url}/bot{BOT_TOKEN}/sendMessage", json=asked) as answer:
        menu = (await answer.json())["result"]["message_id"]
    await press(sandbox, phone + "/press", sid=f"{TELEGRAM}.{menu}", choice="1")
    await service.wait_for(4)
    blocked = await press(sandbox, phone + "/blocked")

    updates = sorted(
        (json.loads(posted.body) for posted in service.posted[:4]), key=lambda each: each["update_id"]
    )
    assert updates[0]["message"]["text"] == "/start Token"
    assert updates[2]["edited_message"]["text"] == "He came back\nlast night"
    assert updates[3]["callback_query"]["data"] == "c.1"
    assert "<span>edited</span>" in page
    assert "This phone blocked the bot." in blocked


async def test_what_a_phone_cannot_do_is_refused(sandbox: Sandbox) -> None:
    for path, form in (
        ("press", {"sid": "SM1", "choice": "1"}),
        ("window", {"hours_ago": "long"}),
        ("edit", {}),
    ):
        async with sandbox.session.post(f"{sandbox.url}/handsets/{TELEGRAM}/{path}", data=form) as answer:
            assert answer.status == 400


async def test_the_lock_screen_shows_the_newest_first_and_only_what_arrived(sandbox: Sandbox) -> None:
    address = f"{sandbox.url}/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"
    for body in ("First", "Line one\nline two\nwith your name", "a" * 80):
        form = {"To": HANDSET, "From": SERVICE, "Body": body}
        async with sandbox.session.post(address, data=form, headers=SIGNED_IN) as answer:
            assert answer.status == 201

    page = await get_page(sandbox, f"/handsets/{HANDSET}")
    lock_screen = page[
        page.index('id="lockscreen"') : page.index("</section>", page.index('id="lockscreen"'))
    ]

    assert (
        lock_screen.index("a" * 69 + "…")
        < lock_screen.index("Line one\nline two…")
        < lock_screen.index("First")
    )
    assert "your name" not in lock_screen
    assert "1 text, 80 of 160" in page


@given(text=st.text(max_size=300))
def test_a_preview_is_two_lines_and_70_letters_at_most(text: str) -> None:
    preview = cut_preview(text)

    assert len(preview.rstrip("…")) <= 70
    assert len(preview.splitlines()) <= 2


@pytest.mark.parametrize(
    ("text", "preview"),
    [
        ("", ""),
        ("Hello", "Hello"),
        ("a" * 70, "a" * 70),
        ("a" * 71, "a" * 69 + "…"),
        ("one\n\ntwo", "one\ntwo"),
        ("one\ntwo\nthree", "one\ntwo…"),
    ],
)
def test_a_preview_says_that_there_is_more(text: str, preview: str) -> None:
    assert cut_preview(text) == preview


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("a" * 160, SmsSize(160, 160, 1, ())),
        ("a" * 161, SmsSize(161, 306, 2, ())),
        ("€", SmsSize(2, 160, 1, ())),
        ("ŵ" * 70, SmsSize(70, 70, 1, ("ŵ",))),
        ("It’s" + "a" * 70, SmsSize(74, 134, 2, ("’",))),
    ],
)
def test_a_text_is_measured_and_its_costly_letter_named(text: str, size: SmsSize) -> None:
    assert measure(text) == size


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (timedelta(hours=23, minutes=10, seconds=30), "closes in 23 h 10 min"),
        (timedelta(minutes=59), "closes in 59 min"),
        (timedelta(seconds=30), "closes in less than a minute"),
        (timedelta(), "closed"),
    ],
)
def test_the_clock_says_how_long_is_left(left: timedelta, said: str) -> None:
    assert say_left(left) == said


def test_addresses_of_every_channel_are_read_and_written() -> None:
    hidden = get_hidden_address(WHATSAPP)

    assert get_address("whatsapp:07700 900001") == WHATSAPP
    assert (format_national(WHATSAPP), format_national(TELEGRAM)) == (
        "WhatsApp 07700 900001",
        "Telegram 1001",
    )
    assert find_handset(hidden, [HANDSET, WHATSAPP]) == WHATSAPP
    assert find_handset("whatsapp:GB.123456", [WHATSAPP]) == "whatsapp:GB.123456"
