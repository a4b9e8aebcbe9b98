"""kill -9 of the worker at every step of a turn: one reply, one desk item, whatever the step.

Real processes: the gateway's parts in this one, workers of their own, the sandbox provider over a socket. The
assistant is a stand-in over HTTP, so that the step where the worker dies is the only thing that varies.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web

from casework.adapters.service import Service
from casework.adapters.settings import Settings
from casework.bootstrap import build_service
from channels.gateway import build_gateway_app
from tests.channels.provider_stand_ins import ACCOUNT_SID, TOKEN, Sandbox, running_sandbox, serving
from tests.faults.dying_worker import STEPS
from tests.support.builders import a_case
from tests.support.databases import copy_sqlite
from tests.support.running import ROOT, eventually, free_port

pytestmark = pytest.mark.journey

ASKER = "+447700900001"
# What the detector is sure of, and what it finds a little odd.
URGENCY = {
    "its nothing but": {"probability": 0.99, "categories": {"stalking_escalation": 0.99}, "spans": []},
    "was that him": {"probability": 0.2, "categories": {"immediate_danger": 0.2}, "spans": [[9, 12]]},
}
POINTS = [f"{step}:{when}" for step in STEPS for when in ("before", "after")]


@dataclass
class AssistantStandIn:
    """Answers every turn; remembers how often each was asked."""

    asked: list[str] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        turn = await request.json()
        self.asked.append(turn["text"])
        effects = []
        if turn["text"].startswith("ref"):
            effects = [{"effect": "request_code", "reference": a_case().crime_reference}]
        return web.json_response(
            {
                "turn_id": turn["turn_id"],
                "replies": [
                    {"response": "utter_test", "args": {}, "text": f"re: {turn['text']}", "choices": []}
                ],
                "effects": effects,
                "state": {"v": 1, "last": turn["text"]},
                "parse": {"urgency": URGENCY.get(turn["text"])},
                "model": "stand-in",
            }
        )


@dataclass
class Stage:
    service: Service
    sandbox: Sandbox
    environ: dict[str, str]
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start_worker(self, *module: str) -> subprocess.Popen[bytes]:
        worker = subprocess.Popen([sys.executable, "-m", *module], cwd=ROOT, env=self.environ)
        self.workers.append(worker)
        return worker

    async def replies(self) -> list[str]:
        return [m["body"] for m in await self.sandbox.get_thread(ASKER) if m["direction"] == "to_handset"]

    def unfinished(self) -> int:
        count = 0
        for table, statuses in (
            ("turn", "'waiting','leased'"),
            ("outbox", "'waiting','sending','unknown'"),
            ("code_request", "'waiting'"),
        ):
            query = f"SELECT count(*) FROM {table} WHERE status IN ({statuses})"
            count += self.service.database.read_now(
                lambda tx, q=query: tx.connection.exec_driver_sql(q).scalar()
            )
        return count


@pytest_asyncio.fixture
async def stage(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[Stage]:
    assistant = AssistantStandIn()
    app = web.Application()
    app.router.add_post("/webhooks/turn", assistant.answer)
    gateway_port = free_port()
    async with (
        serving(app) as rasa_url,
        running_sandbox(tmp_path / "sandbox", service_url=f"http://127.0.0.1:{gateway_port}") as sandbox,
    ):
        environ = os.environ | {
            "PYTHONPATH": str(ROOT),
            "WAYMARK_DATA_DIR": str(tmp_path),
            "WAYMARK_DATABASE_URL": copy_sqlite(sqlite_template, tmp_path / "waymark.db"),
            "WAYMARK_PUBLIC_URL": f"http://127.0.0.1:{gateway_port}",
            "WAYMARK_TURN_SECRET": "x" * 32,
            "WAYMARK_RASA_URLS": rasa_url,
            "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "WAYMARK_TWILIO_API_URL": sandbox.url,
            "WAYMARK_SMS_FROM": "+447700900900",
        }
        service = build_service(Settings.from_env(environ))
        await service.database.write(lambda tx: tx.cases.record_all([a_case(contact_mobile=ASKER)]))
        made = Stage(service, sandbox, environ)
        async with serving(build_gateway_app(service), port=gateway_port):
            yield made
        for worker in made.workers:
            worker.kill()
            worker.wait()
        service.database.close()


@pytest.mark.parametrize("point", POINTS)
async def test_a_worker_killed_at_any_step_leaves_one_reply_to_each_message(stage: Stage, point: str) -> None:
    # "ref" also asks for a code, "he has a knife" is a hit of the screen, and the detector has a RED and an
    # AMBER one, so every step has something to break.
    texts = ["its nothing but", "was that him", "hello", "ref 43260012345", "he has a knife"]
    for text in texts:
        await stage.sandbox.send(ASKER, body=text)
    doomed = stage.start_worker("tests.faults.dying_worker", point)
    assert await asyncio.to_thread(doomed.wait, 30) == -signal.SIGKILL

    stage.start_worker("channels.worker")

    async def quiet() -> bool:
        return stage.unfinished() == 0

    await eventually(quiet, within_seconds=60, what="every message reaching its end")
    replies = await stage.replies()
    codes = [text for text in replies if "code is" in text]
    safety = [text for text in replies if "999" in text]
    items = await stage.service.database.read(lambda tx: tx.desk.list_queue())
    assert replies.count("re: hello") == 1
    assert replies.count("re: ref 43260012345") == 1
    assert len(safety) == 2
    assert len(codes) == 1
    assert [text.startswith("re: was that him\n") for text in replies].count(True) == 1
    assert len(replies) == 6
    assert sorted(item.reason for item in items) == ["check", "disclosure", "disclosure"]
