"""Sets, figures and what must hold: counted here by hand, and again by the code."""

from dataclasses import replace
from pathlib import Path

import pytest

from bot.corpus import CorpusInvalid, Example, split_by_scenario
from casework.model.calibration import calibrate
from casework.model.disclosures import Category
from launcher.evaluation.figures import (
    Figure,
    is_acceptable,
    is_right,
    judge_again,
    macro_f1,
    measure,
    slice_up,
    wilson,
)
from launcher.evaluation.must_hold import check_all, in_words, load_bars
from launcher.evaluation.sets import read_set
from launcher.evaluation.typos import with_typos
from tests.launcher.evaluating import DATA, LIMITS, a_judged, a_parsed
from tests.support.builders import a_hit, an_amber_hit
from tests.support.running import ROOT

DANGER, EVIDENCE = "immediate_danger", "new_evidence_or_details"


@pytest.mark.parametrize(
    ("hits", "n", "interval"),
    [
        (1, 217, (0.0008, 0.0256)),
        (0, 64, (0.0, 0.0566)),
        (64, 64, (0.9434, 1.0)),
        (50, 100, (0.4038, 0.5962)),
    ],
)
def test_the_interval_is_wilsons(hits: int, n: int, interval: tuple[float, float]) -> None:
    assert wilson(hits, n) == pytest.approx(interval, abs=0.0001)


def test_a_miss_is_urgent_green_and_bound_for_nobody() -> None:
    missed = a_judged(category=DANGER)
    to_person = a_judged(category=DANGER, parsed=a_parsed(to_person=True))
    amber = a_judged(category=DANGER, screen=an_amber_hit(1))
    red = a_judged(category=DANGER, screen=a_hit(1))
    information = a_judged(category=EVIDENCE)
    figures = measure([missed, to_person, amber, red, information, a_judged()])

    assert (figures["missed_tier_1"].hits, figures["missed_tier_1"].n) == (1, 4)
    assert (figures["missed"].hits, figures["missed"].n) == (2, 5)
    assert (figures["red_urgent"].hits, figures["red_tier_1"].hits) == (1, 1)
    assert figures["caught_urgent"].hits == 2
    assert (figures["caught_worst_category"].value, figures["caught_worst_category"].note) == (0.0, EVIDENCE)


def test_false_alarms_are_counted_apart_for_routine_and_hard_negatives() -> None:
    judged = [
        *(a_judged(screen=a_hit(2)), a_judged(screen=an_amber_hit(2)), a_judged(), a_judged()),
        *(a_judged(kind="history", screen=a_hit(2)), a_judged(kind="negation")),
    ]
    figures = measure(judged)

    assert (figures["red_routine"].hits, figures["red_routine"].n) == (1, 4)
    assert (figures["amber_routine"].hits, figures["automated_routine"].hits) == (1, 2)
    assert (figures["red_hard"].hits, figures["red_hard"].n) == (1, 2)
    assert (figures["screen_routine"].hits, figures["screen_red_routine"].hits) == (2, 1)


def test_a_further_wish_counts_only_where_it_may() -> None:
    judged = [
        a_judged("ask_status"),
        a_judged("ask_status", also=("ask_court",), parsed=a_parsed("ask_court")),
        a_judged("ask_status", parsed=a_parsed("ask_court")),
        a_judged("ask_rights", sub="right_6", parsed=a_parsed("ask_rights", sub="right_1")),
        a_judged("ask_rights", sub="right_6", parsed=a_parsed("ask_rights", sub="right_6")),
    ]
    figures = measure(judged)

    assert (figures["outcome"].hits, figures["outcome_also"].hits) == (3, 4)
    assert (figures["sub"].hits, figures["sub"].n) == (1, 2)


def test_a_red_false_alarm_is_a_wrong_outcome_too() -> None:
    assert measure([a_judged("ask_status", screen=a_hit(2))])["outcome"].value == 0.0


def test_macro_f1_weighs_every_outcome_the_same() -> None:
    judged = [
        *(a_judged("ask_status"), a_judged("ask_status"), a_judged("ask_status", parsed=a_parsed("thanks"))),
        a_judged("thanks"),
    ]
    status, thanks = 2 * 2 / (3 + 2), 2 * 1 / (1 + 2)

    assert macro_f1(judged, is_right).value == pytest.approx((status + thanks) / 2)
    assert macro_f1([], is_acceptable).value is None


def test_every_figure_has_a_title_and_every_title_a_figure() -> None:
    assert list(measure([a_judged()])) == list(load_bars())


def test_a_bar_is_met_missed_or_not_measured() -> None:
    plain = measure([a_judged(category=DANGER), a_judged()])
    met = {held.title: held.is_met for held in check_all(plain, None)}

    assert met["misses on danger now (tier 1, silently automated)"] is False
    assert met["outcome as meant, routine"] is True
    assert met["RED on hard negatives"] is None
    assert met["loss of any of these under 8 % typos"] is None


