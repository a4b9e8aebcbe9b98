"""Who is of the staff: added, changed, ended, and never by themselves."""

import pytest

from casework.adapters.storage.tables import conversation, desk_item, staff_member
from casework.model.disclosures import Category
from tests.console.desk_site import DeskSite, Detective


async def an_admin(site: DeskSite) -> Detective:
    return await site.detective("ash", "Ash Test-Admin", role="admin")


def id_of(site: DeskSite, login: str) -> str:
    found: str = site.rows(staff_member, staff_member.c.login == login)[0].id
    return found


def role_of(site: DeskSite, login: str) -> str:
    found: str = site.rows(staff_member, staff_member.c.login == login)[0].role
    return found


async def test_an_admin_adds_somebody_with_a_password_shown_once(site: DeskSite) -> None:
    ash = await an_admin(site)
    form = {"login": "kim", "name": "Kim <b>Test-Officer", "role": "triage", "collar": "t 0002"}

    answer, page = await ash.post("/console/staff", form)
    _, listed = await ash.get("/console/staff")
    password = page.partition("shown only now: <code>")[2].partition("<")[0]
    signed_in, _ = await Detective(site).log_in("kim", password)

    assert answer.status == 200
    assert signed_in.status == 303
    assert "Kim &lt;b&gt;Test-Officer" in listed
    assert password not in listed
    assert "T0002" in listed
    assert "staff_added" in site.acts()


@pytest.mark.parametrize(
    "changes",
    [
        {"login": ""},
        {"name": " "},
        {"role": "root"},
        {"collar": "T-0002'"},
        {"login": "ash"},
        {"name": "K\u202eim"},
    ],
    ids=["login", "name", "role", "collar", "taken", "hidden"],
)
async def test_what_cannot_be_an_account_is_not_added(site: DeskSite, changes: dict[str, str]) -> None:
    ash = await an_admin(site)
    form = {"login": "kim", "name": "Kim", "role": "triage", "collar": ""}

    answer, _ = await ash.post("/console/staff", form | changes)

    assert answer.status == 422
    assert len(site.rows(staff_member)) == 1


async def test_a_new_role_and_an_end_log_out_at_once(site: DeskSite) -> None:
    ash, sam = await an_admin(site), await site.detective()
    changed, _ = await ash.post(f"/console/staff/{id_of(site, 'sam')}/role", {"role": "supervisor"})
    after, _ = await sam.get("/console")
    again = Detective(site)
    await again.log_in("sam")
    ended, _ = await ash.post(f"/console/staff/{id_of(site, 'sam')}/end")
    gone, _ = await again.get("/console")
    refused, _ = await Detective(site).log_in("sam")

    assert (changed.status, after.status) == (303, 303)
    assert role_of(site, "sam") == "supervisor"
    assert (ended.status, gone.status, refused.status) == (303, 303, 401)


async def test_nobody_changes_themselves(site: DeskSite) -> None:
    ash = await an_admin(site)
    own = f"/console/staff/{id_of(site, 'ash')}"

    for act in ("role", "end", "factor"):
        answer, page = await ash.post(f"{own}/{act}", {"role": "supervisor"})
        assert answer.status == 409, act
        assert "Nobody changes their own role" in page
    assert role_of(site, "ash") == "admin"
    assert (await ash.get("/console/staff"))[0].status == 200


@pytest.mark.parametrize("reads", ["triage", "investigator", "supervisor"])
async def test_nobody_reads_and_trains(site: DeskSite, reads: str) -> None:
    """Red when: `check_role` is not asked, on adding or on changing."""
    ash = await an_admin(site)
    site.add_staff("kim", "Kim", role=reads, collar_number="T0002")
    site.add_staff("lee", "Lee", role="auditor", collar_number="T0002")
    form = {"login": "kim2", "name": "Kim", "role": "trainer", "collar": "T0002"}

    added, _ = await ash.post("/console/staff", form)
    changed, _ = await ash.post(f"/console/staff/{id_of(site, 'lee')}/role", {"role": "trainer"})
    await ash.post(f"/console/staff/{id_of(site, 'kim')}/end")
    now, _ = await ash.post(f"/console/staff/{id_of(site, 'lee')}/role", {"role": "trainer"})
    back, _ = await ash.post("/console/staff", form | {"role": reads})

    assert (added.status, changed.status, now.status, back.status) == (422, 409, 303, 422)


@pytest.mark.parametrize("role", ["triage", "investigator", "supervisor", "trainer", "auditor"])
async def test_only_an_admin_opens_it(site: DeskSite, role: str) -> None:
    visitor = await site.detective(role=role)

    assert (await visitor.get("/console/staff"))[0].status == 403
    assert (await visitor.post("/console/staff", {"login": "kim"}))[0].status == 403


async def test_it_asks_for_fresh_proof(site: DeskSite) -> None:
    ash = await an_admin(site)
    site.clock.advance(minutes=6)

    answer, _ = await ash.get("/console/staff")
    posted, _ = await ash.post("/console/staff", {"login": "kim", "name": "Kim", "role": "triage"})

    assert answer.headers["Location"] == "/console/account/again?next=/console/staff"
    assert posted.status == 401
    assert len(site.rows(staff_member)) == 1


@pytest.mark.parametrize(("path", "form"), [("end", {}), ("role", {"role": "auditor"})])
async def test_what_somebody_had_goes_back_when_they_go(
    site: DeskSite, path: str, form: dict[str, str]
) -> None:
    ash, sam = await an_admin(site), await site.detective("sam", "Sam Price")
    conversation_id = site.victim_writes(category=Category.IMMEDIATE_DANGER)
    await sam.claim(conversation_id)

    await ash.post(f"/console/staff/{id_of(site, 'sam')}/{path}", form)

    assert [row.owner_id for row in site.rows(conversation)] == [None]
    assert [row.status for row in site.rows(desk_item)] == ["open"]
