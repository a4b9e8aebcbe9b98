"""The queue in a real Chromium: rows that stay under the pointer, a lost race, keys, 320 px, axe on every state.

Red when: `mayReorder` always says yes (the order under the pointer), `morphQueue` holds danger back too, `findMarked`
presses the first row's button, or keys.js does not look at the field that has the focus.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, ViewportSize, expect

from casework.adapters.clock import SystemClock
from casework.model.desk import HandoffReason
from casework.model.disclosures import Category
from casework.model.messages import Channel
from casework.services import desk, transfers
from tests.console.desk_site import PASSWORD, DeskSite, run_desk
from tests.support.browser import ON_ONE_LOOP, PATIENCE_MS, find_axe_violations, open_browser, sideways_scroll

pytestmark = [pytest.mark.browser, ON_ONE_LOOP]
__all__ = ["open_browser"]

DESKTOP: ViewportSize = {"width": 1280, "height": 800}
NARROWEST: ViewportSize = {"width": 320, "height": 640}


@pytest_asyncio.fixture(loop_scope="session", name="site")
async def run_site(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[DeskSite]:
    async with run_desk(tmp_path, sqlite_template, SystemClock()) as running:
        running.add_staff("sam", "Sam Price")
        yield running


@pytest_asyncio.fixture(loop_scope="session", name="page")
async def open_page(browser: Browser, site: DeskSite) -> AsyncIterator[Page]:
    context = await browser.new_context(base_url=site.url, viewport=DESKTOP)
    context.set_default_timeout(PATIENCE_MS)
    page = await log_in(context)
    await expect(page.locator("body.is-live")).to_be_attached()
    yield page
    await context.close()


async def log_in(context: BrowserContext, login: str = "sam") -> Page:
    page = await context.new_page()
    await page.goto("/login")
    await page.get_by_label("Name you log in with").fill(login)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("heading", name="Queue")).to_be_visible()
    return page


async def rows_of(page: Page) -> list[str]:
    found: list[str] = await page.evaluate(
        "[...document.querySelectorAll('.queue tbody tr')].map((row) => row.id.slice(4))"
    )
    return found


async def write(site: DeskSite, **values: object) -> str:
    return await asyncio.to_thread(lambda: site.victim_writes(**values))  # type: ignore[arg-type]


ASKED = {"reason": HandoffReason.ASKED_FOR_PERSON}
HIGH = {"category": Category.STALKING_ESCALATION}
DANGER = {"category": Category.IMMEDIATE_DANGER}


# --- the order ------------------------------------------------------------------------------------


async def test_under_the_pointer_no_row_moves_and_new_ones_wait_at_the_end(
    site: DeskSite, page: Page
) -> None:
    first, second = [await write(site, **ASKED) for _ in range(2)]
    await page.wait_for_selector(f"#row-{second}")
    await page.locator(f"#open-{second}").hover()
    at = await page.locator(f"#row-{second}").bounding_box()

    sooner = await write(site, **HIGH)
    await page.wait_for_selector(f"#row-{sooner}")

    assert await rows_of(page) == [first, second, sooner]
    assert await page.locator(f"#row-{second}").bounding_box() == at
    await expect(page.get_by_text("New rows are at the end")).to_be_visible()
    await page.mouse.move(5, 5)
    await expect(page.locator(".queue tbody tr").first).to_have_id(f"row-{sooner}")
    assert await rows_of(page) == [sooner, first, second]
    await expect(page.get_by_text("New rows are at the end")).to_be_hidden()


async def test_with_the_focus_in_the_list_what_goes_is_marked_and_keeps_its_place(
    site: DeskSite, page: Page
) -> None:
    kim = await site.detective("kim", "Kim Test-Officer")
    first, second = [await write(site, **ASKED) for _ in range(2)]
    await page.wait_for_selector(f"#row-{second}")
    await page.goto("/console?show=unclaimed")
    await expect(page.locator("body.is-live")).to_be_attached()
    await page.locator(f"#open-{second}").focus()

    await kim.claim(first)

    await expect(page.locator(f"#row-{first}")).to_contain_text("No longer here")
    await expect(page.locator(f"#claim-{first}")).to_be_disabled()
    assert await rows_of(page) == [first, second]
    await expect(page.locator(f"#open-{second}")).to_be_focused()


async def test_danger_goes_to_the_top_at_once_and_is_said(site: DeskSite, page: Page) -> None:
    calm = await write(site, **ASKED)
    await page.wait_for_selector(f"#row-{calm}")
    await page.locator(f"#open-{calm}").hover()

    danger = await write(site, **DANGER)

    await page.wait_for_selector(f"#row-{danger}")
    assert await rows_of(page) == [danger, calm]
    await expect(page.locator("#order-news")).to_have_text(
        "New danger at the top of the list. The order has changed."
    )
    assert (await page.title()).startswith("(1 danger) Queue")
    await expect(page.locator("#danger-bar")).to_contain_text("Danger now: 1.")


async def test_the_order_can_be_asked_for(site: DeskSite, page: Page) -> None:
    calm = await write(site, **ASKED)
    await page.wait_for_selector(f"#row-{calm}")
    await page.locator(f"#open-{calm}").focus()
    sooner = await write(site, **HIGH)
    await page.wait_for_selector(f"#row-{sooner}")

    await page.get_by_role("button", name="Put them in order now").click()

    await expect(page.locator(".queue tbody tr").first).to_have_id(f"row-{sooner}")


async def test_a_button_is_not_replaced_under_the_finger(site: DeskSite, page: Page) -> None:
    conversation_id = await write(site, **ASKED)
    await page.wait_for_selector(f"#claim-{conversation_id}")
    await page.evaluate("document.querySelector('[id^=claim-]').isSame = true")
    await page.locator(f"#claim-{conversation_id}").hover()
    await page.mouse.down()

    other = await write(site, **HIGH)
    await page.wait_for_selector(f"#row-{other}")

    assert await page.evaluate(f"document.getElementById('claim-{conversation_id}').isSame")
    await page.mouse.up()
    await expect(page).to_have_url(f"{site.url}/console/c/{conversation_id}#latest")


# --- a race ---------------------------------------------------------------------------------------


async def test_a_lost_race_says_who_was_first_and_offers_the_next(site: DeskSite, page: Page) -> None:
    kim = await site.detective("kim", "Kim Test-Officer")
    wanted, other = await write(site, **DANGER), await write(site, **HIGH)
    await page.wait_for_selector(f"#claim-{wanted}")
    await page.wait_for_selector(f"#claim-{other}")
    # The page has not heard of it yet when the button is pressed.
    await page.route(
        "**/console", lambda route: route.abort() if "x-pane" in route.request.headers else route.continue_()
    )
    await kim.claim(wanted)

    await page.evaluate(f"document.getElementById('claim-{wanted}').form.submit()")

    await expect(page.get_by_role("heading", level=1)).to_contain_text("Kim Test-Officer claimed this")
    await expect(page.get_by_role("link", name="Open read-only")).to_have_attribute(
        "href", f"/console/c/{wanted}"
    )
    await page.get_by_role("link", name="Next in queue").click()
    await expect(page).to_have_url(f"{site.url}/console/c/{other}#latest")


# --- keys -----------------------------------------------------------------------------------------


async def test_keys_go_through_the_list_and_claim_the_row_they_are_on(site: DeskSite, page: Page) -> None:
    first, second = await write(site, **HIGH), await write(site, **ASKED)
    await page.wait_for_selector(f"#row-{second}")
    await expect(page.locator("body[data-keys=on]")).to_be_attached()
    await page.keyboard.press("c")
    assert await rows_of(page) == [first, second]

    await page.keyboard.press("j")
    await expect(page.locator(f"#open-{first}")).to_be_focused()
    await page.keyboard.press("j")
    await expect(page.locator(f"#open-{second}")).to_be_focused()
    await page.keyboard.press("k")
    await expect(page.locator(f"#open-{first}")).to_be_focused()
    await page.keyboard.press("j")
    await page.keyboard.press("c")

    await expect(page).to_have_url(f"{site.url}/console/c/{second}#latest")
    await expect(page.locator("body[data-keys=on]")).to_be_attached()
    await page.locator("#text").focus()
    await page.keyboard.type("u?jkc")
    await expect(page.locator("#text")).to_have_value("u?jkc")
    await expect(page.locator("#keys-dialog")).to_be_hidden()


async def test_the_list_of_keys_opens_and_keys_can_be_switched_off(site: DeskSite, page: Page) -> None:
    await expect(page.locator("body[data-keys=on]")).to_be_attached()
    await page.keyboard.press("?")
    await expect(page.locator("#keys-dialog")).to_be_visible()
    await expect(page.locator("#keys-dialog")).to_contain_text("Next conversation in the list")
    await page.keyboard.press("Escape")
    await expect(page.locator("#keys-dialog")).to_be_hidden()

    await page.goto("/console/start")
    await page.get_by_label("Single keys act").uncheck()
    await page.get_by_role("button", name="Start shift").click()
    await expect(page.locator("body[data-keys=off]")).to_be_attached()
    await page.keyboard.press("?")
    await expect(page.locator("#keys-dialog")).to_be_hidden()


# --- every state ----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [DESKTOP, NARROWEST], ids=["desktop", "narrowest"])
async def test_every_state_of_the_queues_pages_passes_axe_and_fits(
    browser: Browser, site: DeskSite, size: ViewportSize
) -> None:
    context = await browser.new_context(base_url=site.url, viewport=size, bypass_csp=True)
    context.set_default_timeout(PATIENCE_MS)
    page = await log_in(context)
    await check(page, "empty")
    kim = await site.detective("kim", "Kim Test-Officer")
    mine, theirs, free = [await write(site, **each) for each in (HIGH, ASKED, DANGER)]
    await write(site, **ASKED, channel=Channel.WEBCHAT)
    await page.goto("/console/start")
    await check(page, "start")
    await page.get_by_role("button", name="Start shift").click()
    await kim.claim(theirs)
    kim_id = site.service.database.read_now(lambda tx: tx.staff.find("kim"))
    sam_id = site.service.database.read_now(lambda tx: tx.staff.find("sam"))
    assert kim_id is not None
    assert sam_id is not None
    site.write(lambda tx: desk.claim_conversation(tx, mine, by=sam_id, texts=site.service.texts))
    site.write(
        lambda tx: transfers.offer_transfer(
            tx, theirs, to_id=sam_id.id, by=kim_id, reason="I am off now", promised="a call today"
        )
    )
    for show in ("all", "unclaimed", "mine", "overdue", "waiting_for_victim", "out_of_hours"):
        await page.goto(f"/console?show={show}")
        await check(page, show)
    for path in (
        "/console/start",
        "/console/keys",
        f"/console/c/{mine}/transfer",
        f"/console/c/{free}/regrade",
        f"/console/c/{mine}/export",
    ):
        await page.goto(path)
        await check(page, path)
    await page.goto("/console")
    await expect(page.locator("body[data-keys=on]")).to_be_attached()
    await page.keyboard.press("?")
    await expect(page.locator("#keys-dialog")).to_be_visible()
    await check(page, "keys")
    await page.goto(f"/console/c/{mine}/transfer")
    await page.get_by_role("button", name="Pass it on").click()
    await check(page, "transfer-nobody-chosen")
    await page.get_by_label("To whom").select_option("team")
    await page.get_by_role("button", name="Pass it on").click()
    await check(page, "transfer-no-reason")
    await page.goto(f"/console/c/{free}/regrade")
    await page.get_by_role("button", name="Change the grade").click()
    await check(page, "regrade-no-grade")
    await page.get_by_label("2 High").check()
    await page.get_by_label("Why").fill("A neighbour is with her")
    await page.get_by_role("button", name="Change the grade").click()
    await page.goto(f"/console/c/{free}/regrade")
    await expect(page.get_by_text("1 to 2")).to_be_visible()
    await check(page, "regrade-history")
    await page.goto("/console")
    await page.get_by_role("button", name="Accept").click()
    await expect(page).to_have_url(f"{site.url}/console/c/{theirs}#latest")
    await context.close()


async def check(page: Page, name: str) -> None:
    assert await find_axe_violations(page) == [], name
    assert await sideways_scroll(page) == 0, name


async def test_without_scripts_a_transfer_and_a_regrade_go_through(browser: Browser, site: DeskSite) -> None:
    kim = await site.detective("kim", "Kim Test-Officer")
    await kim.post("/console/start", {"sound_heard": "yes"})
    conversation_id = await write(site, **HIGH)
    context = await browser.new_context(base_url=site.url, java_script_enabled=False)
    page = await log_in(context)
    await page.locator(f"#claim-{conversation_id}").click()
    await page.goto(f"/console/c/{conversation_id}/regrade")
    await page.get_by_label("3 Prompt").check()
    await page.get_by_label("Why").fill("It was months ago")
    await page.get_by_role("button", name="Change the grade").click()
    await page.goto(f"/console/c/{conversation_id}/transfer")
    await page.get_by_label("To whom").select_option(label="Kim Test-Officer, investigator")
    await page.get_by_label("Why").fill("Kim knows the case")
    await page.get_by_label("What I promised").fill("A call today")
    await page.get_by_role("button", name="Pass it on").click()
    await context.close()

    _, queue = await kim.get("/console")
    assert "Sam Price asks you to take this conversation." in queue
    assert "Kim knows the case" in queue
    assert "3 Prompt" in queue


# --- rows that are only named ---------------------------------------------------------------------------


async def test_a_row_the_page_has_lost_comes_back_whole(page: Page, site: DeskSite) -> None:
    """A refresh names the rows that look as they did. Red when: a name is taken for a row that is not there."""
    first, second = await write(site, **HIGH), await write(site, **HIGH)
    await expect(page.locator(f"#row-{second}")).to_be_visible()
    await page.evaluate("(id) => document.getElementById(id).remove()", f"row-{first}")

    third = await write(site, **HIGH)

    await expect(page.locator(f"#row-{third}")).to_be_visible()
    await expect(page.locator(f"#row-{first}").get_by_role("button")).to_be_visible()
    assert await rows_of(page) == [first, second, third]
