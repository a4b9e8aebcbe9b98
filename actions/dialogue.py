"""Answering the wishes of a message as one step of a conversation.

At most two are answered in one reply, and only if it stays short; the next is offered. The same question is answered
shorter the second time and by a person the third. Where the service says so, a yes to "is it OK now" comes first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.children import is_told_already
from actions.memory import TALK, PastTurn, Talk, note_asked, read_talk, recall
from actions.people import hand_off
from actions.reads import CaseReads
from actions.wishes import CHILD, Asked, as_if_asked, find_choice, load_wishes, read_asked
from actions.wordings import SMS, Message, find_words, is_short, shorten

SAFE = "safe_to_talk"
ASK_FIRST_FACT = "safe_question"
HAND_OFF = "action_hand_off"
MOST_ASKED = 2
ASK_A_PERSON = Asked("request_human")


@dataclass(frozen=True)
class Reply:
    messages: tuple[Message, ...]
    events: tuple[EventType, ...] = ()

    def effects(self, name: str) -> list[Mapping[str, Any]]:
        declared = (message.get("custom") or {} for message in self.messages)
        return [effect for effect in declared if effect.get("effect") == name]

    def covers(self, other: "Reply") -> bool:
        """Whether the other's words add nothing: the same question back, or a person who reads it all anyway."""
        if self.effects("hand_off") and other.effects("hand_off"):
            return True
        return all(message in self.messages for message in other.messages)


class Dialogue:
    """`answers`: the actions that answer wishes, by name."""

    def __init__(self, reads: CaseReads, answers: Mapping[str, Action]) -> None:
        self._reads = reads
        self._answers = answers

    async def recall(self, tracker: Tracker) -> list[PastTurn]:
        """The turns of this visit, the newest first. Who comes back after half a day starts afresh."""
        view = await self._reads.read_view(tracker.sender_id)
        return [] if view.is_new_visit else recall(tracker)

    async def answer(
        self,
        asked: Sequence[Asked],
        dispatcher: CollectingDispatcher,
        tracker: Tracker,
        *,
        past: Sequence[PastTurn],
        is_safe: bool = False,
    ) -> list[EventType]:
        """Say the answer to these, the most pressing first, and what is to be remembered of it."""
        asked = [one for one in asked if one.intent != CHILD or not is_told_already(past)] or list(asked)
        if not is_safe and _needs_yes(tracker, past):
            if load_wishes()[asked[0].intent].action != HAND_OFF:
                return _ask_first(asked, dispatcher, tracker, past)
            # What is for a person is never held up by a question; the rest of the message they read anyway.
            asked = asked[:1]
        channel = tracker.get_latest_input_channel() or ""
        reply, rest, later = await self._say_most(asked, tracker, past, channel)
        if past:
            later += _find_later(asked, tracker)
        if any(effect["accepted"] for effect in reply.effects("confirm_code")):
            rest, later = [*rest, *later], []
        reply, offered = _offer(reply, rest, channel)
        dispatcher.messages.extend(reply.messages)
        # What was wanted half a day ago may not be what is wanted now.
        stale = [SlotSet("wish", None)] if not past and tracker.get_slot("wish") else []
        return [*stale, *reply.events, note_asked(tracker, asked, offered=offered, later=tuple(later))]

    async def _say_most(
        self, asked: Sequence[Asked], tracker: Tracker, past: Sequence[PastTurn], channel: str
    ) -> tuple[Reply, list[Asked], list[Asked]]:
        """The answer to the first wish, and the second if both are short; what is left; what waits for proof."""
        reply = await self._say(asked[0], tracker, past, channel)
        if len(asked) == 1:
            return reply, [], []
        second = await self._say(asked[1], tracker, past, channel)
        if reply.covers(second):
            return reply, list(asked[2:]), [] if reply.effects("hand_off") else [asked[1]]
        joined = Reply((*reply.messages, *second.messages), (*reply.events, *second.events))
        if is_short(joined.messages, channel):
            return joined, list(asked[2:]), []
        return reply, list(asked[1:]), []

    async def _say(self, asked: Asked, tracker: Tracker, past: Sequence[PastTurn], channel: str) -> Reply:
        said = CollectingDispatcher()
        events = await self._answers[load_wishes()[asked.intent].action].run(
            said, as_if_asked(tracker, asked), {}
        )
        return _vary(Reply(tuple(said.messages), tuple(events)), asked, past, channel)


