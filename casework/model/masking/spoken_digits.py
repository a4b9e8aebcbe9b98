"""Numbers said in words, or spaced out figure by figure: "oh double seven hundred", "0 7 7 0 0", "O77OO"."""

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass

from casework.model.masking import Layer, MaskKind
from casework.model.masking.dates import Dates
from casework.model.masking.numbers import FEWEST_DIGITS, name_digits
from casework.model.masking.shapes import match_spelled
from casework.model.masking.views import Found, View, words_of

_DIGITS = {
    "zero": "0", "oh": "0", "o": "0", "ow": "0", "nought": "0", "naught": "0", "nil": "0", "nowt": "0", "zeros": "0",
    "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8",
    "nine": "9", "wun": "1", "thre": "3", "fore": "4", "fiv": "5", "sevn": "7", "seve": "7", "eigt": "8",
    "eigth": "8", "ate": "8", "nien": "9", "nin": "9", "niner": "9", "ohh": "0", "noughts": "0", "sven": "7",
    "zeroes": "0", "ones": "1", "twos": "2", "threes": "3", "fours": "4", "fives": "5", "sixes": "6", "sevens": "7",
    "eights": "8", "nines": "9", "wan": "1", "ane": "1", "yin": "1", "twa": "2", "twae": "2", "fower": "4",
    "fowr": "4", "fahve": "5", "sax": "6", "sivin": "7", "seevin": "7", "seeven": "7", "eicht": "8", "aicht": "8",
    "echt": "8", "nocht": "0", "dim": "0", "treble": "", "to": "2", "too": "2", "for": "4", "won": "1",
}  # fmt: skip
# A slip or a homophone counts amid figures only: "to", "for" and "won" are mostly what they say.
_WEAK = frozenset(
    {"to", "too", "for", "won", "ate", "fore", "ow", "nowt", "nin", "seve", "o", "oh", "dim", "wan"}
)
_TEENS = {
    "ten": "10", "eleven": "11", "twelve": "12", "thirteen": "13", "fourteen": "14", "fifteen": "15",
    "sixteen": "16", "seventeen": "17", "eighteen": "18", "nineteen": "19",
}  # fmt: skip
TENS = {
    "twenty": "2", "thirty": "3", "forty": "4", "fourty": "4", "fifty": "5", "sixty": "6", "seventy": "7",
    "eighty": "8", "ninety": "9", "ninty": "9", "twenny": "2", "twinty": "2", "thirtie": "3", "fufty": "5",
    "saxty": "6", "seeventy": "7", "aichty": "8", "nintie": "9",
}  # fmt: skip
TIMES = {
    "double": 2,
    "dubble": 2,
    "dbl": 2,
    "treble": 3,
    "triple": 3,
    "tripple": 3,
    "trebble": 3,
    "quadruple": 4,
}
_JOINING = frozenset({"to", "too", "for", "and"})
_HUNDREDS = frozenset({"hundred", "hundered", "hundrd", "hunderd"})
_BETWEEN = frozenset(
    {
        "then",
        "dash",
        "hyphen",
        "space",
        "gap",
        "stroke",
        "slash",
        "dot",
        "comma",
        "er",
        "erm",
        "um",
        "and",
        "plus",
        "followed",
        "by",
        "sorry",
        "next",
    }
)
LETTER_NAMES = {
    word: word[0]
    for word in words_of(
        "alpha alfa bravo charlie delta echo foxtrot golf hotel india juliet juliett kilo lima mike"
        " november oscar papa quebec romeo sierra tango uniform victor whiskey whisky xray yankee zulu zed"
        " zee"
    )
}
_GAP = re.compile(r"[\s,.\-/:;()_*+]{0,4}")
_PIECE = re.compile(r"[0-9]{1,20}|[a-z]{1,12}")
# Figures and letters taken for figures, in one word: O77OO9OO123.
_MIXED = re.compile(r"(?<![a-z0-9])[0-9oli|]{2,20}(?![a-z0-9])")
_LOOK_ALIKE = str.maketrans("oli|", "0111")
_LONGEST_SPELLED = 12


