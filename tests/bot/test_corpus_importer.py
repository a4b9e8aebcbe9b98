"""What the assistant is trained on: the examples, and the written corpus without the people held out."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.corpus import read_corpus, split_by_scenario
from tests.bot.rasa_process import ROOT
from tests.bot.reading_bot.asking import Script, running_script
from tests.yaml_files import read_yaml

pytestmark = pytest.mark.rasa

SCENARIOS = 60
CORPUS = "\n\n".join(
    f"# outcome=ask_status sub= scenario=person_{number} style=plain\nany news on case {number}"
    for number in range(SCENARIOS)
)
URGENT = """
# category=stalking scenario=followed_home style=direct
he follows me home from work
# outcome=ask_rights sub=right_6 also=ask_status scenario=wants_a_code style=angry
what am I owed, and any news
# outcome=unclear scenario=half_a_sentence style=fragment
and the
# outcome=ask_court sub=right_8 scenario=court_talk style=plain kind=court_talk
will the knife be shown in court
"""
EXAMPLES = """
version: "3.1"
nlu:
- intent: greet
  examples: |
    - hello
    - hi there
- intent: urgent
  examples:
  - text: "he is at the door again"
    metadata: {row: 1f, scenario: wb_1, category: immediate_danger}
- intent: greet
  examples:
  - text: "good evening all"
    metadata: {row: 2f, scenario: wb_2}
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Script]:
    log = tmp_path_factory.mktemp("importer") / "script.log"
    with running_script("importer", log) as running:
        yield running


def trained_on(script: Script, folder: Path, corpus: Path) -> list[dict[str, Any]]:
    config, domain, nlu = (folder / name for name in ("config.yml", "domain.yml", "nlu.yml"))
    config.write_text(
        "recipe: default.v1\nlanguage: en\npipeline: []\npolicies: []\n"
        f"importers:\n- name: bot.corpus_importer.CorpusImporter\n  corpus: [{corpus}]\n"
    )
    domain.write_text('version: "3.1"\nintents: [greet]\n')
    nlu.write_text(EXAMPLES)
    read: list[dict[str, Any]] = script.ask("read", config=str(config), domain=str(domain), data=[str(nlu)])
    return read


@pytest.fixture
def read(script: Script, tmp_path: Path) -> list[dict[str, Any]]:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "calm.txt").write_text(CORPUS + URGENT)
    return trained_on(script, tmp_path, tmp_path / "corpus")


def of(read: list[dict[str, Any]], text: str) -> dict[str, Any]:
    [found] = [one for one in read if one["text"] == text]
    return found


def test_the_people_held_out_are_left_out_and_all_others_are_there(
    read: list[dict[str, Any]], tmp_path: Path
) -> None:
    kept, held_out = split_by_scenario(read_corpus(tmp_path / "corpus"))
    texts = {one["text"] for one in read}
    assert held_out
    assert {one.text for one in held_out} & texts == set()
    assert {one.text for one in kept} < texts


def test_the_examples_of_rasa_stay(read: list[dict[str, Any]]) -> None:
    assert of(read, "hello")["intent"] == "greet"
    assert of(read, "hello")["about"] is None


def test_an_urgent_message_has_a_category_and_no_intent(read: list[dict[str, Any]]) -> None:
    urgent = of(read, "he follows me home from work")
    assert urgent["intent"] is None
    assert urgent["about"] == {"scenario": "followed_home", "category": "stalking", "sub": None}


def test_a_calm_message_has_its_outcome_as_intent_and_its_topic(read: list[dict[str, Any]]) -> None:
    calm = of(read, "what am I owed, and any news")
    assert calm["intent"] == "ask_rights"
    assert calm["about"] == {"scenario": "wants_a_code", "category": None, "sub": "right_6"}


def test_what_cannot_be_read_is_an_answer_of_its_own(read: list[dict[str, Any]]) -> None:
    assert of(read, "and the")["intent"] == "nlu_fallback"


def test_a_hard_negative_teaches_its_wish_and_no_topic(read: list[dict[str, Any]]) -> None:
    negative = of(read, "will the knife be shown in court")
    assert (negative["intent"], negative["about"]["sub"]) == ("ask_court", None)
    assert negative["about"]["category"] is None


def test_what_trainers_taught_of_danger_loses_the_intent_yaml_makes_it_name(
    read: list[dict[str, Any]],
) -> None:
    taught = of(read, "he is at the door again")
    assert taught["intent"] is None
    assert taught["about"] == {"row": "1f", "scenario": "wb_1", "category": "immediate_danger"}
    assert of(read, "good evening all")["intent"] == "greet"


def test_the_assistant_is_trained_on_the_written_corpus_and_on_nothing_held_out() -> None:
    [config] = read_yaml("config.yml")
    [importer] = config["importers"]
    assert importer == {"name": "bot.corpus_importer.CorpusImporter", "corpus": ["data/corpus"]}


def test_of_our_corpus_a_tenth_of_the_people_is_held_out() -> None:
    kept, held_out = split_by_scenario(read_corpus(ROOT / "data" / "corpus"))
    assert 0.07 < len(held_out) / (len(kept) + len(held_out)) < 0.13
    assert {one.scenario for one in kept} & {one.scenario for one in held_out} == set()
