"""An assistant over HTTP that repeats what it is asked, or fails as it is told to."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


def nothing_of(_text: str) -> list[dict[str, Any]]:
    return []


@dataclass
class AssistantStandIn:
    """Answers every turn as `mood` says; remembers what each was asked.

    `choices`, `urgency` and `responses` go with the texts they name; `effects_of` is asked of every text. With a
    `model` it says at /webhooks/turn/ready that it holds that one.
    """

    asked: list[str] = field(default_factory=list)
    mood: str = "answers"  # or: hangs, is broken, says nothing, talks rubbish
    choices: Mapping[str, list[str]] = field(default_factory=dict)
    urgency: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    effects_of: Callable[[str], list[dict[str, Any]]] = nothing_of
    responses: Mapping[str, str] = field(default_factory=dict)
    model: str | None = None
    is_busy: bool = False  # takes turns, and does not come to saying that it does
    is_loading: bool = False  # says that it takes no turns yet
    looks: int = 0  # how often it has said that it takes them

    def make_app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/webhooks/turn", self.answer)
        if self.model is not None:
            app.router.add_get("/webhooks/turn/ready", self.say_ready)
        return app

    async def say_ready(self, _request: web.Request) -> web.Response:
        if self.is_busy:
            await asyncio.Event().wait()
        if self.is_loading:
            return web.json_response({"ready": False}, status=503)
        self.looks += 1
        return web.json_response({"ready": True, "model": self.model})

    async def answer(self, request: web.Request) -> web.StreamResponse:
        turn = await request.json()
        text = turn["text"]
        self.asked.append(text)
        if self.mood == "hangs":
            await asyncio.Event().wait()
        if self.mood == "is broken":
            return web.Response(status=500)
        if self.mood == "says nothing":
            return web.json_response([])
        if self.mood == "talks rubbish":
            return web.Response(body=b"\x00{not json", content_type="application/json")
        choices = self.choices.get(text, [])
        response = self.responses.get(text, "utter_test")
        return web.json_response(
            {
                "turn_id": turn["turn_id"],
                "replies": [{"response": response, "args": {}, "text": f"re: {text}", "choices": choices}],
                "effects": self.effects_of(text),
                "state": {"v": 1, "last": text},
                "parse": {"urgency": self.urgency.get(text)},
                "model": self.model or "stand-in",
            }
        )
