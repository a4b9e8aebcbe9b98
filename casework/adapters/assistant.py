"""Rasa, asked one turn at a time. Anything but a whole answer is AssistantUnavailable."""

import itertools
from collections.abc import Sequence
from typing import Annotated

import aiohttp
import msgspec

from casework.model.bands import Learned, Wish
from casework.model.disclosures import Category
from casework.model.errors import AssistantUnavailable
from casework.services.ports import AssistantAnswer, AssistantReply, JsonObject

DEADLINE_SECONDS = 15.0
# Rasa's own name for a wish it could not tell.
NOT_UNDERSTOOD = "nlu_fallback"

Probability = Annotated[float, msgspec.Meta(ge=0, le=1)]
Offset = Annotated[int, msgspec.Meta(ge=0)]


class _Reply(msgspec.Struct, frozen=True):
    response: str
    text: str
    choices: list[str] = []


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


class _Parse(msgspec.Struct, frozen=True):
    intent: str | None = None
    confidence: Probability = 0.0
    urgency: Urgency | None = None


class _Answer(msgspec.Struct, frozen=True):
    turn_id: str
    replies: list[_Reply]
    effects: list[JsonObject]
    state: JsonObject
    model: str
    parse: _Parse = _Parse()


class RasaAssistant:
    """Takes turns over the given addresses; each call is one turn of one conversation."""

    def __init__(
        self,
        urls: Sequence[str],
        secret: str,
        session: aiohttp.ClientSession,
        *,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        self._timeout = aiohttp.ClientTimeout(total=deadline_seconds)
        self._urls = itertools.cycle([url.rstrip("/") for url in urls])
        self._secret = secret
        self._session = session

    async def ask(
        self, *, turn_id: str, conversation: str, text: str, state: JsonObject | None, facts: JsonObject
    ) -> AssistantAnswer:
        body = {
            "turn_id": turn_id,
            "conversation": conversation,
            "text": text,
            "state": state,
            "facts": facts,
        }
        answer = await self._post(body)
        if answer.turn_id != turn_id:
            raise AssistantUnavailable("wrong_turn")
        if not answer.replies or not all(reply.text.strip() for reply in answer.replies):
            raise AssistantUnavailable("no_reply")
        replies = tuple(
            AssistantReply(response=r.response, text=r.text, choices=tuple(r.choices)) for r in answer.replies
        )
        parse = answer.parse
        return AssistantAnswer(
            replies=replies,
            effects=tuple(answer.effects),
            state=answer.state,
            model=answer.model,
            learned=parse.urgency.as_learned() if parse.urgency else None,
            wish=None if parse.intent is None else read_wish(parse.intent, parse.confidence),
        )

    async def _post(self, body: JsonObject) -> _Answer:
        try:
            async with self._session.post(
                f"{next(self._urls)}/webhooks/turn",
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
