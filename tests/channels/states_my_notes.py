"""Notes to the officer, how they may be written to, and files for the case: every state these pages can be in."""

import sqlalchemy as sa
from playwright.async_api import Page, expect

from casework.adapters.storage.tables import outbox, person, web_session
from casework.model.contact_hours import ContactWindow
from casework.model.messages import Channel
from casework.model.safe_contact import SafeContactPlan
from casework.model.standings import Standing
from casework.services import officer_thread
from casework.services.uploads import MOST_AT_ONCE
from channels.sandbox.samples import SAMPLES
from tests.channels.web_states import Show
from tests.channels.webchat_site import WebchatSite
from tests.support.builders import REFERENCE

# What the worker does for an open page, with the time at which it did.
SENT = (
    sa.update(outbox)
    .where(outbox.c.status == "waiting")
    .values(status="sent", sent_at=sa.bindparam("at", type_=outbox.c.sent_at.type))
)
NOTES, HOW, FILES = "/my/notes", "/my/how", "/my/files"
NOTE = "I have moved to my sister. Tell her that the spare key is with the neighbour."
URGENT = "he is outside my house with a knife and says he will kill me"
PHOTO = {"name": "IMG_0001.jpg", "mimeType": "image/jpeg", "buffer": SAMPLES["photo"].make()}
PROGRAM = {"name": "setup.jpg", "mimeType": "image/jpeg", "buffer": SAMPLES["program"].make()}


async def open_at(
    page: Page, site: WebchatSite, path: str, standing: Standing | None, *, agreed: bool = False
) -> None:
    """A visit of its own, begun by the page's own form, at that standing."""
    await page.goto("/about")
    await page.evaluate("fetch('/start', {method: 'POST', redirect: 'manual'})")
    if standing is not None:
        site.add_case()
        site.link(standing)
    if agreed:
        agree(site)
    await page.goto(path)


def agree(site: WebchatSite) -> None:
    plan = SafeContactPlan(
        unasked_channels=frozenset({Channel.SMS, Channel.WHATSAPP}),
        answered_channels=frozenset(Channel),
        hours=tuple(ContactWindow(weekday=day, start_minute=540, end_minute=1020) for day in (0, 1, 2)),
        is_unsolicited_agreed=True,
    )
    person_id = site.rows(person)[0].id
    site.service.database.write_now(lambda tx: tx.people.set_plan(person_id, plan, by="staff"))


def at(path: str, standing: Standing | None, *, agreed: bool = False) -> Show:
    async def show(page: Page, site: WebchatSite) -> None:
        await open_at(page, site, path, standing, agreed=agreed)

    return show


def sending_note(text: str) -> Show:
    async def show(page: Page, site: WebchatSite) -> None:
        await open_at(page, site, NOTES, Standing.LINKED)
        await page.get_by_label("Your note").fill(text)
        await page.get_by_role("button", name="Send the note").click()

    return show


async def show_answered_note(page: Page, site: WebchatSite) -> None:
    await sending_note(NOTE)(page, site)

    def answer(tx: object) -> None:
        token = officer_thread.issue_officer_link(tx, REFERENCE, by="staff")  # type: ignore[arg-type]
        opened = officer_thread.read_officer_thread(tx, token)  # type: ignore[arg-type]
        officer_thread.answer_as_officer(
            tx,  # type: ignore[arg-type]
            token,
            "Thank you. I have told the team. I ring you on Tuesday.",
            last_seen_id=opened.latest_left_id,
            form_id="form",
        )

    site.service.database.write_now(answer)
    site.service.database.write_now(lambda tx: tx.connection.execute(SENT, {"at": tx.now}))
    await page.goto(NOTES)


def asking(words: str, *, wish: str | None = None) -> Show:
    async def show(page: Page, site: WebchatSite) -> None:
        await open_at(page, site, HOW, Standing.STEPPED_UP, agreed=True)
        if wish is not None:
            await page.get_by_label(wish).check()
        await page.get_by_label("In your own words").fill(words)
        await page.get_by_role("button", name="Ask for this change").click()

    return show


