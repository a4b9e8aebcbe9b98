"""The small language the disclosure rules are written in, and how a phrase is looked for.

    {he} put ~2 hand|hands round|around ~2 neck|throat

Words are plain spelling. `a|b` is either; `word?` may be missing; `in_the` is two words in a row; `~2` is up
to two words of anything; `A &4 B` is A and B in either order with up to four words between; `{name}` is a list
from word_lists.toml; `<number>`, `<many>`, `<year>`, `<child_age>`, `<postcode>` and `<word>` are shapes. There
is no other syntax. Every gap is bounded, so looking takes time in
proportion to the text.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import permutations

MOST_WORDS_IN_A_GAP = 8
MOST_PARTS_IN_ANY_ORDER = 3
SHAPES = {
    "<number>": r" (?:\d{1,4}[a-f]?|to|for)",  # 2 and 4 are read as text-speak
    "<postcode>": r" (?:[a-z]{1,2}\d[a-z\d]? \d[a-z]{2}|[a-z]{1,2}\d[a-z\d]?\d[a-z]{2})",
    "<year>": r" (?:19[4-9]|20[0-2])\d",
    "<many>": r" \d{2,4}",
    "<child_age>": r" (?:[5-9]|1[0-7])",
    "<word>": r" [^\W\d_]+",
}
ELEMENT = re.compile(r"(?P<body>[\w'|{}<>-]+)(?P<optional>\?)?|~(?P<gap>\d)")
IN_ANY_ORDER = re.compile(r" &(\d) ")

FoldWord = Callable[[str], tuple[str, ...]]


class RuleInvalid(ValueError):
    """A rule file says something the screen cannot use; the message names the file and the remedy."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Phrase:
    """`keys`: the phrase is looked for only in a text with one of these words; empty means in every text.

    `needs`: of each of these sets a text must have a word, or the phrase cannot stand in it.
    """

    source: str
    pattern: re.Pattern[str]
    keys: frozenset[str]
    needs: tuple[frozenset[str], ...]
    words: frozenset[str]

    def find_all(self, joined: str) -> Iterator[tuple[int, int]]:
        """Start and end of each match in `ReadableText.joined`, without the spaces round it."""
        for match in self.pattern.finditer(joined):
            yield match.start() + 1, match.end()


@dataclass(frozen=True, kw_only=True)
class PhraseCompiler:
    """Compiles phrases with the same word folding the messages get, so that both sides agree on spelling."""

    word_lists: Mapping[str, tuple[str, ...]]
    fold_word: FoldWord
    common_words: frozenset[str]
    filler: str = "filler"

    def compile(self, source: str, *, whole_message: bool = False) -> Phrase:
        """The phrase ready to look for; `whole_message` allows nothing beside it but filler words."""
        parts = [
            [self._element(match) for match in self._parse(part)] for part in IN_ANY_ORDER.split(source)[::2]
        ]
        elements = [element for part in parts for element in part]
        body = self._in_any_order(source, ["".join(pattern for pattern, _ in part) for part in parts])
        if whole_message:
            filler = f"(?:{self._any_of(self._options('{' + self.filler + '}'))}(?= )){{0,6}}"
            body = f"^{filler}{body}{filler}(?= $)"
        required = [options for _, options in elements if options]
        needs = tuple(sorted(map(self._key_words, required), key=self._cost))
        keys = needs[0] if needs else frozenset()
        words = frozenset(word for options in required for option in options for word in option)
        return Phrase(source=source, pattern=re.compile(f"{body}(?= )"), keys=keys, needs=needs, words=words)

    def _in_any_order(self, source: str, bodies: list[str]) -> str:
        if len(bodies) == 1:
            return bodies[0]
        if len(bodies) > MOST_PARTS_IN_ANY_ORDER:
            raise RuleInvalid(f"phrase {source!r}: more than {MOST_PARTS_IN_ANY_ORDER} parts in any order")
        gap = self._gap(max(map(int, IN_ANY_ORDER.findall(source))))
        return f"(?:{'|'.join(gap.join(order) for order in permutations(bodies))})"

    @staticmethod
    def _gap(words: int) -> str:
        if words > MOST_WORDS_IN_A_GAP:
            raise RuleInvalid(f"a gap of {words} words is longer than {MOST_WORDS_IN_A_GAP}")
        return f"(?: [^ ]+){{0,{words}}}?"

    def _parse(self, source: str) -> Iterator[re.Match[str]]:
        for part in source.split():
            match = ELEMENT.fullmatch(part)
            if match is None:
                raise RuleInvalid(f"phrase {source!r}: {part!r} is not a word, list, shape or gap")
            yield match

    def _element(self, match: re.Match[str]) -> tuple[str, list[tuple[str, ...]]]:
        if match["gap"]:
            return self._gap(int(match["gap"])), []
        parts = match["body"].split("|")
        options = self._options("|".join(part for part in parts if part not in SHAPES))
        shapes = [SHAPES[part] for part in parts if part in SHAPES]
        if shapes:
            choice = "|".join([*shapes, self._any_of(options)] if options else shapes)
            return f"(?:(?:{choice})(?= )){'?' if match['optional'] else ''}", []
        return (
            (f"(?:{self._any_of(options)})?", []) if match["optional"] else (self._any_of(options), options)
        )

    def _options(self, body: str) -> list[tuple[str, ...]]:
        names = [option for part in body.split("|") if part for option in self._expand(part)]
        folded = {tuple(word for part in name.split("_") for word in self.fold_word(part)) for name in names}
        return sorted(folded, key=lambda option: (-len(option), option))

    def _expand(self, part: str) -> tuple[str, ...]:
        if not part.startswith("{"):
            return (part.replace("'", "").lower(),)
        if part[1:-1] not in self.word_lists:
            raise RuleInvalid(f"word list {part} is not in word_lists.toml: add it or spell the words out")
        return tuple(word.replace("'", "").lower() for word in self.word_lists[part[1:-1]])

    @staticmethod
    def _any_of(options: list[tuple[str, ...]]) -> str:
        return f" (?:{'|'.join(' '.join(option) for option in options)})(?= )"

    def _key_words(self, options: list[tuple[str, ...]]) -> frozenset[str]:
        return frozenset(
            min(option, key=lambda word: (word in self.common_words, -len(word))) for option in options
        )

    def _cost(self, keys: frozenset[str]) -> tuple[int, int]:
        return (sum(word in self.common_words for word in keys), len(keys))
