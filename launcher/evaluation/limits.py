"""Choosing the limits of the bands on a development set, and the trade-off they are chosen from.

Every question here is asked of `decide_band` itself, so a limit means the same as in the service.
"""

import bisect
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from casework.model.bands import TIERS, BandLimits, TierLimits, decide_band
from casework.model.disclosures import CALM, Band
from launcher.evaluation.figures import Judged

MOST_RED_ON_ROUTINE = 0.018
MOST_RED_ON_HARD_NEGATIVES = 0.05
MOST_AMBER_ON_ROUTINE = 0.14

NEVER = 2.0  # above every probability
_LOW = (0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.12, 0.15)
_HIGH = (
    0.2,
    0.25,
    0.3,
    0.35,
    0.4,
    0.45,
    0.5,
    0.55,
    0.6,
    0.65,
    0.7,
    0.75,
    0.8,
    0.85,
    0.9,
    0.95,
    0.97,
    0.99,
    1.0,
)
GRID = (*_LOW, *_HIGH)
AMBER_GRID = tuple(limit for limit in GRID if limit <= 0.5)
LEAST_CONFIDENCES = (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
UNCLEAR_GRID = (0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2)


@dataclass(frozen=True, kw_only=True)
class TradeOff:
    """With one tier's limit at `limit`, what the detector alone would mark; shares, None without messages."""

    limit: float
    urgent: float | None
    routine: float | None
    hard_negatives: float | None


def trade_off(judged: Sequence[Judged], tier: int, limits: BandLimits) -> list[TradeOff]:
    """Recall on the urgent messages of this tier and false alarms, for every limit of the grid."""
    reached = _reached(judged, tier, limits)
    groups = (
        [r for r, one in zip(reached, judged, strict=True) if one.tier == tier],
        [r for r, one in zip(reached, judged, strict=True) if one.is_routine],
        [r for r, one in zip(reached, judged, strict=True) if one.is_hard_negative],
    )
    points = []
    for place, limit in enumerate(GRID):
        urgent, routine, hard = (
            sum(r > place for r in group) / len(group) if group else None for group in groups
        )
        points.append(TradeOff(limit=limit, urgent=urgent, routine=routine, hard_negatives=hard))
    return points


def choose_limits(judged: Sequence[Judged], limits: BandLimits) -> BandLimits:
    """`limits` with the numbers that catch most within the budgets above; the rest stays as it is.

    RED: the greatest recall (all urgent and tier 1 together), then the highest limits. AMBER: the fewest silent
    misses, those of tier 1 first, then the most caught. Where nothing keeps a budget, what breaks it least.
    """
    masks = _Masks(judged, limits)
    red = max(_rising(GRID), key=masks.rate_red)
    amber, least_confidence, unclear = masks.choose_amber(red)
    pairs = dict(zip(TIERS, zip(red, amber, strict=True), strict=True))
    return replace(
        _with_tiers(limits, pairs), least_wish_confidence=least_confidence, amber_where_unclear=unclear
    )


def _rising(grid: Sequence[float]) -> Iterator[tuple[float, ...]]:
    """One limit a tier; a more urgent tier never asks for more certainty."""
    return itertools.combinations_with_replacement(grid, len(TIERS))


class _Masks:
    """The messages as bits of whole numbers, so that thousands of choices are counted in a second."""

    def __init__(self, judged: Sequence[Judged], limits: BandLimits) -> None:
        self.urgent = _bits(one.is_urgent for one in judged)
        self.tier_1 = _bits(one.tier == 1 for one in judged)
        self.routine = _bits(one.is_routine for one in judged)
        self.hard = _bits(one.is_hard_negative for one in judged)
        self.to_person = _bits(one.understood.parsed.to_person for one in judged)
        self.screen_red = _bits(one.understood.screen.band is Band.RED for one in judged)
        self.screen_amber = _bits(one.understood.screen.band is Band.AMBER for one in judged)
        self.reaching = {tier: _masks_of(_reached(judged, tier, limits), GRID) for tier in TIERS}
        self.unclear = {
            least: _masks_of(_unclear_reached(judged, least, limits), UNCLEAR_GRID)
            for least in LEAST_CONFIDENCES
        }

    def rate_red(self, red: Sequence[float]) -> tuple[float, ...]:
        marked = self._red(red)
        over = _over(marked, self.routine, MOST_RED_ON_ROUTINE)
        over += _over(marked, self.hard, MOST_RED_ON_HARD_NEGATIVES)
        return -over, _part(marked, self.urgent) + _part(marked, self.tier_1), sum(red)

    def choose_amber(self, red: Sequence[float]) -> tuple[tuple[float, ...], float, float]:
        is_red = self._red(red)
        best: tuple[tuple[float, ...], tuple[tuple[float, ...], float, float]] | None = None
        for amber in _rising(AMBER_GRID):
            if any(one > other for one, other in zip(amber, red, strict=True)):
                continue
            by_tiers = self.screen_amber | self._any_reaching(amber)
            for least, masks in self.unclear.items():
                for limit, unclear in masks.items():
                    rate = self._rate_amber(is_red, (by_tiers | unclear) & ~is_red)
                    rate += (sum(amber), -least, limit)
                    if best is None or rate > best[0]:
                        best = rate, (amber, least, limit)
        assert best is not None, "the lowest limits are always a choice"
        return best[1]

    def _rate_amber(self, red: int, amber: int) -> tuple[float, ...]:
        missed = self.urgent & ~(red | amber | self.to_person)
        return (
            -_over(amber, self.routine, MOST_AMBER_ON_ROUTINE),
            -(missed & self.tier_1).bit_count(),
            -missed.bit_count(),
            ((red | amber) & self.urgent).bit_count(),
            -(amber & self.routine).bit_count(),
        )

    def _red(self, red: Sequence[float]) -> int:
        return self.screen_red | self._any_reaching(red)

    def _any_reaching(self, limits: Sequence[float]) -> int:
        marked = 0
        for tier, limit in zip(TIERS, limits, strict=True):
            marked |= self.reaching[tier][limit]
        return marked


def _reached(judged: Sequence[Judged], tier: int, limits: BandLimits) -> list[int]:
    """For each message, how many limits of the grid it reaches as this tier."""
    at = [_with_tiers(_only(limits), {tier: (limit, limit)}) for limit in GRID]
    return [_count_reached(one, at) for one in judged]


def _unclear_reached(judged: Sequence[Judged], least: float, limits: BandLimits) -> list[int]:
    at = [
        replace(_only(limits), least_wish_confidence=least, amber_where_unclear=limit)
        for limit in UNCLEAR_GRID
    ]
    return [_count_reached(one, at) for one in judged]


def _count_reached(one: Judged, at: Sequence[BandLimits]) -> int:
    learned, wish = one.understood.parsed.learned(), one.understood.parsed.wish()

    def is_green(limits: BandLimits) -> bool:
        return decide_band(CALM, learned, wish, limits).band is Band.GREEN

    return bisect.bisect_left(at, True, key=is_green)


def _only(limits: BandLimits) -> BandLimits:
    """Limits that nothing reaches."""
    never = _with_tiers(limits, dict.fromkeys(TIERS, (NEVER, NEVER)))
    return replace(never, least_wish_confidence=0.0, amber_where_unclear=NEVER)


def _with_tiers(limits: BandLimits, new: Mapping[int, Sequence[float]]) -> BandLimits:
    tiers = dict(limits.tiers)
    for tier, (red, amber) in new.items():
        tiers[tier] = TierLimits(red=red, amber=amber, quiet_minutes=tiers[tier].quiet_minutes)
    return replace(limits, tiers=tiers)


def _masks_of(reached: Sequence[int], grid: Sequence[float]) -> dict[float, int]:
    return {limit: _bits(r > place for r in reached) for place, limit in enumerate(grid)}


def _bits(flags: Iterable[bool]) -> int:
    return int("".join("1" if flag else "0" for flag in flags) or "0", 2)


def _part(marked: int, group: int) -> float:
    return (marked & group).bit_count() / group.bit_count() if group else 0.0


def _over(marked: int, group: int, budget: float) -> float:
    return max(0.0, _part(marked, group) - budget)
