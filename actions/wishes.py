"""What a message asks for: its wishes, the most pressing first, from the table bot/wishes.yml."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from rasa_sdk import Tracker
from rasa_sdk.utils import read_yaml_file

from actions.ages import is_from_child
from actions.latest_message import get_intent, get_text
from actions.topics import ENTITY, load_topics, named_in

WISHES_FILE = Path(__file__).parents[1] / "bot" / "wishes.yml"
ALSO = "also"
CHILD = "child"
KEPT = "kept"


@dataclass(frozen=True)
class WishRow:
    action: str
    choice: str | None = None


@dataclass(frozen=True)
class Asked:
    """One wish of one message, with the topic it names. `is_kept`: of an earlier message than the latest."""

    intent: str
    topic: str | None = None
    is_kept: bool = field(default=False, compare=False)

    def as_slot(self) -> str:
        return f"{self.intent}/{self.topic}" if self.topic else self.intent


@cache
def load_wishes() -> Mapping[str, WishRow]:
    """The table, read once, in its order. Raises TypeError for a row of another shape."""
    return {intent: WishRow(**row) for intent, row in read_yaml_file(WISHES_FILE)["wishes"].items()}


def read_asked(tracker: Tracker) -> list[Asked]:
    """The wishes of the latest message, the most pressing first; empty for small talk."""
    named = {get_intent(tracker), *tracker.get_latest_entity_values(ALSO)}
    if is_from_child(get_text(tracker)):
        named.add(CHILD)
    return [Asked(intent, _find_topic(intent, tracker)) for intent in load_wishes() if intent in named]


def find_runners_up(tracker: Tracker, asked: Sequence[Asked], limit: int = 2) -> list[Asked]:
    """The next most likely wishes of the latest message that can be offered, the likeliest first."""
    taken = {one.intent for one in asked}
    names = [one.get("name") for one in tracker.latest_message.get("intent_ranking") or []]
    offered = [Asked(name) for name in names if name not in taken and find_choice(name)]
    return [one for one in offered if one.intent != "request_human"][:limit]


def find_choice(intent: str | None) -> str | None:
    row = load_wishes().get(intent or "")
    return row.choice if row else None


def read_kept(slot: object) -> list[Asked]:
    """The wishes a slot holds, less what the table no longer has."""
    kept = [str(one).partition("/") for one in slot] if isinstance(slot, list) else []
    return [
        Asked(intent, topic or None, is_kept=True) for intent, _, topic in kept if intent in load_wishes()
    ]


def as_if_asked(tracker: Tracker, asked: Asked) -> Tracker:
    """The tracker as it would be had the latest message asked for this alone."""
    message = dict(tracker.latest_message) | {"intent": {"name": asked.intent}}
    if asked.is_kept:
        # The words of the latest message are about something else.
        message |= {"entities": [], "text": ""}
    if asked.topic is not None:
        others = [one for one in message.get("entities") or [] if one.get("entity") != ENTITY]
        message["entities"] = [*others, {"entity": ENTITY, "value": asked.topic, "extractor": KEPT}]
    return Tracker(
        tracker.sender_id,
        tracker.slots,
        message,
        tracker.events,
        tracker.is_paused(),
        tracker.followup_action,
        tracker.active_loop,
        tracker.latest_action_name,
    )


def _find_topic(intent: str, tracker: Tracker) -> str | None:
    action = load_wishes()[intent].action
    if action == "action_tell_right":
        return load_topics().choose(intent, named_in(tracker)).id
    return load_topics().choose_support(named_in(tracker)) if action == "action_find_support" else None
