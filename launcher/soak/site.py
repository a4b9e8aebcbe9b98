"""The run's processes: started, killed, frozen and thawed one by one; whatever dies by itself is started again."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from casework.model.errors import WaymarkError
from launcher import processes

READY_SECONDS = 90.0
AGAIN_SECONDS = 0.5
LOOK_SECONDS = 0.1
IsReady = Callable[[], Awaitable[bool]]


class SoakFailed(WaymarkError):
    """The run could not be made, or not to its end: its figures say nothing. The message says why."""


@dataclass(frozen=True, kw_only=True)
class Program(processes.Program):
    """`user`: the system user it runs as; None: ours. `is_ready`: whether it can be spoken to, asked until it can."""

    user: str | None = None
    is_ready: IsReady | None = None


class Site:
    """Everything that runs. Each program has a log of its own in `logs`; none outlives this process."""

    def __init__(self, root: Path, logs: Path) -> None:
        self._root = root
        self._logs = logs
        self._programs: dict[str, Program] = {}
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self._down: set[str] = set()  # wanted so: nobody starts it again
        self._killed: set[int] = set()  # by us
        self.died: Counter[str] = Counter()  # by itself
        logs.mkdir(parents=True, exist_ok=True)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._programs)

    def find_pid(self, name: str) -> int | None:
        process = self._running.get(name)
        return None if process is None or process.returncode is not None else process.pid

    async def start(self, program: Program) -> None:
        """Returns when it can be spoken to; from then on it is kept running."""
        self._programs[program.name] = program
        await self._spawn(program)
        await self._wait_ready(program)
        self._keepers[program.name] = asyncio.create_task(self._keep(program))

    async def kill(self, name: str, *, how: signal.Signals = signal.SIGKILL) -> None:
        """At once; it stays down until `start_again`."""
        process = self._running[name]
        self._down.add(name)
        self._killed.add(process.pid)
        with suppress(ProcessLookupError):
            process.send_signal(how)
        await process.wait()

    def start_again(self, name: str) -> None:
        self._down.discard(name)

    def freeze(self, name: str) -> None:
        self._signal(name, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        self._signal(name, signal.SIGCONT)

    async def wait_all_ready(self) -> None:
        for program in self._programs.values():
            await self._wait_ready(program)

    async def stop(self) -> None:
        """At once: what was to be learnt from them has been read."""
        for keeper in self._keepers.values():
            keeper.cancel()
        await asyncio.gather(*self._keepers.values(), return_exceptions=True)
        for name, process in self._running.items():
            self.thaw(name)
            with suppress(ProcessLookupError):
                # A server that runs as another user is told, so that it takes its own processes with it.
                process.send_signal(signal.SIGKILL if self._programs[name].user is None else signal.SIGQUIT)
        await asyncio.gather(*(each.wait() for each in self._running.values()))

    async def _keep(self, program: Program) -> None:
        while True:
            process = self._running[program.name]
            await process.wait()
            if process.pid not in self._killed:
                self.died[program.name] += 1
            await asyncio.sleep(AGAIN_SECONDS)
            await until(lambda: program.name not in self._down)
            await self._spawn(program)

    async def _spawn(self, program: Program) -> None:
        self._running[program.name] = await processes.spawn(
            program, root=self._root, logs=self._logs, user=program.user
        )

    async def _wait_ready(self, program: Program) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while program.is_ready is not None and not await program.is_ready():
            if time.monotonic() > deadline:
                end = (self._logs / f"{program.name}.log").read_text(errors="replace")[-2000:]
                raise SoakFailed(f"{program.name} was not ready within {READY_SECONDS:.0f} s:\n{end}")
            await asyncio.sleep(LOOK_SECONDS)

    def _signal(self, name: str, what: signal.Signals) -> None:
        """To it and to whatever it started: a database is one process for each who is logged in."""
        pid = self.find_pid(name)
        if pid is None:
            return
        for each in (pid, *list_children(pid)):
            with suppress(ProcessLookupError):
                os.kill(each, what)


async def until(is_so: Callable[[], bool]) -> None:
    """Looks ten times a second: what is waited for is counted in many places, and none of them rings a bell."""
    while not is_so():  # noqa: ASYNC110
        await asyncio.sleep(LOOK_SECONDS)


def list_children(pid: int) -> list[int]:
    """Processes it started and that still run; Linux."""
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
