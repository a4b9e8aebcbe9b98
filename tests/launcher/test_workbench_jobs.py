"""The process beside the desk: one thing at a time, told as it goes, ended in good order, and whole after a kill.

Red when, each tried once: `run_one` lets a fault through, or tells its words; `Ending` is told as stopped; the lease is
not kept while nothing is told; `find_words` reads what may not teach.
"""

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from casework.adapters.service import Service
from casework.adapters.storage.tables import conversation
from casework.adapters.storage.workbench_tables import review_reason
from casework.model.training_flags import TrainingFlag
from casework.services import consents
from casework.services import workbench_jobs as jobs
from casework.services.job_ports import Job, JobKind, JobStatus
from launcher import job_kinds, workbench_jobs
from launcher.candidates import JobWork
from launcher.taught_texts import TAUGHT
from launcher.workbench_jobs import Progress, run_one, take_one
from tests.launcher.test_candidates import beside, trained, versions
from tests.launcher.test_workbench_data import SCOOTER, Bench, bench, root, service
from tests.support.clock import SetClock

__all__ = ["bench", "beside", "root", "service"]


@pytest.fixture
def served(service: Service, root: Path, beside: Path, tmp_path: Path) -> Service:
    """The service, teaching in the small tree."""
    settings = replace(service.settings, training_root=root, data_dir=tmp_path / "var")
    return replace(service, settings=settings)


def ask(service: Service, kind: JobKind, **params: Any) -> str:
    return service.database.write_now(lambda tx: jobs.ask(tx, kind, params, by="toni"))


def found(service: Service, job_id: str) -> Job:
    return service.database.read_now(lambda tx: jobs.get(tx, job_id))


def take(service: Service, ending: threading.Event | None = None) -> bool:
    with asyncio.Runner() as runner:
        return take_one(service, "one", runner, ending or threading.Event())


def take_all(service: Service) -> None:
    while take(service):
        pass


def test_a_candidate_that_cannot_be_measured_is_trained_and_says_why_it_stops(
    served: Service, bench: Bench
) -> None:
    bench.add(SCOOTER)
    job_id = ask(served, JobKind.TRAIN)

    assert take(served)

    # The small tree has no frozen sets: everything before the gates is done, and the job failed with words.
    job = found(served, job_id)
    assert job.status is JobStatus.FAILED
    assert "frozen.toml" in (job.fault or "")
    assert [version.trained_by for version in versions(served)] == ["toni"]


def test_a_fault_in_the_data_is_told_without_its_words(served: Service, bench: Bench) -> None:
    (served.settings.training_root / TAUGHT / "ask_court.yml").write_text(
        'version: "3.1"\nnlu:\n- intent: ask_court\n  examples: |\n    - ring 07911 123456\n'
    )
    job_id = ask(served, JobKind.TRAIN)
    take(served)

    job = found(served, job_id)
    assert job.status is JobStatus.FAILED
    assert "ask_court.yml, line 5" in (job.fault or "")
    assert "07911" not in str(job)


def test_what_nobody_foresaw_is_told_by_its_name_alone(served: Service, bench: Bench) -> None:
    (served.settings.training_root / "data/corpus/calm.txt").write_bytes(b"\xff the words of somebody")
    bench.add(SCOOTER)
    job_id = ask(served, JobKind.TRAIN)
    take(served)

    job = found(served, job_id)
    assert "UnicodeDecodeError" in (job.fault or "")
    assert "somebody" not in str(job)


@pytest.mark.parametrize("by", ["stop", "end", "signal"])
def test_a_training_ends_when_it_should(served: Service, bench: Bench, beside: Path, by: str) -> None:
    bench.add(SCOOTER)
    (beside / "waits").touch()
    job_id = ask(served, JobKind.TRAIN)
    job = served.database.write_now(lambda tx: jobs.lease(tx, "one"))
    assert job is not None
    ending = threading.Event()

    def end() -> None:
        note = beside / "trained.json"
        wait_until(lambda: note.exists() and note.read_text() != "")
        if by == "stop":
            served.database.write_now(lambda tx: jobs.stop(tx, job_id, by="toni"))
        elif by == "end":
            ending.set()
        else:
            os.kill(os.getpid(), signal.SIGTERM)

    ender = threading.Thread(target=end)
    ender.start()
    if by == "stop":
        run_one(served, job, "one", ending)
    else:
        with pytest.raises((workbench_jobs.Ending, SystemExit)):
            run_one(served, job, "one", ending)
    ender.join()

    assert found(served, job_id).status is (JobStatus.STOPPED if by == "stop" else JobStatus.QUEUED)
    with pytest.raises(ProcessLookupError):
        os.kill(trained(beside)["pid"], 0)


