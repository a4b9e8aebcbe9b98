"""What a text must be like before the assistant is taught it, or tested with it.

Nothing is mended here: a text that is refused is reworded by whoever offers it.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from casework.model.folded_words import fold_words

LONGEST = 600
SHINGLE = 4
TOO_ALIKE = 0.6
GRAM = 5

# A line break is part of how people write; everything else that does not print, and what turns the reading order
# round, shows a reader other words than are taught.
ALLOWED_CONTROLS = frozenset("\n")
TURNS_ROUND = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff\ufffe\uffff")
NO_TEXT = frozenset({"Cc", "Cs", "Co", "Zl", "Zp"})
# Rasa reads both as an entity with its name: [tomorrow](date), [tomorrow]{"entity": "date"}, and a list of such.
ENTITY = re.compile(r"\[[^\]]*\]\s*[({\[]")


class Refusal(StrEnum):
    """Why a text is not taught. The first six are of the text alone."""

    VARIABLE = "variable"  # ${...}: Rasa puts a variable of its environment there
    COMMAND = "command"  # a leading "/": Rasa takes it for an intent
    ENTITY = "entity"  # [...](...) or [...]{...}
    CONTROL = "control"  # a character that does not print, or hides how the text reads
    TOO_LONG = "too_long"
    EMPTY = "empty"  # no word is left, or none but what was masked
    NEAR_COPY = "near_copy"  # of a text that is taught or tested with already
    OTHER_SIDE = "other_side"  # its conversation teaches and tests
    COPIED = "copied"  # five words running of a message whose words are never taught as they stand
    PERSONAL = "personal"  # something that should be masked is not
    LABEL = "label"  # no wish and no category that exists


def check(text: str, *, masked: Sequence[tuple[int, int]] = ()) -> list[str]:
    """Codes of `Refusal`, in a fixed order; empty where the text may be taught.

    `masked`: where the invented values stand in it (start and end, code points): with nothing but those it is empty.
    """
    found = {
        Refusal.VARIABLE: "${" in text,
        Refusal.COMMAND: text.lstrip().startswith("/"),
        Refusal.ENTITY: ENTITY.search(text) is not None,
        Refusal.CONTROL: any(_is_control(character) for character in text),
        Refusal.TOO_LONG: len(text) > LONGEST,
        Refusal.EMPTY: not fold_words(leave_out(text, masked)),
    }
    return [refusal.value for refusal, is_so in found.items() if is_so]


def _is_control(character: str) -> bool:
    if character in ALLOWED_CONTROLS:
        return False
    return character in TURNS_ROUND or unicodedata.category(character) in NO_TEXT


def leave_out(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """The text without those spans (start, end), a space in the place of each."""
    kept, place = [], 0
    for start, end in sorted(spans):
        kept.append(text[place : max(start, place)])
        place = max(place, end)
    return " ".join([*kept, text[place:]])


def letter_groups(text: str) -> frozenset[str]:
    """Every run of 4 of its small letters and digits; of a text too short for that, itself."""
    letters = re.sub(r"[^a-z0-9]+", " ", text.casefold()).strip()
    if len(letters) < 2 * SHINGLE:
        return frozenset({f"={letters}"})
    return frozenset(letters[i : i + SHINGLE] for i in range(len(letters) - SHINGLE + 1))


def find_near_copies(texts: Sequence[str], known: Iterable[str]) -> dict[int, str]:
    """Which of `texts`, by place, is nearly one of `known` (Jaccard index of the letter groups from 0.6), and of which.

    Made for a few texts against very many: the few are indexed, the many read once (about 30 microseconds each).
    """
    groups_of = [letter_groups(text) for text in texts]
    having: dict[str, list[int]] = defaultdict(list)
    for place, groups in enumerate(groups_of):
        for group in groups:
            having[group].append(place)
    found: dict[int, str] = {}
    for other in known:
        groups = letter_groups(other)
        for place in _find_alike(groups, groups_of, having):
            found.setdefault(place, other)
    return found


def find_copies_within(texts: Sequence[str]) -> dict[int, int]:
    """Which of `texts` is nearly an earlier one that stays, and which that is."""
    found: dict[int, int] = {}
    groups_of: list[frozenset[str]] = []
    having: dict[str, list[int]] = defaultdict(list)
    for place, text in enumerate(texts):
        groups = letter_groups(text)
        groups_of.append(groups)
        alike = _find_alike(groups, groups_of, having)
        if alike:
            found[place] = min(alike)
            continue
        for group in groups:
            having[group].append(place)
    return found


def _find_alike(
    groups: frozenset[str], groups_of: Sequence[frozenset[str]], having: Mapping[str, Sequence[int]]
) -> list[int]:
    shared: dict[int, int] = {}
    for group in groups:
        for place in having.get(group, ()):
            shared[place] = shared.get(place, 0) + 1
    return [
        place
        for place, count in shared.items()
        if count >= TOO_ALIKE * (len(groups) + len(groups_of[place]) - count)
    ]


def five_words(text: str, *, masked: Sequence[tuple[int, int]] = ()) -> frozenset[str]:
    """Every five folded words running, none of them across a masked value."""
    grams: set[str] = set()
    place = 0
    for start, end in [*sorted(masked), (len(text), len(text))]:
        words = fold_words(text[place : max(start, place)])
        grams.update(" ".join(words[i : i + GRAM]) for i in range(len(words) - GRAM + 1))
        place = max(place, end)
    return frozenset(grams)
