"""The states of the PIN and passkey pages. Where the site is at "localhost" a device with a lock is at hand."""

from functools import partial

from playwright.async_api import Page, expect

from casework.adapters.storage.tables import passkey
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.standings import Standing
from casework.model.throttles import Tried, load_limits
from casework.services import passkeys, step_up, throttles
from tests.channels.web_states import Show
from tests.channels.webchat_site import WebchatSite
from tests.support.builders import REFERENCE

# Easy to guess for nobody: no date, no run, not among the commonest.
PIN = "835927"
WRONG = "927461"


async def open_linked(page: Page, site: WebchatSite, standing: Standing = Standing.LINKED) -> str:
    """A visit that has proved its link; the conversation's id."""
    site.add_case()
    await page.request.post(f"{site.url}/start")
    return site.link(standing)


def find_person_id(tx: SqlTransaction) -> str:
    reach = tx.people.find_of_case(REFERENCE)
    assert reach is not None
    return reach.person_id


def set_pin(site: WebchatSite, pin: str = PIN) -> None:
    pin_hash = site.service.passwords.hash(pin)
    site.service.database.write_now(lambda tx: tx.credentials.set(find_person_id(tx), step_up.PIN, pin_hash))


def add_passkeys(site: WebchatSite, number: int) -> None:
    def add(tx: SqlTransaction) -> None:
        for each in range(number):
            tx.passkeys.record(
                find_person_id(tx),
                credential_id=f"known-{each}",
                public_key=b"public",
                sign_count=0,
                most=passkeys.MOST,
            )

    site.service.database.write_now(add)


async def give_lock(page: Page, *, says_yes: bool = True) -> None:
    """A device with a lock of its own, whose owner says yes at once, or never."""
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("WebAuthn.enable")
    await devtools.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": says_yes,
                "automaticPresenceSimulation": True,
            }
        },
    )


# --- the states ----------------------------------------------------------------------------------


async def show(
    page: Page,
    site: WebchatSite,
    *,
    path: str,
    standing: Standing | None = Standing.LINKED,
    has_pin: bool = False,
    keys: int = 0,
    method: str = "",
) -> None:
    if standing is None:
        await page.request.post(f"{site.url}/start", form={"text": "hello"})
    else:
        await open_linked(page, site, standing)
    if has_pin:
        set_pin(site)
    if keys:
        add_passkeys(site, keys)
    if method:
        conversation = site.link()
        site.service.database.write_now(
            lambda tx: tx.standings.record(conversation, REFERENCE, Standing.LINKED, method=method)
        )
    await give_lock(page)
    await page.goto(path)


async def show_fault(page: Page, site: WebchatSite, *, pin: str, again: str) -> None:
    await show(page, site, path="/my/pin")
    await page.get_by_label("New PIN").fill(pin)
    await page.get_by_label("The same PIN again").fill(again)
    await page.get_by_role("button", name="Keep this PIN").click()
    await expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()


async def show_refused_choice(page: Page, site: WebchatSite) -> None:
    """Somebody else set one up while this page stood open."""
    await show(page, site, path="/my/pin")
    set_pin(site)
    await page.get_by_label("New PIN").fill(PIN)
    await page.get_by_label("The same PIN again").fill(PIN)
    await page.get_by_role("button", name="Keep this PIN").click()
    await expect(page.get_by_role("heading", name="You set this up already")).to_be_visible()


async def enter(page: Page, pin: str) -> None:
    await page.get_by_label("Your PIN", exact=True).fill(pin)
    await page.get_by_role("button", name="Open", exact=True).click()


async def show_wrong_pin(page: Page, site: WebchatSite, *, tries: int) -> None:
    await show(page, site, path="/my/unlock", has_pin=True)
    for _ in range(tries):
        await enter(page, WRONG)
    await expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()


async def show_worn_out(page: Page, site: WebchatSite) -> None:
    await open_linked(page, site)
    set_pin(site)

    def wear_out(tx: SqlTransaction) -> None:
        for _ in range(load_limits()[Tried.WRONG_PINS_OF_PERSON].most):
            throttles.count(tx, Tried.WRONG_PINS_OF_PERSON, find_person_id(tx))

    site.service.database.write_now(wear_out)
    await give_lock(page)
    await page.goto("/my/unlock")


async def show_ended(page: Page, site: WebchatSite) -> None:
    await show(page, site, path="/my/key", standing=Standing.STEPPED_UP, keys=2)
    await page.get_by_role("button", name="End it").first.click()
    await expect(page.get_by_role("button", name="End it")).to_have_count(1)
    assert sum(row.ended_at is None for row in site.rows(passkey)) == 1


STATES: dict[str, Show] = {
    "GET /my/pin: linked, none yet": partial(show, path="/my/pin"),
    "GET /my/pin: not linked": partial(show, path="/my/pin", standing=None),
    "GET /my/pin: set up already": partial(show, path="/my/pin", has_pin=True),
    "GET /my/pin: open": partial(show, path="/my/pin", standing=Standing.STEPPED_UP, has_pin=True),
    "POST /my/pin: a date": partial(show_fault, pin="250391", again="250391"),
    "POST /my/pin: not the same twice": partial(show_fault, pin=PIN, again=WRONG),
    "POST /my/pin: too short": partial(show_fault, pin="12", again="12"),
    "POST /my/pin: set up meanwhile": show_refused_choice,
    "GET /my/unlock: has a PIN": partial(show, path="/my/unlock", has_pin=True),
    "GET /my/unlock: has a passkey": partial(show, path="/my/unlock", keys=1),
    "GET /my/unlock: nothing set up": partial(show, path="/my/unlock"),
    "GET /my/unlock: not linked": partial(show, path="/my/unlock", standing=None),
    "GET /my/unlock: PIN worn out": show_worn_out,
    "POST /my/unlock: wrong PIN": partial(show_wrong_pin, tries=1),
    "POST /my/unlock: tried too often": partial(show_wrong_pin, tries=6),
    "GET /my/key: none yet": partial(show, path="/my/key"),
    "GET /my/key: not linked": partial(show, path="/my/key", standing=None),
    "GET /my/key: set up already": partial(show, path="/my/key", keys=1),
    "GET /my/key: after a fresh code": partial(show, path="/my/key", keys=1, method="code"),
    "GET /my/key: two of them": partial(show, path="/my/key", standing=Standing.STEPPED_UP, keys=2),
    "GET /my/key: as many as there may be": partial(
        show, path="/my/key", standing=Standing.STEPPED_UP, keys=passkeys.MOST
    ),
    "POST /my/key: one ended": show_ended,
}
