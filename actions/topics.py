"""Which topic the latest message of a conversation asks about: bot/topics.py, asked with a tracker."""

from functools import cache

from rasa_sdk import Tracker
from rasa_sdk.utils import read_yaml_file

from bot.topics import ENTITY, TOPICS_FILE, Named, Topics

__all__ = ["ENTITY", "load_topics", "named_in"]


@cache
def load_topics() -> Topics:
    """The table, read once."""
    return Topics.from_table(read_yaml_file(TOPICS_FILE))


def named_in(tracker: Tracker) -> Named:
    """The topics the latest message names."""
    return Named.from_entities(tracker.latest_message.get("entities") or [])
