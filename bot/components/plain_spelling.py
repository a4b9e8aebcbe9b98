"""SMS spelling as ordinary words, for a learned classifier that was taught on ordinary words.

The disclosure screen folds text harder, for rules; what text-speak stands for is one table for both. Needs no Rasa.
"""

import re
import sys
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from re import Match, Pattern

if sys.version_info >= (3, 11):  # noqa: UP036 - Rasa's Python is 3.10
    import tomllib
else:
    import tomli as tomllib

TABLES = (
    Path(__file__).parents[2] / "casework/model/disclosure_rules/text_speak.toml",
    Path(__file__).with_name("more_spellings.toml"),
)

APOSTROPHES = frozenset("\u2018\u2019\u201b\u02bc\u02b9\u0060\u00b4\u2032\uff07")
DOUBLE_QUOTES = frozenset("\u201c\u201d\u201e\u2033\u00ab\u00bb")
SKIN_TONES = range(0x1F3FB, 0x1F400)
ACCENTS = range(0x300, 0x370)
VARIANTS = range(0xFE00, 0xFE10)
FIRST_PICTURE = 0x2600
NAME_WORDS_LEFT_OUT = frozenset(
    ("face", "with", "sign", "symbol", "black", "white", "heavy", "emoji", "of", "and", "medium")
)
MOST_WORDS_OF_A_NAME = 3

# Written with or without the apostrophe; only those that are no other word without it.
CONTRACTIONS = """
don't can't won't didn't doesn't isn't wasn't weren't haven't hasn't hadn't couldn't wouldn't shouldn't aren't mustn't
i'm i've you're you've they're they've we've he's she's that's what's where's who's there's here's how's let's it'll
they'll you'll that'll you'd they'd couldn't've should've would've could've must've
"""
WITH_APOSTROPHE = {word.replace("'", ""): word for word in CONTRACTIONS.split()}

RUN = re.compile(r"(?!www\.)([^\d\s])\1{2,}")
DOUBLED_END = re.compile(r"(?<=..)([a-z])\1$")
JOINED_BY_DOTS = re.compile(r"(?<![^\W_])[a-z](?:[.\-_*][a-z]){2,}(?![^\W_])")
# Not in an address of the web or of mail.
STOP_WITHOUT_SPACE = re.compile(
    r"(?<=[^\W\d_]{2})(?<!www)[.,!?;:]{1,3}(?=[^\W\d_]{2})(?!(?:com|co|org|net|uk|gov|police|info|html?)\b)"
)
WORD = re.compile(r"(?<!\S)(?:[&@]|[bgw]/[fo]?)(?!\S)|[^\W_]+(?:'[^\W_]+)*")
# k1ll, h3lp, s0meone; a postcode (sw1a) or a bus (x5) has too few letters.
DIGIT_FOR_LETTER = re.compile(r"[a-z]{2,}[01345][a-z]{2,}|[a-z][01345][a-z]{2,}|[a-z]+(?:[01345][a-z]+){2,}")
LETTER_FOR_DIGIT = str.maketrans("01345", "oieas")

# Beside these "2" and "4" are numbers, anywhere else the words they sound like.
NUMBER_FOLLOWS = re.compile(
    r"(?:^|[^\w\s]\s?|\d\s|\b(?:at|about|around|by|since|before|after|past|of|number|no|flat|floor|room|day|year|door|last|next"
    r"|first|these|those|other|aged?|im|i'm|is|was|were|all|are|only|over|under|than|every|got|had|with|my|the"
    r"|and|for|another|took|nearly|like|just|page|right|coach|terminal|count|para(?:graph)?|not|same|saw|save)\s)$"
)
IS_COUNTED = re.compile(
    r"\s?(?:$|[^\w\s]|\d|(?:am|pm|hours?|hrs?|min(?:ute)?s?|days?|ni(?:ght|te)s?|weeks?|wks?|mo?n?ths?|years?|yrs?|secs?|times?|x"
    r"|of|or|and|to|more|other|kids?|children|boys?|girls?|men|lads?|people|ppl|guys|women|cars?|phones?|officers?|doors?"
    r"|streets?|miles?|trips?|missed|bags?|letters?|texts?|calls?"
    r"|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*)\b)"
)
LOOKED_ROUND = 16


@dataclass(frozen=True)
class Marked:
    """A text; `places[i]` is where its character i stood in the text as received."""

    text: str
    places: Sequence[int]

    def substitute(self, pattern: "Pattern[str]", replacement: "Callable[[Match[str]], str]") -> "Marked":
        """As `re.sub`; what is put in is spread evenly over the places of what it stands for."""
        text: list[str] = []
        places: list[int] = []
        done = 0
        for match in pattern.finditer(self.text):
            new = replacement(match)
            if new == match.group():
                continue
            text += self.text[done : match.start()], new
            places += self.places[done : match.start()]
            places += _spread(self.places[match.start() : match.end()], len(new))
            done = match.end()
        text.append(self.text[done:])
        places += self.places[done:]
        return Marked("".join(text), places)


