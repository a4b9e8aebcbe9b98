"""What `./waymark understand` names as the topic is what the answer is about."""

import itertools
from typing import Any

import pytest
from rasa_sdk import Tracker

from actions.topics import load_topics
from bot.subs import BY_WORDS, sub_of
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

        assert sub_of(intent, found, TABLE) == load_topics().choose(intent, a_tracker(found)).sub


@pytest.mark.parametrize(
    ("learned", "by_words"),
    [((), ()), (("housing",), ("stalking",)), ((), ("any_crime", "fraud")), (("right_4",), ("fraud",))],
)
def test_support_is_the_topic_the_action_chooses(learned: tuple[str, ...], by_words: tuple[str, ...]) -> None:
    found = entities(learned, by_words)

    assert sub_of("ask_support", found, TABLE) == load_topics().choose_support(a_tracker(found))


def test_a_wish_without_topics_has_none() -> None:
    assert sub_of("ask_status", entities((), ("right_6",)), TABLE) is None
