"""Notes to the officer over a real socket, as a browser without JavaScript leaves them.

Red when, each tried once: a form of another site is taken, words are lost when the visit has ended, or the safety line
waits for a worker.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from casework.adapters.storage.tables import desk_item, inbox, officer_message
from casework.model.standings import Standing
from tests.channels.my_pages_browser import PlainBrowser, box_in, browsing, run_site_with_case, words_of

PAGE = "/my/notes"
NOTE = "I have moved to my sister"
URGENT = "he is outside my house with a knife and says he will kill me"


@pytest_asyncio.fixture
async def browser(tmp_path: Path) -> AsyncIterator[PlainBrowser]:
    async with run_site_with_case(tmp_path) as site, browsing(site) as opened:
        yield opened


def a_form(text: str, msg_id: str = "0011223344556677") -> dict[str, str]:
    return {"msg_id": msg_id, "page_language": "en", "text": text}


async def test_without_a_visit_the_page_leads_to_the_start(browser: PlainBrowser) -> None:
    answer = await browser.get(PAGE)

    assert (answer.status, answer.location) == (303, "/")


async def test_without_a_link_it_says_what_is_missing_and_not_whether_there_is_a_case(
    browser: PlainBrowser,
) -> None:
    await browser.start()

    answer = await browser.get(PAGE)

    assert answer.status == 200
    assert "There is nothing to open yet" in answer.page
    assert "<textarea" not in answer.page


async def test_a_note_is_sent_shown_and_promised(browser: PlainBrowser) -> None:
    await browser.start(Standing.LINKED)
    assert "No notes here yet" in (await browser.get(PAGE)).page

    sent = await browser.post(PAGE, a_form(NOTE))

    assert (sent.status, sent.location) == (303, PAGE)
    said = words_of((await browser.get(PAGE)).page)
    assert NOTE in said
    assert "Waiting for an answer." in said
    assert "You should hear by Monday 23 November." in said
    assert [row.reason for row in browser.site.rows(desk_item)] == ["message_for_officer"]


async def test_where_no_day_was_promised_none_is_said(browser: PlainBrowser) -> None:
    await browser.start(Standing.LINKED)
    browser.site.clock.advance(days=3650)  # the rota is past its review date
    await browser.start(Standing.LINKED)

    await browser.post(PAGE, a_form(NOTE))

    said = words_of((await browser.get(PAGE)).page)
    assert "No day has been set by which you will hear." in said
    assert "You should hear by" not in said


async def test_pressed_twice_it_is_one_note(browser: PlainBrowser) -> None:
    await browser.start(Standing.LINKED)

    for _ in range(2):
        assert (await browser.post(PAGE, a_form(NOTE))).status == 303

    assert len(browser.site.rows(officer_message)) == len(browser.site.rows(inbox)) == 1


async def test_urgent_words_are_answered_on_the_page_at_once(browser: PlainBrowser) -> None:
    """No worker runs here: the line is shown from the moment it is stored."""
    await browser.start(Standing.LINKED)

    sent = await browser.post(PAGE, a_form(URGENT))

    assert (sent.status, sent.location) == (303, PAGE)
    page = (await browser.get(PAGE)).page
    assert page.index('role="alert"') < page.index("<h1")
    assert "999" in words_of(page.partition("<h1")[0] + "</main>")
    [item] = browser.site.rows(desk_item)
    assert (item.reason, item.grade) == ("disclosure", 1)
    assert NOTE not in page and URGENT in page
    assert "You should hear by" not in page


@pytest.mark.parametrize("text", ["", " \r\n "])
async def test_an_empty_box_says_what_to_do(browser: PlainBrowser, text: str) -> None:
    await browser.start(Standing.LINKED)

    answer = await browser.post(PAGE, a_form(text))

    assert (answer.status, "Type your note first." in answer.page) == (422, True)
    assert browser.site.rows(inbox) == []


async def test_a_note_that_is_too_long_stays_whole_in_the_box(browser: PlainBrowser) -> None:
    await browser.start(Standing.LINKED)
    long = "\nabcdé " * 3000

    answer = await browser.post(PAGE, a_form(long))

    assert (answer.status, "4,000 characters or fewer" in answer.page) == (422, True)
    assert f">\n{long}</textarea>" in answer.page
    assert browser.site.rows(inbox) == []


async def test_words_that_come_after_the_visit_ended_are_kept_in_the_box(browser: PlainBrowser) -> None:
    await browser.start(Standing.LINKED)
    browser.site.clock.advance(hours=1)

    answer = await browser.post(PAGE, a_form(NOTE))

    assert (answer.status, box_in(answer.page)) == (401, NOTE)
    assert browser.site.rows(inbox) == []


async def test_words_that_come_after_the_link_ran_out_are_in_the_chat(browser: PlainBrowser) -> None:
    await browser.start()

    answer = await browser.post(PAGE, a_form(URGENT))

    assert (answer.status, answer.location) == (303, "/m")
    assert browser.site.texts_received() == [URGENT]
    assert [row.reason for row in browser.site.rows(desk_item)] == ["disclosure"]
    assert browser.site.rows(officer_message) == []


async def test_a_form_from_another_site_leaves_nothing(browser: PlainBrowser) -> None:
    await browser.start(Standing.LINKED)

    answer = await browser.post(PAGE, a_form(NOTE), **{"Sec-Fetch-Site": "cross-site"})

    assert answer.status == 403
    assert browser.site.rows(inbox) == []


async def test_what_cannot_be_decoded_is_kept_and_goes_to_a_person(browser: PlainBrowser) -> None:
    await browser.start(Standing.LINKED)
    form = "application/x-www-form-urlencoded"

    answer = await browser.post(
        PAGE, b"msg_id=0011223344556677&text=%ED%A0%80hello%FF", **{"Content-Type": form}
    )

    assert answer.status == 303
    assert [row.reason for row in browser.site.rows(desk_item)] == ["unreadable"]


async def test_words_are_shown_as_words(browser: PlainBrowser) -> None:
    await browser.start(Standing.LINKED)
    attack = "</textarea><script>alert(1)</script>"

    await browser.post(PAGE, a_form(attack))

    assert "<script>alert" not in (await browser.get(PAGE)).page
    assert "<script>alert" not in (await browser.post(PAGE, a_form(attack + "x" * 4000))).page
