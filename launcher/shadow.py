"""Asks a candidate what people write, soon after the live model answered them, and keeps what would have differed.

In the process of the workbench's jobs, which gives way to everything else: no victim's turn passes here. A Rasa of the
candidate is loaded for it and let go when nothing comes; so is one of the live model, where what it gave cannot be read
from the record (`launcher/recorded_answers.py`).
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import structlog

from casework.adapters.service import Service
from casework.model.disclosures import Band
from casework.model.release_gates import GateLimits, load_gate_limits
from casework.model.turn_outcomes import Change, Truth, TurnOutcome, find_change, find_harm, is_risk
from casework.services import shadows
from casework.services.comparison_ports import ComparisonChange, ReplayAnswer
from casework.services.shadow_ports import Shadow, ShadowBatch, ShadowedTurn, WaitingTurns
from launcher.compare import find_changes, prepare_stored, read_outcome, write_outcome
from launcher.model_loader import ModelNotRunning, ModelRefused
from launcher.recorded_answers import find_recorded
from launcher.replay import Replayed, decide_alone, find_outcome
from launcher.replay_input import ReplayInput, find_input_sha
from launcher.shadow_models import ShadowModels

log = structlog.get_logger()

STEP = 20
"""Messages at a time: a second or two of asking, after which the jobs have their turn."""
IDLE_SECONDS = 300.0
JUDGE_EVERY_SECONDS = 60.0
AGAIN_SECONDS = 60.0
MOST_STARTS = 3


class NoneAnswered(Exception):
    """Not one turn of a step got a whole answer from a model."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """What a model gives, by turn, and without the screen."""

    outcomes: Mapping[str, TurnOutcome]
    alone: Mapping[str, Band]


class Shadowing:
    """One bounded step is `take`; a kill between two of them, or in one, loses nothing. Ended by `let_go`."""

    def __init__(
        self,
        service: Service,
        *,
        limits: GateLimits | None = None,
        idle_seconds: float = IDLE_SECONDS,
        again_seconds: float = AGAIN_SECONDS,
        judge_seconds: float = JUDGE_EVERY_SECONDS,
    ) -> None:
        self.models = ShadowModels(service, limits or load_gate_limits())
        self._service = service
        self._database = service.database
        self._idle_seconds = idle_seconds
        self._again_seconds = again_seconds
        self._judge_seconds = judge_seconds
        self._starts_failed = 0
        self._not_before = 0.0
        self._judged_at = float("-inf")
        self._unanswered_at: int | None = None  # the mark at which no turn got an answer

    async def take(self) -> bool:
        """Asks the next few turns, if any wait; whether there was something to do."""
        looked = await self._database.read(partial(shadows.look, limit=STEP))
        await self._judge_again()
        if looked is not None and looked.why_over is not None:
            await self._end(looked.shadow, looked.why_over)
            return True
        if looked is None or not looked.has_more:
            if looked is None or self.models.idle_seconds >= self._idle_seconds:
                await self.let_go()
            return False
        return time.monotonic() >= self._not_before and await self._ask_next(looked.shadow)

    async def let_go(self) -> None:
        """Frees the memory, at the end or for other work; the next step loads what it needs."""
        await self.models.let_go()

    async def _end(self, shadow: Shadow, why: str) -> None:
        await self.let_go()
        await self._database.write(lambda tx: shadows.end(tx, shadow.id, why))
        log.info("shadow_ended", code=why)

    async def _ask_next(self, shadow: Shadow) -> bool:
        waiting = await self._database.read(lambda tx: shadows.list_waiting(tx, shadow, limit=STEP))
        try:
            batch = await self._ask(shadow, waiting)
        except NoneAnswered:
            # A process may have hung itself up: asked once more of a new one, and then never again.
            self._unanswered_at = shadow.last_inbox_id
            await self.let_go()
            return True
        if batch is not None:
            await self._database.write(lambda tx: shadows.keep(tx, shadow, batch))
        return batch is not None or shadow.model_id in self.models.loaded

    # --- the two models ---------------------------------------------------------------------------------

    async def _ask(self, shadow: Shadow, waiting: WaitingTurns) -> ShadowBatch | None:
        """None where a model was loaded first, which takes a while: what is withdrawn meanwhile is not asked."""
        stored = [turn for turn, _ in waiting.turns]
        asked = await asyncio.to_thread(prepare_stored, self._database, self._service.masker, stored)
        recorded = self._read_recorded(shadow, waiting, asked)
        known_after = await self._find_known(shadow.model_id, asked)
        known_before = await self._find_known(shadow.against_id, asked)
        for_after = [turn for turn in asked if turn.turn_id not in known_after.outcomes]
        has_before = recorded.outcomes.keys() | known_before.outcomes.keys()
        for_before = [turn for turn in asked if turn.turn_id not in has_before]
        if await self._load(shadow, is_after=bool(for_after), is_before=bool(for_before)):
            return None
        after = await self._replay(shadow, shadow.model_id, for_after)
        before = await self._replay(shadow, shadow.against_id, for_before)
        return self._make_batch(
            shadow,
            waiting,
            asked,
            before=_join(before, known_before, recorded),
            after=_join(after, known_after),
            answers={
                shadow.model_id: self._write(for_after, after),
                shadow.against_id: self._write(for_before, before),
            },
        )

    def _read_recorded(self, shadow: Shadow, waiting: WaitingTurns, asked: Sequence[ReplayInput]) -> Known:
        bands, outcomes, alone = self._service.bands, dict[str, TurnOutcome](), dict[str, Band]()
        for (stored, record), turn in zip(waiting.turns, asked, strict=True):
            answer = find_recorded(record, stored, turn)
            if answer is not None and answer.model == shadow.against_id:
                outcomes[turn.turn_id] = find_outcome(turn.screen, answer, bands)
                alone[turn.turn_id] = decide_alone(answer, bands)
        return Known(outcomes=outcomes, alone=alone)

    async def _find_known(self, model_id: str, turns: Sequence[ReplayInput]) -> Known:
        """What the model was asked before, by a comparison or by a step that was stored."""
        sha_of = {turn.turn_id: find_input_sha(turn, self._service.bands.limits) for turn in turns}
        found = await self._database.read(lambda tx: tx.comparisons.find_answers(model_id, list(sha_of)))
        same = [each for each in found.values() if each.input_sha == sha_of[each.turn_id]]
        read = {each.turn_id: read_outcome(each.answer) for each in same}
        return Known(
            outcomes={turn_id: outcome for turn_id, (outcome, _) in read.items()},
            alone={turn_id: band for turn_id, (_, band) in read.items()},
        )

    async def _load(self, shadow: Shadow, *, is_after: bool, is_before: bool) -> bool:
        """Whether something was loaded, tried or given up; the next step looks anew."""
        needed = [shadow.model_id] * is_after + [shadow.against_id] * is_before
        missing = [model_id for model_id in needed if model_id not in self.models.loaded]
        for model_id in missing:
            is_trial = model_id == shadow.model_id
            try:
                await self.models.load(model_id, is_trial=is_trial)
                self._starts_failed = 0
            except ModelRefused as refusal:
                await self._end(shadow, refusal.why if is_trial else shadows.LIVE_REFUSED)
                break
            except ModelNotRunning:
                await self._note_not_running(shadow)
                break
        return bool(missing)

    async def _note_not_running(self, shadow: Shadow) -> None:
        log.warning("shadow_not_running")
        self._starts_failed += 1
        self._not_before = time.monotonic() + self._again_seconds
        if self._starts_failed >= MOST_STARTS:
            self._starts_failed = 0
            await self._end(shadow, shadows.NOT_RUNNING)

    async def _replay(self, shadow: Shadow, model_id: str, turns: Sequence[ReplayInput]) -> Replayed:
        replayed = await self.models.replay(model_id, turns)
        if turns and not replayed.outcomes and self._unanswered_at != shadow.last_inbox_id:
            raise NoneAnswered
        return replayed

    # --- what came of it --------------------------------------------------------------------------------

    def _make_batch(
        self,
        shadow: Shadow,
        waiting: WaitingTurns,
        asked: Sequence[ReplayInput],
        *,
        before: Replayed,
        after: Replayed,
        answers: Mapping[str, Sequence[ReplayAnswer]],
    ) -> ShadowBatch:
        changes = {change.inbox_id: change for change in find_changes(asked, before, after)}
        both = before.outcomes.keys() & after.outcomes.keys()
        conversation_of = {stored.turn_id: stored.conversation_id for stored, _ in waiting.turns}
        turns = [
            ShadowedTurn(
                turn_id=turn.turn_id,
                inbox_id=turn.inbox_id,
                conversation_id=conversation_of[turn.turn_id],
                before=write_outcome(before.outcomes[turn.turn_id], before.alone[turn.turn_id]),
                after=write_outcome(after.outcomes[turn.turn_id], after.alone[turn.turn_id]),
                change=changes.get(turn.inbox_id),
            )
            for turn in asked
            if turn.turn_id in both
        ]
        return ShadowBatch(
            after=shadow.last_inbox_id,
            upto=waiting.upto,
            turns=turns,
            answers=answers,
            unanswered=len(asked) - len(turns),
        )

    def _write(self, turns: Sequence[ReplayInput], replayed: Replayed) -> list[ReplayAnswer]:
        return [
            ReplayAnswer(
                turn_id=turn.turn_id,
                input_sha=find_input_sha(turn, self._service.bands.limits),
                answer=write_outcome(replayed.outcomes[turn.turn_id], replayed.alone[turn.turn_id]),
            )
            for turn in turns
            if turn.turn_id in replayed.outcomes
        ]

    async def _judge_again(self) -> None:
        """Right and wrong need somebody's word, and that comes after the answer: each minute what was said is read."""
        if time.monotonic() - self._judged_at < self._judge_seconds:
            return
        self._judged_at = time.monotonic()
        said = await self._database.read(shadows.list_said)
        if said is None:
            return
        shadow_id, changes = said
        ids = [change.inbox_id for _, change in changes if change.inbox_id is not None]
        truths = await self._database.read(lambda tx: tx.turn_records.find_truths(ids))
        judged = {place: judge(change, truths.get(change.inbox_id or 0)) for place, change in changes}
        differing = {place: judged[place] for place, change in changes if judged[place] != change}
        if differing:
            await self._database.write(lambda tx: tx.comparisons.rejudge(shadow_id, differing))


def judge(change: ComparisonChange, truth: Truth | None) -> ComparisonChange:
    """The same difference, by what people say of its message now."""
    before, after = (read_outcome(dict(each))[0] for each in (change.before, change.after))
    return replace(
        change,
        kind=find_change(before, after, truth) or Change.CHANGED,
        is_risk=is_risk(before, after, truth),
        harm=find_harm(before, after, truth),
    )


def _join(replayed: Replayed, *known: Known) -> Replayed:
    """What was asked now and what was known, the last named before the others."""
    outcomes, alone = dict(replayed.outcomes), dict(replayed.alone)
    for each in known:
        outcomes |= each.outcomes
        alone |= each.alone
    return replace(replayed, outcomes=outcomes, alone=alone)
