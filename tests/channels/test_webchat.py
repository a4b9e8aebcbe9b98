"""The web chat over plain HTTP, as a browser without JavaScript uses it; what its script asks for, byte by byte.

Red when: `find_visit` looks at `last_seen_at` alone (the waits), `_list_waits` forgets that a wait must begin before
the end (the revived visit), `may_open_again` is always true (after the exit) or never (sent twice), `start` opens a
session though one is open, `_find_lacking` gives all entries (1.5 KB), `before` is left out (the late one),
`answer_question` opens a session though there is one, `get_version` leaves out its last number.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import pytest

from casework.adapters.storage.database import Database
from casework.adapters.storage.tables import audit, conversation, desk_item, inbox, outbox, web_session
from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.storage.web_visits import (
    LEFT,
    SeenVisit,
    WebVisit,
    find_end,
    find_last_visit,
    find_visit,
    get_version,
    may_open_again,
)
from casework.adapters.web_app import SECURITY_HEADERS
from casework.model.messages import Author, Channel, OutboxStatus
from casework.model.tokens import hash_token
from channels.webchat.composer import parse_composer
from channels.webchat.pages import EXIT_SITE
from tests.channels.pseudo_language import PSEUDO, mirror, write_pseudo_language
from tests.channels.states_chat import hand_back, join, reply
from tests.channels.webchat_site import WebchatSite, run_webchat
from tests.support.clock import SetClock
from tests.support.line import Line

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


async def test_the_first_page_says_999_and_asks_who_sees_the_screen_before_anything_starts(
    visitor: Visitor,
) -> None:
    answer, page = await visitor.get("/")
    assert answer.status == 200
    assert "call 999" in page
    assert "press <strong>55</strong>" in page
    assert page.index("call 999") < page.index("Is anyone able to see this screen")
    assert re.findall(r'name="screen_seen" type="radio" value="(\w+)"', page) == ["no", "unsure", "yes"]
    assert '<form method="post" action="/before"' in page
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


# --- before the chat -----------------------------------------------------------------------------

LOOKED_AT = "If someone may look"


@pytest.mark.parametrize(
    ("answer", "kept", "says_more"),
    [
        ("no", "no", False),
        ("unsure", "unsure", True),
        ("yes", "yes", True),
        ("", None, True),
        ("x", None, True),
    ],
)
async def test_what_they_say_of_the_screen_is_kept_and_no_answer_is_forced(
    visitor: Visitor, answer: str, kept: str | None, says_more: bool
) -> None:
    sent, _ = await visitor.post("/before", {"screen_seen": answer} if answer else {})
    assert (sent.status, sent.headers["Location"]) == (303, "/before")

    _, page = await visitor.get("/before")
    assert "Exit this page" in page
    assert "key 3 times" in page
    assert "history keeps the address" in page
    assert "To come back" in page
    assert (LOOKED_AT in page) is says_more
    assert ("Deleting all your history can look odd" in page) is says_more

    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="(\w*)"', page))
    started, _ = await visitor.post("/start", fields)
    assert started.headers["Location"] == "/m"
    assert [row.screen_seen for row in visitor.site.rows(web_session)] == [kept, kept]
    assert [row.ended_at is None for row in visitor.site.rows(web_session)].count(True) == 1


async def test_whoever_comes_straight_to_the_second_screen_reads_all_of_it(visitor: Visitor) -> None:
    answer, page = await visitor.get("/before")
    assert answer.status == 200
    assert LOOKED_AT in page
    assert '<form method="post" action="/start"' in page
    assert visitor.site.rows(web_session) == []


async def test_a_new_answer_in_the_middle_of_a_conversation_keeps_the_conversation(visitor: Visitor) -> None:
    await visitor.start()
    await visitor.send(CALM)
    await visitor.post("/before", {"screen_seen": "yes"})
    [session] = visitor.site.rows(web_session)
    assert (session.screen_seen, session.ended_at) == ("yes", None)
    _, page = await visitor.get("/before")
    assert "Go back to your messages" in page
    assert CALM in await visitor.page()

    await visitor.start()
    assert CALM not in await visitor.page()
    assert [row.screen_seen for row in visitor.site.rows(web_session)] == ["yes", "yes"]


async def test_the_page_about_this_page_promises_no_more_than_is_true(visitor: Visitor) -> None:
    _, page = await visitor.get("/about")
    for said in ("We cannot promise that nobody sees", "hidden app", "Each time one of us opens", "WCAG 2.2"):
        assert said in page
    for promise in ("confidential", "anonymous", "completely safe", "guarantee"):
        assert promise not in page.lower()


@pytest.mark.parametrize("path", ["/xx", "/xx/before", "/xx/about", "/my/before"])
async def test_a_language_that_is_not_offered_has_no_pages(visitor: Visitor, path: str) -> None:
    assert (await visitor.get(path))[0].status == 404
    assert (await visitor.post(path))[0].status in (404, 405)
    assert visitor.site.rows(web_session) == []


@pytest.mark.parametrize("path", ["/", "/before", "/about", "/m"])
async def test_pages_do_not_answer_a_head(visitor: Visitor, path: str) -> None:
    async with visitor.http.head(path, allow_redirects=False) as answer:
        assert answer.status == 405


# --- another language ----------------------------------------------------------------------------


@pytest.fixture
async def foreign(tmp_path: Path) -> AsyncIterator[Visitor]:
    """Where pages can be had in a language that nobody speaks."""
    async with run_webchat(tmp_path, pages=write_pseudo_language(tmp_path)) as running:
        visitor = Visitor(running)
        yield visitor
        await visitor.http.close()


async def test_the_language_of_the_first_screen_is_that_of_the_chat(foreign: Visitor) -> None:
    _, page = await foreign.get(f"/{PSEUDO}")
    assert f'<input type="hidden" name="language" value="{PSEUDO}">' in page
    answered, _ = await foreign.post(f"/{PSEUDO}/before", {"language": PSEUDO})
    assert answered.headers["Location"] == f"/{PSEUDO}/before"
    await foreign.post("/start", {"language": PSEUDO})
    await foreign.send(CALM)
    foreign.site.answer("An officer is looking into it.", choices=("What happens next",))

    page = await foreign.page()

    assert f'<html class="govuk-template" lang="{PSEUDO}" dir="rtl">' in page
    # What the service wrote says that it is English; what they wrote is of any language.
    assert '<div class="words" dir="auto" lang="en-GB">An officer' in page
    assert f'<div class="words" dir="auto">{CALM}' in page
    assert re.search(r'value="What happens next"[^>]* lang="en-GB"', page)
    # What the button says is theirs; what it sends is what the assistant reads.
    assert (
        f'value="Talk to a person" class="govuk-button govuk-button--secondary">{mirror("Talk to a person")}'
        in page
    )


async def test_a_change_of_language_keeps_the_half_written_message(foreign: Visitor) -> None:
    await foreign.start()
    page = await foreign.page()
    assert len(re.findall(r'<button name="language" [^>]*form="composer"', page)) == 2
    msg_id = msg_id_in(page)
    answer, page = await foreign.post("/m", {"msg_id": msg_id, "text": "half a", "language": PSEUDO})
    assert (answer.status, box_in(page)) == (200, "half a")
    assert f'lang="{PSEUDO}"' in page
    back, _ = await foreign.post("/m/language", {"language": "en"})
    assert (back.status, back.headers["Location"]) == (303, "/m")
    assert 'lang="en-GB"' in await foreign.page()
    await foreign.post("/m/language", {"language": "xx"})
    assert [row.language for row in foreign.site.rows(web_session)] == ["en"]
    assert foreign.site.texts_received() == []


async def test_words_kept_after_the_end_are_kept_in_their_language(foreign: Visitor) -> None:
    answer, page = await foreign.post("/m", {"text": CALM, "page_language": PSEUDO})
    assert (answer.status, box_in(page)) == (401, CALM)
    assert f'lang="{PSEUDO}"' in page
    await foreign.post("/start", {"text": CALM, "language": PSEUDO})
    assert [row.language for row in foreign.site.rows(web_session)] == [PSEUDO]


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


async def test_what_answers_a_message_is_shown_below_it(visitor: Visitor) -> None:
    """Red when: the message is dated by the clock within the transaction, after the line that answers it."""
    await visitor.start()
    for text in (CALM, URGENT, URGENT):
        await visitor.send(text)
        visitor.site.send_waiting()

    assert keys_in(await visitor.page()) == ["in-1", "in-2", "out-1", "in-3", "out-2"]


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
    assert "<bdi>Sam Example</bdi>, a person" in page
    labels = [re.sub("<[^>]+>", "", label) for label in re.findall(r'class="who"><span>(.*?)</span>', page)]
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


PANE = {"X-Pane": "log"}
# Of one message, there and back, with its head.
BYTES_OF_A_MESSAGE = 1536


def ends_in(pane: str) -> str:
    found = re.search(r'data-ends-in="(\d*)"', pane)
    assert found
    return found[1]


def keys_in(pane: str) -> list[str]:
    return re.findall(r'<li id="((?:in|out)-\d+)"', pane)


def having(pane: str, *, count: int | None = None) -> dict[str, str]:
    """What a page that shows this says of itself."""
    keys = keys_in(pane)
    older = re.search(r'data-older="(\d+)"', pane)
    known = len(keys) + int(older[1] if older else 0) if count is None else count
    return PANE | {"X-Have": " ".join(keys[-20:]), "X-Count": str(known)}


async def count_bytes(visitor: Visitor, method: str, fields: dict[str, str], headers: dict[str, str]) -> int:
    """Of an answer as it crosses the wire, its head with it."""
    head = {"Sec-Fetch-Site": "same-origin", "Content-Type": FORM, "Accept-Encoding": "gzip"} | headers
    cookie = {"Cookie": f"wm={visitor.cookie()}"}
    async with (
        aiohttp.ClientSession(visitor.site.url, auto_decompress=False, headers=cookie) as http,
        http.request(method, "/m", data=urlencode(fields).encode(), headers=head) as answer,
    ):
        assert answer.status == 200
        packed = answer.headers["Content-Encoding"] == "gzip"
        assert packed
        body = await answer.read()
        return len(body) + sum(len(name) + len(value) + 4 for name, value in answer.raw_headers)


async def test_however_long_the_conversation_a_message_costs_no_more(visitor: Visitor) -> None:
    await visitor.start()
    await visitor.send(CALM)
    for number in range(299):
        visitor.site.answer(f"Line {number} of what was said, with some words to it.")
    page = await visitor.page()
    assert len(keys_in(page)) == 200
    assert "Only your newest messages are shown" in page

    fields = {"msg_id": "0011223344556677", "text": "and when is the court date"}
    sent = await count_bytes(visitor, "POST", fields, having(page))
    known = having(page, count=300)
    own = keys_in((await visitor.get("/m", **known))[1])
    assert len(own) == 1
    known |= {"X-Have": f"{known['X-Have']} {own[0]}", "X-Count": "301"}
    visitor.site.answer(
        "Your court date is 4 May at 10am. " * 8, choices=("What happens next", "Who is my officer")
    )
    got = await count_bytes(visitor, "GET", {}, known)

    assert sent <= BYTES_OF_A_MESSAGE
    assert got <= BYTES_OF_A_MESSAGE


async def test_a_page_gets_what_it_lacks_and_nothing_twice(visitor: Visitor) -> None:
    await visitor.start()
    await visitor.send(CALM)
    for number in range(30):
        visitor.site.answer(f"Line {number}")
    whole = (await visitor.get("/m", **PANE))[1]
    assert keys_in((await visitor.get("/m", **having(whole)))[1]) == []
    assert 'id="hello"' not in (await visitor.get("/m", **having(whole)))[1]
    visitor.site.answer("new")
    pane = (await visitor.get("/m", **having(whole)))[1]
    assert keys_in(pane) == ["out-31"]


async def test_what_comes_late_is_told_with_its_place(visitor: Visitor) -> None:
    await visitor.start()
    await visitor.send(CALM)
    visitor.site.answer("first")
    visitor.site.answer("held up on its way", status=OutboxStatus.WAITING)
    visitor.site.answer("last")
    page = await visitor.page()
    assert keys_in(page) == ["in-1", "out-1", "out-3"]
    visitor.site.send_waiting()
    pane = (await visitor.get("/m", **having(page)))[1]
    assert '<li id="out-2" class="message assistant" data-before="out-3">' in pane
    assert keys_in(pane) == ["out-2"]


async def test_what_comes_late_from_before_all_that_the_page_names_brings_the_whole(visitor: Visitor) -> None:
    await visitor.start()
    await visitor.send(CALM)
    visitor.site.answer("held up on its way", status=OutboxStatus.WAITING)
    for number in range(25):
        visitor.site.answer(f"Line {number}")
    page = await visitor.page()
    visitor.site.send_waiting()
    assert keys_in((await visitor.get("/m", **having(page)))[1])[:2] == ["in-1", "out-1"]


@pytest.mark.parametrize(
    "said",
    [
        {"X-Have": "in-1", "X-Count": "none"},
        {"X-Have": "in-1", "X-Count": "9" * 5000},
        {"X-Have": "in-999 <b>", "X-Count": "1"},
        {"X-Have": "", "X-Count": "1"},
        {"X-Count": "1"},
    ],
)
async def test_a_page_that_says_nonsense_of_itself_gets_the_whole(
    visitor: Visitor, said: dict[str, str]
) -> None:
    await visitor.start()
    await visitor.send(CALM)
    assert keys_in((await visitor.get("/m", **PANE, **said))[1]) == ["in-1"]


async def test_a_live_page_is_answered_without_a_second_request(visitor: Visitor) -> None:
    await visitor.start()
    fields = {"msg_id": msg_id_in(await visitor.page()), "text": CALM}
    answer, pane = await visitor.post("/m", fields, **PANE)
    assert (answer.status, keys_in(pane)) == (200, ["in-1"])
    assert "<html" not in pane
    assert "The assistant is writing a reply." in pane
    for text, said in (("", "Type a message"), ("x" * 4001, "4,000 characters or fewer")):
        problem, words = await visitor.post("/m", fields | {"text": text}, **PANE)
        assert (problem.status, said in words, "<" in words) == (422, True, False)
    await visitor.get("/leave")
    gone, empty = await visitor.post("/m", fields | {"text": "again"}, **PANE)
    assert (gone.status, empty) == (401, "")
    assert visitor.site.texts_received() == [CALM]


async def test_who_has_the_message_is_told_only_while_it_is_so(visitor: Visitor) -> None:
    await visitor.start()
    assert 'id="turn" class="hint" role="status"></p>' in await visitor.page()
    await visitor.send(CALM)
    assert "The assistant is writing a reply." in await visitor.page()
    member = join(visitor.site)
    page = await visitor.page()
    assert "A person has your message." in page
    assert "is writing a reply" not in page
    reply(visitor.site, "I am here.", member)
    assert "<bdi>Sam Example</bdi>, a person" in await visitor.page()
    hand_back(visitor.site, member)
    assert "A person has your message." not in await visitor.page()


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


async def test_a_double_submit_of_a_kept_message_is_one_message_in_one_conversation(visitor: Visitor) -> None:
    fields = {"msg_id": "0011223344556677", "text": CALM}
    answers = await asyncio.gather(*(visitor.post("/start", fields) for _ in range(5)))
    assert {answer.headers["Location"] for answer, _ in answers} == {"/m"}
    assert visitor.site.texts_received() == [CALM]
    assert len(visitor.site.rows(conversation)) == 1
    assert CALM in await visitor.page()


async def test_a_kept_message_goes_to_the_session_that_another_tab_has_opened(visitor: Visitor) -> None:
    await visitor.start()
    await visitor.send("first")
    await visitor.post("/start", {"msg_id": "0011223344556677", "text": CALM})
    assert visitor.site.texts_received() == ["first", CALM]
    assert len(visitor.site.rows(web_session)) == 1
    assert "first" in await visitor.page()


@pytest.mark.parametrize("minutes", [0, 3])
async def test_the_form_that_started_a_conversation_never_opens_it_again_after_the_exit(
    visitor: Visitor, minutes: int
) -> None:
    fields = {"msg_id": "0011223344556677", "text": CALM}
    await visitor.post("/start", fields)
    visitor.site.answer("An officer is looking into it.")
    await visitor.get("/leave")
    visitor.site.clock.advance(minutes=minutes)
    await visitor.post("/start", fields)
    assert "An officer is looking into it." not in await visitor.page()


async def test_a_kept_message_that_is_too_long_is_kept_again(visitor: Visitor) -> None:
    answer, page = await visitor.post("/start", {"text": "x" * 4001})
    assert answer.status == 422
    assert box_in(page) == "x" * 4001
    assert visitor.site.rows(web_session) == []


async def test_twenty_thousand_characters_come_back_whole(visitor: Visitor) -> None:
    await visitor.start()
    long = "дом 🙏 " * 3333 + "12"
    assert len(long) == 20_000
    answer, page = await visitor.send(long)
    assert (answer.status, box_in(page)) == (422, long)
    kept, page = await visitor.post("/start", {"text": long})
    assert (kept.status, box_in(page)) == (422, long)
    assert visitor.site.texts_received() == []


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


async def test_one_press_keeps_it_open_for_two_hours(visitor: Visitor) -> None:
    await visitor.start()
    visitor.site.clock.advance(minutes=26)
    answer, _ = await visitor.post("/m/keep")
    assert (answer.status, answer.headers["Location"]) == (303, "/m")
    visitor.site.clock.advance(minutes=119)
    page = await visitor.page()
    assert "closes after 2 hours" in page
    visitor.site.clock.advance(minutes=121)
    assert (await visitor.get("/m"))[0].status == 303
    late, _ = await visitor.post("/m/keep")
    assert (late.status, late.headers["Location"]) == (303, "/")
    assert (await visitor.post("/m/keep", **PANE))[0].status == 401


async def test_the_page_is_told_how_long_it_has_and_nothing_while_they_wait(visitor: Visitor) -> None:
    await visitor.start()
    await visitor.send(CALM)
    visitor.site.clock.advance(minutes=20)
    assert 600 - 2 <= int(ends_in((await visitor.get("/m", **PANE))[1])) <= 600
    member = join(visitor.site)
    assert ends_in((await visitor.get("/m", **PANE))[1]) == ""
    visitor.site.clock.advance(hours=2)
    assert (await visitor.get("/m", **PANE))[0].status == 200
    hand_back(visitor.site, member)
    visitor.site.clock.advance(minutes=10)
    assert 1200 - 2 <= int(ends_in((await visitor.get("/m", **PANE))[1])) <= 1200
    visitor.site.clock.advance(minutes=21)
    assert (await visitor.get("/m", **PANE))[0].status == 401


async def test_waiting_for_a_person_keeps_it_open_and_never_opens_it_again(visitor: Visitor) -> None:
    await visitor.start()
    await visitor.send(URGENT)
    visitor.site.clock.advance(hours=3)
    assert (await visitor.get("/m", **PANE))[0].status == 200
    visitor.site.clock.advance(hours=9)
    assert (await visitor.get("/m", **PANE))[0].status == 401

    await visitor.start()
    await visitor.send(CALM)
    visitor.site.clock.advance(minutes=31)
    join(visitor.site, "Kim Example")
    assert (await visitor.get("/m", **PANE))[0].status == 401


def test_the_waits_of_a_visit_are_the_same_on_both_databases(database: Database, clock: SetClock) -> None:
    line = Line(database, clock)
    external_id = "0123456789abcdef" * 2
    database.write_now(lambda tx: tx.web_sessions.open("hash", external_id))
    conversation_id = line.receive(channel=Channel.WEBCHAT, external_id=external_id).conversation_id
    sam = line.add_staff()

    def left() -> int | None:
        def look(tx: SqlTransaction) -> int | None:
            visit = find_visit(tx, "hash")
            return None if visit is None else round((find_end(tx, visit) - tx.now).total_seconds() / 60)

        return database.read_now(look)

    def version() -> str:
        return database.read_now(lambda tx: get_version(tx, "hash"))

    assert (left(), version()) == (30, "1.0.0.4")
    clock.advance(minutes=29)
    line.claim(conversation_id, sam)
    clock.advance(minutes=90)
    assert (left(), version()[-1]) == (30, "6")
    line.hand_back(conversation_id, None, sam)
    clock.advance(minutes=29)
    assert left() == 1
    database.write_now(lambda tx: tx.web_sessions.set_idle_minutes("hash", 120))
    assert left() == 91
    clock.advance(minutes=92)
    assert (left(), version()) == (None, "ended")
    line.claim(conversation_id, sam)
    assert left() is None


def test_sessions_of_one_writer_are_told_apart_on_both_databases(database: Database, clock: SetClock) -> None:
    external_id = "0123456789abcdef" * 2
    conversation_id = (
        Line(database, clock).receive(channel=Channel.WEBCHAT, external_id=external_id).conversation_id
    )

    def look(tx: SqlTransaction) -> tuple[bool, SeenVisit | None]:
        return may_open_again(tx, external_id), find_last_visit(tx, conversation_id)

    assert database.read_now(look) == (True, None)
    database.write_now(lambda tx: tx.web_sessions.open("one", external_id, screen_seen="no"))
    assert database.read_now(look) == (True, SeenVisit(screen_seen="no", left_at=None))
    clock.advance(minutes=1)
    database.write_now(lambda tx: tx.web_sessions.open("two", external_id, screen_seen="yes"))
    assert database.read_now(look) == (True, SeenVisit(screen_seen="yes", left_at=None))
    clock.advance(minutes=2)
    assert database.read_now(look)[0] is False
    left_at = database.write_now(
        lambda tx: (tx.audit.record(LEFT, by="person", conversation_id=conversation_id), tx.now)
    )
    assert database.read_now(look)[1] == SeenVisit(screen_seen="yes", left_at=left_at[1])


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


def opens(found: WebVisit | None) -> tuple[str, str | None] | None:
    return (found.external_id, found.conversation_id) if found else None


def test_a_visit_and_its_version_are_the_same_on_both_databases(database: Database) -> None:
    def visit(tx: SqlTransaction) -> None:
        tx.web_sessions.open("hash", "0123456789abcdef0123456789abcdef")
        assert opens(find_visit(tx, "hash")) == ("0123456789abcdef" * 2, None)
        assert get_version(tx, "hash") == "0.0.0.0"
        opened = tx.conversations.open(Channel.WEBCHAT, "0123456789abcdef" * 2)
        tx.conversations.open(Channel.SMS, "0123456789abcdef" * 2)
        assert opens(find_visit(tx, "hash")) == (opened.external_id, opened.id)
        assert get_version(tx, "unknown") == "ended"

    database.write_now(visit)


# --- other sites ---------------------------------------------------------------------------------

FORGED = [
    {"Sec-Fetch-Site": "cross-site", "Origin": "https://elsewhere.example.com"},
    {"Sec-Fetch-Site": "same-site", "Origin": "https://elsewhere.example.com"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
]


@pytest.mark.parametrize("path", ["/start", "/m", "/leave", "/before", "/m/keep", "/m/language"])
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
    assert all(re.fullmatch(r"\d+\.\d+\.\d+\.\d", event["data"]) for event in events)
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
    assert event["id"].split(".")[2] == "1"  # one message sent


# --- traces --------------------------------------------------------------------------------------


async def test_every_route_carries_the_headers(visitor: Visitor) -> None:
    await visitor.start()
    answers = [
        (await visitor.get(path))[0]
        for path in ("/", "/m", "/s/old/chat.js", "/s/old/chat.css", "/s/old/none.js", "/nowhere")
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


async def test_assets_are_typed_and_kept_under_the_address_of_their_edition(visitor: Visitor) -> None:
    page = (await visitor.get("/"))[1]
    [folder] = set(re.findall(r'"(/s/[0-9a-f]+)/', page))
    style, _ = await visitor.get(f"{folder}/chat.css")
    script, text = await visitor.get(f"{folder}/chat.js")
    old, _ = await visitor.get("/s/old/chat.js")
    assert style.content_type == "text/css"
    assert script.content_type == "text/javascript"
    assert script.headers["Cache-Control"] == "max-age=31536000, immutable"
    assert old.headers["Cache-Control"] == "no-cache"
    assert len(text.splitlines()) <= 250
    assert not re.search(r"(local|session)Storage|indexedDB|Notification|\.title|innerHTML", text)
