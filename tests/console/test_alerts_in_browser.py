"""What is heard at the desk: only danger repeats, and nothing before somebody let the sound in.

Tones are counted where the browser makes them. The page's clock is the test's own, so that ten seconds are ten
seconds of it. Red when: `repeat` plays high too, DANGER_EVERY_MS is longer, `mayAlert` forgets the shift or the break,
or nobody listens to "link".
"""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, expect

from casework.adapters.clock import SystemClock
from casework.model.desk import HandoffReason
from casework.model.disclosures import Category
from console.live_pages import STREAMS
from tests.console.desk_site import DeskSite, run_desk
from tests.console.test_queue_in_browser import DESKTOP, log_in, write
from tests.support.browser import ON_ONE_LOOP, PATIENCE_MS, open_browser

pytestmark = [pytest.mark.browser, ON_ONE_LOOP]
__all__ = ["open_browser"]

# Before the page's own scripts: every tone that begins, by its pitch, and every notification.
EARS = """
window.tones = [];
window.notices = [];
// What a test waits for: the page's policy lets it evaluate nothing over and over.
const mark = (name) => document.documentElement.setAttribute("data-" + name, "");
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...when) {
  window.tones.push(this.frequency.value);
  mark("tones-" + window.tones.length);
  return start.apply(this, when);
};
window.Notification = class {
  static permission = "granted";
  static requestPermission() { window.askedPermission = true; return Promise.resolve("granted"); }
  constructor(title, options) { window.notices.push([title, options.body ?? ""]); mark("noticed"); }
};
"""
DANGER_TONE, HIGH_TONE, LOST_TONE = [880, 660], [660], [220]


