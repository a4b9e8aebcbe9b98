"""Gateway, desk and actions in one process on three ports: the embedded default.

At scale each runs alone; nothing here is shared between them but the service's parts.
"""

import asyncio
import os
import signal

from aiohttp import web

from actions.database_reads import DatabaseReads
from actions.server import build_actions_app
from casework.adapters.logs import configure_logs
from casework.adapters.service import Service
from casework.adapters.settings import Settings
from casework.bootstrap import build_service
from channels.gateway import build_gateway_app
from console.app import build_console_app

LOOPBACK = "127.0.0.1"


async def serve(service: Service, *, host: str, stop: asyncio.Event) -> None:
    settings = service.settings
    actions = build_actions_app(
        DatabaseReads(service), settings.turn_secret, today=lambda: service.clock.now().date()
    )
    runners = [
        await _listen(build_gateway_app(service), host, settings.port),
        await _listen(build_console_app(service), host, settings.console_port),
        # The private listener is reached by Rasa on this machine only.
        await _listen(actions, LOOPBACK, settings.private_port),
    ]
    await stop.wait()
    for runner in runners:
        await runner.cleanup()


async def _listen(app: web.Application, host: str, port: int) -> web.AppRunner:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    await web.TCPSite(runner, host, port, reuse_address=True).start()
    return runner


async def main() -> None:
    configure_logs("serve")
    service = build_service(Settings.from_env(os.environ))
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    await serve(service, host=os.environ.get("WAYMARK_HOST", LOOPBACK), stop=stop)
    service.database.close()


if __name__ == "__main__":
    asyncio.run(main())
