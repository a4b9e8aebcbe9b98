"""Files through a real file chooser, and notes, in a real Chromium with and without JavaScript."""

from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from casework.adapters.storage.tables import desk_item, media_content
from casework.model.standings import Standing
from channels.sandbox.samples import SAMPLES
from tests.channels.states_my_notes import FILES, NOTE, NOTES, STATES, URGENT, open_at
from tests.channels.web_states import open_window
from tests.channels.webchat_site import WebchatSite, run_webchat
from tests.support.browser import (
    ON_ONE_LOOP,
    open_browser,  # noqa: F401
)

pytestmark = [pytest.mark.browser, ON_ONE_LOOP]

SEEN = {
    "POST /my/notes: empty": "Type your note first.",
    "GET /my/notes: answered": "Answered.",
    "GET /my/how: asked": "Nothing has been changed yet.",
    "POST /my/how: hours unclear": "Write both times of a day",
    "POST /my/how: too late to change": "The time after the call is over",
    "POST /my/files: one refused": "1 file has reached us.",
    "POST /my/files: nothing chosen": "Choose a file first",
    "POST /my/files: the PIN has run out": "Your words are not sent yet",
}


@pytest_asyncio.fixture(loop_scope="session")
async def site(tmp_path: Path) -> AsyncIterator[WebchatSite]:
    async with run_webchat(tmp_path) as running:
        yield running


@pytest.mark.parametrize("has_script", [True, False], ids=["script", "no script"])
async def test_pictures_chosen_in_the_browser_arrive_whole(
    browser: Browser, site: WebchatSite, tmp_path: Path, has_script: bool
) -> None:
    photo, letter = tmp_path / "photo.jpg", tmp_path / "letter.pdf"
    photo.write_bytes(SAMPLES["photo"].make())
    letter.write_bytes(SAMPLES["pdf"].make())
    async with open_window(browser, site) as begun:
        await open_at(begun, site, FILES, Standing.STEPPED_UP)
        state = await begun.context.storage_state()
        async with open_window(browser, site, java_script_enabled=has_script, storage_state=state) as page:
            await page.goto(FILES)
            async with page.expect_file_chooser() as chooser:
                await page.get_by_label("Choose up to 5 files").click()
            await (await chooser.value).set_files([photo, letter])
            await page.get_by_label("What they show").fill("the door")
            await page.get_by_role("button", name="Send", exact=True).click()
            await expect(page.get_by_text("What you have sent here")).to_be_visible()

    kept = {sha256(row.content).hexdigest() for row in site.rows(media_content)}
    assert kept == {sha256(path.read_bytes()).hexdigest() for path in (photo, letter)}
    assert site.texts_received() == ["the door"]


async def test_a_note_with_danger_in_it_is_answered_before_anything_else(
    browser: Browser, site: WebchatSite
) -> None:
    async with open_window(browser, site) as page:
        await open_at(page, site, NOTES, Standing.LINKED)
        await page.get_by_label("Your note").fill(URGENT)
        await page.get_by_role("button", name="Send the note").click()

        first = page.locator("main > *").first
        await expect(first).to_contain_text("999")
        await expect(page.locator("#text")).to_be_empty()
    assert [row.reason for row in site.rows(desk_item)] == ["disclosure"]


async def test_back_and_forward_send_no_note_twice(browser: Browser, site: WebchatSite) -> None:
    async with open_window(browser, site) as page:
        await open_at(page, site, NOTES, Standing.LINKED)
        await page.get_by_label("Your note").fill(NOTE)
        await page.get_by_role("button", name="Send the note").click()
        await expect(page.get_by_text("Waiting for an answer.")).to_be_visible()
        await page.go_back()
        await page.go_forward()
        await page.reload()
        await expect(page.get_by_text("Waiting for an answer.")).to_have_count(1)
    assert site.texts_received() == [NOTE]


@pytest.mark.parametrize("name", sorted(SEEN))
async def test_a_state_is_the_one_it_says(browser: Browser, site: WebchatSite, name: str) -> None:
    """What every state has to keep is looked at in test_every_page.py; here, that it was reached."""
    async with open_window(browser, site) as page:
        await STATES[name](page, site)
        await expect(page.locator("main").get_by_text(SEEN[name]).first).to_be_visible()
