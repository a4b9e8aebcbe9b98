"""Every hostile text through every place of the desk, in a real Chromium with the content policy on.

Nothing may run, nothing may be asked of another host, and the policy may have nothing to block: what it blocks has got
onto the page already.

Red when, each tried once: `autoescape` is off (every page then holds a tag of theirs), or `close_marks` is left out of
the pages. The twin at the end is such a broken page; downloads have theirs in test_csv_tables.py.
"""

import asyncio
import csv
import io
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, BrowserContext, Page, Route
from playwright.async_api import Error as PlaywrightError

from casework.adapters.clock import SystemClock
from casework.adapters.storage.schema import metadata
from tests.channels.provider_stand_ins import serving
from tests.console.desk_site import DeskSite, Detective, run_desk
from tests.console.hostile_desk import Hostile, list_undecided, load_corpus, make_hostile_desk, storable
from tests.support.browser import ON_ONE_LOOP, PATIENCE_MS, open_browser

pytestmark = [pytest.mark.browser, pytest.mark.slow, ON_ONE_LOOP]
__all__ = ["open_browser"]

FEWEST_TEXTS = 150
WRITTEN_AT_ONCE = 60
# Not pages, or pages that lead away: a stream, a file's bytes, the way to the next conversation, static files.
NOT_PAGES = re.compile(
    r"/events$|^/static|^/health|/next$|^/$|\{media_id\}|\.csv$|^/login|^/account|/size$|^/a/"
)
# What a page may hold that the browser could run or fetch: our own scripts, sheets, pictures and addresses.
OWN = re.compile(r"/(static/|console|workbench|o/|a/|logout|login|health/|account|\?|#)|#|\?|mailto:|tel:|$")
EVENT = re.compile(r"on[a-z]+$")
LINKS = frozenset(
    {"src", "href", "action", "formaction", "data", "poster", "srcset", "xlink:href", "srcdoc", "ping"}
)

WATCH = """
window.ran = []
window.xss = () => { window.ran.push('xss') }
document.addEventListener('securitypolicyviolation', (event) => {
  window.ran.push('blocked: ' + event.violatedDirective + ' ' + event.blockedURI)
})
"""


@dataclass
class Watched:
    """A context in which everything that should not be is noted."""

    context: BrowserContext
    url: str
    found: list[str] = field(default_factory=list)
    page: Page | None = None

    async def open(self) -> Page:
        await self.context.add_init_script(WATCH)
        await self.context.route("**/*", self._route)
        page = self.page = await self.context.new_page()
        page.on("dialog", self._dismiss)
        page.on("console", lambda message: self._note_console(message.text))
        page.on("pageerror", lambda error: self.found.append(f"error: {error}"))
        self.context.on("page", lambda opened: self.found.append(f"opened {opened.url}"))
        return page

    async def _route(self, route: Route) -> None:
        parts = urlsplit(route.request.url)
        if parts.scheme in ("http", "https") and parts.netloc != urlsplit(self.url).netloc:
            self.found.append(f"asked {route.request.url}")
            await route.abort()
        else:
            await route.continue_()

    async def _dismiss(self, dialog: object) -> None:
        self.found.append("dialog")
        await dialog.dismiss()  # type: ignore[attr-defined]

    def _note_console(self, text: str) -> None:
        if "Content Security Policy" in text or "Refused to" in text:
            self.found.append(text)

    async def look(self, address: str, *, status: int = 200) -> list[str]:
        """What ran on that page, with where; its forms focused and its closed parts opened."""
        assert self.page is not None
        answer = await self.page.goto(address)
        assert answer is not None and answer.status == status, (address, answer and answer.status)
        await self.page.evaluate(
            "document.querySelectorAll('details').forEach((each) => { each.open = true })"
        )
        self.found += await self.page.evaluate("window.ran")
        found, self.found = self.found, []
        return [f"{address}: {each}" for each in found]


@dataclass(frozen=True, kw_only=True)
class Laid:
    site: DeskSite
    made: list[Hostile]
    detective: Detective
    admin: Detective


