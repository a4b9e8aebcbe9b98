"""Finds crime references and one-time codes by rule, before any model is asked."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from re import Pattern
from typing import Any

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.utils.io import read_yaml

from bot.components.details import detail
from bot.components.details.detail import Detail
from bot.components.marking import TableFinder, add_entities, make_certain

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

    def find(self, text: str) -> Iterator[Detail]:
        for match in self.pattern.finditer(text):
            yield Detail(self.entity, self._canonical(match), match.start(), match.end())

    def _canonical(self, match: "re.Match[str]") -> str:
        if self.entity == INCIDENT:
            return match.group()
        return self.joined.join(re.sub(r"[ .\-]", "", part).translate(LOOKALIKES) for part in match.groups())


class ReferenceReader:
    """The rules read from the formats file; used by the component and by its tests."""

    def __init__(self, rules: dict[str, Any]) -> None:
        self._formats = [Format.from_entry(entry) for entry in rules["crime_references"]]
        self._fillers: frozenset[str] = frozenset(rules["filler_words"].split())

    def find(self, text: str) -> list[Detail]:
        """References first, then codes that are not part of one; in the order they stand in the text."""
        found: list[Detail] = []
        for candidates in [*(form.find(text) for form in self._formats), _find_codes(text)]:
            found += [one for one in candidates if not any(_overlap(one, other) for other in found)]
        return sorted(found, key=lambda one: one.start)

    def certain_intent(self, text: str, found: Sequence[Detail]) -> str | None:
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
class ReferenceFinder(TableFinder):
    """Marks references and codes as entities; a message that is nothing else has its intent for certain."""

    TABLE = Path(__file__).with_name("reference_formats.yml")
    READERS = (Path(__file__), Path(detail.__file__))

    def __init__(self, table: str, model_storage: ModelStorage, resource: Resource) -> None:
        super().__init__(table, model_storage, resource)
        self._reader = ReferenceReader(read_yaml(table))

    def mark(self, message: Message) -> None:
        text = message.get(TEXT) or ""
        found = self._reader.find(text)
        add_entities(message, found, type(self).__name__)
        certain = self._reader.certain_intent(text, found)
        if certain is not None:
            make_certain(message, certain)


def _find_codes(text: str) -> Iterator[Detail]:
    for match in SIX_DIGITS.finditer(text):
        yield Detail(CODE, re.sub(r"\D", "", match.group()), match.start(), match.end())


def _part_pattern(part: str, joined: str) -> str:
    ranged = re.fullmatch(r"(\d)-(\d)#", part)
    if ranged:
        return f"{DIGIT}{{{ranged[1]},{ranged[2]}}}"
    lookalike = {"1": rf"(?:1|{AMONG_DIGITS}[lI])", "0": rf"(?:0|{AMONG_DIGITS}[Oo])"}
    digits = [DIGIT if char == "#" else lookalike.get(char, char) for char in part]
    return ("" if joined else GAP).join(digits)


def _bounded(pattern: str) -> Pattern[str]:
    return re.compile(rf"(?<![^\W_]){pattern}(?![^\W_]|[/\-]\d)")


def _overlap(one: Detail, other: Detail) -> bool:
    return one.start < other.end and other.start < one.end
