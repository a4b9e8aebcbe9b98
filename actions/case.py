"""The three questions about a case, each answered after proof and remembered before it."""

from collections.abc import Callable
from datetime import date
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.latest_message import find_reference
from actions.proof import request_code
from actions.reads import AssistantView, CaseReads
from actions.telling import Wish, find_case, tell


class TellAboutCase(Action):
    """One of action_tell_status, action_tell_next_steps, action_tell_officer."""

    def __init__(self, reads: CaseReads, wish: Wish, today: Callable[[], date] = date.today) -> None:
        self._reads = reads
        self._wish = wish
        self._today = today

    def name(self) -> str:
        return f"action_tell_{self._wish}"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        view = await self._reads.read_view(tracker.sender_id)
        if find_case(view) is not None:
            tell(self._wish, view, dispatcher, self._today())
            return [SlotSet("wish", None)]
        _ask_for_proof(view, dispatcher, tracker)
        return [SlotSet("wish", self._wish.value)]


def _ask_for_proof(view: AssistantView, dispatcher: CollectingDispatcher, tracker: Tracker) -> None:
    reference = find_reference(tracker)
    if reference is not None:
        request_code(reference, dispatcher)
        return
    dispatcher.utter_message(response=_find_question(view))


def _find_question(view: AssistantView) -> str:
    if view.code_has_expired:
        return "utter_code_expired"
    return "utter_need_code" if view.code_is_pending else "utter_need_reference"
