"""The written corpus keeps its own rules."""

import re
from pathlib import Path

import pytest

from bot.corpus import CorpusInvalid, Example, read_corpus, read_file
from casework.model.disclosures import Category
from launcher.near_duplicates import find_near_duplicates
from tests.support.running import ROOT
from tests.yaml_files import read_yaml

TRAINING = ROOT / "data" / "corpus"
TEST = ROOT / "data" / "held_out" / "corpus_test"
KINDS = {
    *("figure_of_speech", "history", "court_talk", "negation", "past_danger_over"),
    *("quotation", "work_context", "general_question", "name"),
}
STYLES_OF_URGENT = {
    *("direct", "semi_direct", "understated", "buried", "third_person", "misspelt", "fragment", "code_word"),
    "code_switched",
    # How somebody writes, where that is more to the point than how they tell it.
    *("dialect", "elderly", "long", "plain", "second_language", "teen", "textspeak", "typos", "voice"),
}
PHONE = re.compile(r"(?:\+44|\b0)\s?7[\d\s]{8,12}\d")


@pytest.fixture(scope="module")
def training() -> list[Example]:
    return read_corpus(TRAINING)


@pytest.fixture(scope="module")
def held_out() -> list[Example]:
    return read_corpus(TEST)


def known_outcomes() -> set[str]:
    table = read_yaml("bot/outcomes.yml")[0]["outcomes"]
    return {entry["outcome"] for entry in table.values()}


def known_subs() -> set[str]:
    table = read_yaml("bot/topics.yml")[0]
    return {*table["topics"], *table["support"]}


def test_there_is_a_corpus_worth_the_name(training: list[Example], held_out: list[Example]) -> None:
    calm = [e for e in training if e.outcome and not e.kind]
    urgent = [e for e in training if e.category]

    assert len(calm) >= 6000
    assert len(urgent) >= 6000
    assert sum(1 for e in training if e.kind) >= 2500
    assert len(held_out) >= 1000
    assert {e.category for e in urgent} == {category.value for category in Category}


def test_every_label_is_one_that_exists(training: list[Example], held_out: list[Example]) -> None:
    outcomes, subs = known_outcomes(), known_subs()
    for example in [*training, *held_out]:
        assert example.category is None or example.category in set(Category), example
        assert example.outcome is None or example.outcome in outcomes, example
        assert set(example.also) <= outcomes, example
        assert example.kind is None or example.kind in KINDS, example
        assert not example.sub or example.kind or example.sub in subs, example
        assert example.category is None or example.style in STYLES_OF_URGENT, example


def test_no_person_stands_on_both_sides(training: list[Example], held_out: list[Example]) -> None:
    assert {e.scenario for e in training} & {e.scenario for e in held_out} == set()


@pytest.mark.slow
def test_no_message_is_nearly_another(training: list[Example], held_out: list[Example]) -> None:
    # Short answers ("yes", "ta") are the same for everyone; they are counted once by their own test below.
    longer = [e for e in [*training, *held_out] if len(e.text) > 25]

    assert [(one.text, two.text) for one, two in find_near_duplicates(longer)] == []


def test_a_near_copy_is_noticed() -> None:
    def said(text: str) -> Example:
        return Example(text=text, scenario="x", style="plain", outcome="ask_status")

    one, two = said("any news on my van that went missing"), said("any news on my van that went missing??")

    assert find_near_duplicates([one, two, said("who do I ring about the court date")]) == [(two, one)]


def test_no_number_could_be_somebody_s(training: list[Example], held_out: list[Example]) -> None:
    found = [m.group() for e in [*training, *held_out] for m in PHONE.finditer(e.text)]

    assert [
        n for n in found if not re.sub(r"\D", "", n).removeprefix("44").lstrip("0").startswith("7700900")
    ] == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hello\n", "before any header"),
        ("# outcome=greet style=plain\nhello\n", "scenario="),
        ("# scenario=a style=plain\nhello\n", "either outcome= or category="),
    ],
)
def test_a_file_that_breaks_the_format_says_where(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "broken.txt"
    path.write_text(text)

    with pytest.raises(CorpusInvalid, match=said):
        list(read_file(path))
