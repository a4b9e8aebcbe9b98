"""Choosing and entering a PIN over a real socket, as a browser without JavaScript does."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from casework.adapters.storage.tables import credential, standing, web_session
from casework.model.messages import Channel
from casework.model.standings import Standing
from tests.channels.webchat_site import WebchatSite, run_webchat
from tests.support.builders import REFERENCE, a_case

RIGHT = "835927"


class Browser:
    """Keeps its cookie and posts forms; follows no redirect by itself."""

    def __init__(self, site: WebchatSite) -> None:
        self.site = site
        self._http = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))

    async def get(self, path: str) -> tuple[int, str]:
        async with self._http.get(self.site.url + path, allow_redirects=False) as response:
            return response.status, response.headers.get("Location") or await response.text()

    async def post(self, path: str, *, origin: str | None = None, **fields: str) -> tuple[int, str]:
        headers = {"Origin": origin or self.site.url}
        async with self._http.post(
            self.site.url + path, data=fields, headers=headers, allow_redirects=False
        ) as response:
            return response.status, response.headers.get("Location") or await response.text()

    async def start(self, *, is_linked: bool, method: str = "invite") -> "Browser":
        await self.post("/start", text="hello")
        external_id = self.site.rows(web_session)[-1].external_id

        def link(tx: object) -> None:
            conversation = tx.conversations.open(Channel.WEBCHAT, external_id)  # type: ignore[attr-defined]
            tx.standings.record(  # type: ignore[attr-defined]
                conversation.id, REFERENCE, Standing.LINKED, method=method
            )

        if is_linked:
            self.site.service.database.write_now(link)
        return self

    async def close(self) -> None:
        await self._http.close()


@pytest_asyncio.fixture
async def site(tmp_path: Path) -> AsyncIterator[WebchatSite]:
    async with run_webchat(tmp_path) as running:
        running.service.database.write_now(lambda tx: tx.cases.record_all([a_case()]))
        yield running


@pytest_asyncio.fixture
async def browser(site: WebchatSite) -> AsyncIterator[Browser]:
    made = Browser(site)
    yield made
    await made.close()


def levels(site: WebchatSite) -> list[int]:
    return sorted(row.level for row in site.rows(standing) if row.ended_at is None)


async def test_without_a_visit_every_page_leads_to_the_start(browser: Browser) -> None:
    for path in ("/my/pin", "/my/unlock"):
        assert await browser.get(path) == (303, "/")
        assert await browser.post(path, pin=RIGHT, again=RIGHT) == (303, "/")


async def test_without_a_link_there_is_nothing_to_open_and_nothing_is_kept(browser: Browser) -> None:
    await browser.start(is_linked=False)

    for path in ("/my/pin", "/my/unlock"):
        status, page = await browser.get(path)
        assert (status, "There is nothing to open yet" in page) == (200, True)
    status, page = await browser.post("/my/pin", pin=RIGHT, again=RIGHT)
    assert (status, "There is nothing to open yet" in page) == (403, True)
    assert browser.site.rows(credential) == []
    assert (await browser.post("/my/unlock", pin=RIGHT))[0] == 422


async def test_a_linked_person_chooses_a_pin_that_is_kept_as_argon2id_alone(browser: Browser) -> None:
    await browser.start(is_linked=True)
    assert "Choose a PIN" in (await browser.get("/my/pin"))[1]

    assert await browser.post("/my/pin", pin=RIGHT, again=RIGHT) == (303, "/my")

    [kept] = browser.site.rows(credential)
    assert kept.secret_hash.startswith("$argon2id$")
    assert RIGHT not in kept.secret_hash
    assert levels(browser.site) == [Standing.LINKED, Standing.STEPPED_UP]
    assert await browser.get("/my/unlock") == (303, "/my")


@pytest.mark.parametrize(
    ("pin", "again", "said"),
    [
        ("12345", "12345", "6 to 12 numbers"),
        ("123456", "123456", "Many people choose"),
        ("565656", "565656", "easy to guess"),
        ("250391", "250391", "looks like a date"),
        (RIGHT, "835928", "not the same"),
        ("<b>835927</b>", "", "6 to 12 numbers"),
    ],
)
async def test_a_pin_that_cannot_be_kept_is_refused_with_the_reason_and_not_shown_again(
    browser: Browser, pin: str, again: str, said: str
) -> None:
    await browser.start(is_linked=True)

    status, page = await browser.post("/my/pin", pin=pin, again=again)

    assert (status, said in page) == (422, True)
    assert pin not in page.replace("maxlength", "")
    assert browser.site.rows(credential) == []


async def test_the_right_pin_opens_and_a_wrong_one_says_only_that(browser: Browser) -> None:
    await browser.start(is_linked=True)
    await browser.post("/my/pin", pin=RIGHT, again=RIGHT)
    browser.site.clock.advance(minutes=29)
    await browser.get("/m")
    browser.site.clock.advance(minutes=2)
    assert "You set this up already" in (await browser.get("/my/pin"))[1]

    status, page = await browser.post("/my/unlock", pin="111119")
    assert (status, "did not work" in page, "111119" in page) == (422, True, False)
    assert await browser.post("/my/unlock", pin=RIGHT) == (303, "/my")


async def test_after_five_wrong_pins_the_page_says_how_long_to_wait(browser: Browser) -> None:
    await browser.start(is_linked=True)
    await browser.post("/my/pin", pin=RIGHT, again=RIGHT)
    browser.site.clock.advance(minutes=29)
    await browser.get("/m")
    browser.site.clock.advance(minutes=2)
    for _ in range(5):
        await browser.post("/my/unlock", pin="111119")

    status, page = await browser.post("/my/unlock", pin=RIGHT)

    assert (status, "try again in 15 minutes" in page) == (422, True)


@pytest.mark.parametrize("path", ["/my/pin", "/my/unlock"])
async def test_a_form_from_another_site_is_refused(browser: Browser, path: str) -> None:
    await browser.start(is_linked=True)

    status, _ = await browser.post(path, origin="https://elsewhere.example", pin=RIGHT, again=RIGHT)

    assert status == 403
    assert browser.site.rows(credential) == []


async def test_no_page_names_the_police_or_a_crime_and_all_need_no_script(browser: Browser) -> None:
    await browser.start(is_linked=True)
    pages = [(await browser.get("/my/pin"))[1], (await browser.post("/my/unlock", pin="1"))[1]]
    pages.append((await browser.get("/my/unlock"))[1])
    for page in pages:
        words = page.casefold()
        assert not [word for word in ("police", "crime", "victim", "officer") if word in words]
        assert "<title>Messages</title>" in page
        assert "onclick" not in page
