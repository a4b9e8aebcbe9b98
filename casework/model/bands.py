"""Which of three bands a message falls in: a person at once, answered and checked, or automated."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from casework.model.disclosures import TIER_OF, Band, Category, Evidence, ScreenResult
from casework.model.errors import SettingsInvalid
from casework.model.toml_files import read_toml

BANDS_FILE = Path(__file__).with_name("bands.toml")
SAYS_FILE = Path(__file__).with_name("band_says.toml")
TIERS = tuple(sorted(set(TIER_OF.values())))
MOST_URGENT_FIRST = (Band.RED, Band.AMBER, Band.GREEN)
TIER_OF_UNREADABLE = 2

LEARNED = "learned."
NO_CATEGORY = "learned.no_category"
UNCLEAR_WISH = "learned.unclear_wish"
ANSWERED_NO = "answered.no"
AGREED_DURESS = "agreed.duress"


@dataclass(frozen=True, kw_only=True)
class Learned:
    """What the learned detector says: how likely it is urgent at all, and of which kind, each 0 to 1.

    `spans` are code-point offsets (start, end) into the text as received; empty for the whole message.
    """

    probability: float
    categories: Mapping[Category, float] = field(default_factory=dict)
    spans: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What the person wants, as the assistant understood it, and how sure it is, 0 to 1."""

    name: str
    confidence: float


@dataclass(frozen=True, kw_only=True)
class TierLimits:
    red: float
    amber: float
    quiet_minutes: float


@dataclass(frozen=True, kw_only=True)
class BandLimits:
    """The numbers of bands.toml, checked."""

    tiers: Mapping[int, TierLimits]
    least_wish_confidence: float
    amber_where_unclear: float
    earlier_texts: int
    earlier_minutes: float
    question_minutes: float
    answers_yes: frozenset[str]
    answers_no: frozenset[str]

    def quiet_minutes(self, tier: int | None) -> float:
        """How long a silence lasts before it is told; an item of no tier waits as the least urgent does."""
        return self.tiers[tier or TIERS[-1]].quiet_minutes


@dataclass(frozen=True, kw_only=True)
class BandDecision:
    """`category` is None where nothing could be read or no kind stands out; `tier` is None for GREEN."""

    band: Band
    tier: int | None = None
    category: Category | None = None
    evidence: tuple[Evidence, ...] = ()


GREEN = BandDecision(band=Band.GREEN)


@dataclass(frozen=True, kw_only=True)
class Bands:
    """What deciding and explaining a band needs, read once.

    `says`: rule id -> what a detective reads of it, "" for a rule without words. Must not raise.
    """

    limits: BandLimits
    says: Callable[[str], str]


def decide_band(
    screen: ScreenResult, learned: Learned | None, wish: Wish | None, limits: BandLimits
) -> BandDecision:
    """The more urgent of what the two layers say, with the evidence of both.

    Neither layer can lower the other. An absent layer says nothing.
    """
    decisions = (_of_screen(screen), _of_learned(learned, wish, limits))
    first, second = sorted(decisions, key=_place)
    return replace(first, evidence=(*first.evidence, *second.evidence))


def _place(decision: BandDecision) -> tuple[int, int]:
    return MOST_URGENT_FIRST.index(decision.band), decision.tier or len(TIERS) + 1


def _of_screen(screen: ScreenResult) -> BandDecision:
    if not screen.urgent:
        return GREEN
    return BandDecision(
        band=screen.band,
        tier=screen.tier or TIER_OF_UNREADABLE,
        category=screen.category,
        evidence=screen.evidence,
    )


def _of_learned(learned: Learned | None, wish: Wish | None, limits: BandLimits) -> BandDecision:
    if learned is None:
        return GREEN
    for band in (Band.RED, Band.AMBER):
        for tier in TIERS:
            limit = limits.tiers[tier].red if band is Band.RED else limits.tiers[tier].amber
            if _probability_up_to(tier, learned) >= limit:
                return _learned_decision(band, tier, learned)
    is_unclear = wish is not None and wish.confidence < limits.least_wish_confidence
    if is_unclear and learned.probability >= limits.amber_where_unclear:
        return BandDecision(band=Band.AMBER, evidence=_learned_evidence(UNCLEAR_WISH, learned))
    return GREEN