def _spread(places: Sequence[int], length: int) -> list[int]:
    last = max(length - 1, 1)
    return [places[i * (len(places) - 1) // last] for i in range(length)]


@dataclass(frozen=True)
class PlainSpelling:
    """What each spelling stands for, and what each sign (an emoji) says."""

    words: Mapping[str, str]
    signs: Mapping[str, str]

    @classmethod
    def from_tables(cls, *tables: str) -> "PlainSpelling":
        """From TOML texts with `[words]` and `[signs]`. Raises KeyError or TOMLDecodeError."""
        words: dict[str, str] = {}
        signs: dict[str, str] = {}
        for table in map(tomllib.loads, tables):
            words |= table["words"]
            signs |= table["signs"]
        return cls(words, signs)

    def respell(self, text: str) -> str:
        """The text in lower case and ordinary words, "" when nothing in it can be read. Never raises; linear."""
        return self.respell_with_offsets(text)[0]

    def respell_with_offsets(self, text: str) -> tuple[str, list[int]]:
        """The same, and for each character of it the code point of `text` it came from, in rising order."""
        plain = self._fold(text)
        plain = plain.substitute(RUN, lambda run: run[1] * 2)
        plain = plain.substitute(JOINED_BY_DOTS, lambda letters: letters.group()[::2])
        plain = plain.substitute(STOP_WITHOUT_SPACE, lambda stop: f"{stop.group()} ")
        plain = plain.substitute(WORD, self._spell)
        return plain.text, list(plain.places)

    def _fold(self, text: str) -> Marked:
        """Lower case, straight quotes, no accents, signs said once in words, single spaces."""
        letters: list[str] = []
        places: list[int] = []
        said = ""
        for place, character in enumerate(text):
            folded = f" {self.signs[character]} " if character in self.signs else fold_character(character)
            if folded and folded == said:
                continue
            said = folded if len(folded) > 2 else said if folded in ("", " ") else ""
            for letter in folded:
                if letter != " " or (letters and letters[-1] != " "):
                    letters.append(letter)
                    places.append(place)
        length = len("".join(letters).rstrip(" "))
        return Marked("".join(letters)[:length], places[:length])

    def _spell(self, match: "Match[str]") -> str:
        written = match.group()
        if written in ("2", "4") and not _is_a_word(match):
            return written
        bare = written.replace("'", "")
        meant = self.words.get(bare) or self.words.get(DOUBLED_END.sub(r"\1", bare))
        if meant is None and DIGIT_FOR_LETTER.fullmatch(bare):
            meant = bare.translate(LETTER_FOR_DIGIT)
        if meant is None:
            return WITH_APOSTROPHE.get(bare, written)
        return " ".join(WITH_APOSTROPHE.get(word, word) for word in meant.split())


def _is_a_word(digit: "Match[str]") -> bool:
    before = digit.string[max(0, digit.start() - LOOKED_ROUND) : digit.start()]
    after = digit.string[digit.end() : digit.end() + LOOKED_ROUND]
    return not NUMBER_FOLLOWS.search(before) and not IS_COUNTED.match(after)


@lru_cache(maxsize=4096)
def fold_character(character: str) -> str:
    """What one code point becomes if no table knows it: letters, words between spaces, a space, or nothing."""
    if character in APOSTROPHES:
        return "'"
    if character in DOUBLE_QUOTES:
        return '"'
    category, code = unicodedata.category(character), ord(character)
    if character.isspace() or category in ("Cs", "Co", "Cn"):
        return " "
    if category in ("Cc", "Cf", "Me") or code in ACCENTS or code in SKIN_TONES or code in VARIANTS:
        return ""
    if category == "So" and code >= FIRST_PICTURE:
        return f" {_name_in_words(character)} "
    parts = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", character).lower())
    kept = "".join(" " if part.isspace() else part for part in parts if ord(part) not in ACCENTS)
    return unicodedata.normalize("NFC", kept)


def _name_in_words(picture: str) -> str:
    words = re.findall("[a-z]+", unicodedata.name(picture, "").lower())
    return " ".join([word for word in words if word not in NAME_WORDS_LEFT_OUT][:MOST_WORDS_OF_A_NAME])


@cache
def load_plain_spelling() -> PlainSpelling:
    """The packaged tables, read once."""
    return PlainSpelling.from_tables(*(table.read_text(encoding="utf-8") for table in TABLES))


def respell(text: str) -> str:
    """`PlainSpelling.respell` with the packaged tables."""
    return load_plain_spelling().respell(text)


def respell_with_offsets(text: str) -> tuple[str, list[int]]:
    """`PlainSpelling.respell_with_offsets` with the packaged tables."""
    return load_plain_spelling().respell_with_offsets(text)
