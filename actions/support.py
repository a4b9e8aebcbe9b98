"""Who can help, from the service's own checked list."""

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType
from rasa_sdk.executor import CollectingDispatcher

from actions.reads import CaseReads, SupportService
from actions.telling import find_case
from actions.topics import load_topics, named_in
from casework.services.support_directory import Opening

# What is said of a service depends on whether someone answers there now.
RESPONSES = {
    Opening.ALWAYS: "utter_support_service_always",
    Opening.OPEN: "utter_support_service_open",
    Opening.CLOSED: "utter_support_service_closed",
    Opening.HOLIDAY: "utter_support_service_holiday",
    Opening.UNKNOWN: "utter_support_service",
}


class FindSupport(Action):
    def __init__(self, reads: CaseReads) -> None:
        self._reads = reads

    def name(self) -> str:
        return "action_find_support"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        topic = load_topics().choose_support(named_in(tracker))
        case = find_case(await self._reads.read_view(tracker.sender_id))
        services = await self._reads.find_support(case.crime_type if case else None, topic=topic)
        if not services:
            dispatcher.utter_message(response="utter_support_none")
            return []
        dispatcher.utter_message(response="utter_support_intro")
        if topic == "housing":
            dispatcher.utter_message(response="utter_support_housing")
        for service in services:
            tell_service(service, dispatcher)
        dispatcher.utter_message(response="utter_support_other_ways")
        return []


def tell_service(service: SupportService, dispatcher: CollectingDispatcher) -> None:
    """Say who a service is for and how to reach it, as its hours allow."""
    dispatcher.utter_message(
        response=RESPONSES[service.opening],
        name=service.name,
        phone=service.phone,
        hours=service.hours,
        for_whom=service.for_whom,
        reach=service.reach,
    )
