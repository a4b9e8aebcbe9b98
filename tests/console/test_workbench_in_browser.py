"""The workbench in a real Chromium: a hundred items by keyboard over a desk that is killed, no press lost, axe, 320 px.

Red when: `press` of workbench.js gives up after the first failed try, or a form's id is not asked for where a press is
kept (`test_a_hundred_items_by_keyboard_over_a_desk_that_is_killed`).
"""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Locator, Page, ViewportSize, expect

from casework.adapters.clock import SystemClock
from casework.adapters.storage.workbench_tables import annotation
from casework.model.review_queues import Queue
from tests.console.desk_site import PASSWORD, DeskSite, desk_environ, run_desk
from tests.console.review_desk import add_item, presses
from tests.console.test_guest_item_pages import TOKEN, write
from tests.support.browser import (
    ON_ONE_LOOP,
    PATIENCE_MS,
    find_axe_violations,
    open_browser,
    sideways_scroll,
)
from tests.support.guests import make_guest_link
from tests.support.running import ROOT, eventually, free_port

pytestmark = [pytest.mark.browser, ON_ONE_LOOP]
__all__ = ["open_browser"]

DESKTOP: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}
NARROWEST: ViewportSize = {"width": 320, "height": 640}
ITEMS, OF_JO, KILLED_AT = 100, 12, 40
SCREENSHOTS = os.environ.get("WAYMARK_SCREENSHOTS")
MISSES = "/workbench/inbox/possible_misses/next"
# What is put in the place of it, and another page, bears no such mark.
MARK_SEEN = "document.getElementById('item').dataset.seen = '1'"


@pytest_asyncio.fixture(loop_scope="session", name="site")
async def run_site(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[DeskSite]:
    async with run_desk(tmp_path, sqlite_template, SystemClock()) as running:
        # Nothing of a trainer needs it, and it costs a write for each message.
        running.is_glass_open = False
        for login in ("toni", "jo", "kit"):
            running.add_staff(login, f"{login.title()} Test-Trainer", role="trainer")
        yield running


class DeskProcess:
    """`python -m console` over the database of a site, to be killed and started again on the same port."""

    def __init__(self, site: DeskSite, folder: Path, template: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        copies = folder / "environ"
        copies.mkdir()
        self._environ = dict(os.environ) | desk_environ(copies, template)
        self._environ["WAYMARK_DATABASE_URL"] = site.service.settings.database_url
        self._environ["WAYMARK_CONSOLE_PORT"] = str(self.port)
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "console"), cwd=ROOT, env=self._environ, stderr=asyncio.subprocess.DEVNULL
        )
        async with aiohttp.ClientSession(self.url) as http:

            async def is_alive() -> bool:
                try:
                    async with http.get("/health/live") as answer:
                        return answer.status == 200
                except aiohttp.ClientConnectionError:
                    return False

            await eventually(is_alive, what="the desk")

    async def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


@asynccontextmanager
async def signed_in(
    browser: Browser, url: str, login: str = "toni", size: ViewportSize = DESKTOP, **options: bool
) -> AsyncIterator[Page]:
    context: BrowserContext = await browser.new_context(base_url=url, viewport=size, **options)
    context.set_default_timeout(PATIENCE_MS)
    page = await context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if "Policy" in message.text else None)
    await page.goto("/login")
    await page.get_by_label("Name you log in with").fill(login)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("heading", name="What the assistant should learn")).to_be_visible()
    yield page
    assert complaints == []
    await context.close()


async def press(page: Page, key: str) -> None:
    """A key, and the page that answers it."""
    await page.evaluate(MARK_SEEN)
    await page.keyboard.press(key)
    await expect(page.locator("#item[data-seen]")).to_have_count(0)


def item_of(page: Page) -> Locator:
    return page.locator("#item")


async def number_of(page: Page) -> int:
    address = await item_of(page).get_attribute("data-page")
    found = re.search(r"/items/(\d+)", address or "")
    assert found
    return int(found[1])


