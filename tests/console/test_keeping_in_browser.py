"""The pages of holding, erasing, copies, sealed records and the audit, in every state they can be in: axe 0, and
nothing wider than the window at 1280, 390 and 320.

Red when: a warning of the erase page loses its contrast, a box its label, or a row of ids is wider than a phone.
"""

from dataclasses import dataclass
from datetime import timedelta

import pytest
import sqlalchemy as sa
from playwright.async_api import Browser, Page, ViewportSize, expect

from casework.adapters.storage.access_tables import access_request
from casework.adapters.storage.keeping_tables import erasure as erasure_table
from casework.adapters.storage.tables import case, person
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.access_requests import RestrictionReason
from casework.model.desk import HandoffReason
from casework.model.messages import OutboxStatus
from casework.services import access_requests as access
from tests.console.desk_site import DeskSite
from tests.console.test_desk_in_browser import (
    DESKTOP,
    NARROWEST,
    PHONE,
    check_page,
    log_in,
    open_browser,
    pytestmark,
    run_site,
)
from tests.support.builders import a_case

__all__ = ["open_browser", "pytestmark", "run_site"]

SIZES = pytest.mark.parametrize("size", [DESKTOP, PHONE, NARROWEST], ids=["desktop", "phone", "narrowest"])
NUMBER = "+447700900061"
LONG = "A complaint runs about how this was answered, and the unit that looks at it has asked for all of it"


@dataclass(frozen=True, kw_only=True)
class Laid:
    """`held` waits on the queue under a hold; `closed` is of a case that is over, and nobody exported it."""

    held: str
    closed: str


def lay(site: DeskSite) -> Laid:
    for login, name in (("alex", "Alex Test-Lead"), ("robin", "Robin Test-Lead")):
        site.add_staff(login, name, role="supervisor")
    site.add_staff("audrey", "Audrey Test-Auditor", role="auditor")
    site.victim_writes("nothing was proved here", external_id=NUMBER)
    closed = site.victim_writes("it was last March, my neighbour Pat Example saw it")
    site.assistant_answers(closed, "An officer has your case.", OutboxStatus.SENT)
    site.link_case(closed, stage="closed_no_further_lines", contact_mobile=NUMBER)
    held = site.victim_writes("can someone call me", reason=HandoffReason.ASKED_FOR_PERSON)
    reference = "43260012346"
    site.link_case(held, crime_reference=reference, victim_name="Bo Example", contact_mobile="+447700900062")
    # From before the case file named the number: it may have been somebody else's.
    site.write(_begin_later)
    return Laid(held=held, closed=closed)


def _begin_later(tx: SqlTransaction) -> None:
    tx.connection.execute(sa.update(person).values(created_at=tx.now))


async def show(page: Page, address: str, name: str, size: ViewportSize) -> None:
    await page.goto(address)
    await check_page(page, name, size)


async def press(page: Page, button: str, name: str, size: ViewportSize) -> None:
    await page.get_by_role("button", name=button).first.click()
    await page.wait_for_load_state()
    await check_page(page, name, size)


@SIZES
async def test_holding_and_erasing(browser: Browser, site: DeskSite, size: ViewportSize) -> None:
    laid = lay(site)
    context = await browser.new_context(base_url=site.url, viewport=size, bypass_csp=True)
    page = await log_in(context, "alex")

    await show(page, "/console/holds", "holds-empty", size)
    await show(page, f"/console/c/{laid.held}/keeping", "keeping", size)
    await page.locator("[name=on]").first.check()
    await page.locator("[name=reason]").first.check()
    await page.locator("#why").fill(LONG)
    await page.locator("#review_on").fill("2020-01-01")
    await press(page, "Place a hold", "keeping-fault", size)
    await expect(page.locator("#fault")).to_be_visible()
    await page.locator("#review_on").fill((site.clock.now() + timedelta(days=60)).date().isoformat())
    await press(page, "Place a hold", "keeping-held", size)
    await expect(page.locator("main")).to_contain_text(LONG)
    await page.locator("[name=sure]").check()
    await press(page, "The force", "keeping-exported", size)
    await page.goto(f"/console/c/{laid.held}/erase")
    await page.locator("[name=of]").first.check()
    await page.locator("[name=reason]").first.check()
    await page.locator("[name=sure]").check()
    await press(page, "Erase it for good", "erase-refused", size)
    await expect(page.locator("main")).to_contain_text("A hold keeps it.")

    await show(page, f"/console/c/{laid.closed}/erase", "erase-warned", size)
    await expect(page.locator("main")).to_contain_text(
        "Nobody has said that the force's record has all of this"
    )
    await expect(page.locator("main")).to_contain_text("the number may have been another's")
    await page.locator("[name=of]").last.check()
    await page.locator("[name=reason]").first.check()
    await page.locator("[name=sure]").check()
    await press(page, "Erase it for good", "erase-not-seen", size)
    await expect(page.locator("#fault")).to_contain_text("Say that you know")
    await page.locator("[name=never_exported]").check()
    await page.locator("[name=sure]").check()
    await press(page, "Erase it for good", "holds-warned", size)
    [row] = site.rows(erasure_table)
    await show(page, f"/console/erasures/{row.id}", "erasing-own", size)
    await context.close()
    context = await browser.new_context(base_url=site.url, viewport=size, bypass_csp=True)
    page = await log_in(context, "robin")
    await show(page, f"/console/erasures/{row.id}", "erasing", size)
    await press(page, "Erase it for good", "erasing-not-seen", size)
    await page.locator("[name=seen]").check()
    await press(page, "Erase it for good", "holds-erasing", size)
    await expect(page.get_by_role("status").first).to_contain_text("It is being erased")
    await context.close()


