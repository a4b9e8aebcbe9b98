"""Long work is asked for on a page, watched there, and stopped there; a process beside does it.

Red when, each tried once: the fingerprint leaves out how far it is, a pane is sent as a whole page, or what failed is
shown as markup.
"""

import asyncio
from typing import Any

import pytest

from casework.adapters.storage.workbench_tables import workbench_job
from casework.services import workbench_jobs
from casework.services.job_ports import JobKind, JobStatus
from casework.services.review_ports import Example
from console.words import load_words
from tests.console.desk_site import DeskSite, Detective, read_event
from tests.console.model_desk import NEW, acts_of, add_candidate, found_live

WORKER = "worker"


@pytest.fixture
async def toni(site: DeskSite) -> Detective:
    return await site.detective("toni", "Toni Test-Trainer", role="trainer")


async def open_page(who: Detective, path: str, **headers: str) -> str:
    answer, page = await who.get(path, **headers)
    assert answer.status == 200, (path, answer.status, page)
    return page


async def ask(who: Detective, what: str = "train", **fields: str) -> str:
    """The path of the work."""
    answer, page = await who.post(f"/workbench/{what}", fields)
    assert answer.status == 303, page
    return answer.headers["Location"]


def lease(site: DeskSite) -> None:
    site.write(lambda tx: workbench_jobs.lease(tx, WORKER))


def id_of(path: str) -> str:
    return path.rpartition("/")[2]


def progress(site: DeskSite, path: str, says: str, done: int, total: int) -> None:
    site.write(lambda tx: workbench_jobs.progress(tx, id_of(path), WORKER, says=says, done=done, total=total))


def finish(site: DeskSite, path: str, **result: Any) -> None:
    site.write(lambda tx: workbench_jobs.finish(tx, id_of(path), WORKER, result=result))


def test_every_kind_and_state_has_words() -> None:
    words = load_words()

    assert set(words["wb_job_kinds"]) == {kind.value for kind in JobKind}
    assert set(words["wb_job_states"]) == {status.value for status in JobStatus}


async def test_training_is_asked_for_once_and_pressed_again_leads_to_the_same(
    site: DeskSite, toni: Detective
) -> None:
    path = await ask(toni)

    assert await ask(toni) == f"{path}?told=already"
    assert len(site.rows(workbench_job)) == 1
    assert "This was asked for already." in await open_page(toni, f"{path}?told=already")
    assert "Asked for by" in await open_page(toni, path)
    assert "Toni Test-Trainer" in await open_page(toni, path)
    assert path in await open_page(toni, "/workbench/data")
    assert path in await open_page(toni, "/workbench")


async def test_the_page_follows_the_work_without_a_script_by_being_loaded_again(
    site: DeskSite, toni: Detective
) -> None:
    path = await ask(toni)
    assert "Waits for its turn" in await open_page(toni, path)
    lease(site)
    progress(site, path, "Training", 100, 400)

    page = await open_page(toni, path)
    assert '<progress max="100" value="25"' in page
    assert "25 in 100 done" in page
    pane = await open_page(toni, path, X_Pane="job")
    assert pane.lstrip().startswith("<section") and "25 in 100 done" in pane
    finish(site, path, model_id=NEW, data_version=3, passed=True, gates=31, gates_passed=31)

    page = await open_page(toni, path)
    assert "All 31 checks passed. It can be proposed." in page
    assert f'href="/workbench/models/{NEW[:12]}"' in page
    assert 'id="stop"' not in page and "live.js" not in page


async def test_an_open_page_is_told_when_the_work_goes_on(site: DeskSite, toni: Detective) -> None:
    path = await ask(toni)
    async with asyncio.timeout(20), toni.http.get(path + "/events") as stream:
        first = await read_event(stream)
        lease(site)
        progress(site, path, "Training", 100, 400)
        second = await read_event(stream)

    assert (first["event"], second["event"]) == ("job", "job")
    assert first["data"] != second["data"]


