"""Leaving fast, in a real Chromium: five ways out, what Back and Forward still show, and what must never leave.

Each guard has a twin it must catch: a plain link to the exit site, a page not emptied, the component as it comes.
"""

import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, expect

from casework.adapters.storage.tables import web_session
from channels.webchat.pages import EXIT_SITE
from tests.channels.web_states import open_window
from tests.channels.webchat_site import WebchatSite, run_webchat
from tests.support.browser import ON_ONE_LOOP, open_browser  # noqa: F401

pytestmark = [pytest.mark.browser, ON_ONE_LOOP]

CALM = "what is happening with my case"
SECRET = "words nobody else may see"
Way = Callable[[Page], Awaitable[None]]


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


async def write_something(page: Page) -> None:
    """A visit with a page before the messages, and two messages sent by the form."""
    await page.goto("/")
    await page.context.request.post("/start", max_redirects=0)
    await page.goto("/m")
    for text in (CALM, SECRET):
        await page.get_by_label("Your message").fill(text)
        await page.get_by_role("button", name="Send", exact=True).click()
        await expect(page.locator("#log").get_by_text(text)).to_be_visible()


async def press_the_button(page: Page) -> None:
    await page.locator("#exit a").click()


async def press_the_twin(page: Page) -> None:
    await page.goto("/m")
    await page.keyboard.press("Tab")
    await expect(page.locator(".wm-skips a").first).to_be_focused()
    await page.keyboard.press("Enter")


async def press_shift_three_times(page: Page) -> None:
    await page.locator("h1").click()
    for _ in range(3):
        await page.keyboard.press("Shift")


async def press_shift_in_the_box(page: Page) -> None:
    await page.get_by_label("Your message").press_sequentially("half a Thought")
    for _ in range(3):
        await page.keyboard.press("Shift")


WITH_SCRIPT = [press_the_button, press_the_twin, press_shift_three_times, press_shift_in_the_box]
WITHOUT_SCRIPT = [press_the_button, press_the_twin]


async def find_left_behind(page: Page) -> list[str]:
    """Which of the pages that four presses of Back, then one of Forward, come to still show the conversation."""
    shown = []
    for step in (page.go_back, page.go_back, page.go_back, page.go_back, page.go_forward):
        await step()
        await page.wait_for_load_state()
        shown.append(await page.content())
        if page.url != "about:blank" and not page.url.startswith(EXIT_SITE):
            assert await page.title() == "Messages"
    return [content for content in shown if SECRET in content or CALM in content]


async def expect_gone(page: Page, site: WebchatSite) -> None:
    await page.wait_for_url(EXIT_SITE)
    assert await find_left_behind(page) == []
    assert await page.context.cookies() == []
    assert [row.ended_at is None for row in site.rows(web_session)] == [False]
    assert site.texts_received() == [CALM, SECRET]


@pytest.mark.parametrize("leave", WITH_SCRIPT)
async def test_after_leaving_back_and_forward_show_nothing(page: Page, site: WebchatSite, leave: Way) -> None:
    """Red without the beacon: the session lives on, and Back asks the server for the conversation."""
    referrers: list[str | None] = []
    page.on("request", lambda asked: referrers.append(asked.headers.get("referer")))
    await write_something(page)
    await leave(page)
    await expect_gone(page, site)
    assert set(referrers) == {None}


@pytest.mark.parametrize("leave", WITHOUT_SCRIPT)
async def test_after_leaving_without_a_script_back_and_forward_show_nothing(
    plain_page: Page, site: WebchatSite, leave: Way
) -> None:
    await plain_page.route("**/leave", send_on)
    await write_something(plain_page)
    await leave(plain_page)
    await expect_gone(plain_page, site)


async def send_on(route: Route) -> None:
    """Our answer, told in a way the stand-in for the exit site can catch: no route sees where a redirect goes."""
    answer = await route.fetch(max_redirects=0)
    assert answer.status == 303
    address = answer.headers["location"]
    await route.fulfill(
        body=f'<meta http-equiv="refresh" content="0;url={address}">', content_type="text/html"
    )


async def test_a_plain_link_to_the_weather_would_be_noticed(page: Page) -> None:
    await write_something(page)
    await page.goto(EXIT_SITE)
    assert await find_left_behind(page) != []


async def test_the_way_out_comes_first_by_keyboard_and_is_there_before_anything_else(page: Page) -> None:
    """Red with the twin after the page's own skip link."""
    await page.goto("/")
    names = []
    for _ in range(3):
        await page.keyboard.press("Tab")
        assert await page.locator(":focus").bounding_box() is not None
        names.append(" ".join((await page.locator(":focus").inner_text()).split()))
    assert [names[0], names[2]] == ["Exit this page", "Emergency Exit this page"]
    assert names[1].startswith("Skip to")


