"""Intents, rules, outcomes and actions name each other without gaps."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from actions.interpreter import load_lines
from actions.server import get_actions
from actions.wishes import load_wishes
from casework.model.outcomes import RESPONSES_OF_OUTCOMES
from casework.model.sms_segments import GSM_7, GSM_7_EXTENDED
from tests.actions.asking import get_responses
from tests.actions.fake_reads import FakeReads
from tests.bot.training_examples import read_examples
from tests.yaml_files import ROOT, read_yaml

NOT_TRAINED = {"nlu_fallback"}
SOURCES = [
    *(ROOT / "actions").glob("*.py"),
    *(ROOT / "data" / "rules").glob("*.yml"),
    ROOT / "bot" / "topics.yml",
]
# Completed by a stage, which has a test of its own.
WITH_A_GAP = {"utter_stage_", "utter_next_", "utter_hand_off_"}
NO_RESPONSES = {"utter_message", "utter_action"}


def intents_of_domain() -> set[str]:
    return {intent for domain in read_yaml("bot/domain") for intent in domain.get("intents", [])}


def responses_named() -> set[str]:
    return {name for file in SOURCES for name in re.findall(r"utter_[a-z0-9_]*", file.read_text())}


def first_step_intents(rule: Mapping[str, Any]) -> list[str]:
    first = rule["steps"][0]
    return [step["intent"] for step in first.get("or", [first])]


def rules() -> list[dict[str, Any]]:
    return [rule for file in read_yaml("data/rules") for rule in file["rules"]]


def test_every_intent_has_a_rule_and_an_outcome() -> None:
    [outcomes] = read_yaml("bot/outcomes.yml")
    assert intents_of_domain() == {intent for rule in rules() for intent in first_step_intents(rule)}
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
    completed = re.compile(r"utter_(stage|next)_")
    said = responses_named() | set(RESPONSES_OF_OUTCOMES.values())
    assert {name for name in get_responses() if not completed.match(name)} - said == set()


def test_nothing_a_trainer_writes_is_filled_from_the_environment() -> None:
    for folder in ("bot/domain", "data/nlu", "data/rules"):
        for file in (ROOT / folder).glob("*.yml"):
            assert "${" not in file.read_text(), file


def test_a_wish_is_answered_by_the_action_its_rule_names() -> None:
    named = {rule["steps"][0].get("intent"): rule["steps"][1].get("action") for rule in rules()}
    assert {intent: row.action for intent, row in load_wishes().items()} == {
        intent: named[intent] for intent in load_wishes()
    }


def test_every_intent_that_only_an_action_can_answer_is_a_wish() -> None:
    answering = {"action_hand_off", *(row.action for row in load_wishes().values())}
    by_action = {
        rule["steps"][0]["intent"]
        for rule in rules()
        if rule["steps"][1].get("action") in answering and "or" not in rule["steps"][0]
    }
    assert by_action == set(load_wishes())


def test_what_is_more_pressing_is_answered_first() -> None:
    order = list(load_wishes())
    for earlier, later in (
        ("request_human", "message_for_officer"),
        ("give_new_information", "ask_status"),
        ("message_for_officer", "ask_status"),
        ("ask_status", "ask_rights"),
    ):
        assert order.index(earlier) < order.index(later)
    assert not {"greet", "thanks", "goodbye", "affirm", "deny"} & set(order)


def test_the_choice_of_a_wish_is_an_example_of_it_and_fits_a_button() -> None:
    examples = {intent: [line.lower() for line in lines] for intent, lines in read_examples().items()}
    for intent, row in load_wishes().items():
        if row.choice:
            assert row.choice.lower() in examples[intent] and len(row.choice) <= 24, intent


@pytest.mark.parametrize("code", load_lines())
def test_a_line_in_another_language_is_short_sourced_and_says_who_has_read_it(code: str) -> None:
    [table] = read_yaml("bot/languages.yml")
    row = table["languages"][code]
    assert row["name"] and isinstance(row["signed_off"], str) and table["source"]
    assert date.fromisoformat(table["review_by"]) > date(2026, 11, 22)
    assert set(row["sms"]) <= GSM_7 | GSM_7_EXTENDED and len(row["sms"]) <= 80 and len(row["web"]) <= 80
