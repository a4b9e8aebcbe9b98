"""Every route has a row in the table of who may open it, and what the table refuses is refused and on record.

Red when: a row of ROUTES is taken out (`test_every_route_has_a_row`); `require_access` leaves the policy unasked
(`test_what_a_role_may_never_do_is_refused_in_the_same_words_for_every_id`); the refusal is not recorded
(`test_a_refusal_is_on_record_with_who_and_what`).
"""

import re

import pytest

from casework.adapters.storage.tables import audit
from casework.model.desk import HandoffReason
from casework.model.policy import Action, Relation, Role, can_through_any
from console.access import CONVERSATION_OF, NO_CONVERSATION, ROUTES
from console.sessions import OPEN_ROUTES
from tests.console.desk_site import DeskSite

UNKNOWN = "a" * 32


def keys_of(site: DeskSite) -> list[str]:
    """ "METHOD /canonical/path" of every route that asks for a session; HEAD is GET's."""
    found = {
        f"{route.method} {route.resource.canonical}"
        for route in site.app.router.routes()
        if route.resource is not None and route.method != "HEAD"
    }
    return sorted(each for each in found if each.partition(" ")[2] not in OPEN_ROUTES)


async def test_every_route_has_a_row(site: DeskSite) -> None:
    assert [key for key in keys_of(site) if key not in ROUTES] == []


async def test_no_row_is_left_of_a_route_that_is_gone(site: DeskSite) -> None:
    assert sorted(set(ROUTES) - set(keys_of(site))) == []


async def test_every_id_of_an_address_is_traced_to_its_conversation_or_said_to_have_none(
    site: DeskSite,
) -> None:
    named = {name for key in keys_of(site) for name in re.findall(r"\{(\w+)\}", key)}

    assert named <= set(CONVERSATION_OF) | NO_CONVERSATION
    assert not set(CONVERSATION_OF) & NO_CONVERSATION


async def test_a_route_about_one_conversation_has_an_action_that_asks_for_a_relation(site: DeskSite) -> None:
    """Break-glass alone is for who has none."""
    for key in keys_of(site):
        if (
            set(re.findall(r"\{(\w+)\}", key)) & set(CONVERSATION_OF)
            and ROUTES[key] is not Action.BREAK_GLASS
        ):
            assert not any(can_through_any(role, ROUTES[key], [Relation.NONE]) for role in Role), key


async def test_a_route_nobody_listed_is_closed_to_everybody(site: DeskSite) -> None:
    detective = await site.detective(role="supervisor")
    listed = ROUTES.pop("GET /console/clocks")
    try:
        answer, page = await detective.get("/console/clocks")
    finally:
        ROUTES["GET /console/clocks"] = listed

    assert answer.status == 403
    assert "Your role does not open this page" in page


@pytest.mark.parametrize("role", ["admin", "auditor", "trainer", "somebody"])
async def test_what_a_role_may_never_do_is_refused_in_the_same_words_for_every_id(
    site: DeskSite, role: str
) -> None:
    conversation_id = site.victim_writes(reason=HandoffReason.ASKED_FOR_PERSON)
    visitor = await site.detective(role=role)

    for path in ("", "/plan", "/events", "/glass"):
        known, page = await visitor.get(f"/console/c/{conversation_id}{path}")
        unknown, other = await visitor.get(f"/console/c/{UNKNOWN}{path}")
        assert (known.status, unknown.status) == (403, 403), path
        assert page.replace(conversation_id, UNKNOWN) == other


async def test_a_conversation_that_is_nobodys_work_reads_like_one_that_is_not_there(site: DeskSite) -> None:
    site.is_glass_open = False
    visitor = await site.detective()
    closed = site.victim_writes()

    known, page = await visitor.get(f"/console/c/{closed}")
    unknown, other = await visitor.get(f"/console/c/{UNKNOWN}")

    assert (known.status, unknown.status) == (404, 404)
    assert page.replace(closed, UNKNOWN) == other
    assert "Open it with a reason" in page