@SIZES
async def test_copies_and_sealed_records(browser: Browser, site: DeskSite, size: ViewportSize) -> None:
    laid = lay(site)
    context = await browser.new_context(base_url=site.url, viewport=size, bypass_csp=True)
    page = await log_in(context, "alex")

    await show(page, "/console/copies", "copies-empty", size)
    request_id = site.write(lambda tx: ask_and_hold_back(tx, site))
    await show(page, "/console/copies", "copies", size)
    await show(page, f"/console/copies/{request_id}", "copy-looking", size)
    await show(page, f"/console/copies/{request_id}/look", "copy-look", size)
    site.write(lambda tx: tx.connection.execute(sa.update(access_request).values(status="ready")))
    await show(page, f"/console/copies/{request_id}", "copy-ready", size)
    await show(page, f"/console/copies/{request_id}/give", "copy-give", size)
    await show(page, f"/console/c/{laid.held}/export/any", "export", size)
    await page.locator("[name=reason]").first.check()
    await page.locator("#number").fill("no figure")
    await page.locator("#words").fill(LONG)
    await press(page, "Make it and save it", "export-fault", size)
    await expect(page.locator("#fault")).to_be_visible()
    await page.locator("#number").fill("op-12/26")
    async with page.expect_download():
        await page.locator("#export").click()
    await show(page, f"/console/c/{laid.held}/export/any", "export-words", size)
    await expect(page.locator("main li").last).to_contain_text(LONG)
    await context.close()


@SIZES
async def test_the_audit(browser: Browser, site: DeskSite, size: ViewportSize) -> None:
    laid = lay(site)
    sam = await site.detective("kim", "Kim Test-Officer")
    await sam.open(laid.held)
    context = await browser.new_context(base_url=site.url, viewport=size, bypass_csp=True)
    page = await context.new_page()
    await page.goto("/login")
    await page.get_by_label("Name you log in with").fill("audrey")
    await page.get_by_label("Password").fill("correct horse battery staple")
    await page.get_by_role("button", name="Log in").click()
    await page.wait_for_url("**/console/**")

    await show(page, "/console/audit", "audit", size)
    await show(page, f"/console/audit?conversation={laid.held}", "audit-conversation", size)
    await show(page, "/console/audit?from=soon", "audit-fault", size)
    await show(page, "/console/audit/unusual", "unusual", size)
    await context.close()


def ask_and_hold_back(tx: SqlTransaction, site: DeskSite) -> str:
    """Asked for by the person of the closed case; their message is held back, and waits for a second person."""
    staff = tx.staff.find("robin")
    assert staff is not None
    reference = tx.connection.execute(
        sa.select(case.c.crime_reference).where(case.c.crime_reference == a_case().crime_reference)
    ).scalar_one()
    request_id = access.open_request(
        tx,
        reference,
        asked_on=tx.now.date(),
        asked_by="Themselves, by letter",
        identity="Passport seen at the front counter by a member of staff",
        names_staff=False,
        by=staff,
    )
    held = [each for each in tx.access_requests.list_items(request_id) if each.key.startswith("inbox:")][-1]
    access.hold_back(
        tx,
        request_id,
        held.key,
        held.digest,
        reason=RestrictionReason.RIGHTS_OF_OTHERS,
        why=LONG,
        words=["Pat Example"],
        is_told=True,
        by=staff,
    )
    return request_id
