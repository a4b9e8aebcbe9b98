"""The long work of the workbench: asked for on a page, done by a process beside it, one of a kind at a time.

Whoever does it holds a lease and tells how far it is. A worker that dies tells nothing more: its lease ends and the
work is begun again, once; the second time it is called failed, in words.
"""

from datetime import timedelta

from casework.model.errors import WaymarkError
from casework.services.job_ports import Job, JobKind, JobStatus, JsonObject
from casework.services.ports import Transaction

LEASE = timedelta(seconds=60)
COMMAND = "command:"
"""How a worker's name begins that is a person's command line: nobody takes its work over."""
LONGEST_SAYS = 200
LONGEST_FAULT = 500
BEGUN_AGAIN = "It stopped without a word and was begun again."
STOPPED_TWICE = "It stopped twice without a word. The end of logs/jobs.log in the data folder may say why."
COMMAND_GONE = "The command that ran it is gone. Ask for it again."


class JobNotFound(WaymarkError):
    """No job has this id."""


class JobUnfinished(WaymarkError):
    """One of this kind waits or runs already: `job_id` is that one."""

    def __init__(self, kind: JobKind, job_id: str) -> None:
        super().__init__(f"A job of this kind ({kind.value}) is not finished yet. Wait for it, or stop it.")
        self.job_id = job_id


class JobTaken(WaymarkError):
    """The lease is over and somebody else has the job: what this worker does counts no more."""


def ask(tx: Transaction, kind: JobKind, params: JsonObject, *, by: str) -> str:
    """Queues it; its id. `params`: ids and numbers alone. Raises JobUnfinished."""
    job_id = tx.jobs.add(kind, params, by=by)
    if job_id is None:
        unfinished = tx.jobs.find_unfinished(kind)
        raise JobUnfinished(kind, unfinished.id if unfinished else "")
    tx.audit.record("job_asked", by=by, thing=job_id)
    return job_id


def begin(tx: Transaction, kind: JobKind, params: JsonObject, *, by: str, worker: str) -> Job:
    """Asks and leases at once, for a command that does the work itself. Raises JobUnfinished."""
    job_id = ask(tx, kind, params, by=by)
    tx.jobs.lease(job_id, f"{COMMAND}{worker}", until=tx.now + LEASE, fault=None)
    return get(tx, job_id)


def get(tx: Transaction, job_id: str) -> Job:
    """Raises JobNotFound."""
    job = tx.jobs.find(job_id)
    if job is None:
        raise JobNotFound(job_id)
    return job


def find_unfinished(tx: Transaction, kind: JobKind) -> Job | None:
    return tx.jobs.find_unfinished(kind)


def list_newest(tx: Transaction, *, limit: int = 20) -> list[Job]:
    return tx.jobs.list_newest(limit=limit)


def ask_if_older(tx: Transaction, kind: JobKind, age: timedelta, *, by: str) -> bool:
    """Asks where none of the kind was asked for that long, and none is unfinished. Whether it did."""
    newest = tx.jobs.find_newest(kind)
    if newest is not None and (not newest.is_finished or newest.asked_at > tx.now - age):
        return False
    ask(tx, kind, {}, by=by)
    return True


def has_next(tx: Transaction) -> bool:
    """Whether a lease would find something to do, or to bury."""
    return tx.jobs.has_next()


def lease(tx: Transaction, worker: str) -> Job | None:
    """The next job, now this worker's for 60 seconds; None where there is none. Buries what died twice."""
    while (job := tx.jobs.find_next()) is not None:
        if job.status is JobStatus.QUEUED:
            tx.jobs.lease(job.id, worker, until=tx.now + LEASE, fault=None)
            return get(tx, job.id)
        if job.stop_asked_at is not None:
            tx.jobs.finish(job.id, None, JobStatus.STOPPED)
        elif (job.leased_by or "").startswith(COMMAND):
            tx.jobs.finish(job.id, None, JobStatus.FAILED, fault=COMMAND_GONE)
        elif job.fault is not None:
            tx.jobs.finish(job.id, None, JobStatus.FAILED, fault=STOPPED_TWICE)
        else:
            tx.jobs.lease(job.id, worker, until=tx.now + LEASE, fault=BEGUN_AGAIN)
            return get(tx, job.id)
    return None


def renew(tx: Transaction, job_id: str, worker: str) -> bool:
    """Another 60 seconds; whether it may go on (False: somebody asked it to stop). Raises JobTaken."""
    if not tx.jobs.renew(job_id, worker, until=tx.now + LEASE):
        raise JobTaken(job_id)
    return get(tx, job_id).stop_asked_at is None


def progress(tx: Transaction, job_id: str, worker: str, *, says: str, done: int, total: int) -> bool:
    """The same, and how far it is. `says`: a sentence with ids and counts, no word of anybody's."""
    told = {"says": says[:LONGEST_SAYS], "done": done, "total": total}
    if not tx.jobs.renew(job_id, worker, until=tx.now + LEASE, **told):
        raise JobTaken(job_id)
    return get(tx, job_id).stop_asked_at is None


def finish(tx: Transaction, job_id: str, worker: str, *, result: JsonObject) -> None:
    """Done. `result`: ids, counts and codes. Raises JobTaken."""
    _finish(tx, job_id, worker, JobStatus.DONE, result=result, fault=None)


def fail(tx: Transaction, job_id: str, worker: str, *, fault: str, result: JsonObject | None = None) -> None:
    """Failed, with words for whoever asked. Raises JobTaken."""
    _finish(tx, job_id, worker, JobStatus.FAILED, fault=fault[:LONGEST_FAULT], result=result)


def note_stopped(tx: Transaction, job_id: str, worker: str) -> None:
    """The worker has stopped as it was asked to. Raises JobTaken."""
    _finish(tx, job_id, worker, JobStatus.STOPPED)


def _finish(tx: Transaction, job_id: str, worker: str, status: JobStatus, **values: object) -> None:
    if not tx.jobs.finish(job_id, worker, status, **values):
        raise JobTaken(job_id)


def give_back(tx: Transaction, job_id: str, worker: str) -> None:
    """The worker is ending in good order: whoever comes next begins it anew. Raises JobTaken."""
    if not tx.jobs.give_back(job_id, worker):
        raise JobTaken(job_id)


def stop(tx: Transaction, job_id: str, *, by: str) -> bool:
    """One that waits is stopped at once, one that runs is asked to. False where it is finished. Raises JobNotFound."""
    job = get(tx, job_id)
    if job.is_finished:
        return False
    if job.status is JobStatus.QUEUED:
        tx.jobs.finish(job_id, None, JobStatus.STOPPED)
    else:
        tx.jobs.ask_stop(job_id)
    tx.audit.record("job_stop_asked", by=by, thing=job_id)
    return True
