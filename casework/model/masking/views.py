"""The one folded copy of a text in which everything is looked for; each of its characters knows where it came from."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from casework.model.masking import Layer, MaskKind
from casework.model.readable_text import APOSTROPHES, LOOK_ALIKES

_PLAIN = str.maketrans(
    dict.fromkeys("‐‑‒–—―−", "-") | dict.fromkeys("⁄∕", "/") | {"ø": "o", "ł": "l", "đ": "d"}
)
_LINE_ENDS = frozenset("\n\r\x0b\x0c\x85\u2028\u2029")
_LETTERS = re.compile(r"[^\W\d_]+")
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
_SENTENCE_ENDS = frozenset(".!?\n:")
# A text with more capitals than this is shouted: a capital says nothing there.
SHOUTED = 0.6
# The same where every word begins with one.
TITLED = 0.85
_FEW_WORDS = 8


@dataclass(frozen=True, slots=True)
class Found:
    """A span of the view. `key`: the value it stands for, folded, one entry a word; `tail` is kept behind the fake."""

    start: int
    end: int
    kind: MaskKind
    layer: Layer
    key: tuple[str, ...] = ()
    tail: str = ""


@dataclass(frozen=True, slots=True)
class Token:
    """One word. `folded`: small letters alone; `has_capital`: written like a name, where that says something."""

    folded: str
    start: int
    end: int
    has_capital: bool
    opens_sentence: bool


@dataclass(frozen=True)
class View:
    """`text` and `lower` are equally long; `places` gives the raw offset of each of their characters."""

    raw: str
    text: str
    lower: str
    places: Sequence[int]

    def raw_span(self, start: int, end: int) -> tuple[int, int]:
        """The raw offsets of a span of one or more characters, with the invisible marks that belong to its last."""
        following = self.places[end] if end < len(self.places) else len(self.raw)
        return self.places[start], max(self.places[end - 1] + 1, following)

    @cached_property
    def is_shouted(self) -> bool:
        words = [word.group() for word in _WORD.finditer(self.text) if len(word.group()) > 1]
        if len(words) < 2:
            return False
        # Half of a message may be names: "Sunny Bains, of The Old Mill". Every word of it is not.
        capitals = sum(word[0].isupper() for word in words)
        is_titled = len(words) > _FEW_WORDS and capitals > TITLED * len(words)
        return is_titled or sum(word.isupper() for word in words) > SHOUTED * len(words)

    @cached_property
    def tokens(self) -> tuple[Token, ...]:
        return tuple(self._read_token(word) for word in _WORD.finditer(self.lower))

    def _read_token(self, word: re.Match[str]) -> Token:
        start, end = word.span()
        before = start - 1
        while before >= max(0, start - 4) and self.text[before] in " \"'(-":
            before -= 1
        return Token(
            folded=word.group().replace("'", ""),
            start=start,
            end=end,
            has_capital=self.text[start].isupper() and not self.is_shouted,
            opens_sentence=before < 0 or self.text[before] in _SENTENCE_ENDS,
        )


def read_view(raw: str) -> View:
    """Linear in the text, whatever the code points."""
    if raw.isascii() and raw.isprintable() and "`" not in raw:
        return View(raw=raw, text=raw, lower=raw.lower(), places=range(len(raw)))
    parts: list[str] = []
    places: list[int] = []
    for place, character in enumerate(raw):
        plain = character if " " <= character < "\x7f" and character != "`" else _plain(character)
        if plain:
            parts.append(plain)
            places.extend([place] * len(plain))
    text = "".join(parts)
    # A letter whose small form is two letters long stays as it is: the copies must not drift apart.
    lower = text.lower()
    if len(lower) != len(text):
        lower = "".join(small if len(small := letter.lower()) == 1 else letter for letter in text)
    if not lower.isascii():
        lower = _LETTERS.sub(_undo_look_alikes, lower)
    return View(raw=raw, text=text, lower=lower, places=places)


def fold(text: str) -> str:
    """Small letters and digits alone, as they stand in a view."""
    lower = text.lower() if text.isascii() else read_view(text).lower
    return "".join(filter(str.isalnum, lower))


@lru_cache(maxsize=4096)
def _plain(character: str) -> str:
    if character in APOSTROPHES:
        return "'"
    if character in _LINE_ENDS:
        return "\n"
    if character.isspace():
        return " "
    category = unicodedata.category(character)
    if category in ("Cf", "Mn", "Me", "Cc"):
        return ""
    if category in ("Cs", "Co", "Cn"):
        return "\ufffd"
    parts = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", character))
    kept = (part for part in parts if unicodedata.category(part) not in ("Mn", "Me", "Cf", "Cc"))
    folded = "".join(str(unicodedata.decimal(part)) if part.isdecimal() else part for part in kept)
    return folded.translate(_PLAIN)


def _undo_look_alikes(word: re.Match[str]) -> str:
    letters = word.group()
    if letters.isascii() or not any("a" <= letter <= "z" for letter in letters):
        return letters
    return letters.translate(LOOK_ALIKES)


def words_of(text: str) -> tuple[str, ...]:
    """A list of words written as one text."""
    return tuple(text.split())


# Words of two letters: what looks like letters of a code is mostly one of these.
SMALL_WORDS = frozenset(
    words_of(
        "in on at is to my no by of or so us we he me am an as be do go if it up ok pm hi oh ur re ok id im"
    )
)
