"""What was asked, said and offered before in this visit, read back from the dialogue state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.events import EventType, SlotSet

from actions.wishes import Asked, find_runners_up, read_kept

TALK = "talk"


@dataclass(frozen=True)
class Talk:
    """The slot `talk` after a turn. `later` waits for proof; `runners_up` are the next likely meanings."""

    asked: tuple[Asked, ...] = ()
    offered: tuple[Asked, ...] = ()
    later: tuple[Asked, ...] = ()
    runners_up: tuple[Asked, ...] = ()

    def as_event(self) -> EventType:
        kept = {name: [one.as_slot() for one in wishes] for name, wishes in vars(self).items() if wishes}
        return SlotSet(TALK, kept or None)


@dataclass(frozen=True)
class PastTurn:
    intent: str | None = None
    said: tuple[str, ...] = ()
    talk: Talk = Talk()

    def has_said(self, *responses: str) -> bool:
        return not set(responses).isdisjoint(self.said)


def read_talk(slot: object) -> Talk:
    kept = slot if isinstance(slot, Mapping) else {}
    return Talk(**{name: tuple(read_kept(kept.get(name))) for name in vars(Talk())})


def recall(tracker: Tracker) -> list[PastTurn]:
    """The turns before the latest message, the newest first, as far as the state reaches."""
    turns: list[list[dict[str, Any]]] = []
    for event in tracker.events:
        if event.get("event") == "user":
            turns.append([])
        if turns:
            turns[-1].append(event)
    return [_past_turn(events) for events in reversed(turns[:-1])]


def recall_last(tracker: Tracker) -> PastTurn:
    """The turn before the latest message; an empty one at the start."""
    return next(iter(recall(tracker)), PastTurn())


def note_asked(tracker: Tracker, asked: Sequence[Asked], **more: tuple[Asked, ...]) -> EventType:
    """The event that remembers these as asked in this turn, with the next likely meanings of its message."""
    runners_up = () if asked[0].is_kept else find_runners_up(tracker, asked)
    return Talk(asked=tuple(asked), runners_up=tuple(runners_up), **more).as_event()


def _past_turn(events: Sequence[dict[str, Any]]) -> PastTurn:
    said = [(event.get("metadata") or {}).get("utter_action") for event in events if event["event"] == "bot"]
    slots = [event.get("value") for event in events if event["event"] == "slot" and event.get("name") == TALK]
    parsed = events[0].get("parse_data") or {}
    return PastTurn(
        intent=(parsed.get("intent") or {}).get("name"),
        said=tuple(str(response) for response in said if response),
        talk=read_talk(slots[-1] if slots else None),
    )
