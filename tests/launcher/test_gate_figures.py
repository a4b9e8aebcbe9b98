"""What is judged of what both models were asked: counts, and the items on which the two differ.

Red when, each tried once: what the live model missed too counts as new; right and wrong of a fault are not turned
round; an urgent line of a pack is asked to be decided as its twin where only seeing it counts; a talk of people at risk
counts among the others.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from casework.model.disclosures import Band, Category
from casework.model.release_gates import GateReport, Measured, judge, load_gate_limits
from casework.model.turn_outcomes import TurnOutcome
from casework.services.comparison_ports import EvaluationAnswer
from launcher.evaluation.answers import Read, answer_of, answer_of_talk, set_beside
from launcher.evaluation.conversations import Talk, TalkHeld, TalkTurn, read_talks
from launcher.evaluation.differences import tell_differences
from launcher.evaluation.figures import Judged
from launcher.evaluation.packs import Pack, PackLine, read_packs
from launcher.evaluation.sets import read_set
from launcher.gate_figures import find_newly_missed, measure_corpora, measure_pack, measure_talks
from launcher.replay import Replayed
from launcher.replay_input import a_strangers_turn
from launcher.understanding import Parsed
from tests.launcher.evaluating import LIMITS, a_judged, a_parsed
from tests.support.builders import a_hit
from tests.support.running import ROOT

DANGER = "immediate_danger"
CALM = a_parsed("ask_status", 0.0)
URGENT = a_parsed("ask_status", 0.99, kinds={Category(DANGER): 0.95})
COURT = a_parsed("ask_court", 0.0)


# --- held-out messages ----------------------------------------------------------------------------------


def some_messages(*, danger: Parsed = URGENT, calm: Parsed = CALM) -> list[Judged]:
    return [
        *(a_judged(category=DANGER, parsed=danger, text=f"danger {number}") for number in range(40)),
        *(a_judged(parsed=calm, text=f"calm {number}") for number in range(40)),
    ]


def read_beside(new: Sequence[Judged], live: Sequence[Judged] | None) -> list[Read]:
    kept = None if live is None else {(found := answer_of(one, LIMITS)).item_key: found for one in live}
    return set_beside(new, LIMITS, kept)


def by_name(measured: Sequence[Measured]) -> dict[tuple[str, str], Measured]:
    return {(one.gate, one.of): one for one in measured}


def test_both_models_are_counted_on_the_same_messages() -> None:
    found = by_name(measure_corpora(read_beside(some_messages(danger=CALM), some_messages())))

    danger, alone = found["danger_now", "tier_1"], found["model_alone_urgent", "urgent"]
    assert (danger.hits, danger.n, danger.was_hits) == (0, 40, 40)
    assert (danger.newly_right, danger.newly_wrong) == (0, 40)
    assert (alone.hits, alone.was_hits) == (0, 40)
    assert (found["sure_and_wrong", "urgent"].hits, found["slices", "style plain"].was_hits) == (40, 40)
    assert (found["false_alarms", "routine"].hits, found["intents", "macro_f1"].value) == (0, 1.0)


def test_a_strong_screen_does_not_hide_a_model_that_sees_nothing() -> None:
    def screened(one: Judged) -> Judged:
        return a_judged(category=DANGER, screen=a_hit(1), parsed=one.understood.parsed, text=one.text)

    new = [screened(one) for one in some_messages(danger=CALM) if one.is_urgent]
    found = by_name(measure_corpora(read_beside(new, new)))

    assert (found["danger_now", "tier_1"].hits, found["model_alone_urgent", "urgent"].hits) == (40, 0)


def test_what_live_got_wrong_too_is_not_new() -> None:
    blind = some_messages(danger=CALM)
    found = by_name(measure_corpora(read_beside(blind, blind)))

    assert found["sure_and_wrong", "urgent"].hits == 0


def test_what_only_crosses_a_limit_was_not_read_as_calm_for_sure() -> None:
    """Red when: whatever is looked at no more counts as surely calm."""
    limit = LIMITS.tiers[1].amber

    def seems(share: float) -> list[Judged]:
        return some_messages(
            danger=a_parsed("ask_status", share * limit, kinds={Category(DANGER): share * limit})
        )

    counted = [
        by_name(measure_corpora(read_beside(seems(share), seems(1.1))))["sure_and_wrong", "urgent"].hits
        for share in (0.9, 0.5)
    ]
    assert counted == [0, 40]


def test_without_a_live_model_nothing_was() -> None:
    measured = measure_corpora(read_beside(some_messages(), None))

    assert all(one.was_hits is None and one.was_value is None for one in measured)
    assert all(one.newly_right is None and one.newly_wrong is None for one in measured)


def test_louder_is_a_false_alarm_and_otherwise_is_a_wish_lost() -> None:
    louder = by_name(measure_corpora(read_beside(some_messages(calm=URGENT), some_messages())))
    other = by_name(measure_corpora(read_beside(some_messages(calm=COURT), some_messages())))

    alarms, wishes = louder["false_alarms", "routine"], other["intents", "macro_f1"]
    assert (alarms.hits, alarms.was_hits, alarms.newly_right, alarms.newly_wrong) == (40, 0, 0, 40)
    assert (wishes.value, wishes.was_value, wishes.newly_right, wishes.newly_wrong) == (0.0, 1.0, 0, 40)
    assert wishes.hits is None


def test_a_message_the_live_model_was_not_asked_stops_the_measuring() -> None:
    with pytest.raises(KeyError):
        read_beside(some_messages(), some_messages()[:1])


def test_equal_models_pass_every_gate_that_the_held_out_messages_decide() -> None:
    limits = load_gate_limits()
    measured = measure_corpora(read_beside(some_messages(), some_messages()))
    report = GateReport(model_id="n", against="l", sets={}, measured=tuple(measured), made_at="")
    told = [line for line in judge(report, limits).lines if line.got != "not measured"]

    assert {line.gate for line in told} == {
        *("danger_now", "model_alone_urgent", "slices", "sure_and_wrong", "false_alarms", "intents"),
        "tiers",
    }
    # There is no message of the other tiers among these.
    assert {line.of for line in told if not line.passed} == {"tier_2", "tier_3", "tier_4"}


# --- packs ----------------------------------------------------------------------------------------------


def pack_lines() -> Pack:
    """A danger and its twin, one without a twin, and two calm lines of which the second is like the first."""
    danger = {"category": Category(DANGER)}
    lines = (
        PackLine(id="plain", text="p", **danger),
        PackLine(id="twin", text="t", like="plain", **danger),
        PackLine(id="alone", text="a", **danger),
        PackLine(id="calm", text="c", calm=True),
        PackLine(id="calm twin", text="d", calm=True, like="calm"),
    )
    return Pack(name="typos", sha256="", lines=lines)


def read_as(**of: tuple[bool, bool]) -> list[EvaluationAnswer]:
    """By line, in any order: whether somebody would look, and whether it is as marked and as its twin is."""
    default = {"plain": (True, True), "twin": (True, True), "alone": (True, True)}
    calm = {"calm": (False, True), "calm twin": (False, True)}
    some = answer_of(a_judged(), LIMITS)
    return [
        replace(some, item_key=name, is_caught=caught, is_right=right)
        for name, (caught, right) in sorted((default | calm | of).items(), reverse=True)
    ]


def pack_found(now: list[EvaluationAnswer], was: list[EvaluationAnswer] | None) -> dict[str, Any]:
    return {
        one.gate: (one.hits, one.n, one.was_hits, one.newly_right, one.newly_wrong)
        for one in measure_pack(pack_lines(), now, was)
    }


def test_a_line_of_a_pack_stands_on_the_side_of_its_mark() -> None:
    missed, doubted = read_as(alone=(False, False)), read_as(calm=(True, False))

    assert pack_found(missed, read_as()) == {
        "packs_urgent": (2, 3, 3, 0, 1),
        "packs_alike": (1, 1, 1, 0, 0),
        "packs_calm": (2, 2, 2, 0, 0),
    }
    assert pack_found(read_as(), doubted)["packs_calm"] == (2, 2, 1, 1, 0)
    assert pack_found(missed, None)["packs_urgent"] == (2, 3, None, None, None)


def test_danger_seen_otherwise_than_in_its_twin_is_uneven_and_not_missed() -> None:
    found = pack_found(read_as(twin=(True, False)), read_as())

    assert found["packs_urgent"] == (3, 3, 3, 0, 0)
    assert found["packs_alike"] == (0, 1, 1, 0, 1)
    assert pack_found(read_as(**{"calm twin": (False, False)}), None)["packs_calm"] == (
        1,
        2,
        None,
        None,
        None,
    )


def test_a_line_the_live_model_was_not_asked_stops_the_measuring() -> None:
    with pytest.raises(KeyError):
        pack_found(read_as(), read_as()[1:])


def test_the_packs_are_those_that_are_judged_and_a_twin_has_the_mark_of_its_line() -> None:
    limits = {limit.gate: limit for limit in load_gate_limits().gates}
    some = answer_of(a_judged(), LIMITS)
    found = set()
    for pack in read_packs(ROOT):
        lines = {line.id: line for line in (*pack.twins, *pack.lines)}
        measured = list(measure_pack(pack, [replace(some, item_key=name) for name in lines], None))
        found |= {(one.gate, one.of) for one in measured if one.n}
        for line in pack.lines:
            assert (line.category is None) is (lines[line.like or line.id].category is None)

    gates = ("packs_urgent", "packs_alike", "packs_calm")
    assert found == {(gate, of) for gate in gates for of in limits[gate].of}


def test_every_slice_of_the_frozen_test_set_has_a_floor() -> None:
    """A style more in that set would be judged without one."""
    [limit] = (limit for limit in load_gate_limits().gates if limit.gate == "slices")
    some = a_judged()
    read = [
        Read(judged=replace(some, example=example), now=answer_of(some, LIMITS), was=None)
        for example in read_set(ROOT, "test")
    ]
    slices = [one for one in measure_corpora(read) if one.gate == "slices"]

    assert {one.of for one in slices if one.n >= limit.least_n} == set(limit.at_least_of)


# --- talks ----------------------------------------------------------------------------------------------


def held(name: str, *, passed: bool = True, **values: Any) -> TalkHeld:
    talk = Talk(id=name, **({"turns": [TalkTurn(says="hello")]} | values))
    return TalkHeld(talk=talk, wrong=() if passed else ((1, "no answer"),))


def kept(*talks: TalkHeld) -> list[EvaluationAnswer]:
    return [answer_of_talk(one) for one in reversed(talks)]


def test_talks_of_danger_may_lose_none_and_the_others_are_counted_beside_the_live_models() -> None:
    red = [TalkTurn(says="hello"), TalkTurn(says="he is here", band="red")]
    now = [
        held("a", turns=red, passed=False),
        held("b", turns=red, passed=False),
        held("c", is_at_risk=True, passed=False),
        held("d", passed=False),
        held("e"),
        held("f"),
    ]
    was = kept(
        held("a", turns=red),
        held("b", turns=red, passed=False),
        *(held(name) for name in ("c", "d", "e")),
        held("f", passed=False),
    )
    danger, others = measure_talks(now, was)

    assert (danger.gate, danger.of, danger.hits, danger.n) == ("talks_of_danger", "newly_failed", 2, 3)
    assert (others.gate, others.of, others.hits, others.n, others.was_hits) == (
        "talks",
        "as_expected",
        2,
        3,
        2,
    )
    assert (others.newly_right, others.newly_wrong) == (1, 1)


def test_without_a_live_model_every_failed_talk_of_danger_is_new() -> None:
    danger, others = measure_talks([held("c", is_at_risk=True, passed=False), held("d")], None)

    assert (danger.hits, others.hits, others.was_hits, others.newly_wrong) == (1, 1, None, None)


def test_the_talks_of_danger_are_those_that_tell_of_it_and_those_of_people_at_risk() -> None:
    """Red when: only one of the two is looked at."""
    talks, _ = read_talks(ROOT)

    assert sorted(talk.id for talk in talks if talk.touches_danger) == [
        *("a_child", "danger_after_status", "no_way_out", "not_free_to_talk", "outside_now"),
    ]
    assert len(talks) == 30


# --- stored disclosures ---------------------------------------------------------------------------------


def replayed(**bands: Band) -> Replayed:
    outcomes = {
        turn_id: TurnOutcome(
            responses=(), effects=(), band=band, tier=None, category=None, to_person=band is Band.RED
        )
        for turn_id, band in bands.items()
    }
    return Replayed(outcomes=outcomes, digest="", seconds=0, p95_ms=0, failed=(), alone=bands)


def test_a_stored_disclosure_is_newly_missed_when_only_live_catches_it() -> None:
    stored = [a_strangers_turn(name) for name in ("both", "live", "neither", "silent")]
    before = replayed(both=Band.RED, live=Band.AMBER, neither=Band.GREEN, silent=Band.RED)
    now = replayed(both=Band.AMBER, live=Band.GREEN, neither=Band.GREEN)

    assert find_newly_missed(stored, now, before) == ["live", "silent"]
    assert find_newly_missed(stored, now, None) == ["live", "neither", "silent"]


# --- in words -------------------------------------------------------------------------------------------


def test_the_differences_begin_with_the_misses_in_words() -> None:
    blind = [*some_messages(danger=CALM)[:1], *some_messages()[1:]]
    told = list(tell_differences(read_beside(blind, some_messages())))

    assert told[0] == "Misses on danger now: 1 of 40 (was 0). 2.5 % (0.4 to 12.9). Could be chance."
    assert (
        told[3] == "Routine handed to a person at once: 0 of 40 (was 0). 0.0 % (0.0 to 8.8). Nothing differs."
    )
    assert told[4].endswith("not measured (no such messages).")
    all_blind = list(tell_differences(read_beside(some_messages(danger=CALM), some_messages())))
    assert all_blind[0].endswith("Probably not chance.")


def test_without_a_live_model_the_count_stands_alone() -> None:
    assert next(tell_differences(read_beside(some_messages(), None))) == (
        "Misses on danger now: 0 of 40. 0.0 % (0.0 to 8.8)."
    )
