"""How a model read the messages of a set, as it is kept and set beside how another read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from bot.corpus import Example
from casework.model.bands import BandLimits
from casework.model.disclosures import CALM, Band
from casework.services.comparison_ports import EvaluationAnswer
from launcher.evaluation.conversations import TalkHeld
from launcher.evaluation.figures import Judged, is_right
from launcher.evaluation.frozen import SHORT_SHA
from launcher.evaluation.packs import PackJudged
from launcher.understanding import Understood, decide

KEY_LENGTH = 32


@dataclass(frozen=True, kw_only=True)
class Read:
    """One message with what it was meant as, how a model read it, and how the live one did (None: none is)."""

    judged: Judged
    now: EvaluationAnswer
    was: EvaluationAnswer | None


def name_set(name: str, sha: str) -> str:
    """As its answers are kept: other messages under the same name are another set."""
    return f"{name}@{sha[:SHORT_SHA]}"


def key_of(example: Example) -> str:
    return sha256(f"{example.scenario}\0{example.text}".encode()).hexdigest()[:KEY_LENGTH]


def answer_of(judged: Judged, limits: BandLimits) -> EvaluationAnswer:
    return _answer(key_of(judged.example), judged.understood, limits, is_right=is_right(judged))


def answer_of_pack(judged: PackJudged, limits: BandLimits) -> EvaluationAnswer:
    return _answer(judged.line.id, judged.understood, limits, is_right=judged.passed)


def answer_of_talk(held: TalkHeld) -> EvaluationAnswer:
    """Whether the whole talk came to what it should; nothing is kept of its turns one by one."""
    return EvaluationAnswer(
        item_key=held.talk.id[:KEY_LENGTH],
        outcome=None,
        confidence=0.0,
        band=Band.GREEN,
        tier=None,
        urgency=None,
        is_caught=False,
        is_caught_alone=False,
        is_right=held.passed,
    )


def _answer(key: str, understood: Understood, limits: BandLimits, *, is_right: bool) -> EvaluationAnswer:
    parsed = understood.parsed
    return EvaluationAnswer(
        item_key=key,
        outcome=understood.outcome,
        confidence=understood.outcome_confidence,
        band=understood.decision.band,
        tier=understood.decision.tier,
        urgency=parsed.urgency.probability if parsed.urgency else None,
        is_caught=not understood.is_automated,
        is_caught_alone=not decide(CALM, parsed, limits).is_automated,
        is_right=is_right,
    )


def set_beside(
    judged: Sequence[Judged], limits: BandLimits, live: Mapping[str, EvaluationAnswer] | None
) -> list[Read]:
    """`live`: by key; raises KeyError for a message the live model was not asked."""
    read = []
    for one in judged:
        now = answer_of(one, limits)
        read.append(Read(judged=one, now=now, was=None if live is None else live[now.item_key]))
    return read
