"""Fakes with memory: they answer as told and remember what they were asked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from casework.model.disclosures import CALM, ScreenResult
from casework.model.errors import AssistantUnavailable
from casework.model.messages import InboundMessage, OutboundMessage, OutboxStatus
from casework.services.ports import AssistantAnswer, Delivery, JsonObject
from casework.services.safety_lines import SafetyLineEntry, load_safety_lines
from tests.support.builders import an_answer


@dataclass
class FakeAssistant:
    """Answers every turn the same way, or as `answers` says for a text; `is_down` refuses all."""

    answer: AssistantAnswer = field(default_factory=an_answer)
    answers: dict[str, AssistantAnswer] = field(default_factory=dict)
    is_down: bool = False
    asked: list[str] = field(default_factory=list)
    states: list[JsonObject | None] = field(default_factory=list)
    facts: list[JsonObject] = field(default_factory=list)
    models: list[tuple[str, ...]] = field(default_factory=list)
    while_answering: Callable[[], None] | None = None

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
        self.asked.append(text)
        self.states.append(state)
        self.facts.append(facts)
        self.models.append(models)
        if self.while_answering is not None:
            self.while_answering()
        if self.is_down:
            raise AssistantUnavailable("unreachable")
        return self.answers.get(text, self.answer)


@dataclass
class FakeSender:
    """Remembers what left. `outcomes` are used up first; then everything is sent."""

    outcomes: list[Delivery] = field(default_factory=list)
    sent: list[OutboundMessage] = field(default_factory=list)
    looked_up: list[OutboundMessage] = field(default_factory=list)
    holds: Delivery | None = None

    async def deliver(self, message: OutboundMessage) -> Delivery:
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if outcome is not None and outcome.status is not OutboxStatus.SENT:
            return outcome
        self.sent.append(message)
        return outcome or Delivery(status=OutboxStatus.SENT, provider_message_id=f"SM{len(self.sent):032x}")

    async def find_sent(self, message: OutboundMessage, *, since: datetime) -> Delivery | None:
        self.looked_up.append(message)
        return self.holds


class PlainCodeBook:
    """Codes in clear, for tests that are not about hashing; remembers how often it worked."""

    def __init__(self) -> None:
        self.issued: list[str] = []
        self.hashes = 0
        self.checks = 0

    def hash(self, code: str) -> str:
        self.hashes += 1
        self.issued.append(code)
        return f"hash of {code}"

    def matches(self, code: str, code_hash: str | None) -> bool:
        self.checks += 1
        return code_hash == f"hash of {code}"


@dataclass
class FixedScreen:
    """Finds every message calm but the texts it was told of; remembers what it was given to read with them."""

    results: dict[str, ScreenResult] = field(default_factory=dict)
    earlier: list[list[str]] = field(default_factory=list)

    def screen(self, message: InboundMessage, earlier: Sequence[str] = ()) -> ScreenResult:
        self.earlier.append(list(earlier))
        return self.results.get(message.text, CALM)


class BrokenSafetyLines(dict[str, SafetyLineEntry]):
    """Has an entry for everything and cannot give any."""

    def __init__(self) -> None:
        super().__init__(load_safety_lines())

    def __getitem__(self, kind: str) -> SafetyLineEntry:
        raise RuntimeError("the safety lines cannot be read")


@dataclass
class FailingStore:
    """A real store whose next `failures` writes find the database gone."""

    store: Any
    failures: int = 0

    async def write(self, work: Callable[[Any], Any]) -> Any:
        if self.failures:
            self.failures -= 1
            raise sa.exc.OperationalError("COMMIT", {}, Exception("the server closed the connection"))
        return await self.store.write(work)

    async def read(self, work: Callable[[Any], Any]) -> Any:
        return await self.store.read(work)
