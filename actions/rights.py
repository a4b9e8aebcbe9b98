"""What the Victims' Code gives, one right at a time."""

import re
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType
from rasa_sdk.executor import CollectingDispatcher

from actions.latest_message import find_entity, get_intent

RIGHT = re.compile(r"right_([1-9]|1[0-2])")

# A question that is about one right whatever its words; the others are told by their words.
RESPONSE_OF_INTENT = {
    "complain": "utter_right_12",
    "ask_compensation": "utter_right_5",
    "ask_court": "utter_right_8",
    "ask_review_decision": "utter_review_decision",
}


class TellRight(Action):
    def name(self) -> str:
        return "action_tell_right"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        response = RESPONSE_OF_INTENT.get(get_intent(tracker)) or _response_of_words(tracker)
        dispatcher.utter_message(response=response)
        return []


def _response_of_words(tracker: Tracker) -> str:
    right = find_entity(tracker, "right") or ""
    return f"utter_{right}" if RIGHT.fullmatch(right) else "utter_rights_overview"
