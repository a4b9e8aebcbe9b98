"""Passkeys in a real Chromium with a device that has a lock, and every state of these pages once.

Red when: the script is not loaded, posts to another address or sends what the library cannot read.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from casework.adapters.storage.tables import passkey, standing
from tests.channels import states_feedback, states_pins
from tests.channels.states_pins import give_lock, open_linked
from tests.channels.web_states import open_window
from tests.channels.webchat_site import WebchatSite, run_webchat
from tests.support.browser import ON_ONE_LOOP, find_axe_violations, open_browser, sideways_scroll  # noqa: F401

pytestmark = [pytest.mark.browser, ON_ONE_LOOP]
STATES = states_pins.STATES | states_feedback.STATES
SET_UP = "Set it up on this phone or computer"
USE = "Use this phone or computer instead"


@pytest_asyncio.fixture(loop_scope="session")
async def site(tmp_path: Path) -> AsyncIterator[WebchatSite]:
    async with run_webchat(tmp_path, host="localhost") as running:
        yield running


async def test_somebody_sets_up_their_phone_and_opens_with_it_and_ends_it(
    browser: Browser, site: WebchatSite
) -> None:
    async with open_window(browser, site) as page:
        await open_linked(page, site)
        await give_lock(page)
        await page.goto("/my/key")
        assert "shows in the settings of this phone or computer" in await page.inner_text("main")
        await page.get_by_role("button", name=SET_UP).click()
        await expect(page.get_by_role("button", name="End it")).to_have_count(1)
        assert [row.method for row in site.rows(standing) if row.ended_at is None] == ["invite", "passkey"]

        site.clock.advance(minutes=29)
        await page.goto("/m")
        site.clock.advance(minutes=2)
        await page.goto("/my/unlock")
        await page.get_by_role("button", name=USE).click()
        await page.wait_for_url(f"{site.url}/my")
        assert site.rows(passkey)[0].used_at is not None

        await page.goto("/my/key")
        await page.get_by_role("button", name="End it").click()
        await expect(page.get_by_text("You have no passkey here")).to_be_visible()
        assert site.rows(passkey)[0].ended_at is not None


async def test_somebody_who_says_no_on_their_phone_is_told_how_to_go_on(
    browser: Browser, site: WebchatSite
) -> None:
    async with open_window(browser, site) as page:
        await open_linked(page, site)
        await give_lock(page, says_yes=False)
        await page.goto("/my/key")
        button = page.get_by_role("button", name=SET_UP)

        await button.click()

        await expect(page.get_by_text("It was stopped. Nothing was set up.")).to_be_visible()
        await expect(button).to_be_focused()
        await expect(button).not_to_have_attribute("aria-disabled", "true")
        assert site.rows(passkey) == []


async def test_a_phone_that_is_not_set_up_opens_nothing_and_the_pin_stays(
    browser: Browser, site: WebchatSite
) -> None:
    async with open_window(browser, site) as page:
        await open_linked(page, site)
        states_pins.set_pin(site)
        await give_lock(page)
        await page.goto("/my/unlock")
        await page.get_by_role("button", name=USE).click()
        await expect(page.get_by_text("It was stopped. Nothing was opened.")).to_be_visible()

        await states_pins.enter(page, states_pins.PIN)
        await page.wait_for_url(f"{site.url}/my")


@pytest.mark.parametrize("with_script", [True, False])
async def test_without_a_lock_or_without_a_script_only_the_pin_is_offered(
    browser: Browser, site: WebchatSite, with_script: bool
) -> None:
    async with open_window(browser, site, java_script_enabled=with_script) as page:
        await open_linked(page, site)
        await page.goto("/my/key")
        await expect(page.get_by_text("cannot do this here")).to_be_visible()
        await expect(page.get_by_role("button", name=SET_UP)).to_be_hidden()
        states_pins.set_pin(site)
        await page.goto("/my/unlock")
        await expect(page.get_by_role("button", name=USE)).to_be_hidden()
        await states_pins.enter(page, states_pins.PIN)
        await page.wait_for_url(f"{site.url}/my")


async def test_a_refusal_is_said_in_our_words(browser: Browser, site: WebchatSite) -> None:
    async with open_window(browser, site) as page:
        conversation_id = await open_linked(page, site)
        await give_lock(page)
        await page.goto("/my/key")
        # What allowed it has ended since the page was shown.
        site.service.database.write_now(
            lambda tx: tx.standings.end_of_conversation(conversation_id, why="test")
        )

        await page.get_by_role("button", name=SET_UP).click()

        await expect(page.locator("#key").get_by_role("status")).to_have_text(
            "That did not work. Try again, or use a PIN."
        )


@pytest.mark.parametrize("name", STATES)
async def test_every_state_can_be_read_and_used_by_everyone(
    browser: Browser, site: WebchatSite, name: str
) -> None:
    size = {"width": 320, "height": 800}
    async with open_window(browser, site, bypass_csp=True, viewport=size) as page:
        await STATES[name](page, site)
        assert await find_axe_violations(page) == []
        assert await sideways_scroll(page) == 0
        assert await page.title() == "Messages"


async def test_back_after_finishing_shows_no_words_and_no_session_is_left(
    browser: Browser, site: WebchatSite
) -> None:
    async with open_window(browser, site) as page:
        await states_feedback.show_questions(page, site)
        assert [cookie["name"] for cookie in await page.context.cookies()] == []

        await page.go_back()

        assert "what happens next" not in await page.inner_text("body")
