"""Puts slips of the fingers right: an unknown word becomes the likeliest listed word one slip away.

The search is that of symmetric deletion (Garbe 2012): words a slip apart share what is left when each loses at
most one letter. Of several the likeliest is taken: the commoner the word and the likelier the slip, the better.
Runs under Python 3.10 too.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable

LONGEST = 16
COMMONNESS_LEVELS_OFF_AT = 50
ROWS_OF_KEYS = (("qwertyuiop", 0.0), ("asdfghjkl", 0.25), ("zxcvbnm", 0.75))
PLACE_OF_KEY = {
    letter: (row, shift + place)
    for row, (letters, shift) in enumerate(ROWS_OF_KEYS)
    for place, letter in enumerate(letters)
}

# What each kind of slip costs, on the same scale as the logarithm of a word's place in the list.
LETTER_LEFT_OUT = 0.6
LETTER_TOO_MANY = 3.0
LETTERS_SWAPPED = 0.0
KEY_BESIDE = 0.3
ANOTHER_LETTER = 2.5
FIRST_LETTER = 1.0


class LikelyWords:
    """Words, commonest first, in which the one meant by a slip is looked up; `searched` says which may be meant."""

    def __init__(self, commonest_first: Iterable[str], searched: Callable[[str], bool]) -> None:
        self._rareness = {
            word: math.log(place + COMMONNESS_LEVELS_OFF_AT) for place, word in enumerate(commonest_first)
        }
        self._by_shortened: dict[str, list[str]] = defaultdict(list)
        for word in self._rareness:
            if searched(word):
                for shortened in one_letter_less(word):
                    self._by_shortened[shortened].append(word)

    def likeliest(self, written: str) -> str | None:
        """The word meant, or None where none is a slip away."""
        near = {meant for key in one_letter_less(written) for meant in self._by_shortened.get(key, ())}
        costs = [
            (cost + self._rareness[meant], meant)
            for meant in near
            if (cost := cost_of_slip(written, meant)) is not None
        ]
        return min(costs)[1] if costs else None


class Spelling:
    """Finds the listed word a misspelling stands for; ordinary words and very short ones are left alone.

    `vocabulary` are the words to be found, `plain_words` further rightly spelt words, commonest first.
    """

    def __init__(
        self,
        vocabulary: Iterable[str],
        ordinary_words: Iterable[str],
        plain_words: Iterable[str] = (),
        shortest: int = 3,
    ) -> None:
        plain_words = list(plain_words)
        self._known = frozenset(vocabulary)
        self._ordinary = frozenset(ordinary_words) | frozenset(plain_words)
        self._shortest = shortest
        self._likely = LikelyWords(
            dict.fromkeys([*plain_words, *sorted(self._known)]),
            lambda word: shortest <= len(word) <= LONGEST and word.isalpha(),
        )

    def respell(self, word: str) -> str | None:
        """The listed word meant, or None where the word stands for itself."""
        if not self._shortest - 1 <= len(word) <= LONGEST or word in self._known or not word.isalpha():
            return None
        if word.endswith("in") and f"{word}g" in self._known:
            return f"{word}g"
        if word in self._ordinary:
            return None
        return self._likely.likeliest(word)


def cost_of_slip(written: str, meant: str) -> float | None:
    """How unlikely it is to write the one for the other by one slip; None when it takes more than one."""
    if abs(len(written) - len(meant)) > 1 or written == meant:
        return None
    start = 0
    while start < min(len(written), len(meant)) and written[start] == meant[start]:
        start += 1
    rest, rest_meant = written[start:], meant[start:]
    first = FIRST_LETTER if start == 0 else 0.0
    if rest == rest_meant[1:]:
        return LETTER_LEFT_OUT + first
    if rest[1:] == rest_meant:
        return LETTER_TOO_MANY + first
    if rest[1:] == rest_meant[1:]:
        return first + (KEY_BESIDE if are_keys_beside(rest[0], rest_meant[0]) else ANOTHER_LETTER)
    if rest[1::-1] == rest_meant[:2] and rest[2:] == rest_meant[2:]:
        return LETTERS_SWAPPED
    return None


def are_keys_beside(one: str, other: str) -> bool:
    """Whether two letters stand beside, above or below each other on a keyboard."""
    if one not in PLACE_OF_KEY or other not in PLACE_OF_KEY:
        return False
    (row, place), (other_row, other_place) = PLACE_OF_KEY[one], PLACE_OF_KEY[other]
    return abs(row - other_row) <= 1 and abs(place - other_place) <= 1


def one_letter_less(word: str) -> set[str]:
    """The word itself and each form of it with one letter left out."""
    return {word, *(word[:place] + word[place + 1 :] for place in range(len(word)))}
