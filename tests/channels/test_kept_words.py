"""Words that were not sent yet come back, whatever was pressed; what was answered before a visit ended stays true.

Red when: a form that may have stood on another site names its writer, leaving ends one session of two, the answer
about the screen or the language is dropped with an ended visit, "I have finished" or "Keep open" empties the box, or a
look ahead at the way out ends the visit.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from casework.adapters.storage.tables import web_session
from tests.channels.test_webchat import FORM, Visitor, box_in, msg_id_in
from tests.channels.webchat_site import WebchatSite, run_webchat

TYPED = "half my story"
CHOICE = "Talk to a person"
FROM_ELSEWHERE = {"Origin": "null"}  # as an old browser sends it from a page that hides where it is


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[WebchatSite]:
    async with run_webchat(tmp_path) as running:
        yield running


@pytest.fixture
async def visitor(site: WebchatSite) -> AsyncIterator[Visitor]:
    visitor = Visitor(site)
    yield visitor
    await visitor.http.close()


async def ask(
    site: WebchatSite, method: str, path: str, cookie: str = "", **given: Any
) -> tuple[str, str, int]:
    """The session given, the page and its status, of a browser that holds `cookie` and nothing else."""
    headers = {"Content-Type": FORM, "Cookie": f"wm={cookie}"} | given.pop("headers", {})
    async with (
        aiohttp.ClientSession(site.url, cookie_jar=aiohttp.DummyCookieJar()) as http,
        http.request(method, path, headers=headers, allow_redirects=False, **given) as answer,
    ):
        morsel = answer.cookies.get("wm")
        return (morsel.value if morsel else "", await answer.text(), answer.status)


def newest(site: WebchatSite) -> Any:
    return max(site.rows(web_session), key=lambda row: row.started_at)


async def test_whoever_made_a_form_of_another_site_does_not_share_the_visit_it_opens(
    site: WebchatSite,
) -> None:
    made = urlencode({"msg_id": "a1b2c3d4e5f60718", "text": "hello"})
    victim, _, _ = await ask(site, "POST", "/start", data=made, headers=FROM_ELSEWHERE)
    site.clock.advance(minutes=1)
    other, _, _ = await ask(site, "POST", "/start", data=made, headers=FROM_ELSEWHERE)
    await ask(
        site,
        "POST",
        "/m",
        victim,
        data=urlencode({"msg_id": "0123456789abcdef", "text": TYPED}),
        headers={"Sec-Fetch-Site": "same-origin"},
    )
    assert TYPED in (await ask(site, "GET", "/m", victim))[1]
    assert TYPED not in (await ask(site, "GET", "/m", other))[1]


@pytest.mark.parametrize(("method", "way_out"), [("GET", "/leave"), ("POST", "/finish"), ("POST", "/leave")])
async def test_leaving_ends_both_sessions_of_a_form_pressed_twice(
    site: WebchatSite, method: str, way_out: str
) -> None:
    ours = {"Sec-Fetch-Site": "same-origin"}
    form = urlencode({"msg_id": "a1b2c3d4e5f60718", "text": "hello"})
    first, second = [(await ask(site, "POST", "/start", data=form, headers=ours))[0] for _ in range(2)]
    assert [(await ask(site, "GET", "/m", each))[2] for each in (first, second)] == [200, 200]
    await ask(site, method, way_out, second, headers=ours)
    assert [(await ask(site, "GET", "/m", each))[2] for each in (first, second)] == [303, 303]


async def test_the_answer_about_the_screen_outlives_the_visit(visitor: Visitor) -> None:
    await visitor.post("/start", {"screen_seen": "yes"})
    visitor.site.clock.advance(minutes=31)
    await visitor.post("/start", {"msg_id": "a1b2c3d4e5f60718", "text": TYPED})
    assert newest(visitor.site).screen_seen == "yes"


async def test_half_written_words_beside_a_quick_reply_come_back_after_the_end(visitor: Visitor) -> None:
    await visitor.start()
    form = {"msg_id": msg_id_in(await visitor.page()), "text": TYPED, "choice": CHOICE}
    visitor.site.clock.advance(minutes=31)
    _, kept = await visitor.post("/m", form)
    assert box_in(kept) == f"{CHOICE}\n\n{TYPED}"
    _, page = await visitor.post("/start", form)
    assert box_in(page) == TYPED
    assert visitor.site.texts_received() == [CHOICE]


async def test_another_language_after_the_end_sends_nothing(visitor: Visitor) -> None:
    await visitor.start()
    form = {"msg_id": msg_id_in(await visitor.page()), "text": TYPED, "language": "cy"}
    visitor.site.clock.advance(minutes=31)
    _, kept = await visitor.post("/m", form)
    assert box_in(kept) == TYPED
    assert visitor.site.texts_received() == []


async def test_finishing_with_words_in_the_box_says_that_they_are_not_sent(visitor: Visitor) -> None:
    await visitor.start()
    form = {"msg_id": msg_id_in(await visitor.page()), "text": TYPED}
    _, page = await visitor.post("/finish", form)
    assert "Your message is not sent yet." in page
    assert box_in(page) == TYPED
    assert (await visitor.get("/m"))[0].status == 200
    visitor.site.clock.advance(minutes=31)
    _, kept = await visitor.post("/finish", form)
    assert box_in(kept) == TYPED


async def test_more_time_without_a_script_keeps_the_words_in_the_box(visitor: Visitor) -> None:
    await visitor.start()
    form = {"msg_id": msg_id_in(await visitor.page()), "text": TYPED, "keep": "yes"}
    _, page = await visitor.post("/m", form)
    assert box_in(page) == TYPED
    assert newest(visitor.site).idle_minutes == 120
    assert visitor.site.texts_received() == []


async def test_an_empty_box_after_the_end_is_no_message_that_was_kept(visitor: Visitor) -> None:
    await visitor.start()
    form = {"msg_id": msg_id_in(await visitor.page()), "text": ""}
    visitor.site.clock.advance(minutes=31)
    answer, _ = await visitor.post("/m", form)
    assert answer.headers["Location"] == "/"


async def test_a_browser_that_looks_ahead_does_not_leave(visitor: Visitor) -> None:
    await visitor.start()
    await visitor.get("/leave", **{"Sec-Purpose": "prefetch;prerender"})
    assert (await visitor.get("/m"))[0].status == 200
