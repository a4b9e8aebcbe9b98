"""Fits the screen's table of weighed words to the written corpus: `python -m launcher.word_weights`.

Logistic regression over words, pairs of words and, for words seldom seen, groups of letters; in plain Python and
without chance, so that the same corpus gives the same table. Each message is fitted twice, as written and with
slips of the fingers. The limits are set on messages whose writers were left out of the fitting: the wanted share
of their calm ones.
"""

import json
import math
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.corpus import Example, read_file, split_by_scenario
from casework.model.disclosure_screen import (
    RULES_DIRECTORY,
    DisclosureScreen,
    load_disclosure_screen,
    load_plain_reader,
)
from casework.model.disclosures import Category
from casework.model.readable_text import TextReader
from casework.model.weighed_words import parts_of, stem

ROUNDS = 10
STEP = 0.3
LOOSENESS = 1.5  # the more, the further a weight may go from nought
WEIGHT_OF_SLIPS = 0.5
SHARE_OF_SLIPS = 0.08
FEWEST_SCENARIOS = 3
FEWEST_TEXTS_OF_A_GROUP = 6
LEAST_POINTS = 0.1
FOLDS = 4
EVERY_FOLD = -1
CALM_AMBER = 0.009
CALM_RED = 0.003
KEY_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
SCREEN_EXAMPLES = Path("tests/data/screen_examples.jsonl")


@dataclass(frozen=True, kw_only=True)
class Text:
    """One message as the fitting sees it: its words as the screen reads them, and as read with slips."""

    words: tuple[str, ...]
    slipped: tuple[str, ...]
    example: Example
    fold: int

    @property
    def is_urgent(self) -> bool:
        return self.example.category is not None


@dataclass(frozen=True, kw_only=True)
class Fit:
    """The start value, the points of each part (log-odds), and the words that need no letter groups."""

    start_at: float
    points: dict[str, float]
    known: frozenset[str]

    def score(self, text: Text) -> float:
        parts = parts_of([stem(word) for word in text.words], self.known)
        return self.start_at + sum(self.points.get(part, 0.0) for part in parts)


def read_corpus_texts(corpus: Path, reader: TextReader) -> list[Text]:
    """The messages to fit to; a writer's stay in one fold, and each fold has writers of every kind."""
    texts = []
    for folder in sorted(path for path in corpus.iterdir() if path.is_dir()):
        paths = sorted(folder.glob("*.txt"))
        writers = list(dict.fromkeys(map(_writer_of, paths)))
        for path in paths:
            fold = writers.index(_writer_of(path)) % FOLDS
            texts += [_read_text(example, reader, fold) for example in _to_fit(path)]
    return texts


def _to_fit(path: Path) -> list[Example]:
    """The file's messages without the scenarios held out, on which the screen is tested."""
    to_fit, _ = split_by_scenario(read_file(path))
    return to_fit


def _writer_of(path: Path) -> str:
    """The prefix of the file's name: `u1_missing_01` is u1's, `calm_a_02` is calm_a's."""
    parts = path.stem.split("_")
    return "_".join(parts[:2]) if parts[0] == "calm" else parts[0]


def read_screen_examples(screen: DisclosureScreen, reader: TextReader) -> list[Text]:
    """What the rules must hit and must not hit, and the messages the rules were written from."""
    found = [
        Example(text=text, scenario=f"rule_{rule.id}", style="plain", category=category)
        for rule in screen.rules
        for texts, category in ((rule.must_hit, rule.category), (rule.must_not_hit, None))
        for text in texts
    ]
    if SCREEN_EXAMPLES.exists():
        for line in SCREEN_EXAMPLES.read_text(encoding="utf-8").splitlines()[1:]:
            entry = json.loads(line)
            found.append(
                Example(
                    text=entry["text"],
                    scenario=entry["id"],
                    style=entry["style"],
                    category=entry.get("category"),
                )
            )
    return [_read_text(example, reader, EVERY_FOLD) for example in found]


def _read_text(example: Example, reader: TextReader, fold: int) -> Text:
    words, slipped = (
        tuple(word.text for word in reader.read(text).words)
        for text in (example.text, with_slips(example.text))
    )
    return Text(words=words, slipped=slipped, example=example, fold=fold)


def with_slips(text: str, share: float = SHARE_OF_SLIPS) -> str:
    """The text with that share of its letters left out, swapped with the next, doubled or mistyped.

    The same text always gets the same slips.
    """
    chance = random.Random(text)
    written: list[str] = []
    place = 0
    while place < len(text):
        letter = text[place]
        slip = chance.choice(("leave out", "swap", "double", "mistype")) if chance.random() < share else ""
        if not letter.isalpha() or not slip:
            written.append(letter)
        elif slip == "swap":
            written.append(text[place + 1 : place + 2] + letter)
            place += 1
        elif slip == "double":
            written.append(letter * 2)
        elif slip == "mistype":
            written.append(chance.choice(_keys_beside(letter)))
        place += 1
    return "".join(written)


def _keys_beside(letter: str) -> str:
    for row in KEY_ROWS:
        if (place := row.find(letter.lower())) >= 0:
            return row[max(0, place - 1) : place] + row[place + 1 : place + 2]
    return letter


