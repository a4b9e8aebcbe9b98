"""The jobs of the workbench. That one of a kind is unfinished at most is the database's word, not a check's."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.statements import insert, lock_rows, new_id
from casework.adapters.storage.workbench_tables import workbench_job
from casework.services.job_ports import UNFINISHED, Job, JobKind, JobStatus, JsonObject

# As the index has it, for the planner to see.
IS_UNFINISHED = sa.text(f"workbench_job.status IN ({', '.join(repr(status.value) for status in UNFINISHED)})")


class SqlJobs:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def add(self, kind: JobKind, params: JsonObject, *, by: str) -> str | None:
        statement = insert(self._connection, workbench_job).values(
            id=new_id(),
            kind=kind.value,
            params=params,
            status=JobStatus.QUEUED.value,
            asked_by=by,
            asked_at=self._now,
            done=0,
            total=0,
            says="",
        )
        made = self._connection.execute(statement.on_conflict_do_nothing().returning(workbench_job.c.id))
        job_id: str | None = made.scalar()
        return job_id

    def find(self, job_id: str) -> Job | None:
        return self._one(sa.select(workbench_job).where(workbench_job.c.id == job_id))

    def find_unfinished(self, kind: JobKind) -> Job | None:
        return self._one(sa.select(workbench_job).where(workbench_job.c.kind == kind.value, IS_UNFINISHED))

    def list_newest(self, *, limit: int) -> list[Job]:
        query = sa.select(workbench_job).order_by(workbench_job.c.asked_at.desc(), workbench_job.c.id.desc())
        return [_job(row) for row in self._connection.execute(query.limit(limit))]

    def find_newest(self, kind: JobKind) -> Job | None:
        query = sa.select(workbench_job).where(workbench_job.c.kind == kind.value)
        return self._one(query.order_by(workbench_job.c.asked_at.desc(), workbench_job.c.id.desc()).limit(1))

    def has_next(self) -> bool:
        return self._one(self._next()) is not None

    def find_next(self) -> Job | None:
        return self._one(lock_rows(self._connection, self._next(), workbench_job))

    def _next(self) -> sa.Select[Any]:
        is_left = sa.or_(
            workbench_job.c.status == JobStatus.QUEUED.value, workbench_job.c.lease_until < self._now
        )
        query = sa.select(workbench_job).where(IS_UNFINISHED, is_left)
        return query.order_by(workbench_job.c.asked_at, workbench_job.c.id).limit(1)

    def lease(self, job_id: str, worker: str, *, until: datetime, fault: str | None) -> None:
        started = sa.func.coalesce(workbench_job.c.started_at, self._now)
        self._connection.execute(
            sa.update(workbench_job)
            .where(workbench_job.c.id == job_id)
            .values(
                status=JobStatus.RUNNING.value,
                leased_by=worker,
                lease_until=until,
                started_at=sa.type_coerce(started, workbench_job.c.started_at.type),
                fault=fault,
                done=0,
                total=0,
            )
        )

    def renew(self, job_id: str, worker: str, *, until: datetime, **values: Any) -> bool:
        changed = self._connection.execute(
            sa.update(workbench_job)
            .where(workbench_job.c.id == job_id, workbench_job.c.leased_by == worker, IS_UNFINISHED)
            .values(lease_until=until, **values)
        )
        return changed.rowcount == 1

    def give_back(self, job_id: str, worker: str) -> bool:
        changed = self._connection.execute(
            sa.update(workbench_job)
            .where(workbench_job.c.id == job_id, workbench_job.c.leased_by == worker, IS_UNFINISHED)
            .values(status=JobStatus.QUEUED.value, leased_by=None, lease_until=None)
        )
        return changed.rowcount == 1

    def finish(self, job_id: str, worker: str | None, status: JobStatus, **values: Any) -> bool:
        statement = sa.update(workbench_job).where(workbench_job.c.id == job_id, IS_UNFINISHED)
        if worker is not None:
            statement = statement.where(workbench_job.c.leased_by == worker)
        changed = self._connection.execute(
            statement.values(
                status=status.value, finished_at=self._now, leased_by=None, lease_until=None, **values
            )
        )
        return changed.rowcount == 1

    def ask_stop(self, job_id: str) -> None:
        self._connection.execute(
            sa.update(workbench_job)
            .where(workbench_job.c.id == job_id, IS_UNFINISHED)
            .values(stop_asked_at=sa.func.coalesce(workbench_job.c.stop_asked_at, self._now))
        )

    def _one(self, query: sa.Select[Any]) -> Job | None:
        row = self._connection.execute(query).first()
        return None if row is None else _job(row)


def _job(row: Any) -> Job:
    return Job(
        id=row.id,
        kind=JobKind(row.kind),
        params=row.params,
        status=JobStatus(row.status),
        asked_by=row.asked_by,
        asked_at=row.asked_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        stop_asked_at=row.stop_asked_at,
        done=row.done,
        total=row.total,
        says=row.says,
        result=row.result,
        fault=row.fault,
        leased_by=row.leased_by,
        lease_until=row.lease_until,
    )
