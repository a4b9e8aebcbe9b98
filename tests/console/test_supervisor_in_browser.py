"""The supervisor's pages in a real Chromium: live board, every state against axe, narrow screens, a file, one press.

Red when: the board's stream tells nothing, a table of the measures is wider than a phone and does not scroll by
itself, a picture has no words, or a bar is drawn with an inline style, which the content policy blocks.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, ViewportSize, expect

from casework.adapters.clock import SystemClock
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.desk import HandoffReason, Outcome
from casework.model.disclosures import Category
from casework.model.messages import Channel
from casework.services import desk
from tests.console.desk_site import PASSWORD, DeskSite, run_desk
from tests.support.browser import ON_ONE_LOOP, PATIENCE_MS, find_axe_violations, open_browser, sideways_scroll

pytestmark = [pytest.mark.browser, ON_ONE_LOOP]
__all__ = ["open_browser"]

DESKTOP: ViewportSize = {"width": 1280, "height": 800}
NARROWEST: ViewportSize = {"width": 320, "height": 640}
PAGES = (
    *("/console/board", "/console/measures", "/console/quality", "/console/broadcast", "/console/intake"),
    "/console/me",
)
_complaints: dict[Page, list[str]] = {}


@pytest_asyncio.fixture(loop_scope="session", name="site")
async def run_site(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[DeskSite]:
    async with run_desk(tmp_path, sqlite_template, SystemClock()) as running:
        running.add_staff("alex", "Alex Lee", role="supervisor")
        running.add_staff("sam", "Sam Price")
        yield running


@pytest_asyncio.fixture(loop_scope="session", name="context")
async def open_context(browser: Browser, site: DeskSite) -> AsyncIterator[BrowserContext]:
    context = await browser.new_context(base_url=site.url, viewport=DESKTOP)
    context.set_default_timeout(PATIENCE_MS)
    yield context
    await context.close()


async def log_in(context: BrowserContext, login: str = "alex") -> Page:
    page = await context.new_page()
    complaints = _complaints.setdefault(page, [])
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto("/login")
    await page.get_by_label("Name you log in with").fill(login)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("heading", name="Queue")).to_be_visible()
    return page


async def fill(site: DeskSite) -> str:
    """Enough of everything for numbers, hidden numbers, something overdue and something to look at again."""

    def write() -> str:
        for count, category in (
            (9, Category.STALKING_ESCALATION),
            (7, Category.OFFENDER_CONTACT_OR_RELEASE_FEAR),
            (3, Category.IMMEDIATE_DANGER),
        ):
            for number in range(count):
                site.victim_writes(category=category, channel=list(Channel)[number % 3])
        site.victim_writes(reason=HandoffReason.ASKED_FOR_PERSON)
        closed = site.victim_writes("a word to look at", category=Category.IMMEDIATE_DANGER)
        sam = site.service.database.read_now(lambda tx: tx.staff.find("sam"))
        assert sam is not None

        def close(tx: SqlTransaction) -> None:
            desk.claim_conversation(tx, closed, by=sam, texts=site.service.texts)
            tx.desk.close_all(closed, Outcome.TOLD_TO_CALL_999)

        site.write(close)
        return closed

    return await asyncio.to_thread(write)


async def test_the_board_shows_a_new_item_without_a_reload(site: DeskSite, context: BrowserContext) -> None:
    page = await log_in(context)
    await page.goto("/console/board")
    await expect(page.locator("body.is-live")).to_be_attached()
    await page.evaluate("window.isSamePage = true")
    row = page.locator("#grade-1")
    await expect(row.locator("td").first).to_have_text("0")

    await asyncio.to_thread(site.victim_writes, category=Category.IMMEDIATE_DANGER)

    await expect(row.locator("td").first).to_have_text("1")
    assert await page.evaluate("window.isSamePage")
    assert _complaints[page] == []


async def test_a_broadcast_appears_on_an_open_page_of_a_colleague(
    site: DeskSite, browser: Browser, context: BrowserContext
) -> None:
    sam = await log_in(context, "sam")
    await expect(sam.locator("body.is-live")).to_be_attached()
    await sam.evaluate("window.isSamePage = true")
    other = await browser.new_context(base_url=site.url)
    alex = await log_in(other)
    await alex.goto("/console/broadcast")
    await alex.get_by_label("What it says").fill("The lifts are out")
    await alex.get_by_role("button", name="Show it").click()

    await expect(sam.get_by_text("The lifts are out")).to_be_visible()
    assert await sam.evaluate("window.isSamePage")
    await other.close()


async def test_every_state_passes_axe_and_fits_a_narrow_phone(site: DeskSite, browser: Browser) -> None:
    talk = await fill(site)
    context = await browser.new_context(base_url=site.url, viewport=NARROWEST, bypass_csp=True)
    page = await log_in(context)
    await page.goto("/console/broadcast")
    await page.get_by_label("What it says").fill("The lifts are out")
    await page.get_by_role("button", name="Show it").click()
    await page.goto("/console/intake")
    await page.get_by_role("radio").first.check()
    await page.get_by_role("button", name="Show it").click()
    items = site.service.database.read_now(lambda tx: tx.desk.list_of_conversation(talk))
    states = [*PAGES, f"/console/quality/{items[0].id}", "/console/measures?days=3"]
    waiting = site.service.database.read_now(lambda tx: tx.boards.list_waiting(limit=1))
    states.append(f"/console/board/c/{waiting[0].conversation_id}")

    found = {}
    for path in states:
        await page.goto(path)
        found[path] = (await find_axe_violations(page), await sideways_scroll(page))
    await page.goto("/console/me")
    await page.get_by_role("button", name="Take a break now").click()
    await expect(page.get_by_text("Alerts are silent for you.").first).to_be_visible()
    found["on a break"] = (await find_axe_violations(page), await sideways_scroll(page))

    assert found == {path: ([], 0) for path in found}
    assert len(found) == len(states) + 1
    await context.close()


async def test_the_pictures_are_drawn_under_the_content_policy_and_hidden_numbers_are_nowhere(
    site: DeskSite, context: BrowserContext
) -> None:
    await fill(site)
    page = await log_in(context)

    await page.goto("/console/measures")

    section = page.locator("#measure-grades")
    assert await section.locator("svg rect").count() == 4
    widths = [
        await section.locator("svg rect").nth(each).evaluate("each => each.getBoundingClientRect().width")
        for each in range(4)
    ]
    assert widths[0] == 0  # grade 1: 4 of them, hidden
    assert max(widths) > 100
    assert "fewer than 5" in await section.inner_text()
    assert await section.locator("svg").get_attribute("style") is None
    assert "fewer than 5" in (await section.locator("svg title").text_content() or "")
    assert _complaints[page] == []


async def test_a_table_is_downloaded_as_it_stands(site: DeskSite, context: BrowserContext) -> None:
    await fill(site)
    page = await log_in(context)
    await page.goto("/console/measures")

    async with page.expect_download() as started:
        await page.locator("#measure-channels").get_by_role("link", name="Download as CSV").click()
    download = await started.value

    text = await asyncio.to_thread((await download.path()).read_text, "utf-8")
    assert text.startswith('"channel","count"')
    assert download.suggested_filename.startswith("waymark-channels-")


async def test_a_break_is_one_press(site: DeskSite, context: BrowserContext) -> None:
    await fill(site)
    page = await log_in(context, "sam")

    await page.locator("#take-break").click()

    await expect(page.get_by_role("heading", name="Only you")).to_be_visible()
    await page.get_by_role("button", name="I am back").first.click()
    await expect(page.get_by_role("heading", name="Queue")).to_be_visible()
    assert await page.locator("#on-break").count() == 0
