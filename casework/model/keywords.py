"""Words that act by themselves: EXIT, STOP, HELP and their kin, and the numbers that answer a list.

Only the whole text counts. "Stop" is a wish; "stop, he is here" is a message, and nothing here sees it.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from casework.model.errors import SettingsInvalid
from casework.model.messages import Channel
from casework.model.toml_files import as_date, as_text, read_toml

KEYWORDS_FILE = Path(__file__).parent / "keywords.toml"
NUMBERS = "numbers"
# A web page has buttons and an exit of its own; there these words are only words.
KEYWORD_CHANNELS = (Channel.SMS, Channel.WHATSAPP, Channel.TELEGRAM)
# Zero-width signs, and the marks that make a keycap of a digit.
_UNSEEN = ("Cf", "Mn", "Me")


class Keyword(StrEnum):
    """What the words of one table of keywords.toml ask for."""

    EXIT = "exit"
    STOP = "stop"
    START = "start"
    YES = "yes"
    HELP = "help"
    HUMAN = "human"
    MENU = "menu"


CLOSING = (Keyword.EXIT, Keyword.STOP)
REOPENING = (Keyword.START, Keyword.YES)  # what a provider that opted somebody out takes back


@dataclass(frozen=True, kw_only=True)
class Keywords:
    """`asks`: what the assistant is asked in place of the word. `numbers`: "two" -> 2."""

    words: Mapping[str, Keyword]
    asks: Mapping[Keyword, str]
    numbers: Mapping[str, int]

    def find(self, text: str) -> Keyword | None:
        """None for every text that is not one of the words, whole."""
        return self.words.get(fold_whole(text).removeprefix("/"))

    def find_number(self, text: str) -> int | None:
        """1 to 9, however the one number is written; None for any other text."""
        folded = fold_whole(text)
        return int(folded) if is_lone_digit(text) else self.numbers.get(folded)


def is_lone_digit(text: str) -> bool:
    """1 to 9 as a sign, not as a word."""
    return fold_whole(text) in set("123456789")


def fold_whole(text: str) -> str:
    """The text in small letters and single spaces, less what cannot be seen and the punctuation it ends with."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    seen = "".join(sign for sign in plain if unicodedata.category(sign) not in _UNSEEN)
    folded = " ".join(seen.split())
    while folded and (unicodedata.category(folded[-1]).startswith("P") or folded[-1] == " "):
        folded = folded[:-1]
    return folded


def load_keywords(path: Path = KEYWORDS_FILE) -> Keywords:
    """Raises SettingsInvalid, with the place, for a word of two meanings, an unknown table or a missing entry."""
    tables = read_toml(path)
    try:
        return _parse(tables)
    except (KeyError, TypeError, ValueError) as fault:
        raise SettingsInvalid(
            f"{path.name}: {fault!r} is missing, unknown, twice or of the wrong kind"
        ) from fault


@cache
def packaged_keywords() -> Keywords:
    return load_keywords()


def _parse(tables: dict[str, Any]) -> Keywords:
    if set(tables) != {*Keyword, NUMBERS}:
        raise KeyError(*sorted(set(tables) ^ {*Keyword, NUMBERS}))
    for table in tables.values():
        as_text(table["source"])
        as_date(table["review_by"])
    pairs = [(word, keyword) for keyword in Keyword for word in tables[keyword]["words"]]
    numbers = [as_text(word) for word in tables[NUMBERS]["words"]]
    _check_words([*(word for word, _ in pairs), *numbers])
    return Keywords(
        words=dict(pairs),
        asks={keyword: as_text(tables[keyword]["asks"]) for keyword in Keyword if "asks" in tables[keyword]},
        numbers={word: place for place, word in enumerate(numbers, start=1)},
    )


def _check_words(words: list[str]) -> None:
    for word in words:
        # A word that folds to something else, or is two, would never be found.
        if fold_whole(word) != word or " " in word or words.count(word) > 1:
            raise ValueError(word)
