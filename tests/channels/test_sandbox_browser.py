"""The pretend phones in a real Chromium: they pass axe, fit a small screen, and show by themselves what has come."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, ViewportSize, expect

from channels.sandbox.contents import WAITING_SID
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
from tests.support.browser import ON_ONE_LOOP, find_axe_violations, open_browser, sideways_scroll

pytestmark = [pytest.mark.browser, ON_ONE_LOOP]
__all__ = ["open_browser"]

SIZES: list[ViewportSize] = [{"width": 1280, "height": 900}, {"width": 320, "height": 640}]
SCREENSHOTS = os.environ.get("WAYMARK_SCREENSHOTS")
WHATSAPP = "whatsapp:" + HANDSET
PHONES = {
    "front": "/",
    "sms": f"/handsets/{HANDSET}",
    "whatsapp": f"/handsets/{WHATSAPP}",
    "telegram": "/handsets/telegram:1001",
}


@pytest_asyncio.fixture(loop_scope="session", name="service")
async def run_service() -> AsyncIterator[ListeningService]:
    async with listening_service() as service:
        yield service


@pytest_asyncio.fixture(loop_scope="session", name="sandbox")
async def run_sandbox(service: ListeningService, tmp_path: Path) -> AsyncIterator[Sandbox]:
    more = {
        "telegram_token": "1000001:" + "b" * 32,
        "telegram_webhook_url": service.url + "/webhooks/telegram",
    }
    async with running_sandbox(tmp_path, service_url=service.url, **more) as sandbox:
        yield sandbox


async def create(sandbox: Sandbox, to: str, **fields: str) -> None:
    sender = ("whatsapp:" if ":" in to else "") + SERVICE
    address = f"{sandbox.url}/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"
    headers = {"Authorization": aiohttp.encode_basic_auth(ACCOUNT_SID, TOKEN)}
    form = {"To": to, "From": sender, **fields}
    async with sandbox.session.post(address, data=form, headers=headers) as answer:
        assert answer.status == 201


async def open_page(browser: Browser, sandbox: Sandbox, size: ViewportSize) -> Page:
    context = await browser.new_context(base_url=sandbox.url, viewport=size, bypass_csp=True)
    return await context.new_page()


@pytest.mark.parametrize("name", sorted(PHONES))
@pytest.mark.parametrize("size", SIZES, ids=["wide", "narrow"])
async def test_every_phone_passes_axe_and_fits(
    browser: Browser, sandbox: Sandbox, size: ViewportSize, name: str
) -> None:
    await sandbox.send(body="Is there any news? " * 5, media=["photo", "program"])
    await create(sandbox, HANDSET, Body="Mae’r newyddion yma. " * 6)
    await sandbox.send(WHATSAPP, body="Hello", forwarded=True)
    await create(sandbox, WHATSAPP, ContentSid=WAITING_SID)
    await sandbox.send("telegram:1001", start="Token")
    page = await open_page(browser, sandbox, size)

    await page.goto(PHONES[name])

    if SCREENSHOTS:
        await page.screenshot(path=f"{SCREENSHOTS}/{name}-{size['width']}.png", full_page=True)
    assert await find_axe_violations(page) == []
    assert await sideways_scroll(page) == 0
    await page.context.close()


async def test_a_button_that_comes_can_be_pressed_without_a_reload(
    browser: Browser, sandbox: Sandbox, service: ListeningService
) -> None:
    page = await open_page(browser, sandbox, SIZES[0])
    await page.goto(f"/handsets/{WHATSAPP}")
    await expect(page.get_by_text("Window closed")).to_be_visible()

    await create(sandbox, WHATSAPP, ContentSid=WAITING_SID)
    await page.get_by_role("button", name="Read now").click()

    await expect(page.locator("#thread li.own")).to_contain_text("Read now")
    await expect(page.get_by_text("Window closes in 23 h 59 min")).to_be_visible()
    await expect(page.locator("#lockscreen")).to_contain_text("You have a new message.")
    await page.context.close()


async def test_an_opened_list_stays_open_while_messages_come(
    browser: Browser, sandbox: Sandbox, service: ListeningService
) -> None:
    await sandbox.send("telegram:1001", body="He came back")
    page = await open_page(browser, sandbox, SIZES[0])
    await page.goto("/handsets/telegram:1001")
    await page.locator("details.edit summary").click()

    await sandbox.send("telegram:1001", body="And another")

    await expect(page.locator("#thread li")).to_have_count(2)
    await expect(page.get_by_label("New words").first).to_be_visible()
    await page.context.close()
