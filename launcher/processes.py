"""Starting processes, watching them, and starting again what died."""

import asyncio
import contextlib
import ctypes
import json
import os
import signal
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

LONGEST_PAUSE_SECONDS = 10.0
CALM_AFTER_SECONDS = 30.0
STOP_SECONDS = 8.0
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, kw_only=True)
class Program:
    """One process to keep alive."""

    name: str
    command: tuple[str, ...]
    environ: Mapping[str, str]
    niceness: int = 0  # above 0 it gives way where processors are short
    folder: Path | None = None  # where it starts; None: at the root


class Supervisor:
    """Keeps programs running; their output goes to a log each, their ids to `run.json`."""

    def __init__(self, *, root: Path, data_dir: Path, addresses: Mapping[str, str]) -> None:
        self._root = root
        self._logs = data_dir / "logs"
        self._run_file = data_dir / "run.json"
        self._addresses = dict(addresses)
        self._pids: dict[str, int] = {}
        self._restarts: dict[str, int] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._logs.mkdir(parents=True, exist_ok=True)

    def start(self, program: Program) -> None:
        self._tasks[program.name] = asyncio.create_task(self._keep(program))

    async def stop_one(self, name: str) -> None:
        """Ends one of them for good; its name may be started again. Nothing happens where none runs."""
        task = self._tasks.pop(name, None)
        if task is None:
            return
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if self._pids.pop(name, None) is not None:
            self._write_run_file()

    async def stop(self) -> None:
        """Asks each to finish, then insists."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        self._run_file.unlink(missing_ok=True)

    async def _keep(self, program: Program) -> None:
        pause = 0.2
        while True:
            started = time.monotonic()
            process = await self._spawn(program)
            try:
                code = await process.wait()
            except asyncio.CancelledError:
                await end_process(process)
                raise
            if time.monotonic() - started > CALM_AFTER_SECONDS:
                pause = 0.2
            print(f"{program.name} stopped ({_words(code)}); starting it again", flush=True)
            self._restarts[program.name] = self._restarts.get(program.name, 0) + 1
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _spawn(self, program: Program) -> asyncio.subprocess.Process:
        process = await spawn(program, root=self._root, logs=self._logs)
        self._pids[program.name] = process.pid
        self._write_run_file()
        return process

    def _write_run_file(self) -> None:
        content = {
            "launcher": os.getpid(),
            "addresses": self._addresses,
            "pids": self._pids,
            "restarts": self._restarts,
        }
        new = self._run_file.with_suffix(".new")
        new.write_text(json.dumps(content, indent=1) + "\n")
        new.replace(self._run_file)


async def spawn(
    program: Program, *, root: Path, logs: Path, user: str | None = None
) -> asyncio.subprocess.Process:
    """Starts it once; its output goes to the end of `NAME.log` in `logs`. `user`: of the system; None: ours."""
    with (logs / f"{program.name}.log").open("ab") as log:
        return await asyncio.create_subprocess_exec(
            *program.command,
            cwd=program.folder or root,
            env=dict(program.environ),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=partial(prepare_child, program.niceness),
            user=user,
            group=user,
            extra_groups=None if user is None else [],
        )


def prepare_child(niceness: int) -> None:
    """For `preexec_fn`: how a process of ours begins."""
    os.nice(niceness)
    # If the launcher itself is killed nothing of it may live on and hold the ports. Linux only.
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    # Ctrl-C reaches the whole group; only the launcher decides when each stops.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


async def end_process(process: asyncio.subprocess.Process) -> None:
    """Asks it to finish, then insists."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _words(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"code {code}"
