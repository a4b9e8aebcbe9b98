"""The pages about somebody's own case, in every state they can be in; each has a case and a person of its own."""

from datetime import UTC, date, datetime
from typing import Any

from playwright.async_api import Page

from casework.adapters.storage.tables import staff_member
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.access_requests import add_months
from casework.model.cases import Case, CaseEvent
from casework.model.messages import Author
from casework.model.standings import Standing
from tests.channels.web_states import Show
from tests.channels.webchat_site import WebchatSite
from tests.support.builders import a_case

FLAGGED = "Domestic abuse - assault"
NOTHING_IN_WRITING = "none"
HISTORY = (
    ("reported", date(2026, 9, 28)),
    ("recorded", date(2026, 9, 29)),
    ("allocated", date(2026, 10, 2)),
    ("under_investigation", date(2026, 10, 9)),
    ("arrested", date(2026, 11, 18)),
)


def moves(*stages: tuple[str, date]) -> tuple[CaseEvent, ...]:
    return tuple(
        CaseEvent(
            at=datetime(day.year, day.month, day.day, 10, tzinfo=UTC), kind="stage_changed", detail=stage
        )
        for stage, day in stages
    )


def a_long_case(**values: Any) -> Case:
    """At its fifth stage, with the clocks of its newest one still running."""
    given: dict[str, Any] = {"stage": "arrested", "stage_since": HISTORY[-1][1], "events": moves(*HISTORY)}
    return a_case(**(given | values))


def an_ended_case(**values: Any) -> Case:
    ended = CaseEvent(at=datetime(2026, 11, 11, 10, tzinfo=UTC), kind="outcome", detail="8")
    given: dict[str, Any] = {
        "stage": "out_of_court",
        "stage_since": date(2026, 11, 10),
        "events": (*moves(*HISTORY[:4], ("out_of_court", date(2026, 11, 10))), ended),
        "next_update_due": None,
    }
    return a_case(**(given | values))


def a_case_with_news(**values: Any) -> Case:
    """A release that a person has to tell first."""
    released = {
        "crime_type": FLAGGED,
        "stage": "released_on_bail",
        "stage_since": date(2026, 11, 20),
        "events": moves(*HISTORY, ("released_on_bail", date(2026, 11, 20))),
    }
    return a_case(**(released | values))


async def open_visit(page: Page) -> None:
    await page.request.post("/start", max_redirects=0)


def own(number: int, of: Case) -> Case:
    """The same case as another person's, so that no state of a shared site knows of the one before it."""
    values = {
        **{name: getattr(of, name) for name in of.__dataclass_fields__},
        "crime_reference": f"4326007{number:04}",
        "victim_name": f"Alex Example {number}",
        "contact_mobile": f"+447700900{number:03}",
    }
    return Case(**values)


def showing(
    path: str, number: int, case: Case | None = None, standing: Standing = Standing.LINKED, *, said: int = 0
) -> Show:
    """Somebody of that standing in that case looks at `path`; without a case, somebody who proved nothing."""

    async def show(page: Page, site: WebchatSite) -> None:
        await open_visit(page)
        if case is not None:
            tied = site.add_case(own(number, case))
            site.link(standing, case=tied)
        for turn in range(said):
            await page.request.post(
                "/m", form={"text": f"what is happening with my case {turn}"}, max_redirects=0
            )
            site.answer("An officer has your case. They are your main contact.")
        await page.goto(path)

    return show


async def show_with_a_person(page: Page, site: WebchatSite) -> None:
    await showing("/my/copy", 21, a_case(), Standing.STEPPED_UP, said=2)(page, site)
    known = [row.id for row in site.rows(staff_member) if row.login == "Sam"]
    staff_id = known[0] if known else site.add_staff("Sam")
    site.answer("Hello, this is Sam. I read what you wrote.", author=Author.STAFF, staff_id=staff_id)
    await page.goto("/my/copy")


