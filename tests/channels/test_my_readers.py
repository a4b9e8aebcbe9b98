"""Who read what they wrote, over a real socket: after a step-up, by kind of person, and on record.

Red when: the page opens with a link alone; a name of staff is on it; a look at any page of a case leaves no row.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from casework.adapters.storage.tables import audit
from casework.model.standings import Standing
from tests.channels.my_pages_browser import PlainBrowser, browsing, run_site_with_case, words_of
from tests.channels.states_my_readers import put_readers
from tests.channels.test_web_states import list_routes

PAGE = "/my/readers"
# What is shown of a case on the victim's web, and what its own looks record.
CASE_PAGES = {
    "/my": {"my_case_opened"},
    "/my/dates": {"my_case_opened"},
    "/my/copy": {"my_case_opened", "copy_opened"},
    "/my/notes": {"my_case_opened"},
    "/my/how": {"my_case_opened"},
    "/my/files": {"my_case_opened"},
    "/my/readers": {"my_case_opened", "readers_opened"},
}

# The door to them: what somebody has to prove, and nothing of a case.
DOORS = {"/my/pin", "/my/unlock", "/my/key"}


@pytest_asyncio.fixture
async def browser(tmp_path: Path) -> AsyncIterator[PlainBrowser]:
    async with run_site_with_case(tmp_path) as site, browsing(site) as opened:
        yield opened


@pytest.mark.parametrize("standing", [None, Standing.LINKED])
async def test_below_a_step_up_nobody_is_listed(browser: PlainBrowser, standing: Standing | None) -> None:
    await browser.start(standing)
    if standing is not None:
        browser.site.service.database.write_now(put_readers)

    said = words_of((await browser.get(PAGE)).page)

    assert ("Use your PIN first" in said) == (standing is not None)
    assert "detective" not in said
    assert not [row for row in browser.site.rows(audit) if row.act == "readers_opened"]


async def test_after_a_step_up_they_see_what_kind_of_person_did_what_and_no_name(
    browser: PlainBrowser,
) -> None:
    await browser.start(Standing.STEPPED_UP)
    browser.site.service.database.write_now(put_readers)

    said = words_of((await browser.get(PAGE)).page)

    assert "A detective" in said and "Read your messages" in said and "2 times that day" in said
    assert "A supervisor" in said and "for a written reason" in said
    assert "automatic systems" in said
    assert "Test-Officer" not in said


def test_every_page_under_my_is_one_of_them() -> None:
    pages = {route.removeprefix("GET ") for route in list_routes() if route.startswith("GET /my")}

    assert pages == set(CASE_PAGES) | DOORS


@pytest.mark.parametrize("path", sorted(CASE_PAGES))
async def test_every_page_of_a_case_leaves_its_row(browser: PlainBrowser, path: str) -> None:
    await browser.start(Standing.STEPPED_UP)
    before = [row.act for row in browser.site.rows(audit)]

    answer = await browser.get(path)

    assert answer.status == 200
    acts = [row.act for row in browser.site.rows(audit)][len(before) :]
    assert set(acts) >= CASE_PAGES[path]
    assert acts.count("my_case_opened") == 1
