"""The rota page and the page behind a notice, over a real server.

Red when: a look at the link acknowledges (mail scanners look), or a form of another site does; both shown in a copy.
"""

import html
from datetime import timedelta

import aiohttp
import pytest

from casework.adapters.storage.ladder_tables import escalation, rota_entry, staff_notice
from casework.model.disclosures import Category
from casework.model.grade_clocks import load_grade_clocks
from casework.model.ladder import Step, load_ladder
from casework.model.rota import RotaKind
from casework.services import ladder
from console.words import load_words
from tests.console.desk_site import DeskSite, field_in

KEY = "k" * 32
SHIFT = {
    "kind": "on_call",
    "name": "Kit <b>Example</b>",
    "starts": "2026-11-21T09:00",
    "ends": "2026-11-22T09:00",
    "place": "1",
    "weeks": "1",
    "mobile": "07700 900101",
}


async def test_a_supervisor_puts_somebody_on_call_and_takes_them_off(site: DeskSite) -> None:
    supervisor = await site.detective("alex", "Alex Reed", role="supervisor")
    _, before = await supervisor.get("/console/rota")
    assert "Nobody is on call now." in before

    answer, _ = await supervisor.post("/console/rota", SHIFT)
    _, after = await supervisor.get("/console/rota")

    assert answer.status == 303
    assert "Nobody is on call now." not in after
    assert "Kit &lt;b&gt;Example&lt;/b&gt;, until 22 Nov 2026, 09:00" in after
    assert "From 22 Nov 2026, 09:00 to 28 Nov 2026, 12:00" in after  # nobody has that, of the next 7 days

    entry_id = site.rows(rota_entry)[0].id
    await supervisor.post(f"/console/rota/{entry_id}/remove")
    _, last = await supervisor.get("/console/rota")
    assert "Nobody is on call now." in last


async def test_a_fault_gives_the_form_back_as_it_was_typed(site: DeskSite) -> None:
    supervisor = await site.detective("alex", "Alex Reed", role="supervisor")

    answer, page = await supervisor.post("/console/rota", SHIFT | {"mobile": "12345"})

    assert answer.status == 422
    assert "That is no UK mobile number. Nothing was saved." in page
    assert field_in(page, "mobile") == "12345"
    assert 'aria-invalid="true"' in page
    assert site.rows(rota_entry) == []


async def test_the_page_says_the_hours_of_the_desk_and_the_holidays(site: DeskSite) -> None:
    supervisor = await site.detective("alex", "Alex Reed", role="supervisor")

    _, page = await supervisor.get("/console/rota")

    said = html.unescape(page)
    assert "Monday: 08:00 to 18:00" in said
    assert "Sunday: 08:00 to 16:00" in said
    assert "Fri 25 Dec 2026 (Christmas Day): nobody" in said


@pytest.mark.parametrize("role", ["auditor", "investigator", "trainer", "triage"])
async def test_the_rota_is_for_supervisors(site: DeskSite, role: str) -> None:
    other = await site.detective("sam", "Sam Price", role=role)

    for answer, _ in (await other.get("/console/rota"), await other.post("/console/rota", SHIFT)):
        assert answer.status == 403
    assert site.rows(rota_entry) == []


# --- the link -----------------------------------------------------------------------------------


def climb(site: DeskSite) -> tuple[str, str]:
    """Somebody in danger, nobody claims, Kit is told: the conversation and the key of Kit's link."""
    conversation_id = site.victim_writes("he has a knife", category=Category.IMMEDIATE_DANGER)
    climbing = ladder.Climbing(
        store=site.service.database,
        ladder=load_ladder(),
        clocks=load_grade_clocks(),
        texts=site.service.texts,
        key=KEY,
    )
    site.write(
        lambda tx: tx.rota.add(
            kind=RotaKind.ON_CALL,
            name="Kit Example",
            starts_at=tx.now - timedelta(hours=1),
            ends_at=tx.now + timedelta(days=1),
            place=1,
            mobile="+447700900101",
            email=None,
            webhook=None,
            by="test",
        )
    )
    for seconds in (0, 60, 120):
        site.clock.advance(seconds=seconds)
        site.write(lambda tx: ladder.take_step(tx, climbing))
    [told] = [row for row in site.rows(escalation) if row.step == "on_call"]
    return conversation_id, ladder.make_token(KEY, told.id)


