"""Passkeys over a real socket, with a software device: every refusal is the same words, and nothing is kept of it.

Red when: the cross-site check, the visit or the link is not asked for, or a refusal says more where there is a passkey.
"""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from casework.adapters.storage.tables import passkey, standing, web_session
from casework.model.standings import Standing
from tests.channels.webchat_site import WebchatSite, run_webchat
from tests.support.authenticator import Device

FAILED = {"problem": "That did not work. Try again, or use a PIN."}
PATHS = ("/my/key/options", "/my/key/register", "/my/key/sign")


class Browser:
    """Keeps its cookie and posts JSON as the script does; follows no redirect."""

    def __init__(self, site: WebchatSite) -> None:
        self.site = site
        self.http = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))

    async def post(self, path: str, value: Any, *, origin: str | None = None) -> tuple[int, Any]:
        headers = {"Origin": origin or self.site.url, "Content-Type": "application/json"}
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        async with self.http.post(self.site.url + path, data=body, headers=headers) as response:
            text = await response.text()
            return response.status, json.loads(text) if text.startswith("{") else text

    async def get(self, path: str) -> tuple[int, str]:
        async with self.http.get(self.site.url + path, allow_redirects=False) as response:
            return response.status, response.headers.get("Location") or await response.text()

    async def end(self, passkey_id: str, *, origin: str | None = None) -> int:
        headers = {"Origin": origin or self.site.url}
        async with self.http.post(
            self.site.url + "/my/key", data={"key": passkey_id}, headers=headers, allow_redirects=False
        ) as response:
            return response.status

    async def start(self) -> None:
        headers = {"Origin": self.site.url}
        await self.http.post(self.site.url + "/start", headers=headers, data={"text": "hello"})

    async def add(self, device: Device) -> tuple[int, Any]:
        _, options = await self.post("/my/key/options", {"for": "add"})
        return await self.post("/my/key/register", device.make(options))

    async def sign(self, device: Device, **values: Any) -> tuple[int, Any]:
        _, options = await self.post("/my/key/options", {"for": "sign"})
        return await self.post("/my/key/sign", device.sign(options, **values))


@pytest_asyncio.fixture
async def site(tmp_path: Path) -> AsyncIterator[WebchatSite]:
    async with run_webchat(tmp_path, host="localhost") as running:
        running.add_case()
        yield running


@pytest_asyncio.fixture
async def browser(site: WebchatSite) -> AsyncIterator[Browser]:
    made = Browser(site)
    yield made
    await made.http.close()


@pytest.fixture
def device(site: WebchatSite) -> Device:
    return Device(origin=site.url, rp_id="localhost")


async def lock(browser: Browser) -> None:
    """Half an hour later, and the page kept open."""
    browser.site.clock.advance(minutes=29)
    await browser.get("/m")
    browser.site.clock.advance(minutes=2)


def levels(site: WebchatSite) -> list[int]:
    return sorted(row.level for row in site.rows(standing) if row.ended_at is None)


async def test_a_passkey_is_added_opens_and_is_ended(browser: Browser, device: Device) -> None:
    await browser.start()
    browser.site.link()
    assert await browser.add(device) == (200, {"next": "/my/key"})
    await lock(browser)
    assert "You set this up already" in (await browser.get("/my/key"))[1]

    assert await browser.sign(device) == (200, {"next": "/my"})

    assert levels(browser.site) == [Standing.LINKED, Standing.STEPPED_UP]
    [kept] = browser.site.rows(passkey)
    assert kept.id in (await browser.get("/my/key"))[1]
    assert await browser.end(kept.id) == 303
    assert browser.site.rows(passkey)[0].ended_at is not None


@pytest.mark.parametrize("path", PATHS)
async def test_without_a_visit_nothing_is_answered(browser: Browser, path: str) -> None:
    assert await browser.post(path, {}) == (401, "")
    assert await browser.get("/my/key") == (303, "/")
    assert await browser.end("x") == 303


@pytest.mark.parametrize("path", PATHS)
async def test_a_post_from_another_site_is_refused(browser: Browser, path: str) -> None:
    await browser.start()
    browser.site.link()

    assert await browser.post(path, {"for": "sign"}, origin="https://elsewhere.example") == (403, "")
    assert browser.site.rows(web_session)[0].challenge is None


async def test_another_site_ends_no_passkey(browser: Browser, device: Device) -> None:
    await browser.start()
    browser.site.link()
    await browser.add(device)

    assert await browser.end(browser.site.rows(passkey)[0].id, origin="https://elsewhere.example") == 403
    assert browser.site.rows(passkey)[0].ended_at is None


async def test_without_a_link_the_answer_is_the_same_whatever_is_asked(browser: Browser) -> None:
    await browser.start()

    for wish in ("add", "sign", "", 7):
        assert await browser.post("/my/key/options", {"for": wish}) == (403, FAILED)
    assert await browser.post("/my/key/sign", {}) == (422, FAILED)
    assert "There is nothing to open yet" in (await browser.get("/my/key"))[1]


async def test_a_refused_signature_says_the_same_with_and_without_a_passkey(
    browser: Browser, device: Device
) -> None:
    await browser.start()
    browser.site.link()
    stranger = Device(origin=browser.site.url, rp_id="localhost")
    stranger.make({"challenge": "AAAA"})
    [unknown] = stranger.keys
    without = await browser.sign(stranger, with_key=unknown)
    await browser.add(device)
    await lock(browser)

    with_one = await browser.sign(stranger, with_key=unknown)
    device.is_verified = False
    with_known = await browser.sign(device)

    assert without == with_one == with_known == (422, FAILED)


async def test_after_five_refusals_the_answer_says_how_long_to_wait(browser: Browser, device: Device) -> None:
    await browser.start()
    browser.site.link()
    await browser.add(device)
    await lock(browser)
    for _ in range(5):
        await browser.post("/my/key/sign", {})

    status, told = await browser.sign(device)

    assert (status, "try again in 15 minutes" in told["problem"]) == (422, True)


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{", b"\xff", b"[" * 100_000, b'{"id": "\\ud800", "response": []}']
)
@pytest.mark.parametrize("path", PATHS)
async def test_nonsense_is_refused_and_breaks_nothing(browser: Browser, path: str, body: bytes) -> None:
    await browser.start()
    browser.site.link()

    status, told = await browser.post(path, body)

    assert (status, told) == (422, FAILED) or (path == "/my/key/options" and status == 200)
    assert browser.site.rows(passkey) == []


async def test_where_there_is_only_an_ip_address_there_are_no_passkeys(tmp_path: Path) -> None:
    async with run_webchat(tmp_path / "other") as site:
        site.add_case()
        browser = Browser(site)
        await browser.start()
        site.link()

        assert [(await browser.post(path, {}))[0] for path in PATHS] == [404] * 3
        page = (await browser.get("/my/key"))[1]
        assert "cannot do this here" in page
        assert "passkey.js" not in page
        assert "/my/key" not in (await browser.get("/my/pin"))[1]
        await browser.http.close()


async def test_no_page_names_the_police_or_a_crime(browser: Browser, device: Device) -> None:
    await browser.start()
    browser.site.link()
    pages = [(await browser.get("/my/key"))[1]]
    await browser.add(device)
    pages.append((await browser.get("/my/key"))[1])
    for page in pages:
        words = page.casefold()
        assert not [word for word in ("police", "crime", "victim", "officer") if word in words]
        assert "<title>Messages</title>" in page