def fit(texts: Sequence[Text]) -> Fit:
    """The weights that tell urgent from other texts best, small ones left out."""
    known_parts = _seen_in_enough_scenarios(texts)
    known = frozenset(part for part in known_parts if " " not in part)
    numbers: dict[str, int] = {}
    rows = [
        ([numbers.setdefault(part, len(numbers)) for part in parts], float(text.is_urgent), weight)
        for text in texts
        for words, weight in ((text.words, 1.0), (text.slipped, WEIGHT_OF_SLIPS))
        for parts in [_parts_to_fit(words, known_parts, known)]
    ]
    counts = Counter(number for row, _, _ in rows for number in row)
    dropped = {
        number
        for part, number in numbers.items()
        if part.startswith("#") and counts[number] < FEWEST_TEXTS_OF_A_GROUP
    }
    rows = [
        ([number for number in row if number not in dropped], label, weight) for row, label, weight in rows
    ]
    pulls = [1 / (LOOSENESS * counts[number]) for number in range(len(numbers))]
    start_at, points = _descend(rows, pulls)
    kept = {
        part: points[number]
        for part, number in numbers.items()
        if part in known or abs(points[number]) >= LEAST_POINTS
    }
    return Fit(start_at=start_at, points=kept, known=known)


def _parts_to_fit(words: Sequence[str], known_parts: set[str], known: frozenset[str]) -> list[str]:
    parts = parts_of([stem(word) for word in words], known)
    return [part for part in parts if part in known_parts or part.startswith("#")]


def _descend(
    rows: Sequence[tuple[list[int], float, float]], pulls: Sequence[float]
) -> tuple[float, list[float]]:
    """Stochastic gradient descent with AdaGrad's step sizes on the logistic loss."""
    points, squares = [0.0] * len(pulls), [1e-8] * len(pulls)
    start_at, start_square = 0.0, 1e-8
    for _ in range(ROUNDS):
        for index in _spread(len(rows)):
            row, label, weight = rows[index]
            score = start_at + sum([points[number] for number in row])
            error = weight * (label - 1 / (1 + math.exp(-max(-30.0, min(30.0, score)))))
            start_square += error * error
            start_at += STEP * error / math.sqrt(start_square)
            for number in row:
                gradient = error - pulls[number] * points[number]
                squares[number] += gradient * gradient
                points[number] += STEP * gradient / math.sqrt(squares[number])
    return start_at, points


def _spread(count: int) -> Iterable[int]:
    """All indices once, neighbours far apart, in the same order each time."""
    stride = next(step for step in range(int(count * 0.618), count) if math.gcd(step, count) == 1)
    return ((index * stride) % count for index in range(count))


def _seen_in_enough_scenarios(texts: Sequence[Text]) -> set[str]:
    seen: dict[str, set[str]] = defaultdict(set)
    for text in texts:
        words = [stem(word) for word in text.words]
        for part in parts_of(words, words):
            seen[part].add(text.example.scenario)
    return {part for part, scenarios in seen.items() if len(scenarios) >= FEWEST_SCENARIOS}


def find_limits(texts: Sequence[Text]) -> tuple[float, float]:
    """The amber and red limits: what the wanted share of left-out writers' calm messages reaches."""
    calm: list[float] = []
    for fold in range(FOLDS):
        fitted = fit([text for text in texts if text.fold != fold])
        calm += [
            fitted.score(text)
            for text in texts
            if text.fold == fold and not text.is_urgent and text.example.kind is None
        ]
    calm.sort(reverse=True)
    return calm[int(CALM_AMBER * len(calm))], calm[int(CALM_RED * len(calm))]


def find_categories(texts: Sequence[Text], known: frozenset[str]) -> dict[str, tuple[Category, float]]:
    """For each part the category it stands in most beyond its share, in log-odds."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    totals: Counter[str] = Counter()
    for text in texts:
        if text.example.category is not None:
            totals[text.example.category] += 1
            for part in parts_of([stem(word) for word in text.words], known):
                counts[part][text.example.category] += 1
    everything = sum(totals.values())
    found = {}
    for part, kinds in counts.items():
        share = {kind: (n + 2 * totals[kind] / everything) / (kinds.total() + 2) for kind, n in kinds.items()}
        best = max(share, key=lambda kind: (share[kind] * everything / totals[kind], kind))
        found[part] = Category(best), max(0.0, math.log(share[best] * everything / totals[best]))
    return found


def write_table(path: Path, texts: Sequence[Text]) -> None:
    amber, red = find_limits(texts)
    fitted = fit(texts)
    categories = find_categories(texts, fitted.known)
    lines = [f"{fitted.start_at:.2f}\t{amber:.2f}\t{red:.2f}"]
    for part in sorted(fitted.points):
        category, strength = categories.get(part, (None, 0.0))
        stands_out = category is not None and strength >= LEAST_POINTS and fitted.points[part] > 0
        kind = f"\t{category}\t{strength:.2f}" if stands_out else ""
        lines.append(f"{part}\t{fitted.points[part]:.2f}{kind}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_plain_words(path: Path, corpus: Path) -> None:
    """Rightly spelt words of the corpus, the commonest first: what a misspelt one may stand for."""
    reader = load_plain_reader(RULES_DIRECTORY)
    seen: dict[str, set[str]] = defaultdict(set)
    for file in sorted(corpus.rglob("*.txt")):
        for example in _to_fit(file):
            if example.style not in ("misspelt", "typo", "textspeak", "text_speak"):
                for word in reader.read(example.text).words:
                    if word.text.isalpha() and word.text.isascii():
                        seen[word.text].add(example.scenario)
    often = sorted((word for word in seen if len(seen[word]) >= 3), key=lambda word: (-len(seen[word]), word))
    path.write_text("\n".join(often) + "\n", encoding="utf-8")


def main(corpus: Path, directory: Path = RULES_DIRECTORY) -> None:
    write_plain_words(directory / "plain_words.txt", corpus)
    screen = load_disclosure_screen(directory)
    texts = [*read_corpus_texts(corpus, screen.reader), *read_screen_examples(screen, screen.reader)]
    write_table(directory / "weighed_words.tsv", texts)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "data/corpus"))