async def test_a_hundred_items_by_keyboard_over_a_desk_that_is_killed(
    browser: Browser, site: DeskSite, tmp_path: Path, sqlite_template: Path
) -> None:
    for number in range(ITEMS):
        # One in five is answered: its next step is judged too.
        answer = "" if number % 5 else "An officer has your case."
        add_item(site, f"message {number} of a hundred", queue=Queue.POSSIBLE_MISSES, answer=answer)
    desk = DeskProcess(site, tmp_path, sqlite_template)
    await desk.start()
    try:
        async with signed_in(browser, desk.url) as page, signed_in(browser, desk.url, "jo") as other:
            await page.goto(MISSES)
            await other.goto(MISSES)
            for number in range(ITEMS):
                if number < OF_JO:
                    await label(other, "x", "3")
                if number == KILLED_AT:
                    await lose_and_find_the_desk(page, desk)
                else:
                    await label(page, "dn"[number % 2], "1")
            await expect(page).to_have_url(re.compile(r"/workbench\?seen=all$"))
            assert await number_of(other) > 0
    finally:
        await desk.kill()

    of = {
        login: site.service.database.read_now(lambda tx, login=login: tx.staff.find(login)).id
        for login in ("toni", "jo")
    }
    kept = [row for row in presses(site, kind="label") if row.staff_id == of["toni"]]
    assert len(kept) == len({row.inbox_id for row in kept}) == ITEMS
    assert len(site.rows(annotation)) == ITEMS + OF_JO + len(presses(site, kind="judgement"))
    assert sum(row.staff_id == of["jo"] for row in presses(site, kind="label")) == OF_JO
    assert len([row for row in presses(site, kind="judgement") if row.staff_id == of["toni"]]) == ITEMS // 5
    calm = [row for row in kept if not row.risks]
    assert {row.intent for row in calm} <= {"ask_bail_conditions", "ask_status"}
    assert len(calm) == ITEMS // 2


async def label(page: Page, risk: str, step: str) -> None:
    """Danger is one key; a calm message takes one more. Where the assistant answered its step is judged."""
    await press(page, risk)
    if risk == "n":
        await press(page, "1")
    if page.url.endswith("seen=all"):
        return
    if await page.locator("#step-title").count():
        await press(page, step)
        if await page.locator("#next").count() and not page.url.endswith("seen=all"):
            await press(page, " ")


async def lose_and_find_the_desk(page: Page, desk: DeskProcess) -> None:
    """A press while the desk is away is told of, holds the keys, outlives a reload and is kept once."""
    state = page.locator("#press-state")
    await desk.kill()
    await page.evaluate(MARK_SEEN)
    await page.keyboard.press("d")
    await expect(state).to_have_text("Not saved yet. Trying again")
    stored: str = await page.evaluate("sessionStorage.getItem('waymark-press')")
    assert "risk:immediate_danger" in stored
    assert "hundred" not in stored
    await page.keyboard.press("x")
    await expect(state).to_have_text("Not saved yet. Trying again")

    await desk.start()

    await expect(page.locator("#item[data-seen]")).to_have_count(0)
    await expect(state).to_have_text("Saved")
    assert await page.evaluate("sessionStorage.length") == 0
    if await page.locator("#step-title").count():
        await press(page, "1")


async def test_a_press_outlives_a_reload_and_is_sent_by_the_same_person_alone(
    browser: Browser, site: DeskSite
) -> None:
    one = add_item(site, "message one", queue=Queue.POSSIBLE_MISSES, answer="")
    two = add_item(site, "message two", queue=Queue.POSSIBLE_MISSES, answer="")
    async with signed_in(browser, site.url) as page:
        await page.goto(f"/workbench/items/{one}?queue=possible_misses")
        await page.route("**/label", lambda route: route.abort())
        await page.keyboard.press("d")
        await expect(page.locator("#press-state")).to_have_text("Not saved yet. Trying again")
        stored: str = await page.evaluate("sessionStorage.getItem('waymark-press')")
        await page.unroute("**/label")
        await page.goto(f"/workbench/items/{one}?queue=possible_misses")

        await expect(item_of(page)).to_have_attribute(
            "data-page", f"/workbench/items/{two}?queue=possible_misses"
        )
        assert [row.inbox_id for row in presses(site)] == [one]

        # Somebody else at the same browser: what another pressed is forgotten, not theirs.
        await page.evaluate(
            '(text) => sessionStorage.setItem(\'waymark-press\', text.replace(/"by":"\\w+"/, \'"by":"x"\'))',
            stored,
        )
        await page.reload()
        await expect(item_of(page)).to_be_focused()
        assert await page.evaluate("sessionStorage.length") == 0
        assert len(presses(site)) == 1


