"""Codes told piece by piece, letters and figures mixed: "Q for Quebec twice, nine nine", "QZ 9900 4411 0GB".

Whatever they are the number of. A run counts when nothing but a code is told so: enough figures beside letters that
are no word, or fewer behind a word that says what they are.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from casework.model.masking import Layer, MaskKind
from casework.model.masking.codes import SAYS_CODE, UNITS, end_with_country
from casework.model.masking.dates import Dates
from casework.model.masking.digit_words import LETTER_NAMES, TENS, TIMES, is_hundred, read_figure
from casework.model.masking.lexicon import Lexicon
from casework.model.masking.shapes import match_spelled
from casework.model.masking.views import SMALL_WORDS, Found, View, words_of

_TOKEN = re.compile(r"[a-z]+|[0-9]+|[?*]{1,4}")
_GAP = re.compile(r"[\s,.\-/:;()_#\"'+\\]{0,4}")
# Said between the pieces of a code, and never its end.
_FILLERS = frozenset(
    words_of(
        "then and again dash hyphen space gap stroke slash forward dot point er erm um with another next followed by"
        " capital capitals letter letters number numbers lower upper case small big something the"
    )
)
# A letter told by a word that begins with it: "b for bertie", "q as in queen", "s like sugar".
_TOLD_BY = (("for",), ("as", "in"), ("like",), ("is", "for"))
_TWICE = {"twice": 2, "thrice": 3}
_COUNTS = {**TIMES, "two": 2, "three": 3}
# Figures that are mostly the word they sound like.
_HOMOPHONES = frozenset({"to", "too", "for", "won", "ate", "fore", "wan", "dim", "nin", "nowt"})
# Single letters that text speak writes for words, and those that are words.
_WORD_LETTERS = frozenset("ai")
# Roads, sections of an act, decades: letters and figures that are no code.
_NO_CODE = re.compile(r"(?:(?:[abmjs][0-9]{1,4}|[0-9]{2,4}s|and)[\s,/&]{0,3}){1,10}")
_NO_LETTERS = frozenset(
    words_of(
        "nr inc tel mob dob pls plz thx tnx lol omg wtf idk tbh smh ffs btw gbh abh tho cos coz bcs bc ppl msg txt pic"
        " vid xx xxx lads hrs sum wat wen wot dat dis dey nd bin gd bk bt jst rly yh nah ta aye wee ref"
    )
)
_TEXT_SPEAK = re.compile(
    r"(?:m8|gr8|l8r?|b4|w8|h8|str8|2day|2nite|2moro|4u|2u|u2|u4|4eva|[0-9](?:st|nd|rd|th))(?![a-z0-9])"
)
_LONGEST_GROUP = 3
_LONGEST_IN_CAPITALS = 6
_MOST_PIECES = 40
_REACH = 44


@dataclass(frozen=True, slots=True)
class _Piece:
    """One thing told of a code. `characters`: the letters and figures it stands for, "" for a filler.

    `is_said`: told one by one or by a word. `is_weak`: mostly another word. `is_group`: small letters, which a short
    word may be too.
    """

    start: int
    end: int
    characters: str
    is_said: bool = False
    is_weak: bool = False
    is_group: bool = False


def find_told(view: View, lexicon: Lexicon, dates: Dates) -> Iterator[Found]:
    """Runs of pieces that come to a code; what is in `dates.kept` ends a run."""
    kept = bytearray(len(view.lower))
    for start, end in dates.kept:
        kept[start:end] = b"\x01" * (end - start)
    for run in _runs(view, lexicon, kept):
        is_named = SAYS_CODE.search(view.lower, max(0, run[0].start - _REACH), run[0].start) is not None
        trimmed = _trim(view, run, is_named=is_named)
        characters = "".join(piece.characters for piece in trimmed)
        if trimmed and _is_code(view, trimmed, characters, is_named=is_named):
            kind = match_spelled(characters) or MaskKind.NUMBER
            end = end_with_country(view.lower, trimmed[0].start, trimmed[-1].end)
            yield Found(trimmed[0].start, end, kind, Layer.SPOKEN, (characters,))


def _runs(view: View, lexicon: Lexicon, kept: bytearray) -> Iterator[list[_Piece]]:
    tokens = [token for token in _TOKEN.finditer(view.lower) if not kept[token.start()]]
    run: list[_Piece] = []
    place = 0
    while place < len(tokens):
        piece, used = _read_piece(view, tokens, place, lexicon)
        is_joined = bool(run) and _GAP.fullmatch(view.lower, run[-1].end, tokens[place].start()) is not None
        if run and (piece is None or not is_joined or len(run) >= _MOST_PIECES):
            yield run
            run = []
        if piece is not None:
            run.append(piece)
        place += used
    if run:
        yield run


def _read_piece(
    view: View, tokens: list[re.Match[str]], place: int, lexicon: Lexicon
) -> tuple[_Piece | None, int]:
    """What the token there stands for, and of how many tokens that takes; None for no part of a code."""
    token = tokens[place]
    word, (start, end) = token.group(), token.span()
    if word[0] in "?*":
        is_within = view.lower[start - 1 : start].isalnum() or view.lower[end : end + 1].isalnum()
        return (_Piece(start, end, "?" * len(word)), 1) if is_within else (None, 1)
    if word.isdigit():
        return _Piece(start, end, word), 1
    if _TEXT_SPEAK.match(view.lower, start) or view.lower.startswith("o'cl", start):
        return None, 1 + (place + 1 < len(tokens) and tokens[place + 1].start() == end)
    following = tokens[place + 1].group() if place + 1 < len(tokens) else ""
    if word in _COUNTS and (letter := _letter_of(following)) and word != following:
        return _Piece(start, tokens[place + 1].end(), letter * _COUNTS[word], is_said=True), 2
    if word == "double" and following == "you":
        return _Piece(start, tokens[place + 1].end(), "w", is_said=True), 2
    if word in TIMES and following.isdigit():
        return _Piece(start, tokens[place + 1].end(), following[0] * (TIMES[word] - 1) + following), 2
    if word in TIMES:
        said = read_figure(following)
        if said:
            return _Piece(start, tokens[place + 1].end(), said[0] * (TIMES[word] - 1) + said, is_said=True), 2
    if len(word) == 1 and (told := _told_by(tokens, place)):
        characters, used = told
        return _Piece(start, tokens[place + used - 1].end(), characters, is_said=True), used
    if is_hundred(word):
        return _Piece(start, end, "00", is_said=True), 1
    if word in TENS and (ones := read_figure(following)) and len(ones) == 1 and ones != "0":
        return _Piece(start, tokens[place + 1].end(), TENS[word] + ones, is_said=True), 2
    if figure := read_figure(word):
        return _Piece(start, end, figure, is_said=True, is_weak=word in _HOMOPHONES), 1
    if word in LETTER_NAMES:
        return _Piece(start, end, LETTER_NAMES[word], is_said=True), 1
    if word in _FILLERS:
        return _Piece(start, end, ""), 1
    if _is_letters(view, token, lexicon):
        is_group = len(set(word)) > 1 and not view.text[start:end].isupper()
        is_single = len(word) == 1
        return _Piece(start, end, word, is_single, _is_weak(view, token), is_group), 1
    return None, 1


def _letter_of(word: str) -> str:
    """ "q", "qs", "tee": the letter that is told, "" for anything else."""
    return LETTER_NAMES.get(word) or (
        word[0] if len(word) == 1 or (len(word) == 2 and word[1] == "s" and word not in SMALL_WORDS) else ""
    )


def _told_by(tokens: list[re.Match[str]], place: int) -> tuple[str, int] | None:
    """The letter at `place` where a word that begins with it follows, as often as it is told, with the tokens used."""
    letter = tokens[place].group()
    words = [token.group() for token in tokens[place + 1 : place + 6]]
    for joining in _TOLD_BY:
        count = len(joining)
        if tuple(words[:count]) == joining and len(words) > count and words[count].startswith(letter):
            if len(words[count]) < 2:
                return None
            again = _TWICE.get(words[count + 1], 0) if len(words) > count + 1 else 0
            return letter * max(again, 1), count + 2 + bool(again)
    return None


def _is_letters(view: View, token: re.Match[str], lexicon: Lexicon) -> bool:
    """Whether letters in one group are no word: "zz", "qkv", "WBX" in capitals."""
    word = token.group()
    start, end = token.span()
    if "'" in (view.lower[start - 1 : start], view.lower[end : end + 1]) or word in _NO_LETTERS:
        return False
    if len(word) == 1:
        return not (word == "s" and view.lower[start - 1 : start].isdigit())
    if len(set(word)) == 1:
        return len(word) <= _LONGEST_GROUP
    is_upper = view.text[start:end].isupper() and not view.is_shouted
    if word in SMALL_WORDS or word in UNITS:
        return is_upper and (word not in UNITS or view.lower[start - 1 : start].isdigit())
    if len(word) <= _LONGEST_GROUP and not lexicon.is_listed(word):
        return True
    return is_upper and len(word) <= _LONGEST_IN_CAPITALS and not lexicon.is_listed(word)


def _is_weak(view: View, token: re.Match[str]) -> bool:
    """ "a" and "I" are words, unless a capital says that a letter is told; "x" is a kiss."""
    word, start = token.group(), token.start()
    if word == "x" and view.text[start] == "x":
        return True
    return word in _WORD_LETTERS and (word == "i" or view.is_shouted or not view.text[start].isupper())


def _trim(view: View, run: list[_Piece], *, is_named: bool) -> list[_Piece]:
    """Without what stands at its ends and is no part of it: fillers, "a" and "I", "to" and "for", counts."""
    start, end = 0, len(run)
    while start < end and (_is_loose(run[start], is_named=is_named) or _is_a_count(run, start)):
        start += 1
    while (
        end > start and _is_loose(run[end - 1], is_named=is_named) and not _ends_in_letter(view, run[end - 1])
    ):
        end -= 1
    if end - start > 1 and run[end - 1].characters.isdigit():
        following = _TOKEN.search(view.text, run[end - 1].end, run[end - 1].end + 14)
        if following and following.group() in UNITS:
            end -= 1
    return run[start:end]


def _is_loose(piece: _Piece, *, is_named: bool) -> bool:
    """Whether it belongs to a code only between two other pieces of it."""
    if not piece.characters or piece.is_weak or piece.characters[0] == "?":
        return True
    return piece.is_group and not is_named


def _is_a_count(run: list[_Piece], place: int) -> bool:
    """ "one, BS3621", "20s, one with": a number before a filler or a comma, and no other figure said behind it."""
    behind = run[place + 1] if place + 1 < len(run) else None
    return (
        behind is not None and run[place].is_said and run[place].characters.isdigit() and not behind.is_said
    )


def _ends_in_letter(view: View, piece: _Piece) -> bool:
    behind = view.lower[piece.end : piece.end + 2].strip()
    return piece.characters == "a" and behind[:1] in ("", ".", ",", ")")


def _is_code(view: View, run: list[_Piece], characters: str, *, is_named: bool) -> bool:
    letters = sum(map(str.isalpha, characters))
    digits = sum(map(str.isdigit, characters))
    said = sum(piece.is_said for piece in run)
    if not digits or len(run) < 2:
        return False
    if _NO_CODE.fullmatch(view.lower, run[0].start, run[-1].end):
        return False
    if len(run) == 2 and run[0].characters.isdigit() and 0 < letters <= _LONGEST_GROUP:
        return is_named and digits > 2 and run[1].characters not in UNITS
    if not letters:
        return is_named and said >= 2 and digits >= 3
    # Single letters and figures in small letters may be text speak: "c u 2 4 t".
    is_short = all(len(piece.characters) <= 1 for piece in run)
    if is_named and len(characters) >= 4 and digits >= (3 if is_short else 2):
        return True
    if is_short and not any(len(view.lower[piece.start : piece.end]) > 1 for piece in run):
        return digits >= 4 and letters >= 2
    return (digits >= 4 and len(characters) >= 6) or (digits >= 2 and letters >= 2 and said >= 4)
