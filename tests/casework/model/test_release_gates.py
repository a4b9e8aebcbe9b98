"""Each gate is seen red: a worse model fails it, a gate that was not measured fails, a better model passes all.

Red when: a missing gate is left out of the verdict; shown with `_judge_gate` without its first loop.
"""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from casework.model.errors import SettingsInvalid
from casework.model.release_gates import (
    GateLimits,
    GateReport,
    Measured,
    judge,
    load_gate_limits,
)

LIMITS = load_gate_limits()
PACKS = ("dialect", "history", "negation", "text_speak", "third_person", "typos")


def measured(gate: str, of: str, hits: int | None, n: int, **values: Any) -> Measured:
    defaults: dict[str, Any] = {"value": None, "was_hits": None, "was_value": None}
    return Measured(gate=gate, of=of, hits=hits, n=n, **(defaults | values))


GOOD = (
    measured("danger_now", "tier_1", 63, 64, was_hits=63),
    *(measured("tiers", f"tier_{tier}", 190, 200, was_hits=190) for tier in (2, 3, 4)),
    measured("model_alone_urgent", "urgent", 800, 1000, was_hits=800),
    measured("slices", "style buried", 45, 50, was_hits=45),
    measured("live_disclosures", "stored", 0, 40),
    measured("sure_and_wrong", "urgent", 0, 1000),
    measured("false_alarms", "routine", 10, 1000, was_hits=10),
    measured("intents", "macro_f1", None, 1000, value=0.9, was_value=0.9),
    *(measured("packs", name, 80, 100, was_hits=80) for name in PACKS),
    measured("conversations", "newly_failed", 0, 30),
    measured("p95", "turn_ms", None, 200, value=60.0),
    measured("data", "findings", 0, 12),
)


def a_report(*changed: Measured, without: str = "", against: str | None = "live") -> GateReport:
    """`GOOD` with the lines of the same gate and name put in place, or added."""
    named = {(one.gate, one.of): one for one in (*GOOD, *changed)}
    kept = tuple(one for one in named.values() if one.gate != without)
    return GateReport(
        model_id="new", against=against, sets={}, measured=kept, made_at="2026-11-23T05:00:00+00:00"
    )


def failing(report: GateReport) -> set[tuple[str, str]]:
    return {(line.gate, line.of) for line in judge(report, LIMITS).lines if not line.passed}


def test_as_good_as_live_passes_every_gate() -> None:
    verdict = judge(a_report(), LIMITS)

    assert verdict.passed and failing(a_report()) == set()
    assert {line.gate for line in verdict.lines} == {limit.gate for limit in LIMITS.gates}


WORSE = [
    measured("conversations", "newly_failed", 1, 30),
    measured("danger_now", "tier_1", 62, 64, was_hits=62),
    measured("danger_now", "tier_1", 63, 64, was_hits=64),
    measured("data", "findings", 1, 12),
    measured("false_alarms", "routine", 21, 1000, was_hits=10),
    measured("intents", "macro_f1", None, 1000, value=0.894, was_value=0.9),
    measured("live_disclosures", "stored", 1, 4000),
    measured("model_alone_urgent", "urgent", 779, 1000, was_hits=800),
    measured("p95", "turn_ms", None, 200, value=301.0),
    *(measured("packs", name, 78, 100, was_hits=80) for name in PACKS),
    measured("slices", "style buried", 43, 50, was_hits=45),
    measured("slices", "style rare", 18, 20, was_hits=20),
    measured("sure_and_wrong", "urgent", 1, 1000),
    *(measured("tiers", f"tier_{tier}", 187, 200, was_hits=190) for tier in (2, 3, 4)),
]


@pytest.mark.parametrize("worse", WORSE, ids=lambda one: f"{one.gate}-{one.of}-{one.hits}")
def test_a_worse_model_fails_that_gate_and_no_other(worse: Measured) -> None:
    assert failing(a_report(worse)) == {(worse.gate, worse.of)}
    assert not judge(a_report(worse), LIMITS).passed


def test_every_gate_has_been_seen_red() -> None:
    assert {one.gate for one in WORSE} == {limit.gate for limit in LIMITS.gates}


