"""Limits chosen on a development set: within their budgets, and none better to be had."""

import itertools
import random
from dataclasses import replace
from functools import cache

import pytest

from casework.model.bands import TIERS, BandLimits, TierLimits
from casework.model.disclosures import TIER_OF, Category
from launcher.evaluation.figures import Judged, judge_again, measure
from launcher.evaluation.limits import (
    GRID,
    MOST_AMBER_ON_ROUTINE,
    MOST_RED_ON_HARD_NEGATIVES,
    MOST_RED_ON_ROUTINE,
    choose_limits,
    trade_off,
)
from tests.launcher.evaluating import LIMITS, a_judged, a_parsed
from tests.support.builders import a_hit


@cache
def a_set() -> tuple[Judged, ...]:
    """Urgent, routine and hard negatives that a detector tells apart, but not cleanly."""
    chance = random.Random(7)
    urgent = [
        _marked(chance, chance.betavariate(0.8, 1), category=chance.choice(list(Category)))
        for _ in range(200)
    ]
    routine = [_marked(chance, chance.betavariate(0.4, 8)) for _ in range(300)]
    hard = [_marked(chance, chance.betavariate(0.6, 5), kind="history") for _ in range(80)]
    return (*urgent, *routine, *hard)


def _marked(
    chance: random.Random, probability: float, category: Category | None = None, **labels: str
) -> Judged:
    guess = category or chance.choice(list(Category))
    parsed = a_parsed(
        probability=probability,
        kinds={guess: 0.8 * probability},
        outcome_confidence=chance.random(),
        to_person=chance.random() < 0.1,
    )
    return a_judged(category=category, parsed=parsed, **labels)


@cache
def chosen() -> BandLimits:
    return choose_limits(a_set(), LIMITS)


def test_the_chosen_limits_keep_every_budget() -> None:
    figures = measure(judge_again(a_set(), chosen()))

    assert figures["red_routine"].value is not None and figures["red_routine"].value <= MOST_RED_ON_ROUTINE
    assert figures["red_hard"].value is not None and figures["red_hard"].value <= MOST_RED_ON_HARD_NEGATIVES
    assert figures["amber_routine"].value is not None
    assert figures["amber_routine"].value <= MOST_AMBER_ON_ROUTINE


def test_no_red_limit_of_all_tiers_alike_catches_more_within_the_budgets() -> None:
    best = _recall(judge_again(a_set(), chosen()))
    for limit in GRID:
        alike = replace(
            LIMITS, tiers={tier: TierLimits(red=limit, amber=limit, quiet_minutes=5) for tier in TIERS}
        )
        figures = measure(again := judge_again(a_set(), alike))
        is_within = (figures["red_routine"].value or 0) <= MOST_RED_ON_ROUTINE
        if is_within and (figures["red_hard"].value or 0) <= MOST_RED_ON_HARD_NEGATIVES:
            assert _recall(again) <= best


def test_amber_takes_what_red_cannot_have_those_of_tier_1_before_more_of_others() -> None:
    faint = a_parsed(probability=0.02, kinds={Category.CHILD_AT_RISK: 0.02})
    unsure = a_parsed(probability=0.2, outcome_confidence=0.2)
    urgent = [
        a_judged(category=Category.CHILD_AT_RISK, parsed=faint),
        *[a_judged(category=Category.STALKING_ESCALATION, parsed=unsure)] * 2,
    ]

    def among(count: int) -> list[Judged]:
        alike = [a_judged(parsed=faint), a_judged(parsed=unsure)] * count
        return [*urgent, *alike, *[a_judged(parsed=a_parsed(probability=0.0))] * (100 - 2 * count)]

    assert _missed(among(6)) == (0, 0), "there is room for all"
    assert _missed(among(13)) == (0, 2), "there is room for either"


def _missed(judged: list[Judged]) -> tuple[int | None, int | None]:
    figures = measure(judge_again(judged, choose_limits(judged, LIMITS)))
    return figures["missed_tier_1"].hits, figures["missed"].hits


def _recall(judged: list[Judged]) -> float:
    figures = measure(judged)
    return (figures["red_urgent"].value or 0) + (figures["red_tier_1"].value or 0)


def test_a_more_urgent_tier_never_asks_for_more_and_amber_never_for_more_than_red() -> None:
    for tier, after in itertools.pairwise(TIERS):
        assert chosen().tiers[tier].red <= chosen().tiers[after].red
        assert chosen().tiers[tier].amber <= chosen().tiers[after].amber
    assert all(own.amber <= own.red for own in chosen().tiers.values())
    assert [own.quiet_minutes for own in chosen().tiers.values()] == [
        own.quiet_minutes for own in LIMITS.tiers.values()
    ]


def test_a_budget_the_screen_breaks_alone_is_broken_no_further() -> None:
    screened = a_judged(screen=a_hit(2)).understood
    loud = [replace(one, understood=screened) if one.is_routine else one for one in a_set()]
    figures = measure(judge_again(loud, choose_limits(loud, LIMITS)))

    assert figures["red_routine"].value == 1.0
    assert figures["red_hard"].value is not None and figures["red_hard"].value <= MOST_RED_ON_HARD_NEGATIVES


@pytest.mark.parametrize("tier", TIERS)
def test_the_trade_off_is_what_the_band_decision_gives(tier: int) -> None:
    for point in trade_off(a_set(), tier, LIMITS)[::6]:
        only = {
            other: TierLimits(red=point.limit if other == tier else 2.0, amber=2.0, quiet_minutes=5)
            for other in TIERS
        }
        again = judge_again(a_set(), replace(LIMITS, tiers=only))
        of_tier = [one.understood.is_red for one in again if one.tier == tier]

        assert point.urgent == pytest.approx(sum(of_tier) / len(of_tier))
        assert point.routine == measure(again)["red_routine"].value
        assert point.hard_negatives == measure(again)["red_hard"].value


def test_every_tier_is_in_the_set() -> None:
    assert {one.tier for one in a_set()} - {None} == set(TIER_OF.values())
