"""A stage for faults: real workers as processes, the sandbox provider over a socket, the gateway here or as a process.

The assistant is a stand-in over HTTP, so that what is broken is the only thing that varies.
"""

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from casework.adapters.service import Service
from casework.adapters.settings import Settings
from casework.adapters.storage.sealed import find_vault
from casework.bootstrap import build_service
from channels.gateway import build_gateway_app
from tests.channels.provider_stand_ins import ACCOUNT_SID, TOKEN, Sandbox, running_sandbox, serving
from tests.support.assistant_stand_in import AssistantStandIn
from tests.support.builders import a_case
from tests.support.databases import put_keys
from tests.support.running import ALWAYS_STAFFED, ROOT, clean_environ, eventually, free_port

ASKER = "+447700900001"
# What the detector is sure of, and what it finds a little odd.
URGENCY = {
    "its nothing but": {"probability": 0.99, "categories": {"stalking_escalation": 0.99}, "spans": []},
    "was that him": {"probability": 0.2, "categories": {"immediate_danger": 0.2}, "spans": [[9, 12]]},
}


def ask_for_code(text: str) -> list[dict[str, Any]]:
    """What an assistant does with a text that gives a crime reference."""
    if not text.startswith("ref"):
        return []
    return [{"effect": "request_code", "reference": a_case().crime_reference}]


@dataclass
class Stage:
    service: Service
    sandbox: Sandbox
    assistant: AssistantStandIn
    environ: dict[str, str]
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *module: str) -> subprocess.Popen[bytes]:
        """A process of its own: `channels.worker`, or one of this folder's that dies at a chosen point."""
        process = subprocess.Popen([sys.executable, "-m", *module], cwd=ROOT, env=self.environ)
        self.processes.append(process)
        return process

    @asynccontextmanager
    async def gateway(self) -> AsyncIterator[str]:
        async with serving(build_gateway_app(self.service), port=self.service.settings.port) as url:
            yield url

    async def replies(self, to: str = ASKER) -> list[str]:
        return [m["body"] for m in await self.sandbox.get_thread(to) if m["direction"] == "to_handset"]

    async def count(self, table: str, where: str = "1 = 1") -> int:
        query = f"SELECT count(*) FROM {table} WHERE {where}"
        counted = await self.service.database.read(lambda tx: tx.connection.exec_driver_sql(query).scalar())
        return int(counted)

    def index(self, address: str) -> str:
        """What stands in place of a number or address in the columns that are looked up by it."""
        return find_vault(self.service.database.engine.dialect).index(address)

    async def unfinished(self) -> int:
        return (
            await self.count("turn", "status IN ('waiting','leased')")
            + await self.count("outbox", "status IN ('waiting','sending','unknown')")
            + await self.count("code_request", "status IN ('waiting')")
        )

    async def until_quiet(self, *, within_seconds: float = 60) -> None:
        """Until every message has reached its end."""

        async def quiet() -> bool:
            return await self.unfinished() == 0

        await eventually(quiet, within_seconds=within_seconds, what="every message reaching its end")


@asynccontextmanager
async def run_stage(folder: Path, database_url: str, **more: str) -> AsyncIterator[Stage]:
    """Everything but the gateway and the workers, which a test starts as it needs them."""
    assistant = AssistantStandIn(urgency=URGENCY, effects_of=ask_for_code)
    port = free_port()
    async with (
        serving(assistant.make_app()) as rasa_url,
        running_sandbox(
            folder / "sandbox", service_url=f"http://127.0.0.1:{port}", retry_for_seconds=120.0
        ) as sandbox,
    ):
        given = {
            "PYTHONPATH": str(ROOT),
            "WAYMARK_DATA_DIR": str(folder),
            "WAYMARK_DATABASE_URL": database_url,
            "WAYMARK_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "WAYMARK_PORT": str(port),
            "WAYMARK_TURN_SECRET": "x" * 32,
            "WAYMARK_RASA_URLS": rasa_url,
            "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "WAYMARK_TWILIO_API_URL": sandbox.url,
            "WAYMARK_SMS_FROM": "+447700900900",
            # One number sends one segment a second by default; what is tried here is faults and not the pace.
            "WAYMARK_SMS_SEGMENTS_PER_SECOND": "100",
        }
        put_keys(folder)
        environ = clean_environ(**ALWAYS_STAFFED | given | more)
        service = build_service(Settings.from_env(environ))
        await service.database.write(lambda tx: tx.cases.record_all([a_case(contact_mobile=ASKER)]))
        stage = Stage(service, sandbox, assistant, environ)
        try:
            yield stage
        finally:
            for process in stage.processes:
                process.kill()
                process.wait()
            service.database.close()
