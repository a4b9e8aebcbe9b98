"""The officer's page: a link and nothing else opens it, one case a link, and the desk sees the same thread."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from casework.adapters.clock import SystemClock
from casework.adapters.storage.tables import audit, inbox, officer_link, officer_message, outbox, promise
from casework.model.desk import HandoffReason
from casework.model.officer_messages import MessageStatus, Reached
from casework.model.promises import PromiseStatus
from casework.services import officer_thread
from casework.services.promises import load_promising
from console.words import load_words
from tests.console.desk_site import DeskSite, Detective, field_in, run_desk
from tests.support.browser import ON_ONE_LOOP, find_axe_violations, open_browser, sideways_scroll
from tests.support.builders import REFERENCE

__all__ = ["open_browser"]

OTHER_CASE = "43260012399"
WORDS = "tell her <b>I moved</b> & am safe"


def a_thread(site: DeskSite, text: str = WORDS, reference: str = REFERENCE) -> str:
    """A linked person's message for the officer; the conversation."""
    conversation_id = site.victim_writes(text)
    site.link_case(conversation_id, crime_reference=reference, contact_mobile=None)
    leave(site, conversation_id, text)
    return conversation_id


def leave(site: DeskSite, conversation_id: str, text: str) -> None:
    newest = max(row.id for row in site.rows(inbox, inbox.c.conversation_id == conversation_id))
    site.write(
        lambda tx: officer_thread.leave_message(
            tx,
            tx.conversations.get(conversation_id),
            inbox_id=newest,
            text=text,
            promising=load_promising(site.service.texts, site.service.clocks.hours),
        )
    )


def writes_again(site: DeskSite, conversation_id: str, text: str) -> None:
    site.writes_again(conversation_id, text)
    leave(site, conversation_id, text)


def issue(site: DeskSite, reference: str = REFERENCE) -> str:
    return site.write(lambda tx: officer_thread.issue_officer_link(tx, reference, by="staff"))


def an_officer(site: DeskSite) -> Detective:
    """A browser that has never logged in."""
    return Detective(site)


async def press_open(officer: Detective, token: str, **headers: str) -> tuple[Any, str]:
    _, button = await officer.get(f"/o/{token}")
    return await officer.post(f"/o/{token}", {"csrf_token": field_in(button, "csrf_token")}, **headers)


async def send(officer: Detective, token: str, page: str, text: str, **fields: str) -> tuple[Any, str]:
    form = {name: field_in(page, name) for name in ("csrf_token", "form_id", "last_seen_id")}
    return await officer.post(f"/o/{token}/answer", form | {"text": text} | fields)


def answers(site: DeskSite) -> list[Any]:
    return site.rows(outbox, outbox.c.template == "officer")


def acts_of_officer(site: DeskSite) -> list[str]:
    return [row.act for row in site.rows(audit, audit.c.actor == "officer")]


async def test_a_look_at_the_address_tells_and_changes_nothing(site: DeskSite) -> None:
    a_thread(site)
    token = issue(site)

    answer, page = await an_officer(site).get(f"/o/{token}")

    assert answer.status == 200
    assert "I moved" not in page and REFERENCE not in page
    assert site.rows(officer_message)[0].read_at is None
    assert acts_of_officer(site) == []


async def test_the_button_opens_the_thread_and_the_reading_is_recorded(site: DeskSite) -> None:
    conversation_id = a_thread(site)

    answer, page = await press_open(an_officer(site), issue(site))

    assert answer.status == 200
    assert "tell her &lt;b&gt;I moved&lt;/b&gt; &amp; am safe" in page
    assert "The person writes:" in page and "Opened by the officer" in page
    [read] = site.rows(audit, audit.c.actor == "officer")
    assert (read.act, read.conversation_id) == ("officer_thread_read", conversation_id)


async def test_every_answer_of_a_link_is_kept_by_nobody_and_tells_no_other_site(site: DeskSite) -> None:
    a_thread(site)
    token, officer = issue(site), an_officer(site)
    looked, _ = await officer.get(f"/o/{token}")
    opened, _ = await press_open(officer, token)
    refused, _ = await press_open(officer, "x" * 32)

    for answer in (looked, opened, refused):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