# --- when nothing answers ----------------------------------------------------------------------------

WATCH_ONE_FRAME = """() => {
  const look = () => requestAnimationFrame(() => { window.afterOneFrame ??= document.body.innerText })
  for (const kind of ['click', 'keyup']) addEventListener(kind, look, true)
}"""
AFTER_TWO_FRAMES = """() => new Promise((tell) => requestAnimationFrame(() => requestAnimationFrame(
  () => tell([window.afterOneFrame, document.body.innerText, document.body.querySelector('textarea')]))))"""


async def leave_with_everything_dead(
    browser: Browser, folder: Path, leave: Way, *, without: str = ""
) -> tuple[str, str, object]:
    """What can be read one frame after the press, and a frame later; `without` is cut out of exit.js."""
    async with AsyncExitStack() as running:
        site = await running.enter_async_context(run_webchat(folder))
        async with open_window(browser, site) as page:

            async def serve_cut(route: Route) -> None:
                script = await (await route.fetch()).text()
                assert without in script
                await route.fulfill(body=script.replace(without, ""), content_type="text/javascript")

            await page.route("**/exit.js", serve_cut)
            # An answer with nothing to show: the browser stays on our page, as while it waits for a dead site.
            await page.context.route(f"{EXIT_SITE}**", lambda route: route.fulfill(status=204))
            await write_something(page)
            await page.evaluate(WATCH_ONE_FRAME)
            await running.aclose()
            await leave(page)
            first, second, box = await page.evaluate(AFTER_TWO_FRAMES)
            return first, second, box


async def click_the_button(page: Page) -> None:
    await page.locator("#exit a").click(no_wait_after=True)


@pytest.mark.parametrize("leave", [click_the_button, press_shift_in_the_box])
async def test_the_page_is_empty_within_a_frame_with_our_server_and_the_exit_site_dead(
    browser: Browser, tmp_path: Path, leave: Way
) -> None:
    """Red when the page waits for any answer before it empties itself."""
    first, second, box = await leave_with_everything_dead(browser, tmp_path, leave)

    # What a screen reader says, and nobody else sees for long.
    assert (first, second, box) in [("Loading.", "Loading.", None), (first, "Loading.", None)]
    assert SECRET not in first or leave is press_shift_in_the_box


async def test_a_page_that_is_only_left_and_not_emptied_would_be_noticed(
    browser: Browser, tmp_path: Path
) -> None:
    first, second, _ = await leave_with_everything_dead(
        browser, tmp_path, click_the_button, without="blank(this.i18n.t('activated'))"
    )

    assert SECRET in first
    assert SECRET in second


async def test_a_page_the_browser_kept_whole_is_emptied_and_asked_for_again(
    page: Page, site: WebchatSite
) -> None:
    """Red where the page is asked for again but not emptied first."""
    await write_something(page)
    await page.context.clear_cookies()

    empty = await page.evaluate(
        """() => { dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))
                   return document.body.innerText }"""
    )

    assert empty == ""
    await page.wait_for_url(f"{site.url}/")
    assert SECRET not in await page.content()


# --- what is writing, not leaving ----------------------------------------------------------------------

Press = tuple[
    str, str, bool, bool
]  # "keydown" or "keyup" or "pointerdown", key, with Shift, with Alt or Ctrl
LETTERS = "abcdefghijklmnopqrstuvwxyz"
PLAY = """(presses) => {
  const box = document.getElementById('text')
  for (const [kind, key, shiftKey, altKey] of presses) {
    const Kind = kind === 'pointerdown' ? PointerEvent : KeyboardEvent
    box.isConnected && box.dispatchEvent(new Kind(kind, { key, shiftKey, altKey, bubbles: true, cancelable: true }))
  }
  return box.isConnected
}"""


def lone_shift() -> list[Press]:
    return [("keydown", "Shift", True, False), ("keyup", "Shift", False, False)]


def small(dice: random.Random) -> list[Press]:
    key = dice.choice(LETTERS)
    return [("keydown", key, False, False), ("keyup", key, False, False)]


def careful_capital(dice: random.Random) -> list[Press]:
    key = dice.choice(LETTERS).upper()
    return [lone_shift()[0], ("keydown", key, True, False), ("keyup", key, True, False), lone_shift()[1]]


