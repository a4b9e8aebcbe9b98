"""The words of the masking: which are ordinary, which are names, and beside which a name stands."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from casework.model.readable_text import squeeze_letters
from casework.model.spelling_slips import LikelyWords
from casework.model.toml_files import read_toml

FOLDER = Path(__file__).parent
PLAIN_WORDS_FILE = FOLDER.parent / "disclosure_rules" / "plain_words.txt"
_CUES = ("nicknaming", "sure", "unsure", "kin", "asked", "titles", "ranks", "loose_ranks", "sign_offs")
# Endings an ordinary word may have without standing in a list of its own, and what stood in their place.
_ENDINGS = (
    *(("s", ""), ("es", ""), ("ed", ""), ("ed", "e"), ("d", ""), ("ing", ""), ("ing", "e"), ("in", ""), ("in", "e")),
    *(("er", ""), ("er", "e"), ("r", ""), ("ly", ""), ("y", ""), ("ies", "y"), ("ied", "y"), ("ness", "")),
    ("less", ""),
    *(("ful", ""), ("ment", ""), ("able", ""), ("able", "e"), ("est", ""), ("ish", ""), ("ers", ""), ("ings", "")),
)  # fmt: skip
SHORTEST_STEM = 3
SHORTEST_MISSPELT = 5


class PlainWords:
    """Ordinary words, commonest first. The list has them with doubled letters as one; so they are looked up."""

    def __init__(self, commonest_first: Iterable[str]) -> None:
        self._ranks = {word: place for place, word in reversed(list(enumerate(commonest_first)))}

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and self.rank(word) is not None

    def rank(self, word: str) -> int | None:
        """Its place in order of commonness, from 0; None for no ordinary word."""
        return self._ranks.get(word, self._ranks.get(squeeze_letters(word)))

    @cached_property
    def _likely(self) -> LikelyWords:
        return LikelyWords(self._ranks, lambda word: len(word) > SHORTEST_STEM)

    def is_slip_of_one(self, word: str) -> bool:
        """Whether one slip of the fingers makes an ordinary word of four letters and more into this."""
        return any(self._likely.likeliest(form) for form in {word, squeeze_letters(word)})


@dataclass(frozen=True, kw_only=True)
class Lexicon:
    """`plain_words`: ordinary words with their place in order of commonness; `first_names`: whether it is also one.

    `surnames`: the same of surnames; `short_forms`: what else whoever has a first name is called; `known_words`:
    further words that are no names; `nicknames`: words people are called by; `public`: words with a
    capital that are nobody's name: firms, languages, feasts. `cues`: words joined by a space, with what kind of cue
    they are (nicknaming, sure, unsure, kin, titles, ranks, sign_offs).
    """

    plain_words: PlainWords
    first_names: Mapping[str, bool]
    surnames: Mapping[str, bool] = field(default_factory=dict)
    short_forms: Mapping[str, frozenset[str]] = field(default_factory=dict)
    known_words: frozenset[str] = frozenset()
    public: frozenset[str] = frozenset()
    cues: Mapping[str, frozenset[str]] = field(default_factory=dict)
    never: frozenset[str] = frozenset()
    nicknames: frozenset[str] = frozenset()
    _read: dict[str, bool] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def titles(self) -> frozenset[str]:
        """Every single word of a title or a rank: never part of a name."""
        named = {"titles", "ranks", "loose_ranks"}
        return frozenset(word for cue, kinds in self.cues.items() if kinds & named for word in cue.split())

    def is_sure_name(self, word: str) -> bool:
        return self.first_names.get(word) is False

    def is_name(self, word: str) -> bool:
        return word in self.first_names

    @cached_property
    def _likely_names(self) -> LikelyWords:
        sure = (name for name, is_also_word in self.first_names.items() if not is_also_word)
        return LikelyWords(sure, lambda name: len(name) >= SHORTEST_MISSPELT)

    def is_slip_of_name(self, word: str) -> bool:
        """Whether it is one slip from a first name of five letters and more, and not listed itself."""
        if len(word) < SHORTEST_MISSPELT or self.is_listed(word):
            return False
        meant = self._likely_names.likeliest(word)
        return meant is not None and meant[0] == word[0]

    def is_plain(self, word: str) -> bool:
        return not self.is_sure_name(word) and word in self.plain_words

    def is_listed(self, word: str) -> bool:
        """Whether it, or what is left without its ending, is an ordinary word or a public name."""
        if word in self.plain_words or word in self.known_words or word in self.public or word in self.never:
            return True
        return any(
            word.endswith(ending)
            and len(word) - len(ending) >= SHORTEST_STEM
            and (stem := word[: len(word) - len(ending)] + instead)
            and (stem in self.plain_words or stem in self.known_words or stem in self.public)
            for ending, instead in _ENDINGS
        )

    def is_word(self, word: str) -> bool:
        """Whether it is listed or one slip away from an ordinary word. What is not may be a name."""
        if len(word) > 24:
            return True
        known = self._read.get(word)
        if known is None:
            known = self.is_listed(word) or self.plain_words.is_slip_of_one(word)
            # Two messages have most of their words in common; a hostile one must not fill the memory.
            if len(self._read) < 50_000:
                self._read[word] = known
        return known


def load_lexicon() -> Lexicon:
    """The packaged lists. Raises SettingsInvalid or OSError for one that is not there."""
    marks = read_toml(FOLDER / "name_marks.toml")
    cues: dict[str, set[str]] = {}
    for kind in _CUES:
        for cue in marks[kind]:
            cues.setdefault(cue, set()).add(kind)
    for owner in marks["owners"]:
        for kin in marks["kin_words"]:
            cues.setdefault(f"{owner} {kin}", set()).add("kin")
    plain = PlainWords(PLAIN_WORDS_FILE.read_text("utf-8").split())
    known = frozenset(word for line in _lines("known_words.txt") for word in line.split())
    short_forms = _read_short_forms(_lines("short_forms.txt"))
    first_names = _read_names("first_names.txt")
    for form in short_forms:
        first_names.setdefault(form, form in plain or form in known or len(form) <= SHORTEST_STEM)
    return Lexicon(
        plain_words=plain,
        first_names=first_names,
        surnames=_read_names("surnames.txt"),
        short_forms=short_forms,
        known_words=known,
        public=frozenset(word for entry in marks["public"] for word in entry.split()),
        cues={cue: frozenset(kinds) for cue, kinds in cues.items()},
        never=frozenset(marks["never"]),
        nicknames=frozenset(word for entry in marks["nicknames"] for word in entry.split()),
    )


def _lines(name: str) -> list[str]:
    return [line for line in (FOLDER / name).read_text("utf-8").splitlines() if not line.startswith("#")]


def _read_names(name: str) -> dict[str, bool]:
    """Each with whether it is also an ordinary word."""
    words = [word for line in _lines(name) for word in line.split()]
    return {word.lstrip("~"): word.startswith("~") for word in words}


def _read_short_forms(lines: Iterable[str]) -> dict[str, frozenset[str]]:
    """The other words of every line a name stands in."""
    forms: dict[str, set[str]] = {}
    for line in lines:
        words = line.replace("-", "").split()
        for word in words:
            forms.setdefault(word, set()).update(words)
    return {word: frozenset(others - {word}) for word, others in forms.items()}
