"""Every id in every address, swapped for one that is not theirs: refused in the same words, on record, nothing shown.

The router is walked, so that a new route is tried the day it is added. Red when: `CONVERSATION_OF` traces an id to the
wrong conversation, or a row of ROUTES says an action that asks for no relation.
"""

import re
from typing import Any

import pytest

from casework.adapters.storage.tables import audit, inbound_media
from casework.model.desk import HandoffReason
from casework.model.messages import InboundMedia
from casework.model.policy import Action, Relation, can
from console.access import CONVERSATION_OF, NO_CONVERSATION, ROUTES
from tests.console.desk_site import DeskSite, Detective

WORDS = "the words only their own desk may read"
UNKNOWN: dict[str, str] = {"media_id": "999999999"}


def routes_with_ids(site: DeskSite) -> list[tuple[str, str, set[str]]]:
    """(method, canonical address, names of its ids) of every route that names something."""
    found = {
        (route.method, route.resource.canonical)
        for route in site.app.router.routes()
        if route.resource is not None and f"{route.method} {route.resource.canonical}" in ROUTES
    }
    named = [(method, path, set(re.findall(r"\{(\w+)\}", path))) for method, path in sorted(found)]
    return [each for each in named if each[2]]


def fill(path: str, ids: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: ids[found[1]], path)


async def ask(visitor: Detective, method: str, path: str) -> tuple[int, str]:
    if method == "GET":
        answer, page = await visitor.get(path)
    else:
        answer, page = await visitor.post(path, {"text": "swapped " * 3, "outcome": "test", "spoke": "yes"})
    return answer.status, page


def ids_of(site: DeskSite, conversation_id: str) -> dict[str, str]:
    """An id of each kind that belongs to the conversation; where there is none yet, one that cannot be traced."""
    media = [row.id for row in site.rows(inbound_media)]
    return dict.fromkeys(CONVERSATION_OF, "a" * 32) | {
        "conversation_id": conversation_id,
        "media_id": str(max(media)) if media else "1",
    }


@pytest.fixture
async def others(site: DeskSite) -> tuple[Detective, str]:
    """Sam, and a conversation with a picture that is no work of his."""
    site.is_glass_open = False
    sam = await site.detective()
    conversation_id = site.victim_writes(
        WORDS,
        media=(InboundMedia(source="https://example.org/picture", stated_type="image/png"),),
        media_count=1,
    )
    return sam, conversation_id


async def test_every_id_swapped_is_refused_and_on_record(
    site: DeskSite, others: tuple[Detective, str]
) -> None:
    sam, conversation_id = others
    ids, unknown = ids_of(site, conversation_id), dict.fromkeys(CONVERSATION_OF, "a" * 32) | UNKNOWN
    tried = 0
    for method, canonical, named in routes_with_ids(site):
        key = f"{method} {canonical}"
        if not named & set(CONVERSATION_OF) or ROUTES[key] is Action.BREAK_GLASS:
            continue
        filled = {name: ids.get(name, "a" * 32) for name in named}
        absent = {name: unknown.get(name, "a" * 32) for name in named}
        before = refusals(site)

        status, page = await ask(sam, method, fill(canonical, filled))
        missing, other = await ask(sam, method, fill(canonical, absent))

        assert status in (403, 404), key
        assert status == missing, key
        assert WORDS not in page, key
        assert swap(page, filled, absent) == other, key
        assert refusals(site) == before + 2, key
        tried += 1
    assert tried >= 12


async def test_what_belongs_to_no_conversation_is_refused_to_who_may_not_manage_it(
    site: DeskSite, others: tuple[Detective, str]
) -> None:
    sam, _ = others
    tried = 0
    for method, canonical, named in routes_with_ids(site):
        key = f"{method} {canonical}"
        if not named <= NO_CONVERSATION or can("investigator", ROUTES[key], Relation.NONE):
            continue
        before = refusals(site)
        path = find_address(site, canonical)

        status, _ = await ask(sam, method, path)

        assert status == 403, key
        assert refusals(site) == before + 1, key
        tried += 1
    assert tried >= 4


async def test_two_ids_of_one_address_must_be_of_one_conversation(site: DeskSite) -> None:
    sam = await site.detective()
    mine = site.victim_writes(reason=HandoffReason.ASKED_FOR_PERSON)
    await sam.claim(mine)
    for method, canonical, named in routes_with_ids(site):
        traced = named & set(CONVERSATION_OF)
        if len(traced) < 2:
            continue
        filled = dict.fromkeys(named, "a" * 32) | UNKNOWN | {"conversation_id": mine}
        assert (await ask(sam, method, fill(canonical, filled)))[0] in (403, 404), canonical


async def test_the_picture_of_a_conversation_on_the_queue_opens_no_other(
    site: DeskSite, others: tuple[Detective, str]
) -> None:
    sam, _ = others
    theirs = max(row.id for row in site.rows(inbound_media))
    site.victim_writes(reason=HandoffReason.ASKED_FOR_PERSON)

    answer, _ = await sam.get(f"/console/media/{theirs}")

    assert answer.status == 404
    assert refusals(site) == 1


def find_address(site: DeskSite, canonical: str) -> str:
    """An address the router takes for that route."""
    for made_up in ("a" * 32, "1", "grades"):
        path = re.sub(r"\{\w+\}", made_up, canonical)
        for resource in site.app.router.resources():
            info: dict[str, Any] = dict(resource.get_info())
            if resource.canonical == canonical and "pattern" in info and info["pattern"].fullmatch(path):
                return path
    raise AssertionError(f"no made-up id fits {canonical}: add one here")


def refusals(site: DeskSite) -> int:
    return sum(row.act == "access_refused" for row in site.rows(audit))


def swap(page: str, filled: dict[str, str], absent: dict[str, str]) -> str:
    for name, value in filled.items():
        page = page.replace(value, absent[name]) if len(value) > 8 else page
    return page
