"""Answering a question about rights, court, money or a decision: one topic, one answer."""

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType
from rasa_sdk.executor import CollectingDispatcher

from actions.latest_message import get_intent
from actions.topics import load_topics, named_in


class TellRight(Action):
    def name(self) -> str:
        return "action_tell_right"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        dispatcher.utter_message(
            response=load_topics().choose(get_intent(tracker), named_in(tracker)).response
        )
        return []
