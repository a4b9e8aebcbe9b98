"""Giving way to a person, and what is tried before it."""

from collections.abc import Sequence
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.latest_message import get_intent
from actions.memory import PastTurn, Talk, recall, recall_last
from actions.wishes import Asked

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
    "abuse": ("not_understood", "utter_hand_off_again"),
}
NOT_UNDERSTOOD = ("not_understood", "utter_hand_off_not_understood")
# Said for a message that was not understood. Two of them in a row bring a person.
TRIED = ("utter_rephrase", "utter_out_of_scope", "utter_not_that")


def hand_off(dispatcher: CollectingDispatcher, reason: str, response: str, past: Sequence[PastTurn]) -> None:
    """Speak the hand-off together with the effect that makes it true; in other words than the turn before."""
    if past and past[0].has_said(response):
        is_again = response == "utter_hand_off_again"
        response = "utter_hand_off_person" if is_again else "utter_hand_off_again"
    dispatcher.utter_message(response=response, json_message={"effect": "hand_off", "reason": reason})


class HandOff(Action):
    def name(self) -> str:
        return "action_hand_off"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        hand_off(dispatcher, *HAND_OFFS.get(get_intent(tracker), NOT_UNDERSTOOD), recall(tracker))
        return []


class Rephrase(Action):
    """Says it another way once. The second time in a row it says nothing and sets `needs_person`."""

    def name(self) -> str:
        return "action_rephrase"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        if recall_last(tracker).has_said(*TRIED):
            return [SlotSet("needs_person", True)]
        is_out_of_scope = get_intent(tracker) == "out_of_scope"
        dispatcher.utter_message(response="utter_out_of_scope" if is_out_of_scope else "utter_rephrase")
        return [SlotSet("needs_person", False)]


class SetBoundary(Action):
    """Answers abuse calmly once, then offers a person, then sets `needs_person`."""

    def name(self) -> str:
        return "action_set_boundary"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        past = recall(tracker)
        if _has_been_said("utter_boundary_person", past):
            return [SlotSet("needs_person", True)]
        if not _has_been_said("utter_boundary", past):
            dispatcher.utter_message(response="utter_boundary")
            return [SlotSet("needs_person", False)]
        dispatcher.utter_message(response="utter_boundary_person")
        return [SlotSet("needs_person", False), Talk(offered=(Asked("request_human"),)).as_event()]


def _has_been_said(response: str, past: list[PastTurn]) -> bool:
    return any(turn.has_said(response) for turn in past)
