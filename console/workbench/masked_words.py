"""A masked message as words in order, so that a page can number them and a trainer can mark some by keyboard."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from casework.model.masking import MaskedText

WORDS = re.compile(r"\s+|\S+")
# More than this is a page nobody could use; the rest is shown as one piece.
MOST_WORDS = 400


@dataclass(frozen=True, kw_only=True)
class Word:
    """A word, or the gap between two (`number` None). `at`, `until`: code points of the masked text.

    `kind`: of the mask it lies in; `is_first`, `is_last`: whether the mask begins and ends with it.
    """

    text: str
    at: int
    until: int
    number: int | None
    kind: str | None = None
    is_first: bool = False
    is_last: bool = False


def split_words(masked: MaskedText) -> tuple[Word, ...]:
    """The whole text in order; a word that is masked in part is two, so that no mask says more than it hides."""
    words: list[Word] = []
    number = 0
    for start, end, kind in _find_runs(masked):
        pieces = [
            (start + found.start(), start + found.end()) for found in WORDS.finditer(masked.text[start:end])
        ]
        for place, (at, until) in enumerate(pieces):
            text = masked.text[at:until]
            is_word = not text.isspace() and number < MOST_WORDS
            words.append(
                Word(
                    text=text,
                    at=at,
                    until=until,
                    number=number if is_word else None,
                    kind=kind,
                    is_first=kind is not None and place == 0,
                    is_last=kind is not None and place == len(pieces) - 1,
                )
            )
            number += is_word
    return tuple(words)


def find_span(words: Sequence[Word], first: int, last: int) -> tuple[int, int] | None:
    """From the first of two numbered words to the end of the other, whichever is named first; None for no such word."""
    places = {word.number: word for word in words if word.number is not None}
    one, other = places.get(min(first, last)), places.get(max(first, last))
    return None if one is None or other is None else (one.at, other.until)


def _find_runs(masked: MaskedText) -> list[tuple[int, int, str | None]]:
    """The text cut at its masks: start, end and the kind of the mask, None between them."""
    runs: list[tuple[int, int, str | None]] = []
    done = 0
    for mask in masked.masks:
        runs += [(done, mask.at, None), (mask.at, mask.until, mask.kind.value)]
        done = mask.until
    runs.append((done, len(masked.text), None))
    return [run for run in runs if run[0] < run[1]]