class AnswerWish(Action):
    """An action that answers a wish, together with the other wishes of the same message."""

    def __init__(self, action: Action, dialogue: Dialogue) -> None:
        self._action = action
        self._dialogue = dialogue

    def name(self) -> str:
        return str(self._action.name())

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        asked = read_asked(tracker)
        if not asked:
            return list(await self._action.run(dispatcher, tracker, domain))
        past = await self._dialogue.recall(tracker)
        return await self._dialogue.answer(asked, dispatcher, tracker, past=past)


class AnswerAlso(Action):
    """Answers the wishes that came with a hello or a thank you."""

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue

    def name(self) -> str:
        return "action_answer_also"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        asked = read_asked(tracker)
        if not asked:
            dispatcher.utter_message(response="utter_what_next")
            return []
        past = await self._dialogue.recall(tracker)
        return await self._dialogue.answer(asked, dispatcher, tracker, past=past)


def _find_later(asked: Sequence[Asked], tracker: Tracker) -> list[Asked]:
    named = {one.intent for one in asked}
    return [one for one in read_talk(tracker.get_slot(TALK)).later if one.intent not in named]


def _needs_yes(tracker: Tracker, past: Sequence[PastTurn]) -> bool:
    users = [event for event in tracker.events if event.get("event") == "user"]
    facts = (users[-1].get("metadata") or {}) if users else {}
    is_known_safe = bool(past) and tracker.get_slot(SAFE) is True
    return facts.get(ASK_FIRST_FACT) is True and not is_known_safe


def _ask_first(
    asked: Sequence[Asked], dispatcher: CollectingDispatcher, tracker: Tracker, past: Sequence[PastTurn]
) -> list[EventType]:
    is_asked_enough = sum(turn.has_said("utter_safe_question") for turn in past) >= MOST_ASKED
    if is_asked_enough and not past[0].has_said("utter_hand_off_quiet"):
        hand_off(dispatcher, "not_understood", "utter_hand_off_quiet", past)
        return []
    dispatcher.utter_message(response="utter_safe_question")
    return [SlotSet(SAFE, False), Talk(offered=tuple(asked)).as_event()]


def _vary(reply: Reply, asked: Asked, past: Sequence[PastTurn], channel: str) -> Reply:
    if not reply.messages or reply.effects("hand_off"):
        return reply
    first = str(reply.messages[0].get("response"))
    same = [turn for turn in past if turn.has_said(first)]
    if asked.intent == "ask_support":
        # Every support answer begins alike.
        same = [turn for turn in same if asked in turn.talk.asked]
    if len(same) >= 2:
        kept = tuple(message for message in reply.messages if message.get("custom"))
        return replace(reply, messages=(*kept, *_hand_off_messages(past)))
    was_asked = any(asked.intent in {one.intent for one in turn.talk.asked} for turn in same)
    if not was_asked or any(message.get("custom") for message in reply.messages):
        return reply
    return replace(reply, messages=(shorten(reply.messages[0], channel), _message("utter_said_before")))


def _offer(reply: Reply, rest: Sequence[Asked], channel: str) -> tuple[Reply, tuple[Asked, ...]]:
    """The reply with the next wish as its one choice beside a person, and what a yes to it would mean."""
    if not rest:
        is_repeated = bool(reply.messages) and reply.messages[-1].get("response") == "utter_said_before"
        return reply, ((ASK_A_PERSON,) if is_repeated else ())
    title = next((title for one in rest if (title := find_choice(one.intent))), None)
    if title is None:
        return reply, tuple(rest)
    button = {"title": title, "payload": title}
    offer = {
        **_message("utter_offer_next"),
        "buttons": [button, dict.fromkeys(button, find_choice("request_human"))],
    }
    offered = replace(reply, messages=(*reply.messages, offer))
    if channel != SMS or is_short(offered.messages, channel):
        return offered, tuple(rest)
    last = {**reply.messages[-1], "buttons": [button], "text": find_words(reply.messages[-1], channel)}
    return replace(reply, messages=(*reply.messages[:-1], last)), tuple(rest)


def _message(response: str) -> Message:
    said = CollectingDispatcher()
    said.utter_message(response=response)
    return dict(said.messages[0])


def _hand_off_messages(past: Sequence[PastTurn]) -> list[Message]:
    said = CollectingDispatcher()
    hand_off(said, "not_understood", "utter_hand_off_repeat", past)
    return list(said.messages)
