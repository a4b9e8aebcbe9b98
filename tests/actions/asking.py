"""Running one action as Rasa would, and saying its answer in the words of bot/domain."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

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
        """The whole reply as one text, as it goes out by SMS."""
        return "\n".join(render(message, channel) for message in self.messages)


async def ask(
    action: Action,
    text: str = "",
    *,
    intent: str = "ask_status",
    entities: dict[str, str] | None = None,
    slots: dict[str, Any] | None = None,
    said_before: str | None = None,
    conversation: str = "c1",
) -> Said:
    found = [{"entity": name, "value": value} for name, value in (entities or {}).items()]
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
    variations = get_responses()[message["response"]]
    own = [variation for variation in variations if variation.get("channel") == channel]
    chosen = (own or [variation for variation in variations if "channel" not in variation])[0]
    return str(chosen["text"].format(**message))


@cache
def get_responses() -> dict[str, list[dict[str, Any]]]:
    responses: dict[str, list[dict[str, Any]]] = {}
    for domain in read_yaml("bot/domain"):
        for name, variations in domain.get("responses", {}).items():
            assert name not in responses, f"{name} is written twice"
            responses[name] = variations
    return responses
