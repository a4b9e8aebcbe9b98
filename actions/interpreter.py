"""A message in another language: one line in it, the same in English, and a person."""

from functools import cache
from pathlib import Path
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.utils import read_yaml_file

from actions.latest_message import find_entity
from actions.memory import recall
from actions.people import hand_off
from actions.wordings import SMS

LANGUAGES_FILE = Path(__file__).parents[1] / "bot" / "languages.yml"


class BringInterpreter(Action):
    def name(self) -> str:
        return "action_bring_interpreter"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        line = load_lines().get(find_entity(tracker, "language") or "")
        if line is not None:
            form = "sms" if tracker.get_latest_input_channel() == SMS else "web"
            dispatcher.utter_message(response="utter_interpreter_line", text=line[form])
        hand_off(dispatcher, "asked_for_person", "utter_hand_off_interpreter", recall(tracker))
        return []


@cache
def load_lines() -> dict[str, dict[str, str]]:
    """Language code -> its line in two forms, "sms" and "web"."""
    rows = read_yaml_file(LANGUAGES_FILE)["languages"]
    return {code: {form: row[form] for form in ("sms", "web")} for code, row in rows.items()}
