"""The pages around a conversation, and those of supervisors that no other file opens: axe 0, and nothing wider than
the narrowest window. And words that are covered until pressed, in a real browser.

Red when: a colour of note, link or button loses its contrast, a field its label, a page its heading; when a table of
the rota is wider than its window; when `.sound` is as wide as its words; when `cover` leaves out its id, or desk.js
forgets what is open.
"""

import asyncio
import re
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Route, ViewportSize, expect

from casework.model.desk import HandoffReason
from casework.model.disclosures import Category, Evidence
from casework.model.messages import Channel
from casework.model.rota import RotaKind
from tests.console.desk_site import DeskSite, run_desk
from tests.console.test_desk_in_browser import (
    DESKTOP,
    NARROWEST,
    check_page,
    complaints_of,
    log_in,
    open_browser,
    open_context,
    pytestmark,
    run_site,
)
from tests.console.test_rota_pages import climb
from tests.support.clock import SetClock

__all__ = ["open_browser", "open_context", "pytestmark", "run_site"]

SIZES = pytest.mark.parametrize("size", [DESKTOP, NARROWEST], ids=["desktop", "narrowest"])


async def open_window(browser: Browser, site: DeskSite, size: ViewportSize) -> BrowserContext:
    return await browser.new_context(base_url=site.url, viewport=size, bypass_csp=True)


@SIZES
async def test_the_pages_of_a_supervisor(browser: Browser, site: DeskSite, size: ViewportSize) -> None:
    site.add_staff("alex", "Alex Reed", role="supervisor")
    put_on_call(site)
    context = await open_window(browser, site, size)
    page = await log_in(context, "alex")

    for address, heading in (
        ("/console/rota", "Rota"),
        ("/console/canned", "Ready-made replies"),
        ("/console/happened", "What happened next"),
    ):
        await page.goto(address)
        await expect(page.get_by_role("heading", name=heading, exact=True, level=1)).to_be_visible()
        await check_page(page, address[9:], size)
    await page.goto("/console/canned")
    # What a browser would not let be posted, and a reader of the screen may not see: no letter at all.
    await page.locator("#canned-hello textarea").fill("\u200b")
    await page.locator("#canned-hello button").click()
    await expect(page.locator("#fault")).to_be_visible()
    await check_page(page, "canned-fault", size)
    await context.close()


@SIZES
async def test_the_page_behind_a_notice(
    browser: Browser, tmp_path: Path, sqlite_template: Path, size: ViewportSize
) -> None:
    async with run_desk(tmp_path, sqlite_template, SetClock()) as site:
        _, token = climb(site)
        context = await open_window(browser, site, size)
        page = await context.new_page()

        await page.goto(f"/a/{token}")
        await check_page(page, "acknowledge", size)
        await page.locator("main button").click()
        await expect(page.locator("main")).to_contain_text("Acknowledged by Kit Example")
        await check_page(page, "acknowledged", size)
        await page.goto("/a/" + "x" * 43)
        await expect(page.locator("h1")).to_have_text("This link opens nothing")
        await check_page(page, "acknowledge-nothing", size)
        await context.close()


@SIZES
async def test_the_pages_around_a_conversation(browser: Browser, site: DeskSite, size: ViewportSize) -> None:
    sam = await site.detective("kim", "Kim Test-Officer")
    conversation_id = site.victim_writes(
        "can someone call me", reason=HandoffReason.ASKED_FOR_PERSON, channel=Channel.WEBCHAT
    )
    await sam.claim(conversation_id)
    await sam.post(f"/console/c/{conversation_id}/draft", {"text": "I am half way"})
    await sam.post(f"/console/c/{conversation_id}/return")
    context = await open_window(browser, site, size)
    page = await log_in(context)
    here = f"/console/c/{conversation_id}"
    await page.goto(here)
    await page.get_by_role("button", name="Claim").click()
    await expect(page.locator("#text")).to_be_attached()

    await page.goto(f"{here}/reply")
    await expect(page.locator(".left-draft")).to_be_visible()
    await check_page(page, "left-draft", size)
    await page.goto(f"{here}/notes")
    await page.locator("#note").fill("Rang the school.")
    await page.locator("#keep-note").click()
    await expect(page.locator(".by-note")).to_be_visible()
    await check_page(page, "notes", size)
    await page.goto(f"{here}/happened")
    await page.locator("#happened").fill("She is safe.")
    await page.get_by_role("button", name="Tell them").click()
    await expect(page.get_by_role("status").filter(has_text="Told to 1 colleague.")).to_be_visible()
    await check_page(page, "happened-told", size)
    for name in ("about", "transfer", "regrade", "plan"):
        await page.goto(f"{here}/{name}")
        await check_page(page, name, size)
    await context.close()


