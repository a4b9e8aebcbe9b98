"""Holds, exports that somebody said have arrived, and erasing, at the desk.

Red when: `_find_chosen` takes an id of another conversation (`..._of_another_...`); LIFT_HOLD is the desk's
(`..._a_supervisor_alone_...`); the erase page asks for no fresh proof (tests/casework/model/test_policy.py).
"""

from casework.adapters.storage.keeping_tables import erasure, hold, record_export
from casework.adapters.storage.tables import inbox
from casework.model.desk import HandoffReason
from casework.model.holds import ErasureStage
from tests.console.desk_site import DeskSite, Detective, field_in

REVIEW_ON = "2027-05-21"
HELD = {"reason": "complaint", "why": "A complaint runs about this", "review_on": REVIEW_ON}


def holds_of(site: DeskSite) -> list[tuple[str, str]]:
    return [(row.subject_kind, row.reason) for row in site.rows(hold, hold.c.lifted_at.is_(None))]


async def test_whoever_works_on_it_places_a_hold_and_sees_it(site: DeskSite) -> None:
    sam = await site.detective()
    conversation_id = site.victim_writes(reason=HandoffReason.ASKED_FOR_PERSON)
    site.link_case(conversation_id)
    here = f"/console/c/{conversation_id}/keeping"
    _, page = await sam.get(here)
    assert "Nothing holds it." in page

    for on in ("conversation:" + conversation_id, "case:43260012345"):
        answer, _ = await sam.post(here + "/hold", HELD | {"on": on})
        assert answer.status == 303

    _, page = await sam.get(here + "?done=held")
    assert sorted(holds_of(site)) == [("case", "complaint"), ("conversation", "complaint")]
    assert page.count("A complaint runs about this") == 2
    assert "A supervisor can lift a hold." in page
    assert {"keeping_read", "hold_placed"} <= set(site.acts())


async def test_what_is_missing_is_said_and_what_was_typed_is_kept(site: DeskSite) -> None:
    sam = await site.detective()
    conversation_id = site.victim_writes(reason=HandoffReason.ASKED_FOR_PERSON)
    here, on = f"/console/c/{conversation_id}/keeping", {"on": "conversation:" + conversation_id}

    for wrong in (
        {"why": " "},
        {"review_on": "soon"},
        {"review_on": "2020-01-01"},
        {"reason": "access_request"},
    ):
        answer, page = await sam.post(here + "/hold", HELD | on | wrong)
        assert answer.status == 422
        assert 'id="fault"' in page
    assert holds_of(site) == []


async def test_a_subject_of_another_conversation_is_not_there(site: DeskSite) -> None:
    sam = await site.detective()
    mine = site.victim_writes(reason=HandoffReason.ASKED_FOR_PERSON)
    other = site.victim_writes(reason=HandoffReason.ASKED_FOR_PERSON)

    answer, _ = await sam.post(f"/console/c/{mine}/keeping/hold", HELD | {"on": "conversation:" + other})

    assert answer.status == 404
    assert holds_of(site) == []


async def test_a_restriction_keeps_it_from_teaching_too(site: DeskSite) -> None:
    sam = await site.detective()
    conversation_id = site.victim_writes(reason=HandoffReason.ASKED_FOR_PERSON)
    form = HELD | {"on": "conversation:" + conversation_id, "reason": "restriction"}

    await sam.post(f"/console/c/{conversation_id}/keeping/hold", form)

    said = site.service.database.read_now(lambda tx: tx.training_flags.find_open(conversation_id, None))
    assert (holds_of(site), said) == ([("conversation", "restriction")], "excluded")


