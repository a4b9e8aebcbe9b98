"""Which right or support topic the answer to a message is about."""

from collections.abc import Mapping, Sequence
from typing import Any

BY_WORDS = "RegexEntityExtractor"
OVERVIEW = "general"


def sub_of(intent: str, entities: Sequence[Mapping[str, Any]], topics: Mapping[str, Any]) -> str | None:
    """The right or support topic that the answer to this intent is about; None if the intent has none.

    `topics` is bot/topics.yml. The choice is the one actions/topics.py makes.
    """
    named = [found for found in entities if found["entity"] == "right"]
    by_words = [found["value"] for found in named if found.get("extractor", BY_WORDS) == BY_WORDS]
    learned = [found["value"] for found in named if found.get("extractor", BY_WORDS) != BY_WORDS]
    if intent == "ask_support":
        said = learned if set(learned) & set(topics["support"]) else by_words
        return next((topic for topic in topics["support"] if topic in said), None)
    choice = topics["intents"].get(intent)
    if choice is None:
        return None
    table = topics["topics"]
    may_choose = choice.get("may_choose", table)
    learned, by_words = (
        sorted((topic for topic in said if topic in may_choose), key=lambda topic: topic.startswith("right_"))
        for said in (learned, by_words)
    )
    if not learned or (by_words and learned[0] == OVERVIEW):
        return str(table[(by_words or [choice["topic"]])[0]]["sub"])
    broad = table[learned[0]]["sub"]
    closer = (topic for topic in by_words if broad in (table[topic]["sub"], table[topic].get("under")))
    return str(table[next(closer, learned[0])]["sub"])
