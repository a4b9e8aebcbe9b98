"""The pages of an invite's link: the same for every link, and for every reason that one opens nothing."""

from playwright.async_api import Page, expect

from tests.channels.web_states import Show
from tests.channels.webchat_site import WebchatSite


async def show_the_button(page: Page, site: WebchatSite) -> None:
    await page.goto("/i/looked-at")


async def show_a_refusal(page: Page, site: WebchatSite) -> None:
    await page.goto("/i/looked-at")
    await page.get_by_role("button", name="Open").click()
    await expect(page.get_by_role("heading", name="This link opens nothing")).to_be_visible()


STATES: dict[str, Show] = {
    "GET /i/{token:.*}: any link": show_the_button,
    "POST /i/{token:.*}: opens nothing": show_a_refusal,
}
