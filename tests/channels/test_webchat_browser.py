"""The web chat in a real Chromium, with and without JavaScript: what it does, and what it does not let happen.

Red when: `spoken` leaves out who says it, the announcer's line stays, `log` is live (its twin here), `insertMissing`
forgets what is there, the message id changes between retries, `show` does not call `countDown`, the server counts a
look at the pane as activity, `end` keeps the list, `turnAway` lets the file be, `catch` in `send` does nothing,
`show` keeps what another visit wrote, `answer_question` answers by itself instead of redirecting (Back).
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, Route, expect

from casework.adapters.storage.tables import conversation, web_session
from casework.model.messages import OutboxStatus
from channels.webchat.pages import EXIT_SITE
from tests.channels.states_chat import ANSWER, hand_back, join, reply, send, start
from tests.channels.web_states import open_window
from tests.channels.webchat_site import WebchatSite, run_webchat
from tests.support.browser import ON_ONE_LOOP, PATIENCE_MS, open_browser  # noqa: F401

pytestmark = [pytest.mark.browser, ON_ONE_LOOP]

CALM = "what is happening with my case"
SECRET = "words nobody else may see"
NOT_SENT = "Your message did not send. It is still in the box."


@pytest_asyncio.fixture(loop_scope="session")
async def site(tmp_path: Path) -> AsyncIterator[WebchatSite]:
    async with run_webchat(tmp_path) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, site: WebchatSite) -> AsyncIterator[Page]:
    async with open_window(browser, site) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def plain_page(browser: Browser, site: WebchatSite) -> AsyncIterator[Page]:
    """A browser with JavaScript off."""
    async with open_window(browser, site, java_script_enabled=False) as opened:
        yield opened


def box(page: Page) -> Locator:
    return page.get_by_label("Your message")


def send_button(page: Page) -> Locator:
    return page.get_by_role("button", name="Send", exact=True)


async def read_transcript(page: Page) -> list[tuple[str, str]]:
    """Who said what, in the order of the page."""
    items = await page.locator("#log li").all()
    return [
        (await item.locator(".who span").inner_text(), await item.locator(".words").inner_text())
        for item in items
    ]


# --- with JavaScript -----------------------------------------------------------------------------


async def test_a_message_and_its_answer_show_without_a_reload(page: Page, site: WebchatSite) -> None:
    await start(page)
    await page.evaluate("window.isSamePage = true")

    await send(page, CALM)
    await expect(page.locator("#state")).to_have_text("Sent")
    await expect(page.get_by_label("Your message")).to_have_value("")
    site.answer("An officer is looking into it.", choices=("What happens next",))

    await expect(page.locator("#log").get_by_text("An officer is looking into it.")).to_be_visible()
    await expect(page.get_by_role("button", name="What happens next")).to_be_visible()
    assert await page.evaluate("window.isSamePage")
    assert site.texts_received() == [CALM]


async def test_quick_replies_are_sent_and_make_way(page: Page, site: WebchatSite) -> None:
    await start(page)
    await send(page, CALM)
    site.answer("Shall I go on?", choices=("Yes", "No"))
    await page.get_by_label("Your message").fill("half a thought")

    await page.get_by_role("button", name="Yes").click()

    await expect(page.locator("#log .you").last).to_contain_text("Yes")
    await expect(page.get_by_role("button", name="No", exact=True)).to_have_count(0)
    await expect(page.get_by_role("button", name="Talk to a person")).to_be_visible()
    await expect(page.get_by_label("Your message")).to_be_focused()
    await expect(page.get_by_label("Your message")).to_have_value("half a thought")
    assert site.texts_received() == [CALM, "Yes"]


LISTEN = """() => { window.spoken = []; new MutationObserver((changes) => {
  for (const { addedNodes } of changes) for (const node of addedNodes) window.spoken.push(node.textContent)
}).observe(document.getElementById('say'), { childList: true }) }"""
# Live places that a browser would read out whole, with the conversation in them.
READ_OUT_WHOLE = """[...document.querySelectorAll(
  '[aria-live]:not([aria-live=off]), [role=log], [role=status], [role=alert]'
)].filter((place) => place.contains(log) || log.contains(place)).length"""


async def test_arriving_messages_are_spoken_once_in_order_and_never_move_the_focus(
    page: Page, site: WebchatSite
) -> None:
    """Check 13."""
    await page.clock.install()
    await start(page)
    await send(page, CALM)
    await page.evaluate(LISTEN)
    for words in ("One.", "Two.", "Three."):
        site.answer(words, status=OutboxStatus.WAITING)
    site.send_waiting()
    await expect(page.locator("#log li")).to_have_count(5)
    assert await page.evaluate("spoken") == ["Assistant: One.. Assistant: Two.. Assistant: Three."]

    await page.clock.run_for(900)
    await expect(page.locator("#say")).not_to_be_empty()
    await page.clock.run_for(200)
    await expect(page.locator("#say")).to_be_empty()

    member = join(site)
    await expect(page.locator("#turn")).to_have_text("A person has your message.")
    await page.evaluate("spoken = []")
    await box(page).press_sequentially("I am still wri")
    reply(site, "I am reading this.", member)
    await expect(page.locator("#log .staff")).to_contain_text("Sam Example, a person")
    await expect(box(page)).to_be_focused()
    await page.keyboard.type("ting")
    await expect(box(page)).to_have_value("I am still writing")
    assert await page.evaluate("spoken") == ["Sam Example, a person: I am reading this."]
    assert await page.evaluate(READ_OUT_WHOLE) == 0


async def test_a_conversation_that_is_itself_live_would_be_noticed(page: Page) -> None:
    """The twin of the test before."""
    await start(page)
    await page.evaluate("log.setAttribute('aria-live', 'polite')")
    assert await page.evaluate(READ_OUT_WHOLE) == 1


async def test_a_page_with_nothing_new_stays_where_it_is_read(browser: Browser, site: WebchatSite) -> None:
    async with open_window(browser, site, viewport={"width": 390, "height": 844}) as page:
        await start(page)
        async with page.expect_response(
            lambda answer: answer.request.headers.get("x-pane") == "log"
        ) as looked:
            await page.evaluate("document.getElementById('check').click()")
        await (await looked.value).finished()
        await expect(page.locator("#log li")).to_have_count(1)
        assert await page.evaluate("scrollY") == 0


async def test_what_a_page_was_shown_is_not_asked_for_again(page: Page, site: WebchatSite) -> None:
    """On the wire each look weighs as much as a message. Red when: the page looks at every version it is told of."""
    asked: list[str] = []
    page.on(
        "request", lambda each: asked.append(each.method) if each.headers.get("x-pane") == "log" else None
    )
    await start(page)
    await send(page, CALM)
    await expect(page.locator("#log").get_by_text(CALM)).to_be_visible()
    site.answer("The first answer.")
    await expect(page.locator("#log").get_by_text("The first answer.")).to_be_visible()
    site.answer("The second answer.")
    await expect(page.locator("#log").get_by_text("The second answer.")).to_be_visible()

    assert asked == ["POST", "GET", "GET"]


async def test_a_focused_quick_reply_is_not_taken_away_by_an_arriving_message(
    page: Page, site: WebchatSite
) -> None:
    await start(page)
    await send(page, CALM)
    site.answer("Shall I go on?", choices=("Yes",))
    await page.get_by_role("button", name="Yes").focus()

    site.answer("There is more.", choices=("More",))

    await expect(page.locator("#log").get_by_text("There is more.")).to_be_visible()
    await expect(page.get_by_role("button", name="Yes")).to_be_focused()
    await page.get_by_label("Your message").focus()
    await expect(page.get_by_role("button", name="More")).to_be_visible()


async def test_a_message_that_cannot_leave_stays_in_the_box_and_is_sent_once(
    page: Page, site: WebchatSite
) -> None:
    await page.clock.install()
    await start(page)
    await page.context.set_offline(True)
    await page.get_by_label("Your message").fill(CALM)
    await page.get_by_role("button", name="Send", exact=True).click()
    state = page.locator("#state")
    await page.clock.run_for(100)
    await expect(state).to_have_text("Not sent yet. Trying again.")
    await pass_time_until(page, state, "Your message did not send. It is still in the box.")
    await expect(page.get_by_label("Your message")).to_have_value(CALM)
    await page.clock.run_for(20_000)
    await expect(page.locator("#offline")).to_contain_text("If you are in danger, call 999.")
    assert site.texts_received() == []

    await page.context.set_offline(False)
    await page.get_by_role("button", name="Send", exact=True).click()
    await page.clock.run_for(100)

    await expect(page.locator("#log").get_by_text(CALM)).to_be_visible()
    await page.clock.run_for(11_000)
    await expect(page.locator("#offline")).to_be_empty()
    assert site.texts_received() == [CALM]


async def pass_time_until(page: Page, place: Locator, text: str) -> None:
    """A second at a time: the next timer is set only once the failed request has come back."""
    async with asyncio.timeout(PATIENCE_MS / 1000):
        while text not in await place.inner_text():
            await page.clock.run_for(1_000)


async def test_a_lost_answer_is_not_a_second_message(page: Page, site: WebchatSite) -> None:
    await page.clock.install()
    await start(page)
    lost: list[int] = []

    async def lose_the_first_answer(route: Route) -> None:
        if route.request.method == "POST" and not lost:
            lost.append((await route.fetch()).status)
            await route.abort()
        else:
            await route.continue_()

    await page.route("**/m", lose_the_first_answer)
    await page.get_by_label("Your message").fill(CALM)
    await page.get_by_role("button", name="Send", exact=True).click()
    await page.clock.run_for(100)
    await expect(page.locator("#state")).to_have_text("Not sent yet. Trying again.")
    await page.clock.run_for(2_500)
    await expect(page.locator("#state")).to_have_text("Sent")
    await expect(page.locator("#log .you")).to_have_count(1)
    assert lost == [200]
    assert site.texts_received() == [CALM]


async def test_leaving_in_one_tab_empties_the_other(page: Page) -> None:
    await start(page)
    await send(page, SECRET)
    other = await page.context.new_page()
    await other.goto("/m")
    await expect(other.get_by_text(SECRET)).to_be_visible()
    await page.get_by_role("link", name="Emergency Exit this page").click()
    await expect(other.get_by_text("This page has closed.")).to_be_visible()
    await expect(other.get_by_text(SECRET)).to_have_count(0)


# --- without JavaScript --------------------------------------------------------------------------


async def walk_to_the_end(page: Page, site: WebchatSite) -> list[tuple[str, str]]:
    """The whole way with the same steps for anyone; what the conversation says in the end."""
    await start(page, "I am not sure")
    await send_button(page).click()
    await expect(page.locator("#problem")).to_have_text("Type a message, or choose Talk to a person.")
    await expect(box(page)).to_be_focused()
    await send(page, CALM)
    site.answer(ANSWER, choices=("What happens next",))
    check = page.get_by_role("link", name="Check for new messages")
    await check.click()
    await page.get_by_role("button", name="What happens next").click()
    await expect(page.locator("#log .you").last).to_contain_text("What happens next")
    member = join(site)
    await check.click()
    await expect(page.locator("#turn")).to_have_text("A person has your message.")
    reply(site, "I am reading this now.", member)
    await check.click()
    await expect(page.locator("#log").get_by_text("Sam Example, a person", exact=True)).to_be_visible()
    await send(page, "thank you")
    hand_back(site, member)
    await page.get_by_role("button", name="Keep open for 2 hours").click()
    await expect(
        page.get_by_text(re.compile("closes after 2 hours|now stays open for 2 hours"))
    ).to_be_visible()
    await check.click()
    await expect(page.locator("#turn")).not_to_have_text("A person has your message.")
    said = await read_transcript(page)
    await page.get_by_role("link", name="Exit this page").last.click()
    await page.wait_for_url(EXIT_SITE)
    return said


async def test_the_whole_way_without_javascript_leaves_the_same_conversation_as_with_it(
    browser: Browser, tmp_path: Path
) -> None:
    """Check 12."""
    said = {}
    for has_script in (True, False):
        folder = tmp_path / str(has_script)
        folder.mkdir()
        async with (
            run_webchat(folder) as site,
            open_window(browser, site, java_script_enabled=has_script) as page,
        ):
            said[has_script] = await walk_to_the_end(page, site)
            async with asyncio.timeout(PATIENCE_MS / 1000):
                while await page.context.cookies():  # the beacon may still be on its way
                    await page.wait_for_timeout(50)
            assert [row.idle_minutes for row in site.rows(web_session) if row.screen_seen == "unsure"][
                -1
            ] == 120
    assert said[True] == said[False]
    assert [words for who, words in said[False] if who == "You"] == [CALM, "What happens next", "thank you"]
    assert ("Sam Example, a person", "I am reading this now.") in said[False]


# --- what a page is allowed, and leaves ------------------------------------------------------------


SPIES = Path(__file__).parent / "page_spies.js"
ADDRESSES = {"/", "/before", "/start", "/m", "/m/events", "/m/keep", "/leave"}


async def test_a_whole_chat_is_silent_asks_nobody_else_and_leaves_one_cookie(
    page: Page, site: WebchatSite
) -> None:
    """Checks 10, 11 and 17: the spies are in place before any script of a page."""
    told: list[str] = []
    asked: list[str] = []
    await page.expose_function("tellTest", lambda check, what: told.append(f"{check}: {what}"))
    await page.add_init_script(path=SPIES)
    await page.emulate_media(reduced_motion="reduce")
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    await page.clock.install()
    await start(page)
    await send(page, CALM)
    site.answer(ANSWER, choices=("Yes", "No"))
    await page.get_by_role("button", name="Yes").click()
    await expect(page.locator("#log .you")).to_have_count(2)
    member = join(site)
    reply(site, "I am reading this.", member)
    await expect(page.locator("#log .staff").last).to_contain_text("I am reading this.")
    hand_back(site, member)
    await expect(page.locator("#turn")).not_to_have_text("A person has your message.")
    await pass_minutes(page, site, 26)
    await expect(page.locator("#closing")).not_to_be_empty()
    await page.get_by_role("button", name="Keep open for 2 hours").click()
    await expect(page.locator("#closing")).to_be_empty()

    assert told == []
    assert await page.evaluate("document.getAnimations().length") == 0
    paths = {urlsplit(url).path for url in asked if not url.startswith("data:")}
    assert {path for path in paths if not path.startswith("/s/")} <= ADDRESSES
    assert not [url for url in asked if "?" in url or not url.startswith((site.url, "data:"))]
    stored = "[localStorage.length, sessionStorage.length, navigator.serviceWorker.controller]"
    assert await page.evaluate(stored) == [0, 0, None]
    assert await page.evaluate("Promise.all([caches.keys(), indexedDB.databases()])") == [[], []]
    (cookie,) = await page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["expires"]) == (True, "Strict", -1)
    assert await page.title() == "Messages"


async def test_the_spies_would_notice_a_sound_and_a_new_title(page: Page) -> None:
    """The twin of the test before."""
    told: list[str] = []
    await page.expose_function("tellTest", lambda check, what: told.append(check))
    await page.add_init_script(path=SPIES)
    await page.goto("/")
    await page.evaluate("() => { new Audio(); document.title = 'New message'; navigator.vibrate(1) }")
    assert told == ["silence"] * 3


# --- the line is cut -------------------------------------------------------------------------------


class Line:
    """Stands between a browser and the site, can be cut, and tells when a stream was taken up where it broke off."""

    def __init__(self, site: WebchatSite) -> None:
        self._port = urlsplit(site.url).port
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.is_cut = False
        self.took_up_again = asyncio.Event()

    async def start(self) -> str:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_cut:
            writer.transport.abort()
            return
        behind, towards = await asyncio.open_connection("127.0.0.1", self._port)
        self._open |= {writer, towards}
        for task in (
            asyncio.create_task(self._pass(reader, towards, is_asking=True)),
            asyncio.create_task(self._pass(behind, writer, is_asking=False)),
        ):
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_asking: bool
    ) -> None:
        try:
            while data := await reader.read(65536):
                if is_asking and b"\r\nLast-Event-ID: " in data:
                    self.took_up_again.set()
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        writer.close()

    def cut(self) -> None:
        self.is_cut = True
        for writer in self._open:
            writer.transport.abort()
        self._open.clear()

    async def close(self) -> None:
        self.cut()
        self._server.close()
        await asyncio.gather(*self._tasks)


@asynccontextmanager
async def a_line(site: WebchatSite) -> AsyncIterator[tuple[Line, WebchatSite]]:
    line = Line(site)
    url = await line.start()
    try:
        yield line, WebchatSite(url, site.service, site.clock)
    finally:
        await line.close()


async def test_a_cut_in_mid_send_loses_nothing_and_tells_nothing_twice(
    browser: Browser, site: WebchatSite
) -> None:
    """Check 14."""
    async with a_line(site) as (line, through), open_window(browser, through) as page:
        await page.clock.install()
        await start(page)
        await send(page, CALM)
        site.answer("before the cut")
        await expect(page.locator("#log").get_by_text("before the cut")).to_be_visible()
        line.cut()
        await box(page).fill("are you there")
        await send_button(page).click()
        await page.clock.run_for(100)
        await expect(page.locator("#state")).to_have_text("Not sent yet. Trying again.")
        await pass_time_until(page, page.locator("#state"), NOT_SENT)
        await expect(box(page)).to_have_value("are you there")
        await pass_time_until(page, page.locator("#offline"), "If you are in danger, call 999.")
        site.answer("missed one")
        site.answer("missed two")
        line.is_cut = False
        await send_button(page).click()
        await page.clock.run_for(100)
        await expect(page.locator("#log").get_by_text("are you there")).to_be_visible()
        await expect(page.locator("#log").get_by_text("missed two")).to_be_visible()
        async with asyncio.timeout(PATIENCE_MS / 1000):
            await line.took_up_again.wait()
        site.answer("after the cut")
        await expect(page.locator("#log").get_by_text("after the cut")).to_be_visible()
        said = [words for _, words in await read_transcript(page)][1:]
    assert said == [CALM, "before the cut", "missed one", "missed two", "are you there", "after the cut"]
    assert site.texts_received() == [CALM, "are you there"]


# --- time ------------------------------------------------------------------------------------------


async def pass_minutes(page: Page, site: WebchatSite, minutes: int) -> None:
    """On the server's clock and on the page's, whose timers run once where they are due."""
    site.clock.advance(minutes=minutes)
    await page.clock.fast_forward(minutes * 60_000)


async def test_the_page_warns_once_and_one_press_keeps_it_open(page: Page, site: WebchatSite) -> None:
    """Check 18."""
    await page.clock.install()
    await start(page)
    await send(page, CALM)
    closing = page.locator("#closing")
    await page.evaluate(
        """() => { window.warned = 0; new MutationObserver(() => { window.warned += closing.textContent ? 1 : 0 })
          .observe(closing, { childList: true }) }"""
    )
    await pass_minutes(page, site, 24)
    await expect(closing).to_be_empty()
    await pass_minutes(page, site, 2)
    await expect(closing).to_contain_text("This page closes in 5 minutes")
    assert await closing.get_attribute("role") == "status"
    assert await page.evaluate("warned") == 1

    await page.get_by_role("button", name="Keep open for 2 hours").click()
    await page.clock.run_for(100)
    await expect(closing).to_be_empty()
    await pass_minutes(page, site, 110)
    await expect(closing).to_be_empty()
    await pass_minutes(page, site, 7)
    await expect(closing).to_contain_text("This page closes in 5 minutes")
    await box(page).fill("half a thought")
    await pass_minutes(page, site, 6)
    await expect(page.get_by_text("This page has closed.")).to_be_visible()
    await expect(page.locator("#log").get_by_text(CALM)).to_have_count(0)
    await expect(box(page)).to_have_value("half a thought")


async def test_nothing_closes_while_they_wait_for_a_person(page: Page, site: WebchatSite) -> None:
    """Check 18."""
    await page.clock.install()
    await start(page)
    await send(page, CALM)
    member = join(site)
    await expect(page.locator("#turn")).to_have_text("A person has your message.")
    await pass_minutes(page, site, 26)
    await pass_minutes(page, site, 26)
    reply(site, "Still here.", member)
    await expect(page.locator("#log").get_by_text("Still here.")).to_be_visible()
    await expect(page.locator("#closing")).to_be_empty()

    hand_back(site, member)
    await expect(page.locator("#turn")).not_to_have_text("A person has your message.")
    await pass_minutes(page, site, 26)
    await expect(page.locator("#closing")).to_contain_text("This page closes in 5 minutes")


# --- reading on ------------------------------------------------------------------------------------


async def test_whoever_reads_further_up_is_offered_what_is_new(browser: Browser, site: WebchatSite) -> None:
    async with open_window(browser, site, viewport={"width": 390, "height": 600}) as page:
        await start(page)
        await send(page, CALM)
        for number in range(8):
            site.answer(f"Line {number}. " * 12)
        await expect(page.locator("#log li")).to_have_count(10)
        await page.evaluate("scrollTo(0, 0)")
        newer = page.get_by_role("button", name="New messages")
        await expect(newer).to_be_hidden()
        site.answer("The newest of all.")
        await expect(newer).to_be_attached()
        await expect(newer).to_have_attribute("type", "button")
        await page.wait_for_function("!newer.hidden")
        assert await page.evaluate("scrollY") == 0
        # Just before the message box, for a keyboard too.
        assert await page.evaluate(
            "Boolean(newer.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_FOLLOWING)"
        )
        await newer.focus()
        await expect(newer).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.locator("#log li").last).to_be_focused()
        await expect(page.locator("#log li").last).to_be_in_viewport()
        await expect(newer).to_be_hidden()


# --- bad input -------------------------------------------------------------------------------------


@pytest.mark.parametrize("has_script", [False, True])
async def test_bad_input_double_submit(browser: Browser, site: WebchatSite, has_script: bool) -> None:
    async with open_window(browser, site, java_script_enabled=has_script) as page:
        await start(page)
        await box(page).fill(CALM)
        await send_button(page).dblclick()
        await expect(page.locator("#log .you")).to_have_count(1)
        await page.get_by_role("button", name="Talk to a person").dblclick()
        await expect(page.locator("#log .you").last).to_contain_text("Talk to a person")
        await page.goto("/m")
        await expect(page.locator("#log .you")).to_have_count(2)
    assert site.texts_received() == [CALM, "Talk to a person"]


async def test_bad_input_a_page_of_a_visit_that_is_over_shows_the_new_one_alone(
    page: Page, site: WebchatSite
) -> None:
    """Stale page: another tab of the browser began anew."""
    await start(page)
    await send(page, SECRET)
    other = await page.context.new_page()
    await other.goto("/before")
    await other.get_by_role("button", name="Start again from the beginning").click()
    await send(other, CALM)
    await box(page).fill("half a thought")
    await page.get_by_role("link", name="Check for new messages").click()
    await expect(page.locator("#log").get_by_text(CALM)).to_be_visible()
    await expect(page.locator("#log").get_by_text(SECRET)).to_have_count(0)
    await expect(page.locator("#hello")).to_be_visible()
    await expect(box(page)).to_have_value("half a thought")
    await send_button(page).click()
    await expect(other.locator("#log").get_by_text("half a thought")).to_be_visible()
    assert site.texts_received() == [SECRET, CALM, "half a thought"]
    assert len(site.rows(conversation)) == 2


async def test_bad_input_an_expired_session_keeps_the_words_and_one_more_press_sends_them(
    page: Page, site: WebchatSite
) -> None:
    async def end_on_the_way(route: Route) -> None:
        site.clock.advance(hours=1)
        await route.continue_()

    await start(page)
    await send(page, SECRET)
    await box(page).fill(CALM)
    # Sooner, and the page may have learnt it from its live link before the press.
    await page.route("**/m", end_on_the_way, times=1)
    await send_button(page).click()
    await expect(page.get_by_text("This page has closed.")).to_be_visible()
    await expect(page.get_by_text(SECRET)).to_have_count(0)
    await expect(box(page)).to_have_value(CALM)
    await send_button(page).dblclick()
    await expect(page.locator("#log").get_by_text(CALM)).to_be_visible()
    assert SECRET not in await page.content()
    assert site.texts_received() == [SECRET, CALM]


async def test_bad_input_an_expired_session_without_javascript(plain_page: Page, site: WebchatSite) -> None:
    await start(plain_page)
    site.clock.advance(hours=1)
    await box(plain_page).fill(CALM)
    await send_button(plain_page).click()
    await expect(plain_page.get_by_text("Your message is not sent yet")).to_be_visible()
    await expect(box(plain_page)).to_have_value(CALM)
    await plain_page.get_by_role("button", name="Start and send").click()
    await expect(plain_page.locator("#log").get_by_text(CALM)).to_be_visible()
    assert site.texts_received() == [CALM]


async def test_bad_input_two_tabs_show_the_same_and_keep_their_own_half_written_words(
    page: Page, site: WebchatSite
) -> None:
    await start(page)
    other = await page.context.new_page()
    await other.goto("/m")
    await box(other).fill("half a thought")
    await send(page, CALM)
    await expect(other.locator("#log").get_by_text(CALM)).to_be_visible()
    site.answer(ANSWER)
    for tab in (page, other):
        await expect(tab.locator("#log").get_by_text(ANSWER)).to_have_count(1)
    await expect(box(other)).to_have_value("half a thought")
    await send_button(other).click()
    await expect(page.locator("#log").get_by_text("half a thought")).to_be_visible()
    assert site.texts_received() == [CALM, "half a thought"]


@pytest.mark.parametrize("has_script", [False, True])
async def test_bad_input_twenty_thousand_characters_stay_in_the_box(
    browser: Browser, site: WebchatSite, has_script: bool
) -> None:
    long = "not a word less " * 1250
    async with open_window(browser, site, java_script_enabled=has_script) as page:
        await start(page)
        for words in (long, long[:5000]):
            await box(page).fill(words)
            await send_button(page).click()
            await expect(page.locator("#problem")).to_contain_text("Make it 4,000 characters or fewer.")
            await expect(box(page)).to_have_value(words)
            await expect(box(page)).to_have_attribute("aria-invalid", "true")
        await send(page, long[:3990])
        await expect(box(page)).not_to_have_attribute("aria-invalid", "true")
        await expect(page.locator("#problem")).to_be_empty()
    assert [len(text) for text in site.texts_received()] == [3990]


BRING = """([way, withWords]) => {
  const brought = new DataTransfer()
  brought.items.add(new File(['x'], 'a.png', { type: 'image/png' }))
  if (withWords) brought.setData('text/plain', 'words')
  const event = way === 'paste'
    ? new ClipboardEvent('paste', { clipboardData: brought, bubbles: true, cancelable: true })
    : new DragEvent(way, { dataTransfer: brought, bubbles: true, cancelable: true })
  return text.dispatchEvent(event)
}"""


@pytest.mark.parametrize("way", ["paste", "drop"])
async def test_bad_input_a_picture_in_the_box_is_told_where_it_goes(page: Page, way: str) -> None:
    await start(page)
    await box(page).fill("look at this")
    assert await page.evaluate(BRING, ["dragover", False]) is False
    await expect(page.locator("#state")).to_be_empty()
    assert await page.evaluate(BRING, [way, False]) is False
    await expect(page.locator("#state")).to_contain_text(
        "Send your words first, then choose Add a photo below."
    )
    await expect(box(page)).to_have_value("look at this")
    assert await page.get_by_role("link", name="Add a photo").get_attribute("href") == "/my/files"
    # Words that bring a picture along are words.
    assert await page.evaluate(BRING, ["paste", True]) is True


@pytest.mark.parametrize("has_script", [False, True])
async def test_bad_input_the_back_button_everywhere(
    browser: Browser, site: WebchatSite, has_script: bool
) -> None:
    # A context that looks into no request: one that does makes the browser ask anew for what it cannot go back to.
    async with await browser.new_context(base_url=site.url, java_script_enabled=has_script) as context:
        page = await context.new_page()
        await start(page, "Yes, someone might")
        await send(page, CALM)
        seen = []
        for _ in range(8):
            if await page.go_back() is None and page.url == "about:blank":
                break
            seen.append((urlsplit(page.url).path, await page.title()))
        assert {title for _, title in seen} == {"Messages"}
        assert [path for path, _ in seen if path != "/m"] == ["/before", "/"]
        for _ in seen:
            await page.go_forward()
        await page.goto("/m")
        await expect(page.locator("#log").get_by_text(CALM)).to_have_count(1)
    assert site.texts_received() == [CALM]


HALF_A_SCRIPT = {
    "none of it": lambda script: "",
    "broken in the middle": lambda script: script.replace(
        "// --- showing", "throw new Error('half')\n// --- showing"
    ),
    "no way to ask": lambda script: f"window.fetch = () => {{ throw new Error('none') }}\n{script}",
    "no stream": lambda script: f"delete window.EventSource\n{script}",
    "cannot show": lambda script: f"delete window.DOMParser\n{script}",
}


@pytest.mark.parametrize("broken", sorted(HALF_A_SCRIPT))
async def test_bad_input_a_script_that_fails_half_way_loses_nothing(
    page: Page, site: WebchatSite, broken: str
) -> None:
    """Where nothing can be asked in the background, the words stay; else they arrive, once."""

    async def break_it(route: Route) -> None:
        answer = await route.fetch()
        await route.fulfill(response=answer, body=HALF_A_SCRIPT[broken](await answer.text()))

    await page.route("**/chat.js", break_it)
    await page.clock.install()
    await start(page)
    await box(page).fill(CALM)
    await send_button(page).click()
    if broken == "no way to ask":
        await pass_time_until(page, page.locator("#state"), NOT_SENT)
        await expect(box(page)).to_have_value(CALM)
        return
    await expect(page.locator("#log").get_by_text(CALM)).to_be_visible()
    site.answer(ANSWER)
    if broken == "no stream":
        await page.clock.run_for(10_100)
    else:
        await page.goto("/m")
    await expect(page.locator("#log").get_by_text(ANSWER)).to_be_visible()
    assert site.texts_received() == [CALM]


# --- size ------------------------------------------------------------------------------------------


async def test_controls_are_big_enough_for_a_shaking_hand(page: Page, site: WebchatSite) -> None:
    await start(page)
    await send(page, CALM)
    site.answer(ANSWER * 3, choices=("What happens next", "Who is my officer"))
    await page.goto("/m")
    for control in await page.locator("button:visible, .govuk-exit-this-page__button, textarea").all():
        size = await control.bounding_box()
        assert size is not None
        assert size["height"] >= 44
        assert size["width"] >= 44
