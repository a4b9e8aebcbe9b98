"""What the person's latest message says, as Rasa understood it."""

from typing import cast

from rasa_sdk import Tracker

from casework.model.crime_references import parse_crime_reference


def get_intent(tracker: Tracker) -> str:
    intent = tracker.latest_message.get("intent") or {}
    return cast(str, intent.get("name") or "nlu_fallback")


def get_text(tracker: Tracker) -> str:
    return str(tracker.latest_message.get("text") or "")


def find_reference(tracker: Tracker) -> str | None:
    """The crime reference in the latest message, in the one form the case file uses."""
    return parse_crime_reference(get_text(tracker)) or find_entity(tracker, "crime_reference")


def find_entity(tracker: Tracker, name: str) -> str | None:
    """The first value of that entity in the latest message."""
    values = tracker.get_latest_entity_values(name)
    return next((value for value in values if isinstance(value, str)), None)
