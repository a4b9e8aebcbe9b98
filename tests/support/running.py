"""The whole service as processes, started the way an operator starts it, and the people who use it."""

import asyncio
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import sqlalchemy as sa

from casework.adapters.storage.database import create_engine
from casework.adapters.storage.tables import conversation

ROOT = Path(__file__).parent.parent.parent
ALWAYS_STAFFED = {"WAYMARK_STAFFED_HOURS_FILE": str(Path(__file__).with_name("always_staffed.toml"))}
READY_SECONDS = 240
Found = TypeVar("Found")


# Below those the system gives to whoever asks for any port; a thousand for each test process beside another.
FIRST_PORT, PORTS_EACH = 20_000, 1_000
_asked = itertools.count(os.getpid() * 7)


def free_port() -> int:
    """A port of 127.0.0.1 nobody has, and no test that runs beside this one will be told of."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    for number in itertools.islice(_asked, PORTS_EACH):
        port = FIRST_PORT + worker * PORTS_EACH + number % PORTS_EACH
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError(f"none of the {PORTS_EACH} ports of {worker} is free")


def clean_environ(**more: str) -> dict[str, str]:
    """The shell's variables and `more`, without the service's own: no real account of the shell's is ever used."""
    ours = ("WAYMARK_", "TWILIO_", "TELEGRAM_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)} | more


@dataclass
class Running:
    """A started `./waymark up`."""

    process: subprocess.Popen[str]
    data_dir: Path
    environ: Mapping[str, str]
    output: list[str] = field(default_factory=list)

    @property
    def run_file(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.data_dir / "run.json").read_text())
        return content

    @property
    def addresses(self) -> dict[str, str]:
        found: dict[str, str] = self.run_file["addresses"]
        return found

    @property
    def password(self) -> str:
        return (self.data_dir / "keys" / "sandbox-staff-password").read_text()

    def kill(self, name: str) -> int:
        """SIGKILL to one process; the id it had."""
        pid = int(self.run_file["pids"][name])
        os.kill(pid, signal.SIGKILL)
        return pid

    def find_conversation(self, external_id: str) -> str | None:
        """The id of the conversation with that contact point, from the database itself."""
        engine = create_engine(
            self.environ.get("WAYMARK_DATABASE_URL", f"sqlite:///{self.data_dir}/waymark.db")
        )
        query = sa.select(conversation.c.id).where(conversation.c.external_id == external_id)
        with engine.connect() as connection:
            found: str | None = connection.execute(query).scalar()
        engine.dispose()
        return found

    def queue(self) -> list[dict[str, Any]]:
        """What `./waymark queue --json` prints."""
        printed = subprocess.run(
            [sys.executable, "-m", "launcher", "queue", "--json", "--data-dir", str(self.data_dir)],
            cwd=ROOT,
            env=dict(self.environ),
            capture_output=True,
            text=True,
            check=True,
        )
        items: list[dict[str, Any]] = json.loads(printed.stdout)
        return items


@contextmanager
def run_waymark(data_dir: Path, **environ: str) -> Iterator[Running]:
    """Starts everything on free ports and waits until it says ready; stops it all at the end.

    The desk is staffed at every hour unless `environ` says otherwise.
    """
    port, console_port = free_port(), free_port()
    given = clean_environ(**ALWAYS_STAFFED | environ) | {"WAYMARK_ROOT": str(ROOT), "PYTHONPATH": str(ROOT)}
    log = (data_dir / "up.log").open("w")
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "launcher", "up", "--data-dir", str(data_dir)),
            *("--port", str(port), "--console-port", str(console_port)),
        ],
        cwd=ROOT,
        env=given,
        stdout=log,
        stderr=log,
        text=True,
    )
    running = Running(process, data_dir, given)
    try:
        _wait_ready(running, f"http://127.0.0.1:{port}")
        yield running
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
        log.close()


def _wait_ready(running: Running, address: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    said = running.data_dir / "up.log"
    while time.monotonic() < deadline:
        if running.process.poll() is not None:
            break
        if "Waymark is ready." in said.read_text():
            return
        time.sleep(0.1)
    logs = "\n".join(
        f"--- {p.name}\n{p.read_text()[-2000:]}" for p in (running.data_dir / "logs").glob("*.log")
    )
    raise AssertionError(f"Waymark at {address} did not become ready:\n{said.read_text()}\n{logs}")


async def eventually(look: Callable[[], Any], *, within_seconds: float = 20.0, what: str = "it") -> Any:
    """The first true thing `look` gives; asks again every 50 ms, fails after the time."""
    deadline = time.monotonic() + within_seconds
    while True:
        found = await look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not happen within {within_seconds} s")
        await asyncio.sleep(0.05)


class Victim:
    """Someone with a pretend phone."""

    def __init__(self, session: aiohttp.ClientSession, sandbox: str, number: str) -> None:
        self._session = session
        self._sandbox = sandbox
        self.number = number
        self._seen = 0

    async def text(self, body: str, **asked: Any) -> dict[str, Any]:
        url = f"{self._sandbox}/sandbox/handsets/{self.number}/send"
        async with self._session.post(url, json={"body": body, **asked}) as response:
            answer: dict[str, Any] = await response.json()
            return answer

    async def thread(self) -> list[dict[str, Any]]:
        """Everything on the phone, oldest first."""
        async with self._session.get(f"{self._sandbox}/sandbox/handsets/{self.number}/messages") as response:
            answer = await response.json()
            messages: list[dict[str, Any]] = answer["messages"] if isinstance(answer, dict) else answer
            return messages

    async def arrived(self) -> list[str]:
        """The words of every message this phone received."""
        return [m["body"] for m in await self.thread() if m["direction"] == "to_handset"]

    async def next_text(self, within_seconds: float = 20.0) -> str:
        """The next message to arrive that was not read yet."""

        async def look() -> str | None:
            arrived = await self.arrived()
            return arrived[self._seen] if len(arrived) > self._seen else None

        body: str = await eventually(look, within_seconds=within_seconds, what=f"a text to {self.number}")
        self._seen += 1
        return body


class Detective:
    """A staff member at the desk, by plain HTTP: what the page's forms post."""

    def __init__(self, session: aiohttp.ClientSession, console: str) -> None:
        self._session = session
        self._console = console

    async def sign_in(self, login: str, password: str) -> None:
        page = await self.get("/login")
        answer = await self.post("/login", page, login=login, password=password)
        assert "Queue" in answer, "sign-in failed"

    async def get(self, path: str) -> str:
        async with self._session.get(self._console + path) as response:
            return await response.text()

    async def post(self, path: str, page: str, *, status: int = 200, **fields: str) -> str:
        """Posts a form with the hidden fields of `page`."""
        hidden = dict(re.findall(r'<input[^>]*type="hidden"[^>]*name="(\w+)"[^>]*value="([^"]*)"', page))
        async with self._session.post(self._console + path, data=hidden | fields) as response:
            text = await response.text()
            assert response.status == status, f"{path}: {response.status}\n{text[:500]}"
            return text

    async def act(self, conversation: str, action: str, **fields: str) -> str:
        page = await self.get(f"/console/c/{conversation}")
        return await self.post(f"/console/c/{conversation}/{action}", page, **fields)
