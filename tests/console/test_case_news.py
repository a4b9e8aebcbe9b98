"""What a case waits for, on the conversation's page and on the page of the Code's limits."""

import re
from datetime import date, timedelta
from typing import Any

import pytest

from casework.adapters.case_import import build_case_feed
from casework.adapters.storage.tables import audit, case_event, case_notice, desk_item, staff_member
from casework.model.case_changes import FeedEvent
from casework.model.code_clock import ClockState, load_code_clocks
from casework.model.safe_contact import SendReason
from casework.services.case_feed import record_events
from casework.services.clocks import Timing, note_next_overdue_clock
from casework.services.notices import NO_ADDRESS, Informing, send_next_notice
from console.desk.case_panel import DUE_TODAY, UNDATED, get_informed, parse_local
from console.words import load_words
from tests.console.desk_site import DeskSite, Detective
from tests.support.builders import REFERENCE, a_case

FLAGGED = "Domestic abuse - assault"
NEVER_BLOCKS = {
    SendReason.SAFETY_LINE,
    SendReason.ANSWERS_A_MESSAGE,
    SendReason.UNASKED_AGREED,
    SendReason.LEFT,
    SendReason.OUTSIDE_HOURS,
}


def happens(site: DeskSite, kind: str, detail: str = "", reference: str = REFERENCE) -> None:
    at = site.clock.now()
    event = FeedEvent(
        crime_reference=reference, event_id=f"feed:{at.timestamp()}", at=at, kind=kind, detail=detail
    )
    site.write(lambda tx: record_events(tx, [event], feed=build_case_feed(), source="api", by="test"))


async def work(site: DeskSite) -> None:
    """The worker, until nothing is due."""
    informing = Informing(store=site.service.database, texts=site.service.texts, rules=get_informed().notices)
    timing = Timing(store=site.service.database, rules=get_informed().code)
    while await send_next_notice(informing) or await note_next_overdue_clock(timing):
        pass


async def released(site: DeskSite, **values: Any) -> str:
    """A flagged case in which somebody was released; the conversation its item is in."""
    given = {"crime_type": FLAGGED, "stage": "arrested", "stage_since": date(2026, 11, 20)} | values
    site.write(lambda tx: tx.cases.record_all([a_case(**given)]))
    happens(site, "stage_changed", "released_on_bail", values.get("crime_reference", REFERENCE))
    await work(site)
    conversation_id: str = site.rows(desk_item)[0].conversation_id
    return conversation_id


def words_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def telling(site: DeskSite, **values: str) -> dict[str, str]:
    local = site.clock.now()  # in November the station's clock is UTC
    return {
        "reference": REFERENCE,
        "news": "released_on_bail",
        "told_on": f"{local:%Y-%m-%d}",
        "told_at": f"{local:%H:%M}",
        "told_by": "PC Jo Test",
    } | values


async def tell(detective: Detective, conversation_id: str, fields: dict[str, str]) -> tuple[int, str]:
    answer, page = await detective.post(f"/console/c/{conversation_id}/told", fields)
    return answer.status, page


async def test_the_page_of_an_item_says_in_words_what_waits_and_of_which_case(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = await released(site)

    said = words_of(await detective.open(conversation_id))

    assert "News that a person must tell them first" in said
    assert "Waits for a person to tell them: released on bail, 21 Nov 2026" in said
    assert f"Crime reference {REFERENCE}" in said
    assert "Nobody has proved here that it is theirs" in said
    assert "Due : Mon 23 Nov 2026. Tell them of this step" in said.replace("Due:", "Due :")
    assert "I have told them" in said


async def test_i_have_told_them_is_an_event_of_the_case_and_ends_the_task(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = await released(site)
    site.clock.advance(minutes=10)

    status, _ = await tell(detective, conversation_id, telling(site))

    assert status == 303
    [event] = site.rows(case_event, case_event.c.kind == "victim_told")
    assert (event.detail, event.at.minute) == ("released_on_bail", 10)
    [notice] = site.rows(case_notice)
    assert (notice.status, notice.told_by) == ("told", "PC Jo Test")
    assert site.rows(desk_item)[0].status == "closed"
    [told] = site.rows(audit, audit.c.act == "victim_told")
    # By id and code: the name stands on the notice, not in the audit.
    assert told.thing.endswith(":released_on_bail") and told.actor == site.rows(staff_member)[0].id
    said = words_of(await detective.open(conversation_id))
    assert "I have told them" not in said
    assert "Told 21 Nov 2026, 12:10 by PC Jo Test" in said
    assert "Kept, limit" in said


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"told_on": "2026-11-19"}, 422),
        ({"told_on": "2026-11-23"}, 422),
        ({"told_on": ""}, 422),
        ({"told_at": "half past nine"}, 422),
        ({"told_at": "12:00+05:00"}, 422),
        ({"news": "charged"}, 409),
        ({"reference": "43260019999"}, 409),
        ({"csrf_token": "x"}, 403),
    ],
)
async def test_what_cannot_be_right_records_nothing(
    site: DeskSite, wrong: dict[str, str], status: int
) -> None:
    detective = await site.detective()
    conversation_id = await released(site)
    site.clock.advance(minutes=10)

    assert (await tell(detective, conversation_id, telling(site) | wrong))[0] == status

    assert site.rows(case_event, case_event.c.kind == "victim_told") == []
    assert site.rows(desk_item)[0].status == "open"


