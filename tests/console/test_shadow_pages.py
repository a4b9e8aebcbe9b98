"""Asking a candidate beside the live model is begun and ended on its page, which says what was found, danger first.

Red when, each tried once: a supervisor may begin one, the number of days is not passed on, or the count of dangers is
that of every difference.
"""

from typing import Any

import pytest

from casework.adapters.storage.model_tables import shadow
from casework.adapters.storage.tables import turn
from casework.model.training_flags import TrainingFlag
from casework.model.turn_outcomes import Change
from casework.services import consents, shadows
from casework.services.shadow_ports import Shadow, ShadowBatch, ShadowedTurn
from console.words import load_words
from launcher import model_loader
from tests.console.desk_site import DeskSite, Detective
from tests.console.model_desk import (
    ALERTED,
    ANSWERED,
    LIVE,
    NEW,
    NEW_PATH,
    a_change,
    acts_of,
    add_candidate,
    found_live,
)
from tests.console.review_desk import add_item
from tests.console.test_comparison_pages import latest
from tests.console.test_model_pages import open_page, press


@pytest.fixture
async def toni(site: DeskSite) -> Detective:
    return await site.detective("toni", "Toni Test-Trainer", role="trainer")


@pytest.fixture(autouse=True)
def models(site: DeskSite) -> None:
    found_live(site)
    add_candidate(site)


async def start(who: Detective, days: int = 3) -> None:
    assert await press(who, NEW_PATH + "/shadow", days=days) == f"{NEW_PATH}?told=shadow_started#shadow"


def running(site: DeskSite) -> Shadow:
    found = site.service.database.read_now(lambda tx: tx.shadows.find_open())
    assert found is not None
    return found


def find(site: DeskSite, *kinds: tuple[int, Change, bool], turns: int = 0) -> None:
    """These messages would be answered otherwise, and `turns` more the same."""
    at, of = running(site), {row.inbox_id: row for row in site.rows(turn)}
    changes = [
        a_change(inbox_id, kind, is_risk=is_risk, harm=1 if is_risk else 5)
        for inbox_id, kind, is_risk in kinds
    ]
    kept = [
        ShadowedTurn(
            turn_id=of[change.inbox_id].id,
            inbox_id=change.inbox_id or 0,
            conversation_id=of[change.inbox_id].conversation_id,
            before=ALERTED,
            after=ANSWERED,
            change=change,
        )
        for change in changes
    ]
    batch = ShadowBatch(
        after=at.last_inbox_id, upto=at.last_inbox_id + 100, turns=kept, answers={}, unanswered=turns
    )
    assert site.write(lambda tx: shadows.keep(tx, at, batch))


def test_every_end_has_words() -> None:
    refusals = set(model_loader._SAYS)

    assert set(load_words()["wb_shadow_ended"]) == {*shadows.WHYS_ENDED, *refusals}


async def test_a_trainer_begins_it_for_some_days_and_ends_it(site: DeskSite, toni: Detective) -> None:
    assert 'id="shadow-start"' in await open_page(toni, NEW_PATH)
    await start(toni, days=2)

    row = running(site)
    assert (row.until - row.since).days == 2
    page = await open_page(toni, f"{NEW_PATH}?told=shadow_started")
    assert "It is asked from the next message on." in page
    assert "Toni Test-Trainer began it." in page
    assert 'id="shadow-end"' in page and 'id="shadow-start"' not in page
    assert await press(toni, NEW_PATH + "/shadow/end") == f"{NEW_PATH}?told=shadow_stopped#shadow"
    assert await press(toni, NEW_PATH + "/shadow/end") == f"{NEW_PATH}?told=shadow_over#shadow"

    page = await open_page(toni, NEW_PATH)
    assert "It was stopped." in page and 'id="shadow-start"' in page
    [row] = site.rows(shadow)
    assert acts_of(site, "shadow_started") == [(row.started_by, f"model:{NEW}")]
    assert acts_of(site, "shadow_ended") == [(row.ended_by, f"model:{NEW}:stopped")]


@pytest.mark.parametrize(("path", "days"), [(NEW_PATH, "0"), (NEW_PATH, "15"), (NEW_PATH, "x"), (LIVE, "3")])
async def test_what_cannot_be_is_said(site: DeskSite, toni: Detective, path: str, days: str) -> None:
    path = NEW_PATH if path == NEW_PATH else f"/workbench/models/{LIVE[:12]}"

    assert await press(toni, path + "/shadow", days=days) == f"{path}?told=shadow_unfit#shadow"

    assert site.rows(shadow) == []


async def test_one_that_runs_is_left_alone(site: DeskSite, toni: Detective) -> None:
    await start(toni)

    assert await press(toni, NEW_PATH + "/shadow", days=3) == f"{NEW_PATH}?told=shadow_running#shadow"

    assert "One of them runs already." in await open_page(toni, f"{NEW_PATH}?told=shadow_running")
    assert len(site.rows(shadow)) == 1


async def test_the_page_says_what_was_found_danger_first(site: DeskSite, toni: Detective) -> None:
    numbers = [add_item(site, text) for text in ("he is at the door", "is there any news", "my court day")]
    await start(toni)
    assert "none so far" in await open_page(toni, NEW_PATH)
    find(
        site,
        (numbers[0], Change.NEWLY_WRONG, True),
        (numbers[1], Change.CHANGED, True),
        (numbers[2], Change.CHANGED, False),
        turns=2,
    )
    page = await open_page(toni, NEW_PATH)

    assert "Newly wrong where there was danger: 1." in page
    assert "Not opened by you yet: 1." in page
    assert "3 messages were put to it. For 3 of them" in page and "; 2 of these touch danger." in page
    assert "2 more are not compared" in page
    assert page.index('id="shadow-dangers"') < page.index('id="shadow-counts"')
    await open_page(toni, f"/workbench/comparisons/{running(site).id}/1")
    assert "Not opened by you yet" not in await open_page(toni, NEW_PATH)


async def test_of_a_live_talk_no_word_is_shown(site: DeskSite, toni: Detective) -> None:
    await start(toni)
    live = site.victim_writes("words of now", outcome="answered")
    site.write(lambda tx: consents.flag(tx, live, None, TrainingFlag.ALLOWED, why="test", by="toni"))
    find(site, (latest(site, live), Change.NEWLY_WRONG, True))

    path = f"/workbench/comparisons/{running(site).id}"
    pages = [await open_page(toni, each) for each in (path, path + "/1", NEW_PATH)]

    assert "words of now" not in "".join(pages)
    assert "Its words are shown when it is quiet" in pages[1]
    assert "Not opened by you yet: 1." in pages[2]


async def test_whoever_only_reads_has_no_button_and_no_press(site: DeskSite, toni: Detective) -> None:
    await start(toni)
    for role in ("auditor", "supervisor"):
        reader = await site.detective(role, f"{role} Example", role=role)
        page = await open_page(reader, NEW_PATH)
        assert "Toni Test-Trainer began it." in page
        assert 'id="shadow-end"' not in page and 'id="shadow-start"' not in page
        await press(reader, NEW_PATH + "/shadow", 403, days=3)
        await press(reader, NEW_PATH + "/shadow/end", 403)

    assert running(site).ended_at is None


async def test_a_model_that_was_never_a_candidate_has_no_such_part(site: DeskSite, toni: Detective) -> None:
    assert 'id="shadow"' not in await open_page(toni, f"/workbench/models/{LIVE[:12]}")
    missing: Any = f"/workbench/models/{'c' * 12}/shadow"
    await press(toni, missing, 404, days=3)
    await press(toni, missing + "/end", 404)
