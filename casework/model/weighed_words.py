"""Words and neighbouring words that danger is told in, each with a weight: enough of them together is a cue.

The weights are fitted to the written corpus by `launcher/word_weights.py`; this only adds them up, so the same
text always gets the same score and every point of it can be shown. A word the table does not know, which is most
often a misspelt one, is weighed by its groups of letters.
"""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise
from pathlib import Path

from casework.model.disclosures import Category
from casework.model.readable_text import ReadableText

ENDINGS = ("ing", "ed", "es", "s", "in", "d")
SHORTEST_STEM = 3
LETTERS_IN_A_GROUP = 4
LONGEST_WORD_IN_GROUPS = 20
WORDS_SHOWN = 12
WORDS_NEAR = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Weight:
    """Log-odds of danger that one part adds, and the category it most often stands in, if it stands out."""

    points: float
    category: Category | None
    category_points: float


@dataclass(frozen=True, kw_only=True)
class Weighing:
    """A text's log-odds of danger, its likeliest category, and the words that add most (offsets as received)."""

    score: float
    category: Category
    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class WeighedWords:
    """The fitted table; `amber` and `red` are the scores from which a text gets that band."""

    start_at: float
    amber: float
    red: float
    weights: Mapping[str, Weight]

    def score_near(self, reading: ReadableText, first: int, last: int) -> float:
        """The score of the words round those from `first` to `last`: danger in a long text stands for itself."""
        near = reading.words[max(0, first - WORDS_NEAR) : last + WORDS_NEAR + 1]
        parts = parts_of([stem(word.text) for word in near], self.weights)
        return self.start_at + sum(self.weights[part].points for part in parts if part in self.weights)

    def weigh(self, reading: ReadableText) -> Weighing:
        """The weighing of a text with at least one word; each part counts once."""
        words = [stem(word.text) for word in reading.words]
        found = [self.weights[part] for part in parts_of(words, self.weights) if part in self.weights]
        votes: dict[Category, float] = {}
        for weight in found:
            if weight.category is not None:
                votes[weight.category] = votes.get(weight.category, 0.0) + weight.category_points
        first, last = _heaviest_stretch([self._points(word) for word in words])
        return Weighing(
            score=self.start_at + sum(weight.points for weight in found),
            category=max(votes, key=lambda kind: votes[kind], default=Category.DOMESTIC_ABUSE_NEW_OR_WORSE),
            start=reading.words[first].start,
            end=reading.words[last].end,
        )

    def _points(self, word: str) -> float:
        parts = (word,) if word in self.weights else letter_groups(word)
        return sum(self.weights[part].points for part in parts if part in self.weights)


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """The word without the commonest endings; the same rough cut for the table and for messages."""
    for ending in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= SHORTEST_STEM:
            return word[: -len(ending)]
    return word


def parts_of(words: Sequence[str], known: Container[str]) -> list[str]:
    """Every word, every two words in a row, and the letter groups of words not `known`; each once.

    Kisses count for nothing: a frightened person signs off with them too.
    """
    words = [word for word in words if word.strip("x")]
    parts = dict.fromkeys(words)
    parts.update(dict.fromkeys(f"{one} {two}" for one, two in pairwise(words)))
    parts.update(dict.fromkeys(group for word in words if word not in known for group in letter_groups(word)))
    return list(parts)


def letter_groups(word: str) -> Iterator[str]:
    """`knief` as `#^kni`, `#knie`, `#nief`, `#ief$`; nothing for numbers, and a very long word is cut short."""
    if not word.isalpha():
        return
    whole = f"^{word[:LONGEST_WORD_IN_GROUPS]}$"
    for start in range(max(1, len(whole) - LETTERS_IN_A_GROUP + 1)):
        yield f"#{whole[start : start + LETTERS_IN_A_GROUP]}"


def _heaviest_stretch(points: Sequence[float]) -> tuple[int, int]:
    length = min(WORDS_SHOWN, len(points))
    sums = [0.0, *accumulate(points)]
    first = max(range(len(points) - length + 1), key=lambda place: sums[place + length] - sums[place])
    return first, first + length - 1


def read_weighed_words(path: Path) -> WeighedWords:
    """Reads the table; raises ValueError or OSError when it cannot be used."""
    head, *lines = path.read_text(encoding="utf-8").splitlines()
    start_at, amber, red = map(float, head.split("\t"))
    return WeighedWords(start_at=start_at, amber=amber, red=red, weights=dict(map(_read_line, lines)))


def _read_line(line: str) -> tuple[str, Weight]:
    part, points, *kind = line.split("\t")
    if not kind:
        return part, Weight(points=float(points), category=None, category_points=0.0)
    category, category_points = kind
    return part, Weight(
        points=float(points), category=Category(category), category_points=float(category_points)
    )