def _probability_up_to(tier: int, learned: Learned) -> float:
    """How likely it is of this tier or a more urgent one: kinds of one tier that look alike count together."""
    if tier == TIERS[-1]:
        return learned.probability
    named = sum(value for category, value in learned.categories.items() if TIER_OF[category] <= tier)
    return min(named, learned.probability)


def _learned_decision(band: Band, tier: int, learned: Learned) -> BandDecision:
    kinds = [
        category for category, value in learned.categories.items() if TIER_OF[category] <= tier and value
    ]
    if not kinds:
        return BandDecision(band=band, tier=tier, evidence=_learned_evidence(NO_CATEGORY, learned))
    category = min(kinds, key=lambda kind: (-learned.categories[kind], TIER_OF[kind]))
    return BandDecision(
        band=band,
        tier=TIER_OF[category],
        category=category,
        evidence=_learned_evidence(LEARNED + category, learned),
    )


def _learned_evidence(rule: str, learned: Learned) -> tuple[Evidence, ...]:
    return tuple(Evidence(rule=rule, start=start, end=end) for start, end in learned.spans or ((0, 0),))


def load_band_limits(path: Path = BANDS_FILE) -> BandLimits:
    """Raises SettingsInvalid, with the place and the remedy, for a number that is missing or out of order."""
    tables = read_toml(path)
    try:
        limits = _parse_limits(tables)
    except (KeyError, TypeError, ValueError) as fault:
        raise SettingsInvalid(f"{path.name}: {fault!r} is missing, unknown or of the wrong kind") from fault
    for name, value in _probabilities(limits):
        if not 0 <= value <= 1:
            raise SettingsInvalid(f"{path.name}: {name} is {value}; it must be from 0 to 1")
    for tier in TIERS:
        _check_order(path.name, limits, tier)
    if min(limits.earlier_minutes, limits.question_minutes) <= 0 or limits.earlier_texts < 0:
        raise SettingsInvalid(f"{path.name}: earlier and question need minutes above 0, and texts from 0")
    return limits


def _parse_limits(tables: dict[str, Any]) -> BandLimits:
    tiers = {tier: TierLimits(**_numbers(tables.pop(f"tier_{tier}"))) for tier in TIERS}
    unclear, earlier, question = (tables.pop(name) for name in ("unclear_wish", "earlier", "question"))
    if tables:
        raise KeyError(*tables)
    return BandLimits(
        tiers=tiers,
        least_wish_confidence=float(unclear["least_confidence"]),
        amber_where_unclear=float(unclear["amber"]),
        earlier_texts=int(earlier["texts"]),
        earlier_minutes=float(earlier["minutes"]),
        question_minutes=float(question["minutes"]),
        answers_yes=frozenset(question["yes"]),
        answers_no=frozenset(question["no"]),
    )


def _numbers(table: dict[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in table.items()}


def _probabilities(limits: BandLimits) -> list[tuple[str, float]]:
    named = [("least_confidence", limits.least_wish_confidence), ("unclear_wish", limits.amber_where_unclear)]
    for tier, own in limits.tiers.items():
        named += [(f"tier_{tier} red", own.red), (f"tier_{tier} amber", own.amber)]
    return named


def _check_order(file_name: str, limits: BandLimits, tier: int) -> None:
    own = limits.tiers[tier]
    if own.amber > own.red:
        raise SettingsInvalid(f"{file_name}, tier_{tier}: amber must not be above red")
    if own.quiet_minutes <= 0:
        raise SettingsInvalid(f"{file_name}, tier_{tier}: quiet_minutes must be above 0")
    before = limits.tiers.get(tier - 1)
    if before is not None and (before.red > own.red or before.amber > own.amber):
        raise SettingsInvalid(f"{file_name}: tier_{tier - 1} asks for more certainty than tier_{tier}")


def load_band_says(path: Path = SAYS_FILE) -> dict[str, str]:
    """Rule id (`learned.immediate_danger`) -> the sentence a detective reads. Refuses a missing one."""
    tables = read_toml(path)
    says = {f"{kind}.{name}": said for kind, table in tables.items() for name, said in table.items()}
    wanted = {LEARNED + category for category in Category} | {
        NO_CATEGORY,
        UNCLEAR_WISH,
        ANSWERED_NO,
        AGREED_DURESS,
    }
    wrong = sorted(wanted ^ {rule for rule, sentence in says.items() if sentence})
    if wrong:
        raise SettingsInvalid(f"{path.name}: one sentence each, no more and no less: {', '.join(wrong)}")
    return says
