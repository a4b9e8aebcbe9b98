"""A message as plain words, each one knowing where it stood in the text as received.

Folding is the same for rules and for messages: case, accents, look-alike letters, curly quotes, zero-width
marks, doubled letters and text-speak all disappear, so a rule is written once in plain spelling.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from casework.model.spelling_slips import Spelling

APOSTROPHES = frozenset("'\u2018\u2019\u201b\u02bc\u02b9\u0060\u00b4\u2032\uff07")
LOOK_ALIKES = str.maketrans("авекмнорстухіѕјгαβεικνορτυχ", "abekmhopctyxisjraeeikvoptux")
DIGIT_LETTERS = str.maketrans("013457@$", "oieast" + "as")
RUN_OF_ONE_LETTER = re.compile(r"([^\W\d_])\1+")
NUMBER_SHAPED = re.compile(
    r"\d+(?:st|nd|rd|th|am|pm|h|hrs?|m|mins?|k|ft|cm|mg|[a-f])?|[a-z]{1,2}\d[a-z\d]?(?:\d[a-z]{2})?|\d[a-z]{2}"
)
SPLIT_WORD = re.compile(r"\w[^\w\s]+\w|(?:\b\w\b\W+){2}\w\b")


@dataclass(frozen=True, slots=True)
class Word:
    """One folded word; `start` and `end` are code-point offsets into the text as received."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class ReadableText:
    """Folded words in order. `joined` is ` one two three `, the form the rules are matched against."""

    words: tuple[Word, ...]

    @cached_property
    def joined(self) -> str:
        return "".join(f" {word.text}" for word in self.words) + " "

    @cached_property
    def _word_starts(self) -> list[int]:
        starts, position = [], 0
        for word in self.words:
            starts.append(position)
            position += len(word.text) + 1
        return starts

    def original_span(self, start: int, end: int) -> tuple[int, int]:
        """The received text's offsets for a match in `joined`, widened to whole words."""
        first, last = self.word_places(start, end)
        return self.words[first].start, self.words[last].end

    def word_places(self, start: int, end: int) -> tuple[int, int]:
        """The first and last word, counted from 0, that a match in `joined` touches."""
        first = max(bisect_right(self._word_starts, start) - 1, 0)
        last = max(bisect_right(self._word_starts, max(end - 1, start)) - 1, first)
        return first, last


@lru_cache(maxsize=2048)
def fold_character(character: str) -> str:
    """What one code point contributes: letters and digits, a space where a word ends, or nothing."""
    if character in APOSTROPHES:
        return ""
    category = unicodedata.category(character)
    if category in ("Cf", "Mn", "Me") or (category == "Cc" and not character.isspace()):
        return ""
    if character in "@$" or category in ("Cs", "Co", "Cn"):
        return character if character in "@$" else " "
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", character).casefold())
    return "".join(part if part.isalnum() else " " for part in folded if unicodedata.category(part) != "Mn")


def squeeze_letters(word: str) -> str:
    """Doubled letters become one, in rules and messages alike: stoped, stopped, stopppped are one word."""
    return RUN_OF_ONE_LETTER.sub(r"\1", word)


@dataclass(frozen=True, kw_only=True)
class TextReader:
    """Turns any str into `ReadableText`; never raises, whatever the code points.

    `text_speak` and `signs` (emoji and the like) give the words something stands for; `spelling`, if given,
    the word meant by a misspelt one.
    """

    text_speak: Mapping[str, tuple[str, ...]]
    signs: Mapping[str, str]
    spelling: Spelling | None = None

    def read(self, text: str, *, offset: int = 0) -> ReadableText:
        return ReadableText(tuple(self._words(_raw_words(text, self.signs), offset)))

    def read_rejoined(self, text: str, *, offset: int = 0) -> ReadableText | None:
        """The same text with split words put together (`k.i.l.l`, `h e l p`); None when nothing is split."""
        if SPLIT_WORD.search(text) is None:
            return None
        return ReadableText(
            tuple(self._words(_join_letters(_raw_words(text, self.signs, rejoin=True)), offset))
        )

    def _words(self, raw_words: Iterable[tuple[str, int, int]], offset: int) -> Iterator[Word]:
        for raw, start, end in raw_words:
            for word in filter(None, self.fold_word(raw)):
                yield Word(word, start + offset, end + offset)

    def fold_word(self, raw: str) -> tuple[str, ...]:
        """The plain words one raw word stands for; several for text-speak such as `gonna`."""
        word = _undo_digits(raw) if raw not in self.text_speak else raw
        if not word.isascii():
            word = word.translate(LOOK_ALIKES) if any("a" <= letter <= "z" for letter in word) else word
        word = squeeze_letters(word) if word.isalpha() else word
        if word in self.text_speak:
            return self.text_speak[word]
        respelled = self.spelling.respell(word) if self.spelling else None
        return (respelled or word,)


def _undo_digits(raw: str) -> str:
    if raw.isalpha() or NUMBER_SHAPED.fullmatch(raw):
        return raw
    return (
        raw.strip("@$").translate(DIGIT_LETTERS) if any(part.isalpha() for part in raw) else raw.strip("@$")
    )


def _raw_words(
    text: str, signs: Mapping[str, str], *, rejoin: bool = False
) -> Iterator[tuple[str, int, int]]:
    letters: list[str] = []
    start = end = 0
    for place, character in enumerate(text):
        folded = f" {signs[character]} " if character in signs else fold_character(character)
        if rejoin and folded == " " and not character.isspace():
            folded = "i" if character == "!" and letters and _is_letter_at(text, place + 1) else ""
        for part in folded:
            if part != " ":
                start = start if letters else place
                letters.append(part)
                end = place + 1
            elif letters:
                yield "".join(letters), start, end
                letters = []
    if letters:
        yield "".join(letters), start, end


def _is_letter_at(text: str, place: int) -> bool:
    return place < len(text) and text[place].isalpha()


def _join_letters(raw_words: Iterable[tuple[str, int, int]]) -> Iterator[tuple[str, int, int]]:
    run: list[tuple[str, int, int]] = []
    for raw_word in raw_words:
        if len(raw_word[0]) == 1:
            run.append(raw_word)
            continue
        yield from _one_word_from(run)
        run = []
        yield raw_word
    yield from _one_word_from(run)


def _one_word_from(run: list[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    if len(run) < 3:
        return run
    return [("".join(letter for letter, _, _ in run), run[0][1], run[-1][2])]
