"""`python -m console`: the desk, until SIGTERM."""

import asyncio
import os
import signal
import sys

import structlog
from aiohttp import web

from casework.adapters.logs import configure_logs
from casework.adapters.own_process import keep_memory_private
from casework.adapters.service import Service
from casework.adapters.settings import Settings
from casework.bootstrap import build_service
from casework.model.errors import SettingsInvalid
from console.app import build_console_app

log = structlog.get_logger()

HOST = "127.0.0.1"
SHUTDOWN_SECONDS = 5.0


async def serve(service: Service, *, stop: asyncio.Event) -> None:
    """Serves the desk on this machine only; a TLS proxy stands in front when it is reached from elsewhere."""
    runner = web.AppRunner(build_console_app(service), access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    await web.TCPSite(runner, HOST, service.settings.console_port).start()
    log.info("console_started", port=service.settings.console_port)
    await stop.wait()
    await runner.cleanup()
    log.info("console_stopped")


async def main(service: Service) -> None:
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    await serve(service, stop=stop)
    service.database.close()


if __name__ == "__main__":
    keep_memory_private()
    configure_logs("console")
    try:
        built = build_service(Settings.from_env(os.environ))
    except SettingsInvalid as error:
        sys.exit(str(error))
    asyncio.run(main(built))
