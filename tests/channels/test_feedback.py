"""The end of a conversation and its questions over a real socket, as a browser without JavaScript does it.

Red when: the session outlives it, the token stands for somebody who may not be asked, or /feedback wants a session.
"""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
import sqlalchemy as sa

from casework.adapters.storage.tables import audit, feedback, turn, web_session
from casework.services.feedback import QUESTIONS
from tests.channels.webchat_site import WebchatSite, run_webchat

TOKEN = re.compile(r'name="token" value="([^"]+)"')


@pytest_asyncio.fixture
async def site(tmp_path: Path) -> AsyncIterator[WebchatSite]:
    async with run_webchat(tmp_path) as running:
        yield running


@pytest_asyncio.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        yield session


async def post(
    http: aiohttp.ClientSession, site: WebchatSite, path: str, *, origin: str | None = None, **fields: str
) -> tuple[int, str]:
    headers = {"Origin": origin or site.url}
    async with http.post(site.url + path, data=fields, headers=headers, allow_redirects=False) as response:
        return response.status, await response.text()


async def converse(http: aiohttp.ClientSession, site: WebchatSite, *, screen_seen: str = "no") -> None:
    await post(http, site, "/start", text="what happens next", screen_seen=screen_seen)
    site.answer("It is being looked into.")
    finished = sa.update(turn).values(status="finished", outcome="answered")
    site.service.database.write_now(lambda tx: tx.connection.execute(finished))


async def test_finishing_ends_the_session_and_stays_on_a_page_that_says_nothing(
    http: aiohttp.ClientSession, site: WebchatSite
) -> None:
    await converse(http, site)
    headers = {"Origin": site.url}
    async with http.post(site.url + "/finish", headers=headers) as response:
        page = await response.text()
        assert response.headers["Clear-Site-Data"] == '"cookies"'

    assert "This page has closed" in page
    assert "what happens next" not in page
    assert list(http.cookie_jar) == []
    assert site.rows(web_session)[0].ended_at is not None
    acts = [row.act for row in site.rows(audit)]
    assert ("web_session_finished" in acts, "web_session_left" in acts) == (True, False)


async def test_the_questions_come_in_their_order_and_are_answered_without_a_session(
    http: aiohttp.ClientSession, site: WebchatSite
) -> None:
    await converse(http, site)
    _, page = await post(http, site, "/finish")
    asked = [page.index(f'name="{name}"') for name in QUESTIONS]
    assert asked == sorted(asked)
    assert page.count('type="radio"') == 30
    assert " checked" not in page
    [token] = TOKEN.findall(page)

    async with aiohttp.ClientSession() as another:
        answers = {"kept_informed": "2", "treatment": "", "whole_experience": "9", "actions_taken": "1"}
        first = await post(another, site, "/feedback", token=token, **answers)
        second = await post(another, site, "/feedback", token=token, kept_informed="5")

    assert first == second
    assert (first[0], "Thank you" in first[1]) == (200, True)
    [row] = site.rows(feedback)
    assert [getattr(row, name) for name in QUESTIONS] == [2, None, 1, None, None]


@pytest.mark.parametrize("screen_seen", ["yes", "unsure"])
async def test_whose_screen_may_be_seen_gets_the_page_alone(
    http: aiohttp.ClientSession, site: WebchatSite, screen_seen: str
) -> None:
    await converse(http, site, screen_seen=screen_seen)

    _, page = await post(http, site, "/finish")

    assert ("This page has closed" in page, TOKEN.findall(page)) == (True, [])
    assert site.rows(feedback) == []


async def test_without_a_visit_or_a_second_time_it_is_the_same_page_without_questions(
    http: aiohttp.ClientSession, site: WebchatSite
) -> None:
    _, never = await post(http, site, "/finish")
    await converse(http, site)
    await post(http, site, "/finish")
    _, again = await post(http, site, "/finish")

    assert never == again
    assert TOKEN.findall(again) == []


@pytest.mark.parametrize("path", ["/finish", "/feedback"])
async def test_another_site_ends_nothing_and_answers_nothing(
    http: aiohttp.ClientSession, site: WebchatSite, path: str
) -> None:
    await converse(http, site)

    status, _ = await post(http, site, path, origin="https://elsewhere.example", token="x")

    assert status == 403
    assert site.rows(web_session)[0].ended_at is None


@pytest.mark.parametrize("path", ["/finish", "/feedback"])
async def test_asked_for_by_a_reload_both_lead_to_the_start(
    http: aiohttp.ClientSession, site: WebchatSite, path: str
) -> None:
    async with http.get(site.url + path, allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (303, "/")


async def test_a_made_up_token_or_nonsense_is_thanked_and_kept_nowhere(
    http: aiohttp.ClientSession, site: WebchatSite
) -> None:
    for fields in (
        {},
        {"token": "\x00", "kept_informed": "5"},
        {"token": "x" * 5000, "treatment": "½"},
    ):
        assert (await post(http, site, "/feedback", **fields))[0] == 200
    assert site.rows(feedback) == []
