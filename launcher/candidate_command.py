"""`./waymark train --candidate`: what the workbench's job does, from the command line, told as it goes."""

import os
import sys
import threading

from casework.adapters.service import Service
from casework.services import workbench_jobs as jobs
from casework.services.job_ports import JobKind
from casework.services.model_releases import LAUNCHER
from launcher.candidates import JobWork, judge_and_sign, train_candidate
from launcher.evaluate_gates import tell_verdict
from launcher.workbench_jobs import Progress

NEXT = (
    "Next: open what it newly gets wrong at /workbench/models, then ./waymark promote {model_id} --by LOGIN"
)


def run_train_candidate(service: Service) -> int:
    """Trains, measures, judges, signs. 0 where every gate passed, 1 where not.

    Raises JobUnfinished while the workbench does the same.
    """
    job = service.database.write_now(
        lambda tx: jobs.begin(tx, JobKind.TRAIN, {}, by=LAUNCHER, worker=str(os.getpid()))
    )
    worker = job.leased_by or ""
    progress = Progress(service, job, worker, threading.Event())
    work = JobWork(
        root=service.settings.training_root,
        data_dir=service.settings.data_dir,
        service=service,
        tell=_Telling(progress),
        is_stopped=progress.is_stopped,
    )
    try:
        with progress.keeping_the_lease():
            birth = train_candidate(work)
            print(f"Trained {birth.model_id}")
            verdict = judge_and_sign(work, birth.model_id)
    except BaseException as fault:
        # Not its words: they stand on this terminal, and the record is read by others.
        said = f"The command ended with {type(fault).__name__}."
        service.database.write_now(lambda tx: jobs.fail(tx, job.id, worker, fault=said))
        raise
    result = {"model_id": birth.model_id, "passed": verdict.passed}
    service.database.write_now(lambda tx: jobs.finish(tx, job.id, worker, result=result))
    print("\n".join(tell_verdict(verdict)))
    if verdict.passed:
        print(NEXT.format(model_id=birth.model_id))
    return 0 if verdict.passed else 1


class _Telling:
    """On standard error too: each step once, and how far it is about every tenth."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._said = ""

    def __call__(self, says: str, done: int, total: int) -> None:
        self._progress.tell(says, done, total)
        tenth = 10 * done // total if total else 0
        line = f"      {says}" + (f", {10 * tenth} %" if total else "")
        if line != self._said:
            self._said = line
            print(line, file=sys.stderr, flush=True)