async def show_refused_save(page: Page, site: WebchatSite) -> None:
    """The step-up ends while the page is open."""
    await showing("/my/copy", 22, a_case(), Standing.STEPPED_UP, said=1)(page, site)
    reference = own(22, a_case()).crime_reference

    def end(tx: SqlTransaction) -> None:
        reach = tx.people.find_of_case(reference)
        assert reach is not None
        tx.standings.end_of_method(reach.person_id, "pin", why="test")

    site.service.database.write_now(end)
    await page.get_by_role("button", name="Save a copy here").click()
    await page.get_by_role("heading", name="Use your PIN first").wait_for()


async def show_asked(page: Page, site: WebchatSite) -> None:
    await showing("/my/copy", 24, a_case(), Standing.STEPPED_UP, said=1)(page, site)
    await page.get_by_role("button", name="Ask for a copy of everything").click()
    await page.get_by_text("You asked for it on").wait_for()


async def show_put_off(page: Page, site: WebchatSite) -> None:
    """A supervisor has put it off, and said why."""
    await showing("/my/copy", 25, a_case(), Standing.STEPPED_UP, said=1)(page, site)
    await page.get_by_role("button", name="Ask for a copy of everything").click()
    await page.get_by_text("You asked for it on").wait_for()
    reference = own(25, a_case()).crime_reference

    def put_off(tx: SqlTransaction) -> None:
        reach = tx.people.find_of_case(reference)
        assert reach is not None
        asked = tx.access_requests.find_open(reach.person_id)
        assert asked is not None
        due_on = add_months(asked.asked_on, 3)
        tx.access_requests.put_off(asked.id, due_on=due_on, why="There are many conversations")

    site.service.database.write_now(put_off)
    await page.goto("/my/copy")


async def show_rights_opened(page: Page, site: WebchatSite) -> None:
    await showing("/my/dates", 23, a_long_case())(page, site)
    for details in await page.locator("summary").all():
        await details.click()


STATES: dict[str, Show] = {
    "GET /my: nothing proved": showing("/my", 0),
    "GET /my: linked": showing("/my", 1, a_long_case()),
    "GET /my: with a PIN": showing("/my", 2, a_long_case(), Standing.STEPPED_UP),
    "GET /my: how it ended": showing("/my", 3, an_ended_case(), Standing.STEPPED_UP),
    "GET /my: flagged and linked": showing("/my", 4, a_case(crime_type=FLAGGED)),
    "GET /my: news that a person tells first": showing("/my", 5, a_case_with_news()),
    "GET /my: news that a person tells first, with a PIN": showing(
        "/my", 6, a_case_with_news(), Standing.STEPPED_UP
    ),
    "GET /my: nothing in writing": showing("/my", 7, a_case(safe_contact=NOTHING_IN_WRITING)),
    "GET /my: no officer, and an update that was due": showing(
        "/my", 8, a_case(oic_name="", oic_collar_number="", next_update_due=date(2026, 11, 20))
    ),
    "GET /my/dates: nothing proved": showing("/my/dates", 0),
    "GET /my/dates: linked": showing("/my/dates", 9, a_long_case()),
    "GET /my/dates: every right open": show_rights_opened,
    "GET /my/dates: enhanced": showing(
        "/my/dates",
        10,
        a_long_case(
            enhanced_rights=True,
            stage_since=date(2026, 11, 20),
            events=moves(*HISTORY[:4], ("arrested", date(2026, 11, 20))),
        ),
    ),
    "GET /my/dates: no date runs": showing("/my/dates", 11, a_case(next_update_due=None)),
    "GET /my/dates: news that a person tells first": showing("/my/dates", 12, a_case_with_news()),
    "GET /my/copy: nothing proved": showing("/my/copy", 0),
    "GET /my/copy: a PIN first": showing("/my/copy", 13, a_case(), said=1),
    "GET /my/copy: with a PIN": showing("/my/copy", 14, a_case(), Standing.STEPPED_UP, said=3),
    "GET /my/copy: a person wrote too": show_with_a_person,
    "GET /my/copy: nothing written yet": showing("/my/copy", 15, a_case(), Standing.STEPPED_UP),
    "GET /my/copy: not to be saved while news waits": showing(
        "/my/copy", 16, a_case_with_news(), Standing.STEPPED_UP, said=1
    ),
    "POST /my/copy: refused": show_refused_save,
    "POST /my/copy/ask: asked for everything": show_asked,
    "GET /my/copy: asked for everything, and put off": show_put_off,
}
