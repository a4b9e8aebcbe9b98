"""The states of a tester's page. No assistant is behind it: what the screen alone decides, and that none answered."""

from playwright.async_api import Page

from casework.adapters.storage.transaction import SqlTransaction
from casework.model.disclosures import Band
from casework.model.tokens import hash_token
from casework.services.guest_ports import NewGuestMessage, Said, SaidKind
from casework.services.guests import MOST_A_VISIT
from tests.channels.web_states import Show
from tests.channels.webchat_site import WebchatSite
from tests.support.guests import make_guest_link

TOKEN = "a-token-that-a-tester-was-given"
DANGER = "he is outside my door with a knife"
ANSWERED = NewGuestMessage(
    text="what can you do",
    state=None,
    responses=("utter_greet",),
    said=(
        Said(kind=SaidKind.REPLY, text="I can tell you about your rights.", choices=("My rights", "My case")),
    ),
    band=Band.GREEN,
    tier=None,
)


async def show_empty(page: Page, site: WebchatSite) -> None:
    make_guest_link(site.service.database, TOKEN)
    await page.goto(f"/try/{TOKEN}")


async def show_over(page: Page, site: WebchatSite) -> None:
    await page.goto("/try/what-nobody-was-given")


async def show_answered(page: Page, site: WebchatSite) -> None:
    await show_empty(page, site)
    await write_before(page, site, 1)
    await send(page, " ")
    await page.get_by_role("button", name="My rights").wait_for()


async def show_danger(page: Page, site: WebchatSite) -> None:
    await show_empty(page, site)
    await send(page, DANGER)
    await page.get_by_text("Here a detective would be told at once").wait_for()


async def show_no_answer(page: Page, site: WebchatSite) -> None:
    await show_empty(page, site)
    await send(page, "what can you do")
    await page.get_by_text("The assistant did not answer").wait_for()


async def show_full(page: Page, site: WebchatSite) -> None:
    await show_empty(page, site)
    await write_before(page, site, MOST_A_VISIT)
    await send(page, "one more")
    await page.get_by_text("This test is full").wait_for()


async def write_before(page: Page, site: WebchatSite, count: int) -> None:
    """Messages of this visit that its page does not know of yet."""
    visit = await page.locator("input[name=visit]").input_value()

    def write(tx: SqlTransaction) -> None:
        for _ in range(count):
            tx.guests.record(hash_token(TOKEN), visit, ANSWERED)

    site.service.database.write_now(write)


async def send(page: Page, text: str) -> None:
    await page.get_by_label("Your test message").fill(text)
    await page.get_by_role("button", name="Send").click()


STATES: dict[str, Show] = {
    "GET /try/{token}: nothing written": show_empty,
    "GET /try/{token}: opens nothing": show_over,
    "POST /try/{token}: answered, and nothing typed": show_answered,
    "POST /try/{token}: danger": show_danger,
    "POST /try/{token}: no answer": show_no_answer,
    "POST /try/{token}: full": show_full,
}
