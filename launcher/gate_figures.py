"""What the gates judge, of what both models were asked: counts, and on how many items the two differ."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from casework.model.disclosures import Band
from casework.model.release_gates import Measured
from casework.model.significance import count_changes
from casework.model.turn_outcomes import TurnOutcome
from casework.services.comparison_ports import EvaluationAnswer
from launcher.evaluation.answers import Read, answer_of_talk
from launcher.evaluation.conversations import TalkHeld
from launcher.evaluation.figures import SMS_LENGTH, f1_of
from launcher.evaluation.packs import Pack, PackLine
from launcher.replay import Replayed
from launcher.replay_input import ReplayInput

SURE_BELOW = 0.2
Holds = Callable[[EvaluationAnswer], bool]


def measure_corpora(read: Sequence[Read]) -> list[Measured]:
    """The gates that the held-out messages decide; what was is left out where no model is live."""
    urgent = [one for one in read if one.judged.is_urgent]
    routine = [one for one in read if one.judged.is_routine]
    tiers = {tier: [one for one in urgent if one.judged.tier == tier] for tier in (1, 2, 3, 4)}
    return [
        _share_of("danger_now", "tier_1", tiers[1], _is_caught),
        *(_share_of("tiers", f"tier_{tier}", tiers[tier], _is_caught) for tier in (2, 3, 4)),
        _share_of("model_alone_urgent", "urgent", urgent, lambda answer: answer.is_caught_alone),
        *(_share_of("slices", name, those, _is_caught) for name, those in _slices(urgent)),
        count("sure_and_wrong", "urgent", sum(map(_is_newly_sure_and_wrong, urgent)), len(urgent)),
        _share_of("false_alarms", "routine", routine, _is_red, is_fault=True),
        _macro_f1(routine),
    ]


def measure_pack(
    pack: Pack, now: Iterable[EvaluationAnswer], was: Iterable[EvaluationAnswer] | None
) -> Iterator[Measured]:
    """Danger, danger with a plain twin, and calm lines. Raises KeyError for a line that either was not asked."""
    answers = {one.item_key: one for one in now}
    before = None if was is None else {one.item_key: one for one in was}

    def share(gate: str, lines: Sequence[PackLine], holds: Holds) -> Measured:
        then = None if before is None else [holds(before[line.id]) for line in lines]
        return _share(gate, pack.name, [holds(answers[line.id]) for line in lines], then)

    urgent = [line for line in pack.lines if line.category is not None]
    yield share("packs_urgent", urgent, _is_caught)
    if twinned := [line for line in urgent if line.like is not None]:
        yield share("packs_alike", twinned, _is_right)
    yield share("packs_calm", [line for line in pack.lines if line.category is None], _is_right)


def measure_talks(held: Sequence[TalkHeld], was: Iterable[EvaluationAnswer] | None) -> Iterator[Measured]:
    """`was`: how the live model held them, in any order. Raises KeyError for a talk it was not asked."""
    before = None if was is None else {one.item_key: one for one in was}
    danger = [answer_of_talk(one) for one in held if one.talk.touches_danger]
    others = [answer_of_talk(one) for one in held if not one.talk.touches_danger]
    yield count("talks_of_danger", "newly_failed", _count_newly_failed(danger, before), len(danger))
    then = None if before is None else [before[one.item_key].is_right for one in others]
    yield _share("talks", "as_expected", [one.is_right for one in others], then)


def find_newly_missed(stored: Sequence[ReplayInput], now: Replayed, before: Replayed | None) -> list[str]:
    """Stored disclosures the live model catches and this one does not; one that was not answered is missed."""

    def is_missed(replayed: Replayed, turn_id: str) -> bool:
        outcome: TurnOutcome | None = replayed.outcomes.get(turn_id)
        return outcome is None or not outcome.is_caught

    return [
        turn.turn_id
        for turn in stored
        if is_missed(now, turn.turn_id) and not (before is not None and is_missed(before, turn.turn_id))
    ]


def count(gate: str, of: str, hits: int, n: int) -> Measured:
    return Measured(gate=gate, of=of, hits=hits, n=n, value=None, was_hits=None, was_value=None)


def score(gate: str, of: str, value: float | None, n: int) -> Measured:
    return Measured(gate=gate, of=of, hits=None, n=n, value=value, was_hits=None, was_value=None)


def _share(
    gate: str, of: str, now: Sequence[bool], was: Sequence[bool] | None, *, is_fault: bool = False
) -> Measured:
    """`now`, `was`: of each item in order, whether it is a hit."""
    if was is None:
        return count(gate, of, sum(now), len(now))
    changes = count_changes(now, was)
    right, wrong = reversed(changes) if is_fault else changes
    return Measured(
        gate=gate,
        of=of,
        hits=sum(now),
        n=len(now),
        value=None,
        was_hits=sum(was),
        was_value=None,
        newly_right=right,
        newly_wrong=wrong,
    )


def _share_of(gate: str, of: str, those: Sequence[Read], holds: Holds, *, is_fault: bool = False) -> Measured:
    return _share(gate, of, [holds(one.now) for one in those], _before(those, holds), is_fault=is_fault)


def _before(those: Sequence[Read], holds: Holds) -> list[bool] | None:
    """What was live on the same messages; None where nothing was."""
    before = [holds(one.was) for one in those if one.was is not None]
    return before if those and len(before) == len(those) else None


def _is_caught(answer: EvaluationAnswer) -> bool:
    return answer.is_caught


def _is_red(answer: EvaluationAnswer) -> bool:
    return answer.band is Band.RED


def _is_right(answer: EvaluationAnswer) -> bool:
    return answer.is_right


def _is_newly_sure_and_wrong(one: Read) -> bool:
    """Somebody would have looked, nobody would now, and not for a hair: it seems half as urgent or less.

    A message that stands at a limit crosses it by chance; its urgency stays about the same. Where no model is live
    everything is new.
    """
    if one.now.is_caught or one.now.urgency is None:
        return False
    if one.was is None:
        return one.now.urgency < SURE_BELOW
    return one.was.is_caught and (one.was.urgency is None or 2 * one.now.urgency <= one.was.urgency)


def _slices(urgent: Sequence[Read]) -> Iterable[tuple[str, list[Read]]]:
    """By style, which names other languages too, and by whether it came as one text message or longer."""
    slices: dict[str, list[Read]] = {}
    for one in urgent:
        length = "long" if len(one.judged.example.text) > SMS_LENGTH else "short"
        for name in (f"style {one.judged.example.style}", f"length {length}"):
            slices.setdefault(name, []).append(one)
    return sorted(slices.items())


def _macro_f1(routine: Sequence[Read]) -> Measured:
    """The score is of all of them together; its pairs are the messages read as meant, which it is made of."""
    paired = _share_of("intents", "macro_f1", routine, _is_right)
    value = f1_of([(one.judged.meant, one.now.outcome) for one in routine]).value
    was = f1_of([(one.judged.meant, one.was.outcome) for one in routine if one.was is not None]).value
    return replace(paired, hits=None, was_hits=None, value=value, was_value=was)


def _count_newly_failed(
    now: Iterable[EvaluationAnswer], before: Mapping[str, EvaluationAnswer] | None
) -> int:
    """Talks that do not come to what they should, and did with the live model; without one, all that do not."""
    return sum(not one.is_right and (before is None or before[one.item_key].is_right) for one in now)
