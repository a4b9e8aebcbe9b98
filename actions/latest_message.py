"""What the person's latest message says, as Rasa understood it."""

import re
from typing import cast

from rasa_sdk import Tracker

from casework.model.crime_references import parse_crime_reference

# Just before a reference: "not 43260012345, it is ...".
TAKEN_BACK = re.compile(r"\b(?:not|isn'?t|wasn'?t|instead of)\s+(?:its\s+|it's\s+)?$", re.I)


def get_intent(tracker: Tracker) -> str:
    intent = tracker.latest_message.get("intent") or {}
    return cast(str, intent.get("name") or "nlu_fallback")


def get_text(tracker: Tracker) -> str:
    return str(tracker.latest_message.get("text") or "")


def find_reference(tracker: Tracker) -> str | None:
    """The crime reference the latest message gives, in the one form the case file uses; not one it takes back."""
    text = get_text(tracker)
    marked = [
        one for one in tracker.latest_message.get("entities") or [] if one.get("entity") == "crime_reference"
    ]
    given = [one for one in marked if not TAKEN_BACK.search(text[: one.get("start", 0)])]
    if len(marked) > 1 and given:
        return cast(str, given[-1]["value"])
    return parse_crime_reference(text) or find_entity(tracker, "crime_reference")


def find_entity(tracker: Tracker, name: str) -> str | None:
    """The first value of that entity in the latest message."""
    values = tracker.get_latest_entity_values(name)
    return next((value for value in values if isinstance(value, str)), None)
