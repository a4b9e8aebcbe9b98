"""The web chat over plain HTTP, as a browser without JavaScript uses it."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import pytest

from casework.adapters.storage.database import Database
from casework.adapters.storage.tables import audit, desk_item, inbox, outbox, web_session
from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.storage.web_visits import WebVisit, find_visit, get_version
from casework.adapters.web_app import SECURITY_HEADERS, hash_token
from casework.model.messages import Author, Channel, OutboxStatus
from channels.webchat_forms import parse_composer
from channels.webchat_pages import EXIT_SITE
from tests.channels.webchat_site import WebchatSite, run_webchat

FORM = "application/x-www-form-urlencoded"
URGENT = "he is outside my house with a knife and says he will kill me"
CALM = "what is happening with my case"


class Visitor:
    """A browser without JavaScript: keeps cookies, follows nothing by itself, posts what the page holds."""

    def __init__(self, site: WebchatSite) -> None:
        self.site = site
        self.http = aiohttp.ClientSession(site.url, cookie_jar=aiohttp.CookieJar(unsafe=True))

    async def get(self, path: str, **headers: str) -> tuple[aiohttp.ClientResponse, str]:
        async with self.http.get(path, allow_redirects=False, headers=headers) as answer:
            return answer, await answer.text()

    async def post(
        self, path: str, fields: dict[str, str] | bytes | None = None, **headers: str
    ) -> tuple[aiohttp.ClientResponse, str]:
        body = fields if isinstance(fields, bytes) else urlencode(fields or {}).encode()
        headers = {"Sec-Fetch-Site": "same-origin", "Content-Type": FORM} | headers
        async with self.http.post(path, data=body, allow_redirects=False, headers=headers) as answer:
            return answer, await answer.text()

    async def start(self) -> None:
        await self.post("/start")

    async def send(self, text: str, **fields: str) -> tuple[aiohttp.ClientResponse, str]:
        _, page = await self.get("/m")
        return await self.post("/m", {"msg_id": msg_id_in(page), "text": text} | fields)

    async def page(self) -> str:
        return (await self.get("/m"))[1]

    def cookie(self) -> str:
        return next(morsel.value for morsel in self.http.cookie_jar)


def msg_id_in(page: str) -> str:
    found = re.search(r'name="msg_id"[^>]*value="([0-9a-f]+)"', page)
    assert found
    return found[1]


def box_in(page: str) -> str:
    found = re.search(r"<textarea[^>]*>\n?(.*?)</textarea>", page, re.S)
    assert found
    return found[1]


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[WebchatSite]:
    async with run_webchat(tmp_path) as running:
        yield running


@pytest.fixture
async def visitor(site: WebchatSite) -> AsyncIterator[Visitor]:
    visitor = Visitor(site)
    yield visitor
    await visitor.http.close()


# --- starting ------------------------------------------------------------------------------------


async def test_the_first_page_says_999_and_who_answers_before_anything_starts(visitor: Visitor) -> None:
    answer, page = await visitor.get("/")
    assert answer.status == 200
    assert "call 999" in page
    assert "press <strong>55</strong>" in page
    assert "It is not a person" in page
    assert "A person reads messages that may be urgent" in page
    assert '<form method="post" action="/start">' in page
    assert visitor.site.rows(web_session) == []


async def test_starting_gives_a_session_that_scripts_and_other_sites_cannot_use(visitor: Visitor) -> None:
    answer, _ = await visitor.post("/start")
    assert (answer.status, answer.headers["Location"]) == (303, "/m")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("wm=")
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Max-Age" not in cookie
    assert "expires" not in cookie.lower()
    assert len(visitor.cookie()) >= 43  # 256 bits


async def test_over_https_the_cookie_is_secure_and_bound_to_this_host(tmp_path: Path) -> None:
    async with run_webchat(tmp_path, public_url="https://messages.example.org") as site:
        visitor = Visitor(site)
        started, _ = await visitor.post("/start")
        left, _ = await visitor.get("/leave")
        await visitor.http.close()
    for answer in (started, left):
        cookie = answer.headers["Set-Cookie"]
        assert cookie.startswith("__Host-wm=")
        assert "Secure" in cookie
        assert "Path=/" in cookie
        assert "Domain" not in cookie


async def test_only_the_hash_of_a_session_is_stored(visitor: Visitor) -> None:
    await visitor.start()
    stored = visitor.site.rows(web_session)[0].token_hash
    assert stored == hash_token(visitor.cookie())
    assert visitor.cookie() not in stored


async def test_starting_again_ends_the_session_before(visitor: Visitor) -> None:
    await visitor.start()
    await visitor.start()
    ended = [row.ended_at is not None for row in visitor.site.rows(web_session)]
    assert sorted(ended) == [False, True]


# --- writing -------------------------------------------------------------------------------------


async def test_a_conversation_works_by_forms_alone(visitor: Visitor) -> None:
    await visitor.start()
    assert "I am an automated assistant, not a person" in await visitor.page()

    answer, _ = await visitor.send(CALM)

    assert (answer.status, answer.headers["Location"]) == (303, "/m")
    visitor.site.answer("An officer is looking into it.", choices=("What happens next",))
    page = await visitor.page()
    places = [page.index(words) for words in ("assistant, not a person", CALM, "An officer is looking")]
    assert places == sorted(places)
    assert '<button form="composer" name="choice" value="What happens next"' in page
    assert page.index('value="What happens next"') < page.index('value="Talk to a person"')
    assert "12:00pm" in page


async def test_a_form_sent_twice_is_one_message(visitor: Visitor) -> None:
    await visitor.start()
    fields = {"msg_id": msg_id_in(await visitor.page()), "text": CALM}
    answers = await asyncio.gather(*(visitor.post("/m", fields) for _ in range(5)))
    assert {answer.status for answer, _ in answers} == {303}
    assert visitor.site.texts_received() == [CALM]


async def test_other_words_from_a_page_shown_again_by_back_are_not_swallowed(visitor: Visitor) -> None:
    await visitor.start()
    msg_id = msg_id_in(await visitor.page())
    await visitor.post("/m", {"msg_id": msg_id, "text": CALM})
    await visitor.post("/m", {"msg_id": msg_id, "text": URGENT})
    assert visitor.site.texts_received() == [CALM, URGENT]


async def test_a_quick_reply_is_sent_as_its_words(visitor: Visitor) -> None:
    await visitor.start()
    await visitor.send("", choice="Talk to a person")
    assert visitor.site.texts_received() == ["Talk to a person"]


async def test_half_a_message_stays_in_the_box_when_a_quick_reply_is_pressed(visitor: Visitor) -> None:
    await visitor.start()
    answer, page = await visitor.send("I was about to say", choice="Talk to a person")
    assert answer.status == 200
    assert visitor.site.texts_received() == ["Talk to a person"]
    assert box_in(page) == "I was about to say"
    await visitor.post("/m", {"msg_id": msg_id_in(page), "text": box_in(page)})
    assert visitor.site.texts_received() == ["Talk to a person", "I was about to say"]


@pytest.mark.parametrize("text", ["", "   \r\n "])
async def test_an_empty_box_brings_the_page_back_with_words_that_help(visitor: Visitor, text: str) -> None:
    await visitor.start()
    answer, page = await visitor.send(text)
    assert answer.status == 422
    assert "Type a message, or choose Talk to a person." in page
    assert visitor.site.texts_received() == []


async def test_a_message_that_is_too_long_stays_whole_in_the_box(visitor: Visitor) -> None:
    await visitor.start()
    long = "\nabcdé " * 700
    answer, page = await visitor.send(long)
    assert answer.status == 422
    assert "4,000 characters or fewer" in page
    assert f">\n{long}</textarea>" in page
    assert visitor.site.texts_received() == []


async def test_what_cannot_be_decoded_is_kept_and_goes_to_a_person(visitor: Visitor) -> None:
    await visitor.start()
    body = b"msg_id=0011223344556677&text=%ED%A0%80hello%00%FF"
    answer, _ = await visitor.post("/m", body)
    assert answer.status == 303
    (text,) = visitor.site.texts_received()
    assert "hello" in text
    assert "\ufffd" in text
    assert "\0" not in text
    assert [row.raw for row in visitor.site.rows(inbox)] == [body]
    assert [item.reason for item in visitor.site.rows(desk_item)] == ["unreadable"]


def test_line_ends_of_a_browser_are_not_unreadable() -> None:
    form = parse_composer(b"text=one%0D%0Atwo+%F0%9F%99%8F")
    assert (form.text, form.is_readable) == ("one\ntwo 🙏", True)


async def test_urgent_words_reach_the_desk_and_are_answered_at_once(visitor: Visitor) -> None:
    await visitor.start()
    await visitor.send(URGENT)
    (item,) = visitor.site.rows(desk_item)
    assert (item.reason, item.grade) == ("disclosure", 1)
    (line,) = visitor.site.rows(outbox)
    assert line.dedupe_key.startswith("safety:")
    visitor.site.send_waiting()
    assert "999" in (await visitor.page()).split('id="in-1"')[1]


async def test_what_a_person_writes_is_shown_as_words_never_as_markup(visitor: Visitor) -> None:
    await visitor.start()
    attack = "</textarea><script>alert(1)</script><img src=x onerror=alert(1)>\"'"
    await visitor.send(attack)
    visitor.site.answer(attack, choices=('"><script>x</script>',))
    _, kept = await visitor.send(attack + "x" * 4000)
    for page in (await visitor.page(), kept):
        assert "<script>" not in page
        assert "<img" not in page
        assert "&lt;script&gt;alert(1)" in page


# --- who wrote, and what is shown ----------------------------------------------------------------


async def test_a_person_is_named_as_a_person(visitor: Visitor) -> None:
    await visitor.start()
    await visitor.send(CALM)
    staff_id = visitor.site.add_staff("Sam Example")
    visitor.site.answer("I am reading this now.", author=Author.STAFF, staff_id=staff_id)
    visitor.site.answer("This is automatic.", author=Author.SERVICE)
    page = await visitor.page()
    assert "Sam Example, a person" in page
    labels = [label.strip() for label in re.findall(r'<p class="who">\s*([^<]+)', page)]
    assert labels == ["Assistant", "You", "Sam Example, a person", "Assistant"]


@pytest.mark.parametrize("status", [status for status in OutboxStatus if status is not OutboxStatus.SENT])
async def test_only_what_has_left_is_shown(visitor: Visitor, status: OutboxStatus) -> None:
    await visitor.start()
    await visitor.send(CALM)
    visitor.site.answer("Not for this page.", status=status, choices=("Nor this",))
    page = await visitor.page()
    assert "Not for this page." not in page
    assert "Nor this" not in page


async def test_quick_replies_go_once_the_person_has_written(visitor: Visitor) -> None:
    await visitor.start()
    await visitor.send(CALM)
    visitor.site.answer("Shall I go on?", choices=("Yes", "No"))
    assert 'value="Yes"' in await visitor.page()
    await visitor.send("hello again")
    page = await visitor.page()
    assert 'value="Yes"' not in page
    assert 'value="Talk to a person"' in page


async def test_the_pane_is_the_transcript_alone(visitor: Visitor) -> None:
    await visitor.start()
    await visitor.send(CALM)
    answer, pane = await visitor.get("/m", **{"X-Pane": "log"})
    assert answer.status == 200
    assert CALM in pane
    assert 'id="quick"' in pane
    assert "<html" not in pane
    assert "msg_id" not in pane


# --- sessions ------------------------------------------------------------------------------------


async def test_without_a_session_the_messages_page_leads_to_the_first_page(visitor: Visitor) -> None:
    answer, _ = await visitor.get("/m")
    assert (answer.status, answer.headers["Location"]) == (303, "/")
    pane, text = await visitor.get("/m", **{"X-Pane": "log"})
    assert (pane.status, text) == (401, "")
    stream, _ = await visitor.get("/m/events")
    assert stream.status == 204  # a browser stops asking


async def test_a_message_written_after_the_end_is_kept_and_one_press_sends_it(visitor: Visitor) -> None:
    answer, page = await visitor.post("/m", {"msg_id": "0011223344556677", "text": "I am <still> here\nhelp"})
    assert answer.status == 401
    assert box_in(page) == "I am &lt;still&gt; here\nhelp"
    assert 'action="/start"' in page
    assert visitor.site.texts_received() == []

    fields = {"msg_id": msg_id_in(page), "text": "I am <still> here\nhelp"}
    started, _ = await visitor.post("/start", fields)

    assert started.headers["Location"] == "/m"
    assert visitor.site.texts_received() == ["I am <still> here\nhelp"]
    assert "I am &lt;still&gt; here" in await visitor.page()


async def test_a_kept_message_that_is_too_long_is_kept_again(visitor: Visitor) -> None:
    answer, page = await visitor.post("/start", {"text": "x" * 4001})
    assert answer.status == 422
    assert box_in(page) == "x" * 4001
    assert visitor.site.rows(web_session) == []


async def test_a_session_ends_after_half_an_hour_without_activity(visitor: Visitor) -> None:
    await visitor.start()
    visitor.site.clock.advance(minutes=29)
    assert (await visitor.get("/m"))[0].status == 200
    visitor.site.clock.advance(minutes=29)
    await visitor.get("/m", **{"X-Pane": "log"})  # the page's own looking is not activity
    visitor.site.clock.advance(minutes=2)
    assert (await visitor.get("/m"))[0].status == 303


async def test_a_session_ends_after_twelve_hours_however_busy(visitor: Visitor) -> None:
    await visitor.start()
    for _ in range(12 * 3 - 1):
        visitor.site.clock.advance(minutes=20)
        assert (await visitor.get("/m"))[0].status == 200
    visitor.site.clock.advance(minutes=20)
    assert (await visitor.get("/m"))[0].status == 303


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_leaving_ends_the_session_on_the_server(visitor: Visitor, method: str) -> None:
    await visitor.start()
    await visitor.send(CALM)
    stolen = visitor.cookie()

    if method == "GET":
        answer, _ = await visitor.get("/leave", Accept="text/html")
    else:
        answer, _ = await visitor.post("/leave", Accept="text/html,*/*")

    assert (answer.status, answer.headers["Location"]) == (303, EXIT_SITE)
    assert "Max-Age=0" in answer.headers["Set-Cookie"]
    assert answer.headers["Clear-Site-Data"] == '"cookies"'
    back, page = await visitor.get("/m", Cookie=f"wm={stolen}")
    assert back.status == 303
    assert CALM not in page
    assert len(visitor.site.rows(inbox)) == 1  # what was sent stays with us
    assert "web_session_left" in [row.act for row in visitor.site.rows(audit)]


async def test_a_beacon_leaves_without_a_page(visitor: Visitor) -> None:
    await visitor.start()
    answer, text = await visitor.post("/leave", Accept="*/*")
    assert (answer.status, text) == (204, "")
    assert visitor.site.rows(web_session)[0].ended_at is not None


def test_a_visit_and_its_version_are_the_same_on_both_databases(database: Database) -> None:
    def visit(tx: SqlTransaction) -> None:
        tx.web_sessions.open("hash", "0123456789abcdef0123456789abcdef")
        assert find_visit(tx, "hash") == WebVisit(external_id="0123456789abcdef" * 2, conversation_id=None)
        assert get_version(tx, "hash") == "0.0.0"
        opened = tx.conversations.open(Channel.WEBCHAT, "0123456789abcdef" * 2)
        tx.conversations.open(Channel.SMS, "0123456789abcdef" * 2)
        assert find_visit(tx, "hash") == WebVisit(external_id=opened.external_id, conversation_id=opened.id)
        assert get_version(tx, "unknown") == "ended"

    database.write_now(visit)


# --- other sites ---------------------------------------------------------------------------------

FORGED = [
    {"Sec-Fetch-Site": "cross-site", "Origin": "https://elsewhere.example.com"},
    {"Sec-Fetch-Site": "same-site", "Origin": "https://elsewhere.example.com"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
]


@pytest.mark.parametrize("path", ["/start", "/m", "/leave"])
@pytest.mark.parametrize("headers", FORGED)
async def test_a_form_from_another_site_is_refused(
    visitor: Visitor, path: str, headers: dict[str, str]
) -> None:
    await visitor.start()
    answer, page = await visitor.post(path, {"text": CALM, "msg_id": "0011223344556677"}, **headers)
    assert answer.status == 403
    assert "Nothing was sent." in page
    assert visitor.site.texts_received() == []
    assert [row.ended_at for row in visitor.site.rows(web_session)] == [None]


@pytest.mark.parametrize("origin", ["https://elsewhere.example.com", "null", None])
async def test_an_older_browser_names_its_origin_or_nothing(visitor: Visitor, origin: str | None) -> None:
    await visitor.start()
    headers = {"Cookie": f"wm={visitor.cookie()}"} | ({"Origin": origin} if origin else {})
    async with (
        aiohttp.ClientSession(visitor.site.url, headers=headers) as http,
        http.post("/m", data={"text": CALM}, allow_redirects=False) as answer,
    ):
        assert answer.status == (403 if origin and origin != "null" else 303)


# --- the stream ----------------------------------------------------------------------------------


async def read_event(stream: aiohttp.ClientResponse) -> dict[str, str]:
    event: dict[str, str] = {}
    async with asyncio.timeout(5):
        async for line in stream.content:
            name, _, value = line.decode().strip().partition(": ")
            if name:
                event[name] = value
            elif "id" in event:
                return event
    raise AssertionError("the stream ended")


async def test_the_stream_tells_that_something_is_new_and_never_what(visitor: Visitor) -> None:
    await visitor.start()
    async with visitor.http.get("/m/events") as stream:
        assert stream.headers["Content-Type"] == "text/event-stream"
        first = await read_event(stream)
        await visitor.send("a secret that must stay off the stream")
        second = await read_event(stream)
        visitor.site.answer("an answer that must stay off it too")
        third = await read_event(stream)
    events = (first, second, third)
    assert [event["event"] for event in events] == ["messages"] * 3
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", event["data"]) for event in events)
    assert len({event["id"] for event in events}) == 3


async def test_a_stream_taken_up_again_tells_only_what_was_missed(visitor: Visitor) -> None:
    await visitor.start()
    await visitor.send(CALM)
    async with visitor.http.get("/m/events") as stream:
        seen = (await read_event(stream))["id"]

    async with visitor.http.get("/m/events", headers={"Last-Event-ID": seen}) as stream:
        assert await stream.content.readline() == b": beat\n"
        visitor.site.answer("news")
        assert (await read_event(stream))["id"] != seen

    visitor.site.answer("more news")
    async with visitor.http.get("/m/events", headers={"Last-Event-ID": seen}) as stream:
        assert (await read_event(stream))["id"] != seen


async def test_a_stream_says_so_when_its_session_is_over(visitor: Visitor) -> None:
    await visitor.start()
    async with visitor.http.get("/m/events") as stream:
        await read_event(stream)
        await visitor.post("/leave", Accept="*/*")
        assert (await read_event(stream))["data"] == "ended"


async def test_a_message_that_only_waits_moves_nothing(visitor: Visitor) -> None:
    await visitor.start()
    await visitor.send(CALM)
    async with visitor.http.get("/m/events") as stream:
        seen = (await read_event(stream))["id"]
        visitor.site.answer("held back", status=OutboxStatus.SUPPRESSED)
        visitor.site.answer("shown")
        event = await read_event(stream)
    assert event["id"] != seen
    assert event["id"].endswith(".1")  # one message sent


# --- traces --------------------------------------------------------------------------------------


async def test_every_route_carries_the_headers(visitor: Visitor) -> None:
    await visitor.start()
    answers = [
        (await visitor.get(path))[0]
        for path in ("/", "/m", "/s/webchat/chat.js", "/s/webchat/chat.css", "/s/webchat/none.js", "/nowhere")
    ]
    answers.append((await visitor.send(""))[0])
    answers.append((await visitor.post("/m", {}, **{"Sec-Fetch-Site": "cross-site"}))[0])
    async with visitor.http.get("/m/events") as stream:
        answers.append(stream)
    answers += [(await visitor.get("/leave"))[0], (await visitor.get("/m"))[0]]
    for answer in answers:
        for name, value in SECURITY_HEADERS.items():
            if name != "Cache-Control" or "/s/" not in answer.url.path or answer.status != 200:
                assert answer.headers[name] == value, (answer.url, name)


async def test_pages_name_nothing_in_title_address_or_icon_and_ask_no_other_host(visitor: Visitor) -> None:
    pages = [(await visitor.get("/"))[1], (await visitor.post("/m", {"text": "kept"}))[1]]
    await visitor.start()
    await visitor.send(CALM)
    pages += [await visitor.page(), (await visitor.send(""))[1]]
    pages.append((await visitor.post("/m", {}, **{"Sec-Fetch-Site": "cross-site"}))[1])
    for page in pages:
        assert re.findall(r"<title>(.*?)</title>", page) == ["Messages"]
        assert '<link rel="icon" href="data:,">' in page
        assert 'content="noindex, nofollow"' in page
        assert not re.search(r"<script(?![^>]*src=)| style=|<style| on\w+=", page)
        assert set(re.findall(r'https?://[^"\s]+', page)) <= {EXIT_SITE}
        assert '<ol id="log"' not in page or "aria-live" not in page.split('<ol id="log"')[1].split(">")[0]


async def test_assets_are_typed_and_cached_for_a_short_time(visitor: Visitor) -> None:
    style, _ = await visitor.get("/s/webchat/chat.css")
    script, text = await visitor.get("/s/webchat/chat.js")
    assert style.content_type == "text/css"
    assert script.content_type == "text/javascript"
    assert script.headers["Cache-Control"] == "max-age=600"
    assert len(text.splitlines()) <= 200
    assert not re.search(r"(local|session)Storage|indexedDB|Notification|\.title|innerHTML", text)
