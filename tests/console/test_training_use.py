"""The switch on the plan page: whoever writes, linked or not, decides if it may teach; the page says what followed.

Red when, each tried once: the tick is not asked for before something is taken back; `everywhere` is left out of the
form's reading.
"""

import re
from html import unescape
from typing import Any

import pytest
import sqlalchemy as sa

from casework.adapters.storage.model_tables import model_version
from casework.adapters.storage.tables import audit
from casework.adapters.storage.workbench_tables import example, training_flag
from casework.model.desk import HandoffReason
from casework.services.review_ports import Example
from tests.console.desk_site import DeskSite, Detective

WHY = "she said so on the telephone"


@pytest.fixture
async def sam(site: DeskSite) -> Detective:
    return await site.detective()


def writes(site: DeskSite, **values: Any) -> str:
    return site.victim_writes("they moved the hearing again", reason=HandoffReason.ASKED_FOR_PERSON, **values)


def teach(site: DeskSite, inbox_id: int) -> None:
    """An example of it, and a model that learned it."""
    row = Example(
        **{"id": "1", "inbox_id": inbox_id, "conversation_id": None, "derived_from": None},
        **{"text": "they moved the hearing", "intent": "ask_court", "category": None, "sub": None},
        **{"spans": (), "side": "train", "scenario": "wb_1", "status": "accepted", "is_reworded": False},
        **{"row_version": 1, "accepted_by": "toni", "accepted_at": site.service.clock.now()},
        in_data_since=1,
    )
    model: dict[str, Any] = {
        "model_id": "m",
        "file": "m.tar.gz",
        "sha256": "",
        "birth": {},
        "data_version": 2,
    }
    model |= {"status": "released", "trained_by": "toni", "trained_at": site.service.clock.now()}
    site.write(lambda tx: tx.examples.add(row))
    site.write(lambda tx: tx.connection.execute(sa.insert(model_version).values(**model)))


async def look(sam: Detective, of: str) -> str:
    answer, page = await sam.get(f"/console/c/{of}/plan")
    assert answer.status == 200
    return section(page)


def section(page: str) -> str:
    found = re.search(r'<section id="use".*?</section>', page, re.DOTALL)
    assert found is not None
    return unescape(found[0])


async def say(sam: Detective, of: str, use: str, status: int = 303, **fields: str) -> str:
    answer, page = await sam.post(f"/console/c/{of}/use", {"use": use, "why": WHY} | fields)
    assert answer.status == status, page
    return unescape(page)


def flags(site: DeskSite) -> list[tuple[str, int | None, str]]:
    rows = site.rows(training_flag, training_flag.c.ended_at.is_(None))
    return sorted((row.conversation_id, row.inbox_id, row.flag) for row in rows)


@pytest.mark.parametrize(
    ("use", "says"),
    [
        ("allowed", "It may teach the assistant."),
        ("excluded", "It may not teach the assistant."),
        ("restricted", "in a trainer's own words alone."),
        ("withdrawn", "It was taken back, for good."),
    ],
)
async def test_a_strangers_wish_is_kept_told_and_on_record(
    site: DeskSite, sam: Detective, use: str, says: str
) -> None:
    of = writes(site)
    assert "Nobody has said anything. This force lets it be used." in await look(sam, of)

    await say(sam, of, use, sure="yes")

    assert flags(site) == [(of, None, use)]
    assert says in await look(sam, of)
    told = [row for row in site.rows(audit) if row.act in ("use_changed", "use_withdrawn")]
    assert [(row.conversation_id, row.thing) for row in told] == [(of, f"all:{use}")]


async def test_one_message_is_decided_apart_from_the_rest(site: DeskSite, sam: Detective) -> None:
    of = writes(site)
    inbox_id = site.latest_inbox_id()

    await say(sam, of, "excluded", message=str(inbox_id))

    assert flags(site) == [(of, inbox_id, "excluded")]
    page = await look(sam, of)
    assert "may not teach" in page[page.index('id="use-apart"') :]


async def test_taking_it_back_says_what_went_with_it_and_leaves_nothing_to_choose(
    site: DeskSite, sam: Detective
) -> None:
    of = writes(site)
    teach(site, site.latest_inbox_id())
    assert "taught or tested with: 1" in await look(sam, of)

    assert "Taking it back cannot be undone" in await say(sam, of, "withdrawn", 422)
    assert flags(site) == []
    await say(sam, of, "withdrawn", sure="yes")

    page = await look(sam, of)
    assert "taught or tested with: 0" in page
    assert "taken out: 1." in page
    assert "Models that learned from what was taken back, and are marked: 1" in page
    assert "<form" not in page
    [row] = site.rows(example)
    assert (row.status, row.text) == ("withdrawn", "")
    assert "It was taken back, for good. Nothing was changed." in await say(sam, of, "allowed", 409)


async def test_a_linked_persons_no_reaches_where_else_they_wrote(site: DeskSite, sam: Detective) -> None:
    mobile = "+447700900123"
    here, there, strangers = (writes(site, external_id=f"+44770090012{n}") for n in (3, 4, 5))
    site.link_case(here, contact_mobile=mobile, crime_reference="43260990031")
    site.link_case(there, contact_mobile=mobile, crime_reference="43260990032")
    assert "Other conversations: 1" in await look(sam, here)
    assert "Other conversations" not in await look(sam, strangers)

    page = await say(sam, here, "allowed", 422, everywhere="yes")
    assert "A yes holds in this conversation alone." in page
    await say(sam, here, "excluded", everywhere="yes")

    assert flags(site) == sorted([(here, None, "excluded"), (there, None, "excluded")])


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"use": ""}, "Choose what they want."),
        ({"use": "excluded", "why": "no"}, "Say why, in 3 to 200 letters."),
        ({"use": "excluded", "message": "987654"}, "Choose a message of this conversation."),
        ({"use": "excluded", "message": "me"}, "Choose a message of this conversation."),
    ],
)
async def test_a_form_that_will_not_do_changes_nothing_and_keeps_the_reason(
    site: DeskSite, sam: Detective, fields: dict[str, str], says: str
) -> None:
    of = writes(site)

    page = await say(sam, of, status=422, **({"why": WHY} | fields))

    assert says in page and "Nothing was changed." in page
    assert f'value="{fields.get("why", WHY)}"' in section(page)
    assert flags(site) == []


async def test_nobody_but_the_desk_decides_and_not_without_a_reason_to_read(site: DeskSite) -> None:
    site.is_glass_open = False
    of = site.victim_writes()

    for login, role in (("kim", "investigator"), ("jo", "trainer")):
        who = await site.detective(login, role=role)
        answer, _ = await who.post(f"/console/c/{of}/use", {"use": "excluded", "why": WHY})
        assert answer.status in (403, 404)

    assert flags(site) == []