async def test_a_supervisor_alone_lifts_it_and_says_why(site: DeskSite) -> None:
    sam, alex = await site.detective(), await site.detective("alex", "Alex Test-Lead", role="supervisor")
    conversation_id = site.victim_writes(reason=HandoffReason.ASKED_FOR_PERSON)
    await sam.post(
        f"/console/c/{conversation_id}/keeping/hold", HELD | {"on": "conversation:" + conversation_id}
    )
    [row] = site.rows(hold)

    refused, _ = await sam.post(f"/console/holds/{row.id}", {"why": "I would like to"})
    unsaid, _ = await alex.post(f"/console/holds/{row.id}", {"why": ""})
    assert (refused.status, unsaid.status) == (403, 422)
    assert len(holds_of(site)) == 1
    _, page = await alex.get("/console/holds")
    assert "A complaint runs about this" in page

    lifted, _ = await alex.post(f"/console/holds/{row.id}", {"why": "The complaint is settled"})
    again, _ = await alex.post(f"/console/holds/{row.id}", {"why": "The complaint is settled"})
    assert (lifted.status, again.status) == (303, 409)
    assert "hold_lifted" in site.acts()
    assert holds_of(site) == []


async def test_somebody_says_that_the_forces_record_has_it(site: DeskSite) -> None:
    sam = await site.detective()
    conversation_id = site.victim_writes(reason=HandoffReason.ASKED_FOR_PERSON)
    here = f"/console/c/{conversation_id}/keeping"
    _, page = await sam.get(here)
    form = {name: field_in(page, name) for name in ("up_to", "until")}

    unsure, _ = await sam.post(here + "/exported", form)
    broken, _ = await sam.post(here + "/exported", form | {"sure": "yes", "until": "soon"})
    other, _ = await sam.post(here + "/exported", form | {"sure": "yes", "up_to": "999"})
    assert (unsure.status, broken.status, other.status) == (422, 422, 422)
    assert site.rows(record_export) == []

    told, _ = await sam.post(here + "/exported", form | {"sure": "yes"})
    assert told.status == 303
    assert "export_acknowledged" in site.acts()
    [row] = site.rows(record_export)
    assert row.covers_until >= site.rows(inbox)[0].received_at


async def test_a_supervisor_asks_for_erasing_and_hears_every_reason_against_it(site: DeskSite) -> None:
    alex = await site.detective("alex", "Alex Test-Lead", role="supervisor")
    conversation_id = site.victim_writes(reason=HandoffReason.ASKED_FOR_PERSON)
    site.link_case(conversation_id)
    form = {"of": "conversation:" + conversation_id, "reason": "request", "sure": "yes"}

    answer, page = await alex.post(f"/console/c/{conversation_id}/erase", form)

    assert answer.status == 409
    assert "A case of theirs is open" in page
    assert "it waits on the queue" in page
    assert site.rows(erasure) == []
    assert "erasure_refused" in site.acts()


async def test_what_nothing_speaks_against_is_begun(site: DeskSite) -> None:
    alex = await site.detective("alex", "Alex Test-Lead", role="supervisor")
    conversation_id = site.victim_writes()
    here = f"/console/c/{conversation_id}/erase"
    form = {"of": "conversation:" + conversation_id, "reason": "request"}

    _, page = await alex.get(here)
    unsure, _ = await alex.post(here, form)
    asked, _ = await alex.post(here, form | {"sure": "yes"})
    again, _ = await alex.post(here, form | {"sure": "yes"})
    _, listed = await alex.get("/console/holds?done=erasing")

    assert "This conversation alone" in page
    assert (unsure.status, asked.status, again.status) == (422, 303, 409)
    assert [row.stage for row in site.rows(erasure)] == [ErasureStage.OUTSIDE]
    assert "It is being erased" in listed


async def test_an_investigator_erases_nothing(site: DeskSite) -> None:
    sam = await site.detective()
    conversation_id = site.victim_writes(reason=HandoffReason.ASKED_FOR_PERSON)

    answer, _ = await sam.get(f"/console/c/{conversation_id}/erase")

    assert answer.status == 403


