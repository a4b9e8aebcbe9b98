"""The states of the page that closes a conversation, with and without the questions."""

from functools import partial

import sqlalchemy as sa
from playwright.async_api import Page, expect

from casework.adapters.storage.tables import turn
from tests.channels.web_states import Show
from tests.channels.webchat_site import WebchatSite


async def write_and_be_answered(page: Page, site: WebchatSite, *, screen_seen: str = "no") -> None:
    """A calm conversation, wholly answered: the turn is finished as the worker would."""
    await page.request.post(
        f"{site.url}/start", form={"text": "what happens next", "screen_seen": screen_seen}
    )
    site.answer("An officer is looking into it.")
    finished = sa.update(turn).values(status="finished", outcome="answered")
    site.service.database.write_now(lambda tx: tx.connection.execute(finished))


async def finish(page: Page) -> None:
    await page.goto("/m")
    await page.get_by_role("button", name="I have finished").click()
    await expect(page.get_by_role("heading", name="This page has closed")).to_be_visible()


async def show_questions(page: Page, site: WebchatSite) -> None:
    await write_and_be_answered(page, site)
    await finish(page)
    await expect(page.get_by_role("group")).to_have_count(5)


async def show_closed(page: Page, site: WebchatSite, *, screen_seen: str) -> None:
    await write_and_be_answered(page, site, screen_seen=screen_seen)
    await finish(page)
    await expect(page.get_by_role("group")).to_have_count(0)


async def show_thanks(page: Page, site: WebchatSite, *, answers: int) -> None:
    await show_questions(page, site)
    for number in range(answers):
        await page.get_by_role("group").nth(number).get_by_label("Satisfied", exact=True).check()
    await page.get_by_role("button", name="Send these answers").click()
    await expect(page.get_by_role("heading", name="Thank you")).to_be_visible()


async def show_asked_again(page: Page, site: WebchatSite, *, path: str) -> None:
    await page.goto(path)


STATES: dict[str, Show] = {
    "POST /finish: with the questions": show_questions,
    "POST /finish: without": partial(show_closed, screen_seen="yes"),
    "POST /feedback: answered": partial(show_thanks, answers=5),
    "POST /feedback: all left out": partial(show_thanks, answers=0),
    "GET /finish: asked again": partial(show_asked_again, path="/finish"),
    "GET /feedback: asked again": partial(show_asked_again, path="/feedback"),
}
