"""An officer changes how a person may be reached, having agreed it with them."""

import pytest

from casework.adapters.storage.tables import audit, person
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.desk import HandoffReason
from casework.model.stored_plans import parse_plan
from casework.services import step_up
from casework.services.locks import list_locks
from casework.services.officer_thread import issue_officer_link
from tests.console.desk_site import DeskSite, field_in

VICTIM = "+447700900123"
AGREED = {
    "unsolicited": "yes",
    "unasked_sms": "yes",
    "answered_sms": "yes",
    "answered_webchat": "yes",
    "monday_from": "09:00",
    "monday_to": "17:30",
    "wording": "neutral",
    "safe_first": "yes",
    "present": "her sister",
    "duress_phrase": "Is Daisy OK?",
    "spoke": "yes",
}


async def open_plan(site: DeskSite) -> tuple[str, str]:
    """(the page's address, the person's id in its form)"""
    conversation_id = site.victim_writes(external_id=VICTIM, reason=HandoffReason.ASKED_FOR_PERSON)
    site.link_case(conversation_id, contact_mobile=VICTIM)
    path = f"/console/c/{conversation_id}/plan"
    _, page = await site.detectives[0].get(path)
    return path, field_in(page, "person")


async def test_a_plan_that_was_agreed_is_kept_shown_and_on_record(site: DeskSite) -> None:
    detective = await site.detective()
    path, person_id = await open_plan(site)

    answer, _ = await detective.post(path, AGREED | {"person": person_id})

    assert answer.status == 303
    [row] = site.rows(person)
    plan = parse_plan(row.plan)
    assert [(window.weekday, window.start_minute, window.end_minute) for window in plan.hours] == [
        (0, 540, 1050)
    ]
    assert plan.is_unsolicited_agreed and plan.who_may_be_present == "her sister"
    assert plan.duress_phrase_hash and "aisy" not in str(row.plan)
    assert row.contact_confirmed_at is not None
    assert "plan_changed" in [each.act for each in site.rows(audit)]
    _, page = await detective.get(path)
    assert 'value="17:30"' in page and "Words are set" in page and "aisy" not in page


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"spoke": ""}, "Say that you agreed this"),
        ({"monday_to": ""}, "Write both times"),
        ({"monday_to": "25:00"}, "Write both times"),
        ({"duress_phrase": "no"}, "at least 8 letters"),
    ],
)
async def test_a_form_that_will_not_do_changes_nothing_and_keeps_what_was_typed(
    site: DeskSite, changes: dict[str, str], says: str
) -> None:
    detective = await site.detective()
    path, person_id = await open_plan(site)

    answer, page = await detective.post(path, AGREED | {"person": person_id} | changes)

    assert answer.status == 422
    assert says in page and 'value="her sister"' in page
    assert site.rows(person)[0].plan is None


async def test_a_secret_is_kept_unless_it_is_changed_or_taken_away(site: DeskSite) -> None:
    detective = await site.detective()
    path, person_id = await open_plan(site)
    form = AGREED | {"person": person_id}
    await detective.post(path, form)
    before = parse_plan(site.rows(person)[0].plan).duress_phrase_hash

    await detective.post(path, form | {"duress_phrase": ""})
    assert parse_plan(site.rows(person)[0].plan).duress_phrase_hash == before
    await detective.post(path, form | {"duress_phrase": "", "duress_phrase_remove": "yes"})
    assert parse_plan(site.rows(person)[0].plan).duress_phrase_hash is None


async def test_somebody_else_s_plan_cannot_be_changed_from_here(site: DeskSite) -> None:
    detective = await site.detective()
    path, _ = await open_plan(site)
    other = site.victim_writes(external_id="+447700900777")
    site.link_case(other, contact_mobile="+447700900777", crime_reference="43260990077")
    [theirs] = [row.id for row in site.rows(person) if row.contact_mobile == "+447700900777"]

    answer, _ = await detective.post(path, AGREED | {"person": theirs})

    assert answer.status == 404
    assert all(row.plan is None for row in site.rows(person))


async def test_a_stranger_has_no_plan(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes()

    _, page = await detective.get(f"/console/c/{conversation_id}/plan")

    assert "There is no plan to change" in page


async def test_the_composer_says_what_would_become_of_a_reply(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes(external_id=VICTIM)
    site.link_case(conversation_id, contact_mobile=VICTIM, safe_contact="none")
    await detective.claim(conversation_id)

    assert "Nothing may be written to them." in await detective.open(conversation_id)


def set_locks(site: DeskSite, person_id: str, reference: str) -> None:
    def add(tx: SqlTransaction) -> None:
        tx.credentials.set(person_id, step_up.PIN, "a hash")
        key = {"credential_id": "known", "public_key": b"public", "sign_count": 0, "most": 3}
        tx.passkeys.record(person_id, **key)  # type: ignore[arg-type]
        issue_officer_link(tx, reference, by="test")

    site.service.database.write_now(add)


@pytest.mark.parametrize(
    ("lock", "act"),
    [
        ("pin", "pin_ended"),
        ("passkeys", "passkeys_ended"),
        ("officer_links", "officer_links_ended"),
    ],
)
async def test_a_lock_is_ended_once_the_officer_has_spoken_with_them(
    site: DeskSite, lock: str, act: str
) -> None:
    """Red when: a button ends another lock than it says, or one without a word with them."""
    detective = await site.detective()
    path, person_id = await open_plan(site)
    [known] = site.service.database.read_now(lambda tx: list_locks(tx, path.split("/")[3]))
    set_locks(site, person_id, known.reach.crime_reference)
    address = path.removesuffix("/plan") + "/locks"

    unspoken, page = await detective.post(address, {"person": person_id, "lock": lock})
    assert unspoken.status == 422 and "Nothing was ended" in page
    assert act not in [each.act for each in site.rows(audit)]

    answer, _ = await detective.post(address, {"person": person_id, "lock": lock, "spoke": "yes"})
    assert answer.status == 303
    acts = {"pin_ended", "passkeys_ended", "officer_links_ended"}
    assert [each.act for each in site.rows(audit) if each.act in acts] == [act]


@pytest.mark.parametrize("form", [{"person": "f" * 32, "lock": "pin"}, {"lock": "everything"}])
async def test_nobody_elses_lock_is_ended_and_no_unknown_one(site: DeskSite, form: dict[str, str]) -> None:
    detective = await site.detective()
    path, person_id = await open_plan(site)
    address = path.removesuffix("/plan") + "/locks"

    answer, _ = await detective.post(address, {"person": person_id, "spoke": "yes"} | form)

    assert answer.status == 404