@pytest_asyncio.fixture(loop_scope="session", name="site")
async def run_site(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[DeskSite]:
    async with run_desk(tmp_path, sqlite_template, SystemClock()) as running:
        running.add_staff("sam", "Sam Price")
        yield running


@pytest_asyncio.fixture(loop_scope="session", name="context")
async def open_context(browser: Browser, site: DeskSite) -> AsyncIterator[BrowserContext]:
    context = await browser.new_context(base_url=site.url, viewport=DESKTOP)
    context.set_default_timeout(PATIENCE_MS)
    await context.add_init_script(EARS)
    yield context
    await context.close()


async def start_shift(context: BrowserContext) -> Page:
    page = await log_in(context)
    await page.goto("/console/start")
    await page.get_by_role("button", name="Play the tone").click()
    await hear(page, 2)
    await page.get_by_label("Yes").check()
    await page.get_by_role("button", name="Start shift").click()
    await expect(page.locator("body[data-sound=on]")).to_be_attached()
    await expect(page.locator("#sound")).to_have_text("Sound on")
    return page


async def heard(page: Page) -> list[float]:
    tones: list[float] = await page.evaluate("window.tones")
    return tones


async def hear(page: Page, count: int) -> None:
    """Waits until so many tones have begun since the page opened or the last `forget`."""
    await expect(page.locator(f"html[data-tones-{count}]")).to_be_attached()


async def forget(page: Page) -> None:
    await page.evaluate(
        """() => {
        const root = document.documentElement;
        window.tones.forEach((_, at) => root.removeAttribute(`data-tones-${at + 1}`));
        window.tones.length = 0;
        }"""
    )


async def test_start_shift_lets_the_sound_in_and_says_what_was_heard(
    site: DeskSite, context: BrowserContext
) -> None:
    await start_shift(context)

    shift = site.service.database.read_now(lambda tx: tx.shifts.list_running())
    assert [(each.staff_name, each.sound_heard) for each in shift] == [("Sam Price", True)]


async def test_danger_sounds_again_until_somebody_claims_it(site: DeskSite, context: BrowserContext) -> None:
    page = await start_shift(context)
    kim = await site.detective("kim", "Kim Test-Officer")

    conversation_id = await write(site, category=Category.IMMEDIATE_DANGER)
    await hear(page, 4)
    assert (await heard(page))[:4] == DANGER_TONE * 2
    await kim.claim(conversation_id)
    await expect(page.locator("#danger-bar")).to_be_hidden()
    await forget(page)
    # Another danger begins to sound at once: had the first gone on, there would be more than its tones.
    await write(site, category=Category.IMMEDIATE_DANGER)
    await hear(page, 2)
    assert await heard(page) == DANGER_TONE


async def test_high_sounds_once_and_what_is_routine_not_at_all(
    site: DeskSite, context: BrowserContext
) -> None:
    page = await start_shift(context)
    await write(site, reason=HandoffReason.ASKED_FOR_PERSON)
    await expect(page.locator(".queue tbody tr")).to_have_count(1)
    await write(site, category=Category.STALKING_ESCALATION)
    await hear(page, 1)

    # Two tones of danger are ten seconds apart; in that time nothing else may have sounded.
    await write(site, category=Category.IMMEDIATE_DANGER)
    await hear(page, 5)

    assert await heard(page) == HIGH_TONE + DANGER_TONE * 2


async def test_a_lost_link_is_said_and_sounds_and_the_title_has_a_mark(
    site: DeskSite, context: BrowserContext
) -> None:
    page = await start_shift(context)
    await expect(page.locator("body.is-live")).to_be_attached()

    await context.set_offline(True)
    for task in tuple(site.app[STREAMS]):
        task.cancel()
    await expect(page.locator("#link-lost")).to_be_visible()
    await hear(page, 1)

    assert await heard(page) == LOST_TONE
    await expect(page).to_have_title(re.compile("^! "))
    await context.set_offline(False)
    await expect(page.locator("#link-lost")).to_be_hidden(timeout=PATIENCE_MS)
    await expect(page).to_have_title(re.compile("^[^!]"))


async def test_a_browser_that_keeps_the_sound_out_is_told_so_until_somebody_presses(
    site: DeskSite, context: BrowserContext
) -> None:
    page = await log_in(context)
    await expect(page.locator("#sound")).to_have_text("Sound off: no shift")
    await write(site, category=Category.IMMEDIATE_DANGER)
    sam = site.service.database.read_now(lambda tx: tx.staff.find("sam"))
    assert sam is not None
    await asyncio.to_thread(
        site.write, lambda tx: tx.shifts.start(sam.id, sound_heard=None, covers_words=False)
    )
    blocked = page.get_by_role("button", name="Sound is blocked. Press to turn on")
    await expect(blocked).to_be_visible()
    assert await heard(page) == []

    await blocked.click()

    await hear(page, 2)
    await expect(page.locator("#sound")).to_have_text("Sound on")


async def test_on_a_break_nothing_sounds(site: DeskSite, context: BrowserContext) -> None:
    page = await start_shift(context)
    sam = site.service.database.read_now(lambda tx: tx.staff.find("sam"))
    assert sam is not None
    await asyncio.to_thread(site.write, lambda tx: tx.shifts.set_break(sam.id, tx.now))
    await expect(page.locator("body[data-sound=on-break]")).to_be_attached()
    await forget(page)

    await write(site, category=Category.IMMEDIATE_DANGER)
    await expect(page.locator("#danger-bar")).to_be_visible()
    await asyncio.to_thread(site.write, lambda tx: tx.shifts.set_break(sam.id, None))
    await hear(page, 2)

    assert await heard(page) == DANGER_TONE


async def test_a_notice_of_the_system_says_nothing_of_anybody(
    site: DeskSite, context: BrowserContext
) -> None:
    page = await start_shift(context)
    await page.evaluate("Object.defineProperty(document, 'hidden', { get: () => true })")

    await write(site, text="he is outside with a knife", category=Category.IMMEDIATE_DANGER)
    await expect(page.locator("html[data-noticed]")).to_be_attached()

    assert await page.evaluate("window.notices") == [["Waymark: new urgent item", ""]]
