"""Stored turns asked again of one model, through the code a victim's turn runs: what each would get from it.

What it does not say: to a linked person the words of an invented case were told, and whether half a day had passed
before the message is not known. Both models of a comparison see the same.
"""

import asyncio
import hashlib
import secrets
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import msgspec
from aiohttp import web

from actions.reads import CaseReads
from actions.server import build_actions_app
from casework.adapters.assistant import NOT_UNDERSTOOD, RasaAssistant
from casework.model.bands import Bands, decide_band
from casework.model.disclosures import CALM, Band, ScreenResult
from casework.model.errors import AssistantUnavailable
from casework.model.turn_outcomes import TurnOutcome
from casework.services.ports import Assistant, AssistantAnswer, JsonObject
from launcher.bench_rasa import MAX_ACTION_CALL_BYTES, ActionsBeside
from launcher.model_loader import CheckedModel, running_checked
from launcher.processes import find_free_port
from launcher.replay_input import ReplayInput
from launcher.replay_reads import TODAY, ReplayReads

AT_ONCE = 3
TRIES = 2
TRY_AGAIN_SECONDS = 0.5
PLACES = 4
TURN_SECONDS = 30.0
HAND_OFF = "hand_off"
P95 = 0.95


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """What each turn, by its id, would come to.

    `alone`: the band the model gives without the screen. `digest`: of all of it, so that two replays that agree have
    the same. `p95_ms`: of the wait for an answer while `AT_ONCE` are asked. `failed`: turns without an answer.
    """

    outcomes: Mapping[str, TurnOutcome]
    digest: str
    seconds: float
    p95_ms: float
    failed: tuple[str, ...]
    alone: Mapping[str, Band]


Progress = Callable[[int, int], None]


async def replay(
    root: Path, checked: CheckedModel, turns: Sequence[ReplayInput], *, bands: Bands, on_progress: Progress
) -> Replayed:
    """Asks a process of that model's own, started for it. Raises ModelRefused or ModelNotRunning."""
    async with running_model(root, checked, ReplayReads(turns)) as assistant:
        return await replay_with(assistant, turns, bands=bands, on_progress=on_progress)


@asynccontextmanager
async def running_model(
    root: Path, checked: CheckedModel, reads: CaseReads, *, niceness: int = 0
) -> AsyncIterator[Assistant]:
    """One Rasa process, the real actions beside it. Its secret is drawn for this run: no victim's turn reaches it."""
    with tempfile.TemporaryDirectory(prefix="waymark-replay-") as folder:
        log = Path(folder) / "rasa.log"
        async with (
            _actions_beside(reads) as beside,
            running_checked(root, checked, environ=beside.environ(), log=log, niceness=niceness) as address,
            aiohttp.ClientSession(trust_env=False) as session,
        ):
            yield RasaAssistant([address], beside.secret, session, deadline_seconds=TURN_SECONDS)


@asynccontextmanager
async def _actions_beside(reads: CaseReads) -> AsyncIterator[ActionsBeside]:
    secret = secrets.token_urlsafe(32)
    app = web.Application(client_max_size=MAX_ACTION_CALL_BYTES)
    app.add_subapp("/replay", build_actions_app(reads, secret, today=lambda: TODAY))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    port = find_free_port()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield ActionsBeside(url=f"http://127.0.0.1:{port}/replay/actions", secret=secret)
    finally:
        await runner.cleanup()


async def replay_with(
    assistant: Assistant, turns: Sequence[ReplayInput], *, bands: Bands, on_progress: Progress
) -> Replayed:
    """`AT_ONCE` turns at a time, in the order given; the order of the answers changes nothing."""
    started = time.monotonic()
    outcomes: dict[str, TurnOutcome] = {}
    alone: dict[str, Band] = {}
    waits: list[float] = []
    failed: list[str] = []
    waiting = iter(turns)

    async def take() -> None:
        for turn in waiting:
            began = time.perf_counter()
            answer = await _ask(assistant, turn)
            waits.append((time.perf_counter() - began) * 1000)
            if answer is None:
                failed.append(turn.turn_id)
            else:
                outcomes[turn.turn_id] = find_outcome(turn.screen, answer, bands)
                alone[turn.turn_id] = decide_alone(answer, bands)
            on_progress(len(outcomes) + len(failed), len(turns))

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(take())
    return Replayed(
        outcomes=outcomes,
        digest=digest_of(outcomes, alone, failed),
        seconds=time.monotonic() - started,
        p95_ms=find_p95(waits),
        failed=tuple(sorted(failed)),
        alone=alone,
    )


async def _ask(assistant: Assistant, turn: ReplayInput) -> AssistantAnswer | None:
    for number in range(TRIES):
        try:
            return await assistant.ask(
                turn_id=turn.turn_id,
                conversation=turn.turn_id,
                text=turn.text,
                state=turn.state,
                facts=turn.facts,
            )
        except AssistantUnavailable:
            if number + 1 < TRIES:
                await asyncio.sleep(TRY_AGAIN_SECONDS)
    return None


def find_outcome(screen: ScreenResult, answer: AssistantAnswer, bands: Bands) -> TurnOutcome:
    """What the victim would get: RED drops the answer, as `casework/services/answer.py: commit_answer` does."""
    decision = decide_band(screen, answer.learned, answer.wish, bands.limits)
    is_red = decision.band is Band.RED
    effects = [_name_effect(effect) for effect in answer.effects]
    return TurnOutcome(
        responses=() if is_red else tuple(reply.response for reply in answer.replies),
        effects=() if is_red else tuple(effects),
        band=decision.band,
        tier=decision.tier,
        category=decision.category,
        to_person=is_red or any(effect.get("effect") == HAND_OFF for effect in answer.effects),
        intent=answer.wish.name if answer.wish else None,
        confidence=_rounded_wish(answer),
        urgency=None if answer.learned is None else round(answer.learned.probability, PLACES),
    )


def _rounded_wish(answer: AssistantAnswer) -> float:
    if answer.wish is None or answer.wish.name == NOT_UNDERSTOOD:
        return 0.0
    return round(answer.wish.confidence, PLACES)


def _name_effect(effect: JsonObject) -> str:
    """Its kind and reason. A reference or a code that stands in it is nobody's to keep."""
    reason = effect.get("reason")
    return f"{effect.get('effect')}:{reason}" if reason else str(effect.get("effect"))


def decide_alone(answer: AssistantAnswer, bands: Bands) -> Band:
    """The band the model gives without the screen."""
    return decide_band(CALM, answer.learned, answer.wish, bands.limits).band


def digest_of(
    outcomes: Mapping[str, TurnOutcome], alone: Mapping[str, Band], failed: Sequence[str] = ()
) -> str:
    """SHA-256 over everything a replay found, by turn id."""
    rows = [[turn_id, outcomes[turn_id], alone.get(turn_id)] for turn_id in sorted(outcomes)]
    content = msgspec.json.encode([rows, sorted(failed)], order="deterministic")
    return hashlib.sha256(content).hexdigest()


def find_p95(waits_ms: Sequence[float]) -> float:
    """Milliseconds that 95 in 100 stay within; 0 without any."""
    ordered = sorted(waits_ms)
    return ordered[min(len(ordered) - 1, int(P95 * len(ordered)))] if ordered else 0.0
