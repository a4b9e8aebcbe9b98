"""A Rasa process to be measured, the actions beside it, Waymark's own Rasa as one of them, and what drives a bench."""

import asyncio
import ctypes
import json
import os
import secrets
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from aiohttp import ClientError, ClientSession, ClientTimeout, web

from actions.reads import AssistantView, SupportService
from actions.server import SECRET_HEADER, build_actions_app
from casework.model.errors import WaymarkError
from casework.model.standings import Standing
from launcher.processes import end_process
from launcher.processes import find_free_port as find_free_port
from launcher.training import Model, rasa_environ

READY_SECONDS = 400.0
TURN_SECONDS = 60.0
# Stock Rasa posts its whole tracker with every action call; at the service's own limit it would be refused.
MAX_ACTION_CALL_BYTES = 64 * 1024 * 1024


class BenchFailed(WaymarkError):
    """Something could not be measured; the message says what and why."""


class Talker(Protocol):
    """One Rasa process with any number of conversations, each kept as its own kind of Rasa keeps it."""

    pid: int

    async def say(self, conversation: str, text: str) -> bool:
        """One turn. Whether it was answered; raises BenchFailed where silence is a fault."""

    def size_bytes(self, conversation: str) -> int:
        """What is kept of the conversation between two turns."""


@dataclass
class WaymarkTalker:
    """Speaks the turn contract; the state of a conversation is what the last turn gave back."""

    pid: int
    session: ClientSession
    address: str
    secret: str
    states: dict[str, Any] = field(default_factory=dict)
    turns: int = 0

    async def say(self, conversation: str, text: str) -> bool:
        self.turns += 1
        asked = {
            "turn_id": f"turn-{self.turns}",
            "conversation": conversation,
            "text": text,
            "state": self.states.get(conversation),
            "facts": {"channel": "sms", "standing": "unknown", "code_pending": False},
        }
        headers = {SECRET_HEADER: self.secret}
        async with self.session.post(f"{self.address}/webhooks/turn", json=asked, headers=headers) as answer:
            body = await answer.json()
        if answer.status != 200:
            raise BenchFailed(f"Turn {self.turns} was not answered: {answer.status} {body.get('code')}")
        self.states[conversation] = body["state"]
        return bool(body["replies"])

    def size_bytes(self, conversation: str) -> int:
        return len(json.dumps(self.states[conversation], ensure_ascii=False, separators=(",", ":")).encode())


@dataclass(frozen=True, kw_only=True)
class ActionsBeside:
    url: str
    secret: str

    def environ(self) -> dict[str, str]:
        return rasa_environ(WAYMARK_TURN_SECRET=self.secret, WAYMARK_ACTIONS_URL=self.url)


class NothingProved:
    """The reads of a person who has proved nothing and of a service with no support list."""

    async def read_view(self, conversation_id: str, *, as_if_code: str | None = None) -> AssistantView:
        return AssistantView(standing=Standing.UNKNOWN)

    async def would_accept_code(self, conversation_id: str, code: str) -> bool:
        return False

    async def find_support(self, crime_type: str | None, *, topic: str | None = None) -> list[SupportService]:
        return []


@asynccontextmanager
async def actions_beside() -> AsyncIterator[ActionsBeside]:
    """The real actions in this process, so that their CPU is not counted as Rasa's."""
    secret = secrets.token_urlsafe(32)
    app = web.Application(client_max_size=MAX_ACTION_CALL_BYTES)
    app.add_subapp("/bench", build_actions_app(NothingProved(), secret))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    port = find_free_port()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield ActionsBeside(url=f"http://127.0.0.1:{port}/bench/actions", secret=secret)
    finally:
        await runner.cleanup()


@asynccontextmanager
async def running_waymark(
    root: Path, model: Model, beside: ActionsBeside, log: Path
) -> AsyncIterator[Talker]:
    """Started as `./waymark up` starts it."""
    arguments = ["--model", str(model.path), "--credentials", "bot/credentials.yml"]
    arguments += ["--endpoints", "endpoints.yml"]
    async with running_rasa(root, arguments, beside.environ(), log, ready="/webhooks/turn/ready") as rasa:
        yield WaymarkTalker(rasa.pid, rasa.session, rasa.address, beside.secret)


@dataclass(frozen=True)
class RunningRasa:
    pid: int
    address: str
    session: ClientSession


@asynccontextmanager
async def running_rasa(
    root: Path, arguments: Sequence[str], environ: Mapping[str, str], log: Path, *, ready: str
) -> AsyncIterator[RunningRasa]:
    """`rasa run` on a free port, once `ready` answers 200; ended on the way out, whatever happened."""
    port = find_free_port()
    given = ("run", "--interface", "127.0.0.1", "--port", str(port), *arguments)
    process = await start_rasa(root, given, environ, log)
    try:
        async with ClientSession(timeout=ClientTimeout(TURN_SECONDS)) as session:
            rasa = RunningRasa(process.pid, f"http://127.0.0.1:{port}", session)
            await _wait_ready(rasa, ready, process, log)
            yield rasa
    finally:
        await end_process(process)


async def start_rasa(
    root: Path, arguments: Sequence[str], environ: Mapping[str, str], log: Path
) -> asyncio.subprocess.Process:
    """`python -m rasa ...` in the assistant's environment, its output in `log`."""
    python = root / "bot" / ".venv" / "bin" / "python"
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        return await asyncio.create_subprocess_exec(
            *(str(python), "-m", "rasa", *arguments),
            cwd=root,
            env=dict(environ),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            preexec_fn=_die_with_parent,
        )
    finally:
        os.close(descriptor)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


async def _wait_ready(rasa: RunningRasa, path: str, process: asyncio.subprocess.Process, log: Path) -> None:
    started = time.monotonic()
    while time.monotonic() - started < READY_SECONDS:
        if process.returncode is not None:
            raise BenchFailed(f"Rasa stopped while starting. The end of its log:\n{end_of(log)}")
        try:
            async with rasa.session.get(rasa.address + path) as answer:
                if answer.status == 200:
                    return
        except ClientError:
            pass
        await asyncio.sleep(0.2)
    raise BenchFailed(f"Rasa was not ready in {READY_SECONDS:.0f} s. The end of its log:\n{end_of(log)}")


async def run_driver(root: Path, module: str, orders: Mapping[str, Any]) -> Any:
    """`python -m MODULE`, a process of its own: its orders go in as JSON, and what it saw comes back so.

    It ends with whoever gave the orders. Raises BenchFailed where it fails.
    """
    driver = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module),
        cwd=root,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        said, _ = await driver.communicate(json.dumps(orders).encode())
    finally:
        if driver.returncode is None:
            driver.kill()
            await driver.wait()
    if driver.returncode != 0:
        raise BenchFailed(f"The driver ended with code {driver.returncode}.")
    return json.loads(said)


def end_on_sigterm() -> None:
    """As Ctrl-C does: what a bench started ends with it, and its folder goes."""
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))


def end_of(log: Path) -> str:
    return "\n".join(f"  {line}" for line in log.read_text(errors="replace").splitlines()[-8:])


def read_cpu_ns(pid: int) -> int:
    """User and system time of a process with all its threads, living and gone, in nanoseconds."""
    clock = ctypes.c_int()
    if ctypes.CDLL(None).clock_getcpuclockid(pid, ctypes.byref(clock)) != 0:
        raise BenchFailed(f"There is no process {pid} to measure; it stopped.")
    return time.clock_gettime_ns(clock.value)
