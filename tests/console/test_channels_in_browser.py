"""What the channels bring along, in a real Chromium: looked at, pressed, copied, without scripts, and by axe.

Red when: `SEALED` loses its sandbox (a saved page runs), the thumbnail stands outside its `details` (it is opened by
looking at the page), `replaceAlarms` is not called (an open page keeps an old bar).
"""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, ViewportSize, expect

from casework.adapters.storage.tables import audit
from casework.model.messages import Channel
from tests.console.channel_desk import fill_channels, sends_file
from tests.console.desk_site import DeskSite
from tests.console.pictures import DRAWING
from tests.console.test_desk_in_browser import (
    DESKTOP,
    NARROWEST,
    PHONE,
    check_page,
    complaints_of,
    log_in,
    open_context,
    run_site,
)
from tests.support.browser import ON_ONE_LOOP, open_browser

pytestmark = [pytest.mark.browser, ON_ONE_LOOP]
__all__ = ["open_browser", "open_context", "run_site"]


@pytest_asyncio.fixture(loop_scope="session", name="unsealed")
async def open_unsealed(browser: Browser, site: DeskSite) -> AsyncIterator[BrowserContext]:
    """Without scripts of ours."""
    context = await browser.new_context(base_url=site.url, java_script_enabled=False)
    yield context
    await context.close()


def openings(site: DeskSite) -> int:
    return len(site.rows(audit, audit.c.act == "media_opened"))


AREAS = ("", "/reply", "/about")  # side by side where there is room, else a page each


@pytest.mark.parametrize("size", [DESKTOP, PHONE, NARROWEST], ids=["desktop", "phone", "narrowest"])
async def test_every_page_of_the_channels_passes_axe_and_fits_its_window(
    browser: Browser, site: DeskSite, size: ViewportSize
) -> None:
    context = await browser.new_context(base_url=site.url, viewport=size, bypass_csp=True)
    page = await log_in(context)
    for name, conversation_id in fill_channels(site).items():
        await page.goto(f"/console/c/{conversation_id}")
        await page.get_by_role("button", name="Claim").click()
        await expect(page.get_by_text("You have this conversation")).to_be_attached()
        for area in AREAS:
            await page.goto(f"/console/c/{conversation_id}{area}")
            for details in await page.locator("details:visible").all():
                await details.locator("summary").first.click()
            await check_page(page, f"channels-{name}{area.replace('/', '-')}", size)
    await page.goto("/console")
    await check_page(page, "channels-queue", size)
    await context.close()


async def test_a_picture_is_fetched_only_when_somebody_looks_at_it_and_stays_while_they_do(
    site: DeskSite, context: BrowserContext
) -> None:
    conversation_id, media_id = sends_file(site, external_id="+447700900101")
    page = await log_in(context)
    await page.goto(f"/console/c/{conversation_id}")
    await expect(page.locator("body.is-live")).to_be_attached()
    picture = page.locator(f"#media-{media_id} img")
    before = openings(site)

    await page.get_by_text("Look at it").click()
    await expect(picture).to_have_js_property("naturalWidth", 64)
    await asyncio.to_thread(site.writes_again, conversation_id, "did you see it")
    await expect(page.locator(".messages")).to_contain_text("did you see it")

    await expect(picture).to_be_visible()
    assert (before, openings(site)) == (0, 1)
    assert complaints_of(page) == []


async def test_a_picture_by_itself_is_shown_and_nothing_else_is(
    site: DeskSite, context: BrowserContext
) -> None:
    _, media_id = sends_file(site)
    page = await log_in(context)

    await page.goto(f"/console/media/{media_id}")

    await expect(page.locator("img")).to_have_js_property("naturalWidth", 64)


async def test_a_drawing_with_a_script_is_saved_and_does_not_run(
    site: DeskSite, context: BrowserContext
) -> None:
    conversation_id, media_id = sends_file(site, DRAWING, "image/svg+xml")
    page = await log_in(context)
    await page.goto(f"/console/c/{conversation_id}")

    async with page.expect_download() as saving:
        await page.get_by_role("link", name="Save").click()

    saved = await saving.value
    assert saved.suggested_filename == f"file-{media_id}.bin"
    assert "conversation" in await page.title()


async def test_an_alarm_appears_and_goes_on_an_open_page_while_words_stay(
    site: DeskSite, context: BrowserContext
) -> None:
    conversation_id = site.victim_writes("hello")
    page = await log_in(context)
    await page.goto(f"/console/c/{conversation_id}")
    await page.get_by_role("button", name="Claim").click()
    await page.get_by_label("Your reply, as Sam Price").fill("half way")
    await expect(page.locator("body.is-live")).to_be_attached()
    bar = page.get_by_role("region", name="What does not work now")

    await asyncio.to_thread(site.write, lambda tx: tx.alarms.sound("sms_filtered", "sms 30007"))
    await expect(bar).to_contain_text("A phone network holds our texts back as spam")
    await asyncio.to_thread(site.write, lambda tx: tx.alarms.end("sms_filtered"))

    await expect(bar).not_to_contain_text("spam")
    await expect(page.get_by_label("Your reply, as Sam Price")).to_have_value("half way")


async def test_the_sign_that_costs_is_named_while_typing_and_a_long_reply_asks(
    site: DeskSite, context: BrowserContext
) -> None:
    conversation_id = site.victim_writes("hello")
    page = await log_in(context)
    await page.goto(f"/console/c/{conversation_id}")
    await page.get_by_role("button", name="Claim").click()
    text, warnings = page.get_by_label("Your reply, as Sam Price"), page.locator("#reply-warnings")

    await text.fill("x" * 70 + "ô")
    await expect(warnings).to_contain_text("This sign makes it 2 texts: ô")
    await text.fill("x" * 71)
    await expect(warnings).to_be_empty()
    await text.fill("x" * 330)
    await expect(warnings).to_contain_text("This takes 3 texts.")
    await page.get_by_label("Send it as 3 texts").check()
    await text.press("End")
    await text.press_sequentially(" and")
    await expect(page.locator("#reply-count")).to_have_text("334 of 459, 3 texts")
    await expect(page.get_by_label("Send it as 3 texts")).to_be_checked()
    await page.get_by_role("button", name="Send to this phone").click()

    await expect(page.locator(".by-staff")).to_contain_text("xxx and")
    assert len(site.sent_by_staff()) == 1
    assert complaints_of(page) == []


async def test_without_scripts_a_long_reply_and_a_picture_still_work(
    site: DeskSite, unsealed: BrowserContext
) -> None:
    conversation_id, media_id = sends_file(site, external_id="+447700900101", channel=Channel.SMS)
    page: Page = await log_in(unsealed)
    await page.goto(f"/console/c/{conversation_id}")
    await page.locator("#claim").click()

    await page.locator("#text").fill("x" * 330)
    await page.locator("#send").click()
    await page.get_by_text("so it was not sent").wait_for()
    await page.get_by_label("Send it as 3 texts").check()
    await page.locator("#send").click()
    await page.locator(".by-staff").wait_for()
    await page.locator(f"#media-{media_id} summary").click()
    await page.locator(f"#media-{media_id} img").wait_for()

    assert [len(row.text) for row in site.sent_by_staff()] == [330]
