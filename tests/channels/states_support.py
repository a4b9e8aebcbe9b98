"""The states of the pages where anyone finds support. "Every service" is the longest page there is."""

from datetime import timedelta

from playwright.async_api import Page

from tests.channels.web_states import Show
from tests.channels.webchat_site import WebchatSite

LATER_THAN_ANY_REVIEW = timedelta(days=1000)


async def show_questions(page: Page, site: WebchatSite) -> None:
    await page.goto("/find")


async def show_services(page: Page, site: WebchatSite) -> None:
    await page.goto("/find")
    await page.get_by_label("Stalking or harassment").check()
    await page.get_by_label("Where you live").select_option("Essex")
    await page.get_by_label("British Sign Language").check()
    await page.get_by_label("Nothing that a phone bill may show").check()
    await ask(page)


async def show_questions_again(page: Page, site: WebchatSite) -> None:
    await show_services(page, site)
    await page.get_by_text("Change what you chose").click()


async def show_every_service(page: Page, site: WebchatSite) -> None:
    await page.goto("/find")
    await ask(page)
    await page.get_by_role("button", name="Every service on our list").click()
    await page.get_by_role("heading", name="Shout").wait_for()


async def show_what_may_be_left_out(page: Page, site: WebchatSite) -> None:
    await page.goto("/find")
    await page.get_by_label("Abuse in the name of honour").check()
    await page.get_by_label("Open now").check()
    await page.get_by_label("Text message or web chat only").check()
    await ask(page)
    await page.get_by_text("No service for just what you chose").wait_for()


async def show_nothing(page: Page, site: WebchatSite) -> None:
    site.clock.advance(days=LATER_THAN_ANY_REVIEW.days)
    await page.goto("/find")
    await ask(page)
    await page.get_by_text("We have nothing to show").wait_for()


async def show_ways(page: Page, site: WebchatSite) -> None:
    await page.goto("/ways")


async def show_ways_in_a_visit(page: Page, site: WebchatSite) -> None:
    await page.request.post(f"{site.url}/start")
    await page.goto("/ways")


async def ask(page: Page) -> None:
    await page.get_by_role("button", name="Show who can help").click()
    await page.get_by_role("heading", name="Who can help").wait_for()


STATES: dict[str, Show] = {
    "GET /find: questions": show_questions,
    "POST /find: services": show_services,
    "POST /find: questions opened again": show_questions_again,
    "POST /find: every service": show_every_service,
    "POST /find: too much asked": show_what_may_be_left_out,
    "POST /find: all past review": show_nothing,
    "GET /ways: open": show_ways,
    "GET /ways: in a visit": show_ways_in_a_visit,
}
