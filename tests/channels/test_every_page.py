"""Every page of the victim's web, in every state it can be in, keeps every rule of page_checks.py.

Red when: see `broken/`, where each check has a page of its own that breaks it, and is seen to notice.
"""

import json
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route

from channels.webchat.pages import WebPages
from tests.channels.page_checks import BROKEN, Finding, PageChecks, Watch, list_twins
from tests.channels.pseudo_language import write_pseudo_language
from tests.channels.web_states import gather_states, open_window
from tests.channels.webchat_site import WebchatSite, run_webchat
from tests.support.browser import ON_ONE_LOOP, open_browser  # noqa: F401
from tests.support.databases import copy_sqlite

pytestmark = [pytest.mark.browser, ON_ONE_LOOP]

HERE = Path(__file__).parent
STATES = gather_states()
KNOWN = tomllib.loads((HERE / "axe_incomplete.toml").read_text(encoding="utf-8"))["known"]


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> WebPages:
    return write_pseudo_language(tmp_path_factory.mktemp("locale"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def checks(browser: Browser) -> AsyncIterator[PageChecks]:
    ink = await browser.new_page()
    yield PageChecks(ink, KNOWN)
    await ink.close()


@pytest_asyncio.fixture(loop_scope="session")
async def site(tmp_path: Path, pages: WebPages, sqlite_template: Path) -> AsyncIterator[WebchatSite]:
    copy_sqlite(sqlite_template, tmp_path / "waymark.db")
    async with run_webchat(tmp_path, pages=pages) as running:
        yield running


@pytest.mark.parametrize("name", STATES)
async def test_a_page_keeps_every_rule(
    browser: Browser, site: WebchatSite, checks: PageChecks, name: str
) -> None:
    watch, strangers = Watch(site), list[str]()
    async with open_window(browser, site, strangers=strangers, reduced_motion="reduce") as page:
        await watch.attach(page)
        await STATES[name](page, site)
        found = await checks.check(page, watch)
    found += [Finding("network", url) for url in strangers]
    if found:
        pytest.fail("\n".join(map(str, found)), pytrace=False)


# --- each check against a page that breaks it --------------------------------------------------------

TWINS = list_twins()


@pytest.mark.parametrize("twin", TWINS)
async def test_a_broken_page_is_noticed(
    browser: Browser, site: WebchatSite, checks: PageChecks, twin: str
) -> None:
    found = await look_at_twin(browser, site, checks, twin)
    assert twin.partition(".")[0] in {finding.check for finding in found}


async def test_the_page_they_are_made_of_is_sound(
    browser: Browser, site: WebchatSite, checks: PageChecks
) -> None:
    assert await look_at_twin(browser, site, checks, "") == []


async def look_at_twin(browser: Browser, site: WebchatSite, checks: PageChecks, twin: str) -> list[Finding]:
    """What is found on the page about this service with `broken/<twin>.*` put into it."""
    watch, strangers = Watch(site), list[str]()
    # Of its own: a ring seen on a sound page says nothing of a broken one.
    alone = PageChecks(checks.ink, checks.allowed_incomplete)
    async with open_window(browser, site, strangers=strangers, reduced_motion="reduce") as page:
        await watch.attach(page)
        await break_pages(page, twin or "none")
        await page.goto("/about")
        found = await alone.check(page, watch, only=twin.partition(".")[0])
    return found + [Finding("network", url) for url in strangers]


async def break_pages(page: Page, twin: str) -> None:
    """Puts the twin's words at the end of every page, its style and script into the head, and sets its headers."""
    words, style, script, headers = (BROKEN / f"{twin}.{kind}" for kind in ("html", "css", "js", "json"))

    async def serve(route: Route) -> None:
        if "/s/0/" in route.request.url:
            await route.fulfill(path=BROKEN / route.request.url.rpartition("/")[2])
            return
        if route.request.resource_type != "document":
            await route.fallback()
            return
        answer = await route.fetch()
        added = words.read_text(encoding="utf-8") if words.exists() else ""
        head = f'<link rel="stylesheet" href="/s/0/{style.name}">' if style.exists() else ""
        head += f'<script type="module" src="/s/0/{script.name}"></script>' if script.exists() else ""
        body = (
            (await answer.text()).replace("</main>", f"{added}</main>").replace("</head>", f"{head}</head>")
        )
        set_headers = json.loads(headers.read_text(encoding="utf-8")) if headers.exists() else {}
        await route.fulfill(response=answer, body=body, headers=answer.headers | set_headers)

    await page.route("**/*", serve)
