"""Who can help, from the service's own checked list."""

from dataclasses import asdict
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType
from rasa_sdk.executor import CollectingDispatcher

from actions.reads import CaseReads
from actions.telling import find_case


class FindSupport(Action):
    def __init__(self, reads: CaseReads) -> None:
        self._reads = reads

    def name(self) -> str:
        return "action_find_support"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        case = find_case(await self._reads.read_view(tracker.sender_id))
        services = await self._reads.find_support(case.crime_type if case else None)
        if not services:
            dispatcher.utter_message(response="utter_support_none")
            return []
        dispatcher.utter_message(response="utter_support_intro")
        for service in services:
            response = "utter_support_service_with_hours" if service.hours else "utter_support_service"
            dispatcher.utter_message(response=response, **asdict(service))
        return []
