"""Yes, no, "not that" and "say that again": messages that mean something only after what was said before."""

import re
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.dialogue import SAFE, Dialogue
from actions.latest_message import get_text
from actions.memory import TALK, PastTurn, Talk
from actions.people import TRIED
from actions.wishes import find_choice

ABOUT_A_REFERENCE = ("utter_code_requested", "utter_incident_number")
SECOND = re.compile(r"\b(other|second|2nd|latter|last)\b", re.I)


class SecondThought(Action):
    """An action that looks at the turn before."""

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        past = await self._dialogue.recall(tracker)
        return await self._run(dispatcher, tracker, past)

    async def _run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, past: list[PastTurn]
    ) -> list[EventType]:
        raise NotImplementedError


class AnswerYes(SecondThought):
    """A yes to what was offered, or to "is it OK now"; otherwise asks what would help."""

    def name(self) -> str:
        return "action_answer_yes"

    async def _run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, past: list[PastTurn]
    ) -> list[EventType]:
        last = past[0] if past else PastTurn()
        if not last.talk.offered or last.has_said("utter_not_that"):
            dispatcher.utter_message(response="utter_what_next")
            return []
        is_safe = last.has_said("utter_safe_question")
        told = await self._dialogue.answer(last.talk.offered, dispatcher, tracker, past=past, is_safe=is_safe)
        return [*([SlotSet(SAFE, True)] if is_safe else []), *told]


class AnswerNo(SecondThought):
    """A no to "is it OK now" ends it in neutral words; a no to two choices brings a person."""

    def name(self) -> str:
        return "action_answer_no"

    async def _run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, past: list[PastTurn]
    ) -> list[EventType]:
        last = past[0] if past else PastTurn()
        if last.has_said("utter_not_that"):
            return [SlotSet("needs_person", True)]
        if last.has_said("utter_safe_question"):
            dispatcher.utter_message(response="utter_safe_goodbye")
            return [SlotSet("needs_person", False), SlotSet("wish", None), SlotSet(TALK, None)]
        dispatcher.utter_message(response="utter_no_problem")
        return [SlotSet("needs_person", False)]


class NotThat(SecondThought):
    """Offers the two next likely meanings once. The second time in a row it sets `needs_person`."""

    def name(self) -> str:
        return "action_offer_others"

    async def _run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, past: list[PastTurn]
    ) -> list[EventType]:
        last = past[0] if past else PastTurn()
        if last.has_said(*ABOUT_A_REFERENCE):
            dispatcher.utter_message(response="utter_other_reference")
            return [SlotSet("needs_person", False)]
        if len(last.talk.offered) > 1 and SECOND.search(get_text(tracker)):
            second = last.talk.offered[1:2]
            told = await self._dialogue.answer(second, dispatcher, tracker, past=past)
            return [SlotSet("needs_person", False), *told]
        if last.has_said(*TRIED):
            return [SlotSet("needs_person", True)]
        _offer_others(last, dispatcher)
        return [SlotSet("needs_person", False), Talk(offered=last.talk.runners_up).as_event()]


class SayAgain(SecondThought):
    """Answers the last question once more, shorter; with none before it asks what would help."""

    def name(self) -> str:
        return "action_say_again"

    async def _run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, past: list[PastTurn]
    ) -> list[EventType]:
        asked = next((turn.talk.asked for turn in past if turn.talk.asked), ())
        if not asked:
            dispatcher.utter_message(response="utter_what_next")
            return []
        return await self._dialogue.answer(asked[:1], dispatcher, tracker, past=past)


def _offer_others(last: PastTurn, dispatcher: CollectingDispatcher) -> None:
    titles = [title for one in last.talk.runners_up if (title := find_choice(one.intent))]
    response = "utter_not_that" if titles else "utter_rephrase"
    person = find_choice("request_human")
    buttons = [{"title": title, "payload": title} for title in [*titles, person] if titles]
    dispatcher.utter_message(response=response, buttons=buttons)
