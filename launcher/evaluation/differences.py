"""What a new model would change on the held-out messages, in words, what matters most first."""

from collections.abc import Callable, Iterator, Sequence

from casework.model.disclosures import Band
from casework.model.model_evaluations import Paired
from casework.model.significance import chance_in_words, count_changes, wilson
from casework.services.comparison_ports import EvaluationAnswer
from launcher.evaluation.answers import Read

Holds = Callable[[EvaluationAnswer], bool]


TITLES = {
    "danger_now": "Misses on danger now",
    "danger": "Urgent and nobody would look",
    "danger_alone": "Urgent and missed by the model without the screen",
    "routine_alarm": "Routine handed to a person at once",
    "hard_alarm": "Words of danger, nothing urgent, handed to a person at once",
    "wishes": "Routine wishes read otherwise than meant",
}


def tell_differences(read: Sequence[Read]) -> Iterator[str]:
    """One line a figure: the count, the count before, the share with its interval, and whether it could be chance."""
    for figure in list_figures(read):
        yield tell(figure)


def list_figures(read: Sequence[Read]) -> Iterator[Paired]:
    """What matters most, by its name in TITLES."""
    urgent = [one for one in read if one.judged.is_urgent]
    routine = [one for one in read if one.judged.is_routine]
    hard = [one for one in read if one.judged.is_hard_negative]
    yield pair_up("danger_now", [one for one in urgent if one.judged.tier == 1], is_missed)
    yield pair_up("danger", urgent, is_missed)
    yield pair_up("danger_alone", urgent, is_missed_alone)
    yield pair_up("routine_alarm", routine, is_red)
    yield pair_up("hard_alarm", hard, is_red)
    yield pair_up("wishes", routine, is_wrong)


def pair_up(name: str, read: Sequence[Read], is_fault: Holds) -> Paired:
    """How often it went wrong, beside the live model where one was asked all of them."""
    right = [not is_fault(one.now) for one in read]
    wrong, n = right.count(False), len(right)
    before = [not is_fault(one.was) for one in read if one.was is not None]
    if not read or len(before) < n:
        return Paired(name=name, wrong=wrong, n=n)
    newly_right, newly_wrong = count_changes(right, before)
    return Paired(
        name=name,
        wrong=wrong,
        n=n,
        was=before.count(False),
        newly_right=newly_right,
        newly_wrong=newly_wrong,
    )


def is_missed(answer: EvaluationAnswer) -> bool:
    return not answer.is_caught


def is_missed_alone(answer: EvaluationAnswer) -> bool:
    return not answer.is_caught_alone


def is_red(answer: EvaluationAnswer) -> bool:
    return answer.band is Band.RED


def is_wrong(answer: EvaluationAnswer) -> bool:
    return not answer.is_right


def tell(figure: Paired) -> str:
    """`Misses on danger now: 1 of 64 (was 3). 1.6 % (0.3 to 8.3). Could be chance.`"""
    title, wrong, n = TITLES[figure.name], figure.wrong, figure.n
    if not n:
        return f"{title}: not measured (no such messages)."
    low, high = wilson(wrong, n)
    share = f"{100 * wrong / n:.1f} % ({100 * low:.1f} to {100 * high:.1f})."
    if figure.newly_right is None or figure.newly_wrong is None:
        return f"{title}: {wrong} of {n}. {share}"
    differ = figure.newly_right + figure.newly_wrong
    chance = chance_in_words(figure.newly_right, figure.newly_wrong) if differ else "Nothing differs."
    return f"{title}: {wrong} of {n} (was {figure.was}). {share} {chance}"
