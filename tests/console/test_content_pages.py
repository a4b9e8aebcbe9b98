"""The pages where words are written by one person and published by another.

Red when: a row of ROUTES lets trainers publish; `keep_draft` keeps what was only to be checked; the list of who was
told names conversations to somebody who is not at the desk.
"""

from typing import Any

import pytest
import sqlalchemy as sa

from casework.adapters.content_base import load_base_texts
from casework.adapters.storage.content_tables import content_version
from casework.adapters.storage.tables import outbox
from casework.model.content_lint import Rule
from casework.services.content_ports import ContentKind, ContentStatus
from casework.services.told_contents import note_told
from console.words import load_words
from console.workbench.content_pages import FAULTS
from tests.console.desk_site import DeskSite, Detective

NAME = "utter_thanks"
PATH = f"/workbench/content/{NAME}"
DRAFT = {
    "words_web": "You are welcome. You can write to us here.",
    "source": "Agreed at the test",
    "review_by": "2027-01-31",
    "note": "shorter",
    "after_version": "1",
}


@pytest.fixture
async def trainer(site: DeskSite) -> Detective:
    return await site.detective("toni", "Toni Test-Trainer", role="trainer")


@pytest.fixture
async def supervisor(site: DeskSite) -> Detective:
    return await site.detective("alex", "Alex Test-Supervisor", role="supervisor")


def list_versions(site: DeskSite) -> dict[int, str]:
    rows = site.rows(content_version, content_version.c.name == NAME)
    return {row.version: row.status for row in rows}


async def post(detective: Detective, path: str, fields: dict[str, Any], status: int = 303) -> str:
    answer, page = await detective.post(path, fields)
    assert answer.status == status, page
    return page


async def test_words_are_written_checked_kept_published_and_gone_back_from(
    site: DeskSite, trainer: Detective, supervisor: Detective
) -> None:
    checked = await post(trainer, PATH + "/draft", DRAFT | {"press": "check"}, 200)
    assert "No fault found." in checked
    assert "1 text message" in checked
    assert "You are welcome. You can write to us her</q>" in checked
    assert list_versions(site) == {1: "base"}

    await post(trainer, PATH + "/draft", DRAFT | {"press": "keep"})
    _, page = await supervisor.get(PATH)
    assert 'id="publish"' in page
    assert "written by Toni Test-Trainer" in page

    await post(supervisor, PATH + "/publish", {"version": "2"})
    _, page = await supervisor.get(PATH)
    assert "published by Alex Test-Supervisor" in page
    assert list_versions(site) == {1: "base", 2: "published"}

    await post(supervisor, PATH + "/back", {"version": "2"})
    assert list_versions(site) == {1: "base", 2: "taken_back"}
    assert "content_rolled_back" in site.acts()


async def test_words_with_a_fault_are_shown_with_it_and_stay_in_the_form(
    site: DeskSite, trainer: Detective
) -> None:
    wrong = DRAFT | {"press": "keep", "words_web": "An officer will call you.", "review_by": "soon"}

    page = await post(trainer, PATH + "/draft", wrong, 422)

    words = load_words()["wb_rules"]
    assert words["promise"] in page
    assert words["review"] in page
    assert "An officer will call you.</textarea>" in page
    assert list_versions(site) == {1: "base"}


async def test_a_trainer_publishes_nothing_and_a_supervisor_writes_nothing(
    site: DeskSite, trainer: Detective, supervisor: Detective
) -> None:
    await post(trainer, PATH + "/draft", DRAFT | {"press": "keep"})

    for press in ("publish", "refuse", "back"):
        await post(trainer, f"{PATH}/{press}", {"version": "2"}, 403)
    await post(supervisor, PATH + "/draft", DRAFT | {"press": "keep", "after_version": "2"}, 403)

    assert list_versions(site) == {1: "base", 2: "draft"}