def read_figure(word: str) -> str:
    """The figures a word says: "7", "17" or "70"; "" for one that says none."""
    return _DIGITS.get(word) or _TEENS.get(word) or (TENS[word] + "0" if word in TENS else "")


def is_hundred(word: str) -> bool:
    """Whether it says two noughts, however it is spelt."""
    return word in _HUNDREDS


@dataclass(frozen=True, slots=True)
class _Piece:
    """One word or figure of the text; `digits` is what it adds ("" for one that only joins), None for a letter."""

    start: int
    end: int
    word: str
    digits: str | None
    is_figures: bool = False
    letter: str = ""
    is_weak: bool = False


def find_spoken(view: View, plain_words: Container[str], dates: Dates) -> list[Found]:
    """Runs that come to six digits or more, or that spell a postcode, a plate or a number of insurance."""
    kept = bytearray(len(view.lower))
    for start, end in dates.kept:
        kept[start:end] = b"\x01" * (end - start)
    found: list[Found] = []
    for run in _runs(view, kept):
        found.extend(_read_run(run))
        found.extend(_read_spelled(run, plain_words))
    return found


def _runs(view: View, kept: bytearray) -> Iterator[list[_Piece]]:
    """Pieces one behind the other with nothing between them that a number is not written with."""
    lower = view.lower
    run: list[_Piece] = []
    place = 0
    while place < len(lower):
        piece = _piece_at(lower, place) if not kept[place] else None
        if piece is None:
            gap = _GAP.match(lower, place)
            end = gap.end() if gap and gap.end() > place and not kept[place] else place
            if end == place or not run:
                if run:
                    yield run
                    run = []
                place = _skip(lower, place)
                continue
            place = end
            if gap and len(gap.group()) >= 4:
                yield run
                run = []
            continue
        if run and lower[run[-1].end : piece.start] == "" and (run[-1].letter and piece.letter):
            run = []
        run.append(piece)
        place = piece.end
    if run:
        yield run


def _skip(lower: str, place: int) -> int:
    """Past the rest of a word that is no part of a number, or past one other character."""
    word = re.compile(r"[^\W\d_]+'?").match(lower, place)
    return word.end() if word else place + 1


def _piece_at(lower: str, place: int) -> _Piece | None:
    if place and lower[place - 1].isalpha() and lower[place].isalpha():
        return None
    if (mixed := _MIXED.match(lower, place)) and sum(map(str.isdigit, mixed.group())) * 3 >= len(
        mixed.group()
    ):
        digits = mixed.group().translate(_LOOK_ALIKE)
        return _Piece(place, mixed.end(), mixed.group(), digits, is_figures=mixed.group().isdigit())
    found = _PIECE.match(lower, place)
    if found is None:
        return None
    word, end = found.group(), found.end()
    if end < len(lower) and (lower[end].isalpha() or lower[end] == "'") and word.isalpha():
        return None
    if word.isdigit():
        return _Piece(place, end, word, word, is_figures=True)
    letter = LETTER_NAMES.get(word) or (word if len(word) <= 3 else "")
    if word in _DIGITS or word in _TEENS or word in TENS or word in TIMES or word in _HUNDREDS:
        return _Piece(place, end, word, "", letter=letter, is_weak=word in _WEAK)
    if word in _BETWEEN or letter:
        return _Piece(place, end, word, None if word not in _BETWEEN else "", letter=letter)
    return None


def _read_run(run: list[_Piece]) -> Iterator[Found]:
    """The stretches of a run that read as digits, letters apart."""
    stretch: list[_Piece] = []
    for piece in (*run, None):
        if piece is not None and piece.digits is not None:
            stretch.append(piece)
            continue
        yield from _read_stretch(stretch)
        stretch = []


