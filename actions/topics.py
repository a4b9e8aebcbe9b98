"""Which topic a message asks about, from the table bot/topics.yml."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rasa_sdk import Tracker
from rasa_sdk.utils import read_yaml_file

TOPICS_FILE = Path(__file__).parents[1] / "bot" / "topics.yml"
ENTITY = "right"
OVERVIEW = "general"
_FOUND_BY_WORDS = "RegexEntityExtractor"


@dataclass(frozen=True)
class Topic:
    """`sub` is the broader thing it is about: right_1 to right_12, or a topic of its own.

    `under` is a right it also belongs to: the cost of a train to court is a topic of its own and part of right 10.
    """

    id: str
    response: str
    sub: str
    under: str | None = None

    def is_broad(self) -> bool:
        return self.id.startswith("right_")


@dataclass(frozen=True)
class Choice:
    """What one intent may be answered with: its topic when no words choose another, and what they may choose."""

    default: Topic
    topics: frozenset[str]


@dataclass(frozen=True)
class Topics:
    topics: Mapping[str, Topic]
    choices: Mapping[str, Choice]
    support: tuple[str, ...]

    def choose(self, intent: str, tracker: Tracker) -> Topic:
        """The topic to answer with; an intent the table does not name is answered as a question about rights."""
        choice = self.choices.get(intent, self.choices["ask_rights"])
        learned, by_words = (
            sorted((self.topics[value] for value in values if value in choice.topics), key=Topic.is_broad)
            for values in _named(tracker)
        )
        if not learned or (by_words and learned[0].id == OVERVIEW):
            return (by_words or [choice.default])[0]
        # Words may say more exactly what the classifier says broadly; they may not contradict it.
        broad = learned[0].sub
        return next((topic for topic in by_words if broad in (topic.sub, topic.under)), learned[0])

    def choose_support(self, tracker: Tracker) -> str | None:
        """The support topic the message names, what was learned before what its words say, else None."""
        for values in _named(tracker):
            for topic in self.support:
                if topic in values:
                    return topic
        return None


@cache
def load_topics() -> Topics:
    """The table, read once. Raises KeyError or TypeError for a row of another shape."""
    table = read_yaml_file(TOPICS_FILE)
    topics = {key: Topic(key, **row) for key, row in table["topics"].items()}
    choices = {
        intent: Choice(topics[row["topic"]], frozenset(row.get("may_choose", topics)))
        for intent, row in table["intents"].items()
    }
    return Topics(topics, choices, tuple(table["support"]))


def _named(tracker: Tracker) -> tuple[list[str], list[str]]:
    """The topics of the latest message: those a classifier named, and those its words name."""
    learned: list[str] = []
    by_words: list[str] = []
    for entity in tracker.latest_message.get("entities") or []:
        if entity.get("entity") == ENTITY and isinstance(entity.get("value"), str):
            is_by_words = entity.get("extractor", _FOUND_BY_WORDS) == _FOUND_BY_WORDS
            (by_words if is_by_words else learned).append(entity["value"])
    return learned, by_words
