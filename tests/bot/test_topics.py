"""Topics, the words that name them and their answers name each other without gaps."""

from datetime import date
from typing import Any

import pytest

from actions.topics import load_topics
from casework.services.support_directory import find_support_services
from tests.actions.asking import get_responses
from tests.actions.fake_reads import FakeReads
from tests.bot.rasa_process import Rasa
from tests.yaml_files import read_yaml

TOPICS = load_topics()
BLOCKS = read_yaml("data/nlu/topics.yml")[0]["nlu"]
RIGHTS = [f"right_{number}" for number in range(1, 13)]
# What the labels of data/corpus call a sub-topic of ask_rights and ask_support.
LABELS = {*RIGHTS, "general", "special_measures", "expenses", "incident_number", "lost"}
SUPPORT_LABELS = {
    *("any_crime", "mental_health", "sexual_violence", "bereavement", "burglary", "domestic_abuse", "fraud"),
    *("male_victims", "housing", "stalking", "children", "lgbt", "older_people", "disability"),
    *("modern_slavery", "hate_crime", "road_crime", "forced_marriage"),
}


def words_of(block: dict[str, Any]) -> list[str]:
    return [line.removeprefix("- ") for line in block["examples"].splitlines()]


LOOKUP = next(words_of(block) for block in BLOCKS if block.get("lookup") == "right")
SYNONYMS = {block["synonym"]: words_of(block) for block in BLOCKS if "synonym" in block}


def test_every_label_of_the_corpus_is_a_topic() -> None:
    assert set(TOPICS.topics) >= LABELS
    assert {topic.sub for topic in TOPICS.topics.values()} == LABELS
    assert set(TOPICS.support) == SUPPORT_LABELS


def test_no_word_leads_to_a_topic_that_is_not_there_and_every_topic_has_words() -> None:
    assert set(SYNONYMS) == (set(TOPICS.topics) | set(TOPICS.support)) - {"general"}


def test_every_word_is_found_and_names_one_topic() -> None:
    named = [word for words in SYNONYMS.values() for word in words]
    assert sorted(LOOKUP) == sorted(named) == sorted(set(named))


def test_a_longer_phrase_is_looked_for_before_the_shorter_one_it_begins_with() -> None:
    late = [
        (first, then)
        for place, first in enumerate(LOOKUP)
        for then in LOOKUP[place + 1 :]
        if then.startswith(f"{first} ")
    ]
    assert late == []


@pytest.mark.parametrize("topic", TOPICS.topics.values(), ids=lambda topic: topic.id)
def test_every_answer_has_a_full_form_a_short_one_a_way_on_and_says_where_it_is_from(topic: Any) -> None:
    variations = {variation.get("channel"): variation for variation in get_responses()[topic.response]}
    assert set(variations) == {None, "sms"}
    for variation in variations.values():
        facts = variation["metadata"]
        assert facts["source"] and facts["right"] == topic.sub
        assert facts["edition"] == "Victims' Code, November 2020, in force 1 April 2021"
        assert (
            date.fromisoformat(facts["as_of"]) < date.fromisoformat(facts["review_by"]) <= date(2027, 2, 21)
        )
        assert variation["buttons"]


@pytest.mark.parametrize("topic", TOPICS.support)
def test_every_support_topic_has_someone_to_turn_to(topic: str) -> None:
    assert find_support_services(None, topic=topic, today=date(2026, 11, 22))[-1].id == "victim_support"


@pytest.mark.rasa
@pytest.mark.parametrize(
    ("text", "response"),
    [
        ("can i have an interpreter", "utter_interpreter"),
        ("what are enhanced rights", "utter_enhanced_rights"),
        ("can i give evidence by video", "utter_special_measures"),
        ("Do I have to wait for the trial before I apply for compensation", "utter_compensation_wait"),
        ("cps said no charge can i ask them to look again", "utter_review_cps"),
        ("my rights", "utter_rights_overview"),
    ],
)
def test_words_lead_to_the_answer_in_the_form_of_the_channel(
    rasa: Rasa, reads: FakeReads, text: str, response: str
) -> None:
    wordings = {variation.get("channel"): variation["text"] for variation in get_responses()[response]}
    for channel, form in (("sms", "sms"), ("whatsapp", None), ("webchat", None)):
        [reply] = rasa.turn(text, channel=channel).body["replies"]
        assert (reply["response"], reply["text"]) == (response, wordings[form])
