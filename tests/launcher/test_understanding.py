"""Both layers on one line, and a model asked as a program of its own."""

import stat
from pathlib import Path

import msgspec
import pytest

from casework.model.disclosures import CALM, Band, Category, Evidence
from launcher.training import Model
from launcher.understanding import (
    Parsed,
    TextOnly,
    UnderstandingFailed,
    decide,
    screen_to_line,
    understand_lines,
    understand_texts,
    understood_to_line,
)
from tests.launcher.evaluating import LIMITS, NOT_UNDERSTOOD, a_parsed
from tests.support.builders import a_hit, an_amber_hit

DANGER = {Category.IMMEDIATE_DANGER: 0.9}


def test_a_calm_line_has_its_wish_and_nothing_else() -> None:
    parsed = a_parsed("ask_rights", 0.01, sub="right_6")

    assert understood_to_line(decide(CALM, parsed, LIMITS)) == {
        "urgent": False,
        "tier": None,
        "category": None,
        "evidence": [],
        "band": "green",
        "to_person": False,
        "outcome": "ask_rights",
        "outcome_confidence": 0.9,
        "sub": "right_6",
        "intent": "ask_rights",
    }


def test_red_by_either_layer_is_urgent_and_goes_to_a_person() -> None:
    by_screen = understood_to_line(decide(a_hit(1), a_parsed(probability=0.0), LIMITS))
    by_detector = understood_to_line(decide(CALM, a_parsed(probability=0.95, kinds=DANGER), LIMITS))

    for line in (by_screen, by_detector):
        assert (line["urgent"], line["band"], line["outcome"], line["to_person"], line["tier"]) == (
            *(True, "red", "urgent", True),
            1,
        )
    assert (by_screen["outcome_confidence"], by_detector["outcome_confidence"]) == (1.0, 0.95)


def test_amber_keeps_the_wish_and_shows_tier_and_category() -> None:
    line = understood_to_line(decide(an_amber_hit(2), a_parsed("ask_court", 0.0), LIMITS))

    assert (line["urgent"], line["band"], line["tier"]) == (False, "amber", 2)
    assert (line["outcome"], line["to_person"]) == ("ask_court", False)


def test_the_evidence_of_both_layers_is_listed() -> None:
    screen = a_hit(2, evidence=(Evidence(rule="stalking_escalation.followed", start=0, end=4),))
    line = understood_to_line(decide(screen, a_parsed(probability=0.95, kinds=DANGER), LIMITS))

    assert [e["rule"] for e in line["evidence"]] == [
        "learned.immediate_danger",
        "stalking_escalation.followed",
    ]


def test_a_wish_that_was_not_understood_is_no_sure_wish() -> None:
    assert NOT_UNDERSTOOD.wish().confidence == 0.0
    assert a_parsed().wish().confidence == 0.9


def test_an_older_model_leaves_the_band_to_the_screen() -> None:
    assert decide(CALM, a_parsed(), LIMITS).decision.band is Band.GREEN
    assert decide(a_hit(3), a_parsed(), LIMITS).outcome_confidence == 1.0


def test_automated_means_that_nobody_looks() -> None:
    assert decide(CALM, a_parsed(), LIMITS).is_automated
    assert not decide(CALM, a_parsed(to_person=True), LIMITS).is_automated
    assert not decide(an_amber_hit(), a_parsed(), LIMITS).is_automated
    assert not decide(a_hit(), a_parsed(), LIMITS).is_automated


def test_a_screened_line_says_its_band() -> None:
    amber = screen_to_line(an_amber_hit(2, start=1, end=3))

    assert (amber["urgent"], amber["band"], amber["tier"]) == (True, "amber", 2)
    assert amber["evidence"] == [{"rule": f"{amber['category']}.a_cue", "start": 1, "end": 3}]
    assert screen_to_line(CALM)["band"] == "green"


ECHO = """
import json, sys
for line in sys.stdin:
    said = json.loads(line)["text"]
    print("a library talks", flush=True)
    print(json.dumps({"id": 1, "intent": said, "outcome": said, "outcome_confidence": 0.5}), flush=True)
"""
STOPS = ECHO.replace("said = ", "sys.exit('the model is broken')\n    said = ")
UNSURE_OF_NUMBERS = ECHO.replace("0.5", "5")


def a_root(tmp_path: Path, program: str) -> Path:
    """A tree whose bot environment runs `program` instead of a model."""
    python = tmp_path / "bot" / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    (tmp_path / "program.py").write_text(program)
    python.write_text(f'#!/bin/sh\nexec python3 "{tmp_path}/program.py"\n')
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    return tmp_path


def ask(root: Path, *texts: str) -> list[Parsed]:
    model = Model(root / "model.tar.gz", "", "")
    return list(understand_lines(root, model, [TextOnly(text=text) for text in texts]))


def test_each_line_has_its_answer_in_order(tmp_path: Path) -> None:
    texts = [f"line {number}" for number in range(3000)]

    assert [parsed.intent for parsed in ask(a_root(tmp_path, ECHO), *texts)] == texts


def test_the_same_text_is_asked_once(tmp_path: Path) -> None:
    root = a_root(tmp_path, ECHO)
    answers = understand_texts(root, Model(root / "model.tar.gz", "", ""), ["a", "b", "a"])

    assert list(answers) == ["a", "b"]


def test_no_lines_start_no_model(tmp_path: Path) -> None:
    assert ask(tmp_path) == []


def test_a_model_that_stops_says_so_in_its_own_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UnderstandingFailed, match="0 answers to 2 messages"):
        ask(a_root(tmp_path, STOPS), "a", "b")
    assert "the model is broken" in capsys.readouterr().err


def test_an_answer_that_cannot_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnderstandingFailed, match="Answer 1 of the model"):
        ask(a_root(tmp_path, UNSURE_OF_NUMBERS), "a")


def test_a_category_that_does_not_exist_is_refused() -> None:
    raw = b'{"intent":"a","outcome":"a","outcome_confidence":1,"urgency":{"probability":1,"categories":{"dragons":1}}}'
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(raw, type=Parsed)
