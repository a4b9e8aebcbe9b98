"""The process that does the workbench's long work, and fills its queues while there is none.

    python -m launcher.workbench_jobs

It gives way to everything else (niceness 15 from `up`), writes little at a time, and loses nothing when it is killed:
whoever starts next goes on from the marks in the database. What training and comparing bring with them is half of its
memory, and most of the time there is nothing to train: it is imported with the first work that needs it.
"""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Any

import structlog

from casework.adapters.logs import configure_logs
from casework.adapters.own_process import keep_memory_private
from casework.adapters.service import Service
from casework.adapters.settings import Settings
from casework.adapters.storage.statements import new_id
from casework.bootstrap import build_service
from casework.model.errors import WaymarkError
from casework.model.holds import ErasureStage
from casework.services import shadows
from casework.services import workbench_jobs as jobs
from casework.services.job_ports import Job, JobKind
from casework.services.model_releases import LAUNCHER
from casework.services.ports import Transaction
from casework.services.review_steps import take_next_review_step
from launcher.training import TrainingFailed

if TYPE_CHECKING:
    from launcher.shadow import Shadowing

log = structlog.get_logger()

IDLE_SECONDS = 1.0
# Between two writes: the gateway has the same file to write to.
PAUSE_SECONDS = 0.05
TELL_SECONDS = 1.0
RENEW_SECONDS = 15.0
FAILURE_PAUSE_SECONDS = 5.0
NEW_WORDS_EVERY = timedelta(days=1)
# Rasa's own words may quote an example.
TRAINING_FAULT = "Rasa could not train. The end of logs/train.log in the data folder says why."
UNKNOWN_FAULT = "Something went wrong that should not ({error}). logs/jobs.log in the data folder says where."


class Ending(Exception):
    """This process was told to end; the job waits for the next one."""


