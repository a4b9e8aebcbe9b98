"""Puts slips of the thumb right: a word nobody uses becomes the likeliest word one slip away from it.

What counts as a word is learned from the messages themselves, so "nonce", "CPS" and "Scouse" are words here. The
slips and what each costs are those of the screen (`casework/model/spelling_slips.py`).
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from casework.model.spelling_slips import LikelyWords

SHORTEST = 4
LONGEST = 18
WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?")


@dataclass(frozen=True)
class Respelt:
    """A text put right. `places[i]` is where the code point i of it stood in the text as written."""

    text: str
    places: tuple[int, ...]

    def original_span(self, start: int, end: int) -> tuple[int, int]:
        """Offsets into the text as written, for offsets into this one."""
        if start >= end or not self.places:
            return 0, 0
        return self.places[start], self.places[end - 1] + 1


class Spelling:
    """Knows the words of `counts` (lower case) and how often each was written."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        self._counts = dict(counts)
        commonest_first = sorted(self._counts, key=lambda word: (-self._counts[word], word))
        self._likely = LikelyWords(commonest_first, lambda word: SHORTEST <= len(word) <= LONGEST)

    @classmethod
    def learn(cls, texts: Iterable[str], *, fewest: int, others: Iterable[str] = ()) -> "Spelling":
        """The words that stand in at least `fewest` of the texts; `others` are words too, but rare ones."""
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update({match.group() for match in WORD.finditer(_fold(text))})
        known = dict.fromkeys(others, 1)
        return cls(known | {word: count for word, count in counts.items() if count >= fewest})

    @property
    def counts(self) -> Mapping[str, int]:
        return self._counts

    def respell(self, text: str) -> Respelt:
        """Lower case, with every unknown word of 4 to 18 letters put right where a known word is a slip away."""
        folded = _fold(text)
        pieces: list[str] = []
        places: list[int] = []
        done = 0
        for match in WORD.finditer(folded):
            pieces.append(folded[done : match.start()])
            places += range(done, match.start())
            word = self.put_right(match.group())
            pieces.append(word)
            width = match.end() - match.start()
            places += [match.start() + min(index, width - 1) for index in range(len(word))]
            done = match.end()
        pieces.append(folded[done:])
        places += range(done, len(folded))
        return Respelt("".join(pieces), tuple(places))

    def put_right(self, word: str) -> str:
        if word in self._counts or not SHORTEST <= len(word) <= LONGEST:
            return word
        return self._likely.likeliest(word) or word


def _fold(text: str) -> str:
    """Lower case without a change of length, so that offsets stay."""
    return "".join(low if len(low := letter.lower()) == 1 else letter for letter in text).replace(
        "\u2019", "'"
    )