def quick_capital(dice: random.Random) -> list[Press]:
    """Shift goes up before the letter does."""
    key = dice.choice(LETTERS).upper()
    return [lone_shift()[0], ("keydown", key, True, False), lone_shift()[1], ("keyup", key, False, False)]


def rolled_capitals(dice: random.Random) -> list[Press]:
    """Shift is down again before the last letter is up."""
    first, second = (dice.choice(LETTERS).upper() for _ in range(2))
    return [
        *[lone_shift()[0], ("keydown", first, True, False), lone_shift()[1]],
        *[lone_shift()[0], ("keyup", first, True, False), ("keydown", second, True, False)],
        *[lone_shift()[1], ("keyup", second, False, False)],
    ]


def three_rolled_capitals(_dice: random.Random) -> list[Press]:
    """No letter is up before the last Shift is."""
    return [
        press for key in "ABC" for press in (lone_shift()[0], ("keydown", key, True, False), lone_shift()[1])
    ]


def shouted_word(dice: random.Random) -> list[Press]:
    """One long Shift, which the keyboard repeats."""
    keys = [dice.choice(LETTERS).upper() for _ in range(dice.randint(2, 6))]
    letters = [(kind, key, True, False) for key in keys for kind in ("keydown", "keyup")]
    return [lone_shift()[0], lone_shift()[0], *letters, lone_shift()[1]]


def third_level(dice: random.Random) -> list[Press]:
    """AltGr with Shift, as on Polish, Welsh and Romanian keyboards."""
    key = dice.choice("ŁŻŴÂȘ")
    return [
        *[("keydown", "AltGraph", False, True), ("keydown", "Shift", True, True)],
        *[("keydown", key, True, True), ("keyup", key, True, True)],
        *[("keyup", "Shift", False, True), ("keyup", "AltGraph", False, False)],
    ]


def marking(dice: random.Random) -> list[Press]:
    key = dice.choice(["ArrowLeft", "ArrowRight", "ArrowUp", "Home", "End", "Enter", "Tab"])
    return [lone_shift()[0], ("keydown", key, True, False), lone_shift()[1], ("keyup", key, False, False)]


def marking_with_the_mouse(_dice: random.Random) -> list[Press]:
    return [lone_shift()[0], ("pointerdown", "", True, False), lone_shift()[1]]


def other_keyboard(_dice: random.Random) -> list[Press]:
    """Alt held, Shift pressed until the wanted language comes."""
    turns = [("keydown", "Shift", True, True), ("keyup", "Shift", False, True)] * 3
    return [("keydown", "Alt", False, True), *turns, ("keyup", "Alt", False, False)]


def second_thoughts(dice: random.Random) -> list[Press]:
    """Shift once or twice for nothing, then a letter."""
    return [*lone_shift() * dice.randint(1, 2), *small(dice)]


WRITING = [
    *[small] * 8,
    *[careful_capital, quick_capital, rolled_capitals, three_rolled_capitals, shouted_word, third_level],
    *[marking, marking_with_the_mouse, other_keyboard, second_thoughts],
]


def write_sentences(count: int) -> Iterator[list[Press]]:
    """The same ones in every run."""
    dice = random.Random(20260522)
    for _ in range(count):
        yield [press for _ in range(dice.randint(5, 60)) for press in dice.choice(WRITING)(dice)]


async def test_no_way_of_writing_leaves_and_three_presses_still_do(page: Page, site: WebchatSite) -> None:
    """Red where Alt held down does not count."""
    await write_something(page)
    for number, sentence in enumerate(write_sentences(200)):
        assert await page.evaluate(PLAY, sentence), f"sentence {number} left the page"
    assert page.url == f"{site.url}/m"

    assert not await page.evaluate(PLAY, lone_shift() * 3)
    await page.wait_for_url(EXIT_SITE)


STOCK = """import { ExitThisPage } from './vendor/exit-this-page.js'
document.body.classList.add('govuk-frontend-supported')
ExitThisPage.prototype.exitPage = () => { document.body.replaceChildren() }
new ExitThisPage(document.getElementById('exit'))"""


@pytest.mark.parametrize("write", [three_rolled_capitals, other_keyboard, marking_with_the_mouse])
async def test_the_component_as_it_comes_would_be_noticed(
    page: Page, write: Callable[[random.Random], list[Press]]
) -> None:
    await page.route("**/exit.js", lambda route: route.fulfill(body=STOCK, content_type="text/javascript"))
    await write_something(page)

    assert not await page.evaluate(PLAY, write(random.Random(1)) * 3)


async def test_a_real_keyboard_writes_in_capitals_and_stays(page: Page) -> None:
    await write_something(page)
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
