"""Understands what a test says a message means: "ask_status,ask_court +ask_rights @right_6 | any news".

Before the bar: the intent, then the next likely ones; `+` a further wish, `@` a topic, `!` a fact of the turn. Without
a bar the message is not understood, unless a later component is certain of it.
"""

from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.training_data.message import Message

ENTITY_OF = {"+": "also", "@": "right"}


@DefaultV1Recipe.register(
    [DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER],
    is_trainable=False,
)
class ToldUnderstanding(GraphComponent):
    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> "ToldUnderstanding":
        return cls()

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            told, bar, words = str(message.get("text")).partition(" | ")
            names, *marks = told.split() if bar else ["nlu_fallback"]
            ranking = [
                {"name": name, "confidence": 0.9 / place} for place, name in enumerate(names.split(","), 1)
            ]
            entities = [
                {"entity": ENTITY_OF[mark[0]], "value": mark[1:], "extractor": "told"}
                for mark in marks
                if mark[0] in ENTITY_OF
            ]
            # The service's facts about a turn travel with the message.
            message.get("metadata", {}).update({mark[1:]: True for mark in marks if mark[0] == "!"})
            message.set("text", words if bar else told)
            message.set("entities", entities, add_to_output=True)
            message.set("intent", dict(ranking[0]), add_to_output=True)
            message.set("intent_ranking", ranking, add_to_output=True)
        return messages