def _read_stretch(stretch: list[_Piece]) -> Iterator[Found]:
    while stretch and (stretch[0].word in _BETWEEN or _is_a_word(stretch, 0)):
        stretch = stretch[1:]
    while stretch and (stretch[-1].word in _BETWEEN or _is_a_word(stretch, len(stretch) - 1)):
        stretch = stretch[:-1]
    # Figures alone are a matter of shape, unless they come one by one or with letters for noughts.
    # So are years and ages with "to" or "and" between.
    if all((piece.is_figures and len(piece.word) > 1) or piece.word in _JOINING for piece in stretch):
        return
    digits = _to_digits(stretch)
    kind = name_digits(digits)
    # "999 and then 101" are two short numbers; "07700 then 900 then 123" is one long.
    is_of_figures = all(
        (piece.is_figures and len(piece.word) > 1) or piece.word in _BETWEEN for piece in stretch
    )
    if is_of_figures and kind not in (MaskKind.PHONE, MaskKind.REFERENCE, MaskKind.NHS):
        return
    if len(digits) >= FEWEST_DIGITS:
        yield Found(stretch[0].start, stretch[-1].end, kind, Layer.SPOKEN, (digits,))


def _is_a_word(stretch: list[_Piece], place: int) -> bool:
    """ "to", "for" or "won" at an end of a run says what it says; "oh" and "o" begin a number."""
    return stretch[place].word in ("to", "too", "for", "won", "ate", "fore", "nowt")


def _to_digits(stretch: list[_Piece]) -> str:
    made: list[str] = []
    times, last_tens = 1, False
    for piece in stretch:
        word = piece.word
        if word in _BETWEEN:
            continue
        if word in TIMES:
            times = TIMES[word]
            continue
        if word in _HUNDREDS:
            made.append("00")
            last_tens = False
            continue
        if word in TENS:
            made.append(TENS[word] + "0")
            times, last_tens = 1, True
            continue
        digits = piece.digits or _DIGITS.get(word) or _TEENS.get(word, "")
        if last_tens and len(digits) == 1 and digits != "0" and times == 1:
            made[-1] = made[-1][0] + digits
        else:
            made.append(digits[:1] * times + digits[1:])
        times, last_tens = 1, False
    return "".join(made)


def _read_spelled(run: list[_Piece], plain_words: Container[str]) -> Iterator[Found]:
    """Windows of letters and digits said one after the other that come to something with a shape."""
    start = 0
    while start < len(run):
        best = _longest_spelled(run[start : start + _LONGEST_SPELLED], plain_words)
        if best is None:
            start += 1
            continue
        count, kind, characters = best
        yield Found(run[start].start, run[start + count - 1].end, kind, Layer.SPOKEN, (characters,))
        start += count


def _longest_spelled(pieces: list[_Piece], plain_words: Container[str]) -> tuple[int, MaskKind, str] | None:
    best: tuple[int, MaskKind, str] | None = None
    characters = ""
    said = 0
    for place, piece in enumerate(pieces):
        # "oh" is a nought, and after "double" anything is a figure; "o" may be the letter.
        is_figure = not piece.is_weak or (
            place > 0 and (piece.word == "oh" or pieces[place - 1].word in TIMES)
        )
        digits = _to_digits(pieces[place : place + 1]) if piece.digits is not None and is_figure else ""
        if place and pieces[place - 1].word in TIMES:
            digits = digits * TIMES[pieces[place - 1].word]
        if piece.word in TENS and place + 1 < len(pieces) and pieces[place + 1].word in _DIGITS:
            digits = digits[:1]
        is_word = piece.word in plain_words and len(set(piece.word)) > 1 and piece.word not in LETTER_NAMES
        if not digits and piece.word not in TIMES and piece.word not in _BETWEEN:
            if is_word or not piece.letter:
                break
            characters += piece.letter
        elif place == 0 and piece.word in _BETWEEN:
            break
        else:
            characters += digits
        said += bool(digits and not piece.is_figures) or len(piece.letter) == 1
        if len(characters) > _LONGEST_SPELLED:
            break
        if len(characters) >= 5 and said >= 2 and (kind := match_spelled(characters)):
            best = (place + 1, kind, characters)
    return best
