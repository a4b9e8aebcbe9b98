"""Finds crime references and one-time codes by rule, before any model is asked."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from re import Pattern
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import ENTITIES, INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from rasa.shared.utils.io import read_file, read_yaml_file, write_text_file

FORMATS_FILE = Path(__file__).with_name("reference_formats.yml")
STORED_NAME = "reference_formats.yml"

REFERENCE, INCIDENT, CODE = "crime_reference", "incident_number", "one_time_code"
INTENT_OF = {REFERENCE: "give_reference", INCIDENT: "give_reference", CODE: "give_code"}

# l, I and O count as digits only among digits, so that "I think" stays two words.
AMONG_DIGITS = r"(?:(?<=[\dlIOo])|(?<=[\dlIOo][ .\-])(?=[\dlIOo]{2}))"
DIGIT = rf"(?:\d|{AMONG_DIGITS}[lIOo])"
GAP = r"[ .\-]?"
SLASH = r" ?[/ .\-] ?"
LOOKALIKES = str.maketrans("lIOo", "1100")
# Not the end of a phone number, a sum of money or a date.
SIX_DIGITS = re.compile(
    r"(?<![\d/.\-\u00a3])(?<!0\d{4} )(?:\d{6}|\d{3}[ \-]\d{3}|\d(?: \d){5})(?![\d/\-]|\.\d)"
)
WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?")


@dataclass(frozen=True)
class Found:
    entity: str
    value: str
    start: int
    end: int

    def as_entity(self) -> dict[str, Any]:
        return {**vars(self), "extractor": ReferenceFinder.__name__}


@dataclass(frozen=True)
class Format:
    """One force's format: where to look, and how to write what was found."""

    pattern: Pattern[str]
    entity: str
    joined: str

    @classmethod
    def from_entry(cls, entry: dict[str, Any]) -> "Format":
        if entry.get("kind") == "incident":
            return cls(_bounded(entry["pattern"]), INCIDENT, "")
        between = SLASH if entry["joined"] else GAP
        parts = (f"({_part_pattern(part, entry['joined'])})" for part in entry["parts"])
        return cls(_bounded(between.join(parts)), REFERENCE, entry["joined"])

    def find(self, text: str) -> Iterator[Found]:
        for match in self.pattern.finditer(text):
            yield Found(self.entity, self._canonical(match), match.start(), match.end())

    def _canonical(self, match: "re.Match[str]") -> str:
        if self.entity == INCIDENT:
            return match.group()
        return self.joined.join(re.sub(r"[ .\-]", "", part).translate(LOOKALIKES) for part in match.groups())


class ReferenceReader:
    """The rules read from the formats file; used by the component and by its tests."""

    def __init__(self, rules: dict[str, Any]) -> None:
        self._formats = [Format.from_entry(entry) for entry in rules["crime_references"]]
        self._fillers: frozenset[str] = frozenset(rules["filler_words"].split())

    def find(self, text: str) -> list[Found]:
        """References first, then codes that are not part of one; in the order they stand in the text."""
        found: list[Found] = []
        for candidates in [*(form.find(text) for form in self._formats), _find_codes(text)]:
            found += [one for one in candidates if not any(_overlap(one, other) for other in found)]
        return sorted(found, key=lambda one: one.start)

    def certain_intent(self, text: str, found: Sequence[Found]) -> str | None:
        """The intent of a message that is a reference or code and nothing else of substance, or None."""
        if not found:
            return None
        rest = text
        for one in reversed(found):
            rest = rest[: one.start] + " " + rest[one.end :]
        words = (word.lower().replace("'", "").replace("\u2019", "") for word in WORD.findall(rest))
        if any(word not in self._fillers for word in words) or re.search(r"\d", rest):
            return None
        return INTENT_OF[CODE] if any(one.entity == CODE for one in found) else INTENT_OF[found[0].entity]


@DefaultV1Recipe.register(
    [DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER],
    is_trainable=True,
)
class ReferenceFinder(GraphComponent):
    """Marks references and codes as entities; "training" it copies the rules into the model."""

    def __init__(self, reader: ReferenceReader, model_storage: ModelStorage, resource: Resource) -> None:
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
    ) -> "ReferenceFinder":
        return cls(ReferenceReader(read_yaml_file(FORMATS_FILE)), model_storage, resource)

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> "ReferenceFinder":
        with model_storage.read_from(resource) as folder:
            rules = read_yaml_file(folder / STORED_NAME)
        return cls(ReferenceReader(rules), model_storage, resource)

    @classmethod
    def fingerprint_addon(cls, config: dict[str, Any]) -> str | None:
        """A changed rule file or a changed reader is a changed model."""
        text = read_file(FORMATS_FILE) + read_file(Path(__file__))
        return hashlib.sha256(text.encode()).hexdigest()

    def train(self, training_data: TrainingData) -> Resource:
        with self._model_storage.write_to(self._resource) as folder:
            write_text_file(read_file(FORMATS_FILE), folder / STORED_NAME)
        return self._resource

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            self._mark(message)
        return messages

    def _mark(self, message: Message) -> None:
        text = message.get(TEXT) or ""
        found = self._reader.find(text)
        entities = [one.as_entity() for one in found]
        message.set(ENTITIES, message.get(ENTITIES, []) + entities, add_to_output=True)
        certain = self._reader.certain_intent(text, found)
        if certain is None:
            return
        ranking = message.get("intent_ranking", [])
        others = [{**one, "confidence": 0.0} for one in ranking if one["name"] != certain]
        intent = {"name": certain, "confidence": 1.0}
        message.set(INTENT, intent, add_to_output=True)
        message.set("intent_ranking", [intent, *others], add_to_output=True)


def _find_codes(text: str) -> Iterator[Found]:
    for match in SIX_DIGITS.finditer(text):
        yield Found(CODE, re.sub(r"\D", "", match.group()), match.start(), match.end())


def _part_pattern(part: str, joined: str) -> str:
    ranged = re.fullmatch(r"(\d)-(\d)#", part)
    if ranged:
        return f"{DIGIT}{{{ranged[1]},{ranged[2]}}}"
    lookalike = {"1": rf"(?:1|{AMONG_DIGITS}[lI])", "0": rf"(?:0|{AMONG_DIGITS}[Oo])"}
    digits = [DIGIT if char == "#" else lookalike.get(char, char) for char in part]
    return ("" if joined else GAP).join(digits)


def _bounded(pattern: str) -> Pattern[str]:
    return re.compile(rf"(?<![^\W_]){pattern}(?![^\W_]|[/\-]\d)")


def _overlap(one: Found, other: Found) -> bool:
    return one.start < other.end and other.start < one.end