async def test_undo_skip_flag_words_and_what_labels_mean_by_keyboard_alone(
    browser: Browser, site: DeskSite
) -> None:
    items = [
        add_item(site, f"he was in leeds on tuesday {number}", queue=Queue.POSSIBLE_MISSES, answer="")
        for number in range(4)
    ]
    async with signed_in(browser, site.url) as page:
        await page.goto(MISSES)
        first = await number_of(page)
        await press(page, " ")
        second = await number_of(page)
        await press(page, "f")
        third = await number_of(page)
        await press(page, "u")
        assert await number_of(page) == second
        assert [row.act for row in presses(site)] == ["skipped"]

        await page.keyboard.press("h")
        await expect(page.get_by_role("dialog")).to_contain_text("Danger now")
        await page.get_by_role("dialog").get_by_role("link", name="Danger now").click()
        await expect(page.get_by_role("dialog")).to_contain_text("or will be within minutes")
        await page.keyboard.press("d")
        await page.keyboard.press("Escape")

        await page.keyboard.press("z")
        for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight", "Shift+ArrowRight"):
            await page.keyboard.press(key)
        await expect(page.locator(".w.is-marked")).to_have_text(["on", "tuesday"])
        await press(page, "d")
        await expect(page.locator(".wb-spans")).to_contain_text("A date on tuesday")
        await press(page, "+")
        await press(page, "c")
        await press(page, "w")
        await press(page, "Enter")

    [row] = presses(site, act="decided")
    assert row.risks == ["child_at_risk", "threats_to_kill_or_weapons"]
    assert [kind for _, _, kind in row.spans] == ["date"]
    assert {first, second, third} < set(items)


async def test_a_wish_of_another_group_and_one_that_is_sought_by_name(
    browser: Browser, site: DeskSite
) -> None:
    for number in range(2):
        add_item(site, f"message {number}", queue=Queue.POSSIBLE_MISSES, answer="")
    async with signed_in(browser, site.url) as page:
        await page.goto(MISSES)
        await press(page, "n")
        await press(page, "s")
        await press(page, "9")
        await press(page, "n")
        await page.keyboard.press("/")
        await page.keyboard.type("compen")
        await expect(page.locator('[value^="wish:"]:visible')).to_have_text(["Compensation"])
        await press(page, "Enter")

    assert [row.intent for row in presses(site)] == ["thanks", "ask_compensation"]


async def test_words_that_the_script_puts_in_cannot_run(browser: Browser, site: DeskSite) -> None:
    text = '<img src=x onerror="document.title=1"><script>document.title=2</script>'
    for _ in range(2):
        add_item(site, text, queue=Queue.POSSIBLE_MISSES, answer=text)
    async with signed_in(browser, site.url) as page:
        await page.goto(MISSES)
        await press(page, "d")
        await press(page, "1")

        await expect(page.locator("#message")).to_have_text(text)
        assert await page.title() == "One message - Waymark desk"


async def test_keys_that_are_off_do_nothing_and_are_not_promised(browser: Browser, site: DeskSite) -> None:
    add_item(site, "a message", queue=Queue.POSSIBLE_MISSES)
    async with signed_in(browser, site.url) as page:
        await page.goto(MISSES)
        await page.get_by_role("button", name="Turn keys off").click()
        await expect(page.get_by_role("button", name="Turn keys on")).to_be_visible()
        await page.keyboard.press("d")
        await page.keyboard.press("n")

        await expect(page.locator("#item kbd").first).to_be_hidden()
        assert site.rows(annotation) == []
        await page.get_by_role("button", name="No danger", exact=True).click()
        await expect(page.get_by_role("heading", name="No danger. What do they want?")).to_be_visible()


async def test_a_key_in_a_field_is_a_letter(browser: Browser, site: DeskSite) -> None:
    add_item(site, "a message", queue=Queue.POSSIBLE_MISSES, answer="")
    async with signed_in(browser, site.url) as page:
        await page.goto(MISSES)
        await press(page, "n")
        await page.keyboard.press("/")
        await page.keyboard.type("a0f u")

        await expect(page.locator("#find-wish")).to_have_value("a0f u")
        assert site.rows(annotation) == []


async def test_everything_works_without_a_script(browser: Browser, site: DeskSite) -> None:
    item_no = add_item(site, "where is my bike", answer="It is in the store.")
    async with signed_in(browser, site.url, java_script_enabled=False) as page:
        await page.goto(f"/workbench/items/{item_no}?queue=unsure")
        await page.get_by_text("Mark words").click()
        await page.get_by_label("From").select_option("3")
        await page.get_by_label("To", exact=True).select_option("3")
        await page.get_by_role("button", name="A reference").click()
        await page.get_by_role("button", name="No danger", exact=True).click()
        await page.get_by_role("button", name="Their things back").first.click()
        await page.get_by_role("button", name="Good").click()
        await page.get_by_role("button", name="Undo").click()

    assert [(row.kind, row.intent) for row in presses(site)] == [("label", "ask_property_return")]


