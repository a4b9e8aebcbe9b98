"""kill -9 of Rasa while it thinks: every message still gets one reply, and danger still reaches a person."""

import asyncio
import time
from collections.abc import Iterator

import aiohttp
import pytest

from tests.support.running import Running, Victim, eventually, run_waymark

pytestmark = pytest.mark.journey

# How long after the webhook answered Rasa is killed: before it was asked, while it parses, while an
# action runs, while the answer is on its way, and after.
MOMENTS_SECONDS = [0.0, 0.01, 0.03, 0.06, 0.15]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with run_waymark(tmp_path_factory.mktemp("rasa_killed")) as running:
        yield running


async def test_each_message_has_one_reply_whenever_rasa_was_killed(service: Running) -> None:
    async with aiohttp.ClientSession() as http:
        victims = []
        for number, moment in enumerate(MOMENTS_SECONDS):
            victim = Victim(http, service.addresses["sandbox"], f"+447700900{700 + number}")
            victims.append(victim)
            await rasa_answers(service, http)
            await victim.text("what is happening with my case")
            await asyncio.sleep(moment)
            service.kill("rasa")
        for victim in victims:
            assert await victim.next_text(within_seconds=30)
        await rasa_answers(service, http)
        for victim in victims:
            assert len(await victim.arrived()) == 1


async def test_with_rasa_dead_the_safety_line_leaves_within_two_seconds_and_the_rest_is_held(
    service: Running,
) -> None:
    async with aiohttp.ClientSession() as http:
        in_danger = Victim(http, service.addresses["sandbox"], "+447700900801")
        asking = Victim(http, service.addresses["sandbox"], "+447700900802")
        await rasa_answers(service, http)
        service.kill("rasa")
        started = time.monotonic()
        await in_danger.text("he has a knife and he is at the door")
        accepted = time.monotonic()
        items = [i for i in await asyncio.to_thread(service.queue) if i["category"]]
        safety = await in_danger.next_text(within_seconds=2 - (accepted - started))
        await asking.text("who is my officer")
        held = await asking.next_text(within_seconds=20)

        assert "999" in safety
        assert service.find_conversation(in_danger.number) in {item["conversation"] for item in items}
        assert "A person will read your message" in held
        reasons = {(i["conversation"], i["reason"]) for i in await asyncio.to_thread(service.queue)}
        assert (service.find_conversation(asking.number), "assistant_unavailable") in reasons


async def rasa_answers(service: Running, http: aiohttp.ClientSession) -> None:
    async def look() -> bool:
        try:
            async with http.get(f"{service.addresses['rasa']}/webhooks/turn/ready") as response:
                return response.status == 200
        except aiohttp.ClientError:
            return False

    await eventually(look, within_seconds=90, what="Rasa being ready")
