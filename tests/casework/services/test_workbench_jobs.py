"""Long work: one of a kind, told as it goes, and never lost with the worker that had it.

Red when, each tried once: `finish` and `renew` leave out whose lease it is; `lease` takes a running job without asking
whether its lease is over; the fault of the first death is not kept; the unique index has no condition.
"""

from datetime import timedelta
from typing import Any

import pytest

from casework.adapters.storage.database import Database
from casework.adapters.storage.tables import audit
from casework.services import workbench_jobs as jobs
from casework.services.job_ports import Job, JobKind, JobStatus
from tests.support.clock import SetClock
from tests.support.line import Line


@pytest.fixture
def line(database: Database, clock: SetClock) -> Line:
    return Line(database=database, clock=clock)


def ask(line: Line, kind: JobKind = JobKind.TRAIN, **params: Any) -> str:
    return line.database.write_now(lambda tx: jobs.ask(tx, kind, params, by="toni"))


def lease(line: Line, worker: str = "one") -> Job | None:
    return line.database.write_now(lambda tx: jobs.lease(tx, worker))


def progress(line: Line, job_id: str, worker: str = "one", done: int = 3) -> bool:
    return line.database.write_now(
        lambda tx: jobs.progress(tx, job_id, worker, says="Training.", done=done, total=10)
    )


def finish(line: Line, job_id: str, worker: str = "one") -> None:
    line.database.write_now(lambda tx: jobs.finish(tx, job_id, worker, result={"model_id": "ab"}))


def found(line: Line, job_id: str) -> Job:
    return line.database.read_now(lambda tx: jobs.get(tx, job_id))


def after_the_lease(line: Line) -> None:
    line.clock.advance(seconds=jobs.LEASE.total_seconds() + 1)


def test_a_job_is_leased_told_and_finished(line: Line) -> None:
    job_id = ask(line, model_id="ab")
    leased = lease(line)

    assert leased is not None
    assert (leased.id, leased.status, leased.params) == (job_id, JobStatus.RUNNING, {"model_id": "ab"})
    assert leased.started_at is not None
    assert progress(line, job_id)
    assert (found(line, job_id).done, found(line, job_id).total) == (3, 10)
    finish(line, job_id)
    job = found(line, job_id)
    assert (job.status, job.result, job.fault) == (JobStatus.DONE, {"model_id": "ab"}, None)
    assert job.asked_at < leased.started_at < (job.finished_at or job.asked_at)
    assert [(row.act, row.actor, row.thing) for row in line.rows(audit)] == [("job_asked", "toni", job_id)]


def test_the_oldest_comes_first_and_nothing_twice(line: Line) -> None:
    first = ask(line)
    line.clock.advance(seconds=1)
    second = ask(line, JobKind.COMPARE)

    assert [job.id if job else None for job in (lease(line), lease(line, "two"), lease(line))] == [
        first,
        second,
        None,
    ]


def test_of_a_kind_one_is_unfinished_at_most(line: Line) -> None:
    job_id = ask(line)

    with pytest.raises(jobs.JobUnfinished) as refusal:
        ask(line)
    assert refusal.value.job_id == job_id
    ask(line, JobKind.EVALUATE)
    lease(line)
    finish(line, job_id)
    assert ask(line) != job_id


def test_a_worker_that_dies_loses_its_job_to_the_next_once(line: Line) -> None:
    job_id = ask(line)
    lease(line)
    progress(line, job_id)
    assert lease(line, "two") is None
    after_the_lease(line)

    again = lease(line, "two")

    assert again is not None
    assert (again.id, again.done, again.fault) == (job_id, 0, jobs.BEGUN_AGAIN)
    with pytest.raises(jobs.JobTaken):
        progress(line, job_id, "one")
    with pytest.raises(jobs.JobTaken):
        finish(line, job_id, "one")
    finish(line, job_id, "two")
    assert found(line, job_id).fault is None


