"""Marks dates, towns, telephone numbers and children's ages as entities of a message."""

import hashlib
from pathlib import Path
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import ENTITIES, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from rasa.shared.utils.io import read_file, write_text_file

from bot.components.details.reader import DetailReader

TOWNS_FILE = Path(__file__).with_name("towns.txt")
READER_FOLDER = Path(__file__).with_name("details")
STORED_NAME = "towns.txt"
NEVER_TOUCHED = frozenset({"crime_reference", "incident_number", "one_time_code"})


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=True)
class DetailFinder(GraphComponent):
    """Comes after ReferenceFinder, whose entities it never overlaps; "training" it copies the towns into the model."""

    def __init__(self, reader: DetailReader, model_storage: ModelStorage, resource: Resource) -> None:
        self._reader = reader
        self._model_storage = model_storage
        self._resource = resource

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> "DetailFinder":
        return cls(DetailReader(read_file(TOWNS_FILE)), model_storage, resource)

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> "DetailFinder":
        with model_storage.read_from(resource) as folder:
            towns = read_file(folder / STORED_NAME)
        return cls(DetailReader(towns), model_storage, resource)

    @classmethod
    def fingerprint_addon(cls, config: dict[str, Any]) -> str | None:
        """A changed list of towns or a changed reader is a changed model."""
        files = [TOWNS_FILE, Path(__file__), *sorted(READER_FOLDER.glob("*.py"))]
        return hashlib.sha256("".join(map(read_file, files)).encode()).hexdigest()

    def train(self, training_data: TrainingData) -> Resource:
        with self._model_storage.write_to(self._resource) as folder:
            write_text_file(read_file(TOWNS_FILE), folder / STORED_NAME)
        return self._resource

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            self._mark(message)
        return messages

    def _mark(self, message: Message) -> None:
        entities = message.get(ENTITIES, [])
        taken = [(one["start"], one["end"]) for one in entities if one["entity"] in NEVER_TOUCHED]
        found = self._reader.find(message.get(TEXT) or "", taken)
        marked = [{**vars(one), "extractor": type(self).__name__} for one in found]
        message.set(ENTITIES, [*entities, *marked], add_to_output=True)
