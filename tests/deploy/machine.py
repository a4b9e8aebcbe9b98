"""A machine without systemd: the processes that the unit files describe, started and stopped as they say.

Only paths are put in place of others, and ports that are free. In front of the gateways stands a small proxy, as a
force's own would: it gives each connection to the next one that takes it.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from launcher.deployment.units import Unit, read_unit, resolve
from tests.support.running import ROOT, eventually

UNITS = ROOT / "deploy" / "systemd"
STARTING_SECONDS = 60.0


@dataclass
class Machine:
    """`folder` holds what would be in /var/lib/waymark, /run/waymark and /etc/waymark."""

    folder: Path
    settings: dict[str, str]  # waymark.env
    secrets: dict[str, str]  # a file each in /etc/waymark/secrets
    root: Path = ROOT
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def places(self) -> dict[str, str]:
        return {
            "/opt/waymark/.venv/bin/python": sys.executable,
            "/opt/waymark": str(self.root),
            "/etc/waymark/secrets": str(self.folder / "secrets"),
            "/var/lib/waymark": str(self.folder),
            "/run/waymark": str(self.folder / "run"),
        }

    def start(self, name: str, instance: str = "", **changed: str) -> subprocess.Popen[bytes]:
        """The process of `waymark-NAME`, or `waymark-NAME@INSTANCE`. `changed`: as a drop-in would."""
        unit = read_unit(UNITS / f"waymark-{name}{'@' if instance else ''}.service")
        key = f"{name}@{instance}" if instance else name
        process = subprocess.Popen(
            resolve(unit.command, instance=instance, places=self.places),
            cwd=self.root,
            env=self._environ(unit, instance) | changed,
        )
        self.processes[key] = process
        return process

    def _environ(self, unit: Unit, instance: str) -> dict[str, str]:
        given = unit.environment
        values = resolve(given.values(), instance=instance, places=self.places)
        environ = {"PATH": os.environ["PATH"], **self.settings, **dict(zip(given, values, strict=True))}
        return environ | {"CREDENTIALS_DIRECTORY": str(self._put_credentials(unit, instance))}

    def _put_credentials(self, unit: Unit, instance: str) -> Path:
        """As systemd does: each unit sees those it names and no other."""
        folder = self.folder / "credentials" / unit.name.replace("@", f"@{instance}")
        folder.mkdir(parents=True, exist_ok=True)
        for name in unit.credentials:
            (folder / name).write_text(self.secrets[name] + "\n")
        return folder

    def stop(self, key: str, *, within_seconds: float = 30.0) -> int:
        """SIGTERM, and how it ended."""
        process = self.processes.pop(key)
        process.send_signal(signal.SIGTERM)
        return process.wait(timeout=within_seconds)

    def stop_all(self) -> None:
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


async def until_ready(http: aiohttp.ClientSession, *addresses: str, path: str = "/health/ready") -> None:
    async def ready() -> bool:
        try:
            for address in addresses:
                async with http.get(address + path) as answer:
                    if answer.status != 200:
                        return False
        except aiohttp.ClientError:
            return False
        return True

    await eventually(ready, within_seconds=STARTING_SECONDS, what=f"{addresses} being ready")


@asynccontextmanager
async def proxy(port: int, backends: Sequence[int]) -> AsyncIterator[None]:
    """Gives each connection to the next of the ports that takes one."""
    order = list(backends)
    pipes: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for backend in tuple(order):
            order.append(order.pop(0))
            with suppress(OSError):
                far_reader, far_writer = await asyncio.open_connection("127.0.0.1", backend)
                both = [_pipe(reader, far_writer), _pipe(far_reader, writer)]
                for task in map(asyncio.create_task, both):
                    pipes.add(task)
                    task.add_done_callback(pipes.discard)
                return
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()
        for task in tuple(pipes):
            task.cancel()
        await asyncio.gather(*pipes, return_exceptions=True)


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()