async def test_work_that_waits_is_stopped_at_once_and_work_that_runs_is_asked_to(
    site: DeskSite, toni: Detective
) -> None:
    path = await ask(toni)
    await toni.post(path + "/stop")
    assert "Stopped" in await open_page(toni, path)

    again = await ask(toni)
    lease(site)
    await toni.post(again + "/stop")
    page = await open_page(toni, again)
    assert "It was asked to stop." in page and 'id="stop"' not in page
    site.write(lambda tx: workbench_jobs.note_stopped(tx, id_of(again), WORKER))
    answer, _ = await toni.post(again + "/stop")

    assert answer.headers["Location"] == f"{again}?told=stop_late"
    assert [thing for _, thing in acts_of(site, "job_stop_asked")] == [id_of(path), id_of(again)]


async def test_what_failed_says_why(site: DeskSite, toni: Detective) -> None:
    path = await ask(toni)
    lease(site)
    site.write(lambda tx: workbench_jobs.fail(tx, id_of(path), WORKER, fault="Rasa could not <train>."))

    page = await open_page(toni, path)

    assert "Failed" in page
    assert "Rasa could not &lt;train&gt;." in page


async def test_measuring_and_comparing_are_asked_of_the_model_of_the_page(
    site: DeskSite, toni: Detective
) -> None:
    found_live(site)
    add_candidate(site)
    for what in ("evaluate", "compare"):
        await ask(toni, what, model_no=NEW[:12])

    rows = {row.kind: row.params for row in site.rows(workbench_job)}
    assert rows == {"evaluate": {"model_id": NEW}, "compare": {"model_id": NEW}}


@pytest.mark.parametrize(
    ("kind", "result", "said"),
    [
        (JobKind.COMPARE, {"comparison_id": "c" * 32, "model_id": NEW, "turns": 40}, "40 messages were put"),
        (
            JobKind.EVALUATE,
            {"model_id": NEW, "passed": False, "gates": 31, "gates_passed": 29},
            "2 of 31 checks",
        ),
        (JobKind.NEW_WORDS, {"words": 2, "messages": 9}, "2 new words, in 9 messages."),
    ],
)
async def test_what_came_of_each_kind_is_told(
    site: DeskSite, toni: Detective, kind: JobKind, result: dict[str, Any], said: str
) -> None:
    job_id = site.write(lambda tx: workbench_jobs.ask(tx, kind, {"model_id": NEW}, by="launcher"))
    lease(site)
    finish(site, job_id, **result)

    page = await open_page(toni, f"/workbench/jobs/{job_id}")

    assert said in page
    assert "the service" in page


async def test_what_waits_to_be_taught_is_counted(site: DeskSite, toni: Detective) -> None:
    assert "Nothing is new." in await open_page(toni, "/workbench/data")


async def test_what_comes_in_and_what_goes_stands_there_with_its_label(
    site: DeskSite, toni: Detective
) -> None:
    """Red when: a variant is not told from its first wording, or what was taken back leaves the list."""
    row: dict[str, Any] = {"inbox_id": None, "conversation_id": None, "derived_from": None, "category": None}
    row |= {"sub": None, "spans": (), "side": "train", "scenario": "wb_1", "row_version": 1}
    row |= {"accepted_by": "toni", "accepted_at": site.service.clock.now(), "intent": "ask_court"}
    for number, values in enumerate(
        (
            {"text": "the first words", "status": "accepted", "is_reworded": False},
            {"text": "other <b>words", "status": "accepted", "is_reworded": True, "derived_from": "0"},
            {"text": "", "status": "withdrawn", "is_reworded": False, "in_data_since": 1},
        )
    ):
        site.write(lambda tx, id_=str(number), given=row | values: tx.examples.add(Example(id=id_, **given)))

    page = await open_page(toni, "/workbench/data")
    shown = page[page.index('id="changes"') :]

    assert shown.index("other &lt;b&gt;words") < shown.index("a trainer&#39;s variant")
    assert shown.index("a trainer&#39;s variant") < shown.index("the first words")
    assert "- (its words were taken back)" in shown
    assert shown.count("Court") == 3


async def test_no_such_work_is_not_found(site: DeskSite, toni: Detective) -> None:
    missing = f"/workbench/jobs/{'f' * 32}"

    assert [(await toni.get(path))[0].status for path in (missing, missing + "/events")] == [404, 404]
    assert (await toni.post(missing + "/stop"))[0].status == 404
