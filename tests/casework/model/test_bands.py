"""RED, AMBER or GREEN: every meeting of the two layers, and limits that make no sense stop the start."""

import itertools
from pathlib import Path

import pytest

from casework.model.bands import (
    SAYS_FILE,
    BandDecision,
    Learned,
    Wish,
    decide_band,
    load_band_limits,
    load_band_says,
)
from casework.model.disclosures import CALM, TIER_OF, Band, Category, Evidence, ScreenResult
from casework.model.errors import SettingsInvalid
from tests.support.builders import a_hit, a_learned

LIMITS_FILE = Path("tests/data/bands.toml")
LIMITS = load_band_limits(LIMITS_FILE)
TIERS = (1, 2, 3, 4)
R, A, G = Band.RED, Band.AMBER, Band.GREEN

SCREENED: dict[str, ScreenResult] = {"calm": CALM, "unreadable": ScreenResult(urgent=True)}
SCREENED |= {f"red {tier}": a_hit(tier) for tier in TIERS}
SCREENED |= {f"amber {tier}": a_hit(tier, band=A) for tier in TIERS}
BAND_OF_SCREENED = {"calm": (G, None), "unreadable": (R, 2)}
BAND_OF_SCREENED |= {f"red {tier}": (R, tier) for tier in TIERS}
BAND_OF_SCREENED |= {f"amber {tier}": (A, tier) for tier in TIERS}

LEARNED: dict[str, Learned | None] = {"absent": None, "nothing": Learned(probability=0.0)}
BAND_OF_LEARNED: dict[str, tuple[Band, int | None]] = {"absent": (G, None), "nothing": (G, None)}
for tier in TIERS:
    own = LIMITS.tiers[tier]
    LEARNED |= {f"red {tier}": a_learned(tier, own.red), f"amber {tier}": a_learned(tier, own.amber)}
    BAND_OF_LEARNED |= {f"red {tier}": (R, tier), f"amber {tier}": (A, tier)}

WISHES = {"absent": None, "clear": Wish(name="x", confidence=1.0), "unclear": Wish(name="x", confidence=0.0)}


@pytest.mark.parametrize(("screened", "learned"), list(itertools.product(SCREENED, LEARNED)))
@pytest.mark.parametrize("wish", WISHES)
def test_the_more_urgent_layer_decides_and_neither_lowers_the_other(
    screened: str, learned: str, wish: str
) -> None:
    decision = decide_band(SCREENED[screened], LEARNED[learned], WISHES[wish], LIMITS)

    place = {R: 0, A: 1, G: 2}
    said = (BAND_OF_SCREENED[screened], BAND_OF_LEARNED[learned])
    assert (decision.band, decision.tier) == min(said, key=lambda one: (place[one[0]], one[1] or 9))


@pytest.mark.parametrize("tier", TIERS)
def test_just_below_a_limit_is_the_band_below(tier: int) -> None:
    own = LIMITS.tiers[tier]

    assert decide_band(CALM, a_learned(tier, own.red - 0.001), None, LIMITS).band is A
    assert decide_band(CALM, a_learned(tier, own.amber - 0.001), None, LIMITS).band is G


def test_kinds_that_look_alike_count_together() -> None:
    own = LIMITS.tiers[1]
    half = own.red / 2
    both = {Category.STRANGULATION: half, Category.IMMEDIATE_DANGER: half}

    assert decide_band(CALM, a_learned(probability=1.0, categories=both), None, LIMITS).band is R
    assert decide_band(CALM, a_learned(probability=half, categories=both), None, LIMITS).band is A


def test_a_more_urgent_kind_counts_towards_the_limit_of_a_less_urgent_tier() -> None:
    share = LIMITS.tiers[2].red / 2
    assert share < LIMITS.tiers[1].red
    split = {Category.IMMEDIATE_DANGER: share, Category.STALKING_ESCALATION: share}

    decision = decide_band(CALM, Learned(probability=2 * share, categories=split), None, LIMITS)

    assert (decision.band, decision.category) == (R, Category.IMMEDIATE_DANGER)


