"""What an evaluation found, on its pages: sentences, tables with heads, and words of no message of the frozen set.

Red when, each tried once: a cell of the frozen set leads to messages; a row that was taken out shows its words; a word
of a message runs as HTML.
"""

import re
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import pytest
import sqlalchemy as sa

from casework.adapters.storage.tables import inbox
from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.storage.workbench_tables import data_version
from casework.model.model_evaluations import DEV, URGENT, Confusion, ModelEvaluation
from casework.model.training_flags import TrainingFlag
from casework.services import consents, evaluations
from casework.services.review_ports import Example
from console.words import load_words
from launcher.evaluation.differences import TITLES
from tests.console.desk_site import DeskSite, Detective
from tests.console.model_desk import LIVE, NEW, NEW_PATH, add_candidate, found_live
from tests.console.review_desk import add_item
from tests.support.evaluations import INVENTED, a_cell, an_evaluation
from tests.support.models import AT

PATH = f"{NEW_PATH}/evaluation"
MISSED = f"{PATH}/messages?of=dev&meant=urgent&read=ask_status"


@pytest.fixture
async def toni(site: DeskSite) -> Detective:
    return await site.detective("toni", "Toni Test-Trainer", role="trainer")


@pytest.fixture(autouse=True)
def models(site: DeskSite) -> None:
    found_live(site)
    add_candidate(site)


def keep(site: DeskSite, **values: Any) -> ModelEvaluation:
    evaluation = an_evaluation(NEW, **({"against": LIVE} | values))
    site.write(lambda tx: evaluations.record_details(tx, evaluation, by="launcher"))
    return evaluation


def add_row(site: DeskSite, text: str, row: str = "1f", **values: Any) -> str:
    inbox_id = add_item(site, text)
    given: dict[str, Any] = {
        **{"id": row, "inbox_id": inbox_id, "conversation_id": None, "derived_from": None, "text": text},
        **{"intent": None, "category": "immediate_danger", "sub": None, "spans": (), "side": "test"},
        **{"scenario": "wb_1", "status": "accepted", "is_reworded": False, "row_version": 1},
        **{"accepted_by": "toni", "accepted_at": site.service.clock.now()},
    }
    site.write(lambda tx: tx.examples.add(Example(**(given | values))))
    return row


async def open_page(who: Detective, path: str, status: int = 200) -> str:
    answer, page = await who.get(path)
    assert answer.status == status, (path, answer.status, page)
    return unescape(page)


def test_every_figure_and_slicing_has_words() -> None:
    words = load_words()

    assert set(words["wb_figures"]) == set(TITLES)
    for of in ("danger", "wishes"):
        assert {f"{of}_by_{by}" for by in ("style", "length", "channel", "language")} <= set(
            words["wb_slices"]
        )


async def test_what_went_wrong_is_said_in_sentences_with_range_and_chance(
    site: DeskSite, toni: Detective
) -> None:
    keep(site)
    page = await open_page(toni, PATH)
    first = page[page.index('id="figures"') : page.index("</ul>", page.index('id="figures"'))]

    assert first.index("Misses on danger now: 3 of 245 (was 3)") < first.index(
        "Danger that nobody would look at"
    )
    assert "The true share lies between 0.4 and 3.5 in 100. No message differs from the live model." in first
    assert "9 newly right, 1 newly wrong: that is probably not chance." in first
    assert "2 newly right, 1 newly wrong: that could be chance." in first
    assert "sent to a person at once: not measured" in first


async def test_beside_no_live_model_nothing_is_newly_anything(site: DeskSite, toni: Detective) -> None:
    lone = [each.__class__(name=each.name, wrong=each.wrong, n=each.n) for each in an_evaluation(NEW).figures]
    keep(site, against=None, figures=tuple(lone), slicings=())
    page = await open_page(toni, PATH)

    assert "Misses on danger now: 3 of 245</strong>" in page
    assert "newly right" not in page and "(was" not in page
    assert "it stands beside none" in page


async def test_slices_say_how_many_the_range_and_where_too_few_are(site: DeskSite, toni: Detective) -> None:
    keep(site)
    page = await open_page(toni, PATH)
    rows = [
        [re.sub("<[^>]*>", "", cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)]
        for row in re.findall(r"<tr>(.*?)</tr>", page)
    ]

    assert [
        "angry",
        "3 of 30",
        "10.0",
        "3.5 to 25.6",
        "1",
        "0 newly right, 2 newly wrong: that could be chance.",
    ] in rows
    assert [
        "WhatsApp",
        "1 of 1",
        "",
        "too few to say",
        "1",
        "No message differs from the live model.",
    ] in rows
    assert "Of your own test messages alone" in page


async def test_of_the_frozen_set_there_are_counts_and_no_way_to_a_message(
    site: DeskSite, toni: Detective
) -> None:
    keep(site)
    page = await open_page(toni, PATH)
    part = page[page.index('id="confusion-test"') : page.index('id="confusion-dev"')]

    assert "5 meant as Danger, read as What is happening" in part
    assert "Counts alone" in part and "/messages" not in part
    assert '<th scope="col"><span>A person checks it</span></th>' in part
    assert '<th scope="row">Danger</th>' in part
    assert part.index("5 meant as Danger") < part.index("4 meant as What is happening")
    for query in ("of=test&meant=urgent&read=ask_status", "of=dev&meant=urgent&read=urgent", "of=x", ""):
        await open_page(toni, f"{PATH}/messages?{query}", 404)


