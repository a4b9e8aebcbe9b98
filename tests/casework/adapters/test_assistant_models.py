"""Several models at several addresses: the one asked for answers, and one that was not asked for answers nobody."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from casework.adapters.assistant import RasaAssistant
from casework.model.errors import AssistantUnavailable
from tests.support.rasa_places import SECRET, TURN, Place, serving


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


async def refused(assistant: RasaAssistant, *models: str) -> str:
    with pytest.raises(AssistantUnavailable) as refusal:
        await assistant.ask(**TURN, models=models)
    return refusal.value.code


async def test_the_first_model_that_is_loaded_somewhere_answers(session: aiohttp.ClientSession) -> None:
    old, new = Place("old"), Place("new")
    async with serving(old, new) as urls:
        assistant = RasaAssistant(urls, SECRET, session)
        for models, answers in ((("old", "new"), "old"), (("new", "old"), "new"), (("gone", "old"), "old")):
            for _ in range(3):
                assert (await assistant.ask(**TURN, models=models)).model == answers


async def test_a_model_that_was_not_asked_for_never_answers(session: aiohttp.ClientSession) -> None:
    """Red when: an address is asked though it says another model, or its answer is believed."""
    candidate = Place("candidate")
    async with serving(candidate) as urls:
        assert await refused(RasaAssistant(urls, SECRET, session), "live") == "no_model"
    assert candidate.asked == 0


async def test_a_model_that_takes_anothers_place_while_it_is_asked_is_not_heard(
    session: aiohttp.ClientSession,
) -> None:
    """Red when: the model's name in the answer is not compared with those asked for."""
    for says in ("live", None):
        place = Place("worse", says=says)
        async with serving(place) as urls:
            assert await refused(RasaAssistant(urls, SECRET, session), "live") == "other_model"
        assert place.asked == 1


async def test_an_address_that_is_not_ready_is_passed_over(
    session: aiohttp.ClientSession, unused_tcp_port: int
) -> None:
    starting, ready = Place("live", is_ready=False), Place("live")
    async with serving(starting, ready) as urls:
        assistant = RasaAssistant([f"http://127.0.0.1:{unused_tcp_port}", *urls], SECRET, session)
        for _ in range(4):
            assert (await assistant.ask(**TURN, models=("live",))).model == "live"
    assert starting.asked == 0


async def test_addresses_with_the_same_model_share_the_turns(session: aiohttp.ClientSession) -> None:
    places = [Place("live"), Place("other"), Place("live")]
    async with serving(*places) as urls:
        assistant = RasaAssistant(urls, SECRET, session)
        for _ in range(6):
            await assistant.ask(**TURN, models=("live",))
    assert [place.asked for place in places] == [3, 0, 3]


async def test_without_names_whoever_is_there_answers_and_nobody_is_asked_who_it_is(
    session: aiohttp.ClientSession,
) -> None:
    stand_in = Place("stand-in", says=None)
    async with serving(stand_in) as urls:
        assert (await RasaAssistant(urls, SECRET, session).ask(**TURN)).model == "stand-in"
    assert stand_in.probed == 0


async def test_who_has_which_model_is_asked_once_for_many_turns_and_again_after_a_failure(
    session: aiohttp.ClientSession,
) -> None:
    place = Place("live")
    async with serving(place) as urls:
        assistant = RasaAssistant(urls, SECRET, session, served_seconds=3600.0)
        await asyncio.gather(*(assistant.ask(**TURN, models=("live",)) for _ in range(5)))
        assert place.probed == 1
        place.status = 503
        assert await refused(assistant, "live") == "status_503"
        place.status, place.model = 200, "next"
        assert (await assistant.ask(**TURN, models=("next", "live"))).model == "next"
    assert place.probed == 2


async def test_the_gaps_of_a_reply_and_the_ranking_of_the_wishes_come_with_the_answer(
    session: aiohttp.ClientSession,
) -> None:
    async with serving(Place("live")) as urls:
        answer = await RasaAssistant(urls, SECRET, session).ask(**TURN)

    assert answer.replies[0].args == {"name": "Sam", "n": "2"}
    assert answer.ranking == (("greet", 0.9), ("bye", 0.1))
