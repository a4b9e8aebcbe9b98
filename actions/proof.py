"""Proving who someone is: a reference asks for a code, a code asks to be confirmed."""

from collections.abc import Callable
from datetime import date
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.latest_message import find_entity, find_reference, get_text
from actions.reads import CaseReads
from actions.telling import Wish, find_case, tell
from casework.model.crime_references import is_incident_number


class RequestCode(Action):
    """Says the same, and asks for the same, whether or not the reference is one we hold."""

    def __init__(self, reads: CaseReads, today: Callable[[], date] = date.today) -> None:
        self._reads = reads
        self._today = today

    def name(self) -> str:
        return "action_request_code"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        reference = find_reference(tracker)
        if reference is None:
            is_incident = is_incident_number(get_text(tracker))
            response = "utter_incident_number" if is_incident else "utter_need_reference"
            dispatcher.utter_message(response=response)
            return []
        view = await self._reads.read_view(tracker.sender_id)
        case = find_case(view)
        if case is not None and case.crime_reference == reference:
            tell(_wish_of(tracker) or Wish.STATUS, view, dispatcher, self._today())
            return [SlotSet("wish", None)]
        request_code(reference, dispatcher)
        return []


class CheckCode(Action):
    """Declares the code; if it would be accepted, also answers what was asked before it."""

    def __init__(self, reads: CaseReads, today: Callable[[], date] = date.today) -> None:
        self._reads = reads
        self._today = today

    def name(self) -> str:
        return "action_check_code"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        code = find_entity(tracker, "one_time_code")
        if code is None:
            dispatcher.utter_message(response="utter_ask_code")
            return []
        accepted = await self._reads.would_accept_code(tracker.sender_id, code)
        # The reply rests on `accepted`; if that is no longer so at the commit, the reply may not leave.
        effect = {"effect": "confirm_code", "code": code, "accepted": accepted}
        if not accepted:
            # Declared all the same, so that a wrong code is counted.
            view = await self._reads.read_view(tracker.sender_id)
            response = "utter_code_expired" if view.code_has_expired else "utter_code_refused"
            dispatcher.utter_message(response=response, json_message=effect)
            return []
        dispatcher.utter_message(response="utter_code_accepted", json_message=effect)
        await self._continue_wish(code, dispatcher, tracker)
        return [SlotSet("wish", None)]

    async def _continue_wish(self, code: str, dispatcher: CollectingDispatcher, tracker: Tracker) -> None:
        wish = _wish_of(tracker)
        view = await self._reads.read_view(tracker.sender_id, as_if_code=code)
        if wish is None or find_case(view) is None:
            dispatcher.utter_message(response="utter_ask_what_about_case")
            return
        tell(wish, view, dispatcher, self._today())


def request_code(reference: str, dispatcher: CollectingDispatcher) -> None:
    """Declare that a code be sent if the reference matches, and say the one sentence."""
    effect = {"effect": "request_code", "reference": reference}
    dispatcher.utter_message(response="utter_code_requested", json_message=effect)


def _wish_of(tracker: Tracker) -> Wish | None:
    wish = tracker.get_slot("wish")
    return Wish(wish) if wish in set(Wish) else None
