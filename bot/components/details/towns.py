"""Towns by name, from a list that says which names are also something else."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from re import Match

from bot.components.details.detail import LOOKED_BACK, Detail

TOWN = "town"

TOWN_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
BETWEEN_WORDS = re.compile(r"\.?[ \t\-]{1,2}|\. ?")
IN_PLACE = re.compile(r"\b(?:in|near|around|outside|live at)\s{1,3}$", re.I)
TO_PLACE = re.compile(
    r"\b(?:in|near|around|outside|at|from|via|towards|visiting"
    r"|(?:moved?|moving|going|went|go|back|over|drove|drive|driving|came|come|train|bus|trip|up|down|through) to)"
    r"\s{1,3}$",
    re.I,
)
NO_PLACE_FOLLOWS = re.compile(
    r"\s{1,3}(?:the|this|that|these|those|my|his|her|your|their|our|its|it|a|an|about|him|them|me|you|u|with|through)\b",
    re.I,
)
NAME_OF_SOMEONE_BEFORE = re.compile(
    r"\b(?:mr|mrs|ms|miss|dr|pc|dc|ds|di|dci|insp|inspector|sgt|sergeant|constable|officer|detective|judge|sir|lady)\.?\s{1,3}$",
    re.I,
)
NAME_OF_SOMETHING_AFTER = re.compile(
    r"\s{1,3}(?:road|rd|street|avenue|ave|lane|close|crescent|terrace|grove|drive|gardens|united|rovers|wanderers|albion"
    r"|hotspur|utd)\b",
    re.I,
)
SENTENCE_STARTS = re.compile(r"(?:^|[.!?:\n])[\s\"'\u201c\u2018(]{0,4}$")
ORDINARY_WORD, PERSONS_NAME, NO_TOWN = "~", "!", "-"


@dataclass(frozen=True)
class Town:
    name: str
    sign: str


class TownReader:
    """The list of towns, indexed by first word; longer names are tried first."""

    def __init__(self, towns: str) -> None:
        self._by_first: dict[str, list[tuple[tuple[str, ...], Town]]] = {}
        for line in towns.splitlines():
            if line.strip() and not line.startswith("#"):
                self._add_line(line)
        for names in self._by_first.values():
            names.sort(key=lambda entry: len(entry[0]), reverse=True)

    def _add_line(self, line: str) -> None:
        for entry in line.split(","):
            shown, _, other = (part.strip() for part in entry.partition("="))
            town = shown.lstrip("~!-")
            for written in filter(None, (shown, other)):
                sign = written[0] if written[0] in "~!-" else ""
                words = tuple(_plain_name(word) for word in re.split(r"[ \-]", written.lstrip("~!-")))
                self._by_first.setdefault(words[0], []).append((words, Town(town, sign)))

    def find(self, text: str) -> Iterator[Detail]:
        """Towns by the name the list shows."""
        words = list(TOWN_WORD.finditer(text))
        joined = [
            BETWEEN_WORDS.fullmatch(text, one.end(), two.start()) is not None for one, two in pairwise(words)
        ]
        is_shouting = text.isupper()
        place = 0
        while place < len(words):
            length, town = self._town_at(words, joined, place)
            if town:
                start, end = words[place].start(), words[place + length - 1].end()
                if _counts(text, start, end, town, is_shouting=is_shouting):
                    yield Detail(TOWN, town.name, start, end)
            place += max(length, 1)

    def _town_at(
        self, words: list["Match[str]"], joined: list[bool], place: int
    ) -> tuple[int, "Town | None"]:
        """How many words the longest name beginning at `place` has, and whose it is."""
        for name, town in self._by_first.get(_plain_name(words[place].group()), ()):
            end = place + len(name)
            written = tuple(_plain_name(word.group()) for word in words[place:end])
            if written == name and all(joined[place : end - 1]):
                return len(name), town
        return 0, None


def _plain_name(word: str) -> str:
    plain = word.lower().replace("'", "").replace("\u2019", "").rstrip(".")
    return "st" if plain == "saint" else plain


def _counts(text: str, start: int, end: int, town: Town, *, is_shouting: bool) -> bool:
    before = text[max(0, start - LOOKED_BACK) : start]
    if (
        town.sign == NO_TOWN
        or NAME_OF_SOMEONE_BEFORE.search(before)
        or NAME_OF_SOMETHING_AFTER.match(text, end)
    ):
        return False
    if town.sign == PERSONS_NAME:
        return IN_PLACE.search(before) is not None and not NO_PLACE_FOLLOWS.match(text, end)
    if town.sign != ORDINARY_WORD:
        return True
    has_capital = text[start].isupper() and not is_shouting and not SENTENCE_STARTS.search(before)
    return has_capital or (TO_PLACE.search(before) is not None and not NO_PLACE_FOLLOWS.match(text, end))