def test_whoever_lost_the_lease_says_nothing_more(served: Service, clock: SetClock) -> None:
    job_id = ask(served, JobKind.NEW_WORDS)
    job = served.database.write_now(lambda tx: jobs.lease(tx, "one"))
    assert job is not None
    clock.advance(seconds=jobs.LEASE.total_seconds() + 1)
    served.database.write_now(lambda tx: jobs.lease(tx, "two"))

    run_one(served, job, "one", threading.Event())

    assert (found(served, job_id).status, found(served, job_id).leased_by) == (JobStatus.RUNNING, "two")


def test_the_lease_is_kept_while_nothing_is_told(served: Service, clock: SetClock) -> None:
    job_id = ask(served, JobKind.NEW_WORDS)
    job = served.database.write_now(lambda tx: jobs.lease(tx, "one"))
    assert job is not None
    progress = Progress(served, job, "one", threading.Event(), renew_seconds=0.01)
    clock.advance(seconds=30)

    with progress.keeping_the_lease():
        wait_until(lambda: found(served, job_id).lease_until != job.lease_until)

    clock.advance(seconds=45)
    assert served.database.write_now(lambda tx: jobs.lease(tx, "two")) is None


def wait_until(holds: Callable[[], bool]) -> None:
    while not holds():
        threading.Event().wait(0.01)


async def test_words_nothing_teaches_bring_messages_together(served: Service, bench: Bench) -> None:
    said = {f"+4477009004{number:02}": f"the surron was there {number}" for number in range(1, 6)}
    for phone, text in said.items():
        bench.line.receive(text, external_id=phone)
    await bench.line.answer_all()
    withdrawn = bench.line.row(conversation, external_id="+447700900405").id
    served.database.write_now(
        lambda tx: consents.flag(tx, withdrawn, None, TrainingFlag.WITHDRAWN, why="asked", by="victim")
    )
    told: list[str] = []
    work = JobWork(
        root=served.settings.training_root,
        data_dir=served.settings.data_dir,
        service=served,
        tell=lambda says, _done, _total: told.append(says),
        is_stopped=lambda: False,
    )

    counted = await asyncio.to_thread(job_kinds.find_words, work, {})

    # "there" and "was" stand in as few texts of this small corpus; a message stands under one word.
    assert counted["messages"] == 4
    rows = [row for row in bench.line.rows(review_reason) if row.queue == "new_words"]
    assert len(rows) == 4
    assert {row.cluster for row in rows} <= {"surron", "was", "there"}
    assert "surron" not in " ".join(told)


def test_new_words_are_looked_for_once_a_day(served: Service, clock: SetClock) -> None:
    take_all(served)
    take_all(served)
    of = served.database.read_now(lambda tx: jobs.list_newest(tx))
    assert [(job.kind, job.status, job.asked_by) for job in of] == [
        (JobKind.NEW_WORDS, JobStatus.DONE, "launcher")
    ]
    clock.advance(hours=25)
    take_all(served)
    assert len(served.database.read_now(lambda tx: jobs.list_newest(tx))) == 2


def test_the_process_ends_when_it_is_told_to(served: Service) -> None:
    ending = threading.Event()
    running = threading.Thread(target=workbench_jobs.run_jobs, args=(served,), kwargs={"ending": ending})
    running.start()
    wait_until(lambda: bool(served.database.read_now(lambda tx: jobs.list_newest(tx))))
    ending.set()
    running.join(30)

    assert not running.is_alive()
