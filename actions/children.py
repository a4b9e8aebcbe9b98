"""When a child writes: a line for them, someone who listens to children, and a person."""

from collections.abc import Sequence
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType
from rasa_sdk.executor import CollectingDispatcher

from actions.memory import PastTurn
from actions.reads import CaseReads
from actions.support import tell_service

TOPIC = "children"


class TellChild(Action):
    def __init__(self, reads: CaseReads) -> None:
        self._reads = reads

    def name(self) -> str:
        return "action_tell_child"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        services = await self._reads.find_support(None, topic=TOPIC)
        for service in services[:1]:
            tell_service(service, dispatcher)
        dispatcher.utter_message(response="utter_child")
        return []


def is_told_already(past: Sequence[PastTurn]) -> bool:
    return any(turn.has_said("utter_child") for turn in past)
