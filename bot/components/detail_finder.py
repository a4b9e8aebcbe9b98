"""Marks dates, towns, telephone numbers and children's ages as entities of a message."""

from pathlib import Path

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import ENTITIES, TEXT
from rasa.shared.nlu.training_data.message import Message

from bot.components.details.reader import DetailReader
from bot.components.marking import TableFinder, add_entities

READER_FOLDER = Path(__file__).with_name("details")
NEVER_TOUCHED = frozenset({"crime_reference", "incident_number", "one_time_code"})


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=True)
class DetailFinder(TableFinder):
    """Comes after ReferenceFinder, whose entities it never overlaps."""

    TABLE = Path(__file__).with_name("towns.txt")
    READERS = (Path(__file__), *sorted(READER_FOLDER.glob("*.py")))

    def __init__(self, table: str, model_storage: ModelStorage, resource: Resource) -> None:
        super().__init__(table, model_storage, resource)
        self._reader = DetailReader(table)

    def mark(self, message: Message) -> None:
        entities = message.get(ENTITIES, [])
        taken = [(one["start"], one["end"]) for one in entities if one["entity"] in NEVER_TOUCHED]
        add_entities(message, self._reader.find(message.get(TEXT) or "", taken), type(self).__name__)
