"""Every route of the desk leaves a row of the right act in the record, or is reviewed as showing nothing of anybody.

Red when: a row is taken out of `LOOKS`, or `record_look` out of the app (`test_every_page_leaves_its_row`); a service
stops recording (`test_every_press_leaves_its_row`); a route is added and stands in no table.
"""

from pathlib import Path
from typing import Any

import pytest

from casework.adapters.storage.staff_tables import glass_opening
from casework.adapters.storage.tables import audit, desk_item
from casework.model.audit_acts import load_acts
from casework.model.desk import HandoffReason
from casework.model.messages import InboundMedia
from casework.model.policy import Relation, Role, can_through_any
from console.access import ROUTES, C
from console.audit.looks import LOOK_LASTS, LOOKS
from console.sessions import OPEN_ROUTES
from tests.console.desk_site import DeskSite, Detective, field_in, read_event
from tests.console.route_audit import OPEN, RECORDS_ITSELF, SHOWS_NOTHING, TESTED_ELSEWHERE
from tests.console.test_idor import fill, find_address

ROOT = Path(__file__).resolve().parents[2]
PRESSES = sorted(key for key in RECORDS_ITSELF if key.startswith("POST "))
PAGES = sorted(key for key in {**LOOKS, **RECORDS_ITSELF} if key.startswith("GET "))
# Whoever may most of the desk comes first; one login of each.
BY_ROLE = {Role.SUPERVISOR: "ann", Role.TRAINER: "tess", Role.AUDITOR: "audrey", Role.ADMIN: "adam"}


async def staff_of(site: DeskSite) -> dict[str, Detective]:
    return {
        role.value: await site.detective(login, f"{login.title()} Test-Officer", role=role.value)
        for role, login in BY_ROLE.items()
    }


def acts_by(site: DeskSite, login: str) -> list[str]:
    staff_id = id_of(site, login)
    return [row.act for row in site.rows(audit, audit.c.actor == staff_id)]


def id_of(site: DeskSite, login: str) -> str:
    found = site.service.database.read_now(lambda tx: tx.staff.find(login))
    assert found is not None
    return found.id


def test_every_route_stands_in_exactly_one_table() -> None:
    tables = (LOOKS, RECORDS_ITSELF, SHOWS_NOTHING)

    assert sorted(set(ROUTES) - {key for table in tables for key in table}) == []
    assert sorted({key for table in tables for key in table} - set(ROUTES)) == []
    assert len({key for table in tables for key in table}) == sum(map(len, tables))
    assert all(reason.strip() for reason in SHOWS_NOTHING.values())


def test_what_opens_without_a_log_in_is_reviewed_too() -> None:
    assert set(OPEN) == OPEN_ROUTES


def test_every_act_of_the_tables_is_one_the_record_may_hold() -> None:
    named = {look.act for look in LOOKS.values()} | {act for acts in RECORDS_ITSELF.values() for act in acts}

    assert sorted(named - set(load_acts())) == []


async def test_every_page_leaves_its_row(site: DeskSite) -> None:
    """Of a made-up id too: that somebody asked is what counts."""
    staff = await staff_of(site)
    conversation_id = site.victim_writes(
        reason=HandoffReason.ASKED_FOR_PERSON,
        media=(InboundMedia(source="https://example.org/picture", stated_type="image/png"),),
        media_count=1,
    )
    await staff["supervisor"].claim(conversation_id)
    for key in PAGES:
        if key in TESTED_ELSEWHERE:
            continue
        role = next(role.value for role in BY_ROLE if can_open(role, key))
        acts = {LOOKS[key].act} if key in LOOKS else set(RECORDS_ITSELF[key])
        before = count(site, BY_ROLE[Role(role)], acts)

        answer, _ = await staff[role].get(address_of(site, key, conversation_id))

        assert answer.status in (200, 404), (key, answer.status)
        assert count(site, BY_ROLE[Role(role)], acts) == before + 1, key
        if "{conversation_id}" in key:
            row = site.rows(audit, audit.c.act.in_(acts))[-1]
            assert row.conversation_id == conversation_id, key


def can_open(role: Role, key: str) -> bool:
    return can_through_any(role, ROUTES[key], Relation)


def count(site: DeskSite, login: str, acts: set[str]) -> int:
    return sum(act in acts for act in acts_by(site, login))


def address_of(site: DeskSite, key: str, conversation_id: str) -> str:
    canonical = key.partition(" ")[2]
    if "{conversation_id}" in canonical:
        return fill(canonical, {"conversation_id": conversation_id})
    if "{table}" in canonical:
        return fill(canonical, {"table": "claims"})
    if "{content_name}" in canonical:
        return fill(canonical, {"content_name": "utter_greet"})
    if "{" not in canonical:
        return canonical
    return find_address(site, canonical)


@pytest.mark.parametrize("key", sorted(TESTED_ELSEWHERE))
def test_what_is_tested_elsewhere_is_looked_for_there(key: str) -> None:
    text = (ROOT / TESTED_ELSEWHERE[key]).read_text(encoding="utf-8")

    assert any(f'"{act}"' in text for act in acts_of(key))


