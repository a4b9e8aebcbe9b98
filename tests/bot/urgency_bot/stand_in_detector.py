"""A detector for tests of the way through Rasa: it marks the first word and counts the earlier texts."""

from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.training_data.message import Message


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False)
class StandInDetector(GraphComponent):
    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> "StandInDetector":
        return cls()

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            text, metadata = message.get("text"), message.get("metadata") or {}
            urgency = {
                "probability": 0.25,
                "categories": {"immediate_danger": len(metadata.get("earlier", [])) / 10},
                "spans": [[0, len(text.split(" ")[0])]],
            }
            if text != "hello":
                message.set("urgency", urgency, add_to_output=True)
        return messages