async def show_unclear_hours(page: Page, site: WebchatSite) -> None:
    await open_at(page, site, HOW, Standing.OFFICER_CONFIRMED, agreed=True)
    await page.get_by_label("Monday until").fill("late")
    await page.get_by_role("button", name="Save the change").click()


async def show_change_too_late(page: Page, site: WebchatSite) -> None:
    await open_at(page, site, HOW, Standing.OFFICER_CONFIRMED, agreed=True)
    [visit] = site.rows(web_session)
    site.service.database.write_now(lambda tx: _end_call(tx, visit.external_id))
    site.link(Standing.STEPPED_UP)
    await page.get_by_role("button", name="Save the change").click()


async def show_change_after_the_end(page: Page, site: WebchatSite) -> None:
    await open_at(page, site, HOW, Standing.OFFICER_CONFIRMED, agreed=True)
    site.clock.advance(hours=1)
    await page.get_by_role("button", name="Save the change").click()
    await expect(page.get_by_role("heading", name="Nothing was changed")).to_be_visible()
    # The visit is over, and with it what names a language: the page came in that of the form.
    await page.context.clear_cookies()


def _end_call(tx: object, external_id: str) -> None:
    opened = tx.conversations.open(Channel.WEBCHAT, external_id)  # type: ignore[attr-defined]
    tx.standings.end_of_conversation(opened.id, why="test")  # type: ignore[attr-defined]


def sending_files(*files: dict[str, object], note: str = "") -> Show:
    async def show(page: Page, site: WebchatSite) -> None:
        await open_at(page, site, FILES, Standing.STEPPED_UP)
        if note:
            await page.get_by_label("What they show").fill(note)
        await page.get_by_label(f"Choose up to {MOST_AT_ONCE} files").set_input_files(list(files))  # type: ignore[arg-type]
        await page.get_by_role("button", name="Send", exact=True).click()

    return show


async def show_late_upload(page: Page, site: WebchatSite) -> None:
    await open_at(page, site, FILES, Standing.STEPPED_UP)
    await page.get_by_label("What they show").fill("the door")
    site.clock.advance(minutes=29)
    await page.evaluate("fetch('/m')")  # keeps the visit, not the step-up, awake
    site.clock.advance(minutes=2)
    await page.get_by_role("button", name="Send", exact=True).click()


STATES: dict[str, Show] = {
    "GET /my/notes: nothing proved": at(NOTES, None),
    "GET /my/notes: no note yet": at(NOTES, Standing.LINKED),
    "GET /my/notes: a note waits": sending_note(NOTE),
    "GET /my/notes: answered": show_answered_note,
    "GET /my/notes: urgent words": sending_note(URGENT),
    "POST /my/notes: empty": sending_note(" "),
    "POST /my/notes: too long": sending_note("abc " * 5000),
    "GET /my/how: nothing proved": at(HOW, None),
    "GET /my/how: a link and no PIN": at(HOW, Standing.LINKED),
    "GET /my/how: nothing first": at(HOW, Standing.STEPPED_UP),
    "GET /my/how: a plan": at(HOW, Standing.STEPPED_UP, agreed=True),
    "GET /my/how: may change it": at(HOW, Standing.OFFICER_CONFIRMED, agreed=True),
    "GET /my/how: asked": asking("only before 3", wish="Write at other hours"),
    "POST /my/how: nothing asked": asking(" "),
    "POST /my/how: too long": asking("abc " * 5000),
    "POST /my/how: hours unclear": show_unclear_hours,
    "POST /my/how: too late to change": show_change_too_late,
    "POST /my/how: after the end": show_change_after_the_end,
    "GET /my/files: nothing proved": at(FILES, None),
    "GET /my/files: a link and no PIN": at(FILES, Standing.LINKED),
    "GET /my/files: no file yet": at(FILES, Standing.STEPPED_UP),
    "GET /my/files: sent": sending_files(PHOTO, note="the door, this morning"),
    "GET /my/files: urgent words": sending_files(PHOTO, note=URGENT),
    "POST /my/files: one refused": sending_files(PHOTO, PROGRAM, note="the door"),
    "POST /my/files: all refused": sending_files(PROGRAM),
    "POST /my/files: nothing chosen": sending_files(),
    "POST /my/files: the PIN has run out": show_late_upload,
}