async def test_a_refusal_is_on_record_with_who_and_what(site: DeskSite) -> None:
    site.is_glass_open = False
    visitor = await site.detective()
    closed = site.victim_writes()

    await visitor.get(f"/console/c/{closed}")
    await visitor.get(f"/console/c/{UNKNOWN}")

    refused = [row for row in site.rows(audit) if row.act == "access_refused"]
    staff_id = site.service.database.read_now(lambda tx: tx.staff.find("sam")).id
    assert [(row.actor, row.conversation_id) for row in refused] == [(staff_id, closed), (staff_id, None)]
    assert {row.thing for row in refused} == {"GET /console/c/{conversation_id}"}


async def test_what_is_on_the_queue_owned_handled_or_ones_own_case_is_readable(site: DeskSite) -> None:
    site.is_glass_open = False
    sam = await site.detective()
    kim = await site.detective("kim", "Kim Test-Officer", collar_number="T0001")
    on_queue = site.victim_writes(reason=HandoffReason.ASKED_FOR_PERSON)
    of_the_case = site.victim_writes()
    site.link_case(of_the_case, oic_collar_number="T0001")

    await sam.open(on_queue)
    await sam.claim(on_queue)
    await kim.open(on_queue)
    page = await sam.open(on_queue)
    assert "Kim" not in page
    await sam.post(f"/console/c/{on_queue}/hand-back", site.ending("solved") | {"outcome": "test"})
    assert (await sam.get(f"/console/c/{on_queue}"))[0].status == 200
    assert (await kim.get(f"/console/c/{on_queue}"))[0].status == 404
    assert (await kim.get(f"/console/c/{of_the_case}"))[0].status == 200
    assert (await sam.get(f"/console/c/{of_the_case}"))[0].status == 404


async def test_who_handled_it_once_is_a_stranger_to_it_after_four_weeks(site: DeskSite) -> None:
    site.is_glass_open = False
    sam = await site.detective()
    conversation_id = site.victim_writes(reason=HandoffReason.ASKED_FOR_PERSON)
    await sam.claim(conversation_id)
    await sam.post(f"/console/c/{conversation_id}/hand-back", site.ending("solved") | {"outcome": "test"})

    site.clock.advance(days=27)
    await sam.log_in("sam")
    before, _ = await sam.get(f"/console/c/{conversation_id}")
    site.clock.advance(days=2)
    await sam.log_in("sam")
    after, _ = await sam.get(f"/console/c/{conversation_id}")

    assert (before.status, after.status) == (200, 404)


async def test_an_empty_collar_number_is_nobodys(site: DeskSite) -> None:
    site.is_glass_open = False
    sam = await site.detective(collar_number="")
    conversation_id = site.victim_writes()
    site.link_case(conversation_id, oic_collar_number="")

    assert (await sam.get(f"/console/c/{conversation_id}"))[0].status == 404


async def test_who_may_only_read_is_told_who_may_answer(site: DeskSite) -> None:
    sam, kim = await site.detective(), await site.detective("kim", "Kim Test-Officer")
    conversation_id = site.victim_writes(reason=HandoffReason.ASKED_FOR_PERSON)
    await sam.claim(conversation_id)

    answer, page = await kim.post(f"/console/c/{conversation_id}/reply", {"text": "We will call you"})

    assert answer.status == 409
    assert "You do not have this conversation" in page
    assert "We will call you" in page
    assert site.sent_by_staff() == []


async def test_a_head_request_is_let_through_like_its_get(site: DeskSite) -> None:
    site.is_glass_open = False
    visitor = await site.detective()
    closed = site.victim_writes()

    async with visitor.http.head(f"/console/c/{closed}", allow_redirects=False) as answer:
        assert answer.status == 404
    async with visitor.http.head("/console", allow_redirects=False) as answer:
        assert answer.status == 200


@pytest.mark.parametrize(("role", "home"), [("admin", "/console/staff"), ("auditor", "/console/account")])
async def test_who_has_no_queue_begins_elsewhere(site: DeskSite, role: str, home: str) -> None:
    visitor = await site.detective(role=role)

    queue, _ = await visitor.get("/console")
    answer, _ = await visitor.get(home)

    assert (queue.status, queue.headers["Location"]) == (303, home)
    assert answer.status == 200
