"""One real Chromium for the whole run, as the session fixture `browser`: import `open_browser` to have it.

Tests that use it run on the session's event loop: `pytestmark = [pytest.mark.browser, ON_ONE_LOOP]`.
"""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright, expect

ON_ONE_LOOP = pytest.mark.asyncio(loop_scope="session")
CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 20_000
"""How long a page may take to say what is expected of it: a busy machine is slow, not wrong."""
STANDS_STILL = """
  async () => {
    await document.fonts.ready
    let still = 0, last = ''
    while (still < 10) {
      scrollTo({ top: 0, behavior: 'instant' })
      await new Promise(requestAnimationFrame)
      const now = [scrollY, document.documentElement.scrollHeight, document.body.className].join()
      still = now === last ? still + 1 : 0
      last = now
    }
  }
"""
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest_asyncio.fixture(scope="session", loop_scope="session", name="browser")
async def open_browser() -> AsyncIterator[Browser]:
    """Skips, loudly, where Chromium is missing; fails in CI, where it must not be."""
    check_chromium()
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        yield launched
        await launched.close()


def check_chromium() -> None:
    if CHROMIUM.exists():
        return
    why = f"NO BROWSER TEST RAN: {CHROMIUM} is missing. Install Chromium or set CHROMIUM to its path."
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


async def rest_at_top(page: Page) -> None:
    """Waits until the page has loaded and stands still for ten frames, read from its top.

    What is half under the bar that stays in view counts for axe as too small to press.
    """
    await page.wait_for_load_state("load")
    await page.evaluate(STANDS_STILL)


async def find_axe_violations(page: Page) -> list[str]:
    """`rule: first element` for every violation. The page's context needs `bypass_csp=True`."""
    await rest_at_top(page)
    found: Any = await Axe().run(page, options={"runOnly": {"type": "tag", "values": AXE_TAGS}})
    return [f"{rule['id']}: {rule['nodes'][0]['html']}" for rule in found.response["violations"]]


async def sideways_scroll(page: Page) -> int:
    """How many pixels the page is wider than its window; 0 is right."""
    wider: int = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return max(0, wider)
