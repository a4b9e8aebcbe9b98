"""Intents, rules, outcomes and actions name each other without gaps."""

import re

from actions.server import get_actions
from tests.actions.asking import get_responses
from tests.actions.fake_reads import FakeReads
from tests.bot.training_examples import read_examples
from tests.yaml_files import ROOT, read_yaml

NOT_TRAINED = {"nlu_fallback"}
SOURCES = [*(ROOT / "actions").glob("*.py"), *(ROOT / "data" / "rules").glob("*.yml")]
# Completed by a stage or a right, which have tests of their own.
WITH_A_GAP = {"utter_stage_", "utter_next_", "utter_", "utter_hand_off_"}
NO_RESPONSES = {"utter_message", "utter_action"}


def intents_of_domain() -> set[str]:
    return {intent for domain in read_yaml("bot/domain") for intent in domain.get("intents", [])}


def responses_named() -> set[str]:
    return {name for file in SOURCES for name in re.findall(r"utter_[a-z0-9_]*", file.read_text())}


def test_every_intent_has_a_rule_and_an_outcome() -> None:
    rules = [rule for file in read_yaml("data/rules") for rule in file["rules"]]
    [outcomes] = read_yaml("bot/outcomes.yml")
    assert intents_of_domain() == {rule["steps"][0]["intent"] for rule in rules}
    assert intents_of_domain() == set(outcomes["outcomes"]) - {"urgent"}


def test_every_intent_has_examples_enough() -> None:
    examples = read_examples()
    assert set(examples) == intents_of_domain() - NOT_TRAINED
    assert {intent: len(lines) for intent, lines in examples.items() if len(lines) < 14} == {}


def test_no_example_is_written_twice() -> None:
    every = [example.lower() for lines in read_examples().values() for example in lines]
    assert sorted(every) == sorted(set(every))


def test_every_custom_action_is_served_and_every_served_action_is_named() -> None:
    named = {action for domain in read_yaml("bot/domain") for action in domain.get("actions", [])}
    assert named == {action.name() for action in get_actions(FakeReads())}


def test_every_response_an_action_or_a_rule_names_exists() -> None:
    assert responses_named() - WITH_A_GAP - NO_RESPONSES - set(get_responses()) == set()


def test_every_response_is_said_by_an_action_or_a_rule() -> None:
    completed = re.compile(r"utter_(stage|next|right)_")
    unsaid = {name for name in get_responses() if not completed.match(name)} - responses_named()
    assert unsaid == set()


def test_nothing_a_trainer_writes_is_filled_from_the_environment() -> None:
    for folder in ("bot/domain", "data/nlu", "data/rules"):
        for file in (ROOT / folder).glob("*.yml"):
            assert "${" not in file.read_text(), file