def acts_of(key: str) -> tuple[str, ...]:
    return (LOOKS[key].act,) if key in LOOKS else RECORDS_ITSELF[key]


async def test_every_press_leaves_its_row(site: DeskSite) -> None:
    """A day at the desk, in which everything is pressed once that leaves a row."""
    pressed = await Day(site).live()

    assert sorted(set(PRESSES) - pressed - set(TESTED_ELSEWHERE)) == []


class Day:
    """Presses each button by its route, and looks for the row it leaves."""

    def __init__(self, site: DeskSite) -> None:
        self.site = site
        self.pressed: set[str] = set()

    async def press(
        self, visitor: Detective, login: str, route: str, form: dict[str, Any] | None = None, **ids: str
    ) -> str:
        key = f"POST {route}"
        acts = set(RECORDS_ITSELF[key])
        before = count(self.site, login, acts)
        answer, page = await visitor.post(fill(route, ids), form or {})
        assert answer.status in (200, 204, 303), (key, answer.status)
        assert count(self.site, login, acts) == before + 1, key
        self.pressed.add(key)
        return page

    async def live(self) -> set[str]:
        site = self.site
        staff = await staff_of(site)
        ann, sam = staff["supervisor"], await site.detective()
        for visitor, login in ((ann, "ann"), (sam, "sam")):
            await self.press(visitor, login, "/console/start")
        await self._answer(ann, sam)
        await self._move(ann, sam)
        await self._supervise(ann, sam)
        await self._manage(staff["admin"])
        await self.press(ann, "ann", "/console/break")
        await self.press(ann, "ann", "/console/back")
        await self.press(ann, "ann", "/console/start/end")
        await self.press(ann, "ann", "/logout")
        return self.pressed

    async def _answer(self, ann: Detective, sam: Detective) -> None:
        site = self.site
        talk = site.victim_writes(reason=HandoffReason.ASKED_FOR_PERSON)
        site.link_case(talk)
        ids = {"conversation_id": talk}
        await self.press(sam, "sam", f"{C}/claim", **ids)
        await self.press(sam, "sam", f"{C}/draft", {"text": "I will"}, **ids)
        await sam.post(f"/console/c/{talk}/return")
        await ann.claim(talk)
        await self.press(ann, "ann", f"{C}/draft/take", {"author_id": id_of(site, "sam")}, **ids)
        await self.press(ann, "ann", f"{C}/insert", {"text": "Hello"}, **ids)
        page = await ann.open(talk)
        form = {name: field_in(page, name) for name in ("form_id", "last_seen_inbox_id")}
        await self.press(ann, "ann", f"{C}/reply", form | {"text": "We have your message"}, **ids)
        await self.press(ann, "ann", f"{C}/notes", {"text": "A note"}, **ids)
        await self.press(ann, "ann", f"{C}/wrong", {"block": "case", "text": "Not theirs"}, **ids)
        await self.press(ann, "ann", f"{C}/happened", {"text": "It went well"}, **ids)
        _, plan = await ann.get(f"/console/c/{talk}/plan")
        agreed = {"spoke": "yes", "person": field_in(plan, "person"), "wording": "neutral"}
        await self.press(ann, "ann", f"{C}/plan", agreed, **ids)
        use = {"use": "excluded", "why": "They asked on the phone"}
        await self.press(ann, "ann", f"{C}/use", use, **ids)
        await self.press(ann, "ann", f"{C}/officer-link", **ids)
        item = site.rows(desk_item, desk_item.c.conversation_id == talk)[0]
        graded = {"item_id": item.id, "grade": "2", "reason": "They are alone"}
        await self.press(ann, "ann", f"{C}/regrade", graded, **ids)
        await self.press(ann, "ann", f"{C}/close", site.ending("test"), **ids)
        await self.press(ann, "ann", f"{C}/hand-back", site.ending("test"), **ids)

    async def _move(self, ann: Detective, sam: Detective) -> None:
        site = self.site
        talk = site.victim_writes(reason=HandoffReason.ASKED_FOR_PERSON)
        ids = {"conversation_id": talk}
        await ann.claim(talk)
        to_sam = {"to": id_of(site, "sam"), "reason": "You know them"}
        await self.press(ann, "ann", f"{C}/transfer", to_sam, **ids)
        await self.press(sam, "sam", f"{C}/transfer/refuse", {"transfer_id": self._offer()}, **ids)
        await ann.post(f"/console/c/{talk}/transfer", to_sam)
        await self.press(sam, "sam", f"{C}/transfer/accept", {"transfer_id": self._offer()}, **ids)
        await self.press(ann, "ann", f"{C}/take-over", {"reason": "Sam has gone home"}, **ids)
        await self.press(ann, "ann", f"{C}/return", **ids)
        await sam.claim(talk)
        taken = {"do": "take_over", "reason": "Sam has gone home"}
        await self.press(ann, "ann", "/console/board/c/{conversation_id}", taken, **ids)
        await self.press(sam, "sam", f"{C}/glass", {"text": "They are family of a witness"}, **ids)
        opening = site.rows(glass_opening, glass_opening.c.reviewed_at.is_(None))[0]
        looked = {"justified": "yes", "text": "Agreed beforehand"}
        await self.press(ann, "ann", "/console/glass/{opening_id}", looked, opening_id=opening.id)

    def _offer(self) -> str:
        [offer] = self.site.service.database.read_now(lambda tx: tx.transfers.list_offered())
        return offer.id

    async def _supervise(self, ann: Detective, sam: Detective) -> None:
        await self.press(ann, "ann", "/console/broadcast", {"text": "The lifts are out", "hours": "1"})
        _, page = await ann.get("/console/broadcast")
        form = {"broadcast": field_in(page, "broadcast")}
        await self.press(ann, "ann", "/console/broadcast/end", form)
        await self.press(ann, "ann", "/console/intake", {"text_name": "intake_slow", "hours": "2"})
        await self.press(ann, "ann", "/console/intake/end")
        await self.press(ann, "ann", "/console/assistant/off", {"reason": "It says odd things"})
        await self.press(ann, "ann", "/console/assistant/on")
        await self.press(ann, "ann", "/console/drills", {"script": "wave_of_ten"})
        [drill] = self.site.service.database.read_now(lambda tx: tx.drills.list_newest())
        await self.press(ann, "ann", "/console/drills/{drill_id}/end", drill_id=drill.id)

    async def _manage(self, adam: Detective) -> None:
        kim = {"login": "kim", "name": "Kim Test-Officer", "role": "triage", "collar": ""}
        await self.press(adam, "adam", "/console/staff", kim)
        ids = {"staff_id": id_of(self.site, "kim")}
        await self.press(adam, "adam", "/console/staff/{staff_id}/role", {"role": "investigator"}, **ids)
        await self.press(adam, "adam", "/console/staff/{staff_id}/factor", **ids)
        await self.press(adam, "adam", "/console/staff/{staff_id}/end", **ids)
        await self.press(adam, "adam", "/console/trial/start")
        await self.press(adam, "adam", "/console/trial", {"written": "4326"})
        [entry] = self.site.service.database.read_now(lambda tx: tx.trials.list_entries())
        remove = "/console/trial/{trial_entry_id}/remove"
        await self.press(adam, "adam", remove, trial_entry_id=entry.id)
        await self.press(adam, "adam", "/console/trial/end")