async def test_what_was_never_exported_is_shown_and_a_second_supervisor_has_to_see_it(site: DeskSite) -> None:
    """Red when: `erase` passes the tick on although it is not there; the page of whoever asked has the press."""
    alex = await site.detective("alex", "Alex Test-Lead", role="supervisor")
    robin = await site.detective("robin", "Robin Test-Lead", role="supervisor")
    sam = await site.detective()
    conversation_id = site.victim_writes()
    site.link_case(conversation_id, stage="closed_no_further_lines")
    here = f"/console/c/{conversation_id}/erase"
    form = {"of": "conversation:" + conversation_id, "reason": "request", "sure": "yes"}

    _, page = await alex.get(here)
    unwarned, refused = await alex.post(here, form)
    asked, _ = await alex.post(here, form | {"never_exported": "yes"})
    [row] = site.rows(erasure)
    waiting = f"/console/erasures/{row.id}"
    _, listed = await alex.get("/console/holds")
    _, own = await alex.get(waiting)
    by_same, _ = await alex.post(waiting, {"agrees": "yes", "seen": "yes"})
    by_sam, _ = await sam.post(waiting, {"agrees": "yes", "seen": "yes"})
    _, shown = await robin.get(waiting)
    unseen, _ = await robin.post(waiting, {"agrees": "yes"})
    assert [each.stage for each in site.rows(erasure)] == [ErasureStage.WARNED]
    agreed, _ = await robin.post(waiting, {"agrees": "yes", "seen": "yes"})

    assert "Nobody has said that the force" in page and "I know that the force" in page
    assert (unwarned.status, asked.status) == (422, 303)
    assert "Say that you know" in refused
    assert waiting in listed
    assert "Another supervisor has to see it" in own and "I have seen" not in own
    assert conversation_id[:12] in shown and "I have seen" in shown
    assert (by_same.status, by_sam.status, unseen.status, agreed.status) == (409, 403, 422, 303)
    assert [each.stage for each in site.rows(erasure)] == [ErasureStage.OUTSIDE]
    assert {"erasure_agreed", "holds_read"} <= set(site.acts())
    gone, _ = await robin.get(waiting)
    assert gone.status == 404


async def test_a_second_supervisor_who_says_no_keeps_it(site: DeskSite) -> None:
    """Red when: the page takes either press for a yes."""
    _, robin, waiting = await ask_for_what_was_never_exported(site)

    kept, _ = await robin.post(waiting, {"agrees": "no"})

    assert (kept.status, kept.headers["Location"]) == (303, "/console/holds?done=kept")
    assert [each.stage for each in site.rows(erasure)] == [ErasureStage.STOPPED]
    assert len(site.rows(inbox)) == 1


async def test_a_second_supervisor_is_told_what_has_come_since(site: DeskSite) -> None:
    """Red when: the page refuses the yes without a reason."""
    conversation_id, robin, waiting = await ask_for_what_was_never_exported(site)
    site.writes_again(conversation_id, "and one more thing")

    refused, page = await robin.post(waiting, {"agrees": "yes", "seen": "yes"})

    assert refused.status == 409
    assert "They have written since." in page
    assert [each.stage for each in site.rows(erasure)] == [ErasureStage.WARNED]


async def ask_for_what_was_never_exported(site: DeskSite) -> tuple[str, Detective, str]:
    """The conversation, another supervisor than the one who asked, and the page that waits for them."""
    alex = await site.detective("alex", "Alex Test-Lead", role="supervisor")
    robin = await site.detective("robin", "Robin Test-Lead", role="supervisor")
    conversation_id = site.victim_writes()
    site.link_case(conversation_id, stage="closed_no_further_lines")
    form = {"of": "conversation:" + conversation_id, "reason": "request", "sure": "yes"}
    await alex.post(f"/console/c/{conversation_id}/erase", form | {"never_exported": "yes"})
    [row] = site.rows(erasure)
    return conversation_id, robin, f"/console/erasures/{row.id}"


async def test_what_may_be_anothers_is_listed_on_the_page(site: DeskSite) -> None:
    other = site.victim_writes(external_id="+447700900001")
    site.clock.advance(days=1)
    alex = await site.detective("alex", "Alex Test-Lead", role="supervisor")
    conversation_id = site.victim_writes()
    site.link_case(conversation_id, stage="closed_no_further_lines", contact_mobile="+447700900001")

    _, page = await alex.get(f"/console/c/{conversation_id}/erase")

    assert f'href="/console/c/{other}"' in page
    assert "the number may have been another" in page