async def test_whoever_wrote_it_does_not_publish_it_under_another_role(
    site: DeskSite, trainer: Detective
) -> None:
    await post(trainer, PATH + "/draft", DRAFT | {"press": "keep"})
    [row] = site.rows(content_version, content_version.c.status == "draft")
    site.write(lambda tx: tx.staff.change(row.drafted_by, role="supervisor"))
    await trainer.log_in("toni")

    _, page = await trainer.get(PATH)
    assert 'id="publish"' not in page
    await post(trainer, PATH + "/publish", {"version": "2"}, 409)

    assert list_versions(site) == {1: "base", 2: "draft"}


async def test_a_press_on_a_page_that_is_out_of_date_changes_nothing(
    site: DeskSite, trainer: Detective, supervisor: Detective
) -> None:
    await post(trainer, PATH + "/draft", DRAFT | {"press": "keep"})
    await post(trainer, PATH + "/draft", DRAFT | {"press": "keep"}, 409)
    await post(supervisor, PATH + "/publish", {"version": "7"}, 409)
    await post(supervisor, PATH + "/back", {"version": "2"}, 409)
    await post(supervisor, PATH + "/refuse", {"version": "2"})
    await post(supervisor, PATH + "/refuse", {"version": "2"}, 409)

    assert list_versions(site) == {1: "base", 2: "refused"}
    assert "content_refused" in site.acts()


async def test_who_was_told_is_a_number_for_trainers_and_a_list_for_the_desk(
    site: DeskSite, trainer: Detective, supervisor: Detective
) -> None:
    conversation_id = site.victim_writes()
    outbox_id = site.assistant_answers(conversation_id, "You are welcome.")
    site.write(lambda tx: note_told(tx, outbox_id, [(NAME, 1)]))
    _, withheld = await trainer.get(PATH + "/told?version=1")
    is_it = outbox.c.id == outbox_id
    site.write(lambda tx: tx.connection.execute(sa.update(outbox).where(is_it).values(status="sent")))

    _, counted = await trainer.get(PATH + "/told?version=1")
    _, listed = await supervisor.get(PATH + "/told?version=1")

    assert "0 messages" in withheld
    assert "1 messages" in counted
    assert conversation_id not in counted
    assert f"/console/c/{conversation_id}" in listed


async def test_the_list_shows_every_text_and_what_waits(
    site: DeskSite, trainer: Detective, supervisor: Detective
) -> None:
    await post(trainer, PATH + "/draft", DRAFT | {"press": "keep"})

    for visitor in (trainer, supervisor):
        answer, page = await visitor.get("/workbench/content")
        assert answer.status == 200
        assert [name for name in load_base_texts() if f'id="{name}"' not in page] == []
        assert 'id="waiting"' in page
    answer, _ = await trainer.get("/workbench/content/utter_code_refused")
    assert answer.status == 404


async def test_every_page_of_a_text_can_be_drawn(site: DeskSite, supervisor: Detective) -> None:
    texts = load_base_texts()
    one_of_each = {text.kind: text.name for text in texts.values()}
    assert set(one_of_each) == set(ContentKind)

    for name in one_of_each.values():
        answer, _ = await supervisor.get(f"/workbench/content/{name}")
        assert answer.status == 200, name


async def test_a_text_past_its_review_date_says_so(site: DeskSite, supervisor: Detective) -> None:
    site.clock.advance(days=366)
    await supervisor.log_in("alex")

    _, page = await supervisor.get("/workbench/content/utter_right_6")

    assert 'id="past-review"' in page


def test_every_rule_fault_and_state_has_words() -> None:
    words = load_words()

    assert set(words["wb_rules"]) == {rule.value for rule in Rule}
    assert set(words["wb_content_faults"]) == {name for _, name in FAULTS.values()}
    assert set(words["wb_content_kinds"]) == {kind.value for kind in ContentKind}
    assert set(words["wb_content_statuses"]) == {status.value for status in ContentStatus}
    forms = {form for text in load_base_texts().values() for form in text.forms}
    assert set(words["wb_content_forms"]) == forms
