"""A model's way to people in a real Chromium: proposed by one, released by another, gone back from in one press.

Red when: the running work's page does not follow, a page is wider than a phone, or the way needs a script.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, ViewportSize, expect

from casework.adapters.clock import SystemClock
from casework.services import workbench_jobs
from casework.services.job_ports import JobKind
from tests.console.desk_site import PASSWORD, DeskSite, run_desk
from tests.console.model_desk import (
    ALERTED,
    ANSWERED,
    LIVE,
    NEW,
    NEW_PATH,
    a_change,
    add_candidate,
    compare,
    found_live,
    live_of,
)
from tests.console.review_desk import add_item
from tests.support.browser import ON_ONE_LOOP, PATIENCE_MS, find_axe_violations, open_browser, sideways_scroll

pytestmark = [pytest.mark.browser, ON_ONE_LOOP]
__all__ = ["open_browser"]

DESKTOP: ViewportSize = {"width": 1280, "height": 800}
NARROWEST: ViewportSize = {"width": 320, "height": 640}
SCREENSHOTS = os.environ.get("WAYMARK_SCREENSHOTS")
WORKER = "worker"


@pytest_asyncio.fixture(loop_scope="session", name="site")
async def run_site(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[DeskSite]:
    async with run_desk(tmp_path, sqlite_template, SystemClock()) as running:
        running.is_glass_open = False
        running.add_staff("toni", "Toni Test-Trainer", role="trainer")
        running.add_staff("alex", "Alex Test-Supervisor", role="supervisor")
        yield running


@asynccontextmanager
async def signed_in(
    browser: Browser, site: DeskSite, login: str, size: ViewportSize = DESKTOP, **options: Any
) -> AsyncIterator[Page]:
    context = await browser.new_context(base_url=site.url, viewport=size, **options)
    context.set_default_timeout(PATIENCE_MS)
    page = await context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if "Policy" in message.text else None)
    await page.goto("/login")
    await page.get_by_label("Name you log in with").fill(login)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("button", name="Log out")).to_be_visible()
    yield page
    assert complaints == []
    await context.close()


def lay(site: DeskSite) -> str:
    """Two models and what would change between them; the comparison's id."""
    found_live(site, missed=9)
    add_candidate(site)
    return compare(
        site,
        a_change(add_item(site, "hes outside again and my lads asleep upstairs"), harm=1),
        a_change(
            add_item(site, "my ex keeps following me home from work"), before=ANSWERED, after=ALERTED, harm=2
        ),
        turns=5000,
    )


async def test_a_model_goes_live_by_two_people_and_back_in_one_press_without_a_script(
    site: DeskSite, browser: Browser
) -> None:
    compared = await asyncio.to_thread(lay, site)
    async with (
        signed_in(browser, site, "toni", java_script_enabled=False) as toni,
        signed_in(browser, site, "alex", java_script_enabled=False) as alex,
    ):
        for page in (toni, alex):
            await page.goto(f"/workbench/comparisons/{compared}")
            await page.get_by_role("link", name="Open them one by one").click()
            await page.get_by_role("link", name="Next", exact=True).click()
            await expect(page.get_by_text("It is noted that you have opened it.")).to_be_visible()
        await toni.goto(NEW_PATH)
        await toni.get_by_role("link", name="Propose it").click()
        await toni.get_by_role("button", name="Propose it").click()
        await expect(toni.get_by_text("Proposed. A supervisor decides.")).to_be_visible()

        await alex.goto("/workbench/models")
        await alex.get_by_role("link", name="Look at it and decide").click()
        await alex.get_by_role("link", name="Decide on it").click()
        await expect(alex.get_by_text("Stop here and look.")).to_be_visible()
        assert live_of(site) == LIVE
        await alex.get_by_role("button", name="Release it", exact=True).click()
        await expect(alex.get_by_text("Released. New talks go to it now.")).to_be_visible()
        assert live_of(site) == NEW

        await toni.goto("/workbench/models")
        await toni.get_by_label("Why").fill("it misses weapons")
        await toni.get_by_role("button", name="Go back now").click()
        await expect(toni.get_by_text("Gone back.")).to_be_visible()
    assert live_of(site) == LIVE


async def test_an_open_page_follows_the_work(site: DeskSite, browser: Browser) -> None:
    async with signed_in(browser, site, "toni") as page:
        await page.goto("/workbench/data")
        await page.get_by_role("button", name="Write, teach and measure").click()
        await expect(page.locator("body.is-live")).to_be_attached()
        await page.evaluate("window.isSamePage = true")
        job_id = page.url.rpartition("/")[2]
        tell = partial(workbench_jobs.progress, job_id=job_id, worker=WORKER)

        await asyncio.to_thread(site.write, lambda tx: workbench_jobs.lease(tx, WORKER))
        await asyncio.to_thread(site.write, lambda tx: tell(tx, says="Training", done=100, total=400))
        await expect(page.locator("#job-percent")).to_have_text("25 in 100 done")
        done = {"model_id": NEW, "passed": True, "gates": 31, "gates_passed": 31}
        await asyncio.to_thread(site.write, lambda tx: workbench_jobs.finish(tx, job_id, WORKER, result=done))

        await expect(page.get_by_text("All 31 checks passed.")).to_be_visible()
        assert await page.evaluate("window.isSamePage")


async def test_every_page_passes_axe_and_fits_a_narrow_phone(site: DeskSite, browser: Browser) -> None:
    compared = await asyncio.to_thread(lay, site)
    job_id = await asyncio.to_thread(
        site.write, lambda tx: workbench_jobs.ask(tx, JobKind.TRAIN, {}, by="launcher")
    )
    await asyncio.to_thread(site.write, lambda tx: workbench_jobs.lease(tx, WORKER))
    tell = partial(
        workbench_jobs.progress, job_id=job_id, worker=WORKER, says="Training", done=100, total=400
    )
    await asyncio.to_thread(site.write, tell)
    before = ["/workbench", "/workbench/data", f"/workbench/jobs/{job_id}", "/workbench/models", NEW_PATH]
    before += [f"/workbench/comparisons/{compared}", f"{NEW_PATH}/propose", "/workbench/models/back"]
    before += [f"/workbench/comparisons/{compared}/{place}" for place in (1, 2)]
    after = ["/workbench/models", NEW_PATH, f"{NEW_PATH}/propose"]
    found = {}
    for size in (DESKTOP, NARROWEST):
        async with signed_in(browser, site, "toni", size, bypass_csp=True) as page:
            found |= await look(page, before, f"toni-{size['width']}")
            if size is DESKTOP:
                await page.goto(f"{NEW_PATH}/propose")
                await page.get_by_role("button", name="Propose it").click()
            else:
                found |= await look(page, after, f"toni-proposed-{size['width']}")
        async with signed_in(browser, site, "alex", size, bypass_csp=True) as page:
            if size is DESKTOP:
                await page.goto(f"/workbench/comparisons/{compared}/1")
            places = ["/workbench/models", NEW_PATH, f"{NEW_PATH}/promote"]
            found |= await look(page, places, f"alex-{size['width']}")
    assert found == {path: ([], 0) for path in found}


async def look(page: Page, paths: list[str], name: str) -> dict[str, tuple[list[str], int]]:
    found = {}
    for path in paths:
        answer = await page.goto(path)
        assert answer is not None and answer.status == 200, path
        found[f"{name} {path}"] = (await find_axe_violations(page), await sideways_scroll(page))
        if SCREENSHOTS:
            file = f"{name}{path.replace('/', '_')}.png"
            await page.screenshot(path=Path(SCREENSHOTS) / file, full_page=True)
    return found
