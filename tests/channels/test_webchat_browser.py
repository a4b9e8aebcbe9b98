"""The web chat in a real Chromium, with and without JavaScript."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, Route, expect

from casework.adapters.storage.tables import web_session
from casework.model.messages import Author
from channels.webchat_pages import EXIT_SITE
from tests.channels.webchat_site import WebchatSite, run_webchat
from tests.support.browser import (
    ON_ONE_LOOP,
    PATIENCE_MS,
    find_axe_violations,
    open_browser,  # noqa: F401
    sideways_scroll,
)

pytestmark = [pytest.mark.browser, ON_ONE_LOOP]

CALM = "what is happening with my case"
SECRET = "words nobody else may see"


@pytest_asyncio.fixture(loop_scope="session")
async def site(tmp_path: Path) -> AsyncIterator[WebchatSite]:
    async with run_webchat(tmp_path) as running:
        yield running


@asynccontextmanager
async def a_window(
    browser: Browser,
    site: WebchatSite,
    **options: Any,
) -> AsyncIterator[Page]:
    context = await browser.new_context(base_url=site.url, **options)
    context.set_default_timeout(PATIENCE_MS)
    # The exit site is stood in for: no test leaves this machine.
    await context.route(
        f"{EXIT_SITE}**",
        lambda route: route.fulfill(body="<title>Weather</title>fine", content_type="text/html"),
    )
    try:
        yield await context.new_page()
    finally:
        await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, site: WebchatSite) -> AsyncIterator[Page]:
    async with a_window(browser, site) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def plain_page(browser: Browser, site: WebchatSite) -> AsyncIterator[Page]:
    """A browser with JavaScript off."""
    async with a_window(browser, site, java_script_enabled=False) as opened:
        yield opened


async def start(page: Page) -> None:
    await page.goto("/")
    await page.get_by_role("button", name="Start").click()
    await expect(page.get_by_role("heading", name="Messages", level=1)).to_be_visible()


async def send(page: Page, text: str) -> None:
    await page.get_by_label("Your message").fill(text)
    await page.get_by_role("button", name="Send", exact=True).click()
    await expect(page.locator("#log").get_by_text(text)).to_be_visible()


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


async def test_an_arriving_message_is_spoken_once_and_never_moves_the_focus(
    page: Page, site: WebchatSite
) -> None:
    await start(page)
    await send(page, CALM)
    await page.evaluate(
        """() => { window.spoken = []; new MutationObserver((changes) => {
          for (const { addedNodes } of changes)
            for (const node of addedNodes) window.spoken.push(node.textContent)
        }).observe(document.getElementById('say'), { childList: true }) }"""
    )
    box = page.get_by_label("Your message")
    await box.press_sequentially("I am still wri")

    site.answer("I am reading this.", author=Author.STAFF, staff_id=site.add_staff("Sam Example"))

    await expect(page.locator("#log .staff")).to_contain_text("Sam Example, a person")
    await box.press_sequentially("ting")
    await expect(box).to_have_value("I am still writing")
    await expect(page.locator("#say")).to_be_empty()
    assert await page.evaluate("window.spoken") == ["Sam Example, a person: I am reading this."]
    assert await page.locator("#log").get_attribute("aria-live") is None


async def test_a_page_with_nothing_new_stays_where_it_is_read(browser: Browser, site: WebchatSite) -> None:
    async with a_window(browser, site, viewport={"width": 390, "height": 844}) as page:
        async with page.expect_response(
            lambda answer: answer.request.headers.get("x-pane") == "log"
        ) as looked:
            await start(page)
        await (await looked.value).finished()
        await expect(page.locator("#log li")).to_have_count(1)
        assert await page.evaluate("scrollY") == 0


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
    lost: list[str] = []

    async def lose_the_first_answer(route: Route) -> None:
        if route.request.method == "POST" and not lost:
            lost.append((await route.fetch(max_redirects=0)).headers["location"])
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
    assert lost == ["/m"]
    assert site.texts_received() == [CALM]


async def test_a_message_written_after_the_session_ended_is_kept_and_sent(
    page: Page, site: WebchatSite
) -> None:
    await start(page)
    await send(page, SECRET)
    site.clock.advance(hours=1)
    await page.get_by_label("Your message").fill(CALM)
    await page.get_by_role("button", name="Send", exact=True).click()
    await expect(page.get_by_label("Your message")).to_have_value(CALM)
    await page.get_by_role("button", name="Start and send").click()
    await expect(page.locator("#log").get_by_text(CALM)).to_be_visible()
    assert SECRET not in await page.content()
    assert site.texts_received() == [SECRET, CALM]


async def test_leaving_in_one_tab_empties_the_other(page: Page) -> None:
    await start(page)
    await send(page, SECRET)
    other = await page.context.new_page()
    await other.goto("/m")
    await expect(other.get_by_text(SECRET)).to_be_visible()
    await page.get_by_role("link", name="Exit this page").click()
    await expect(other.get_by_text("This page has closed.")).to_be_visible()
    await expect(other.get_by_text(SECRET)).to_have_count(0)


# --- without JavaScript --------------------------------------------------------------------------


async def test_everything_works_with_javascript_off(plain_page: Page, site: WebchatSite) -> None:
    page = plain_page
    await start(page)
    await page.get_by_role("button", name="Send", exact=True).click()
    await expect(page.get_by_text("Type a message, or choose Talk to a person.")).to_be_visible()
    await expect(page.get_by_label("Your message")).to_be_focused()
    await send(page, CALM)
    site.answer("An officer is looking into it.", choices=("What happens next",))
    await page.get_by_role("link", name="Check for new messages").click()
    await expect(page.get_by_text("An officer is looking into it.")).to_be_visible()
    await page.get_by_role("button", name="What happens next").click()
    await expect(page.locator("#log .you").last).to_contain_text("What happens next")
    assert site.texts_received() == [CALM, "What happens next"]


# --- leaving -------------------------------------------------------------------------------------


async def press_exit(page: Page) -> None:
    await page.get_by_role("link", name="Exit this page").click()


async def press_shift_three_times(page: Page) -> None:
    for _ in range(3):
        await page.keyboard.press("Shift")


async def press_shift_in_the_box(page: Page) -> None:
    await page.get_by_label("Your message").fill(SECRET)
    await press_shift_three_times(page)


async def find_left_behind(page: Page) -> list[str]:
    """What four presses of Back, then one of Forward, still show of the conversation."""
    found = []
    for step in ("history.back()",) * 4 + ("history.forward()",):
        await page.wait_for_load_state()
        if page.url == "about:blank":
            break
        if "bbc.co.uk" not in page.url or step == "history.forward()":
            found.append(await page.content())
        before = page.url
        await page.go_back() if "back" in step else await page.go_forward()
        await page.wait_for_timeout(50) if page.url == before else None
    found.append(await page.content())
    return [shown for shown in found if SECRET in shown or CALM in shown]


@pytest.mark.parametrize("leave", [press_exit, press_shift_three_times, press_shift_in_the_box])
async def test_after_leaving_back_shows_nothing(
    page: Page, site: WebchatSite, leave: Callable[[Page], Awaitable[None]]
) -> None:
    await start(page)
    await send(page, CALM)
    await send(page, SECRET)
    await leave(page)
    await page.wait_for_url(EXIT_SITE)
    assert await page.evaluate("document.referrer") == ""
    assert await find_left_behind(page) == []
    assert await page.context.cookies() == []
    assert [row.ended_at is None for row in site.rows(web_session)] == [False]


async def test_after_leaving_without_javascript_back_shows_nothing(
    plain_page: Page, site: WebchatSite
) -> None:
    await start(plain_page)
    await send(plain_page, SECRET)
    await press_exit(plain_page)
    await plain_page.wait_for_url(EXIT_SITE)
    for _ in range(3):
        await plain_page.go_back()
        assert SECRET not in await plain_page.content()
    assert await plain_page.context.cookies() == []
    assert [row.ended_at is None for row in site.rows(web_session)] == [False]


async def test_the_back_test_would_notice_a_plain_link_to_the_weather(page: Page) -> None:
    await start(page)
    await send(page, SECRET)
    await page.goto(EXIT_SITE)
    assert await find_left_behind(page) != []


async def test_writing_in_capitals_does_not_leave(page: Page) -> None:
    await start(page)
    box = page.get_by_label("Your message")
    await box.focus()
    for letter in "HE IS HERE":
        await page.keyboard.down("Shift")
        await page.keyboard.down(letter)
        await page.keyboard.up(letter)
        await page.keyboard.up("Shift")
    for letter in "HURRY":  # a quick hand lets go of Shift first
        await page.keyboard.down("Shift")
        await page.keyboard.down(letter)
        await page.keyboard.up("Shift")
        await page.keyboard.up(letter)
    await expect(box).to_have_value("HE IS HEREHURRY")
    assert page.url.endswith("/m")


# --- what a page is allowed, and leaves ------------------------------------------------------------


async def test_a_whole_chat_asks_no_other_host_breaks_no_policy_and_stores_nothing(
    page: Page, site: WebchatSite
) -> None:
    hosts: set[str] = set()
    complaints: list[str] = []
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await start(page)
    await send(page, CALM)
    site.answer("An officer is looking into it.")
    await expect(page.locator("#log").get_by_text("An officer is looking into it.")).to_be_visible()

    assert hosts == {site.url.removeprefix("http://")}
    assert complaints == []
    stored = "[localStorage.length, sessionStorage.length, navigator.serviceWorker.controller]"
    assert await page.evaluate(stored) == [0, 0, None]
    assert await page.evaluate("Promise.all([caches.keys(), indexedDB.databases()])") == [[], []]
    (cookie,) = await page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["expires"]) == (True, "Strict", -1)
    assert await page.title() == "Messages"


async def fill_with_a_conversation(page: Page, site: WebchatSite) -> None:
    await start(page)
    await send(page, CALM)
    site.answer("An officer is looking into it. " * 3, choices=("What happens next", "Who is my officer"))
    site.answer("I am reading this now.", author=Author.STAFF, staff_id=site.add_staff("Sam Example"))
    await page.goto("/m")


async def show_a_problem(page: Page, site: WebchatSite) -> None:
    await start(page)
    await page.get_by_label("Your message").fill("x" * 4001)
    await page.get_by_role("button", name="Send", exact=True).click()
    await expect(page.get_by_text("too long to send in one go")).to_be_visible()


async def show_kept_words(page: Page, site: WebchatSite) -> None:
    await start(page)
    site.clock.advance(hours=1)
    await send_from_a_closed_page(page)


async def send_from_a_closed_page(page: Page) -> None:
    await page.get_by_label("Your message").fill(CALM)
    await page.get_by_role("button", name="Send", exact=True).click()
    await expect(page.get_by_text("Your message is not sent yet")).to_be_visible()


async def show_the_start(page: Page, site: WebchatSite) -> None:
    await page.goto("/")


async def show_no_link(page: Page, site: WebchatSite) -> None:
    await start(page)
    await page.evaluate("offline.textContent = composer.dataset.offline; ended.hidden = false")


STATES = [show_the_start, fill_with_a_conversation, show_a_problem, show_kept_words, show_no_link]


@pytest.mark.parametrize("show", STATES)
async def test_every_state_of_the_pages_passes_axe(
    browser: Browser,
    site: WebchatSite,
    show: Callable[[Page, WebchatSite], Awaitable[None]],
) -> None:
    async with a_window(browser, site, bypass_csp=True) as page:
        await show(page, site)
        assert await find_axe_violations(page) == []


async def test_axe_would_notice_pale_words(browser: Browser, site: WebchatSite) -> None:
    async with a_window(browser, site, bypass_csp=True) as page:
        await page.goto("/")
        await page.add_style_tag(content="main p { color: #d8d8d8 }")
        assert any(found.startswith("color-contrast") for found in await find_axe_violations(page))


@pytest.mark.parametrize("show", STATES)
async def test_nothing_scrolls_sideways_at_400_percent(
    browser: Browser,
    site: WebchatSite,
    show: Callable[[Page, WebchatSite], Awaitable[None]],
) -> None:
    async with a_window(browser, site, viewport={"width": 320, "height": 256}) as page:
        await show(page, site)
        assert await sideways_scroll(page) == 0
        # Reached by keyboard, every control is clear of the bar that stays on top.
        for _ in range(12):
            await page.keyboard.press("Tab")
            covered = await page.evaluate(
                """() => { const on = document.activeElement, bar = document.querySelector('header')
                  return !bar.contains(on) && on !== document.body && !on.closest('.skip')
                    && on.getBoundingClientRect().top < bar.getBoundingClientRect().bottom - 1 }"""
            )
            assert not covered


async def test_controls_are_big_enough_for_a_shaking_hand(page: Page, site: WebchatSite) -> None:
    await fill_with_a_conversation(page, site)
    for control in await page.locator("button, .exit, textarea").all():
        box = await control.bounding_box()
        assert box is not None
        assert box["height"] >= 44
        assert box["width"] >= 44
