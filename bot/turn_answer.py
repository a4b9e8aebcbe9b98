"""Answering one turn with a loaded model: whole, or not at all.

Rasa itself goes on after a failed action, skips a response it does not have and sends one with a gap in it.
Here each of those ends the turn.
"""

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from jsonschema.protocols import Validator
from jsonschema.validators import validator_for
from rasa.core.actions.action import Action, ActionExecutionRejection, RemoteAction
from rasa.core.channels.channel import OutputChannel, UserMessage
from rasa.core.nlg import NaturalLanguageGenerator
from rasa.core.policies.policy import PolicyPrediction
from rasa.core.processor import MessageProcessor
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import Event
from rasa.shared.core.trackers import DialogueStateTracker

from bot.turn_state import WINDOW_EVENTS, TurnAbandoned, TurnTrackerStore, parse_state

MAX_BODY_BYTES = 512 * 1024
ACTION_TIMEOUT_SECONDS = 8
RANKING_LENGTH = 3
INVISIBLE = "\u2060"

# What Rasa adds to a reply; the rest of its metadata are the arguments the action gave.
NOT_ARGS = frozenset(
    {
        *("text", "timestamp", "elements", "quick_replies", "buttons", "attachment", "image", "custom"),
        *("utter_action", "template", "model_id", "assistant_id", "metadata", "channel", "condition", "id"),
    }
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class AskedTurn:
    turn_id: str
    conversation: str
    text: str
    channel: str
    state: object
    earlier: tuple[str, ...] = ()  # the person's last texts, oldest first
    asks_safe_first: bool = False  # the plan wants one yes or no before anything specific


def parse_turn(body: bytes) -> AskedTurn:
    """The request as a value. Raises ValueError for anything that is not the turn contract."""
    if len(body) > MAX_BODY_BYTES:
        raise ValueError("too large")
    try:
        asked = json.loads(body)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not isinstance(asked, dict):
        raise ValueError("not an object")
    turn_id, conversation, text = (asked.get(name) for name in ("turn_id", "conversation", "text"))
    if not (isinstance(turn_id, str) and turn_id and isinstance(conversation, str) and conversation):
        raise ValueError("turn_id and conversation are required")
    if not isinstance(text, str):
        raise ValueError("text is required")
    facts = asked.get("facts")
    facts = facts if isinstance(facts, dict) else {}
    return AskedTurn(
        turn_id=turn_id,
        conversation=conversation,
        text=text,
        channel=str(facts.get("channel") or "webchat"),
        state=asked.get("state"),
        earlier=_parse_earlier(facts.get("earlier")),
        asks_safe_first=facts.get("safe_question") is True,
    )


def _parse_earlier(earlier: object) -> tuple[str, ...]:
    if earlier is None:
        return ()
    if not isinstance(earlier, list) or not all(isinstance(text, str) for text in earlier):
        raise ValueError("earlier is a list of texts")
    return tuple(earlier)


async def answer_turn(
    processor: MessageProcessor, asked: AskedTurn, window_events: int = WINDOW_EVENTS
) -> dict[str, Any]:
    """The body of the 200 reply. Raises TurnAbandoned, BadState or whatever Rasa raised."""
    store = TurnTrackerStore(processor.domain, state=parse_state(asked.state))
    output = TurnOutput(asked.channel)
    message = UserMessage(
        neutralised(asked.text),
        output,
        asked.conversation,
        input_channel=asked.channel,
        message_id=asked.turn_id,
        metadata={
            "earlier": [neutralised(text) for text in asked.earlier],
            "safe_question": asked.asks_safe_first,
        },
    )
    await TurnProcessor(processor, store).handle_message(message)
    state = store.state_after(window_events)
    if not output.replies:
        raise TurnAbandoned("no_reply")
    return {
        "turn_id": asked.turn_id,
        "replies": output.replies,
        "effects": output.effects,
        "state": state,
        "parse": _parse_of(store.saved, asked.text),
        "model": processor.model_metadata.model_id,
    }


def neutralised(text: str) -> str:
    """The text with nothing left that Rasa would obey: a leading "/" names an intent there.

    Blank text becomes one invisible character; characters that cannot be written as UTF-8 become "?".
    """
    readable = _readable(text).strip()
    return INVISIBLE + readable if not readable or readable.startswith("/") else readable


def _readable(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\x00", " ")


class TurnProcessor(MessageProcessor):
    """Rasa's processor for one turn: same model, its own tracker, and no failure goes unseen."""

    def __init__(self, loaded: MessageProcessor, store: TurnTrackerStore) -> None:
        vars(self).update(vars(loaded))
        self.tracker_store = store
        self.nlg = CompleteReplies(loaded.nlg)

    async def _update_tracker_session(
        self,
        tracker: DialogueStateTracker,
        output_channel: OutputChannel,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        # Rasa would keep the metadata of a first message in a slot, and so the person's words in the state.
        await super()._update_tracker_session(tracker, output_channel)

    async def _run_action(
        self,
        action: Action,
        tracker: DialogueStateTracker,
        output_channel: OutputChannel,
        nlg: NaturalLanguageGenerator,
        prediction: PolicyPrediction,
    ) -> bool:
        return await super()._run_action(MustSucceed(action), tracker, output_channel, nlg, prediction)


class MustSucceed(Action):
    """An action whose failure ends the turn. Rasa alone would log it and record the action as done."""

    def __init__(self, action: Action) -> None:
        is_remote = isinstance(action, RemoteAction)
        self._action = ServiceAction(action.name(), action.action_endpoint) if is_remote else action

    def name(self) -> str:
        return self._action.name()

    async def run(
        self,
        output_channel: OutputChannel,
        nlg: NaturalLanguageGenerator,
        tracker: DialogueStateTracker,
        domain: Domain,
    ) -> list[Event]:
        work = self._action.run(output_channel, nlg, tracker, domain)
        try:
            return await asyncio.wait_for(work, ACTION_TIMEOUT_SECONDS)
        except ActionExecutionRejection:
            raise  # how a form says "that was not an answer to my question"
        except Exception as error:
            logger.error("An action failed: %s, %s", self.name(), type(error).__name__)
            raise TurnAbandoned("action_failed") from None

    def event_for_successful_execution(self, prediction: PolicyPrediction) -> Event:
        return self._action.event_for_successful_execution(prediction)


class ServiceAction(RemoteAction):
    """A custom action. Its answer is checked as Rasa does, less Rasa's 50 ms check of the schema itself."""

    def _validate_action_result(self, result: dict[str, Any]) -> bool:
        _get_answer_validator().validate(result)
        return True


@cache
def _get_answer_validator() -> Validator:
    schema = RemoteAction.action_response_format_spec()
    return validator_for(schema)(schema)


class CompleteReplies(NaturalLanguageGenerator):
    """Refuses a response that does not exist or still has a gap in it; Rasa would skip or send it."""

    def __init__(self, inner: NaturalLanguageGenerator) -> None:
        self._inner = inner

    async def generate(
        self, utter_action: str, tracker: DialogueStateTracker, output_channel: str, **kwargs: Any
    ) -> dict[str, Any]:
        draft = await self._inner.generate(utter_action, tracker, output_channel, **kwargs)
        if draft is None or not draft.get("text"):
            raise TurnAbandoned("response_missing")
        if "{" in draft["text"]:
            raise TurnAbandoned("response_unfilled")
        return draft


class TurnOutput(OutputChannel):
    """Collects what was said and what was asked for. Nothing is split at blank lines or sent anywhere."""

    def __init__(self, channel: str) -> None:
        self._channel = channel
        self.replies: list[dict[str, Any]] = []
        self.effects: list[Mapping[str, Any]] = []

    def name(self) -> str:  # type: ignore[override]
        """The person's channel, so that a response may have a wording of its own for it."""
        return self._channel

    async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:
        if message.get("text"):
            self.replies.append(_reply_of(message))
        if message.get("custom"):
            self.effects.append(_effect_of(message["custom"]))


def _reply_of(message: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "response": message.get("utter_action"),
        "args": {name: value for name, value in message.items() if name not in NOT_ARGS},
        "text": message["text"],
        "choices": [button["title"] for button in message.get("buttons") or []],
    }


def _effect_of(custom: object) -> Mapping[str, Any]:
    if not isinstance(custom, dict) or not isinstance(custom.get("effect"), str):
        raise TurnAbandoned("effect_unnamed")
    return custom


def _parse_of(tracker: DialogueStateTracker | None, text: str) -> dict[str, Any]:
    message = tracker.latest_message if tracker else None
    parsed: Mapping[str, Any] = message.parse_data if message else {}
    intent = parsed.get("intent") or {}
    ranking = parsed.get("intent_ranking") or []
    urgency = parsed.get("urgency")
    return {
        **({"urgency": urgency_of(urgency, text)} if urgency else {}),
        "intent": intent.get("name"),
        "confidence": float(intent.get("confidence") or 0.0),
        "entities": [{"entity": e["entity"], "value": e["value"]} for e in parsed.get("entities") or []],
        "ranking": [
            {"intent": one["name"], "confidence": float(one["confidence"])}
            for one in ranking[:RANKING_LENGTH]
        ],
    }


def urgency_of(urgency: Mapping[str, Any], text: str) -> dict[str, Any]:
    """The detector's word on a message, its spans moved from the text Rasa read to `text` as it was sent."""
    readable = _readable(text)
    shift = len(readable) - len(readable.lstrip())
    if neutralised(text) != readable.strip():
        shift -= len(INVISIBLE)
    spans = [(start + shift, end + shift) for start, end in urgency.get("spans") or []]
    return {
        "probability": float(urgency["probability"]),
        "categories": {name: float(value) for name, value in (urgency.get("categories") or {}).items()},
        "spans": [[min(max(0, place), len(text)) for place in span] for span in spans],
    }