async def test_an_answer_goes_to_the_victim_and_the_page_shows_it(site: DeskSite) -> None:
    conversation_id = a_thread(site)
    token, officer = issue(site), an_officer(site)
    _, page = await press_open(officer, token)

    answer, _ = await send(officer, token, page, "Thank you, I have it. <i>DC Test</i>")

    assert (answer.status, answer.headers["Location"]) == (303, f"/o/{token}#latest")
    [row] = answers(site)
    assert (row.conversation_id, row.author) == (conversation_id, "staff")
    assert row.text == "Thank you, I have it. <i>DC Test</i>"
    shown, after = await officer.get(f"/o/{token}")
    assert shown.status == 200 and "&lt;i&gt;DC Test&lt;/i&gt;" in after
    assert "Waits to be sent" in after and "Answered" in after
    assert [row.status for row in site.rows(promise)] == ["kept"]
    assert acts_of_officer(site).count("officer_answered") == 1


async def test_the_same_form_sent_twice_is_one_answer(site: DeskSite) -> None:
    a_thread(site)
    token, officer = issue(site), an_officer(site)
    _, page = await press_open(officer, token)

    await send(officer, token, page, "Thank you")
    await send(officer, token, page, "Thank you")

    assert len(answers(site)) == 1


@pytest.mark.parametrize("how", ["ended", "run out", "unknown", "malformed"])
async def test_links_that_open_nothing_look_the_same_whatever_the_cause(site: DeskSite, how: str) -> None:
    a_thread(site)
    token, officer = issue(site), an_officer(site)
    _, page = await press_open(officer, token)
    unknown, expected = await press_open(an_officer(site), "y" * 32)
    if how == "ended":
        site.write(lambda tx: officer_thread.end_officer_links(tx, REFERENCE, by="staff"))
    if how == "run out":
        site.clock.advance(days=7, seconds=1)
    if how in ("unknown", "malformed"):
        token = "x" * 32 if how == "unknown" else "%F0%9F%98%80.%2e"

    pressed, ended = await press_open(an_officer(site), token)
    assert (pressed.status, ended) == (unknown.status, expected) == (404, expected)
    if how in ("ended", "run out"):
        looked, again = await officer.get(f"/o/{token}")
        sent, refused = await send(officer, token, page, "too late")
        assert (looked.status, again, sent.status, refused) == (404, expected, 404, expected)
    assert answers(site) == []


async def test_a_link_never_shows_or_answers_another_case(site: DeskSite) -> None:
    a_thread(site, "mine")
    theirs = a_thread(site, "theirs", OTHER_CASE)
    token, other = issue(site), issue(site, OTHER_CASE)
    officer = an_officer(site)
    _, page = await press_open(officer, token)
    assert "mine" in page and "theirs" not in page

    # The form of one link posted to another, and the other with this one's open page in the same browser.
    swapped, _ = await send(officer, other, page, "to the wrong person")
    looked, button = await officer.get(f"/o/{other}")

    assert swapped.status == 403
    assert looked.status == 200 and "theirs" not in button
    assert answers(site) == []
    assert [
        row.read_at for row in site.rows(officer_message, officer_message.c.conversation_id == theirs)
    ] == [None]


@pytest.mark.parametrize(
    ("fields", "headers"),
    [
        ({"csrf_token": "0" * 64}, {}),
        ({"csrf_token": ""}, {}),
        ({}, {"Sec_Fetch_Site": "cross-site"}),
        ({}, {"Sec_Fetch_Site": "", "Origin": "https://evil.example"}),
    ],
)
async def test_a_form_that_is_not_our_own_opens_and_sends_nothing(
    site: DeskSite, fields: dict[str, str], headers: dict[str, str]
) -> None:
    a_thread(site)
    token, officer = issue(site), an_officer(site)
    _, page = await press_open(officer, token)
    read = acts_of_officer(site)
    names = ("csrf_token", "form_id", "last_seen_id")
    form = {name: field_in(page, name) for name in names} | {"text": "hello"} | fields

    opened, _ = await officer.post(f"/o/{token}", form, **headers)
    sent, _ = await officer.post(f"/o/{token}/answer", form, **headers)

    assert (opened.status, sent.status) == (403, 403)
    assert answers(site) == [] and acts_of_officer(site) == read


