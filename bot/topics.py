"""Which right or support topic a message asks about, by the table bot/topics.yml.

`learned` are the topics a classifier named, `by_words` those the words of the message name.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TOPICS_FILE = Path(__file__).with_name("topics.yml")
ENTITY = "right"
OVERVIEW = "general"
BY_WORDS = "RegexEntityExtractor"


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
class Named:
    """The topics of one message, as its entities name them."""

    learned: tuple[str, ...]
    by_words: tuple[str, ...]

    @classmethod
    def from_entities(cls, entities: Iterable[Mapping[str, Any]]) -> "Named":
        learned: list[str] = []
        by_words: list[str] = []
        for entity in entities:
            if entity.get("entity") == ENTITY and isinstance(entity.get("value"), str):
                is_by_words = entity.get("extractor", BY_WORDS) == BY_WORDS
                (by_words if is_by_words else learned).append(entity["value"])
        return cls(tuple(learned), tuple(by_words))


@dataclass(frozen=True)
class Topics:
    topics: Mapping[str, Topic]
    choices: Mapping[str, Choice]
    support: tuple[str, ...]

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> "Topics":
        """Raises KeyError or TypeError for a row of another shape."""
        topics = {key: Topic(key, **row) for key, row in table["topics"].items()}
        choices = {
            intent: Choice(topics[row["topic"]], frozenset(row.get("may_choose", topics)))
            for intent, row in table["intents"].items()
        }
        return cls(topics, choices, tuple(table["support"]))

    def choose(self, intent: str, named: Named) -> Topic:
        """The topic to answer with; an intent the table does not name is answered as a question about rights."""
        choice = self.choices.get(intent, self.choices["ask_rights"])
        learned, by_words = (
            sorted((self.topics[value] for value in values if value in choice.topics), key=Topic.is_broad)
            for values in (named.learned, named.by_words)
        )
        if not learned or (by_words and learned[0].id == OVERVIEW):
            return (by_words or [choice.default])[0]
        # Words may say more exactly what the classifier says broadly; they may not contradict it.
        broad = learned[0].sub
        return next((topic for topic in by_words if broad in (topic.sub, topic.under)), learned[0])

    def choose_support(self, named: Named) -> str | None:
        """The support topic the message names, what was learned before what its words say, else None."""
        for values in (named.learned, named.by_words):
            for topic in self.support:
                if topic in values:
                    return topic
        return None

    def sub_of(self, intent: str, named: Named) -> str | None:
        """What `./waymark understand` calls the sub-label; None for an intent without topics."""
        if intent == "ask_support":
            return self.choose_support(named)
        return self.choose(intent, named).sub if intent in self.choices else None
