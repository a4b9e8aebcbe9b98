"""How they may be written to, over a real socket: shown, asked to be changed, changed.

Red when, each tried once: a half-typed window is taken for none, or a label of ours makes a wish look urgent.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from casework.adapters.storage.tables import desk_item, inbox, person
from casework.model.contact_hours import ContactWindow
from casework.model.messages import Channel
from casework.model.safe_contact import SafeContactPlan, Wording
from casework.model.standings import Standing
from casework.model.stored_plans import parse_plan
from channels.webchat.how import WEEKDAYS, WISHES, HoursUnclear, parse_plan_form
from tests.channels.my_pages_browser import PlainBrowser, box_in, browsing, run_site_with_case, words_of

PAGE = "/my/how"
HASH = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA"
PRESENT = "partner reads the phone on Sundays"
AGREED = SafeContactPlan(
    unasked_channels=frozenset({Channel.SMS}),
    answered_channels=frozenset(Channel),
    hours=(ContactWindow(weekday=0, start_minute=540, end_minute=1020),),
    is_unsolicited_agreed=True,
    who_may_be_present=PRESENT,
    duress_phrase_hash=HASH,
)
ASKED = {"act": "ask", "msg_id": "0011223344556677", "page_language": "en"}
CHANGED = {"act": "change", "first_telegram": "yes", "answer_sms": "yes", "wording": "plain"}


@pytest_asyncio.fixture
async def browser(tmp_path: Path) -> AsyncIterator[PlainBrowser]:
    async with run_site_with_case(tmp_path) as site, browsing(site) as opened:
        person_id = site.rows(person)[0].id
        site.service.database.write_now(lambda tx: tx.people.set_plan(person_id, AGREED, by="staff"))
        yield opened


def stored(browser: PlainBrowser) -> SafeContactPlan:
    return parse_plan(browser.site.rows(person)[0].plan)


@pytest.mark.parametrize("standing", [None, Standing.LINKED])
async def test_below_a_step_up_nothing_of_the_plan_is_shown(
    browser: PlainBrowser, standing: Standing | None
) -> None:
    await browser.start(standing)

    said = words_of((await browser.get(PAGE)).page)

    assert ("Use your PIN first" in said) == (standing is not None)
    assert not [word for word in ("text message", "Monday", "Neutral", "voicemail") if word in said]


async def test_the_plan_is_said_in_plain_words_without_its_secrets(browser: PlainBrowser) -> None:
    await browser.start(Standing.STEPPED_UP)

    page = (await browser.get(PAGE)).page

    said = words_of(page)
    assert "We may write to you first Yes, by: text message" in said
    assert "Monday: 09:00 to 17:00" in said
    assert "Here, and by: text message, WhatsApp, Telegram" in said
    assert "Neutral. They do not name the police or a crime." in said
    assert "We ask first if it is safe Yes" in said
    assert PRESENT not in page and HASH not in page and "duress" not in page.casefold()
    assert 'value="change"' not in page


async def test_a_wish_goes_to_a_person_and_changes_nothing(browser: PlainBrowser) -> None:
    await browser.start(Standing.STEPPED_UP)

    answer = await browser.post(
        PAGE, ASKED | {"nothing_first": "yes", "other_hours": "yes", "text": "only before 3"}
    )

    assert (answer.status, answer.location) == (303, PAGE)
    assert browser.site.texts_received() == [
        "I ask for a change to how you write to me.\nSend me nothing that I did not ask for.\n"
        "Write to me at other hours.\n\nonly before 3"
    ]
    assert [row.reason for row in browser.site.rows(desk_item)] == ["plan_change_asked"]
    assert stored(browser) == AGREED
    assert "A person will look at it. Nothing has been changed yet." in (await browser.get(PAGE)).page


@pytest.mark.parametrize("wish", WISHES)
async def test_what_is_ticked_alone_never_looks_urgent(browser: PlainBrowser, wish: str) -> None:
    await browser.start(Standing.STEPPED_UP)

    await browser.post(PAGE, ASKED | {wish: "yes", "text": ""})

    [row] = browser.site.rows(inbox)
    assert row.screen["band"] == "green"
    assert [item.reason for item in browser.site.rows(desk_item)] == ["plan_change_asked"]


async def test_danger_in_a_wish_is_answered_on_the_page_at_once(browser: PlainBrowser) -> None:
    await browser.start(Standing.STEPPED_UP)

    await browser.post(PAGE, ASKED | {"text": "he found the texts and says he will kill me tonight"})

    page = (await browser.get(PAGE)).page
    assert "999" in words_of(page.partition("<h1")[0] + "</main>")
    reasons = sorted(row.reason for row in browser.site.rows(desk_item))
    assert reasons == ["disclosure", "plan_change_asked"]


async def test_a_wish_pressed_twice_is_one(browser: PlainBrowser) -> None:
    await browser.start(Standing.STEPPED_UP)

    for _ in range(2):
        await browser.post(PAGE, ASKED | {"ring_me": "yes"})

    assert len(browser.site.rows(inbox)) == 1


@pytest.mark.parametrize(
    ("fields", "said", "kept"),
    [
        ({"text": "  "}, "Tick what you want changed, or write it in the box.", "  "),
        ({"text": "ab\n" * 2000, "other_words": "yes"}, "Your words are too long", "ab\n" * 2000),
    ],
    ids=["empty", "too long"],
)
async def test_a_wish_that_cannot_be_sent_is_still_on_the_page(
    browser: PlainBrowser, fields: dict[str, str], said: str, kept: str
) -> None:
    await browser.start(Standing.STEPPED_UP)

    answer = await browser.post(PAGE, ASKED | fields)

    assert (answer.status, said in answer.page, box_in(answer.page)) == (422, True, kept)
    assert ('id="other_words" name="other_words" value="yes" checked' in answer.page) == (
        "other_words" in fields
    )
    assert browser.site.rows(inbox) == []


async def test_a_wish_after_the_visit_ended_is_kept_in_the_box(browser: PlainBrowser) -> None:
    await browser.start(Standing.STEPPED_UP)
    browser.site.clock.advance(hours=1)

    answer = await browser.post(PAGE, ASKED | {"text": "only before 3"})

    assert (answer.status, "only before 3" in box_in(answer.page)) == (401, True)


async def test_after_an_officers_call_it_is_changed_here(browser: PlainBrowser) -> None:
    await browser.start(Standing.OFFICER_CONFIRMED)
    assert 'value="change"' in (await browser.get(PAGE)).page

    answer = await browser.post(PAGE, CHANGED | {"tuesday_from": "9.00", "tuesday_to": "12:30"})

    assert (answer.status, answer.location) == (303, PAGE)
    plan = stored(browser)
    assert plan.unasked_channels == {Channel.TELEGRAM}
    assert plan.hours == (ContactWindow(weekday=1, start_minute=540, end_minute=750),)
    assert (plan.wording, plan.is_safe_first) == (Wording.PLAIN, False)
    assert (plan.who_may_be_present, plan.duress_phrase_hash) == (PRESENT, HASH)


@pytest.mark.parametrize("standing", [None, Standing.LINKED, Standing.STEPPED_UP])
async def test_below_an_officers_call_a_forged_form_changes_nothing(
    browser: PlainBrowser, standing: Standing | None
) -> None:
    await browser.start(standing)

    answer = await browser.post(PAGE, CHANGED)

    assert answer.status in (401, 403, 422)
    assert stored(browser) == AGREED


@pytest.mark.parametrize(
    "hours", [{"monday_from": "9"}, {"monday_from": "9:00"}, {"monday_from": "10:00", "monday_to": "10:00"}]
)
async def test_hours_that_are_not_clear_are_asked_again_and_nothing_is_changed(
    browser: PlainBrowser, hours: dict[str, str]
) -> None:
    await browser.start(Standing.OFFICER_CONFIRMED)

    answer = await browser.post(PAGE, CHANGED | hours)

    assert (answer.status, "Write both times of a day" in answer.page) == (422, True)
    assert f'value="{hours["monday_from"]}" aria-invalid="true"' in answer.page
    assert stored(browser) == AGREED


async def test_a_form_from_another_site_changes_nothing(browser: PlainBrowser) -> None:
    await browser.start(Standing.OFFICER_CONFIRMED)

    answers = [
        await browser.post(PAGE, fields, **{"Sec-Fetch-Site": "cross-site"})
        for fields in (CHANGED, ASKED | {"text": "x"})
    ]

    assert [answer.status for answer in answers] == [403, 403]
    assert stored(browser) == AGREED
    assert browser.site.rows(inbox) == []


def test_a_box_that_is_not_ticked_is_a_no_and_words_are_neutral_unless_said() -> None:
    plan = parse_plan_form({"monday_from": "", "monday_to": " "})

    assert (plan.unasked_channels, plan.answered_channels, plan.hours) == (frozenset(), frozenset(), ())
    assert plan.is_neutral
    with pytest.raises(HoursUnclear):
        parse_plan_form({f"{WEEKDAYS[6]}_to": "10:00"})
