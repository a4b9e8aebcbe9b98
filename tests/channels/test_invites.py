"""An invite's address over real sockets: looking costs nothing, the button works once, failures look alike."""

import re
import statistics
import time
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
import yarl

from casework.adapters.storage.tables import conversation, invite, metadata, standing, web_session
from casework.model.messages import Channel
from casework.services.invites import ByWayOf, issue_invite, send_invite_by_sms
from channels.webchat.leaflet import render_leaflet
from tests.channels.webchat_site import WebchatSite, run_webchat
from tests.support.builders import REFERENCE, a_case

PREVIEWERS = [
    "WhatsApp/2.23.20.0",
    "TelegramBot (like TwitterBot)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "Mozilla/5.0 (compatible; Microsoft Defender for Office 365)",
]


@pytest_asyncio.fixture
async def site(tmp_path: Path) -> AsyncIterator[WebchatSite]:
    async with run_webchat(tmp_path) as running:
        running.service.database.write_now(lambda tx: tx.cases.record_all([a_case()]))
        yield running


@pytest_asyncio.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        yield session


def issue(site: WebchatSite, way: ByWayOf = ByWayOf.LINK) -> str:
    return site.service.database.write_now(
        lambda tx: issue_invite(tx, REFERENCE, by="staff", by_way_of=way).token
    )


def everything(site: WebchatSite) -> dict[str, Any]:
    return {table.name: site.rows(table) for table in metadata.sorted_tables}


async def ask(http: aiohttp.ClientSession, method: str, url: str, **options: Any) -> tuple[int, Any, bytes]:
    address = yarl.URL(url, encoded=True)
    async with http.request(method, address, allow_redirects=False, **options) as answer:
        headers = {name: value for name, value in answer.headers.items() if name != "Date"}
        return answer.status, headers, await answer.read()


def every_kind_of_token(site: WebchatSite) -> dict[str, str]:
    """Six tokens that open nothing, each for another reason."""
    expired = issue(site, ByWayOf.LEAFLET)
    site.clock.advance(days=7)
    used, withdrawn = issue(site, ByWayOf.TELEGRAM), issue(site)
    issue(site)
    site.service.database.write_now(
        lambda tx: tx.invites.use(_hash(used), tx.conversations.open(Channel.TELEGRAM, "1").id)
    )
    return {
        "used": used,
        "expired": expired,
        "withdrawn": withdrawn,
        "unknown": "x" * 32,
        "malformed": "%FF%00../a%2Fb%F0%9F",
        "none": "",
    }


def _hash(token: str) -> str:
    from casework.model.tokens import hash_token

    return hash_token(token)


# --- looking -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("agent", PREVIEWERS)
async def test_a_link_preview_changes_nothing_and_leaves_the_invite_whole(
    site: WebchatSite, http: aiohttp.ClientSession, agent: str
) -> None:
    token = issue(site)
    before = everything(site)

    for method in ("GET", "HEAD", "OPTIONS", "GET"):
        await ask(http, method, f"{site.url}/i/{token}", headers={"User-Agent": agent})

    assert everything(site) == before
    status, headers, _ = await ask(http, "POST", f"{site.url}/i/{token}")
    assert (status, headers["Location"]) == (303, "/m")


async def test_looking_is_the_same_for_every_link(site: WebchatSite, http: aiohttp.ClientSession) -> None:
    tokens = [issue(site, ByWayOf.WHATSAPP), *every_kind_of_token(site).values()]

    looked = [await ask(http, "GET", f"{site.url}/i/{token}") for token in tokens]

    assert all(look == looked[0] for look in looked)
    assert looked[0][0] == 200


async def test_the_page_has_one_button_no_script_and_nothing_to_preview(
    site: WebchatSite, http: aiohttp.ClientSession
) -> None:
    token = issue(site)
    _, headers, body = await ask(http, "GET", f"{site.url}/i/{token}")
    page = body.decode()

    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in headers
    assert page.count("<button") == 1
    assert "<title>Messages</title>" in page
    assert not re.search(r"<script|og:|police|crime|case|officer|report|javascript", page, re.I)
    assert token not in page
    assert REFERENCE not in page


# --- using -------------------------------------------------------------------------------------------


