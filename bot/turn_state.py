"""The dialogue state that a turn is given and gives back: everything Rasa needs, in a few KB of JSON.

Rasa rebuilds a tracker by replaying events, so whatever leaves the window of recent events is folded into a
few opening events that say the same: slots, active loop, paused or not. No words of the person are kept: past
messages are stored as their intent and the names of their entities, past replies as the name of the response.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rasa.core.tracker_store import TrackerStore
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActiveLoop,
    BotUttered,
    ConversationPaused,
    Event,
    SessionStarted,
    SlotSet,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker

VERSION = 1
WINDOW_EVENTS = 40
MAX_EVENTS_ACCEPTED = 2000

# Nothing the policies look at. Without them a replayed turn gives the same state to the byte.
DROPPED_FIELDS = ("timestamp", "metadata", "policy", "confidence")


class BadState(ValueError):
    """The state was not written by this module, or is damaged."""


class TurnAbandoned(BaseException):
    """The turn cannot be answered; `code` says why.

    Not an `Exception`: Rasa swallows those wherever it runs an action or stores a tracker, and would go on to
    say "passed on" after the passing on had failed.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class FoldedStart:
    """What the events before the window amounted to."""

    slots: Mapping[str, Any]
    loop: Mapping[str, Any] | None
    is_paused: bool

    def as_events(self, domain: Domain) -> list[Event]:
        """Events that bring an empty tracker to this point, less what the domain no longer has."""
        known = {slot.name for slot in domain.slots}
        events: list[Event] = [SessionStarted()]
        events += [SlotSet(name, value) for name, value in self.slots.items() if name in known]
        if self.loop and self.loop["name"] in domain.form_names:
            events += _events_of_loop(self.loop)
        if self.is_paused:
            events.append(ConversationPaused())
        return [*events, ActionExecuted(ACTION_LISTEN_NAME)]


@dataclass(frozen=True)
class TurnState:
    """`start` is None while the whole conversation still fits in the window."""

    start: FoldedStart | None
    events: list[Event]

    def opening(self, domain: Domain) -> list[Event]:
        return self.start.as_events(domain) if self.start else []

    def window(self, domain: Domain) -> list[Event]:
        """The recent events, less the slots and loops that a newer model no longer has."""
        return [event for event in self.events if _is_known(event, domain)]


class TurnTrackerStore(TrackerStore):
    """Holds one turn's tracker. Made without a state (as Rasa does at start-up) it refuses every use."""

    def __init__(
        self, domain: Domain | None = None, *, state: TurnState | None = None, **unused: Any
    ) -> None:
        super().__init__(domain)
        self._state = state
        self.saved: DialogueStateTracker | None = None

    async def retrieve(self, sender_id: str) -> DialogueStateTracker:
        if self._state is None:
            raise TurnAbandoned("outside_turn")
        events = self._state.opening(self.domain) + self._state.window(self.domain)
        return DialogueStateTracker.from_events(sender_id, events, self.domain.slots, domain=self.domain)

    async def save(self, tracker: DialogueStateTracker) -> None:
        if self._state is None:
            raise TurnAbandoned("outside_turn")
        self.saved = tracker

    def state_after(self, window_events: int = WINDOW_EVENTS) -> dict[str, Any]:
        """The state for the next turn: `window_events` long at most, unless one turn alone is longer."""
        if self.saved is None or self._state is None:
            raise TurnAbandoned("not_saved")
        if self.saved.latest_action_name != ACTION_LISTEN_NAME:
            raise TurnAbandoned("unfinished")
        opening = len(self._state.opening(self.domain))
        return _write_state(self._state.start, list(self.saved.events), opening, self.domain, window_events)


def parse_state(state: object) -> TurnState:
    """The state in the request as a value; None and {} mean a new conversation. Raises BadState."""
    if state is None or state == {}:
        return TurnState(start=None, events=[])
    if not isinstance(state, dict) or state.get("v") != VERSION:
        raise BadState("unknown version")
    events = state.get("events")
    if not isinstance(events, list) or not 0 < len(events) <= MAX_EVENTS_ACCEPTED:
        raise BadState("no usable events")
    parsed = [_parse_event(event) for event in events]
    last = parsed[-1]
    if not isinstance(last, ActionExecuted) or last.action_name != ACTION_LISTEN_NAME:
        raise BadState("the last turn did not end")
    return TurnState(start=_parse_start(state.get("start")), events=parsed)


def _is_known(event: Event, domain: Domain) -> bool:
    if isinstance(event, SlotSet):
        return any(slot.name == event.key for slot in domain.slots)
    return not isinstance(event, ActiveLoop) or event.name is None or event.name in domain.form_names


