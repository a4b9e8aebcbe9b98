"""The whole way by web chat in a real browser, with a detective in another window of it."""

import re

import aiohttp
import pytest
from playwright.async_api import Browser, Page, expect

from tests.journeys.conftest import case_of
from tests.support.browser import ON_ONE_LOOP
from tests.support.browser import open_browser as open_browser
from tests.support.running import Running, Victim

pytestmark = [pytest.mark.journey, pytest.mark.browser, ON_ONE_LOOP]

CASE = "+447700900011"
SECOND = 1000  # milliseconds


async def say(page: Page, text: str) -> None:
    await page.fill("#text", text)
    await page.click("#send")


async def start_chat(browser: Browser, waymark: Running, *, javascript: bool = True) -> Page:
    context = await browser.new_context(java_script_enabled=javascript)
    page = await context.new_page()
    await page.goto(waymark.addresses["public"])
    await page.get_by_label("Yes, someone might").check()
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_role("button", name="Start", exact=True).click()
    return page


async def sign_in(browser: Browser, waymark: Running) -> Page:
    page = await (await browser.new_context()).new_page()
    await page.goto(waymark.addresses["console"])
    await page.fill("#login", "sam")
    await page.fill("#password", waymark.password)
    await page.click("button.button-main")
    return page


async def test_the_same_journey_by_web_chat(waymark: Running, browser: Browser) -> None:
    page = await start_chat(browser, waymark)
    log = page.locator("#log")
    await say(page, "what is happening with my case")
    await expect(log).to_contain_text("Type your crime reference here", timeout=20 * SECOND)
    await say(page, case_of(CASE)["crime_reference"])
    await expect(log).to_contain_text("If that matches our records", timeout=20 * SECOND)
    async with aiohttp.ClientSession() as http:
        text = await Victim(http, waymark.addresses["sandbox"], CASE).next_text()
    found = re.search(r"code is (\d{6})", text)
    assert found
    assert found.group(1) not in await log.inner_text()
    await say(page, found.group(1))
    await expect(log).to_contain_text("recorded on", timeout=20 * SECOND)

    desk = await sign_in(browser, waymark)
    await say(page, "he is outside my window right now")
    await expect(log).to_contain_text("call 999", timeout=20 * SECOND)
    item = desk.locator("tr", has_text="Web chat").filter(has_text="Danger now").last
    await expect(item).to_be_visible(timeout=20 * SECOND)
    await item.get_by_role("link").first.click()
    await expect(desk.get_by_text("They said someone may see their screen.")).to_be_visible()
    await desk.locator('form[action$="/claim"] button').click()
    await expect(log).to_contain_text("You are now writing with Sam Price, a person", timeout=20 * SECOND)
    await expect(page.locator("#turn")).to_have_text("A person has your message.", timeout=20 * SECOND)
    await desk.fill("#text", "This is Sam. Can you lock the window?")
    await desk.click("#send")
    await expect(log).to_contain_text("Can you lock the window?", timeout=20 * SECOND)

    await desk.locator("#outcome-log_created").check()
    await desk.click("#hand-back")
    await expect(log).to_contain_text("automated assistant again", timeout=20 * SECOND)
    await say(page, "who is my officer")
    await expect(log).to_contain_text(case_of(CASE)["oic_collar_number"], timeout=20 * SECOND)
    await page.context.close()
    await desk.context.close()


async def test_without_javascript_a_victim_asks_and_is_answered(waymark: Running, browser: Browser) -> None:
    page = await start_chat(browser, waymark, javascript=False)
    await say(page, "what are my rights")
    log = page.locator("#log")
    for _ in range(40):
        if "Victims' Code" in await log.inner_text():
            break
        await page.wait_for_timeout(250)
        await page.click("#check")

    await expect(log).to_contain_text("Victims' Code")
    await page.context.close()
