"""`python -m launcher.soak.stand_in`: an assistant that repeats what it is asked, for runs that are not about Rasa."""

import argparse
import asyncio
import json
import signal
from typing import Any

from aiohttp import web

from launcher.soak.words import ECHO, PASSED_ON, wants_a_person


def build_stand_in_app() -> web.Application:
    """Answers every turn with the person's own words; who wants a person is handed over, and told so."""
    app = web.Application()
    app.router.add_get("/webhooks/turn/ready", _report_ready)
    app.router.add_post("/webhooks/turn", _answer_turn)
    return app


async def _report_ready(_request: web.Request) -> web.Response:
    return web.json_response({"ready": True})


async def _answer_turn(request: web.Request) -> web.Response:
    asked = json.loads(await request.read())
    text, effects = f"{ECHO}{asked['text']}", list[dict[str, Any]]()
    if wants_a_person(asked["text"]):
        text, effects = f"{text}. {PASSED_ON}", [{"effect": "hand_off", "reason": "asked_for_person"}]
    reply = {"response": "utter_stand_in", "args": {}, "text": text, "choices": []}
    return web.json_response(
        {
            "turn_id": asked["turn_id"],
            "replies": [reply],
            "effects": effects,
            "state": {"v": 1},
            "parse": {"urgency": None},
            "model": "stand-in",
        }
    )


async def _serve(port: int) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    runner = web.AppRunner(build_stand_in_app(), access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, reuse_address=True).start()
    await stop.wait()
    await runner.cleanup()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m launcher.soak.stand_in", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    asyncio.run(_serve(parser.parse_args().port))
