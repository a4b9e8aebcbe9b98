"""Anything but a whole answer to this very turn is AssistantUnavailable, whatever Rasa sent. Real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from casework.adapters.assistant import RasaAssistant
from casework.model.bands import Learned, Wish
from casework.model.disclosures import Category
from casework.model.errors import AssistantUnavailable
from casework.services.ports import AssistantAnswer, AssistantReply

SECRET = "s" * 32
WHOLE: dict[str, Any] = {
    "turn_id": "turn-1",
    "replies": [{"response": "utter_greet", "args": {}, "text": "Hello.", "choices": ["Yes"]}],
    "effects": [{"effect": "hand_off", "reason": "asked_for_person"}],
    "state": {"v": 1},
    "parse": {"intent": "greet", "confidence": 0.9, "entities": [], "ranking": []},
    "model": "20261121-test",
}
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class StandInRasa:
    """Listens on a real port, remembers what it was asked, and answers as told."""

    def __init__(self) -> None:
        self.asked: list[tuple[dict[str, str], dict[str, Any]]] = []
        self.answer: Answer = whole()
        self.url = ""

    async def take(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((dict(request.headers), await request.json()))
        return await self.answer(request)


def whole(**changes: Any) -> Answer:
    return sends(200, json.dumps(WHOLE | changes).encode())


def sends(status: int, body: bytes) -> Answer:
    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=body, content_type="application/json")

    return answer


async def hangs(request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(30)
    return web.Response()


async def hangs_half_way(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b'{"turn_id": ')
    await asyncio.sleep(30)
    return response


async def hangs_up(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def breaks_off(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"turn_id": ')
    assert request.transport is not None
    request.transport.abort()
    return response


@asynccontextmanager
async def listening() -> AsyncIterator[StandInRasa]:
    stand_in = StandInRasa()
    app = web.Application()
    app.router.add_route("*", "/webhooks/turn", stand_in.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    stand_in.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield stand_in
    finally:
        await runner.cleanup()


@pytest.fixture
async def rasa() -> AsyncIterator[StandInRasa]:
    async with listening() as stand_in:
        yield stand_in


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


async def ask(urls: list[str], session: aiohttp.ClientSession, **values: Any) -> AssistantAnswer:
    assistant = RasaAssistant(urls, SECRET, session, deadline_seconds=values.pop("deadline_seconds", 5.0))
    turn = {"turn_id": "turn-1", "conversation": "c1", "text": "hello", "state": None, "facts": {}}
    return await assistant.ask(**(turn | values))


async def test_a_whole_answer_is_passed_on_whole(rasa: StandInRasa, session: aiohttp.ClientSession) -> None:
    answer = await ask([rasa.url + "/"], session, text="hé 😀", state={"v": 1}, facts={"channel": "sms"})

    assert answer == AssistantAnswer(
        replies=(AssistantReply(response="utter_greet", text="Hello.", choices=("Yes",)),),
        effects=({"effect": "hand_off", "reason": "asked_for_person"},),
        state={"v": 1},
        model="20261121-test",
        wish=Wish(name="greet", confidence=0.9),
    )
    headers, body = rasa.asked[0]
    assert headers["X-Waymark-Secret"] == SECRET
    assert body == {
        "turn_id": "turn-1",
        "conversation": "c1",
        "text": "hé 😀",
        "state": {"v": 1},
        "facts": {"channel": "sms"},
    }


URGENCY = {"probability": 0.4, "categories": {"strangulation": 0.25}, "spans": [[3, 8]]}


async def test_what_the_detector_says_is_passed_on(rasa: StandInRasa, session: aiohttp.ClientSession) -> None:
    rasa.answer = whole(parse={"intent": "ask_court", "confidence": 0.7, "urgency": URGENCY})

    answer = await ask([rasa.url], session)

    assert answer.wish == Wish(name="ask_court", confidence=0.7)
    assert answer.learned == Learned(
        probability=0.4, categories={Category.STRANGULATION: 0.25}, spans=((3, 8),)
    )


@pytest.mark.parametrize("parse", [{}, {"intent": None, "confidence": 0.0}, {"urgency": None}])
async def test_a_detector_that_is_not_there_says_nothing(
    rasa: StandInRasa, session: aiohttp.ClientSession, parse: dict[str, Any]
) -> None:
    rasa.answer = whole(parse=parse)

    answer = await ask([rasa.url], session)

    assert (answer.learned, answer.wish) == (None, None)


async def test_a_wish_that_was_not_understood_is_of_no_confidence(
    rasa: StandInRasa, session: aiohttp.ClientSession
) -> None:
    rasa.answer = whole(parse={"intent": "nlu_fallback", "confidence": 0.4})

    assert (await ask([rasa.url], session)).wish == Wish(name="nlu_fallback", confidence=0.0)


async def test_choices_may_be_left_out(rasa: StandInRasa, session: aiohttp.ClientSession) -> None:
    rasa.answer = whole(replies=[{"response": "utter_greet", "text": "Hello."}])

    assert (await ask([rasa.url], session)).replies[0].choices == ()


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        pytest.param(sends(503, b'{"code": "not_ready"}'), "status_503", id="not ready"),
        pytest.param(sends(503, json.dumps(WHOLE).encode()), "status_503", id="a refusal with a whole body"),
        pytest.param(sends(403, b""), "status_403", id="wrong secret"),
        pytest.param(sends(400, b""), "status_400", id="malformed"),
        pytest.param(sends(500, b"Traceback"), "status_500", id="crashed"),
        pytest.param(sends(202, json.dumps(WHOLE).encode()), "status_202", id="another success"),
        pytest.param(sends(200, b"[]"), "garbled", id="stock rasa that lost the message"),
        pytest.param(sends(200, b""), "garbled", id="nothing"),
        pytest.param(sends(200, b"{}"), "garbled", id="empty object"),
        pytest.param(sends(200, b"null"), "garbled", id="null"),
        pytest.param(sends(200, b"<html>proxy</html>"), "garbled", id="a proxy's page"),
        pytest.param(sends(200, json.dumps(WHOLE).encode()[:-10]), "garbled", id="cut off"),
        pytest.param(sends(200, b"\xff\xfe{}"), "garbled", id="not utf-8"),
        pytest.param(
            sends(200, json.dumps(WHOLE).encode().replace(b"Hello", b"\xff")), "garbled", id="bad text"
        ),
        pytest.param(whole(turn_id="turn-2"), "wrong_turn", id="another turn"),
        pytest.param(whole(turn_id=""), "wrong_turn", id="no turn"),
        pytest.param(whole(turn_id=None), "garbled", id="null turn"),
        pytest.param(whole(replies=[]), "no_reply", id="no replies"),
        pytest.param(whole(replies=[{"response": "u", "text": ""}]), "no_reply", id="an empty reply"),
        pytest.param(
            whole(replies=[*WHOLE["replies"], {"response": "u", "text": ""}]),
            "no_reply",
            id="one empty of two",
        ),
        pytest.param(whole(replies=[{"response": "u", "text": " \n"}]), "no_reply", id="a blank reply"),
        pytest.param(whole(replies=[{"response": "u", "text": None}]), "garbled", id="a null reply"),
        pytest.param(whole(replies=None), "garbled", id="null replies"),
        pytest.param(whole(effects=None), "garbled", id="null effects"),
        pytest.param(whole(parse={"urgency": {}}), "garbled", id="urgency without a probability"),
        *(
            pytest.param(whole(parse={"urgency": URGENCY | wrong}), "garbled", id=f"urgency with {wrong}")
            for wrong in (
                {"probability": 1.2},
                {"probability": "high"},
                {"categories": {"no_such_category": 0.5}},
                {"categories": {"strangulation": -0.1}},
                {"spans": [[-1, 4]]},
                {"spans": [[1]]},
            )
        ),
        pytest.param(whole(effects=["hand_off"]), "garbled", id="an effect that is a word"),
        pytest.param(whole(state=None), "garbled", id="null state"),
        pytest.param(whole(state=[]), "garbled", id="state of another kind"),
        pytest.param(hangs_up, "unreachable", id="hangs up"),
        pytest.param(breaks_off, "unreachable", id="breaks off half way"),
    ],
)
async def test_anything_but_a_whole_answer_is_refused(
    rasa: StandInRasa, session: aiohttp.ClientSession, answer: Answer, code: str
) -> None:
    rasa.answer = answer

    with pytest.raises(AssistantUnavailable) as refusal:
        await ask([rasa.url], session)

    assert refusal.value.code == code


@pytest.mark.parametrize("answer", [hangs, hangs_half_way])
async def test_an_answer_that_does_not_come_in_time_is_given_up(
    rasa: StandInRasa, session: aiohttp.ClientSession, answer: Answer
) -> None:
    rasa.answer = answer

    with pytest.raises(AssistantUnavailable) as refusal:
        await ask([rasa.url], session, deadline_seconds=0.2)

    assert refusal.value.code == "deadline"


async def test_a_port_nobody_listens_on_is_unreachable(
    session: aiohttp.ClientSession, unused_tcp_port: int
) -> None:
    with pytest.raises(AssistantUnavailable) as refusal:
        await ask([f"http://127.0.0.1:{unused_tcp_port}"], session)

    assert refusal.value.code == "unreachable"


@pytest.mark.parametrize("missing", ["turn_id", "replies", "effects", "state", "model"])
async def test_an_answer_with_a_part_missing_is_refused(
    rasa: StandInRasa, session: aiohttp.ClientSession, missing: str
) -> None:
    body = {name: value for name, value in WHOLE.items() if name != missing}
    rasa.answer = sends(200, json.dumps(body).encode())

    with pytest.raises(AssistantUnavailable) as refusal:
        await ask([rasa.url], session)

    assert refusal.value.code == "garbled"


async def test_an_answer_nested_beyond_reason_is_refused(
    rasa: StandInRasa, session: aiohttp.ClientSession
) -> None:
    deep = b'{"a":' * 5000 + b"1" + b"}" * 5000
    rasa.answer = sends(200, json.dumps(WHOLE).encode().replace(b'{"v": 1}', deep))

    with pytest.raises(AssistantUnavailable):
        await ask([rasa.url], session)


async def test_where_one_address_fails_the_next_one_answers_at_once(
    rasa: StandInRasa, session: aiohttp.ClientSession, unused_tcp_port: int
) -> None:
    answer = await ask([f"http://127.0.0.1:{unused_tcp_port}", rasa.url], session)

    assert answer.model == WHOLE["model"]


async def test_the_secret_is_not_carried_to_another_address(
    rasa: StandInRasa, session: aiohttp.ClientSession
) -> None:
    async with listening() as elsewhere:

        async def redirect(_request: web.Request) -> web.StreamResponse:
            raise web.HTTPTemporaryRedirect(f"{elsewhere.url}/webhooks/turn")

        rasa.answer = redirect
        with pytest.raises(AssistantUnavailable) as refusal:
            await ask([rasa.url], session)

    assert refusal.value.code == "status_307"
    assert elsewhere.asked == []


def test_a_refusal_carries_a_code_and_nothing_of_the_message() -> None:
    assert str(AssistantUnavailable("deadline")) == "deadline"
