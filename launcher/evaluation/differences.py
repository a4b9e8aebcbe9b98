"""What a new model would change on the held-out messages, in words, what matters most first."""

from collections.abc import Callable, Iterator, Sequence

from casework.model.disclosures import Band
from casework.model.significance import chance_in_words, wilson
from casework.services.comparison_ports import EvaluationAnswer
from launcher.evaluation.answers import Read

Holds = Callable[[EvaluationAnswer], bool]


def tell_differences(read: Sequence[Read]) -> Iterator[str]:
    """One line a figure: the count, the count before, the share with its interval, and whether it could be chance."""
    urgent = [one for one in read if one.judged.is_urgent]
    routine = [one for one in read if one.judged.is_routine]
    hard = [one for one in read if one.judged.is_hard_negative]
    yield tell("Misses on danger now", [one for one in urgent if one.judged.tier == 1], is_missed)
    yield tell("Urgent and nobody would look", urgent, is_missed)
    yield tell("Urgent and missed by the model without the screen", urgent, is_missed_alone)
    yield tell("Routine handed to a person at once", routine, is_red)
    yield tell("Words of danger, nothing urgent, handed to a person at once", hard, is_red)
    yield tell("Routine wishes read otherwise than meant", routine, is_wrong)


def is_missed(answer: EvaluationAnswer) -> bool:
    return not answer.is_caught


def is_missed_alone(answer: EvaluationAnswer) -> bool:
    return not answer.is_caught_alone


def is_red(answer: EvaluationAnswer) -> bool:
    return answer.band is Band.RED


def is_wrong(answer: EvaluationAnswer) -> bool:
    return not answer.is_right


def tell(title: str, read: Sequence[Read], is_fault: Holds) -> str:
    """`Misses on danger now: 1 of 64 (was 3). 1.6 % (0.3 to 8.3). Could be chance.`"""
    if not read:
        return f"{title}: not measured (no such messages)."
    found = [is_fault(one.now) for one in read]
    hits, n = sum(found), len(found)
    low, high = wilson(hits, n)
    share = f"{100 * hits / n:.1f} % ({100 * low:.1f} to {100 * high:.1f})."
    before = [is_fault(one.was) for one in read if one.was is not None]
    if len(before) < n:
        return f"{title}: {hits} of {n}. {share}"
    pairs = list(zip(found, before, strict=True))
    newly_wrong, newly_right = pairs.count((True, False)), pairs.count((False, True))
    chance = chance_in_words(newly_right, newly_wrong) if newly_wrong + newly_right else "Nothing differs."
    return f"{title}: {hits} of {n} (was {sum(before)}). {share} {chance}"
