"""Finding support without a visit: over plain HTTP, and in a real Chromium without JavaScript."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from casework.adapters.storage.tables import audit, conversation, inbox, web_session
from casework.services.support_directory import get_happened, get_places, get_support_services
from casework.services.support_finder import EVERYTHING, AgeBand, Criteria, Language, Privately
from channels.webchat.support import parse_criteria
from tests.channels.pseudo_language import write_pseudo_language
from tests.channels.web_states import open_window
from tests.channels.webchat_site import WebchatSite, run_webchat
from tests.support.browser import ON_ONE_LOOP, open_browser  # noqa: F401

FORM = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[WebchatSite]:
    async with run_webchat(tmp_path) as running:
        yield running


async def post(site: WebchatSite, fields: dict[str, str] | bytes, **headers: str) -> tuple[int, str]:
    body = fields if isinstance(fields, bytes) else urlencode(fields).encode()
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{site.url}/find", data=body, headers=FORM | headers) as answer,
    ):
        assert "Set-Cookie" not in answer.headers
        return answer.status, await answer.text()


async def get(site: WebchatSite, path: str) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as http,
        http.get(site.url + path, allow_redirects=False) as answer,
    ):
        assert "Set-Cookie" not in answer.headers
        return answer.status, await answer.text()


def go_to(site: WebchatSite, then: datetime) -> None:
    site.clock.advance(seconds=(then - site.clock.now()).total_seconds())


def services_in(page: str) -> list[str]:
    return re.findall(r'data-service="(\w+)"', page)


# --- what is asked and answered ------------------------------------------------------------------


async def test_the_questions_can_all_be_skipped_and_the_danger_line_comes_first(site: WebchatSite) -> None:
    status, page = await get(site, "/find")

    main = page.partition('<main id="main"')[2]
    assert status == 200
    assert services_in(page) == []
    assert -1 < main.index("call 999") < main.index("<form")
    assert main.count("I would rather not say") == 4
    # Each thing that may have happened and each place stands there in words.
    for name in get_happened():
        assert f'value="{name}"' in main
    for place in get_places():
        assert f'<option value="{place}">{place}</option>' in main


async def test_an_answer_comes_under_the_form_and_leaves_nothing_behind(site: WebchatSite) -> None:
    """Red when `find_services` opens a visit, or answers by a redirect with what was chosen in the address."""
    status, page = await post(site, {"happened": "stalking", "area": "Essex", "age": "18_to_59"})

    assert status == 200
    assert services_in(page) == ["national_stalking_helpline", "victim_support"]
    assert page.index("<form id=") < page.index('id="found"')
    assert 'value="stalking" autocomplete="off" checked' in page
    assert '<option value="Essex" selected>' in page
    for table in (web_session, conversation, inbox, audit):
        assert site.rows(table) == []
    # Asked for anew, the page is as it was.
    assert services_in((await get(site, "/find"))[1]) == []


async def test_an_entry_says_whom_it_is_for_what_it_costs_and_what_a_bill_shows(site: WebchatSite) -> None:
    _, page = await post(site, {"happened": "stalking"})
    stalking, victims = re.split(r'<div class="govuk-summary-card" data-service', page)[1:]

    assert "anyone who is stalked or harassed" in stalking
    assert "Free to call" in stalking
    assert 'href="tel:08088020300" rel="noreferrer"' in stalking
    assert "The call does not show on a phone bill." in stalking
    assert "We do not know the hours." in stalking
    assert "Read on 21 November 2026." in stalking
    assert "Alice Ruggles Trust" in stalking
    assert "We do not know if the call shows on a phone bill." in victims
    assert "Open day and night" in victims
    assert 'href="https://www.victimsupport.org.uk" rel="noreferrer"' in victims
    assert "browser's history" in page or "browser&#39;s history" in page


async def test_hours_are_those_of_the_moment(site: WebchatSite) -> None:
    go_to(site, datetime(2026, 11, 23, 12, tzinfo=UTC))
    _, at_noon = await post(site, {"happened": "honour"})
    go_to(site, datetime(2026, 11, 23, 18, tzinfo=UTC))
    _, at_six = await post(site, {"happened": "honour"})

    assert "Open now." in at_noon
    assert "Opens Tuesday 24 November 2026, 9:00am." in at_six
    assert "Open now." not in at_six


async def test_private_ways_are_links_and_the_rest_stands_apart(site: WebchatSite) -> None:
    _, page = await post(site, {"happened": "sexual_violence", "area": "England", "privately": "written"})
    [support_line, _] = re.split(r'<div class="govuk-summary-card" data-service', page)[1:]

    fits, _, others = support_line.partition("<details")
    assert "Web chat:" in fits
    assert "tel:" not in fits
    assert "tel:08085002222" in others


async def test_too_much_asked_can_be_taken_back_with_one_press(site: WebchatSite) -> None:
    """Red when the button that leaves something out is not read, or not offered."""
    go_to(site, datetime(2026, 11, 23, 12, tzinfo=UTC))
    asked = {"happened": "honour", "open_now": "yes", "area": "England", "privately": "written"}
    _, page = await post(site, asked)
    _, wider = await post(site, asked | {"drop": "privately"})
    _, widest = await post(
        site, {"happened": "honour", "area": "England", "open_now": "yes", "drop": "open_now"}
    )

    assert services_in(page) == ["victim_support"]
    assert "fits all that you asked for" in page
    assert 'form="finder" name="drop" value="privately"' in page
    assert services_in(wider) == ["karma_nirvana", "forced_marriage_unit", "victim_support"]
    assert services_in(widest) == services_in(wider)


async def test_every_service_can_be_seen_without_saying_anything(site: WebchatSite) -> None:
    _, page = await post(site, {"everything": "yes"})

    assert sorted(services_in(page)) == sorted(service.id for service in get_support_services())


async def test_past_their_review_date_entries_hide_themselves_and_the_page_says_what_to_do(
    site: WebchatSite,
) -> None:
    """Red when the page lists the entries of the file instead of the current ones."""
    go_to(site, datetime(2027, 2, 22, 12, tzinfo=UTC))
    _, half = await post(site, {"happened": "coping"})
    go_to(site, datetime(2027, 5, 22, 12, tzinfo=UTC))
    _, none = await post(site, {"happened": "coping"})

    assert services_in(half) == ["victim_support"]
    assert services_in(none) == []
    assert "tel:" not in none
    assert "victimsupport.org.uk" in none
    assert 'href="/"' in none


async def test_a_form_of_another_site_is_refused(site: WebchatSite) -> None:
    status, page = await post(site, {"happened": "stalking"}, **{"Sec-Fetch-Site": "cross-site"})

    assert status == 403
    assert services_in(page) == []


async def test_a_language_nobody_offers_is_no_page(site: WebchatSite) -> None:
    assert (await get(site, "/xx/find"))[0] == 404
    assert (await get(site, "/xx/ways"))[0] == 404


@pytest.mark.parametrize(
    ("body", "criteria"),
    [
        (b"", Criteria()),
        (b"happened=stalking&area=Essex", Criteria(happened="stalking", area="Essex")),
        (b"happened=%FF%FE&area=Atlantis&age=200&language=tlh", Criteria()),
        (b"happened=everything", Criteria()),
        (b"\xff\xfe=\x00&happened=fraud", Criteria(happened="fraud")),
        (b"happened=nothing&happened=fraud", Criteria(happened="fraud")),
        (b"age=60_or_over&language=bsl", Criteria(age=AgeBand.FROM_60, language=Language.BSL)),
        (
            b"privately=written&privately=not_on_bill&privately=x",
            Criteria(privately=frozenset({Privately.WRITTEN, Privately.NOT_ON_BILL})),
        ),
        (b"open_now=yes&drop=open_now", Criteria()),
        (b"age=under_18&drop=age&area=Wales", Criteria(area="Wales")),
        (b"area=Wales&drop=area", Criteria(area="Wales")),
        (b"everything=yes&open_now=yes&area=Essex", Criteria(happened=EVERYTHING, area="Essex")),
        (b"area=Isle+of+Wight", Criteria(area="Isle of Wight")),
        (b"&".join([b"happened=x"] * 5000), Criteria()),
    ],
)
def test_a_form_is_read_and_what_cannot_be_read_is_not_said(body: bytes, criteria: Criteria) -> None:
    assert parse_criteria(body) == criteria


# --- the other ways ------------------------------------------------------------------------------


async def test_the_other_ways_say_what_they_must_and_nothing_they_must_not(site: WebchatSite) -> None:
    """Red when "mobile", "registered" or the line on where you are is taken out of the page.

    What must and must not be said of a silent call is a matter of life: a woman was killed after wrong advice.
    """
    _, page = await get(site, "/ways")
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.partition('<main id="main"')[2]))

    silent = words[words.index("you cannot speak") : words.index("you sign")]
    for must in (
        "on a mobile phone only",
        "Press 55 when it asks",
        "A silent call alone does not bring the police",
        "does not tell them where you are",
        "say where you are",
    ):
        assert must in silent
    text = words[words.index("Text 999, if") : words.index("Not in danger Call 101")]
    assert text.index("only if your phone was registered before") < text.index("To use it: text 999")
    assert "18000" in words
    assert "18001 101" in words
    assert "Call 101" in words
    for never in ("landline", "automatically", "trace", "Ask for ANI", "Essex Police", "Thames Valley", "!"):
        assert never not in words
    # A finger that slips must not call the emergency services.
    assert 'href="tel:999"' not in page


# --- languages, and a browser --------------------------------------------------------------------


async def test_the_pages_keep_the_language_of_the_address(tmp_path: Path) -> None:
    """Red when the form posts to "/find" whatever the language; the list itself stays marked as English."""
    pages = write_pseudo_language(tmp_path)
    code = next(code for code in pages.languages if code != "en")
    async with run_webchat(tmp_path, pages=pages) as site:
        status, page = await get(site, f"/{code}/find")
        assert status == 200
        assert f'lang="{code}"' in page
        assert 'action="#found"' in page
        assert f'href="/{code}/ways"' in page
        async with (
            aiohttp.ClientSession() as http,
            http.post(f"{site.url}/{code}/find", data=b"happened=stalking", headers=FORM) as answer,
        ):
            found = await answer.text()
    assert services_in(found) == ["national_stalking_helpline", "victim_support"]
    assert f'lang="{code}"' in found
    assert '<span lang="en-GB" dir="ltr">National Stalking Helpline</span>' in found


@pytest_asyncio.fixture(loop_scope="session")
async def open_site(tmp_path: Path) -> AsyncIterator[WebchatSite]:
    async with run_webchat(tmp_path) as running:
        yield running


@pytest.mark.browser
@ON_ONE_LOOP
async def test_someone_without_javascript_finds_a_private_way_and_changes_their_mind(
    browser: Browser, open_site: WebchatSite
) -> None:
    async with open_window(browser, open_site, java_script_enabled=False) as page:
        await page.goto("/find")
        await page.get_by_label("Someone close to me hurts").check()
        await page.get_by_label("Where you live").select_option("Berkshire")
        await page.get_by_label("Text message or web chat only").check()
        await page.get_by_role("button", name="Show who can help").click()

        cards = page.locator("[data-service]")
        await expect(cards).to_have_count(2)
        assert page.url == f"{open_site.url}/find#found"
        assert await page.title() == "Messages"
        await page.get_by_role("button", name="Also other ways to make contact").click()
        await expect(cards).to_have_count(4)
        await expect(page.get_by_role("heading", name="Berkshire Women's Aid")).to_be_visible()
        # The choices were kept, all but the one taken back.
        await page.get_by_text("Change what you chose").click()
        await expect(page.get_by_label("Someone close to me hurts")).to_be_checked()
        await expect(page.get_by_label("Text message or web chat only")).not_to_be_checked()
        assert await page.context.cookies() == []
