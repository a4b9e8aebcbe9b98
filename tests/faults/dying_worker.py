"""A real worker process that kills itself with SIGKILL at one chosen statement of a message's life.

    python -m tests.faults.dying_worker finish_turn:before

`before`: the statement ran, its transaction was not committed. `after`: it was committed, and nothing since.
"""

import asyncio
import os
import signal
import sys
from typing import Any

import sqlalchemy as sa

from casework.adapters.settings import Settings
from casework.bootstrap import build_service
from channels.worker import run_worker

# What each step writes, recognised by its statement and one of its values.
STEPS: dict[str, tuple[str, str]] = {
    "lease_turn": ("UPDATE turn SET", "leased"),
    "finish_turn": ("UPDATE turn SET", "done"),
    "lease_send": ("UPDATE outbox SET", "sending"),
    "record_send": ("UPDATE outbox SET", "sent"),
    "issue_code": ("UPDATE code_request SET", "issued"),
}


def die_at(engine: sa.Engine, step: str, when: str) -> None:
    """Arms the engine: the process ends at the first commit that carries the step."""
    statement_starts, value = STEPS[step]
    armed: set[Any] = set()

    def notice(connection: sa.Connection, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        written = values.values() if isinstance(values, dict) else values
        if statement.startswith(statement_starts) and value in list(written):
            armed.add(connection.connection.dbapi_connection)

    def before_commit(connection: sa.Connection) -> None:
        if when == "before" and connection.connection.dbapi_connection in armed:
            os.kill(os.getpid(), signal.SIGKILL)

    def after_commit(dbapi_connection: Any, _record: Any) -> None:
        if when == "after" and dbapi_connection in armed:
            os.kill(os.getpid(), signal.SIGKILL)

    sa.event.listen(engine, "after_cursor_execute", notice)
    sa.event.listen(engine, "commit", before_commit)
    sa.event.listen(engine.pool, "checkin", after_commit)


async def main(point: str) -> None:
    step, _, when = point.partition(":")
    service = build_service(Settings.from_env(os.environ))
    die_at(service.database.engine, step, when)
    await run_worker(service, stop=asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
