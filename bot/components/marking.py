"""What the finders share: marks on a message, and a table that is stored with the model."""

import hashlib
from abc import abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import ENTITIES, INTENT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from rasa.shared.utils.io import read_file, write_text_file

from bot.components.details.detail import Detail

Finder = TypeVar("Finder", bound="TableFinder")


def add_entities(message: Message, found: Iterable[Detail], extractor: str) -> None:
    marked = [{**vars(one), "extractor": extractor} for one in found]
    message.set(ENTITIES, [*message.get(ENTITIES, []), *marked], add_to_output=True)


def make_certain(message: Message, name: str) -> None:
    """Gives the message this intent for certain: every other one of its ranking has no chance left."""
    intent = {"name": name, "confidence": 1.0}
    others = [{**one, "confidence": 0.0} for one in message.get("intent_ranking", []) if one["name"] != name]
    message.set(INTENT, intent, add_to_output=True)
    message.set("intent_ranking", [intent, *others], add_to_output=True)


class TableFinder(GraphComponent):
    """A component that reads messages by a table; "training" it copies the table into the model."""

    TABLE: ClassVar[Path]
    READERS: ClassVar[tuple[Path, ...]]
    """The modules that read by the table: a changed reader is a changed model."""

    def __init__(self, table: str, model_storage: ModelStorage, resource: Resource) -> None:
        self._model_storage = model_storage
        self._resource = resource

    @abstractmethod
    def mark(self, message: Message) -> None:
        """Adds what it finds to the message."""

    @classmethod
    def create(
        cls: type[Finder],
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> Finder:
        return cls(read_file(cls.TABLE), model_storage, resource)

    @classmethod
    def load(
        cls: type[Finder],
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> Finder:
        with model_storage.read_from(resource) as folder:
            table = read_file(folder / cls.TABLE.name)
        return cls(table, model_storage, resource)

    @classmethod
    def fingerprint_addon(cls, config: dict[str, Any]) -> str | None:
        """Changes with the table and its readers, which Rasa's cache does not look at."""
        files = (cls.TABLE, Path(__file__), *cls.READERS)
        return hashlib.sha256("".join(map(read_file, files)).encode()).hexdigest()

    def train(self, training_data: TrainingData) -> Resource:
        with self._model_storage.write_to(self._resource) as folder:
            write_text_file(read_file(self.TABLE), folder / self.TABLE.name)
        return self._resource

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            self.mark(message)
        return messages