def acknowledged(site: DeskSite) -> list[object]:
    return [row.acknowledged_at for row in site.rows(escalation) if row.acknowledged_at is not None]


async def test_a_look_never_acknowledges_and_the_button_does_once(site: DeskSite) -> None:
    _, token = climb(site)
    async with aiohttp.ClientSession(site.url) as phone:
        for _ in range(3):
            async with phone.get(f"/a/{token}") as answer:
                page = await answer.text()
                assert answer.status == 200
        await (await phone.head(f"/a/{token}")).release()
        assert acknowledged(site) == []

        form = {"csrf_token": field_in(page, "csrf_token")}
        headers = {"Sec-Fetch-Site": "same-origin"}
        async with phone.post(f"/a/{token}", data=form, headers=headers) as answer:
            after = html.unescape(await answer.text())
        [first] = acknowledged(site)
        site.clock.advance(minutes=1)
        async with phone.post(f"/a/{token}", data=form, headers=headers) as answer:
            again = html.unescape(await answer.text())

    assert "Acknowledged by Kit Example, 21 Nov 2026, 12:03" in after
    assert "Acknowledged by Kit Example, 21 Nov 2026, 12:03" in again
    assert "<button" not in after.partition("<main")[2]
    assert acknowledged(site) == [first]


async def test_the_page_says_who_has_claimed_it(site: DeskSite) -> None:
    conversation_id, token = climb(site)
    sam = await site.detective()
    await sam.claim(conversation_id)

    async with aiohttp.ClientSession(site.url) as phone, phone.get(f"/a/{token}") as answer:
        page = await answer.text()

    assert "It has been claimed by Sam Price." in page
    assert "knife" not in page and "+447700" not in page


@pytest.mark.parametrize("fields", [{}, {"csrf_token": "x"}, {"csrf_token": "ü"}])
async def test_a_form_that_is_not_its_own_acknowledges_nothing(
    site: DeskSite, fields: dict[str, str]
) -> None:
    _, token = climb(site)

    async with aiohttp.ClientSession(site.url) as phone, phone.post(f"/a/{token}", data=fields) as answer:
        assert answer.status == 403

    assert acknowledged(site) == []


async def test_another_sites_form_acknowledges_nothing(site: DeskSite) -> None:
    _, token = climb(site)
    async with aiohttp.ClientSession(site.url) as phone:
        async with phone.get(f"/a/{token}") as answer:
            form = {"csrf_token": field_in(await answer.text(), "csrf_token")}
        async with phone.post(f"/a/{token}", data=form, headers={"Sec-Fetch-Site": "cross-site"}) as answer:
            assert answer.status == 403

    assert acknowledged(site) == []


async def test_a_link_of_nothing_says_so(site: DeskSite) -> None:
    async with aiohttp.ClientSession(site.url) as phone, phone.get(f"/a/{'x' * 43}") as answer:
        page = await answer.text()

    assert answer.status == 404
    assert "This link opens nothing" in page


async def test_no_key_is_stored_as_it_is(site: DeskSite) -> None:
    _, token = climb(site)

    rows = [tuple(row) for table in (escalation, staff_notice) for row in site.rows(table)]

    assert token not in str(rows)


def test_every_alarm_and_every_step_of_the_ladder_has_words() -> None:
    words = load_words()

    assert set(ladder.ALARM_KINDS) <= set(words["alarms"])
    assert {step.value for step in Step} == set(words["ladder_steps"])


async def test_a_row_says_that_they_could_not_be_told(site: DeskSite) -> None:
    conversation_id, _ = climb(site)
    sam = await site.detective()
    _, before = await sam.get("/console")
    item_id = site.rows(escalation)[0].item_id
    site.write(lambda tx: tx.ladder.set_told(item_id, ladder.NOT_TOLD))

    _, after = await sam.get("/console")

    words = "They could not be told that nobody has read it"
    assert words not in before
    assert words in after and words in await sam.open(conversation_id)