# --- looks that are one look ------------------------------------------------------------------------


async def test_an_open_queue_and_its_panes_are_one_look_an_hour(site: DeskSite) -> None:
    sam = await site.detective()

    await sam.get("/console")
    for _ in range(3):
        await sam.get("/console", X_Pane="queue")
    one = acts_by(site, "sam").count("queue_read")
    for _ in range(4):
        site.clock.advance(seconds=LOOK_LASTS.total_seconds() / 4)
        await sam.get("/console/account")  # keeps the session awake
    await sam.get("/console", X_Pane="queue")

    assert (one, acts_by(site, "sam").count("queue_read")) == (1, 2)


async def test_a_pane_asked_for_by_itself_is_a_look(site: DeskSite) -> None:
    sam = await site.detective()

    await sam.get("/console", X_Pane="queue")

    assert acts_by(site, "sam").count("queue_read") == 1


async def test_a_stream_writes_nothing_however_often_it_tells(site: DeskSite) -> None:
    sam = await site.detective()
    async with sam.http.get("/console/events") as stream:
        for _ in range(2):
            await read_event(stream)
            site.victim_writes(reason=HandoffReason.ASKED_FOR_PERSON)
        found = acts_by(site, "sam")

    assert "queue_read" not in found


async def test_a_reading_says_what_the_reader_had_to_do_with_it(site: DeskSite) -> None:
    site.is_glass_open = False
    sam, kim = await site.detective(), await site.detective("kim", "Kim Test-Officer")
    talk = site.victim_writes(reason=HandoffReason.ASKED_FOR_PERSON)

    await sam.open(talk)
    await sam.claim(talk)
    await sam.open(talk)
    await kim.open(talk)

    reads = site.rows(audit, audit.c.act == "conversation_read")
    assert [row.thing for row in reads] == ["on_queue", "owner", "colleague"]


async def test_a_masked_message_is_put_down_to_its_conversation(site: DeskSite) -> None:
    tess = await site.detective("tess", "Tess Test-Trainer", role="trainer")
    talk = site.victim_writes()

    await tess.get(f"/workbench/items/{site.latest_inbox_id()}")

    [row] = site.rows(audit, audit.c.act == "masked_item_read")
    assert (row.conversation_id, row.thing) == (talk, f"in-{site.latest_inbox_id()}")


async def test_what_is_refused_leaves_a_refusal_and_no_look(site: DeskSite) -> None:
    adam = await site.detective("adam", "Adam Test-Admin", role="admin")

    await adam.get("/console/board")

    assert acts_by(site, "adam")[-1] == "access_refused"
    assert "board_read" not in site.acts()
