"""Numbers said in words, or spaced out figure by figure: "oh double seven hundred", "0 7 7 0 0", "O77OO"."""

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass

from casework.model.masking import Layer, MaskKind
from casework.model.masking.dates import Dates
from casework.model.masking.digit_words import (
    BETWEEN,
    DIGITS,
    HUNDREDS,
    JOINING,
    LETTER_NAMES,
    TEENS,
    TENS,
    TIMES,
    WEAK,
    WORDS_AT_AN_END,
)
from casework.model.masking.numbers import FEWEST_DIGITS, name_digits
from casework.model.masking.shapes import match_spelled
from casework.model.masking.views import Found, View

_GAP = re.compile(r"[\s,.\-/:;()_*+~|&=']{0,8}")
_LONGEST_GAP = 8
# What is said while somebody looks the rest up.
_PAUSE = re.compile(
    r"(?:let me (?:see|think|check|look)|hang on|hold on|one (?:moment|sec|second|minute)|wait(?: a (?:minute"
    r"|sec|moment))?"
    r"|pauses?|got (?:that|it)|ok(?:ay)?|right|yes|yeah|aye|new line)(?![a-z'])"
)
_PIECE = re.compile(r"[0-9]{1,20}|[a-z]{1,12}")
# Figures and letters taken for figures, in one word: O77OO9OO123.
_MIXED = re.compile(r"(?<![a-z0-9])[0-9oli|]{2,20}(?![a-z0-9])")
_LOOK_ALIKE = str.maketrans("oli|", "0111")
_LONGEST_SPELLED = 12
_FIGURES_OF_A_PHONE = 11
_SURE_POSTCODE = 6


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
            if gap and len(gap.group()) >= _LONGEST_GAP:
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
    if lower[place] in "lhowpgryan" and (pause := _PAUSE.match(lower, place)):
        return _Piece(place, pause.end(), "pause", "")
    found = _PIECE.match(lower, place)
    if found is None:
        return None
    word, end = found.group(), found.end()
    if end < len(lower) and (lower[end].isalpha() or lower[end] == "'") and word.isalpha():
        return None
    if word.isdigit():
        return _Piece(place, end, word, word, is_figures=True)
    letter = LETTER_NAMES.get(word) or (word if len(word) <= 3 else "")
    if word in DIGITS or word in TEENS or word in TENS or word in TIMES or word in HUNDREDS:
        return _Piece(place, end, word, "", letter=letter, is_weak=word in WEAK)
    if word in BETWEEN or letter:
        return _Piece(place, end, word, None if word not in BETWEEN else "", letter=letter)
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
    is_abroad = stretch and stretch[0].word == "plus" and _to_digits(stretch).startswith("44")
    while stretch and not is_abroad and (stretch[0].word in BETWEEN or stretch[0].word in WORDS_AT_AN_END):
        stretch = stretch[1:]
    while stretch and (stretch[-1].word in BETWEEN or _ends_in_a_word(stretch)):
        stretch = stretch[:-1]
    if not stretch:
        return
    # Figures alone are a matter of shape, unless they come one by one or with letters for noughts.
    # So are years and ages with "to" or "and" between.
    if all((piece.is_figures and len(piece.word) > 1) or piece.word in JOINING for piece in stretch):
        return
    digits = _to_digits(stretch)
    kind = name_digits(digits)
    # "four hundred, then two hundred" are sums.
    is_round = stretch[-1].word in HUNDREDS and digits.count("0") * 3 >= len(digits) * 2
    if is_round and kind is not MaskKind.PHONE:
        return
    # "999 and then 101" are two short numbers; "07700 then 900 then 123" is one long.
    is_of_figures = all(
        (piece.is_figures and len(piece.word) > 1) or piece.word in BETWEEN for piece in stretch
    )
    if is_of_figures and kind not in (MaskKind.PHONE, MaskKind.REFERENCE, MaskKind.NHS):
        return
    if len(digits) >= FEWEST_DIGITS:
        yield Found(stretch[0].start, stretch[-1].end, kind, Layer.SPOKEN, (digits,))


def _ends_in_a_word(stretch: list[_Piece]) -> bool:
    """ "to", "for" or "free" at the end of a run says what it says, unless it is the last figure a phone lacks."""
    return stretch[-1].word in WORDS_AT_AN_END and len(_to_digits(stretch)) != _FIGURES_OF_A_PHONE


def _to_digits(stretch: list[_Piece]) -> str:
    made: list[str] = []
    times, last_tens = 1, False
    for piece in stretch:
        word = piece.word
        if word in BETWEEN:
            continue
        if word in TIMES:
            times = TIMES[word]
            continue
        if word in HUNDREDS:
            made.append("00")
            last_tens = False
            continue
        if word in TENS:
            made.append(TENS[word] + "0")
            times, last_tens = 1, True
            continue
        digits = piece.digits or DIGITS.get(word) or TEENS.get(word, "")
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
        if piece.word in TENS and place + 1 < len(pieces) and pieces[place + 1].word in DIGITS:
            digits = digits[:1]
        is_word = piece.word in plain_words and len(set(piece.word)) > 1 and piece.word not in LETTER_NAMES
        if not digits and piece.word not in TIMES and piece.word not in BETWEEN:
            if is_word or not piece.letter:
                break
            # "double tee": as often as it is told.
            characters += piece.letter * (TIMES.get(pieces[place - 1].word, 1) if place else 1)
        elif place == 0 and piece.word in BETWEEN:
            break
        else:
            characters += digits
        said += bool(digits and not piece.is_figures) or len(piece.letter) == 1
        if len(characters) > _LONGEST_SPELLED:
            break
        kind = match_spelled(characters) if len(characters) >= 5 and said else None
        # "ZZ99 seven TT": one figure in words is enough for what is written like nothing else.
        is_sure = said > 1 or (kind is MaskKind.POSTCODE and len(characters) >= _SURE_POSTCODE)
        if kind and is_sure:
            best = (place + 1, kind, characters)
    return best
