"""Gateway, desk and actions, each on a port of its own; together in one process or apart.

    python -m launcher.serve [gateway] [desk] [actions]

All three unless some are named. Nothing is shared between them but the service's parts. On SIGTERM they say that they
are not ready any more, wait for whoever sends them work to notice, finish what they have, and end.
"""

import asyncio
import os
import signal
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

import structlog
from aiohttp import web

from casework.adapters.credentials import take_credentials
from casework.adapters.health import InHand, add_health_routes, close_server, say_when_leaving
from casework.adapters.logs import configure_logs
from casework.adapters.metrics_page import MetricsPage
from casework.adapters.own_process import keep_memory_private
from casework.adapters.process_settings import ProcessSettings
from casework.adapters.service import Service
from casework.adapters.settings import Settings
from casework.adapters.traces import configure_traces
from casework.bootstrap import build_service
from channels.runner import make_runner

log = structlog.get_logger()

PROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"
GATEWAY, DESK, ACTIONS = "gateway", "desk", "actions"
SWITCH_SECONDS = 0.001
PARTS = (GATEWAY, DESK, ACTIONS)


async def serve(
    service: Service, parts: Sequence[str], *, process: ProcessSettings, stop: asyncio.Event
) -> None:
    """Listens with each of `parts` until `stop`, and a little longer."""
    servers = [await _listen_with(part, service, process, stop) for part in parts]
    await stop.wait()
    log.info("server_leaving", seconds=process.leave_seconds)
    await asyncio.sleep(process.leave_seconds)
    await asyncio.gather(*(close_server(*server) for server in servers))


async def _listen_with(
    part: str, service: Service, process: ProcessSettings, stop: asyncio.Event
) -> tuple[web.AppRunner, InHand]:
    # Each brings in what it needs and no more: what the others bring takes memory that it needs for its readers.
    settings = service.settings
    if part == GATEWAY:
        from channels.gateway import build_gateway_app

        return await _listen(build_gateway_app(service), process.host, settings.port, stop)
    if part == DESK:
        from console.app import build_console_app

        return await _listen(build_console_app(service), process.host, settings.console_port, stop)
    # Reached by Rasa, and by nobody of the outside.
    return await _listen(_build_actions(service), process.private_host, settings.private_port, stop)


def _build_actions(service: Service) -> web.Application:
    from actions.database_reads import DatabaseReads
    from actions.server import build_actions_app

    page = MetricsPage(service.database, _find_build(service))
    actions = build_actions_app(
        DatabaseReads(service),
        service.settings.turn_secret,
        today=lambda: service.clock.now().date(),
        metrics=page.read,
    )
    add_health_routes(actions, service)
    return actions


def _find_build(service: Service) -> dict[str, str]:
    project = tomllib.loads(PROJECT.read_text())["project"]
    return {"version": project["version"], "database": service.database.engine.dialect.name}


async def _listen(
    app: web.Application, host: str, port: int, stop: asyncio.Event
) -> tuple[web.AppRunner, InHand]:
    in_hand = say_when_leaving(app, stop)
    runner = make_runner(app)
    await runner.setup()
    await web.TCPSite(runner, host, port, reuse_address=True).start()
    return runner, in_hand


async def main(parts: Sequence[str]) -> None:
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        sys.exit(f"There is no {unknown[0]!r} to serve. Name some of: {', '.join(PARTS)}.")
    keep_memory_private()
    take_credentials(os.environ)
    configure_logs(parts[0])
    configure_traces(os.environ, parts[0])
    # A thread that reads hundreds of rows must not keep the loop, which has everybody to serve, waiting at every step.
    sys.setswitchinterval(SWITCH_SECONDS)
    service = build_service(Settings.from_env(os.environ), goes_first=GATEWAY in parts)
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    await serve(service, parts, process=ProcessSettings.from_env(os.environ), stop=stop)
    service.database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:] or PARTS))