@pytest.mark.parametrize("gate", sorted(limit.gate for limit in LIMITS.gates))
def test_a_gate_that_was_not_measured_fails(gate: str) -> None:
    assert {found for found, _ in failing(a_report(without=gate))} == {gate}


@pytest.mark.parametrize(
    "as_little_worse_as_may_be",
    [
        measured("false_alarms", "routine", 20, 1000, was_hits=10),
        measured("intents", "macro_f1", None, 1000, value=0.895, was_value=0.9),
        measured("packs", "typos", 79, 100, was_hits=80),
        measured("slices", "style buried", 44, 50, was_hits=45),
        measured("tiers", "tier_2", 188, 200, was_hits=190),
        measured("live_disclosures", "stored", 0, 0),
        measured("data", "findings", 0, 0),
    ],
    ids=lambda one: one.gate,
)
def test_what_is_within_the_limit_passes(as_little_worse_as_may_be: Measured) -> None:
    assert failing(a_report(as_little_worse_as_may_be)) == set()


@pytest.mark.parametrize(
    "wrong",
    [
        measured("danger_now", "tier_1", 65, 64, was_hits=63),
        measured("danger_now", "tier_1", -1, 64, was_hits=63),
        measured("danger_now", "tier_1", 0, 0, was_hits=0),
        measured("tiers", "tier_2", None, 200),
        measured("tiers", "tier_2", 190, 200),
        measured("intents", "macro_f1", None, 1000, value=math.nan, was_value=0.9),
        measured("intents", "macro_f1", None, 1000, value=0.9, was_value=math.nan),
        measured("intents", "macro_f1", None, 1000, value=0.9),
        measured("p95", "turn_ms", None, 200, value=math.nan),
        measured("p95", "turn_ms", None, 199, value=10.0),
        measured("live_disclosures", "stored", -1, 40),
    ],
    ids=lambda one: f"{one.gate}-{one.hits}-{one.value}",
)
def test_numbers_that_cannot_be_so_pass_nothing(wrong: Measured) -> None:
    assert failing(a_report(wrong)) == {(wrong.gate, wrong.of)}


def test_slices_too_small_are_not_judged_and_do_not_stand_for_the_gate() -> None:
    small = measured("slices", "style tiny", 0, 19, was_hits=19)
    only_small = replace(a_report(), measured=(*a_report(without="slices").measured, small))

    assert failing(a_report(small)) == set()
    assert failing(only_small) == {("slices", "slices")}


def test_a_first_model_is_held_to_what_needs_no_other() -> None:
    first = measured("danger_now", "tier_1", 60, 64)

    assert failing(a_report(first, against=None)) == {("danger_now", "tier_1")}
    assert failing(a_report(measured("tiers", "tier_2", 190, 200), against=None)) == set()


def test_a_line_measured_twice_must_hold_twice() -> None:
    worse = measured("conversations", "newly_failed", 1, 30)
    report = replace(a_report(), measured=(worse, *GOOD))

    assert failing(report) == {("conversations", "newly_failed")}


def test_no_gates_pass_nothing() -> None:
    assert not judge(a_report(), GateLimits(gates=())).passed


def test_what_is_needed_and_found_is_said_in_words() -> None:
    lines = {(line.gate, line.of): line for line in judge(a_report(), LIMITS).lines}

    danger = lines["danger_now", "tier_1"]
    assert danger.need == "at least 97 % and no worse than the live model"
    assert danger.got == "63 of 64 (was 63)"
    assert lines["slices", "style buried"].need == "at most 2 points or 1 message worse than the live model"
    assert lines["intents", "macro_f1"].got == "90.0 % (was 90.0 %)"
    assert (lines["p95", "turn_ms"].need, lines["p95", "turn_ms"].got) == ("at most 300", "60")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[danger_now]\ntitle = 'x'",
        "[danger_now]\nat_least = 0.9",
        "[danger_now]\ntitle = 'x'\nat_least = 97",
        "[danger_now]\ntitle = 'x'\nat_least = -1",
        "[danger_now]\ntitle = 'x'\nat_most = nan",
        "[danger_now]\ntitle = 'x'\nat_lest = 0.9",
    ],
)
def test_limits_that_would_let_everything_through_are_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "release_gates.toml"
    file.write_text(content)

    with pytest.raises(SettingsInvalid, match=r"release_gates\.toml"):
        load_gate_limits(file)
