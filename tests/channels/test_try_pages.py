"""The page a tester gets by a link: it works without a script, keeps no cookie, and says that it is a test.

Red when: `show_try` shows the form for any link; the page sets a cookie; `add_try_routes` hands out another assistant.
"""

import re
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import pytest
from aiohttp import web

from casework.adapters.storage.database import Database, create_engine
from casework.adapters.storage.model_tables import guest_message
from casework.adapters.storage.tables import conversation, desk_item, inbox, outbox, web_session
from casework.model.disclosures import Band
from casework.model.tokens import hash_token
from casework.services.guest_ports import NewGuestMessage
from casework.services.guests import MOST_A_VISIT
from channels.gateway import build_gateway_app
from channels.webchat.try_pages import TRY_ASSISTANT
from tests.channels.states_try import DANGER, TOKEN
from tests.channels.webchat_site import WebchatSite, make_settings, read_rules_once
from tests.support.builders import an_answer
from tests.support.clock import SetClock
from tests.support.databases import copy_sqlite
from tests.support.fakes import FakeAssistant
from tests.support.guests import CANDIDATE, make_guest_link

PATH = f"/try/{TOKEN}"
LONG = "x" * 4001


@dataclass
class Guest:
    """A browser without JavaScript and without cookies."""

    site: WebchatSite
    assistant: FakeAssistant
    http: aiohttp.ClientSession
    page: str = ""

    async def open(self, path: str = PATH) -> aiohttp.ClientResponse:
        async with self.http.get(path) as answer:
            self.page = await answer.text()
            return answer

    async def write(
        self, text: str, path: str = PATH, site: str = "same-origin", **fields: str
    ) -> aiohttp.ClientResponse:
        held = {name: self.find_held(name) for name in ("visit", "after")}
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": site}
        body = urlencode(held | {"text": text} | fields).encode()
        async with self.http.post(path, data=body, headers=headers) as answer:
            self.page = await answer.text()
            return answer

    def find_held(self, name: str) -> str:
        found = re.search(rf'name="{name}" value="([^"]*)"', self.page)
        return found[1] if found else ""


@pytest.fixture
async def tester(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[Guest]:
    """At the gateway itself, with a link that is open."""
    copy_sqlite(sqlite_template, tmp_path / "waymark.db")
    listener = socket.create_server(("127.0.0.1", 0))
    url, clock = f"http://127.0.0.1:{listener.getsockname()[1]}", SetClock()
    settings = make_settings(tmp_path, url)
    database = Database(create_engine(settings.database_url), clock)
    service = replace(read_rules_once(), settings=settings, database=database, clock=clock)
    app, assistant = build_gateway_app(service), FakeAssistant(answer=an_answer("You can ask me."))
    app[TRY_ASSISTANT].append(assistant)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    make_guest_link(database, TOKEN)
    async with aiohttp.ClientSession(url, cookie_jar=aiohttp.DummyCookieJar()) as http:
        yield Guest(WebchatSite(url, service, clock), assistant, http)
    await runner.cleanup()
    database.close()


async def test_a_tester_writes_and_is_answered_by_the_candidate_on_a_page_that_says_it_is_a_test(
    tester: Guest,
) -> None:
    opened = await tester.open()
    answered = await tester.write("what can you do")

    assert (opened.status, answered.status) == (200, 200)
    assert "Set-Cookie" not in {*opened.headers, *answered.headers}
    for said in ("Nobody reads this live", "call 999", "Do not write anything real"):
        assert said in tester.page
    assert "<script" not in tester.page.partition("<main")[2]
    assert "You can ask me." in tester.page
    assert tester.assistant.models == [(CANDIDATE,)]


async def test_danger_shows_the_safety_line_and_who_would_be_told_and_nothing_reaches_the_desk(
    tester: Guest,
) -> None:
    await tester.open()

    await tester.write(DANGER)

    assert tester.site.service.safety_lines["immediate_danger"].web[:40] in tester.page
    assert "Here a detective would be told at once. In this test nobody is." in tester.page
    assert tester.assistant.asked == []
    for table in (conversation, inbox, outbox, desk_item, web_session):
        assert tester.site.rows(table) == [], table.name
    assert len(tester.site.rows(guest_message)) == 1


async def test_one_visit_goes_on_and_another_begins_anew(tester: Guest) -> None:
    await tester.open()
    await tester.write("the first")
    await tester.write("the second", choice="a button pressed")
    assert tester.page.count('class="message you"') == 2
    assert "a button pressed" in tester.page

    await tester.open()

    assert 'class="message you"' not in tester.page
    assert len({row.visit for row in tester.site.rows(guest_message)}) == 1


async def test_the_same_page_sent_twice_is_one_message(tester: Guest) -> None:
    await tester.open()
    held = tester.page
    await tester.write("once")
    tester.page = held
    await tester.write("once")

    assert tester.page.count('class="message you"') == 1
    assert len(tester.site.rows(guest_message)) == 1


async def test_every_link_that_opens_nothing_is_answered_by_the_same_page(tester: Guest) -> None:
    unknown = await tester.open("/try/nobody-was-given-this")
    other = tester.page
    tester.site.clock.advance(days=8)
    ended = await tester.open()

    assert (unknown.status, ended.status) == (404, 404)
    assert tester.page == other
    assert (await tester.write("hello")).status == 404
    assert tester.page == other
    assert tester.site.rows(guest_message) == []


@pytest.mark.parametrize(
    ("text", "said"), [(" ", "Type a message first."), (LONG, "Your message is too long.")]
)
async def test_what_cannot_be_sent_stays_in_the_box(tester: Guest, text: str, said: str) -> None:
    await tester.open()
    await tester.write("hello")

    await tester.write(text)

    assert said in tester.page
    assert (LONG in tester.page) == (text == LONG)
    assert len(tester.site.rows(guest_message)) == 1


async def test_a_visit_that_is_full_takes_nothing_more(tester: Guest) -> None:
    await tester.open()
    visit = tester.find_held("visit")
    full = NewGuestMessage(text="x", state=None, responses=(), said=(), band=Band.GREEN, tier=None)
    tester.site.service.database.write_now(
        lambda tx: [tx.guests.record(hash_token(TOKEN), visit, full) for _ in range(MOST_A_VISIT)]
    )

    answered = await tester.write("one more")

    assert answered.status == 429
    assert "This test is full." in tester.page
    assert "<textarea" not in tester.page


async def test_a_form_of_another_site_is_refused(tester: Guest) -> None:
    await tester.open()

    assert (await tester.write("hello", site="cross-site")).status == 403
    assert tester.site.rows(guest_message) == []


async def test_what_a_tester_writes_is_shown_as_text(tester: Guest) -> None:
    await tester.open()
    tester.assistant.answer = an_answer("<b>bold</b>")

    await tester.write("<script>alert(1)</script>")

    assert "<script>alert" not in tester.page
    assert "<b>bold" not in tester.page
