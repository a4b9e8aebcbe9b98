"""Rasa, asked one turn at a time. Anything but a whole answer is AssistantUnavailable."""

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from typing import Annotated, Any

import aiohttp
import msgspec

from casework.adapters.assistant_addresses import Addresses
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
DEADLINE = "deadline"
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


async def ask_ready(session: aiohttp.ClientSession, url: str, *, seconds: float) -> tuple[bool, str | None]:
    """Whether the address takes turns, and with which model; None: it does not say.

    Raises TimeoutError where it is too busy to say anything within `seconds`.
    """
    try:
        async with session.get(
            f"{url}/webhooks/turn/ready",
            timeout=aiohttp.ClientTimeout(total=seconds),
            allow_redirects=False,
        ) as response:
            content = await response.read()
    except TimeoutError:
        raise  # among them aiohttp's own, which are ClientErrors too
    except aiohttp.ClientError:
        return False, None
    if response.status == 503:
        return False, None
    if response.status != 200:
        return True, None
    try:
        return True, msgspec.json.decode(content, type=_Ready).model
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return True, None


class RasaAssistant:
    """Takes turns over the given addresses; each call is one turn of one conversation.

    Each address holds one model, and says which at /webhooks/turn/ready. One that says it is not ready, because it
    starts or is about to go, gets nothing new. Where an answer fails early another address is asked in the time left.
    """

    def __init__(
        self,
        urls: Sequence[str],
        secret: str,
        session: aiohttp.ClientSession,
        *,
        deadline_seconds: float = DEADLINE_SECONDS,
        served_seconds: float = SERVED_SECONDS,
        probe_seconds: float = PROBE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock`: by which addresses are left out and come back."""
        self._deadline_seconds = deadline_seconds
        self._addresses = Addresses([url.rstrip("/") for url in urls], clock=clock)
        self._secret = secret
        self._session = session
        self._served: dict[str, str] = {}
        self._may_take: set[str] = set(self._addresses.urls)
        self._served_until = 0.0
        self._served_seconds = served_seconds
        self._probe_seconds = probe_seconds
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
        """`models`: the first of them that is loaded where all is well answers, no other ever; none: any address."""
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
        groups = await self._find_addresses(models)
        started = time.monotonic()
        first = self._addresses.choose(groups)
        try:
            return await self._ask_at(first, body, models, seconds=self._deadline_seconds)
        except AssistantUnavailable as fault:
            spent = time.monotonic() - started
            others = [[url for url in group if url != first] for group in groups]
            if not self._is_worth_another(others, spent):
                raise
            count_assistant_fault(fault.code)
        # Once: a text that no Rasa can answer must not go round all of them.
        second = self._addresses.choose(others)
        return await self._ask_at(second, body, models, seconds=self._deadline_seconds - spent)

    def _is_worth_another(self, groups: Sequence[Collection[str]], spent: float) -> bool:
        """One that is well is there, and has at least half of the time: with less a fault would not be its own."""
        is_early = spent <= self._deadline_seconds / 2
        return is_early and any(self._addresses.may_take(url) for group in groups for url in group)

    async def _ask_at(
        self, url: str, body: JsonObject, models: tuple[str, ...], *, seconds: float
    ) -> AssistantAnswer:
        try:
            with self._addresses.asking(url), timing_assistant():
                answer = await self._post(url, body, seconds=seconds)
            if answer.turn_id != body["turn_id"]:
                raise AssistantUnavailable("wrong_turn")
        except AssistantUnavailable as fault:
            self._served_until = 0.0
            self._addresses.note_fault(url, at_once=fault.code == DEADLINE)
            raise
        self._addresses.note_answer(url)
        if models and answer.model not in models:
            # Another one was loaded there since it was asked: its words are dropped.
            self._served_until = 0.0
            raise AssistantUnavailable("other_model")
        if not answer.replies or not all(reply.text.strip() for reply in answer.replies):
            raise AssistantUnavailable("no_reply")
        return _as_answer(answer)

    async def _find_addresses(self, models: tuple[str, ...]) -> list[list[str]]:
        """Who may be asked, the preferred first; never nobody. Raises AssistantUnavailable: no_model."""
        everybody = list(self._addresses.urls)
        if not models and len(everybody) == 1:
            return [everybody]
        await self._look()
        if models and self._served:
            groups = [[url for url in everybody if self._served.get(url) == model] for model in models]
            if not any(groups):
                raise AssistantUnavailable("no_model")
            return groups
        # None says which it has: whoever answers says so with the answer.
        return [[url for url in everybody if url in self._may_take] or everybody]

    async def _look(self) -> None:
        """Which model each address has, of those that say so, and who takes nothing now."""
        async with self._asking:
            if time.monotonic() < self._served_until:
                return
            urls = self._addresses.urls
            said = await asyncio.gather(*(self._ask_model(url) for url in urls))
            self._may_take = {url for url, (may_take, _) in zip(urls, said, strict=True) if may_take}
            self._served = {url: model for url, (_, model) in zip(urls, said, strict=True) if model}
            self._served_until = time.monotonic() + self._served_seconds

    async def _ask_model(self, url: str) -> tuple[bool, str | None]:
        """What `ask_ready` says. One too busy to say has what it had, and so has one left out: nobody waits for it."""
        had = url in self._may_take, self._served.get(url)
        if self._addresses.is_left_out(url):
            return had
        try:
            return await ask_ready(self._session, url, seconds=self._probe_seconds)
        except TimeoutError:
            self._addresses.note_fault(url)
            return had

    async def _post(self, url: str, body: JsonObject, *, seconds: float) -> _Answer:
        try:
            async with self._session.post(
                f"{url}/webhooks/turn",
                data=msgspec.json.encode(body),
                headers={"X-Waymark-Secret": self._secret, "Content-Type": "application/json"},
                timeout=aiohttp.ClientTimeout(total=seconds),
                allow_redirects=False,  # the secret goes to the addresses we were given and no other
            ) as response:
                content = await response.read()
        except TimeoutError as error:
            raise AssistantUnavailable(DEADLINE) from error
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
