"""The composer in a real Chromium: drafts that stay, ready-made replies by keyboard, areas on the narrowest window.

Red when: `keepDraft` posts nothing; `steer` lets Enter through; the style sheet leaves out its narrow rules.
"""

import asyncio

from playwright.async_api import Browser, BrowserContext, Page, expect

from casework.adapters.storage.conversation_tables import draft
from casework.model.desk import HandoffReason
from tests.console.desk_site import DeskSite
from tests.console.test_desk_in_browser import (
    NARROWEST,
    check_page,
    complaints_of,
    log_in,
    open_browser,
    open_context,
    pytestmark,
    run_site,
)

__all__ = ["open_browser", "open_context", "pytestmark", "run_site"]

REPLY = "Your reply, as Sam Price"


async def claimed(site: DeskSite, context: BrowserContext) -> tuple[Page, str]:
    conversation_id = site.victim_writes("can someone call me", reason=HandoffReason.ASKED_FOR_PERSON)
    page = await log_in(context)
    await page.goto(f"/console/c/{conversation_id}")
    await page.get_by_role("button", name="Claim").click()
    await expect(page.locator("#text")).to_be_attached()
    await page.goto(f"/console/c/{conversation_id}/reply")
    return page, conversation_id


async def test_a_draft_survives_a_reload_and_a_change_of_hands(
    site: DeskSite, context: BrowserContext
) -> None:
    page, conversation_id = await claimed(site, context)
    await page.get_by_label(REPLY).fill("The officer rings you at")
    await expect(page.locator("#draft-kept")).to_contain_text("Kept at")

    await page.reload()
    await expect(page.get_by_label(REPLY)).to_have_value("The officer rings you at")
    page.on("dialog", lambda dialog: asyncio.ensure_future(dialog.accept()))
    await page.get_by_role("button", name="Return to the queue").click()
    await expect(page.get_by_role("heading", name="Queue")).to_be_visible()
    kim = await site.detective("kim", "Kim Test-Officer")
    await kim.claim(conversation_id)

    assert "Sam Price left a draft here" in await kim.open(conversation_id)
    assert complaints_of(page) == []


async def test_a_ready_made_reply_is_found_and_inserted_by_keyboard_alone(
    site: DeskSite, context: BrowserContext
) -> None:
    page, _ = await claimed(site, context)
    await page.get_by_label(REPLY).focus()

    await page.keyboard.type("/hel")
    await expect(page.locator("#canned-list").get_by_role("option")).to_have_count(1)
    await page.keyboard.press("Enter")

    await expect(page.get_by_label(REPLY)).to_have_value(
        "Hello, this is Sam Price, a person from the team. I have read what you wrote. Is it safe for you to "
        "write now? You can reply yes or no."
    )
    assert site.sent_by_staff() == []
    await page.keyboard.press("Control+Enter")
    await expect(page.locator(".by-staff")).to_contain_text("Hello, this is Sam Price")
    assert [row.template for row in site.sent_by_staff()] == ["canned:hello:1"]
    assert site.rows(draft) == []
    assert complaints_of(page) == []


async def test_the_narrowest_window_has_one_area_a_page_and_send_within_reach(
    browser: Browser, site: DeskSite
) -> None:
    context = await browser.new_context(base_url=site.url, viewport=NARROWEST, bypass_csp=True)
    conversation_id = site.victim_writes("hello", reason=HandoffReason.ASKED_FOR_PERSON)
    page = await log_in(context)
    await page.goto(f"/console/c/{conversation_id}")
    await expect(page.get_by_role("button", name="Claim")).to_be_in_viewport()
    await page.get_by_role("button", name="Claim").click()
    await expect(page.locator("#text")).to_be_attached()
    await page.get_by_role("navigation", name="Parts").get_by_role("link", name="Answer").click()
    await expect(page.locator(".transcript")).to_be_hidden()
    await page.get_by_label(REPLY).fill("Unfortunately yes")
    await expect(page.get_by_role("button", name="Send to this phone")).to_be_in_viewport()
    await page.get_by_role("button", name="Send to this phone").click()
    await expect(page.locator("#tone")).to_be_visible()
    await check_page(page, "tone", NARROWEST)
    await asyncio.to_thread(site.writes_again, conversation_id, "dont text me")
    await page.get_by_role("button", name="Send to this phone").click()
    await expect(page.locator("#since")).to_contain_text("dont text me")
    await check_page(page, "unread", NARROWEST)
    await page.get_by_role("navigation", name="Parts").get_by_role("link", name="What we know").click()
    await expect(page.get_by_role("heading", name="Safe contact")).to_be_visible()
    for name in ("notes", "wrong?block=case", "happened"):
        await page.goto(f"/console/c/{conversation_id}/{name}")
        await check_page(page, name[:5], NARROWEST)
    await context.close()
