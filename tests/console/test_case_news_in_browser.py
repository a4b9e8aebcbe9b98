"""The case's news and the Code's limits in a real Chromium: axe, narrow screens, and the button."""

import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, ViewportSize, expect

from casework.adapters.clock import SystemClock
from casework.adapters.storage.tables import case_notice
from casework.services.ports import ClockStatus
from tests.console.desk_site import PASSWORD, DeskSite, run_desk
from tests.console.test_case_news import happens, released, work
from tests.support.browser import ON_ONE_LOOP, find_axe_violations, open_browser, sideways_scroll

pytestmark = [pytest.mark.browser, ON_ONE_LOOP]
__all__ = ["open_browser"]

SIZES: list[ViewportSize] = [{"width": 1280, "height": 900}, {"width": 320, "height": 640}]
SCREENSHOTS = os.environ.get("WAYMARK_SCREENSHOTS")


@pytest_asyncio.fixture(loop_scope="session", name="site")
async def run_site(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[DeskSite]:
    async with run_desk(tmp_path, sqlite_template, SystemClock()) as running:
        running.add_staff("sam", "Sam Price")
        yield running


async def log_in(browser: Browser, site: DeskSite, size: ViewportSize) -> Page:
    context = await browser.new_context(base_url=site.url, viewport=size, bypass_csp=True)
    page = await context.new_page()
    await page.goto("/login")
    await page.get_by_label("Name you log in with").fill("sam")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("heading", name="Queue")).to_be_visible()
    return page


async def show(page: Page, path: str, name: str) -> None:
    await page.goto(path)
    if SCREENSHOTS:
        await page.screenshot(path=f"{SCREENSHOTS}/{name}.png", full_page=True)
    assert await find_axe_violations(page) == []
    assert await sideways_scroll(page) == 0


@pytest.mark.parametrize("size", SIZES, ids=["wide", "narrow"])
async def test_the_news_and_the_limits_pass_axe_and_fit(
    browser: Browser, site: DeskSite, size: ViewportSize, request: pytest.FixtureRequest
) -> None:
    today = site.clock.now().date()
    conversation_id = await released(site, stage_since=today - timedelta(days=9))
    happens(site, "bail_changed")
    await work(site)
    site.write(
        lambda tx: tx.clocks.set_due(
            tx.clocks.list_all()[0].id, today - timedelta(days=1), ClockStatus.RUNNING
        )
    )
    await work(site)
    page = await log_in(browser, site, size)

    await show(page, f"/console/c/{conversation_id}", f"news-{request.node.callspec.id}")
    await show(page, "/console/clocks", f"limits-{request.node.callspec.id}")
    await page.context.close()


async def test_i_have_told_them_by_keyboard(browser: Browser, site: DeskSite) -> None:
    conversation_id = await released(site, stage_since=site.clock.now().date() - timedelta(days=1))
    page = await log_in(browser, site, SIZES[0])
    await page.goto(f"/console/c/{conversation_id}")

    await page.get_by_label("Who told them").fill("PC Jo Test")
    await page.get_by_role("button", name="I have told them").focus()
    await page.keyboard.press("Enter")

    await expect(page.get_by_role("button", name="I have told them")).to_have_count(0)
    await expect(page.get_by_text("by PC Jo Test")).to_be_visible()
    [notice] = site.rows(case_notice)
    assert notice.told_by == "PC Jo Test"
    await page.context.close()
