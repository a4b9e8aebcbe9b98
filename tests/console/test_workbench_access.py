"""Trainers read no conversation, and nobody else reads the workbench.

Red when: a row of the workbench in ROUTES names an action of the desk (`test_the_workbench_is_for_trainers_alone`);
`find_home` forgets them (`test_a_trainer_begins_at_the_workbench`).
"""

import re

import pytest

from casework.model.policy import Action, Role, can
from casework.model.review_queues import Queue
from console.access import CONVERSATION_OF, NO_CONVERSATION, ROUTES
from tests.console.desk_site import DeskSite
from tests.console.review_desk import add_item
from tests.console.test_idor import find_address, refusals

OURS = (Action.TRAIN, Action.UNMASK)


def keys_of_trainers() -> list[str]:
    """Rows of the pages of review and annotation."""
    return sorted(key for key, action in ROUTES.items() if "/workbench" in key and action in OURS)


async def test_a_trainer_begins_at_the_workbench(site: DeskSite) -> None:
    toni = await site.detective("toni", "Toni Test-Trainer", role="trainer")

    queue, _ = await toni.get("/console")
    answer, page = await toni.get(queue.headers["Location"])

    assert queue.headers["Location"] == "/workbench"
    assert answer.status == 200
    assert '<a href="/workbench">Workbench</a>' in page


@pytest.mark.parametrize("role", sorted({*map(str, Role)} - {"trainer"}))
async def test_the_workbench_is_for_trainers_alone(site: DeskSite, role: str) -> None:
    add_item(site, "the words of somebody", queue=Queue.POSSIBLE_MISSES)
    visitor = await site.detective(role=role)
    for key in keys_of_trainers():
        method, _, canonical = key.partition(" ")
        path = find_address(site, canonical) if "{" in canonical else canonical
        before = refusals(site)

        answer, page = await (visitor.get(path) if method == "GET" else visitor.post(path, {"press": "x"}))

        assert answer.status == 403, key
        assert "the words of somebody" not in page
        assert refusals(site) == before + 1, key
        assert not can(role, ROUTES[key])
    assert "/workbench" not in (await visitor.get("/console/account"))[1] or can(role, Action.SEE_MODELS)


def test_every_id_of_the_workbench_names_no_conversation() -> None:
    named = {name for key in keys_of_trainers() for name in re.findall(r"\{(\w+)\}", key)}

    assert named <= NO_CONVERSATION
    assert not named & set(CONVERSATION_OF)


async def test_a_trainer_still_opens_no_conversation(site: DeskSite) -> None:
    toni = await site.detective("toni", "Toni Test-Trainer", role="trainer")
    add_item(site, "the words of somebody")
    conversation_id = site.victim_writes("live words")

    for path in (f"/console/c/{conversation_id}", f"/console/c/{conversation_id}/plan", "/console/alerts"):
        answer, page = await toni.get(path)
        assert answer.status == 403
        assert "live words" not in page
