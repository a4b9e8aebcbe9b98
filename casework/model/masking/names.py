"""Names nobody told us of: beside words that go before a name, and first names wherever they stand."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from casework.model.masking import Layer, MaskKind
from casework.model.masking.views import Found, Token, View
from casework.model.readable_text import squeeze_letters
from casework.model.toml_files import read_toml

FOLDER = Path(__file__).parent
PLAIN_WORDS_FILE = FOLDER.parent / "disclosure_rules" / "plain_words.txt"
_MONTHS = frozenset({"april", "may", "june", "july", "august", "jan", "summer", "autumn", "winter"})
_BEFORE_MONTHS = frozenset(
    {
        "in",
        "of",
        "since",
        "until",
        "till",
        "til",
        "last",
        "next",
        "this",
        "before",
        "after",
        "by",
        "every",
        "mid",
        "late",
        "early",
        "or",
        "and",
        "from",
        "to",
    }
)
_MOST_PARTS = 3
_MOST_CUE_WORDS = 3


class PlainWords:
    """Ordinary words, commonest first. The list has them with doubled letters as one; so they are looked up."""

    def __init__(self, commonest_first: Iterable[str]) -> None:
        self._ranks = {word: place for place, word in reversed(list(enumerate(commonest_first)))}

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and self.rank(word) is not None

    def rank(self, word: str) -> int | None:
        """Its place in order of commonness, from 0; None for no ordinary word."""
        return self._ranks.get(word, self._ranks.get(squeeze_letters(word)))


@dataclass(frozen=True, kw_only=True)
class Lexicon:
    """`plain_words`: ordinary words with their place in order of commonness; `first_names`: whether it is also one.

    `cues`: words joined by a space, with what kind of cue they are (sure, unsure, titles, ranks, sign_offs).
    """

    plain_words: PlainWords
    first_names: Mapping[str, bool]
    cues: Mapping[str, frozenset[str]] = field(default_factory=dict)
    never: frozenset[str] = frozenset()

    @cached_property
    def titles(self) -> frozenset[str]:
        """Every single word of a title or a rank: never part of a name."""
        named = {"titles", "ranks", "loose_ranks"}
        return frozenset(word for cue, kinds in self.cues.items() if kinds & named for word in cue.split())

    def is_sure_name(self, word: str) -> bool:
        return self.first_names.get(word) is False

    def is_name(self, word: str) -> bool:
        return word in self.first_names

    def is_plain(self, word: str) -> bool:
        return word in self.plain_words and not self.is_sure_name(word)


def load_lexicon() -> Lexicon:
    """The packaged lists. Raises SettingsInvalid or OSError for one that is not there."""
    marks = read_toml(FOLDER / "name_marks.toml")
    cues: dict[str, set[str]] = {}
    for kind in ("sure", "unsure", "titles", "ranks", "loose_ranks", "sign_offs"):
        for cue in marks[kind]:
            cues.setdefault(cue, set()).add(kind)
    plain = PLAIN_WORDS_FILE.read_text("utf-8").split()
    return Lexicon(
        plain_words=PlainWords(plain),
        first_names=_read_first_names((FOLDER / "first_names.txt").read_text("utf-8")),
        cues={cue: frozenset(kinds) for cue, kinds in cues.items()},
        never=frozenset(marks["never"]),
    )


def _read_first_names(table: str) -> dict[str, bool]:
    """Each with whether it is also an ordinary word."""
    words = [word for line in table.splitlines() if not line.startswith("#") for word in line.split()]
    return {word.lstrip("~"): word.startswith("~") for word in words}


def find_by_context(view: View, lexicon: Lexicon) -> list[Found]:
    """Up to three words behind "my name is", "DC" and the like, and the name that ends a message."""
    found = []
    for place in range(len(view.tokens)):
        kinds = _cue_before(view, place, lexicon)
        if not kinds:
            continue
        names = list(_names_from(view, place, kinds, lexicon))
        if names:
            kind = MaskKind.OFFICER if kinds & {"ranks", "loose_ranks"} else MaskKind.PERSON
            found.append(_found(names, kind, Layer.CONTEXT))
    return [*found, *_find_sign_off(view, lexicon)]


def find_by_list(view: View, lexicon: Lexicon) -> list[Found]:
    """First names of the list; one that is an ordinary word needs a capital amid small letters."""
    found = []
    tokens = view.tokens
    for place, token in enumerate(tokens):
        word = strip_possessive(token.folded, lexicon)
        if not lexicon.is_name(word) or token.folded in lexicon.never:
            continue
        surname = _surname_after(view, place, lexicon)
        is_written_so = token.has_capital and not token.opens_sentence
        if is_month(view, place):
            continue
        if lexicon.is_sure_name(word) or is_written_so or (token.has_capital and surname):
            found.append(_found([token, *surname], MaskKind.PERSON, Layer.GAZETTEER))
    return found


def is_month(view: View, place: int) -> bool:
    """Whether "May" and the like are a time here: behind "in", "since" or a day."""
    token = view.tokens[place]
    if token.folded not in _MONTHS:
        return False
    before = view.lower[max(0, token.start - 12) : token.start].split()
    after = view.lower[token.end : token.end + 4].strip()
    return bool(before and (before[-1] in _BEFORE_MONTHS or before[-1][0].isdigit())) or after[:1].isdigit()


def strip_possessive(word: str, lexicon: Lexicon) -> str:
    """ "kierans" without its s, where what is left is a first name and the whole is none."""
    if word.endswith("s") and word not in lexicon.first_names and word[:-1] in lexicon.first_names:
        return word[:-1] if word not in lexicon.plain_words else word
    return word


def _surname_after(view: View, place: int, lexicon: Lexicon) -> list[Token]:
    if place + 1 >= len(view.tokens):
        return []
    following = view.tokens[place + 1]
    gap = view.lower[view.tokens[place].end : following.start]
    is_name = following.has_capital and not lexicon.is_plain(following.folded)
    return [following] if gap in (" ", "-") and is_name and following.folded not in lexicon.never else []


def _cue_before(view: View, place: int, lexicon: Lexicon) -> frozenset[str]:
    """The kinds of the longest cue that ends right before this word."""
    tokens = view.tokens
    if place == 0 or len(view.lower[tokens[place - 1].end : tokens[place].start].strip(" .:-=,'\"")) > 0:
        return frozenset()
    if tokens[place].start - tokens[place - 1].end > 4:
        return frozenset()
    for count in range(min(_MOST_CUE_WORDS, place), 0, -1):
        cue = " ".join(token.folded for token in tokens[place - count : place])
        if cue in lexicon.cues:
            return lexicon.cues[cue]
    return frozenset()


def _names_from(view: View, place: int, kinds: frozenset[str], lexicon: Lexicon) -> Iterator[Token]:
    is_sure = bool(kinds & {"sure", "titles", "ranks"})
    for count in range(_MOST_PARTS):
        if place + count >= len(view.tokens):
            return
        token = view.tokens[place + count]
        if count and view.lower[view.tokens[place + count - 1].end : token.start] not in (" ", "-", ". "):
            return
        if count == 0 and token.folded in lexicon.titles:
            return
        if not _reads_as_name(token, lexicon, is_sure=is_sure, is_first=count == 0):
            return
        yield token


def _reads_as_name(token: Token, lexicon: Lexicon, *, is_sure: bool, is_first: bool) -> bool:
    word = token.folded
    if word in lexicon.never or word in lexicon.titles or len(word) < 2:
        return False
    if token.has_capital and not token.opens_sentence:
        # A capital on a very common word is emphasis or a habit.
        return lexicon.is_name(word) or is_sure or not lexicon.is_plain(word)
    if lexicon.is_sure_name(word) or (is_sure and is_first and lexicon.is_name(word)):
        return True
    return is_sure and is_first and word not in lexicon.plain_words and len(word) > 2


def _find_sign_off(view: View, lexicon: Lexicon) -> list[Found]:
    """ "thanks, X" and "x X" where the message ends: the last one or two words."""
    tokens = view.tokens
    if len(tokens) < 2 or len(view.lower.rstrip(" .!\n'\")x")) > tokens[-1].end + 3:
        return []
    last = len(tokens)
    while last > 1 and set(tokens[last - 1].folded) <= {"x"}:
        last -= 1
    for count in (2, 1):
        if last - count < 1 or "sign_offs" not in _cue_before(view, last - count, lexicon):
            continue
        names = list(tokens[last - count : last])
        if all(_signs(token, lexicon) for token in names):
            return [_found(names, MaskKind.PERSON, Layer.CONTEXT)]
    return []


def _signs(token: Token, lexicon: Lexicon) -> bool:
    word = token.folded
    if word in lexicon.never or len(word) < 2:
        return False
    return (
        lexicon.is_name(word)
        or word not in lexicon.plain_words
        or (token.has_capital and (lexicon.plain_words.rank(word) or 0) > 600)
    )


def _found(tokens: list[Token], kind: MaskKind, layer: Layer) -> Found:
    key = tuple(token.folded for token in tokens)
    return Found(tokens[0].start, tokens[-1].end, kind, layer, key)