def test_a_job_that_died_twice_failed_and_says_so(line: Line) -> None:
    job_id = ask(line)
    for worker in ("one", "two"):
        lease(line, worker)
        after_the_lease(line)

    assert lease(line, "three") is None
    assert (found(line, job_id).status, found(line, job_id).fault) == (JobStatus.FAILED, jobs.STOPPED_TWICE)


def test_a_lease_is_renewed_by_telling(line: Line) -> None:
    job_id = ask(line)
    lease(line)
    for _ in range(5):
        line.clock.advance(seconds=jobs.LEASE.total_seconds() - 1)
        assert progress(line, job_id)

    assert lease(line, "two") is None


def test_what_waits_is_stopped_at_once_and_what_runs_is_asked_to(line: Line) -> None:
    waiting, stop = (
        ask(line),
        lambda job_id: line.database.write_now(lambda tx: jobs.stop(tx, job_id, by="toni")),
    )
    assert stop(waiting)
    assert found(line, waiting).status is JobStatus.STOPPED
    assert not stop(waiting)

    running = ask(line)
    lease(line)
    assert stop(running)
    assert not progress(line, running)
    line.database.write_now(lambda tx: jobs.note_stopped(tx, running, "one"))
    assert found(line, running).status is JobStatus.STOPPED
    assert [row.act for row in line.rows(audit)].count("job_stop_asked") == 2


def test_a_worker_that_dies_while_it_should_stop_has_stopped(line: Line) -> None:
    job_id = ask(line)
    lease(line)
    line.database.write_now(lambda tx: jobs.stop(tx, job_id, by="toni"))
    after_the_lease(line)

    assert lease(line, "two") is None
    assert found(line, job_id).status is JobStatus.STOPPED


def test_a_command_holds_its_kind_and_nobody_takes_its_work_over(line: Line) -> None:
    begun = line.database.write_now(
        lambda tx: jobs.begin(tx, JobKind.TRAIN, {}, by="launcher", worker="4711")
    )
    assert begun.status is JobStatus.RUNNING
    with pytest.raises(jobs.JobUnfinished):
        ask(line)
    after_the_lease(line)

    assert lease(line) is None
    assert (found(line, begun.id).status, found(line, begun.id).fault) == (
        JobStatus.FAILED,
        jobs.COMMAND_GONE,
    )


def test_a_failure_keeps_its_words_and_no_more_than_fit(line: Line) -> None:
    job_id = ask(line)
    lease(line)
    line.database.write_now(lambda tx: jobs.fail(tx, job_id, "one", fault="x" * 900))

    assert found(line, job_id).fault == "x" * jobs.LONGEST_FAULT
    with pytest.raises(jobs.JobNotFound):
        found(line, "nobody")
    assert [job.id for job in line.database.read_now(lambda tx: jobs.list_newest(tx))] == [job_id]


def test_a_worker_that_ends_in_good_order_gives_its_job_back(line: Line) -> None:
    job_id = ask(line)
    for _ in range(3):
        lease(line)
        line.database.write_now(lambda tx: jobs.give_back(tx, job_id, "one"))

    again = lease(line, "two")
    assert again is not None
    assert (again.id, again.fault) == (job_id, None)
    with pytest.raises(jobs.JobTaken):
        line.database.write_now(lambda tx: jobs.give_back(tx, job_id, "one"))


def test_what_comes_round_is_asked_for_once_in_so_long(line: Line) -> None:
    def come_round() -> bool:
        day = timedelta(days=1)
        return line.database.write_now(
            lambda tx: jobs.ask_if_older(tx, JobKind.NEW_WORDS, day, by="launcher")
        )

    assert line.database.read_now(lambda tx: not jobs.has_next(tx))
    assert [come_round(), come_round()] == [True, False]
    assert line.database.read_now(jobs.has_next)
    leased = lease(line)
    assert leased is not None
    finish(line, leased.id)
    assert not come_round()
    line.clock.advance(hours=25)
    assert come_round()
