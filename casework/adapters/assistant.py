"""Rasa, asked one turn at a time. Anything but a whole answer is AssistantUnavailable."""

import asyncio
import itertools
import time
from collections.abc import Sequence
from typing import Annotated, Any

import aiohttp
import msgspec

from casework.adapters.metrics import count_assistant_fault, timing_assistant
from casework.adapters.traces import span
from casework.model.bands import Learned, Wish
from casework.model.disclosures import Category
from casework.model.errors import AssistantUnavailable
from casework.services.ports import AssistantAnswer, AssistantReply, JsonObject

DEADLINE_SECONDS = 15.0
# How long what an address said of its model holds, and how long it has to say it.
SERVED_SECONDS = 2.0
PROBE_SECONDS = 1.0
# Rasa's own name for a wish it could not tell.
NOT_UNDERSTOOD = "nlu_fallback"

Probability = Annotated[float, msgspec.Meta(ge=0, le=1)]
Offset = Annotated[int, msgspec.Meta(ge=0)]


class _Reply(msgspec.Struct, frozen=True):
    response: str
    text: str
    choices: list[str] = []
    args: dict[str, Any] = {}


class Urgency(msgspec.Struct, frozen=True):
    """What the learned detector says of a message; spans are offsets into the text as it was sent."""

    probability: Probability
    categories: dict[Category, Probability] = {}
    spans: list[tuple[Offset, Offset]] = []

    def as_learned(self) -> Learned:
        return Learned(probability=self.probability, categories=self.categories, spans=tuple(self.spans))


def read_wish(intent: str, confidence: float) -> Wish:
    """The wish as the model named it; one it could not tell has no confidence, whatever the number."""
    return Wish(name=intent, confidence=0.0 if intent == NOT_UNDERSTOOD else confidence)


class _Ranked(msgspec.Struct, frozen=True):
    intent: str
    confidence: Probability


class _Parse(msgspec.Struct, frozen=True):
    intent: str | None = None
    confidence: Probability = 0.0
    urgency: Urgency | None = None
    ranking: list[_Ranked] = []


class _Answer(msgspec.Struct, frozen=True):
    turn_id: str
    replies: list[_Reply]
    effects: list[JsonObject]
    state: JsonObject
    model: str
    parse: _Parse = _Parse()


class _Ready(msgspec.Struct, frozen=True):
    model: str


class RasaAssistant:
    """Takes turns over the given addresses; each call is one turn of one conversation.

    Each address holds one model, and says which at /webhooks/turn/ready.
    """

    def __init__(
        self,
        urls: Sequence[str],
        secret: str,
        session: aiohttp.ClientSession,
        *,
        deadline_seconds: float = DEADLINE_SECONDS,
        served_seconds: float = SERVED_SECONDS,
    ) -> None:
        self._timeout = aiohttp.ClientTimeout(total=deadline_seconds)
        self._all = [url.rstrip("/") for url in urls]
        self._urls = itertools.cycle(self._all)
        self._secret = secret
        self._session = session
        self._served: dict[str, str] = {}
        self._served_until = 0.0
        self._served_seconds = served_seconds
        self._asking = asyncio.Lock()

    async def ask(
        self,
        *,
        turn_id: str,
        conversation: str,
        text: str,
        state: JsonObject | None,
        facts: JsonObject,
        models: tuple[str, ...] = (),
    ) -> AssistantAnswer:
        """`models`: the first of them that is loaded somewhere answers, and no other ever does; none: any address."""
        with span("ask_assistant", turn_id=turn_id, conversation_id=conversation):
            try:
                return await self._ask(turn_id, conversation, text, state, facts, models)
            except AssistantUnavailable as fault:
                count_assistant_fault(fault.code)
                raise

    async def _ask(
        self,
        turn_id: str,
        conversation: str,
        text: str,
        state: JsonObject | None,
        facts: JsonObject,
        models: tuple[str, ...],
    ) -> AssistantAnswer:
        body = {
            "turn_id": turn_id,
            "conversation": conversation,
            "text": text,
            "state": state,
            "facts": facts,
        }
        url = await self._find_address(models) if models else next(self._urls)
        try:
            with timing_assistant():
                answer = await self._post(url, body)
        except AssistantUnavailable:
            self._served_until = 0.0
            raise
        if answer.turn_id != turn_id:
            raise AssistantUnavailable("wrong_turn")
        if models and answer.model not in models:
            # Another one was loaded there since it was asked: its words are dropped.
            self._served_until = 0.0
            raise AssistantUnavailable("other_model")
        if not answer.replies or not all(reply.text.strip() for reply in answer.replies):
            raise AssistantUnavailable("no_reply")
        return _as_answer(answer)

    async def _find_address(self, models: tuple[str, ...]) -> str:
        served = await self._find_served()
        for model in models:
            for url in itertools.islice(self._urls, len(self._all)):
                if served.get(url) == model:
                    return url
        if served:
            raise AssistantUnavailable("no_model")
        # None says which it has: whoever answers says so with the answer.
        return next(self._urls)

    async def _find_served(self) -> dict[str, str]:
        """Which model each address has, of those that say so."""
        async with self._asking:
            if time.monotonic() >= self._served_until:
                said = await asyncio.gather(*(self._ask_model(url) for url in self._all))
                self._served = {url: model for url, model in zip(self._all, said, strict=True) if model}
                self._served_until = time.monotonic() + self._served_seconds
            return self._served

    async def _ask_model(self, url: str) -> str | None:
        """None where nobody is ready there. One that is too busy to say has what it had."""
        try:
            async with self._session.get(
                f"{url}/webhooks/turn/ready",
                timeout=aiohttp.ClientTimeout(total=PROBE_SECONDS),
                allow_redirects=False,
            ) as response:
                content = await response.read()
        except TimeoutError:
            return self._served.get(url)
        except aiohttp.ClientError:
            return None
        if response.status != 200:
            return None
        try:
            return msgspec.json.decode(content, type=_Ready).model
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None

    async def _post(self, url: str, body: JsonObject) -> _Answer:
        try:
            async with self._session.post(
                f"{url}/webhooks/turn",
                data=msgspec.json.encode(body),
                headers={"X-Waymark-Secret": self._secret, "Content-Type": "application/json"},
                timeout=self._timeout,
                allow_redirects=False,  # the secret goes to the addresses we were given and no other
            ) as response:
                content = await response.read()
        except TimeoutError as error:
            raise AssistantUnavailable("deadline") from error
        except aiohttp.ClientError as error:
            raise AssistantUnavailable("unreachable") from error
        if response.status != 200:
            raise AssistantUnavailable(f"status_{response.status}")
        try:
            return msgspec.json.decode(content, type=_Answer)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise AssistantUnavailable("garbled") from error


def _as_answer(answer: _Answer) -> AssistantAnswer:
    parse = answer.parse
    return AssistantAnswer(
        replies=tuple(
            AssistantReply(
                response=each.response,
                text=each.text,
                choices=tuple(each.choices),
                args={name: str(value) for name, value in each.args.items()},
            )
            for each in answer.replies
        ),
        effects=tuple(answer.effects),
        state=answer.state,
        model=answer.model,
        learned=parse.urgency.as_learned() if parse.urgency else None,
        wish=None if parse.intent is None else read_wish(parse.intent, parse.confidence),
        ranking=tuple((each.intent, each.confidence) for each in parse.ranking),
    )
