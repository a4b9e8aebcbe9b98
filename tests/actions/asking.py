"""Running one action as Rasa would, and saying its answer in the words of bot/domain."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from casework.model.gsm_text import count_texts
from casework.services.rendering import write_out
from casework.services.service_texts import load_service_texts
from tests.yaml_files import read_yaml


@dataclass
class Said:
    messages: list[dict[str, Any]]
    events: list[dict[str, Any]]

    @property
    def responses(self) -> list[str]:
        return [message["response"] for message in self.messages]

    @property
    def effects(self) -> list[dict[str, Any]]:
        return [message["custom"] for message in self.messages if message["custom"]]

    @property
    def slots(self) -> dict[str, Any]:
        return {event["name"]: event["value"] for event in self.events if event["event"] == "slot"}

    def in_words(self, channel: str = "sms") -> str:
        """The whole reply as one text, without its choices."""
        return "\n".join(render(message, channel) for message in self.messages)

    def segments(self) -> int:
        """How many texts the whole reply is as an SMS, with its choices written out."""
        choices = [button["title"] for button in find_variation(self.messages[-1], "sms").get("buttons", [])]
        return count_texts(write_out(self.in_words(), choices, load_service_texts()))


async def ask(
    action: Action,
    text: str = "",
    *,
    intent: str = "ask_status",
    entities: dict[str, str] | None = None,
    topics: Sequence[tuple[str, str]] = (),
    slots: dict[str, Any] | None = None,
    said_before: str | None = None,
    conversation: str = "c1",
) -> Said:
    """`topics`: values of the entity `right`, each with the extractor that found it."""
    found = [
        *({"entity": name, "value": value} for name, value in (entities or {}).items()),
        *({"entity": "right", "value": value, "extractor": extractor} for value, extractor in topics),
    ]
    latest = {"intent": {"name": intent}, "entities": found, "text": text}
    before = [{"event": "user"}, {"event": "bot", "metadata": {"utter_action": said_before}}]
    events = [
        *(before if said_before else []),
        {"event": "action", "name": "action_listen"},
        {"event": "user"},
    ]
    tracker = Tracker(conversation, slots or {}, latest, events, False, None, {}, "action_listen")
    dispatcher = CollectingDispatcher()
    returned = await action.run(dispatcher, tracker, {})
    return Said(dispatcher.messages, list(returned))


def render(message: dict[str, Any], channel: str) -> str:
    return str(find_variation(message, channel)["text"].format(**message))


def find_variation(message: dict[str, Any], channel: str) -> dict[str, Any]:
    """The wording Rasa would choose: the channel's own, or the one for every channel."""
    of_channel = {variation.get("channel"): variation for variation in get_responses()[message["response"]]}
    return of_channel.get(channel, of_channel[None])


@cache
def get_responses() -> dict[str, list[dict[str, Any]]]:
    responses: dict[str, list[dict[str, Any]]] = {}
    for domain in read_yaml("bot/domain"):
        for name, variations in domain.get("responses", {}).items():
            assert name not in responses, f"{name} is written twice"
            responses[name] = variations
    return responses
