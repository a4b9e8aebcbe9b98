"""Whether a word is a name of the case, written wrong or cut short: one slip, other vowels, "Fatou" for "Fatoumata"."""

import re

from casework.model.readable_text import squeeze_letters
from casework.model.spelling_slips import cost_of_slip

# From here on one slip is borne by any word, and from there on two.
_LONG, _VERY_LONG = 6, 8
_SHORTEST_WITH_SLIP = 4
_SHORTEST_SKELETON = 3
_SHORTEST_CUT = 3
# "Harps", "Marky", "Hamie", "Daveo".
_PET_ENDINGS = ("ers", "ey", "ie", "er", "sy", "zy", "y", "i", "o", "s", "z", "a", "e", "u", "")
# Gaelic, Welsh, Polish and English ways to write one sound.
_WRITTEN_SOUNDS = (
    ("mh", "v"), ("bh", "v"), ("ph", "f"), ("ck", "k"), ("sch", "s"), ("sz", "s"), ("cz", "c"), ("gh", ""),
    ("dhb", "b"), ("dh", "d"), ("x", "ks"), ("dg", "g"), ("ll", "l"),
)  # fmt: skip
_OPENINGS = {
    **dict.fromkeys("aeiouyj", "a"),
    **dict.fromkeys("ckq", "k"),
    **dict.fromkeys("sz", "s"),
    **dict.fromkeys("fvpw", "f"),
}
_SOUNDS = str.maketrans({"q": "k", "c": "k", "z": "s", "v": "f", **dict.fromkeys("aeiouyhw", None)})


def is_slip(word: str, part: str, *, is_listed: bool) -> bool:
    """`word` is no ordinary word. `is_listed`: another list has it, so that only a sure slip counts."""
    if squeeze_letters(word) == squeeze_letters(part):
        return len(part) >= _SHORTEST_WITH_SLIP or not is_listed
    if len(part) < _SHORTEST_WITH_SLIP or len(word) < _SHORTEST_CUT:
        return False
    if len(part) >= _LONG and cost_of_slip(word, part) is not None:
        return True
    if is_listed or _opening(word) != _opening(part):
        return False
    if word[0] != part[0]:
        return _sounds_alike(word, part)
    if len(word) >= _SHORTEST_WITH_SLIP and cost_of_slip(word, part) is not None:
        return True
    return _sounds_alike(word, part) or _is_cut(word, part) or _is_two_slips(word, part)


def _sounds_alike(word: str, part: str) -> bool:
    """The same consonants in the same order, whatever the vowels: "Kyran", "Baines", "Chaudhry"."""
    if min(len(word), len(part)) < _SHORTEST_WITH_SLIP or abs(len(word) - len(part)) > 3:
        return False
    skeleton = _skeleton(part)
    return len(skeleton) >= _shortest(word, part) and skeleton == _skeleton(word)


def _shortest(word: str, part: str) -> int:
    return _SHORTEST_SKELETON - (word[0] == part[0])


def _skeleton(word: str) -> str:
    # Heard where a name opens, as in "Wiktor"; in "Chowdhury" it is half a vowel.
    word = re.sub("^w", "v", word)
    for written, sound in _WRITTEN_SOUNDS:
        word = word.replace(written, sound)
    return squeeze_letters(word.translate(_SOUNDS))


def _opening(word: str) -> str:
    """The sound a word opens with: "Ciaran" and "Kieran", "Eilidh" and "Ailey", "Iolo" and "Yolo" open alike."""
    return _OPENINGS.get(word[0], word[0])


def _is_cut(word: str, part: str) -> bool:
    for ending in _PET_ENDINGS:
        if word.endswith(ending):
            base = word[: len(word) - len(ending)]
            if _SHORTEST_CUT <= len(base) < len(part) and part.startswith(base):
                return True
    return False


def _is_two_slips(word: str, part: str) -> bool:
    """Whether two letters put in, left out, changed or exchanged make the one into the other."""
    if min(len(word), len(part)) < _VERY_LONG or abs(len(word) - len(part)) > 2 or len(word) > 40:
        return False
    before: list[int] = []
    row = list(range(len(part) + 1))
    for place, letter in enumerate(word, 1):
        new = [place]
        for other, meant in enumerate(part, 1):
            cost = min(row[other] + 1, new[other - 1] + 1, row[other - 1] + (letter != meant))
            if place > 1 and other > 1 and letter == part[other - 2] and word[place - 2] == meant:
                cost = min(cost, before[other - 2] + 1)
            new.append(cost)
        before, row = row, new
    return row[-1] <= 2
