"""An evaluation's pages in a real Chromium: no wider than a phone, heads a screen reader follows, a way by keyboard.

Red when: a table is not in a region that scrolls by itself, or a cell's head is not a head; shown with `table-wrap` and
with `scope` taken out.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, ViewportSize, expect

from casework.adapters.clock import SystemClock
from casework.services import evaluations
from tests.console.desk_site import DeskSite, run_desk
from tests.console.model_desk import LIVE, NEW, NEW_PATH, a_change, add_candidate, compare, found_live
from tests.console.review_desk import add_item
from tests.console.test_evaluation_pages import MISSED, PATH, add_row
from tests.console.test_models_in_browser import look, signed_in
from tests.support.browser import ON_ONE_LOOP, open_browser
from tests.support.evaluations import INVENTED, an_evaluation

pytestmark = [pytest.mark.browser, ON_ONE_LOOP]
__all__ = ["open_browser"]

SIZES = tuple(ViewportSize(width=width, height=800) for width in (1280, 390, 320))


@pytest_asyncio.fixture(loop_scope="session", name="site")
async def run_site(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[DeskSite]:
    async with run_desk(tmp_path, sqlite_template, SystemClock()) as running:
        running.is_glass_open = False
        running.add_staff("toni", "Toni Test-Trainer", role="trainer")
        yield running


def lay(site: DeskSite) -> str:
    """An evaluation with rows of trainers, and a comparison; its path."""
    found_live(site)
    add_candidate(site)
    tested = add_row(site, "he waits by the gate again", "1f")
    taught = add_row(site, "he has my key and my old phone", "2f", side="train")
    evaluation = an_evaluation(NEW, against=LIVE, own=tested, untaught=taught)
    site.write(lambda tx: evaluations.record_details(tx, evaluation, by="launcher"))
    changes = [a_change(add_item(site, f"he is here {n}"), harm=n) for n in (1, 2)]
    return f"/workbench/comparisons/{compare(site, *changes)}"


async def test_every_page_of_an_evaluation_passes_axe_and_fits_a_narrow_phone(
    site: DeskSite, browser: Browser
) -> None:
    compared = await asyncio.to_thread(lay, site)
    found = {}
    for size in SIZES:
        async with signed_in(browser, site, "toni", size, bypass_csp=True) as page:
            await open_details_from_now_on(page)
            paths = [NEW_PATH, PATH, MISSED, compared, f"{compared}/1"]
            found |= await look(page, paths, f"evaluation-{size['width']}")
    assert found == {path: ([], 0) for path in found}


async def open_details_from_now_on(page: Page) -> None:
    """The tables behind them are looked at too."""
    await page.add_init_script(
        "addEventListener('DOMContentLoaded',"
        " () => document.querySelectorAll('details').forEach(each => { each.open = true }))"
    )


async def test_a_cell_is_found_by_its_heads_and_opened_by_keyboard_without_a_script(
    site: DeskSite, browser: Browser
) -> None:
    await asyncio.to_thread(lay, site)
    async with signed_in(browser, site, "toni", java_script_enabled=False) as page:
        await page.goto(PATH)
        part = page.locator("#confusion-dev")
        await part.locator("summary").focus()
        await page.keyboard.press("Enter")
        table = part.get_by_role("table")
        await expect(table.get_by_role("columnheader", name="What is happening")).to_be_visible()
        await expect(table.get_by_role("rowheader", name="Danger")).to_be_visible()
        await table.get_by_role("link", name="1 meant as Danger, read as What is happening").focus()
        await page.keyboard.press("Enter")

        await expect(page.get_by_text(INVENTED)).to_be_visible()
        await page.get_by_role("link", name="All that was measured").click()
        await expect(page.get_by_role("heading", name="What was measured")).to_be_visible()
