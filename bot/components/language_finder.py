"""Notices a message in another language by its small words or its script; needs no network and no model."""

import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.utils.io import read_yaml_file

from bot.components.details.detail import Detail
from bot.components.marking import add_entities, make_certain

LANGUAGES_FILE = Path(__file__).parents[1] / "languages.yml"
INTENT_NAME, ENTITY = "other_language", "language"
UNNAMED = "other"
# What ReferenceFinder is certain of.
CERTAIN = [{"name": name, "confidence": 1.0} for name in ("give_reference", "give_code")]

LEAST_WORDS = 2
LEAST_SHARE = 0.4
WORD = re.compile(r"[^\W\d_]+(?:['\u2019\d][^\W\d_]+)*|\d[^\W\d_]+")


class LanguageReader:
    """The word lists; used by the component and by its tests."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self._english = frozenset(table["english"].split())
        self._words = {
            code: frozenset(row["words"].split()) - self._english for code, row in table["languages"].items()
        }

    def find(self, text: str) -> str | None:
        """The code of the language; "other" for another script; None for English and for too few words to tell."""
        if _is_mostly_another_script(text):
            return UNNAMED
        words = [word.replace("\u2019", "'") for word in WORD.findall(text.lower())]
        if not words:
            return None
        seen = {code: [word for word in words if word in known] for code, known in self._words.items()}
        code = max(seen, key=lambda code: len(seen[code]))
        is_sure = len(set(seen[code])) >= LEAST_WORDS and len(seen[code]) >= LEAST_SHARE * len(words)
        return code if is_sure and len(seen[code]) > sum(word in self._english for word in words) else None


def _is_mostly_another_script(text: str) -> bool:
    letters = [letter for letter in text if letter.isalpha()]
    others = [letter for letter in letters if not unicodedata.name(letter, "").startswith("LATIN")]
    return 2 * len(others) > len(letters)


@DefaultV1Recipe.register(
    [DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER],
    is_trainable=False,
)
class LanguageFinder(GraphComponent):
    """Gives a message in another language the intent `other_language` and the entity `language`.

    Comes after every classifier: those know English only. A message that is certainly a reference or a code stays one.
    """

    def __init__(self) -> None:
        self._reader = LanguageReader(read_yaml_file(LANGUAGES_FILE))

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> "LanguageFinder":
        return cls()

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            self._mark(message)
        return messages

    def _mark(self, message: Message) -> None:
        text = message.get(TEXT) or ""
        code = self._reader.find(text)
        if code is None or message.get(INTENT) in CERTAIN:
            return
        whole = Detail(ENTITY, code, 0, len(text))
        add_entities(message, [whole], type(self).__name__)
        make_certain(message, INTENT_NAME)
