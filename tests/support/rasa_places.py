"""Addresses with one model each, over real sockets: they say whether they are ready, and answer or fail as told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

SECRET = "s" * 32
TURN: dict[str, Any] = {
    "turn_id": "turn-1",
    "conversation": "c1",
    "text": "hello",
    "state": None,
    "facts": {},
}


@dataclass
class Place:
    """An address with one model. `says` is what /ready tells, None for a stand-in that has no such page."""

    model: str
    says: str | None = "the model"
    is_ready: bool = True
    status: int = 200
    asked: int = 0
    probed: int = 0
    url: str = ""
    mood: str = "answers"  # or: hangs (like a stopped process), hangs up, waits (until `go` is set)
    go: asyncio.Event = field(default_factory=asyncio.Event)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def ready(self, _request: web.Request) -> web.Response:
        self.probed += 1
        if self.mood == "hangs":
            await asyncio.Event().wait()
        if self.says is None:
            return web.Response(status=404)
        if not self.is_ready:
            return web.json_response({"ready": False}, status=503)
        return web.json_response(
            {"ready": True, "model": self.model if self.says == "the model" else self.says}
        )

    async def take(self, request: web.Request) -> web.Response:
        self.asked += 1
        self.came.set()
        turn = await request.json()
        if self.mood == "hangs":
            await asyncio.Event().wait()
        if self.mood == "waits":
            await self.go.wait()
        if self.mood == "hangs up":
            assert request.transport is not None
            request.transport.abort()
        return web.json_response(
            {
                "turn_id": turn["turn_id"],
                "replies": [{"response": "utter_greet", "args": {"name": "Sam", "n": 2}, "text": "Hello."}],
                "effects": [],
                "state": {"v": 1},
                "parse": {
                    "ranking": [{"intent": "greet", "confidence": 0.9}, {"intent": "bye", "confidence": 0.1}]
                },
                "model": self.model,
            },
            status=self.status,
        )


@asynccontextmanager
async def serving(*places: Place) -> AsyncIterator[list[str]]:
    runners = []
    for place in places:
        app = web.Application()
        app.router.add_post("/webhooks/turn", place.take)
        app.router.add_get("/webhooks/turn/ready", place.ready)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        place.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        runners.append(runner)
    try:
        yield [place.url for place in places]
    finally:
        for runner in runners:
            await runner.cleanup()