def _write_state(
    start: FoldedStart | None, events: list[Event], opening: int, domain: Domain, window_events: int
) -> dict[str, Any]:
    cut = _find_cut(events, opening, window_events)
    if cut > opening:
        start = _fold(events[:cut], domain)
    return {
        "v": VERSION,
        "start": {"slots": start.slots, "loop": start.loop, "paused": start.is_paused} if start else None,
        "events": [_write_event(event) for event in events[cut:]],
    }


def _find_cut(events: list[Event], opening: int, window_events: int) -> int:
    """Where the window begins: at a message, the oldest that fits, and never after the newest."""
    if len(events) - opening <= window_events:
        return opening
    turns = [i for i, event in enumerate(events) if i >= opening and isinstance(event, UserUttered)]
    fitting = [index for index in turns if len(events) - index <= window_events]
    return fitting[0] if fitting else max(turns, default=opening)


def _fold(events: list[Event], domain: Domain) -> FoldedStart:
    tracker = DialogueStateTracker.from_events("fold", events, domain.slots, domain=domain)
    slots = {s.name: s.value for s in tracker.slots.values() if s.value != s.initial_value}
    return FoldedStart(slots=slots, loop=_fold_loop(tracker), is_paused=tracker.is_paused())


def _fold_loop(tracker: DialogueStateTracker) -> dict[str, Any] | None:
    loop = tracker.active_loop
    if loop is None or not tracker.active_loop_name:
        return None
    trigger = loop.trigger_message or {}
    intent = (trigger.get("intent") or {}).get("name")
    return {
        "name": tracker.active_loop_name,
        "rejected": loop.rejected,
        "intent": intent,
        "entities": _write_entities(trigger.get("entities") or []),
    }


def _events_of_loop(loop: Mapping[str, Any]) -> Iterable[Event]:
    # A form looks back for the message that opened it and for its own earlier run.
    yield ActionExecuted(ACTION_LISTEN_NAME)
    yield UserUttered(None, {"name": loop["intent"]}, _read_entities(loop["entities"]))
    yield ActionExecuted(loop["name"])
    yield ActiveLoop(loop["name"])
    if loop["rejected"]:
        yield ActionExecutionRejected(loop["name"])


def _parse_start(start: object) -> FoldedStart | None:
    if start is None:
        return None
    if not isinstance(start, dict) or not isinstance(start.get("slots"), dict):
        raise BadState("start is damaged")
    loop = start.get("loop")
    if loop is not None and not _is_loop(loop):
        raise BadState("loop is damaged")
    return FoldedStart(slots=start["slots"], loop=loop, is_paused=start.get("paused") is True)


def _is_loop(loop: object) -> bool:
    if not isinstance(loop, dict) or not isinstance(loop.get("name"), str):
        return False
    return {"rejected", "intent", "entities"} <= loop.keys() and isinstance(loop["entities"], list)


def _write_event(event: Event) -> dict[str, Any]:
    if isinstance(event, UserUttered):
        entities = _write_entities(event.entities)
        return {"event": "user", "intent": event.intent_name, **({"entities": entities} if entities else {})}
    if isinstance(event, BotUttered):
        return {"event": "bot", "response": event.metadata.get("utter_action")}
    fields = event.as_dict()
    return {name: value for name, value in fields.items() if name not in DROPPED_FIELDS and value is not None}


def _parse_event(fields: object) -> Event:
    if not isinstance(fields, dict) or not isinstance(fields.get("event"), str):
        raise BadState("an event is damaged")
    if not _is_name(fields.get("name", "")) or not _is_name(fields.get("intent", "")):
        raise BadState("an event is damaged")
    if fields["event"] == "user":
        return UserUttered(None, {"name": fields.get("intent")}, _read_entities(fields.get("entities", [])))
    if fields["event"] == "bot":
        return BotUttered(metadata={"utter_action": fields.get("response")})
    try:
        event = Event.from_parameters(fields)
    except Exception as error:
        raise BadState("an event is damaged") from error
    if event is None or (isinstance(event, SlotSet) and not event.key):
        raise BadState("an event is unknown")
    return event


def _is_name(name: object) -> bool:
    return name is None or isinstance(name, str)


def _write_entities(entities: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    kept = ("entity", "role", "group")
    return [{name: entity[name] for name in kept if entity.get(name)} for entity in entities]


def _read_entities(entities: object) -> list[dict[str, Any]]:
    if not isinstance(entities, list) or not all(isinstance(e, dict) and e.get("entity") for e in entities):
        raise BadState("an entity is damaged")
    return [{**entity, "value": None} for entity in entities]
