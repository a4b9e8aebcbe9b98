"""Giving way to a person, and the one rephrasing before it."""

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.latest_message import get_intent

# Why a person is asked for, and what is said. Bail and new crimes go with the wishes for a person, not with
# the routine messages: someone may be at risk.
HAND_OFFS = {
    "request_human": ("asked_for_person", "utter_hand_off_person"),
    "ask_bail_conditions": ("asked_for_person", "utter_hand_off_bail"),
    "report_new_crime": ("asked_for_person", "utter_hand_off_new_crime"),
    "message_for_officer": ("message_for_officer", "utter_hand_off_message"),
    "give_new_information": ("message_for_officer", "utter_hand_off_new_information"),
    "ask_property_return": ("message_for_officer", "utter_hand_off_property"),
    "change_contact_details": ("message_for_officer", "utter_hand_off_contact_details"),
}
NOT_UNDERSTOOD = ("not_understood", "utter_hand_off_not_understood")
ASKED_AGAIN = frozenset({"utter_rephrase", "utter_out_of_scope"})


class HandOff(Action):
    """Speaks the hand-off only together with the effect that makes it true."""

    def name(self) -> str:
        return "action_hand_off"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        reason, response = HAND_OFFS.get(get_intent(tracker), NOT_UNDERSTOOD)
        dispatcher.utter_message(response=response, json_message={"effect": "hand_off", "reason": reason})
        return []


class Rephrase(Action):
    """Says it another way once. The second time in a row it says nothing and sets `needs_person`."""

    def name(self) -> str:
        return "action_rephrase"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        if ASKED_AGAIN & _last_said(tracker):
            return [SlotSet("needs_person", True)]
        is_out_of_scope = get_intent(tracker) == "out_of_scope"
        dispatcher.utter_message(response="utter_out_of_scope" if is_out_of_scope else "utter_rephrase")
        return [SlotSet("needs_person", False)]


def _last_said(tracker: Tracker) -> set[str]:
    """The responses given to the message before the latest one."""
    said: set[str] = set()
    messages_seen = 0
    for event in reversed(tracker.events):
        if event.get("event") == "user":
            messages_seen += 1
        if messages_seen > 1:
            break
        if messages_seen == 1 and event.get("event") == "bot":
            said.add(str((event.get("metadata") or {}).get("utter_action")))
    return said
