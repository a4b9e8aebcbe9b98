"""Real sockets on loopback for the channel tests: the sandbox, and a service that remembers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from channels.sandbox.app import build_sandbox_app
from channels.sandbox.settings import SandboxSettings

ACCOUNT_SID = "AC" + "0" * 32
TOKEN = "0123456789abcdef0123456789abcdef"
HANDSET = "+447700900001"
SERVICE = "+447700900900"


@dataclass(frozen=True)
class Posted:
    url: str
    body: bytes
    headers: dict[str, str]


@dataclass
class ListeningService:
    """Stands where the gateway stands; keeps every request and answers `status`."""

    url: str = ""
    status: int = 204
    posted: list[Posted] = field(default_factory=list)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def receive_post(self, request: web.Request) -> web.Response:
        body = await request.read()
        async with self._changed:
            self.posted.append(Posted(str(request.url), body, dict(request.headers)))
            self._changed.notify_all()
        return web.Response(status=self.status)

    async def wait_for(self, count: int) -> list[Posted]:
        async with asyncio.timeout(10), self._changed:
            await self._changed.wait_for(lambda: len(self.posted) >= count)
        return self.posted


@asynccontextmanager
async def serving(app: web.Application, *, port: int = 0) -> AsyncIterator[str]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def listening_service(*, port: int = 0) -> AsyncIterator[ListeningService]:
    service = ListeningService()
    app = web.Application()
    app.router.add_post("/{path:.*}", service.receive_post)
    async with serving(app, port=port) as url:
        service.url = url
        yield service


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox and the calls a test makes to it."""

    url: str
    session: aiohttp.ClientSession

    async def send(self, handset: str = HANDSET, **asked: Any) -> dict[str, Any]:
        async with self.session.post(f"{self.url}/sandbox/handsets/{handset}/send", json=asked) as answer:
            assert answer.status == 200, await answer.text()
            sent: dict[str, Any] = await answer.json()
            return sent

    async def get_thread(self, handset: str = HANDSET, **query: Any) -> list[dict[str, Any]]:
        address = f"{self.url}/sandbox/handsets/{handset}/messages"
        async with self.session.get(address, params=query) as answer:
            thread: list[dict[str, Any]] = (await answer.json())["messages"]
            return thread

    async def set_up(self, **settings: Any) -> dict[str, Any]:
        """Changes what is set at the provider; gives all of it."""
        return await self._post("/sandbox/settings", settings)

    async def set_state(self, handset: str, **state: bool) -> dict[str, Any]:
        return await self._post(f"/sandbox/handsets/{handset}/state", state)

    async def move_last_wrote(self, handset: str, *, hours_ago: float) -> dict[str, Any]:
        return await self._post(f"/sandbox/handsets/{handset}/last_wrote", {"hours_ago": hours_ago})

    async def script_news(self, statuses: list[Any], *, to: str = HANDSET, **asked: Any) -> None:
        """Which news of the next message to that number is posted, in which order."""
        asked = {"to": to, "statuses": statuses, **asked}
        async with self.session.post(f"{self.url}/sandbox/statuses", json=asked) as answer:
            assert answer.status == 204, await answer.text()

    async def _post(self, path: str, asked: dict[str, Any]) -> dict[str, Any]:
        async with self.session.post(self.url + path, json=asked) as answer:
            assert answer.status == 200, await answer.text()
            given: dict[str, Any] = await answer.json()
            return given

    async def add_fault(self, status: object, *, to: str = HANDSET, count: int = 1) -> None:
        asked = {"to": to, "status": status, "count": count}
        async with self.session.post(f"{self.url}/sandbox/faults", json=asked) as answer:
            assert answer.status == 204, await answer.text()


@asynccontextmanager
async def running_sandbox(
    data_dir: Path, *, service_url: str, port: int = 0, **more: Any
) -> AsyncIterator[Sandbox]:
    settings = SandboxSettings(
        account_sid=ACCOUNT_SID,
        auth_token=TOKEN,
        webhook_url=service_url + "/webhooks/twilio/message",
        data_dir=data_dir,
        service_number=SERVICE,
        **{"status_delay_seconds": 0.01, "retry_for_seconds": 10.0, **more},
    )
    async with serving(build_sandbox_app(settings), port=port) as url, aiohttp.ClientSession() as session:
        yield Sandbox(url, session)