@pytest.mark.parametrize("size", [DESKTOP, PHONE, NARROWEST], ids=["desktop", "phone", "narrowest"])
async def test_every_page_passes_axe_and_fits_its_window(
    browser: Browser, site: DeskSite, size: ViewportSize
) -> None:
    words = "hi its kieran ring me on 07700 900123, where is my case? been waiting since tuesday"
    first = add_item(site, words, answer="An officer has your case now.")
    for queue in (Queue.POSSIBLE_MISSES, Queue.NEW_WORDS, Queue.NEW_WORDS, Queue.NEW_WORDS):
        cluster = "waiting" if queue is Queue.NEW_WORDS else None
        add_item(site, "waiting\u202e and waiting" + "g" * 90, queue=queue, cluster=cluster)
    async with signed_in(browser, site.url, size=size, bypass_csp=True) as page:
        await check_page(page, "home", size)
        await page.goto("/workbench/inbox/unsure")
        await check_page(page, "inbox", size)
        await page.goto("/workbench/inbox/new_words")
        await page.locator(".wb-clusters a").click()
        await check_page(page, "cluster", size)
        await page.goto(f"/workbench/items/{first}?queue=unsure&fault=gone")
        await check_page(page, "risk", size)
        await press(page, "+")
        await press(page, "d")
        await check_page(page, "several", size)
        await press(page, "u")
        await page.keyboard.press("z")
        await page.keyboard.press("Shift+ArrowRight")
        await press(page, "p")
        await page.keyboard.press("z")
        await check_page(page, "marking", size)
        await page.keyboard.press("Escape")
        await press(page, "n")
        await check_page(page, "wish", size)
        await page.keyboard.press("h")
        await expect(page.get_by_role("dialog")).to_be_visible()
        await check_page(page, "dialog", size)
        await page.keyboard.press("Escape")
        await press(page, "1")
        await check_page(page, "after", size)
        for name in ("examples", "agreement", "third", "guidelines/all", "guidelines/immediate_danger"):
            await page.goto(f"/workbench/{name}")
            await check_page(page, name.replace("/", "-"), size)
        await page.goto(f"/workbench/items/{first}/unmask")
        await page.locator("[name=span]").first.check()
        await page.get_by_label("Why you need it").fill("to see who is meant")
        await page.get_by_role("button", name="Uncover it").click()
        await expect(page.locator("#said")).to_be_visible()
        await check_page(page, "unmask", size)
    await look_at_a_decision_between_two(browser, site, size)
    await look_at_a_testers_message_that_is_taught(browser, site, size)


async def look_at_a_testers_message_that_is_taught(
    browser: Browser, site: DeskSite, size: ViewportSize
) -> None:
    """By key, as any other; then said in other words."""
    make_guest_link(site.service.database, TOKEN)
    number = write(site)
    async with signed_in(browser, site.url, "toni", size, bypass_csp=True) as page:
        await page.goto("/workbench/guests")
        await page.locator(f'a[href$="/written/{number}"]').click()
        await check_page(page, "guest-risk", size)
        await press(page, "d")
        await check_page(page, "guest-saved", size)
    async with signed_in(browser, site.url, "jo", size, bypass_csp=True) as page:
        await page.goto(f"/workbench/guests/written/{number}")
        await press(page, "d")
        await expect(page.get_by_role("heading", name="Teach it?")).to_be_visible()
        await check_page(page, "guest-settled", size)
        await press(page, "Enter")
        await expect(page.get_by_role("heading", name="It will be taught.")).to_be_visible()
        await page.goto("/workbench/data")
        await check_page(page, "data-changes", size)
        await page.locator("#changes a").first.click()
        await page.get_by_label("Other words").fill("when do they hear my burglary")
        await check_page(page, "example", size)


async def look_at_a_decision_between_two(browser: Browser, site: DeskSite, size: ViewportSize) -> None:
    item_no = add_item(site, "two differ on this", queue=Queue.POSSIBLE_MISSES, answer="")
    address = f"/workbench/items/{item_no}?queue=possible_misses"
    for login, key in (("toni", "d"), ("jo", "s")):
        async with signed_in(browser, site.url, login) as page:
            await page.goto(address)
            await press(page, key)
    async with signed_in(browser, site.url, "kit", size, bypass_csp=True) as page:
        await page.goto("/workbench/third")
        await check_page(page, "third-list", size)
        await page.get_by_role("link", name="Start", exact=True).last.click()
        await expect(page.get_by_role("heading", name="Two people differ. You decide.")).to_be_visible()
        await check_page(page, "third-item", size)
        await press(page, "2")
        await check_page(page, "third-done", size)


async def check_page(page: Page, name: str, size: ViewportSize) -> None:
    if SCREENSHOTS:
        await page.screenshot(path=f"{SCREENSHOTS}/{name}-{size['width']}.png", full_page=True)
    assert await find_axe_violations(page) == [], name
    assert await sideways_scroll(page) == 0, name
