"""Two addresses over real sockets: one that dies, hangs or says it is going costs nobody their answer."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import aiohttp
import pytest

from casework.adapters.assistant import RasaAssistant
from casework.adapters.assistant_addresses import FAULTS_IN_A_ROW, LONGEST_LEFT_OUT_SECONDS
from casework.model.errors import AssistantUnavailable
from casework.services.ports import AssistantAnswer
from tests.support.rasa_places import SECRET, TURN, Place, serving
from tests.support.running import eventually

MODELS = [pytest.param((), id="no names"), pytest.param(("live",), id="a name")]


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


def make(urls: list[str], session: aiohttp.ClientSession, *, deadline_seconds: float = 5.0) -> RasaAssistant:
    # Looked at before each turn: what an address says is heard at once.
    return RasaAssistant(urls, SECRET, session, deadline_seconds=deadline_seconds, served_seconds=0.0)


async def has_been_asked(place: Place, count: int) -> bool:
    return place.asked == count


async def ask(assistant: RasaAssistant, models: tuple[str, ...]) -> AssistantAnswer:
    return await assistant.ask(**TURN, models=models)


@pytest.mark.parametrize("models", MODELS)
async def test_a_turn_whose_rasa_dies_half_way_is_answered_by_the_other(
    session: aiohttp.ClientSession, models: tuple[str, ...]
) -> None:
    """Red when: the fault of the first address is the turn's end."""
    dying, well = Place("live", mood="hangs up"), Place("live")
    async with serving(dying, well) as urls:
        assistant = make(urls, session)
        for _ in range(2 * FAULTS_IN_A_ROW):
            assert (await ask(assistant, models)).model == "live"

    assert dying.asked == FAULTS_IN_A_ROW  # from then on it is left out
    assert well.asked == 2 * FAULTS_IN_A_ROW


@pytest.mark.parametrize("models", MODELS)
async def test_one_that_hangs_costs_one_turn_its_deadline_and_is_left_out(
    session: aiohttp.ClientSession, models: tuple[str, ...]
) -> None:
    """Red when: a deadline counts as any other fault, or a pause between looks is needed to notice."""
    stuck, well = Place("live", mood="waits"), Place("live")
    async with serving(stuck, well) as urls:
        assistant = make(urls, session, deadline_seconds=1.0)
        with pytest.raises(AssistantUnavailable, match="deadline"):
            await ask(assistant, models)
        for _ in range(6):
            await ask(assistant, models)

    assert (stuck.asked, well.asked) == (1, 6)


@pytest.mark.parametrize("models", MODELS)
async def test_a_process_that_stands_still_costs_one_turn_and_no_second_when_it_would_come_back(
    session: aiohttp.ClientSession, models: tuple[str, ...]
) -> None:
    """Red when: a readiness that never comes is no fault, so that each return costs somebody their deadline."""
    still, well = Place("live"), Place("live")
    seconds = 0.0
    async with serving(still, well) as urls:
        assistant = RasaAssistant(
            urls,
            SECRET,
            session,
            deadline_seconds=1.0,
            served_seconds=0.0,
            probe_seconds=0.15,
            clock=lambda: seconds,
        )
        await asyncio.gather(*(ask(assistant, models) for _ in range(2)))
        still.mood = "hangs"
        answers = await asyncio.gather(*(ask(assistant, models) for _ in range(2)), return_exceptions=True)
        for _ in range(4):
            seconds += LONGEST_LEFT_OUT_SECONDS
            answers += [await ask(assistant, models) for _ in range(3)]

    assert sum(isinstance(each, AssistantUnavailable) for each in answers) == 1
    assert still.asked == 2


@pytest.mark.parametrize("models", MODELS)
async def test_one_that_says_it_is_going_gets_nothing_new_and_finishes_what_it_has(
    session: aiohttp.ClientSession, models: tuple[str, ...]
) -> None:
    """Red when: readiness is not asked for, or a turn in hand is broken off with it."""
    going, staying = Place("live", mood="waits"), Place("live")
    async with serving(going, staying) as urls:
        assistant = make(urls, session)
        in_hand = asyncio.create_task(ask(assistant, models))
        await asyncio.wait_for(going.came.wait(), 5)
        going.is_ready, staying.mood = False, "waits"
        # Many at once: the less busy one is not chosen for that alone.
        new = [asyncio.create_task(ask(assistant, models)) for _ in range(4)]
        await eventually(partial(has_been_asked, staying, 4), within_seconds=5, what="all at the other")
        for place in (going, staying):
            place.go.set()
        assert {answer.model for answer in await asyncio.gather(in_hand, *new)} == {"live"}

    assert (going.asked, staying.asked) == (1, 4)


async def test_a_conversation_goes_on_with_its_own_model_while_that_is_well_and_with_the_next_while_not(
    session: aiohttp.ClientSession,
) -> None:
    """Red when: an address that is left out is preferred for its model, or given up for good."""
    own, live = Place("own"), Place("live")
    async with serving(own, live) as urls:
        assistant = make(urls, session)
        models = ("own", "live")
        assert (await ask(assistant, models)).model == "own"
        own.mood = "hangs up"
        assert [(await ask(assistant, models)).model for _ in range(4)] == ["live"] * 4
        own.mood = "answers"
        # Nobody else has it: it is asked although it is left out.
        assert (await ask(assistant, ("own",))).model == "own"
        assert (await ask(assistant, models)).model == "own"


async def test_a_text_that_no_rasa_can_answer_is_asked_of_two_and_no_more(
    session: aiohttp.ClientSession,
) -> None:
    places = [Place("live", status=503) for _ in range(5)]
    async with serving(*places) as urls:
        with pytest.raises(AssistantUnavailable, match="status_503"):
            await ask(make(urls, session), ("live",))

    assert sum(place.asked for place in places) == 2


async def test_with_every_address_left_out_somebody_is_still_asked(session: aiohttp.ClientSession) -> None:
    places = [Place("live", status=503) for _ in range(2)]
    async with serving(*places) as urls:
        assistant = make(urls, session)
        for _ in range(2 * FAULTS_IN_A_ROW):
            with pytest.raises(AssistantUnavailable):
                await ask(assistant, ("live",))
        for place in places:
            place.status = 200
        assert (await ask(assistant, ("live",))).model == "live"