async def test_pressed_twice_it_is_recorded_once(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = await released(site)
    fields = telling(site)
    site.clock.advance(minutes=10)

    await tell(detective, conversation_id, fields)
    status, page = await tell(detective, conversation_id, fields)

    assert status == 409
    assert "Nothing was recorded twice" in page
    assert site.acts().count("told_from_conversation") == 1
    assert len(site.rows(case_event, case_event.c.kind == "victim_told")) == 1


async def test_another_case_cannot_be_told_from_this_conversation(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = await released(site)
    other = "43260012346"
    await released(site, crime_reference=other, contact_mobile="+447700900002")
    site.clock.advance(minutes=10)

    status, _ = await tell(detective, conversation_id, telling(site, reference=other))

    assert status == 409
    assert site.rows(case_event, case_event.c.kind == "victim_told") == []


async def test_a_blocked_update_says_why_and_who_may_not_be_written_to(site: DeskSite) -> None:
    detective = await site.detective()
    site.write(lambda tx: tx.cases.record_all([a_case(safe_contact="none")]))
    happens(site, "stage_changed", "with_cps")
    site.clock.advance(minutes=16)
    await work(site)

    said = words_of(await detective.open(site.rows(desk_item)[0].conversation_id))

    assert "There is news, and no text may go to them" in said
    assert "Nothing may be written to them. Ring or visit as agreed." in said
    assert "Safe contact Do not write." in said


async def test_an_old_stage_nobody_was_told_of_can_be_told_from_a_linked_conversation(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes()
    site.link_case(conversation_id, crime_type=FLAGGED, stage="charged", stage_since=date(2026, 10, 1))
    await detective.claim(conversation_id)
    site.clock.advance(minutes=1)

    status, _ = await tell(detective, conversation_id, telling(site, news="charged"))

    assert status == 303
    assert "Waits for a person" not in await detective.open(conversation_id)


async def test_a_conversation_about_no_case_shows_none(site: DeskSite) -> None:
    detective = await site.detective()
    await released(site)
    other = site.victim_writes()

    page = await detective.open(other)

    assert REFERENCE not in page
    assert "I have told them" not in page


async def test_supervisors_see_what_has_passed_and_what_ends_today(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = await released(site)
    assert "Nothing has passed" in (await detective.get("/console/clocks"))[1]

    site.clock.advance(days=2)
    await detective.log_in()
    page = words_of((await detective.get("/console/clocks"))[1])
    assert "Due today Mon 23 Nov 2026 Tell them of this step Right 6, enhanced" in page

    site.clock.advance(days=1)
    await work(site)
    await detective.log_in()
    _, page = await detective.get("/console/clocks")
    assert "Overdue, limit Mon 23 Nov 2026" in words_of(page)
    assert f'href="/console/c/{conversation_id}"' in page
    assert site.acts().count("clocks_read") == 3


@pytest.mark.parametrize("path", ["/console/clocks"])
async def test_nobody_reads_it_without_logging_in(site: DeskSite, path: str) -> None:
    stranger = Detective(site)

    answer, _ = await stranger.get(path)

    assert answer.status == 303 and answer.headers["Location"].startswith("/login")


async def test_the_page_is_out_of_date_when_something_new_waits(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = await released(site)
    before = re.search(r"events\?seen=(\w+)", await detective.open(conversation_id))
    happens(site, "bail_ended")
    await work(site)
    after = re.search(r"events\?seen=(\w+)", await detective.open(conversation_id))

    assert before and after and before[1] != after[1]


def test_every_clock_state_and_reason_has_words() -> None:
    words = load_words()

    assert set(words["clocks"]) == {clock.id for clock in load_code_clocks()}
    assert set(words["clock_states"]) == {*(state.value for state in ClockState), DUE_TODAY, UNDATED}
    assert set(words["blocked_why"]) == {*(set(SendReason) - NEVER_BLOCKS), NO_ADDRESS}


def test_a_time_of_the_form_is_the_stations_clock_in_summer_too() -> None:
    found = parse_local("2026-07-01", "09:30")

    assert found is not None and found.utcoffset() == timedelta(hours=1)
