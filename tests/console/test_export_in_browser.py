"""A sealed record opened from a disk in a real browser: nothing in it runs, asks or moves, and everybody can read it.

Red when: a page writes text without escaping it, or without its policy (the twin in test_hostile_text_in_browser.py).
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Route

from casework.adapters.storage.database import Database, create_engine
from casework.adapters.storage.tables import conversation
from casework.services.disclosure_export_ports import ExportScope
from tests.casework.adapters.export_tale import make_bundle, scope_of, tell_tale, unpack
from tests.console.desk_site import run_desk
from tests.console.hostile_desk import load_corpus, make_hostile_desk
from tests.support.browser import (
    ON_ONE_LOOP,
    PATIENCE_MS,
    find_axe_violations,
    open_browser,
    sideways_scroll,
)
from tests.support.clock import SetClock
from tests.support.databases import copy_sqlite

__all__ = ["open_browser"]

pytestmark = [pytest.mark.browser, ON_ONE_LOOP]

WATCH = "window.ran = []; for (const name of ['alert', 'confirm', 'prompt']) window[name] = () => window.ran.push(name)"


@pytest_asyncio.fixture(loop_scope="session", scope="module", name="folder")
async def make_hostile_record(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Path:
    """Of every hostile text at once: in messages, names, notes, files, reasons, the case's own words."""
    folder = tmp_path_factory.mktemp("hostile")
    async with run_desk(folder, sqlite_template, SetClock()) as site:
        viewer = site.add_staff("sam", "Sam Price", role="supervisor")
        made = make_hostile_desk(site, viewer_id=viewer)
        ids = tuple(row.id for row in site.rows(conversation) if not row.is_drill)
        assert len(ids) <= len(made) == len(load_corpus())
        content, _ = make_bundle(site.service.database, ExportScope(conversation_ids=ids), folder / "keys")
    return unpack(content, folder / "record")


@pytest_asyncio.fixture(loop_scope="session", name="context")
async def open_context(browser: Browser) -> AsyncIterator[BrowserContext]:
    context = await browser.new_context()
    context.set_default_timeout(PATIENCE_MS)
    await context.add_init_script(WATCH)
    yield context
    await context.close()


def pages_of(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.html"))


async def test_nothing_in_it_runs_and_nothing_is_asked_for(context: BrowserContext, folder: Path) -> None:
    asked: list[str] = []
    found: list[str] = []

    async def note(route: Route) -> None:
        asked.append(route.request.url)
        await route.continue_()

    await context.route("**/*", note)
    page = await context.new_page()
    page.on("dialog", lambda _dialog: found.append("dialog"))
    page.on("console", lambda message: found.append(message.text))
    pages = pages_of(folder)
    for path in pages:
        await page.goto(path.as_uri())
        found += await page.evaluate("window.ran")
        assert (
            await page.evaluate(
                "document.scripts.length + document.querySelectorAll('iframe,object,embed,img,base,form').length"
            )
            == 0
        )
    assert found == []
    assert {each for each in asked if not each.startswith("blob:")} == {path.as_uri() for path in pages}


async def test_each_link_leads_into_the_record_itself(context: BrowserContext, folder: Path) -> None:
    page = await context.new_page()
    for path in pages_of(folder):
        await page.goto(path.as_uri())
        links = await page.evaluate("[...document.links].map((each) => each.getAttribute('href'))")
        assert [each for each in links if not (folder / each).is_file()] == []


async def test_its_pages_fit_a_narrow_window_whatever_stands_in_them(browser: Browser, folder: Path) -> None:
    context = await browser.new_context(viewport={"width": 320, "height": 640})
    page = await context.new_page()
    for path in pages_of(folder):
        await page.goto(path.as_uri())
        assert await sideways_scroll(page) == 0, path.name
    await context.close()


async def test_its_pages_pass_axe(browser: Browser, tmp_path: Path, sqlite_template: Path) -> None:
    """Of a conversation with one record of each kind: axe takes minutes over a page of five hundred."""
    clock = SetClock()
    database = Database(create_engine(copy_sqlite(sqlite_template, tmp_path / "waymark.db")), clock)
    content, _ = make_bundle(database, scope_of(tell_tale(database, clock), case=True), tmp_path / "keys")
    database.close()
    folder = unpack(content, tmp_path / "record")
    context = await browser.new_context(bypass_csp=True)
    page = await context.new_page()
    for path in pages_of(folder):
        await page.goto(path.as_uri())
        assert await find_axe_violations(page) == [], path.name
    await context.close()


async def test_it_prints(browser: Browser, folder: Path) -> None:
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto((folder / "internal.html").as_uri())
    printed = await page.pdf()
    await context.close()
    assert printed.startswith(b"%PDF") and len(printed) > 10_000