async def test_where_every_other_message_was_read_as_meant_that_is_said(
    site: DeskSite, toni: Detective
) -> None:
    """Red when: a set is taken for the frozen one because none of its messages is there to show."""
    dev = Confusion(of=DEV, n=9, cells=(a_cell(URGENT, URGENT, 9),))
    keep(site, confusions=(dev,))
    page = await open_page(toni, PATH)

    assert "Every one was read as meant." in page and "Counts alone" not in page


async def test_a_cell_of_other_messages_leads_to_them(site: DeskSite, toni: Detective) -> None:
    keep(site)
    page = await open_page(toni, PATH)
    assert f'href="{MISSED}" aria-label="1 meant as Danger, read as What is happening">1</a>' in page

    _, messages = await toni.get(MISSED)

    assert "1 meant as Danger, read as What is happening" in messages
    assert INVENTED not in messages and "&lt;b&gt;to sort me out" in messages
    assert "These messages are invented." in messages


async def test_a_row_of_trainers_is_shown_while_it_stands(site: DeskSite, toni: Detective) -> None:
    row = add_row(site, "he waits by the gate again")
    keep(site, own=row)
    path = f"{PATH}/messages?of=own&meant=urgent&read=ask_court"

    page = await open_page(toni, path)
    assert "he waits by the gate again" in page and f'href="/workbench/examples/{row}"' in page
    auditor = await site.detective("audrey", "Audrey Test-Auditor", role="auditor")
    assert "/workbench/examples/" not in await open_page(auditor, path)
    site.write(lambda tx: tx.examples.remove(row))
    page = await open_page(toni, path)
    assert "waits by the gate" not in page and "not used any more" in page


async def test_that_people_took_back_what_it_was_measured_on_is_said(site: DeskSite, toni: Detective) -> None:
    """Red when: the page does not ask how many."""
    keep(site)
    version = {"number": 1, "by": "toni", "sha256": "", "added": 0, "changed": 0, "removed": 0}
    written = datetime.fromisoformat(AT) - timedelta(hours=1)
    site.write(
        lambda tx: tx.connection.execute(sa.insert(data_version).values(written_at=written, **version))
    )
    add_row(site, "he is outside again", in_data_since=1)
    assert 'id="withdrawn"' not in await open_page(toni, PATH)

    site.write(
        lambda tx: consents.flag(tx, _of_newest(tx), None, TrainingFlag.WITHDRAWN, why="asked", by="sam")
    )

    assert "took back since: 1." in await open_page(toni, PATH)


def _of_newest(tx: SqlTransaction) -> str:
    found = tx.connection.execute(sa.select(inbox.c.conversation_id).order_by(inbox.c.id.desc())).scalar()
    return str(found)


async def test_what_was_taught_and_not_learned_is_listed_and_said_on_the_models_page(
    site: DeskSite, toni: Detective
) -> None:
    row = add_row(site, "he has my key and my old phone", side="train")
    keep(site, untaught=row)

    page, model = await open_page(toni, PATH), await open_page(toni, NEW_PATH)

    assert '<h2 id="taught-title">Read as taught: 38 of 41</h2>' in page
    listed = page[page.index('id="not-learned"') :]
    assert "he has my key" in listed
    assert "Taught as <strong>Danger now</strong>, read as <strong>What is happening</strong>" in listed
    assert "A single one may not change anything" in listed
    assert "Read as taught: 38 of 41" in model and f'href="{PATH}#taught"' in model


@pytest.mark.parametrize(
    ("taught", "says"),
    [
        ({"right": 0, "n": 0, "wrong": ()}, "It was taught nothing that the live model was not."),
        ({"right": 41, "n": 41, "wrong": ()}, "All of it is read as you taught it."),
    ],
)
async def test_where_nothing_is_missing_that_is_said(
    site: DeskSite, toni: Detective, taught: dict[str, Any], says: str
) -> None:
    whole = an_evaluation(NEW).taught
    assert whole is not None
    keep(site, taught=whole.__class__(**taught))

    page = await open_page(toni, PATH)

    assert says in page and 'id="not-learned"' not in page


async def test_how_sure_it_is_is_drawn_and_told_in_numbers(site: DeskSite, toni: Detective) -> None:
    keep(site)
    page = await open_page(toni, PATH)
    part = page[page.index('id="calibration-danger"') :]

    assert '<svg class="chart calibration"' in part and 'role="img"' in part
    assert part.count("<circle") == 3
    # Of 5 in 100 none was so: to the left, at the bottom.
    assert '<circle cx="70.0" cy="250.0"' in part
    assert '<th scope="row">90 to 100</th><td class="number">10</td>' in part
    assert '<td class="number">95.0</td><td class="number">90.0</td>' in part
    assert "On average it is off by 5.0 in 100 (40 messages)." in part
    assert "<script" not in part and "style=" not in page


async def test_a_model_of_which_nothing_was_kept_says_so(site: DeskSite, toni: Detective) -> None:
    page = await open_page(toni, NEW_PATH)

    assert "Measure it again to see all of it." in page and PATH not in page
    await open_page(toni, PATH, 404)
    await open_page(toni, "/workbench/models/none/evaluation", 404)


@pytest.mark.parametrize("role", ["admin", "investigator", "triage"])
async def test_the_desk_reads_no_evaluation(site: DeskSite, role: str) -> None:
    keep(site)
    visitor = await site.detective("vis", "Vis Example", role=role)

    for path in (PATH, MISSED):
        await open_page(visitor, path, 403)
