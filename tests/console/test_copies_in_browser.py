"""A copy and the pages that make it, in a real Chromium: nothing in them runs, whatever people wrote, and axe passes.

Red when: `autoescape` of access_page.py is off.
"""

import io
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest
import pytest_asyncio
import sqlalchemy as sa
from playwright.async_api import Browser, Page

from casework.adapters.access_copy import make_copy
from casework.adapters.clock import SystemClock
from casework.adapters.storage.tables import case
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.access_requests import RestrictionReason
from casework.services import access_requests as access
from tests.console.desk_site import DeskSite, Detective, run_desk
from tests.console.hostile_desk import load_corpus, storable
from tests.support.browser import ON_ONE_LOOP, find_axe_violations, open_browser

pytestmark = [pytest.mark.browser, pytest.mark.slow, ON_ONE_LOOP]
__all__ = ["open_browser"]

WATCH = """
window.ran = []
window.xss = () => { window.ran.push('xss') }
document.addEventListener('securitypolicyviolation', (event) => {
  window.ran.push('blocked: ' + event.violatedDirective + ' ' + event.blockedURI)
})
"""


@dataclass
class Laid:
    site: DeskSite
    alex: Detective
    request_id: str
    conversation_id: str
    found: list[str] = field(default_factory=list)

    async def look(self, page: Page, address: str) -> None:
        await page.goto(address)
        self.found += [f"{address}: {each}" for each in await page.evaluate("window.ran")]


@pytest_asyncio.fixture(loop_scope="session")
async def laid(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[Laid]:
    """One person who wrote every text of the corpus; one of them stands in every field of the request."""
    async with run_desk(tmp_path, sqlite_template, SystemClock()) as site:
        site.is_glass_open = False
        alex = await site.detective("alex", "Alex Test-Supervisor", role="supervisor")
        conversation_id = site.victim_writes("hello")
        site.link_case(conversation_id, oic_name="<img src=x onerror=xss()>")
        texts = [storable(text) for text in load_corpus()]
        for text in texts:
            site.writes_again(conversation_id, text, details={"profile_name": text})
        markup = "<img src=x onerror=xss()><script>xss()</script>"
        staff = site.service.database.read_now(lambda tx: tx.staff.find("alex"))
        assert staff is not None

        def open_one(tx: SqlTransaction) -> str:
            [reference] = tx.connection.execute(sa.select(case.c.crime_reference)).scalars()
            return access.open_request(
                tx,
                reference,
                asked_on=date(2026, 11, 20),
                asked_by=markup,
                identity=markup,
                names_staff=True,
                by=staff,
            )

        request_id = site.write(open_one)
        site.write(lambda tx: access.put_off(tx, request_id, why=markup, by=staff))

        def decide(tx: SqlTransaction) -> None:
            for _ in range(2):
                items = tx.access_requests.list_items(request_id)
                shown = {each.key: each.digest for each in items if not each.is_looked_at}
                access.give_items(tx, request_id, shown, by=staff)
            held = next(each for each in items if markup in each.texts.values())
            access.hold_back(
                tx,
                request_id,
                held.key,
                held.digest,
                reason=RestrictionReason.CRIME,
                why=markup,
                words=(),
                is_told=True,
                by=staff,
            )

        site.write(decide)
        yield Laid(site, alex, request_id, conversation_id)


async def test_nothing_runs_in_a_copy_opened_from_a_file(
    laid: Laid, browser: Browser, tmp_path: Path
) -> None:
    kim = laid.site.add_staff("kim", "Kim Test-Supervisor", role="supervisor")
    database = laid.site.service.database
    second = database.read_now(lambda tx: tx.staff.get(kim))

    def finish(tx: SqlTransaction) -> None:
        for item in tx.access_requests.list_items(laid.request_id):
            if item.waits_for_second:
                access.answer_second(tx, laid.request_id, item.key, item.digest, agrees=True, by=second)
        access.finish_looking(tx, laid.request_id, by=second)

    laid.site.write(finish)
    made = database.read_now(lambda tx: make_copy(tx, laid.request_id))
    with made.file, zipfile.ZipFile(io.BytesIO(made.file.read())) as bundle:
        bundle.extractall(tmp_path / "copy")
    context = await browser.new_context()
    await context.add_init_script(WATCH)
    page = await context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: laid.found.append(dialog.message))
    address = (tmp_path / "copy" / "copy.html").as_uri()

    await laid.look(page, address)
    body = await page.inner_text("body")
    tags = await page.evaluate("[...document.querySelectorAll('*')].map((each) => each.localName)")
    is_styled = await page.evaluate("getComputedStyle(document.body).maxWidth")
    await context.close()
    # Axe needs the content policy off; then it is the escaping alone that keeps anything from running.
    context = await browser.new_context(bypass_csp=True)
    await context.add_init_script(WATCH)
    page = await context.new_page()
    await laid.look(page, address)
    # Three rows of a kind are like the rest, and it looks at each for long.
    await page.evaluate("document.querySelectorAll('li:nth-child(n+4)').forEach((each) => each.remove())")
    faults = await find_axe_violations(page)
    await context.close()

    assert laid.found == []
    assert asked == [address]
    assert set(tags) <= {
        *("html", "head", "meta", "title", "style", "body", "main", "section", "h1", "h2", "p", "a", "em"),
        *("strong", "ul", "ol", "li", "dl", "dt", "dd", "bdi"),
    }
    assert is_styled != "none"
    assert faults == []
    plain = [text for text in load_corpus() if text.isascii() and text.split()]
    # What was held back is gone wherever it stood.
    assert sum(text.split()[0] in body for text in plain) > 0.9 * len(plain)


async def test_nothing_runs_on_the_pages_that_make_it(laid: Laid, browser: Browser) -> None:
    context = await browser.new_context(base_url=laid.site.url, bypass_csp=True)
    await context.add_init_script(WATCH)
    cookies = [
        {"name": each.key, "value": each.value, "url": laid.site.url} for each in laid.alex.http.cookie_jar
    ]
    await context.add_cookies(cookies)  # type: ignore[arg-type]
    page = await context.new_page()
    page.on("dialog", lambda dialog: laid.found.append(dialog.message))
    path = f"/console/copies/{laid.request_id}"
    faults = []
    for address in ("/console/copies", path):
        await laid.look(page, address)
        faults += await find_axe_violations(page)
    # Every one of them is looked at anew.
    laid.site.writes_again(laid.conversation_id, "<img src=x onerror=xss()>")
    for text in load_corpus()[:15]:
        laid.site.writes_again(laid.conversation_id, storable(text))
    await laid.look(page, f"{path}/look")
    faults += await find_axe_violations(page)
    await context.close()

    assert laid.found == []
    assert faults == []