class Progress:
    """Tells the database how far a job is, once a second at most, and keeps its lease while nothing is told."""

    def __init__(
        self,
        service: Service,
        job: Job,
        worker: str,
        ending: threading.Event,
        *,
        renew_seconds: float = RENEW_SECONDS,
    ) -> None:
        self._service = service
        self._job_id = job.id
        self._worker = worker
        self._ending = ending
        self._renew_seconds = renew_seconds
        self._done = threading.Event()
        self._stopped = threading.Event()
        self._lost = threading.Event()
        self._told: tuple[str, float] = ("", 0.0)

    def tell(self, says: str, done: int, total: int) -> None:
        """Raises JobTaken once somebody else has it, and Ending once this process should end."""
        self._check()
        what, at = self._told
        if says == what and done < total and time.monotonic() - at < TELL_SECONDS:
            return
        self._told = (says, time.monotonic())
        may_go_on = self._service.database.write_now(
            partial(
                jobs.progress, job_id=self._job_id, worker=self._worker, says=says, done=done, total=total
            )
        )
        if not may_go_on:
            self._stopped.set()

    def is_stopped(self) -> bool:
        self._check()
        return self._stopped.is_set()

    def _check(self) -> None:
        if self._ending.is_set():
            raise Ending
        if self._lost.is_set():
            raise jobs.JobTaken(self._job_id)

    @contextmanager
    def keeping_the_lease(self) -> Iterator[None]:
        thread = threading.Thread(target=self._keep, name="lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._done.set()
            thread.join()

    def _keep(self) -> None:
        while not self._done.wait(self._renew_seconds):
            try:
                renew = partial(jobs.renew, job_id=self._job_id, worker=self._worker)
                if not self._service.database.write_now(renew):
                    self._stopped.set()
            except jobs.JobTaken:
                self._lost.set()
                return
            except Exception:
                log.exception("lease_not_renewed")


def run_jobs(service: Service, *, ending: threading.Event) -> None:
    """Until `ending`: the next job if there is one, else the next few rows of the queues, else a pause.

    Between them a candidate in the shadow is asked what came in.
    """
    worker = new_id()
    log.info("jobs_started")
    with asyncio.Runner() as runner, _shadow(service, runner) as shadow:
        while not ending.is_set():
            try:
                if service.database.read_now(jobs.has_next):
                    # A training wants the memory, and takes minutes.
                    runner.run(shadow.let_go())
                did_something = take_one(service, worker, runner, ending)
                did_something |= runner.run(shadow.take())
            except Ending:
                return
            except Exception:
                log.exception("jobs_step_failed")
                ending.wait(FAILURE_PAUSE_SECONDS)
                continue
            ending.wait(PAUSE_SECONDS if did_something else IDLE_SECONDS)


class _ShadowOnceThereIsOne:
    def __init__(self, service: Service) -> None:
        self._service = service
        self._shadowing: Shadowing | None = None

    async def take(self) -> bool:
        if self._shadowing is None:
            if not await self._service.database.read(_has_shadow):
                return False
            from launcher.shadow import Shadowing

            self._shadowing = Shadowing(self._service)
        return await self._shadowing.take()

    async def let_go(self) -> None:
        if self._shadowing is not None:
            await self._shadowing.let_go()


def _has_shadow(tx: Transaction) -> bool:
    # One that is over is still judged again.
    return tx.shadows.find_open() is not None or shadows.list_said(tx) is not None


@contextmanager
def _shadow(service: Service, runner: asyncio.Runner) -> Iterator[_ShadowOnceThereIsOne]:
    shadow = _ShadowOnceThereIsOne(service)
    try:
        yield shadow
    finally:
        runner.run(shadow.let_go())


def take_one(service: Service, worker: str, runner: asyncio.Runner, ending: threading.Event) -> bool:
    """One job, one bounded step of the queues, or what comes round; False where there was nothing."""
    database = service.database
    if database.read_now(jobs.has_next):
        job = database.write_now(partial(jobs.lease, worker=worker))
        if job is not None:
            run_one(service, job, worker, ending)
        return True
    if runner.run(take_next_review_step(database)):
        return True
    if database.read_now(_waits_for_files):
        from launcher.keeping import finish_taught

        return finish_taught(service)
    return database.read_now(_wants_new_words) and database.write_now(_ask_new_words)


def _waits_for_files(tx: Transaction) -> bool:
    return tx.erasures.next_unfinished([ErasureStage.TAUGHT]) is not None


def _wants_new_words(tx: Transaction) -> bool:
    newest = tx.jobs.find_newest(JobKind.NEW_WORDS)
    return newest is None or (newest.is_finished and newest.asked_at <= tx.now - NEW_WORDS_EVERY)


def _ask_new_words(tx: Transaction) -> bool:
    return jobs.ask_if_older(tx, JobKind.NEW_WORDS, NEW_WORDS_EVERY, by=LAUNCHER)


def run_one(service: Service, job: Job, worker: str, ending: threading.Event) -> None:
    """Does one leased job and says what became of it, whatever it raised."""
    from launcher.candidates import JobWork, Stopped
    from launcher.job_kinds import RUNS

    progress = Progress(service, job, worker, ending)
    work = JobWork(
        root=service.settings.training_root,
        data_dir=service.settings.data_dir,
        service=service,
        tell=progress.tell,
        is_stopped=progress.is_stopped,
        by=job.asked_by,
    )

    def settle(act: Callable[..., None], **values: Any) -> None:
        service.database.write_now(lambda tx: act(tx, job.id, worker, **values))

    try:
        with progress.keeping_the_lease():
            result = RUNS[job.kind](work, job.params)
        settle(jobs.finish, result=result)
    except (Ending, SystemExit):
        settle(jobs.give_back)
        raise
    except Stopped:
        settle(jobs.note_stopped)
    except jobs.JobTaken:
        log.warning("job_taken_by_another")
    except TrainingFailed:
        settle(jobs.fail, fault=TRAINING_FAULT)
    except WaymarkError as refusal:
        settle(jobs.fail, fault=str(refusal) or type(refusal).__name__)
    except Exception as fault:
        log.exception("job_failed")
        settle(jobs.fail, fault=UNKNOWN_FAULT.format(error=type(fault).__name__))


def main() -> None:
    keep_memory_private()
    configure_logs("jobs")
    service = build_service(Settings.from_env(os.environ))
    ending = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        ending.set()

    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, end)
    try:
        run_jobs(service, ending=ending)
    finally:
        service.database.close()


if __name__ == "__main__":
    main()
