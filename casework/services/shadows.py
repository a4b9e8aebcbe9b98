"""A candidate beside the live model: asked what people write as it comes in, and answering nobody.

What would have differed stands in a comparison that grows (`casework/services/comparisons.py: SHADOW`). Each step moves
the mark and keeps its differences in one transaction: whoever is killed in between asks the same turns again.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from casework.model.errors import WaymarkError
from casework.services import comparisons
from casework.services.comparison_ports import ComparisonChange
from casework.services.model_ports import VersionStatus
from casework.services.model_releases import LAUNCHER
from casework.services.ports import Transaction
from casework.services.shadow_ports import Shadow, ShadowBatch, ShadowedTurn, WaitingTurns

LONGEST_HOURS = 14 * 24
USUAL_HOURS = 3 * 24
# A row is read that long after it came: a slower transaction may still write one before it.
SETTLES_AFTER = timedelta(seconds=30)
# What came before its end is asked that long after it, and no longer: it always ends.
CATCHES_UP = timedelta(days=1)

STOPPED, OVER, NO_CANDIDATE, LIVE_CHANGED = "stopped", "over", "no_candidate", "live_changed"
NOT_RUNNING, LIVE_REFUSED = "not_running", "live_refused"
WHYS_ENDED = (STOPPED, OVER, NO_CANDIDATE, LIVE_CHANGED, NOT_RUNNING, LIVE_REFUSED)
"""Why one ends, beside the reasons for which `launcher/model_loader.py` refuses the candidate."""


class ShadowUnfit(WaymarkError):
    """No candidate, no live model to stand beside, or more hours than one may last."""


class ShadowRunning(WaymarkError):
    """One at a time."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """What there is to do for the one that goes on. `why_over`: it has to end, for this of `WHYS_ENDED`."""

    shadow: Shadow
    why_over: str | None
    has_more: bool


def start(tx: Transaction, model_id: str, *, hours: int, by: str) -> str:
    """From the next message on: the id of its comparison. `by`: a staff id. Raises ShadowUnfit, ShadowRunning."""
    version, live = tx.model_releases.find_version(model_id), tx.model_releases.find_live()
    if version is None or version.status != VersionStatus.CANDIDATE or live is None:
        raise ShadowUnfit("Only a model that passes every gate is asked beside a live one.")
    if not 1 <= hours <= LONGEST_HOURS:
        raise ShadowUnfit(f"It lasts from 1 to {LONGEST_HOURS} hours.")
    shadow_id = tx.comparisons.add(
        model_id=model_id,
        against_id=live,
        source=comparisons.SHADOW,
        turns=0,
        digest="",
        counts=comparisons.count_changes([]),
        changes=[],
        by=by,
    )
    if not tx.shadows.start(shadow_id, model_id, by=by, until=tx.now + timedelta(hours=hours)):
        raise ShadowRunning("A model is asked beside the live one already. Stop that one first.")
    tx.audit.record("shadow_started", by=by, thing=f"model:{model_id}")
    return shadow_id


def stop(tx: Transaction, model_id: str, *, by: str) -> bool:
    """Ends that of this model at once; what it found stays. False where none goes on. `by`: a staff id."""
    shadow = tx.shadows.hold_open()
    if shadow is None or shadow.model_id != model_id:
        return False
    _end(tx, shadow, STOPPED, by=by)
    return True


def end(tx: Transaction, shadow_id: str, why: str) -> None:
    """By itself, once. `why`: of `WHYS_ENDED`, or why the loader refused the candidate."""
    shadow = tx.shadows.hold_open()
    if shadow is not None and shadow.id == shadow_id:
        _end(tx, shadow, why, by=LAUNCHER)


def _end(tx: Transaction, shadow: Shadow, why: str, *, by: str) -> None:
    tx.shadows.end(shadow.id, why=why, by=by)
    tx.audit.record("shadow_ended", by=by, thing=f"model:{shadow.model_id}:{why}")


# --- what is asked --------------------------------------------------------------------------------------


def look(tx: Transaction, *, limit: int) -> Look | None:
    """None where none goes on. Cheap, and writes nothing: it is asked each second."""
    shadow = tx.shadows.find_open()
    if shadow is None:
        return None
    has_more = _find_upto(tx, shadow, limit) != shadow.last_inbox_id
    return Look(shadow=shadow, why_over=_find_why_over(tx, shadow, has_more=has_more), has_more=has_more)


def list_waiting(tx: Transaction, shadow: Shadow, *, limit: int) -> WaitingTurns:
    """The next turns an assistant answered and that may be used. `limit`: messages that are looked at."""
    upto = _find_upto(tx, shadow, limit)
    stored = tx.turn_records.list_for_replay(newest=limit, after=shadow.last_inbox_id, upto=upto)
    recorded = [(turn, tx.turn_records.find(turn.inbox_id)) for turn in reversed(stored)]
    # Without a record the screen alone decided, and does so whichever model there is.
    return WaitingTurns(turns=[(turn, record) for turn, record in recorded if record is not None], upto=upto)


def _find_upto(tx: Transaction, shadow: Shadow, limit: int) -> int:
    before = min(tx.now - SETTLES_AFTER, shadow.until)
    _, upto = tx.review_reads.list_messages(after=shadow.last_inbox_id, before=before, limit=limit)
    return upto


def _find_why_over(tx: Transaction, shadow: Shadow, *, has_more: bool) -> str | None:
    version = tx.model_releases.find_version(shadow.model_id)
    if version is None or version.status != VersionStatus.CANDIDATE:
        return NO_CANDIDATE
    if tx.model_releases.find_live() != shadow.against_id:
        return LIVE_CHANGED
    return OVER if tx.now >= shadow.until + (CATCHES_UP if has_more else SETTLES_AFTER) else None


# --- what came of it ------------------------------------------------------------------------------------


def keep(tx: Transaction, shadow: Shadow, batch: ShadowBatch) -> bool:
    """The differences and the mark, together. False, and nothing is written, where it ended or was moved meanwhile.

    What may no longer be used is left out: it may have been withdrawn while the models thought.
    """
    held = tx.shadows.hold_open()
    if held is None or held.id != shadow.id or held.last_inbox_id != batch.after:
        return False
    if _find_why_over(tx, held, has_more=True) is not None:
        return False
    for conversation_id in sorted({turn.conversation_id for turn in batch.turns}):
        # Held until the end: a withdrawal comes before all of this or after.
        tx.conversations.hold(conversation_id)
    turns = [turn for turn in batch.turns if tx.training_flags.is_usable(turn.inbox_id)]
    usable = {turn.turn_id for turn in turns}
    for model_id, answers in batch.answers.items():
        kept = [answer for answer in answers if answer.turn_id in usable]
        if kept:
            tx.comparisons.keep_answers(model_id, kept)
    if turns:
        digest = tx.comparisons.get(held.id).digest
        changes = [turn.change for turn in turns if turn.change is not None]
        tx.comparisons.grow(held.id, turns=len(turns), digest=_digest(digest, turns), changes=changes)
    tx.shadows.advance(held.id, last_inbox_id=batch.upto, unanswered=batch.unanswered)
    return True


def _digest(before: str, turns: Sequence[ShadowedTurn]) -> str:
    """The same however the turns were cut into steps."""
    for turn in turns:
        content = json.dumps([before, turn.turn_id, turn.before, turn.after], sort_keys=True, default=str)
        before = hashlib.sha256(content.encode()).hexdigest()
    return before


def list_said(tx: Transaction) -> tuple[str, list[tuple[int, ComparisonChange]]] | None:
    """Of the newest, while its model may still be proposed: its id, and the differences people have spoken of."""
    shadow = tx.shadows.find_newest()
    version = None if shadow is None else tx.model_releases.find_version(shadow.model_id)
    if shadow is None or version is None or version.status != VersionStatus.CANDIDATE:
        return None
    return shadow.id, tx.comparisons.list_said(shadow.id)