async def test_the_button_opens_the_chat_linked_to_the_case(
    site: WebchatSite, http: aiohttp.ClientSession
) -> None:
    token = issue(site)

    status, headers, _ = await ask(http, "POST", f"{site.url}/i/{token}")
    opened, _, page = await ask(http, "GET", f"{site.url}/m")

    assert (status, headers["Location"]) == (303, "/m")
    assert re.search(r"^wm=\S{40,}; HttpOnly; Path=/; SameSite=Strict$", headers["Set-Cookie"])
    assert (opened, b"Your message" in page) == (200, True)
    [talk], [linked], [used] = (site.rows(table) for table in (conversation, standing, invite))
    assert (linked.conversation_id, linked.crime_reference, linked.level) == (talk.id, REFERENCE, 1)
    assert used.conversation_id == talk.id
    assert site.rows(web_session)[0].external_id == talk.external_id


async def test_the_second_press_opens_nothing(site: WebchatSite, http: aiohttp.ClientSession) -> None:
    token = issue(site)
    await ask(http, "POST", f"{site.url}/i/{token}")
    http.cookie_jar.clear()

    status, headers, _ = await ask(http, "POST", f"{site.url}/i/{token}")

    assert (status, "Set-Cookie" in headers) == (404, False)
    assert len(site.rows(standing)) == 1


async def test_a_session_that_was_open_in_this_browser_is_ended_and_never_joined(
    site: WebchatSite, http: aiohttp.ClientSession
) -> None:
    await ask(http, "POST", f"{site.url}/start", data={"text": "words of someone else"})

    await ask(http, "POST", f"{site.url}/i/{issue(site)}")
    _, _, page = await ask(http, "GET", f"{site.url}/m")

    assert b"words of someone else" not in page
    ended, opened = sorted(site.rows(web_session), key=lambda row: row.started_at)
    assert (ended.ended_at is not None, opened.ended_at) == (True, None)
    assert ended.external_id != opened.external_id


async def test_what_opens_nothing_says_the_same_and_leaves_the_same_whatever_the_reason(
    site: WebchatSite, http: aiohttp.ClientSession
) -> None:
    tokens = every_kind_of_token(site)
    before = everything(site)

    answers = {why: await ask(http, "POST", f"{site.url}/i/{token}") for why, token in tokens.items()}

    status, headers, body = answers["unknown"]
    assert answers == dict.fromkeys(tokens, (status, headers, body))
    assert (status, b"This link opens nothing" in body) == (404, True)
    assert everything(site) == before


async def test_a_refused_link_keeps_the_session_the_browser_had(
    site: WebchatSite, http: aiohttp.ClientSession
) -> None:
    await ask(http, "POST", f"{site.url}/start")

    await ask(http, "POST", f"{site.url}/i/{'x' * 32}")

    assert (await ask(http, "GET", f"{site.url}/m"))[0] == 200


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://elsewhere.example.org"}]
)
async def test_a_form_from_another_site_uses_nothing(
    site: WebchatSite, http: aiohttp.ClientSession, headers: dict[str, str]
) -> None:
    token = issue(site)

    status, _, _ = await ask(http, "POST", f"{site.url}/i/{token}", headers=headers)

    assert status == 403
    assert (await ask(http, "POST", f"{site.url}/i/{token}"))[0] == 303


async def test_a_short_word_in_an_address_is_only_a_wrong_token(
    site: WebchatSite, http: aiohttp.ClientSession
) -> None:
    service = site.service
    service.database.write_now(
        lambda tx: send_invite_by_sms(
            tx, REFERENCE, by="staff", codes=service.codes, texts=service.texts, public_url=site.url
        )
    )

    assert (await ask(http, "POST", f"{site.url}/i/4BDGH7"))[0] == 404


@pytest.mark.slow
async def test_no_reason_takes_longer_than_another(site: WebchatSite, http: aiohttp.ClientSession) -> None:
    tokens = every_kind_of_token(site)
    took: dict[str, list[float]] = {why: [] for why in tokens}
    for _ in range(60):
        for why, token in tokens.items():
            started = time.perf_counter()
            await ask(http, "POST", f"{site.url}/i/{token}")
            took[why].append(time.perf_counter() - started)

    # As a ratio, in one run: the machine may be any, and all kinds take turns on it.
    medians = {why: statistics.median(times) for why, times in took.items()}
    assert max(medians.values()) < 1.5 * min(medians.values()), medians


# --- on paper ------------------------------------------------------------------------------------------


class _Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]


def test_a_leaflet_is_one_whole_page_that_fetches_nothing_and_names_nobody() -> None:
    from datetime import date

    link = f"https://messages.example.org/i/{'A-b_' * 8}"
    page = render_leaflet(link, works_until=date(2026, 11, 27))

    found = _Tags(page)
    assert found.tags.count("svg") == 1
    assert "script" not in found.tags
    assert found.addresses == []
    assert link in page
    assert "until 27 November 2026" in page
    assert not re.search(r"police|crime|case|officer|report|victim", page, re.I)