@pytest.mark.parametrize(
    ("probability", "wish", "band"),
    [
        (LIMITS.amber_where_unclear, "unclear", A),
        (LIMITS.amber_where_unclear, "clear", G),
        (LIMITS.amber_where_unclear, "absent", G),
        (LIMITS.amber_where_unclear - 0.001, "unclear", G),
    ],
)
def test_an_unclear_wish_is_automated_only_while_little_is_urgent(
    probability: float, wish: str, band: Band
) -> None:
    decision = decide_band(CALM, Learned(probability=probability), WISHES[wish], LIMITS)

    assert decision.band is band
    assert [each.rule for each in decision.evidence] == (["learned.unclear_wish"] if band is A else [])


def test_the_evidence_of_both_layers_is_kept_the_deciding_one_first() -> None:
    own = Evidence(rule="stalking_escalation.followed", start=3, end=9)
    screened = a_hit(2, band=A, evidence=(own,))

    decision = decide_band(screened, a_learned(1, spans=((0, 2), (4, 8))), None, LIMITS)

    assert [(each.rule, each.start, each.end) for each in decision.evidence] == [
        ("learned.immediate_danger", 0, 2),
        ("learned.immediate_danger", 4, 8),
        ("stalking_escalation.followed", 3, 9),
    ]


def test_urgent_of_no_kind_is_still_handed_over() -> None:
    decision = decide_band(CALM, Learned(probability=1.0), None, LIMITS)

    evidence = (Evidence(rule="learned.no_category", start=0, end=0),)
    assert decision == BandDecision(band=R, tier=4, category=None, evidence=evidence)


@pytest.mark.parametrize("category", list(Category))
def test_every_category_can_be_red_and_has_its_sentence(category: Category) -> None:
    decision = decide_band(CALM, Learned(probability=1.0, categories={category: 1.0}), None, LIMITS)

    assert (decision.band, decision.tier, decision.category) == (R, TIER_OF[category], category)
    assert load_band_says()[decision.evidence[0].rule]


# --- the file -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("red = 0.30", "red = 1.30", "from 0 to 1"),
        ("red = 0.30", "red = nan", "from 0 to 1"),
        ("red = 0.30", "red = 'high'", "high"),
        ("red = 0.30", "", "red"),
        ("red = 0.30", "red = 0.30\nrde = 0.2", "rde"),
        ("amber = 0.08", "amber = 0.31", "amber must not be above red"),
        ("red = 0.45", "red = 0.20", "tier_1 asks for more certainty than tier_2"),
        ("quiet_minutes = 5", "quiet_minutes = 0", "quiet_minutes must be above 0"),
        ("[tier_3]", "[tier_5]", "tier_3"),
        ("[unclear_wish]", "[unclear]", "unclear_wish"),
        ("least_confidence = 0.40", "least_confidence = -1", "from 0 to 1"),
        ("minutes = 60\nyes", "minutes = 0\nyes", "minutes above 0"),
        ("texts = 4", "texts = -1", "texts from 0"),
        ("[tier_1]", "[tier_1", "cannot be read"),
    ],
)
def test_limits_that_make_no_sense_stop_the_start(tmp_path: Path, old: str, new: str, says: str) -> None:
    good = LIMITS_FILE.read_text(encoding="utf-8")
    assert good.count(old) == 1
    path = tmp_path / "bands.toml"
    path.write_text(good.replace(old, new), encoding="utf-8")

    with pytest.raises(SettingsInvalid, match=says):
        load_band_limits(path)


def test_the_packaged_limits_load_and_no_answer_means_both_yes_and_no() -> None:
    packaged = load_band_limits()

    assert packaged.answers_yes and packaged.answers_no
    assert not packaged.answers_yes & packaged.answers_no


@pytest.mark.parametrize(("old", "new"), [('no = "was', 'no = ""\nyes = "was'), ("strangulation", "choking")])
def test_a_sentence_that_is_missing_stops_the_start(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "band_says.toml"
    path.write_text(SAYS_FILE.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")

    with pytest.raises(SettingsInvalid, match="one sentence each"):
        load_band_says(path)
