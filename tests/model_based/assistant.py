"""An assistant with memory and moods, behind the port the worker knows."""

from dataclasses import dataclass, field

from casework.model.errors import AssistantUnavailable
from casework.services.ports import AssistantAnswer, JsonObject
from tests.model_based.faults import Died, HangingCalls
from tests.support.builders import a_learned, an_answer

MOODS = ("answers", "is down", "hangs", "talks rubbish", "says RED", "says AMBER", "process dies")


@dataclass
class FakeAssistant:
    """Repeats what it was asked, so that words of one person in front of another are seen.

    A text with a crime reference asks for a code, one that asks for a person hands over, whoever writes them.
    """

    hanging: HangingCalls
    mood: str = "answers"
    asked: list[str] = field(default_factory=list)

    async def ask(
        self,
        *,
        turn_id: str,
        conversation: str,
        text: str,
        state: JsonObject | None,
        facts: JsonObject,
        models: tuple[str, ...] = (),
    ) -> AssistantAnswer:
        self.asked.append(turn_id)
        mood = self.mood
        if mood == "process dies":
            raise Died
        if mood == "hangs" and await self.hanging.wait("assistant") != "an answer":
            raise AssistantUnavailable("timeout")
        if mood == "is down":
            raise AssistantUnavailable("unreachable")
        if mood == "talks rubbish":
            return an_answer("As you wish.", effects=({"effect": "open_every_case"},))
        learned = {"says RED": a_learned(1), "says AMBER": a_learned(1, 0.1)}.get(mood)
        return an_answer(f"re: {text}", effects=_declare(text), learned=learned)


def _declare(text: str) -> tuple[JsonObject, ...]:
    if text.startswith("ref "):
        return ({"effect": "request_code", "reference": text.split()[1]},)
    if "person" in text:
        return ({"effect": "hand_off", "reason": "asked_for_person"},)
    return ()
