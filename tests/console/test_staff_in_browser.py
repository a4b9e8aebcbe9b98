"""Logging in, opening with a reason and managing staff in a real Chromium: axe, narrow screens, the force's log-in."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pyotp
import pytest
import pytest_asyncio
from oidc_provider_mock import User, run_server_in_thread
from playwright.async_api import Browser, Page, ViewportSize, expect

from casework.adapters.clock import SystemClock
from tests.console.desk_site import PASSWORD, DeskSite, run_desk
from tests.console.test_audit_pages import find_unusual
from tests.console.test_oidc import run_site
from tests.support.browser import ON_ONE_LOOP, find_axe_violations, open_browser, sideways_scroll

pytestmark = [pytest.mark.browser, ON_ONE_LOOP, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
__all__ = ["open_browser"]

SIZES: list[ViewportSize] = [{"width": 1280, "height": 900}, {"width": 320, "height": 640}]
LONG_REASON = "The same man rang the front desk and named her street, " * 8


@pytest_asyncio.fixture(loop_scope="session", name="site")
async def run_sandbox_desk(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[DeskSite]:
    async with run_desk(tmp_path, sqlite_template, SystemClock()) as running:
        running.is_glass_open = False
        yield running


async def new_page(browser: Browser, site: DeskSite, size: ViewportSize, faults: list[str]) -> Page:
    context = await browser.new_context(base_url=site.url, viewport=size, bypass_csp=True)
    page = await context.new_page()
    page.on("console", lambda said: faults.append(said.text) if "Content Security" in said.text else None)
    return page


async def log_in(page: Page, login: str) -> None:
    await page.goto("/login")
    await page.get_by_label("Name you log in with").fill(login)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Log in", exact=True).click()


async def check(page: Page) -> None:
    assert await find_axe_violations(page) == []
    assert await sideways_scroll(page) == 0


@pytest.mark.parametrize("size", SIZES, ids=["wide", "narrow"])
async def test_opening_with_a_reason_and_managing_staff_pass_axe_and_fit(
    browser: Browser, site: DeskSite, size: ViewportSize
) -> None:
    faults: list[str] = []
    site.add_staff("sam", "Sam Price")
    site.add_staff("alex", "Alex Test-Supervisor", role="supervisor")
    site.add_staff("ash", "Ash Test-Admin-with-a-name-that-does-not-break-anywhere", role="admin")
    conversation_id = site.victim_writes()
    sam, alex, ash = [await new_page(browser, site, size, faults) for _ in range(3)]

    await log_in(sam, "sam")
    await sam.goto(f"/console/c/{conversation_id}")
    await check(sam)
    await sam.get_by_role("link", name="Open it with a reason").click()
    await check(sam)
    await sam.get_by_label("Why you need to read it").fill("because")
    await sam.get_by_role("button", name="Open it and tell the supervisors").click()
    await expect(sam.get_by_role("alert").first).to_contain_text("at least 10 letters")
    await check(sam)
    await sam.get_by_label("Why you need to read it").fill(LONG_REASON)
    await sam.get_by_role("button", name="Open it and tell the supervisors").click()
    await expect(sam).to_have_url(re.compile(f"/console/c/{conversation_id}$"))

    await log_in(alex, "alex")
    await alex.goto("/console/account")
    await (
        alex.get_by_role("navigation", name="Desk")
        .get_by_role("link", name="Opened with a reason (1)")
        .click()
    )
    await check(alex)
    await alex.get_by_label("Justified", exact=True).check()
    await alex.get_by_label("What you think of it").fill("I asked the front desk; it is so")
    await alex.get_by_role("button", name="Record").click()
    await expect(alex.get_by_text("Your view is on record.")).to_be_visible()
    await check(alex)

    await log_in(ash, "ash")
    await expect(ash.get_by_role("heading", name="Staff", exact=True)).to_be_visible()
    await check(ash)
    await ash.get_by_label("Name they log in with").fill("kim")
    await ash.get_by_label("Name that colleagues and victims see").fill("Kim Test-Officer")
    await ash.get_by_role("button", name="Add", exact=True).click()
    await expect(ash.get_by_text("shown only now")).to_be_visible()
    await check(ash)
    for path in ("/console/account", "/console/account/again", "/console/c/" + "a" * 32):
        await ash.goto(path)
        await check(ash)
    assert faults == []
    for each in (sam, alex, ash):
        await each.context.close()


@pytest.mark.parametrize("size", SIZES, ids=["wide", "narrow"])
async def test_the_record_and_unusual_reading_pass_axe_and_fit(
    browser: Browser, site: DeskSite, size: ViewportSize
) -> None:
    faults: list[str] = []
    site.add_staff("sam", "Sam Test-Officer-with-a-name-that-does-not-break-anywhere")
    site.add_staff("alex", "Alex Test-Supervisor", role="supervisor")
    site.add_staff("audrey", "Audrey Test-Auditor", role="auditor")
    finding_id = find_unusual(site, "sam")
    alex, audrey = [await new_page(browser, site, size, faults) for _ in range(2)]

    await log_in(alex, "alex")
    await alex.get_by_role("navigation", name="Desk").get_by_role("link", name="Unusual reading").click()
    await check(alex)
    section = alex.get_by_role("region", name="Sam Test-Officer")
    await section.get_by_label("There is a good reason").check()
    await section.get_by_label("What it was").fill(LONG_REASON)
    await section.get_by_role("button", name="Record").click()
    await expect(alex.get_by_role("status")).to_contain_text("Your view is on record")
    await check(alex)

    await log_in(audrey, "audrey")
    await audrey.get_by_role("navigation", name="Desk").get_by_role("link", name="Record", exact=True).click()
    await check(audrey)
    await audrey.get_by_label("What", exact=True).select_option("unusual_reading_reviewed")
    await audrey.get_by_role("button", name="Search").click()
    await expect(audrey.get_by_role("rowheader", name="unusual reading reviewed")).to_have_count(1)
    assert finding_id in await audrey.get_by_role("table").inner_text()
    await check(audrey)
    assert faults == []


@pytest.mark.parametrize("size", SIZES, ids=["wide", "narrow"])
async def test_the_second_factor_and_the_forces_log_in_pass_axe_and_fit(
    browser: Browser, tmp_path: Path, sqlite_template: Path, size: ViewportSize
) -> None:
    faults: list[str] = []
    with run_server_in_thread(user_claims=[User(sub="sam")]) as server:
        issuer = f"http://localhost:{server.server_port}"
        async with run_site(tmp_path, sqlite_template, issuer, None, WAYMARK_LOCAL_STAFF="1") as desk:
            desk.add_staff("sam", "Sam Price")
            page = await new_page(browser, desk, size, faults)
            await page.goto("/login")
            await check(page)
            await log_in(page, "sam")
            await expect(page.get_by_role("heading", name="Set up your second factor")).to_be_visible()
            await check(page)
            secret = (await page.locator("code").inner_text()).replace(" ", "")
            await page.get_by_label("Six figures from the app").fill("000000")
            await page.get_by_role("button", name="Set it up").click()
            await expect(page.get_by_role("alert")).to_be_visible()
            await check(page)
            code = await asyncio.to_thread(pyotp.TOTP(secret).now)
            await page.get_by_label("Six figures from the app").fill(code)
            await page.get_by_role("button", name="Set it up").click()
            await expect(page.get_by_role("heading", name="Keep your recovery codes")).to_be_visible()
            await check(page)
            await page.get_by_role("link", name="I have kept them").click()
            await expect(page.get_by_role("heading", name="Queue")).to_be_visible()
            await page.goto("/console/account")
            await check(page)
            await page.get_by_role("button", name="Log out").click()
            await log_in(page, "sam")
            await expect(page.get_by_role("heading", name="Your code")).to_be_visible()
            await check(page)
            assert faults == []
            await page.context.close()


async def test_the_forces_log_in_ends_at_the_desk(
    browser: Browser, tmp_path: Path, sqlite_template: Path
) -> None:
    faults: list[str] = []
    claims = {"amr": ["mfa"], "roles": ["desk-supervisor"], "name": "Sam Price"}
    with run_server_in_thread(require_nonce=True, user_claims=[User(sub="sam", claims=claims)]) as server:
        issuer = f"http://localhost:{server.server_port}"
        async with run_site(tmp_path, sqlite_template, issuer, None) as desk:
            page = await new_page(browser, desk, SIZES[0], faults)
            await page.goto("/console/clocks")
            await page.get_by_role("link", name="Log in with your force account").click()
            await expect(page).to_have_url(re.compile(r"^http://localhost"))
            await page.get_by_role("button", name="sam").first.click()

            await expect(page).to_have_url(f"{desk.url}/console/clocks")
            await expect(page.get_by_text("Sam Price").first).to_be_visible()
            assert faults == []
            await page.context.close()