@pytest.mark.parametrize(
    ("text", "said"), [("  \n ", "Write an answer first"), ("x" * 1601, "too long to send")]
)
async def test_an_answer_that_cannot_be_sent_comes_back_with_the_reason(
    site: DeskSite, text: str, said: str
) -> None:
    a_thread(site)
    token, officer = issue(site), an_officer(site)
    _, page = await press_open(officer, token)

    answer, page = await send(officer, token, page, text)

    assert answer.status == 422 and said in page
    assert text.strip() in page
    assert answers(site) == []


async def test_an_answer_to_an_older_message_comes_back_with_the_new_one(site: DeskSite) -> None:
    conversation_id = a_thread(site)
    token, officer = issue(site), an_officer(site)
    _, page = await press_open(officer, token)
    writes_again(site, conversation_id, "no, do not come")

    answer, page = await send(officer, token, page, "I will come at 5")

    assert answer.status == 409
    assert "no, do not come" in page and "I will come at 5" in page and "They wrote again" in page
    assert answers(site) == []


# --- the desk ---------------------------------------------------------------------------------------


async def test_the_conversation_page_shows_the_thread_and_what_was_promised_by_when(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = a_thread(site)

    page = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", await detective.open(conversation_id)))

    assert "Messages for the officer" in page and "Not opened by the officer yet" in page
    assert "You should hear by Monday 23 November." in page
    assert "Stands. Due 23 Nov 2026, 16:01." in page
    site.clock.advance(days=5)
    await detective.log_in()
    assert "I moved" in await detective.open(conversation_id)


async def test_the_desk_makes_a_link_that_is_shown_once(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = a_thread(site)
    await detective.claim(conversation_id)

    answer, page = await detective.post(f"/console/c/{conversation_id}/officer-link")
    token = re.findall(r"/o/([\w-]{32})", page)[0]

    assert answer.status == 200
    assert f'value="{site.url}/o/{token}"' in page
    _, opened = await press_open(an_officer(site), token)
    assert "I moved" in opened
    assert token not in str(site.rows(officer_link)) + str(site.rows(audit)) + await detective.open(
        conversation_id
    )
    assert "officer_link_issued" in site.acts()


async def test_without_a_linked_case_there_is_no_link_to_make(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes(reason=HandoffReason.ASKED_FOR_PERSON)

    page = await detective.open(conversation_id)
    answer, refused = await detective.post(f"/console/c/{conversation_id}/officer-link")

    assert "officer-link" not in page
    assert answer.status == 409 and "No case is linked here" in refused
    assert site.rows(officer_link) == []


async def test_nobody_makes_a_link_without_logging_in(site: DeskSite) -> None:
    conversation_id = a_thread(site)

    answer, _ = await an_officer(site).post(f"/console/c/{conversation_id}/officer-link")

    assert answer.status == 401
    assert site.rows(officer_link) == []


@pytest.mark.parametrize(
    ("section", "names"),
    [
        ("officer_statuses", MessageStatus),
        ("officer_reached", Reached),
        ("promise_statuses", PromiseStatus),
        ("officer_faults", ("empty", "too_long", "unread")),
    ],
)
def test_everything_a_thread_can_be_has_words(section: str, names: Any) -> None:
    assert set(load_words()[section]) == set(names)


# --- in a browser -----------------------------------------------------------------------------------


@pytest.mark.browser
@ON_ONE_LOOP
async def test_an_officer_reads_and_answers_by_hand(
    browser: Browser, tmp_path: Path, sqlite_template: Path
) -> None:
    async with run_desk(tmp_path, sqlite_template, SystemClock()) as site:
        a_thread(site)
        context = await browser.new_context(
            base_url=site.url, viewport={"width": 390, "height": 844}, bypass_csp=True
        )
        page = await context.new_page()
        await page.goto(f"/o/{issue(site)}")
        assert await find_axe_violations(page) == []

        await page.get_by_role("button", name="Open the messages").click()
        await expect(page.get_by_text("tell her <b>I moved</b>")).to_be_visible()
        assert await find_axe_violations(page) == []
        assert await sideways_scroll(page) == 0
        await page.get_by_label("Your answer").fill("Thank you. DC Test-Officer")
        await page.get_by_role("button", name="Send the answer").click()

        await expect(page.locator(".by-staff")).to_contain_text("Thank you. DC Test-Officer")
        assert len(answers(site)) == 1
        await context.close()