@pytest_asyncio.fixture(loop_scope="session", scope="module", name="laid")
async def lay_everything(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> AsyncIterator[Laid]:
    async with run_desk(tmp_path_factory.mktemp("hostile"), sqlite_template, SystemClock()) as site:
        detective = await site.detective("sam", "Sam Price", role="supervisor")
        admin = await site.detective("kim", "Kim Example", role="admin")
        viewer = site.rows(metadata.tables["staff_member"])[0].id
        made = await asyncio.to_thread(make_hostile_desk, site, viewer_id=viewer)
        site.add_staff("last", "Last Example")  # opens every conversation for everybody, as the site does
        yield Laid(site=site, made=made, detective=detective, admin=admin)


@pytest_asyncio.fixture(loop_scope="session", name="watched")
async def watch(browser: Browser, laid: Laid) -> AsyncIterator[Watched]:
    context = await browser.new_context(base_url=laid.site.url)
    context.set_default_timeout(PATIENCE_MS)
    watched = Watched(context, laid.site.url)
    await watched.open()
    await show_as(watched, laid.detective)
    yield watched
    await context.close()


async def show_as(watched: Watched, detective: Detective) -> None:
    """From now on the browser is this person's."""
    for cookie in detective.http.cookie_jar:
        await watched.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": watched.url}])


def list_addresses(site: DeskSite, hostile: Hostile) -> list[str]:
    """Every page of the router with this conversation's ids in it, sorted."""
    drill = site.rows(metadata.tables["drill"])[0].id
    known = {
        "conversation_id": hostile.conversation_id,
        "drill_id": drill,
        "token": hostile.officer_token,
        "reviewed_item": hostile.item_id,
        "item_id": hostile.item_id,
    }
    found = set()
    for resource in site.app.router.resources():
        canonical = resource.canonical
        if NOT_PAGES.search(canonical) or not any(route.method == "GET" for route in resource):
            continue
        names = set(re.findall(r"\{(\w+)\}", canonical))
        if names <= set(known):
            found.add(canonical.format(**known))
    return sorted(found)


def is_of_one(address: str, hostile: Hostile) -> bool:
    return hostile.conversation_id in address or hostile.officer_token in address


async def test_the_corpus_is_large_enough_and_every_text_column_is_decided_on() -> None:
    """Red when: a table gets a text column, and nobody has said whether it is free text."""
    assert len(set(load_corpus())) >= FEWEST_TEXTS
    assert list_undecided() == []


async def test_nothing_runs_on_any_page_of_a_conversation(laid: Laid, watched: Watched) -> None:
    found = []
    for hostile in laid.made:
        found += await watched.look(f"/console/c/{hostile.conversation_id}")
    assert found == []


async def test_nothing_runs_on_any_other_page(laid: Laid, watched: Watched) -> None:
    """The lists hold every text at once; of the pages of one conversation, each is opened with every tenth text."""
    lists = [
        address for address in list_addresses(laid.site, laid.made[0]) if not is_of_one(address, laid.made[0])
    ]
    of_one = [
        address
        for number, hostile in enumerate(laid.made)
        for place, address in enumerate(list_addresses(laid.site, hostile))
        if is_of_one(address, hostile) and (number + place) % 10 == 0
    ]
    assert len(lists) >= 5 and len(of_one) >= len(laid.made) // 2
    found = []
    for address in [*lists, *of_one]:
        found += await look_wherever(watched, address)
    await show_as(watched, laid.admin)
    found += await watched.look("/console/staff")
    assert found == []


async def look_wherever(watched: Watched, address: str) -> list[str]:
    """A page may say no, for an item it is not for: its refusal is a page as well."""
    assert watched.page is not None
    answer = await watched.page.goto(address)
    assert answer is not None
    if answer.status >= 500:
        watched.found.append(f"answered {answer.status}")
    watched.found += await watched.page.evaluate("window.ran")
    found, watched.found = watched.found, []
    return [f"{address}: {each}" for each in found]


HIDE = """() => {
  Object.defineProperty(document, 'hidden', { value: true, configurable: true })
  document.dispatchEvent(new Event('visibilitychange'))
}"""
COME_BACK = """new Promise((done) => {
  document.addEventListener('pane-replaced', done, { once: true })
  Object.defineProperty(document, 'hidden', { value: false, configurable: true })
  document.dispatchEvent(new Event('visibilitychange'))
})"""


async def test_nothing_runs_when_a_pane_is_put_in_by_the_script(laid: Laid, watched: Watched) -> None:
    """The live refresh parses the page anew: what a template escaped must not come to life in it."""
    hostile = laid.made[0]
    await watched.look(f"/console/c/{hostile.conversation_id}")
    assert watched.page is not None
    # Written while the page is hidden: one refresh shows a batch, as when somebody comes back to it.
    # Every conversation is open to everybody already: to make sure of it at each message takes half a second.
    laid.site.is_glass_open = False
    corpus = load_corpus()
    for first in range(0, len(corpus), WRITTEN_AT_ONCE):
        await watched.page.evaluate(HIDE)
        for text in corpus[first : first + WRITTEN_AT_ONCE]:
            await asyncio.to_thread(laid.site.writes_again, hostile.conversation_id, storable(text))
        async with asyncio.timeout(PATIENCE_MS / 1000):
            await watched.page.evaluate(COME_BACK)
    watched.found += await watched.page.evaluate("window.ran")
    assert watched.found == []


# --- the marks of direction -----------------------------------------------------------------------------

ORDER = """() => {
  // Where each letter of the desk's own words is drawn, beside words that turn the direction.
  const walker = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT)
  const wrong = []
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const own = node.parentElement
    if (own.closest('bdi, [dir], .text, .quoted, textarea, pre, script, select, option')) continue
    const text = node.textContent.trim()
    if (text.length < 3 || !/^[\\x20-\\x7e]+$/.test(text)) continue
    const range = document.createRange()
    const start = node.textContent.indexOf(text)
    const at = (place) => {
      range.setStart(node, start + place)
      range.setEnd(node, start + place + 1)
      return range.getBoundingClientRect()
    }
    const words = [...text.matchAll(/[A-Za-z]{2,}/g)]
    for (const word of words) {
      const first = at(word.index), last = at(word.index + word[0].length - 1)
      if (first.width && last.width && Math.abs(first.top - last.top) < 2 && first.left > last.left) wrong.push(text)
    }
  }
  return wrong
}"""


async def test_marks_of_direction_do_not_turn_the_desks_own_words(laid: Laid, watched: Watched) -> None:
    turning = [each for each in laid.made if re.search("[\u202a-\u202e\u2066-\u2069\u200f\u061c]", each.text)]
    assert len(turning) >= 10 and watched.page is not None
    found = []
    for hostile in turning:
        await watched.page.goto(f"/console/c/{hostile.conversation_id}")
        found += [f"{hostile.text!r}: {each}" for each in await watched.page.evaluate(ORDER)]
    for address in ("/console",):
        await watched.page.goto(address)
        found += [f"{address}: {each}" for each in await watched.page.evaluate(ORDER)]
    assert found == []


# --- without a browser: every text on every page --------------------------------------------------------


class Suspicious(HTMLParser):
    """Notes every tag and attribute a browser could run, or fetch from elsewhere."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("iframe", "object", "embed", "base", "style", "math", "marquee", "xmp", "plaintext"):
            self.found.append(f"<{tag}>")
        for name, value in attrs:
            leads_away = name in LINKS and not OWN.match(value or "")
            if leads_away or EVENT.match(name) or name in ("style", "srcdoc"):
                self.found.append(f"<{tag} {name}={value!r}>")
        if tag == "script" and not dict(attrs).get("src", ""):
            self.found.append("<script> without a file")


async def test_no_text_becomes_a_tag_or_an_attribute_on_any_page(laid: Laid) -> None:
    """Each text on the page of its conversation, and on every fifth of its other pages; the lists once."""
    found: list[str] = []
    for number, hostile in enumerate(laid.made):
        for place, address in enumerate(list_addresses(laid.site, hostile)):
            is_first, is_whole = number == 0, address.endswith(hostile.conversation_id)
            is_turn = is_of_one(address, hostile) and (number + place) % 5 == 0
            if not (is_first or is_whole or is_turn):
                continue
            answer, page = await laid.detective.get(address)
            if answer.status >= 500:
                found.append(f"{address} {hostile.text!r}: answered {answer.status}")
            parser = Suspicious()
            parser.feed(page)
            found += [f"{address} {hostile.text!r}: {each}" for each in parser.found]
    _, page = await laid.admin.get("/console/staff")
    parser = Suspicious()
    parser.feed(page)
    assert [*found, *parser.found] == []


async def test_no_cell_of_a_download_is_a_formula(laid: Laid) -> None:
    """Red when: a cell is written as it stands."""
    drill = laid.site.rows(metadata.tables["drill"])[0].id
    addresses = [f"/console/drills/{drill}/report.csv"]
    for address in addresses:
        answer, text = await laid.detective.get(address)
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/csv")
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        rows = list(csv.reader(io.StringIO(text)))
        assert len(rows) > len(load_corpus()) // 2
        assert [
            cell for row in rows for cell in row if cell.strip(" \u200b\ufeff\u00a0")[:1] in set("=+-@\t\r\n")
        ] == []


# --- the twin that must be caught -----------------------------------------------------------------------


async def test_the_watch_catches_a_page_that_does_not_escape(browser: Browser) -> None:
    """Most of the corpus is not harmless: on a page that writes it as it stands, without a policy, much of it runs."""

    async def show(request: web.Request) -> web.Response:
        text = load_corpus()[int(request.query["n"])]
        body = f"<!doctype html><body><p title=\"{text}\">{text}</p><input value='{text}'></body>"
        return web.Response(body=body.encode("utf-8", "replace"), content_type="text/html", charset="utf-8")

    app = web.Application()
    app.router.add_get("/", show)
    async with serving(app) as url:
        context = await browser.new_context(base_url=url)
        watched = Watched(context, url)
        page = await watched.open()
        caught = 0
        for number in range(len(load_corpus())):
            try:
                await page.goto(f"/?n={number}", wait_until="domcontentloaded")
                watched.found += await page.evaluate("window.ran ?? []")
            except PlaywrightError as led_away:
                watched.found.append(f"led away: {led_away}")
            caught += bool(watched.found)
            watched.found.clear()
        await context.close()
    assert caught >= 50, caught
