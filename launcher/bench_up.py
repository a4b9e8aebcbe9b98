"""`./waymark up` under a bench: started as an operator starts it, with the sandbox provider."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from launcher.bench_processes import group_processes
from launcher.bench_rasa import BenchFailed, end_of
from launcher.processes import Program, find_free_port, spawn

LAUNCHER, SANDBOX = "launcher", "sandbox"
READY_SECONDS = 400.0
STOP_SECONDS = 60.0
LOOK_SECONDS = 0.05
# A real number sends one segment a second; what is to be measured is the service.
UNPACED = {"WAYMARK_SMS_SEGMENTS_PER_SECOND": "2000"}


@dataclass(frozen=True, kw_only=True)
class RunningUp:
    """A started `./waymark up`. `started`: the moment before it was started, `time.monotonic`."""

    data_dir: Path
    addresses: Mapping[str, str]
    private: str
    started: float

    def groups(self) -> dict[str, list[int]]:
        """Its processes by their names in run.json, and the launcher itself."""
        run = json.loads((self.data_dir / "run.json").read_text())
        return group_processes({LAUNCHER: run["launcher"], **run["pids"]})

    @property
    def keys(self) -> Mapping[str, str]:
        """What the sandbox provider signs with."""
        found: dict[str, str] = json.loads((self.data_dir / "keys" / "local.json").read_text())
        return found


@asynccontextmanager
async def starting_up(
    root: Path, data_dir: Path, *, database_url: str | None = None
) -> AsyncIterator[tuple[RunningUp, asyncio.subprocess.Process]]:
    """`./waymark up` on free ports in that data folder, just begun; ended on the way out. Sandbox only.

    Nothing of the shell's own settings reaches it: no real account is ever used.
    """
    public, console, private, spool = (find_free_port() for _ in range(4))
    ours = ("WAYMARK_", "TWILIO_", "TELEGRAM_")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    environ |= UNPACED | {
        "WAYMARK_ROOT": str(root),
        "PYTHONPATH": str(root),
        "WAYMARK_PRIVATE_PORT": str(private),
        "WAYMARK_SPOOL_PORT": str(spool),
    }
    if database_url:
        environ["WAYMARK_DATABASE_URL"] = database_url
    os.makedirs(data_dir, exist_ok=True)
    command = (sys.executable, "-m", "launcher", "up", "--data-dir", str(data_dir))
    ports = ("--port", str(public), "--console-port", str(console))
    started = time.monotonic()
    up = Program(name="up", command=(*command, *ports), environ=environ)
    process = await spawn(up, root=root, logs=data_dir)
    running = RunningUp(
        data_dir=data_dir,
        addresses={
            "gateway": f"http://127.0.0.1:{public}",
            "desk": f"http://127.0.0.1:{console}",
            "spool": f"http://127.0.0.1:{spool}",
        },
        private=f"http://127.0.0.1:{private}",
        started=started,
    )
    try:
        yield running, process
    finally:
        await _stop(process)


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()


@asynccontextmanager
async def running_up(
    root: Path, data_dir: Path, *, database_url: str | None = None
) -> AsyncIterator[RunningUp]:
    """The same, once everything is ready. The first start of a folder without a current model trains one."""
    async with starting_up(root, data_dir, database_url=database_url) as (running, process):
        await wait_ready(running, process)
        yield running


async def wait_ready(running: RunningUp, process: asyncio.subprocess.Process) -> None:
    """Until the gateway and the desk say so. Raises BenchFailed with the end of the log."""
    async with aiohttp.ClientSession(trust_env=False) as http:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and process.returncode is None:
            parts = await ask_ready(http, running)
            if parts.get("ready") and parts.get("desk"):
                return
            await asyncio.sleep(LOOK_SECONDS)
    raise BenchFailed(
        f"./waymark up was not ready. The end of its log:\n{end_of(running.data_dir / 'up.log')}"
    )


async def ask_ready(http: aiohttp.ClientSession, running: RunningUp) -> dict[str, bool]:
    """What the gateway says of each part, and whether it, the desk, the spool and the actions answer."""
    parts: dict[str, bool] = {"gateway": False}
    try:
        async with http.get(f"{running.addresses['gateway']}/health/ready") as answer:
            parts = {name: value is True for name, value in (await answer.json()).items()}
            parts["gateway"] = True
    except (aiohttp.ClientError, TimeoutError, ValueError):
        pass
    parts["desk"] = await is_there(http, f"{running.addresses['desk']}/health/live")
    parts["spool"] = await is_there(http, f"{running.addresses['spool']}/health/live")
    parts["actions"] = await is_there(http, running.private)
    return parts


async def is_there(http: aiohttp.ClientSession, url: str) -> bool:
    """Whether somebody answers there, whatever they say."""
    try:
        async with http.get(url):
            return True
    except (aiohttp.ClientError, TimeoutError):
        return False
