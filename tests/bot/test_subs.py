"""What `./waymark understand` names as the topic is what the answer is about."""

import itertools
from typing import Any

import pytest
from rasa_sdk import Tracker

from actions.topics import load_topics, named_in
from bot.topics import BY_WORDS, Named
from tests.yaml_files import read_yaml

TABLE = read_yaml("bot/topics.yml")[0]
SOME = ["right_1", "interpreter", "right_6", "expenses", "right_10", "vps_seen", "right_7", "supervisor"]
NAMED = [(), *itertools.combinations(SOME, 1), *itertools.permutations(SOME, 2)]


def entities(learned: tuple[str, ...], by_words: tuple[str, ...]) -> list[dict[str, Any]]:
    return [
        *({"entity": "right", "value": value, "extractor": "Classifier"} for value in learned),
        *({"entity": "right", "value": value, "extractor": BY_WORDS} for value in by_words),
        {"entity": "crime_reference", "value": "43240012345"},
    ]


def a_tracker(found: list[dict[str, Any]]) -> Tracker:
    return Tracker("x", {}, {"entities": found}, [], False, None, {}, None)


@pytest.mark.parametrize("intent", TABLE["intents"])
def test_it_is_the_topic_the_action_chooses(intent: str) -> None:
    for learned, by_words in itertools.product(NAMED[:20], NAMED[:20]):
        found = entities(learned, by_words)
        answered_with = load_topics().choose(intent, named_in(a_tracker(found)))

        assert load_topics().sub_of(intent, Named.from_entities(found)) == answered_with.sub


@pytest.mark.parametrize(
    ("learned", "by_words", "chosen"),
    [
        ((), (), None),
        (("housing",), ("stalking",), "housing"),
        ((), ("any_crime", "fraud"), min(("any_crime", "fraud"), key=TABLE["support"].index)),
        (("right_4",), ("fraud",), "fraud"),
    ],
)
def test_support_is_the_topic_the_action_chooses(
    learned: tuple[str, ...], by_words: tuple[str, ...], chosen: str | None
) -> None:
    found = entities(learned, by_words)

    assert load_topics().sub_of("ask_support", Named.from_entities(found)) == chosen
    assert load_topics().choose_support(named_in(a_tracker(found))) == chosen


def test_a_wish_without_topics_has_none() -> None:
    assert load_topics().sub_of("ask_status", Named.from_entities(entities((), ("right_6",)))) is None
