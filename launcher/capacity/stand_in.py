"""A stand-in for Rasa that takes a set time for each turn, one after the other, and almost no processor.

    python -m launcher.capacity.stand_in PORT SECONDS

For `./waymark bench scale`, where two Rasas at work would want more processors than the machine has.
"""

import asyncio
import sys

from aiohttp import web

LOOPBACK = "127.0.0.1"
MODEL = "stand-in"
SECONDS = web.AppKey("seconds", float)
AT_WORK = web.AppKey("at_work", asyncio.Lock)


def make_app(seconds: float) -> web.Application:
    app = web.Application()
    app[SECONDS] = seconds
    app[AT_WORK] = asyncio.Lock()
    app.router.add_post("/webhooks/turn", answer)
    app.router.add_get("/webhooks/turn/ready", tell_ready)
    return app


async def tell_ready(_request: web.Request) -> web.Response:
    return web.json_response({"model": MODEL})


async def answer(request: web.Request) -> web.Response:
    turn = await request.json()
    async with request.app[AT_WORK]:  # as Rasa, which has one processor and one turn at a time
        await asyncio.sleep(request.app[SECONDS])
    return web.json_response(
        {
            "turn_id": turn["turn_id"],
            "replies": [{"response": "utter_greet", "text": "Hello."}],
            "effects": [],
            "state": {"v": 1},
            "model": MODEL,
        }
    )


def main(port: int, seconds: float) -> None:
    web.run_app(make_app(seconds), host=LOOPBACK, port=port, print=None, access_log=None)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
