"""An invite in a real Chromium, with and without JavaScript: look, press, write."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import segno
from playwright.async_api import Browser, expect

from casework.adapters.storage.tables import invite
from casework.services.invites import ByWayOf, issue_invite
from channels.webchat.leaflet import render_leaflet
from channels.webchat.pages import EXIT_SITE
from tests.channels.webchat_site import WebchatSite, run_webchat
from tests.support.browser import (
    ON_ONE_LOOP,
    PATIENCE_MS,
    find_axe_violations,
    open_browser,  # noqa: F401
    sideways_scroll,
)
from tests.support.builders import REFERENCE, a_case

WHERE_THE_CODE_IS = """() => {
  const { x, y, width, height } = document.querySelector('svg').viewBox.baseVal
  return [x, y, width, height]
}"""
# The blank squares left of, above, right of and below the drawn ones, within what the page shows.
MARGINS = """() => {
  const seen = document.querySelector('svg').viewBox.baseVal
  const path = [...document.querySelectorAll('svg path')].at(-1)
  const box = path.getBBox({ stroke: false })
  return [box.x, Math.floor(box.y), seen.width - box.x - box.width, seen.height - Math.ceil(box.y + box.height)]
}"""

pytestmark = [pytest.mark.browser, ON_ONE_LOOP]


@pytest_asyncio.fixture(loop_scope="session")
async def site(tmp_path: Path) -> AsyncIterator[WebchatSite]:
    async with run_webchat(tmp_path) as running:
        running.service.database.write_now(lambda tx: tx.cases.record_all([a_case()]))
        yield running


def issue(site: WebchatSite) -> str:
    return site.service.database.write_now(
        lambda tx: issue_invite(tx, REFERENCE, by="staff", by_way_of=ByWayOf.LINK).token
    )


@pytest.mark.parametrize("with_script", [True, False])
async def test_a_person_looks_presses_and_writes_and_the_link_is_spent(
    browser: Browser, site: WebchatSite, with_script: bool
) -> None:
    token = issue(site)
    context = await browser.new_context(base_url=site.url, java_script_enabled=with_script)
    context.set_default_timeout(PATIENCE_MS)
    page = await context.new_page()

    await page.goto(f"/i/{token}")
    await page.reload()
    assert site.rows(invite)[0].used_at is None
    await page.get_by_role("button", name="Open").click()
    await expect(page.get_by_role("heading", name="Messages", level=1)).to_be_visible()
    await page.get_by_label("Your message").fill("what happens next")
    await page.get_by_role("button", name="Send", exact=True).click()
    await expect(page.locator("#log").get_by_text("what happens next")).to_be_visible()

    await page.goto(f"/i/{token}")
    await page.get_by_role("button", name="Open").click()
    await expect(page.get_by_role("heading", name="This link opens nothing")).to_be_visible()
    assert page.url.endswith(token)
    await context.close()


@pytest.mark.parametrize("width", [320, 1280])
async def test_both_pages_can_be_read_and_used_by_everyone(
    browser: Browser, site: WebchatSite, width: int
) -> None:
    context = await browser.new_context(
        base_url=site.url, bypass_csp=True, viewport={"width": width, "height": 800}
    )
    page = await context.new_page()

    await page.goto("/i/looked-at")
    assert await find_axe_violations(page) == []
    assert await sideways_scroll(page) == 0
    await page.get_by_role("button", name="Open").click()
    await expect(page.get_by_role("heading", name="This link opens nothing")).to_be_visible()
    assert await find_axe_violations(page) == []
    assert await sideways_scroll(page) == 0
    await context.close()


async def test_the_way_out_works_without_a_script(browser: Browser, site: WebchatSite) -> None:
    context = await browser.new_context(base_url=site.url, java_script_enabled=False)
    await context.route(
        f"{EXIT_SITE}**",
        lambda route: route.fulfill(body="<title>Weather</title>fine", content_type="text/html"),
    )
    page = await context.new_page()

    await page.goto("/i/anything")
    await page.get_by_role("link", name="Emergency Exit this page").click()

    await page.wait_for_url(EXIT_SITE)
    await context.close()


async def test_a_leaflet_fits_one_printed_page(browser: Browser, tmp_path: Path) -> None:
    from datetime import date

    leaflet = tmp_path / "leaflet.html"
    link = f"https://messages.long-name-of-a-service.example.org/i/{'A-b_' * 8}"
    leaflet.write_text(render_leaflet(link, works_until=date(2026, 11, 27)))
    context = await browser.new_context()
    page = await context.new_page()

    await page.goto(leaflet.as_uri())
    printed = await page.pdf(prefer_css_page_size=True)

    assert printed.count(b"/Type /Page\n") == 1
    assert await page.evaluate(WHERE_THE_CODE_IS) == [
        0,
        0,
        *[len(segno.make(link, error="m").matrix) + 8] * 2,
    ]
    assert await page.evaluate(MARGINS) == [4, 4, 4, 4]
    assert await find_axe_violations(page) == []
    await context.close()