@SIZES
async def test_each_state_of_finishing(browser: Browser, site: DeskSite, size: ViewportSize) -> None:
    conversation_id = site.victim_writes("can someone call me", reason=HandoffReason.ASKED_FOR_PERSON)
    context = await open_window(browser, site, size)
    page = await log_in(context)
    here = f"/console/c/{conversation_id}"
    await page.goto(here)
    await page.get_by_role("button", name="Claim").click()
    await expect(page.locator("#text")).to_be_attached()
    await page.goto(f"{here}/reply")

    await page.locator("#hand-back").click()
    await expect(page.locator("#fault")).to_contain_text("Choose what came of it first.")
    await expect(page.locator("#finish fieldset").first).to_be_in_viewport()
    await check_page(page, "outcome-needed", size)
    await page.locator("#outcome-officer_will_call").check()
    await page.locator("#finish summary").click()
    await page.locator("#next").select_option("officer")
    await page.locator("#due-on").fill("2020-01-01")
    await page.locator("#hand-back").click()
    await expect(page.locator("#fault")).to_contain_text("That day cannot be said")
    await check_page(page, "due-day", size)
    await page.locator("#due-on").fill("")
    await page.locator("#hand-back").click()
    # What they will read is on the screen where it is approved.
    await expect(page.locator("#will-say")).to_contain_text("A person from the team spoke with you on")
    await expect(page.locator("#will-say")).to_be_in_viewport()
    await check_page(page, "will-say", size)
    await page.locator("#hand-back").click()
    await expect(page.get_by_role("heading", name="Queue")).to_be_visible()
    await context.close()


TELL_WHEN_HANDED_BACK = """() => document.addEventListener("pane-replaced", ({ detail: { old, incoming } }) => {
  if (old.dataset.owner !== incoming.dataset.owner) console.log("handed back");
})"""


async def test_the_news_of_a_hand_back_does_not_overtake_the_page_it_leads_to(
    site: DeskSite, context: BrowserContext
) -> None:
    """The stream can say that nobody has the conversation any more before the answer to the form is here."""
    conversation_id = site.victim_writes("can someone call me", reason=HandoffReason.ASKED_FOR_PERSON)
    page = await log_in(context)
    await page.goto(f"/console/c/{conversation_id}")
    await page.get_by_role("button", name="Claim").click()
    await page.locator("#outcome-information_given").check()
    replaced = asyncio.Event()
    page.on("console", lambda said: replaced.set() if said.text == "handed back" else None)
    await page.evaluate(TELL_WHEN_HANDED_BACK)
    # A form that a page sends comes to its route without its body.
    form = await page.evaluate(
        "() => Object.fromEntries(new FormData(document.getElementById('finish-form')))"
    )

    async def answer_late(route: Route) -> None:
        answer = await context.request.post(route.request.url, form=form, max_redirects=0)
        await replaced.wait()
        await route.fulfill(response=answer)

    await page.route("**/hand-back", answer_late)
    await page.locator("#hand-back").click()
    await expect(page.get_by_role("heading", name="Queue")).to_be_visible()


HEADER_HEIGHTS = """() => {
  const [sound, blocked] = ["sound", "sound-blocked"].map((id) => document.getElementById(id));
  return [true, false].map((isOn) => {
    sound.textContent = sound.dataset.on;
    [sound.hidden, blocked.hidden] = [!isOn, isOn];
    return document.querySelector("header").offsetHeight;
  });
}"""


