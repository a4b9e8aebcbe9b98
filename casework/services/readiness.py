"""Whether the assistant really answers: now and then each place that would answer is asked two known texts.

Nobody wrote them. No conversation, no person and no turn is stored, what the assistant declares is dropped, and
nothing leaves. One worker asks, however many there are; what was heard stands in the database, for all to tell.

While the assistant is switched off everywhere it is asked all the same, so that whoever is about to switch it on knows
what it says (readiness and the doctor tell it). But no alarm stands for it then: nobody gets its answers, whoever mends
it stops and starts it, and `assistant_off` stands over the desk already. Switched on, the next look sounds what is so.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from casework.model.errors import AssistantUnavailable
from casework.model.known_turns import Heard, KnownTurns, find_worst
from casework.model.messages import Channel
from casework.services.ports import Alarms, AssistantAnswer, Store
from casework.services.switch_ports import AssistantSwitch

EVERY = timedelta(seconds=30)
# Twice as long as a model takes to load: a start must not sound it.
AWAY_FOR = timedelta(minutes=3)
# Who asks has died, or has had no database: what was heard then says nothing of now.
OLD_AFTER = 4 * EVERY
WRONG, AWAY = "assistant_wrong", "assistant_away"
# It reads nothing of a mailbox.
ANSWERED = frozenset(Channel) - {Channel.EMAIL}


@dataclass(frozen=True, kw_only=True)
class LastHeard:
    """`since`: when it was first heard so, with no other outcome and no long silence in between. Times aware UTC."""

    heard: Heard
    at: datetime
    since: datetime


class AssistantPlaces(Protocol):
    async def list_ready(self) -> Mapping[str, str]:
        """Every address that says it takes turns -> the id of the model it holds."""

    async def ask(self, address: str, text: str) -> AssistantAnswer:
        """One turn of nobody's, at that very address. Raises AssistantUnavailable."""


class KnownTurnsHeard(Protocol):
    def begin(self, every: timedelta) -> bool:
        """False while somebody began less than `every` ago: of several workers one asks."""

    def find(self) -> LastHeard | None: ...

    def record(self, heard: Heard, *, since: datetime) -> None: ...


class Releases(Protocol):
    def list_allowed(self) -> list[str]:
        """Ids of the models that may answer people, the live one first."""


class ReadinessTransaction(Protocol):
    @property
    def now(self) -> datetime: ...
    @property
    def known_turns(self) -> KnownTurnsHeard: ...
    @property
    def model_releases(self) -> Releases: ...
    @property
    def alarms(self) -> Alarms: ...
    @property
    def assistant_switch(self) -> AssistantSwitch: ...


@dataclass
class Asking:
    """What asking needs, wired once; keeps when to look again, so that most looks cost nothing."""

    store: Store
    places: AssistantPlaces
    turns: KnownTurns
    every: timedelta = EVERY
    monotonic: Callable[[], float] = time.monotonic
    due_at: float = float("-inf")


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What is told of it. `really`: None while nothing was heard lately."""

    really: bool | None
    checked_seconds: float | None


async def ask_if_due(asking: Asking) -> bool:
    """A worker's step; never work for another round."""
    if asking.monotonic() < asking.due_at:
        return False
    asking.due_at = asking.monotonic() + asking.every.total_seconds()
    if not await asking.store.write(lambda tx: tx.known_turns.begin(asking.every)):
        return False
    ready = await asking.places.list_ready()
    allowed = await asking.store.read(lambda tx: tx.model_releases.list_allowed())
    # A candidate that guests try answers nobody else; where nothing was ever released, whatever is loaded answers.
    asked = {url: model for url, model in ready.items() if not allowed or model in allowed}
    heard = dict(zip(asked, await asyncio.gather(*(_ask(asking, url) for url in asked)), strict=True))
    wrong = sorted(f"{asked[url][:12]} {each}" for url, each in heard.items() if each.is_wrong)
    outcome = _sum_up(heard.values())
    await asking.store.write(lambda tx: _record(tx, outcome, wrong))
    return False


async def _ask(asking: Asking, address: str) -> Heard:
    turns = asking.turns
    try:
        calm = await asking.places.ask(address, turns.calm)
        danger = await asking.places.ask(address, turns.danger)
    except AssistantUnavailable:
        return Heard.AWAY
    responses = [reply.response for reply in calm.replies]
    return find_worst(
        [turns.judge_calm(responses, _urgency(calm)), turns.judge_danger(_urgency(danger))],
    )


def _urgency(answer: AssistantAnswer) -> float | None:
    return None if answer.learned is None else answer.learned.probability


def _sum_up(heard: Collection[Heard]) -> Heard:
    """One that says the wrong thing is one too many; of the others one that answers is enough."""
    wrong = [each for each in heard if each.is_wrong]
    if wrong:
        return find_worst(wrong)
    return Heard.WELL if Heard.WELL in heard else Heard.AWAY


def _record(tx: ReadinessTransaction, heard: Heard, wrong: Sequence[str]) -> None:
    last = tx.known_turns.find()
    goes_on = last is not None and last.heard is heard and tx.now - last.at < OLD_AFTER
    since = last.since if last is not None and goes_on else tx.now
    tx.known_turns.record(heard, since=since)
    if _is_off_everywhere(tx):
        tx.alarms.end(WRONG)
        tx.alarms.end(AWAY)
        return
    if wrong:
        tx.alarms.sound(WRONG, ", ".join(wrong))
    elif heard is Heard.WELL:
        # That nobody is there says nothing of what they will say.
        tx.alarms.end(WRONG)
    if heard is not Heard.AWAY:
        tx.alarms.end(AWAY)
    elif tx.now - since >= AWAY_FOR:
        tx.alarms.sound(AWAY, "")


def _is_off_everywhere(tx: ReadinessTransaction) -> bool:
    off = {each.channel for each in tx.assistant_switch.list_off()}
    return None in off or off >= ANSWERED


def find_answers(tx: ReadinessTransaction) -> Answers:
    """For readiness: reads alone."""
    last = tx.known_turns.find()
    if last is None:
        return Answers(really=None, checked_seconds=None)
    age = tx.now - last.at
    really = last.heard is Heard.WELL if age < OLD_AFTER else None
    return Answers(really=really, checked_seconds=round(max(0.0, age.total_seconds()), 1))
