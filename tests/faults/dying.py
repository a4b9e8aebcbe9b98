"""A real process, worker or gateway, that kills itself with SIGKILL at one chosen moment of a message's life.

    python -m tests.faults.dying finish_turn:before

`before`: the statement ran, its transaction was not committed. `after`: it was committed, and nothing since.
`arrive` is of the gateway too: the request is there and no transaction has begun.
"""

import asyncio
import os
import signal
import sys
from typing import Any

import sqlalchemy as sa
from aiohttp import web

from casework.adapters.service import Service
from casework.adapters.settings import Settings
from casework.bootstrap import build_service
from channels.gateway import build_gateway_app
from channels.worker import run_worker

# What each step writes, recognised by how its statement begins and one of its values.
WORKER_STEPS: dict[str, tuple[str, str]] = {
    "lease_turn": ("UPDATE turn SET", "leased"),
    "finish_turn": ("UPDATE turn SET", "done"),
    "lease_send": ("UPDATE outbox SET", "sending"),
    "record_send": ("UPDATE outbox SET", "sent"),
    "issue_code": ("UPDATE code_request SET", "issued"),
}
GATEWAY_STEPS: dict[str, tuple[str, str]] = {"store": ("INSERT INTO inbox", "sms")}
ARRIVE = "arrive:before"
WORKER_POINTS = [f"{step}:{when}" for step in sorted(WORKER_STEPS) for when in ("before", "after")]
GATEWAY_POINTS = [
    ARRIVE,
    *(f"{step}:{when}" for step in sorted(GATEWAY_STEPS) for when in ("before", "after")),
]


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_at(engine: sa.Engine, step: tuple[str, str], when: str) -> None:
    """Arms the engine: the process ends at the first commit that carries the step."""
    statement_starts, value = step
    armed: set[Any] = set()

    def notice(connection: sa.Connection, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        written = values.values() if isinstance(values, dict) else values
        if statement.startswith(statement_starts) and value in list(written):
            armed.add(connection.connection.dbapi_connection)

    def before_commit(connection: sa.Connection) -> None:
        if when == "before" and connection.connection.dbapi_connection in armed:
            die()

    def after_commit(dbapi_connection: Any, _record: Any) -> None:
        if when == "after" and dbapi_connection in armed:
            die()

    sa.event.listen(engine, "after_cursor_execute", notice)
    sa.event.listen(engine, "commit", before_commit)
    sa.event.listen(engine.pool, "checkin", after_commit)


@web.middleware
async def die_on_arrival(request: web.Request, handler: Any) -> web.StreamResponse:
    if request.method == "POST":
        die()
    answer: web.StreamResponse = await handler(request)
    return answer


async def serve_gateway(service: Service, *, dies_on_arrival: bool) -> None:
    app = build_gateway_app(service)
    if dies_on_arrival:
        app.middlewares.insert(0, die_on_arrival)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", service.settings.port, reuse_address=True).start()
    await asyncio.Event().wait()


async def main(point: str) -> None:
    step, _, when = point.partition(":")
    service = build_service(Settings.from_env(os.environ))
    if step in WORKER_STEPS:
        die_at(service.database.engine, WORKER_STEPS[step], when)
        await run_worker(service, stop=asyncio.Event())
    if step in GATEWAY_STEPS:
        die_at(service.database.engine, GATEWAY_STEPS[step], when)
    await serve_gateway(service, dies_on_arrival=point == ARRIVE)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
