"""What the services need of storage for the long work of the workbench."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

JsonObject = dict[str, Any]


class JobKind(StrEnum):
    """What takes minutes. Of each kind at most one is waiting or running."""

    TRAIN = "train"  # write the data, train, measure, sign
    EVALUATE = "evaluate"
    COMPARE = "compare"
    NEW_WORDS = "new_words"


class JobStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


UNFINISHED = (JobStatus.QUEUED, JobStatus.RUNNING)


@dataclass(frozen=True, kw_only=True)
class Job:
    """`done` of `total` as the work counts (0 of 0: it cannot say); `says`: what it does now; `fault`: why it failed.

    `asked_by`: a staff id, or who it was in a word. None of the words is a victim's. Times aware UTC.
    """

    id: str
    kind: JobKind
    params: JsonObject
    status: JobStatus
    asked_by: str
    asked_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    stop_asked_at: datetime | None
    done: int
    total: int
    says: str
    result: JsonObject | None
    fault: str | None
    leased_by: str | None
    lease_until: datetime | None

    @property
    def is_finished(self) -> bool:
        return self.status not in UNFINISHED


class Jobs(Protocol):
    """`tx.jobs`."""

    def add(self, kind: JobKind, params: JsonObject, *, by: str) -> str | None:
        """None where one of the kind is unfinished."""

    def find(self, job_id: str) -> Job | None: ...

    def find_unfinished(self, kind: JobKind) -> Job | None: ...

    def list_newest(self, *, limit: int) -> list[Job]: ...

    def find_newest(self, kind: JobKind) -> Job | None: ...

    def has_next(self) -> bool:
        """Looked for without holding anything."""

    def find_next(self) -> Job | None:
        """The oldest that waits or whose worker's lease is over, held until the transaction ends."""

    def lease(self, job_id: str, worker: str, *, until: datetime, fault: str | None) -> None: ...

    def renew(self, job_id: str, worker: str, *, until: datetime, **values: Any) -> bool:
        """False where it is not this worker's any more; nothing is written then."""

    def give_back(self, job_id: str, worker: str) -> bool:
        """It waits again. The same."""

    def finish(self, job_id: str, worker: str | None, status: JobStatus, **values: Any) -> bool:
        """The same. `worker` None: whoever has it, or nobody."""

    def ask_stop(self, job_id: str) -> None: ...
