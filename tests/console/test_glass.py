"""Opening what is not one's own work: a reason, an hour, supervisors told at once, looked at by somebody else.

Red when: the time box is not asked (`test_after_an_hour_it_is_closed_again`); the reviewer may be who opened it
(`test_nobody_reviews_their_own_opening`); the opening is not on record
(`test_a_reason_opens_it_and_supervisors_are_told`).
"""

import pytest

from casework.adapters.storage.staff_tables import glass_opening
from casework.adapters.storage.tables import audit
from casework.model.desk import HandoffReason
from tests.console.desk_site import DeskSite, Detective

REASON = "The caller on the phone says it is the same man"


@pytest.fixture(autouse=True)
def nothing_is_open(site: DeskSite) -> None:
    site.is_glass_open = False


async def break_glass(detective: Detective, conversation_id: str, reason: str = REASON) -> int:
    answer, _ = await detective.post(f"/console/c/{conversation_id}/glass", {"text": reason})
    return answer.status


def opening_id(site: DeskSite) -> str:
    found: str = site.rows(glass_opening)[-1].id
    return found


async def test_a_reason_opens_it_and_supervisors_are_told(site: DeskSite) -> None:
    sam = await site.detective()
    alex = await site.detective("alex", "Alex Test-Supervisor", role="supervisor")
    conversation_id = site.victim_writes("he said he would come back")
    refused, page = await sam.get(f"/console/c/{conversation_id}")
    assert refused.status == 404
    assert "he said he would come back" not in page

    assert await break_glass(sam, conversation_id) == 303
    page = await sam.open(conversation_id)
    _, account = await alex.get("/console/account")
    _, told = await alex.get("/console/glass")

    assert "he said he would come back" in page
    assert "Opened with a reason (1)" in account
    assert REASON in told
    assert "Sam Price" in told
    assert "he said he would come back" not in told
    assert [row.conversation_id for row in site.rows(audit) if row.act == "glass_broken"] == [conversation_id]


async def test_after_an_hour_it_is_closed_again(site: DeskSite) -> None:
    sam = await site.detective()
    conversation_id = site.victim_writes()
    await break_glass(sam, conversation_id)

    site.clock.advance(minutes=59)
    before, _ = await sam.get(f"/console/c/{conversation_id}")
    site.clock.advance(minutes=2)
    after, _ = await sam.get(f"/console/c/{conversation_id}")

    assert (before.status, after.status) == (200, 404)


async def test_it_is_open_to_who_gave_the_reason_and_to_read_only(site: DeskSite) -> None:
    sam, kim = await site.detective(), await site.detective("kim", "Kim Test-Officer")
    conversation_id, other = site.victim_writes(), site.victim_writes()
    await break_glass(sam, conversation_id)

    assert (await kim.get(f"/console/c/{conversation_id}"))[0].status == 404
    assert (await sam.get(f"/console/c/{other}"))[0].status == 404
    changed, _ = await sam.post(f"/console/c/{conversation_id}/plan", {"spoke": "yes"})
    assert changed.status == 403 or changed.status == 409


@pytest.mark.parametrize("reason", ["", "because", ". . . . . . . . . . . .", "1234567890123", "\u200b" * 20])
async def test_a_reason_of_less_than_ten_letters_opens_nothing(site: DeskSite, reason: str) -> None:
    sam = await site.detective()
    conversation_id = site.victim_writes()

    assert await break_glass(sam, conversation_id, reason) == 422
    assert (await sam.get(f"/console/c/{conversation_id}"))[0].status == 404
    assert site.rows(glass_opening) == []


async def test_the_page_that_asks_is_the_same_for_a_conversation_that_is_not_there(site: DeskSite) -> None:
    sam = await site.detective()
    conversation_id, unknown = site.victim_writes(), "a" * 32

    known, page = await sam.get(f"/console/c/{conversation_id}/glass")
    missing, other = await sam.get(f"/console/c/{unknown}/glass")

    assert known.status == missing.status == 200
    assert page.replace(conversation_id, unknown) == other
    assert await break_glass(sam, unknown) == 404


@pytest.mark.parametrize("role", ["trainer", "auditor", "admin"])
async def test_trainer_auditor_and_admin_never_break_it(site: DeskSite, role: str) -> None:
    visitor = await site.detective(role=role)
    conversation_id = site.victim_writes()

    assert await break_glass(visitor, conversation_id) == 403
    assert site.rows(glass_opening) == []


async def test_a_supervisor_says_whether_it_was_justified_once(site: DeskSite) -> None:
    sam = await site.detective()
    alex = await site.detective("alex", "Alex Test-Supervisor", role="supervisor")
    await break_glass(sam, site.victim_writes())
    path = f"/console/glass/{opening_id(site)}"
    words = {"text": "I asked, and it was the same man"}

    undecided, _ = await alex.post(path, words)
    silent, _ = await alex.post(path, {"justified": "yes", "text": "ok"})
    done, _ = await alex.post(path, words | {"justified": "no"})
    again, _ = await alex.post(path, words | {"justified": "yes"})
    _, page = await alex.get("/console/glass")

    assert (undecided.status, silent.status, done.status, again.status) == (422, 422, 303, 409)
    assert "Not justified" in page
    assert "Nothing to look at." in page
    assert [row.is_justified for row in site.rows(glass_opening)] == [False]


async def test_nobody_reviews_their_own_opening(site: DeskSite) -> None:
    alex = await site.detective("alex", "Alex Test-Supervisor", role="supervisor")
    await break_glass(alex, site.victim_writes())

    answer, _ = await alex.post(
        f"/console/glass/{opening_id(site)}", {"justified": "yes", "text": "I am sure of it myself"}
    )

    assert answer.status == 409
    assert [row.reviewed_at for row in site.rows(glass_opening)] == [None]
    assert "access_refused" in site.acts()


async def test_what_waits_for_more_than_a_week_is_marked(site: DeskSite) -> None:
    sam = await site.detective()
    await break_glass(sam, site.victim_writes())
    site.clock.advance(days=8)
    alex = await site.detective("alex", "Alex Test-Supervisor", role="supervisor")

    _, page = await alex.get("/console/glass")

    assert "Waiting for more than 7 days." in page


async def test_an_investigator_does_not_see_who_opened_what(site: DeskSite) -> None:
    sam = await site.detective()

    assert (await sam.get("/console/glass"))[0].status == 403


async def test_a_reason_is_shown_as_words(site: DeskSite) -> None:
    sam = await site.detective()
    alex = await site.detective("alex", "Alex Test-Supervisor", role="supervisor")
    await break_glass(sam, site.victim_writes(), '<script>alert("x")</script>\u202e reason')

    _, page = await alex.get("/console/glass")

    assert "<script>alert" not in page
    assert "\u202e" not in page


async def test_whoever_opened_it_may_claim_it(site: DeskSite) -> None:
    sam = await site.detective()
    conversation_id = site.victim_writes(reason=HandoffReason.ASKED_FOR_PERSON)
    await break_glass(sam, conversation_id)

    assert (await sam.claim(conversation_id))[0].status == 303
