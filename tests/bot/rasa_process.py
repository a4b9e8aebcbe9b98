"""A real Rasa process with the service's actions beside it, for tests to talk to over HTTP."""

import asyncio
import http.client
import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from aiohttp import web

from actions.server import build_actions_app
from tests.actions.fake_reads import FakeReads
from tests.support.running import free_port

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / "bot" / ".venv" / "bin" / "python"
SECRET = "turn-secret-for-tests-only-0123456789"
TODAY = date(2026, 11, 21)
READY_SECONDS = 90


def rasa_environ(**more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    quiet = {
        "RASA_TELEMETRY_ENABLED": "false",
        "OMP_NUM_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONWARNINGS": "ignore",
        "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    }
    return kept | quiet | more


@dataclass
class Reply:
    status: int
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)

    @property
    def responses(self) -> list[str]:
        return [reply["response"] for reply in self.body["replies"]]

    @property
    def text(self) -> str:
        return "\n".join(reply["text"] for reply in self.body["replies"])


@dataclass
class Rasa:
    port: int
    log: Path
    process: subprocess.Popen[bytes]

    def turn(
        self,
        text: str,
        state: object = None,
        *,
        conversation: str = "c1",
        turn_id: str = "t1",
        channel: str = "sms",
        **more_facts: object,
    ) -> Reply:
        facts = {"channel": channel, "standing": "unknown", "code_pending": False} | more_facts
        asked = {
            "turn_id": turn_id,
            "conversation": conversation,
            "text": text,
            "state": state,
            "facts": facts,
        }
        return self.post(json.dumps(asked).encode())

    def post(self, body: bytes, *, secret: str | None = SECRET, path: str = "/webhooks/turn") -> Reply:
        headers = {"Content-Type": "application/json"}
        if secret is not None:
            headers["X-Waymark-Secret"] = secret
        return self._ask("POST", path, body, headers)

    def get(self, path: str) -> Reply:
        return self._ask("GET", path, b"", {})

    def talk(self, *texts: str, conversation: str = "c1") -> list[Reply]:
        """One turn a text, each from the state the last one left."""
        state: object = None
        replies = []
        for number, text in enumerate(texts):
            reply = self.turn(text, state, conversation=conversation, turn_id=f"{conversation}-{number}")
            assert reply.status == 200, (text, reply.raw)
            state = reply.body["state"]
            replies.append(reply)
        return replies

    def _ask(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return Reply(response.status, response.read())
        finally:
            connection.close()


@dataclass
class ActionsBeside:
    """The actions app in a thread of its own; `stop` makes its port refuse connections."""

    reads: FakeReads
    port: int = field(default_factory=free_port)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _runner: web.AppRunner | None = None

    def run_thread(self) -> None:
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.start()

    def start(self) -> None:
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)

    def close(self) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _start(self) -> None:
        self._runner = web.AppRunner(build_actions_app(self.reads, SECRET, today=lambda: TODAY))
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def _stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None


@contextmanager
def running_rasa(
    model: Path,
    actions_port: int,
    log: Path,
    *,
    credentials: str = "bot/credentials.yml",
    secret: str = SECRET,
    wait: bool = True,
) -> Iterator[Rasa]:
    port = free_port()
    command = [
        *(str(PYTHON), "-m", "rasa", "run", "--model", str(model), "--interface", "127.0.0.1"),
        *("--port", str(port), "--credentials", credentials, "--endpoints", "endpoints.yml"),
    ]
    environ = rasa_environ(
        WAYMARK_TURN_SECRET=secret, WAYMARK_ACTIONS_URL=f"http://127.0.0.1:{actions_port}/actions"
    )
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=out, stderr=out)
    try:
        rasa = Rasa(port, log, process)
        if wait:
            _wait_ready(rasa)
        yield rasa
    finally:
        process.terminate()
        process.wait(20)


def train(
    folder: Path,
    *,
    config: str = "config.yml",
    domain: str = "bot/domain",
    data: tuple[str, ...] = ("data/nlu", "data/rules"),
) -> Path:
    command = [
        *(str(PYTHON), "-m", "rasa", "train", "--config", config, "--domain", domain),
        *("--data", *data, "--out", str(folder), "--fixed-model-name", "tests"),
    ]
    with (folder / "train.log").open("wb") as out:
        subprocess.run(command, cwd=ROOT, env=rasa_environ(), stdout=out, stderr=out, check=True)
    return folder / "tests.tar.gz"


def _wait_ready(rasa: Rasa) -> None:
    started = time.monotonic()
    while time.monotonic() - started < READY_SECONDS:
        if rasa.process.poll() is not None:
            raise RuntimeError(f"Rasa stopped. Its log: {rasa.log.read_text()[-3000:]}")
        try:
            if rasa.get("/webhooks/turn/ready").status == 200:
                return
        except OSError:
            pass
        time.sleep(0.2)
    raise RuntimeError(f"Rasa was not ready in {READY_SECONDS} s. Its log: {rasa.log.read_text()[-3000:]}")