@pytest.mark.parametrize("width", [320, 390, 768, 1024, 1280])
async def test_the_first_press_on_a_page_lets_the_sound_in_and_moves_nothing(
    site: DeskSite, context: BrowserContext, width: int
) -> None:
    """What moves between the finger's coming down and its going up is not pressed, and nothing says so."""
    conversation_id = site.victim_writes("hello", reason=HandoffReason.ASKED_FOR_PERSON)
    page = await log_in(context)
    await page.set_viewport_size({"width": width, "height": 800})

    for address in ("/console", f"/console/c/{conversation_id}", f"/console/c/{conversation_id}/notes"):
        await page.goto(address)
        on, blocked = await page.evaluate(HEADER_HEIGHTS)
        assert on == blocked, address


# --- words that are covered until pressed ---------------------------------------------------------


async def cover_words(page: Page) -> None:
    await page.goto("/console/start")
    await page.get_by_label("Cover their words until I press").check()
    await page.locator("#start").click()
    await expect(page.get_by_role("heading", name="Queue")).to_be_visible()


# Settles after every observer that was set before it.
ONCE_SEEN = "(element) => new Promise((seen) => new IntersectionObserver(seen).observe(element))"


def in_danger(site: DeskSite) -> tuple[str, str]:
    text = "he has a knife"
    marked = (Evidence(rule="threats_to_kill_or_weapons.knife", start=0, end=len(text)),)
    return text, site.victim_writes(text, category=Category.THREATS_TO_KILL_OR_WEAPONS, evidence=marked)


async def test_covered_words_open_by_a_press_and_stay_open_as_new_ones_come(
    site: DeskSite, context: BrowserContext
) -> None:
    text, conversation_id = in_danger(site)
    page = await log_in(context)
    await cover_words(page)
    await page.clock.install()
    await page.goto(f"/console/c/{conversation_id}")
    await page.get_by_role("button", name="Claim").click()
    first = page.locator(".messages .message").first
    await expect(first.locator("mark")).to_be_hidden()

    await first.locator(".covered > summary").press("Enter")
    await expect(first.locator("mark")).to_have_text(text)
    await expect(first.locator("mark")).to_be_visible()
    await asyncio.to_thread(site.writes_again, conversation_id, "are you there")

    latest = page.locator(".messages .by-person").nth(1)
    await expect(latest).to_be_attached()
    await expect(latest.locator(".text")).to_be_hidden()
    await expect(page.locator(".messages mark")).to_be_visible()
    # Covered words were not read, however long they stay on the screen: only pressed ones count for the next reply.
    await latest.evaluate(ONCE_SEEN)
    await page.clock.run_for(10_000)
    await expect(page.locator("#last-seen")).to_have_value(str(site.latest_inbox_id() - 1))
    await latest.locator(".covered > summary").click()
    await expect(page.locator("#last-seen")).to_have_value(str(site.latest_inbox_id()))
    # A browser notes where sound waits for a press.
    assert [each for each in complaints_of(page) if "AudioContext" not in each] == []


@SIZES
async def test_covered_words_need_no_script(browser: Browser, site: DeskSite, size: ViewportSize) -> None:
    text, conversation_id = in_danger(site)
    context = await browser.new_context(
        base_url=site.url,
        viewport=size,
        java_script_enabled=False,
    )
    page = await log_in(context)
    await cover_words(page)

    await page.goto(f"/console/c/{conversation_id}")
    await expect(page.get_by_text(re.compile(text)).first).to_be_hidden()
    await page.locator(".message .covered > summary").click()
    await expect(page.locator(".message mark")).to_be_visible()
    await context.close()


@SIZES
async def test_a_covered_page_passes_axe(browser: Browser, site: DeskSite, size: ViewportSize) -> None:
    _, conversation_id = in_danger(site)
    context = await open_window(browser, site, size)
    page = await log_in(context)
    await cover_words(page)

    for area in ("", "/about"):
        await page.goto(f"/console/c/{conversation_id}{area}")
        await check_page(page, f"covered{area[1:]}", size)
    await context.close()


# --- what the pages show --------------------------------------------------------------------------


def put_on_call(site: DeskSite) -> None:
    site.write(
        lambda tx: tx.rota.add(
            kind=RotaKind.ON_CALL,
            name="Kit Example",
            starts_at=tx.now - timedelta(hours=1),
            ends_at=tx.now + timedelta(days=1),
            place=1,
            mobile="+447700900101",
            email="kit.example.with.a.long.address@example.org",
            webhook=None,
            by="test",
        )
    )
