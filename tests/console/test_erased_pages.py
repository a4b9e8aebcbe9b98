"""Between an erasure's keys and its rows every page of the desk says that it was erased, and none of them fails.

Red when: `_open` of casework/adapters/storage/sealed.py does not catch KeyDestroyed (every page of it is a 500); it
catches FieldUnreadable (`..._altered_...`).
"""

import re

import pytest
import sqlalchemy as sa

from casework.adapters.storage.access_tables import access_request
from casework.adapters.storage.tables import conversation, inbox, person
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.erased import load_erased
from casework.model.messages import Channel
from tests.console.desk_site import DeskSite, Detective
from tests.console.hostile_desk import Hostile, make_one
from tests.support.rows import put_rows

WORDS = "words nobody may read any more"
NO_PAGE = re.compile(r"/events|/static|/next|/health|^/login|^/a/")
REFERENCE = "43260000001"
ASKED = "a" * 32


@pytest.fixture
async def erased(site: DeskSite) -> Hostile:
    """Somebody whose keys are destroyed and whose rows are all still there, and another on the same queue."""
    viewer = site.add_staff("viewer", "Vic Example")
    made = make_one(site, WORDS, number=1, viewer_id=viewer)
    make_one(site, "words of another", number=3, viewer_id=viewer)
    site.open_glass()
    site.write(lambda tx: _ask_for_copy(tx, viewer))
    [reach] = site.rows(person, person.c.id == site.write(_find_person))
    for owner in (made.conversation_id, f"case:{REFERENCE}", reach.id):
        assert site.write(lambda tx, owner=owner: tx.data_keys.shred(owner))
    return made


def _find_person(tx: SqlTransaction) -> str:
    reach = tx.people.find_of_case(REFERENCE)
    assert reach is not None
    return reach.person_id


def _ask_for_copy(tx: SqlTransaction, viewer: str) -> None:
    values = {"id": ASKED, "person_id": _find_person(tx), "asked_on": tx.now.date(), "due_on": tx.now.date()}
    words = {"asked_by": WORDS, "identity": WORDS, "put_off_why": WORDS}
    state = {"status": "looking", "names_staff": False, "opened_at": tx.now, "opened_by": viewer}
    put_rows(tx.connection, access_request, values | words | state)


def pages_of(site: DeskSite, made: Hostile) -> list[str]:
    """Every page of the router that this conversation, case or person can be shown on, and every list."""
    known = {
        "conversation_id": made.conversation_id,
        "request_id": ASKED,
        "token": made.officer_token,
        "reviewed_item": made.item_id,
        "item_id": made.item_id,
        "media_id": str(made.media_id),
        "inbox_id": str(site.rows(inbox, inbox.c.conversation_id == made.conversation_id)[0].id),
    }
    found = set()
    for resource in site.app.router.resources():
        path = resource.canonical
        names = set(re.findall(r"\{(\w+)\}", path))
        if names <= set(known) and not NO_PAGE.search(path) and any(r.method == "GET" for r in resource):
            found.add(path.format(**known))
    return sorted(found)


async def look_at_all(site: DeskSite, who: Detective, made: Hostile) -> dict[str, tuple[int, str]]:
    found = {}
    for path in pages_of(site, made):
        answer, page = await who.get(path)
        found[path] = (answer.status, page)
    return found


async def test_every_page_of_it_says_so_and_none_fails(site: DeskSite, erased: Hostile) -> None:
    supervisor = await site.detective("ann", "Ann Test-Lead", role="supervisor")
    trainer = await site.detective("tess", "Tess Test-Trainer", role="trainer")
    says = str(load_erased())

    seen = await look_at_all(site, supervisor, erased)
    taught = await look_at_all(site, trainer, erased)

    assert len(seen) >= 40
    for found in (seen, taught):
        assert {path: status for path, (status, _) in found.items() if status >= 500} == {}
    shows = {path for path, (status, page) in seen.items() if status == 200 and says in page}
    talk = f"/console/c/{erased.conversation_id}"
    assert {talk, f"{talk}/notes", f"{talk}/about", f"/console/copies/{ASKED}"} <= shows


async def test_the_queue_shows_the_others_beside_it(site: DeskSite, erased: Hostile) -> None:
    sam = await site.detective()

    answer, page = await sam.get("/console")

    assert answer.status == 200
    for row in site.rows(conversation):
        assert f"/console/c/{row.id}" in page


async def test_a_field_that_was_altered_still_fails(site: DeskSite, erased: Hostile) -> None:
    """A key that is gone without a note of it, or words that were changed, are nobody's wish."""
    sam = await site.detective()
    other = site.victim_writes("words that are altered")
    await sam.get(f"/console/c/{other}")
    site.write(
        lambda tx: tx.connection.execute(
            sa.update(sa.table("inbox", sa.column("text"), sa.column("conversation_id")))
            .where(sa.column("conversation_id") == other)
            .values(text="AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
        )
    )

    answer, page = await sam.get(f"/console/c/{other}")

    assert answer.status == 500
    assert str(load_erased()) not in page


async def test_whoever_writes_meanwhile_can_be_answered(site: DeskSite, erased: Hostile) -> None:
    [row] = site.rows(conversation, conversation.c.id == erased.conversation_id)
    assert row.external_id == load_erased()

    site.victim_writes("are you there", channel=Channel.WHATSAPP, external_id="+447700900001")

    [row] = site.rows(conversation, conversation.c.id == erased.conversation_id)
    assert row.external_id == "+447700900001"
    texts = [each.text for each in site.rows(inbox, inbox.c.conversation_id == row.id)]
    assert texts == [load_erased(), "are you there"]