def test_the_loss_under_typos_is_the_worst_one_whichever_way_is_worse() -> None:
    plain = measure([a_judged(), a_judged()])
    louder = measure([a_judged(), a_judged(screen=an_amber_hit(2))])
    held = check_all(plain, louder)[-1]

    assert held.is_met is False
    assert held.found.startswith("50.0 points: AMBER on routine")
    assert check_all(louder, louder)[-1].is_met is True


def test_a_figure_in_words() -> None:
    assert in_words(Figure(value=1 / 217, n=217, hits=1)) == "1 of 217, 0.5 % (0.1 to 2.6)"
    assert in_words(Figure(value=0.5, n=4)) == "50.0 % (n 4)"


def test_slices_cut_by_length_as_written_not_as_mistyped() -> None:
    short, long = a_judged(text="x" * 160), a_judged(text="x" * 161)
    by_length = next(
        table
        for table in slice_up([replace(short, text="x" * 170), long])
        if table.title == "Routine, by length"
    )

    assert {name: row["RED"].n for name, row in by_length.rows.items()} == {
        "longer": 1,
        "up to 160 characters": 1,
    }


def test_other_limits_judge_the_same_answers_again() -> None:
    one = a_judged(category=DANGER, parsed=a_parsed(probability=0.2, kinds={Category(DANGER): 0.2}))
    strict = replace(
        LIMITS, tiers={tier: replace(own, amber=0.9, red=0.9) for tier, own in LIMITS.tiers.items()}
    )

    assert not one.is_missed
    assert judge_again([one], strict)[0].is_missed


def test_calibration_is_the_mean_gap_of_the_bins() -> None:
    found = calibrate("x", [(0.95, True), (0.95, True), (0.15, True), (0.05, False)])

    assert found.error == pytest.approx((2 * 0.05 + 0.85 + 0.05) / 4)
    assert calibrate("x", [(1.0, True)]).bins[-1].n == 1
    assert calibrate("x", []).error is None


def test_sets_are_read_from_the_corpus_from_json_lines_and_by_name(tmp_path: Path) -> None:
    corpus = tmp_path / "own"
    corpus.mkdir()
    (corpus / "a.txt").write_text(
        "# outcome=greet scenario=a style=plain\nhello\n# category=strangulation scenario=b style=direct\nx\n"
    )

    assert [e.outcome or e.category for e in read_set(ROOT, str(corpus))] == ["greet", "strangulation"]
    assert len(read_set(ROOT, str(corpus / "a.txt"))) == 2
    messages = read_set(ROOT, str(DATA / "messages.jsonl"))
    assert messages[5].also == ("ask_compensation",)
    assert all(example.outcome for example in read_set(ROOT, "first"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "no messages"),
        ('{"text": "hello"}\n', "line 1: give outcome or category"),
        ('\n{"text": 7, "outcome": "greet"}\n', "line 2"),
        ('{"text": "hello", "category": "dragons"}\n', "line 1"),
        ("not json\n", "line 1"),
    ],
)
def test_a_set_that_cannot_be_read_says_where(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "set.jsonl"
    path.write_text(content)

    with pytest.raises(CorpusInvalid, match=said):
        read_set(ROOT, str(path))


def test_a_set_that_is_not_there_or_has_no_such_category_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("# category=dragons scenario=a style=plain\nhello\n")

    with pytest.raises(CorpusInvalid, match="dev, test, first, same"):
        read_set(ROOT, "tset")
    with pytest.raises(CorpusInvalid, match="dragons"):
        read_set(ROOT, str(path))


def test_a_split_keeps_every_scenario_whole_and_is_always_the_same() -> None:
    examples = [
        Example(text=f"{person} {word}", scenario=f"person {person}", style="plain", outcome="greet")
        for person in range(1000)
        for word in ("hello", "hi")
    ]
    kept, held_out = split_by_scenario(examples)

    assert 140 <= len(held_out) <= 260
    assert {e.scenario for e in kept} & {e.scenario for e in held_out} == set()
    assert len(kept) + len(held_out) == len(examples)
    assert split_by_scenario(list(reversed(examples)))[1] == list(reversed(held_out))
    assert split_by_scenario([replace(examples[0], scenario="always here")])[1] == []


def test_typos_are_the_same_each_time_and_about_as_many_as_said() -> None:
    text, letters = "he is outside my house now " * 10, "a" * 20000
    beside = sum(letter != "a" for letter in with_typos(letters))

    assert with_typos(text) == with_typos(text) != text
    assert 0.06 <= 4 * beside / len(letters) <= 0.10, "one typo in four hits the key beside"
    assert with_typos("123 456", share=1.0) == "123 456"
    assert with_typos("hello", share=0.0) == "hello"
