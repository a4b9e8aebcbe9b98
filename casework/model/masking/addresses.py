"""A house number with the street behind it, and flats: where somebody lives."""

import re
from collections.abc import Container, Iterator

from casework.model.masking import Layer, MaskKind
from casework.model.masking.views import Found, View, words_of
from casework.model.spelling_slips import cost_of_slip

_STREET_WORDS = words_of(
    "street st str road rd avenue ave av lane ln drive dr crescent cres terrace terr gardens gdns grove"
    " mews wynd vennel"
)
_WEAK_STREET_WORDS = words_of(
    "close cl way court ct place pl square sq hill park row walk view rise parade green house lodge"
    " mansions wharf quay heights villas drove estate gate croft mead meadow fields bank vale side end"
    " yard buildings brae boulevard blvd promenade esplanade heath common orchard quadrant circus parkway"
    " mount meadows"
)
_STREETS_BEFORE = frozenset(words_of("heol stryd ffordd lon clos maes rhodfa"))
_STREETS_TO_MISSPELL = tuple(word for word in (*_STREET_WORDS, *_WEAK_STREET_WORDS) if len(word) > 3)
_NUMBER_WORDS = (
    r"(?:(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:[\s-](?:one|two|three|four|five"
    r"|six|seven|eight|nine))?"
    r"|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh"
    r"|nine)teen)"
)
_STREET = re.compile(
    r"(?<![0-9a-z£.:/])(?:(?:flat|apartment|apt|unit|room)\s{0,2}[0-9]{1,4}[a-z]?[\s,]{1,3})?"
    r"(?:(?:number|num|no\.?|nr|house number|house no)\s{0,2})?"
    rf"(?:[0-9]{{1,4}}(?:\s?-\s?[0-9]{{1,4}})?\s?[a-h]?|{_NUMBER_WORDS})[\s,]{{1,3}}"
    r"((?:[a-z][a-z'.-]{1,20}\s{1,2}){1,3}[a-z][a-z'-]{1,20})(?![a-z])"
)
_WORD = re.compile(r"[a-z][a-z'.-]{0,20}")
# The house's own name before its number: "The Old Barn, 3 Mock Lane".
_HOUSE_NAME = re.compile(
    r"(?<![a-z])(?:(?:at|in|is|to|of|near|address[\s:]{0,2})\s{1,2}|the\s{1,2})"
    r"((?:[a-z][a-z'-]{0,20}\s{1,2}){0,3}[a-z][a-z'-]{0,20})\s{0,2},\s{0,2}$"
)
_LONGEST_HOUSE_NAME = 72
_ADDRESS_CUE = re.compile(
    r"(?<![a-z])(?:liv(?:e|es|ing|ed)(?: at)?|add?res+|adrress|moved? to|stay(?:s|ing)? at|house is"
    r"|home is|flat is)[a-z\s:,-]{0,12}$"
)
_CUE_REACH = 30
_FLAT = re.compile(
    r"(?<![a-z])(?:flat|apartment|apt)\s{0,2}(?:number\s|no\.?\s?)?[0-9]{1,4}\s?[a-h]?(?![a-z0-9])"
)
NOT_IN_STREETS = frozenset(
    words_of(
        "january february march april may june july august september october november december"
        " a an the on in at of my his her their our your this that these and or to from up down off along"
        " across behind near outside inside over into with by for it was is were minutes minute mins min"
        " weeks week hours hour hrs miles mile days day years year months month times time people men"
        " women lads kids cars police officers doors houses pm am yards metres other more same st nd rd th"
        " i he she we they you me him us them"
    )
)


class Addresses:
    """`plain_words`: ordinary words, which no street is named after unless a plain kind of street follows."""

    def __init__(self, plain_words: Container[str]) -> None:
        self._plain_words = plain_words

    def find(self, view: View) -> Iterator[Found]:
        for found in _STREET.finditer(view.lower):
            end = self._end_of_street(view, found)
            if end:
                start = _start_of_house(view, found.start())
                yield Found(start, end, MaskKind.ADDRESS, Layer.SHAPE)
        for found in _FLAT.finditer(view.lower):
            yield Found(*found.span(), MaskKind.ADDRESS, Layer.SHAPE)

    def _end_of_street(self, view: View, found: re.Match[str]) -> int | None:
        """Where the word stands that says it is a street; None where none of the words behind the number is one."""
        begins = found.start(1)
        words = [(word.group().strip("'.-"), begins + word.start()) for word in _WORD.finditer(found[1])]
        for place, (word, _) in enumerate(words):
            if place and self._is_street(word, may_slip=any(map(str.isdigit, found.group()))):
                before = [name for name, _ in words[:place]]
                is_name = view.text[begins].isupper() or any(name not in self._plain_words for name in before)
                if not is_name and word in _WEAK_STREET_WORDS and not _is_said(view, found.start()):
                    return None
                return self._last_street_word(view, words[place:])
            if word in NOT_IN_STREETS:
                return None
            if word in _STREETS_BEFORE and place + 1 < len(words):
                following, begin = words[place + 1]
                return begin + len(following)
        return None

    def _last_street_word(self, view: View, words: list[tuple[str, int]]) -> int:
        """A street may be named after another kind of place: "Orchard Way", "Park Row", "Church Hill Road"."""
        end = words[0][1] + len(words[0][0])
        for word, start in words[1:]:
            is_written_so = view.text[start].isupper() and not view.is_shouted
            if word not in _STREET_WORDS and not (word in _WEAK_STREET_WORDS and is_written_so):
                break
            end = start + len(word)
        return end

    def _is_street(self, word: str, *, may_slip: bool) -> bool:
        if word in _STREET_WORDS or word in _WEAK_STREET_WORDS:
            return True
        if not may_slip or len(word) < 4 or word in self._plain_words:
            return False
        return any(
            word[0] == right[0] and cost_of_slip(word, right) is not None for right in _STREETS_TO_MISSPELL
        )


def _is_said(view: View, start: int) -> bool:
    """ "live at 4 sample close": with such a word before it an ordinary word is a street too."""
    return _ADDRESS_CUE.search(view.lower, max(0, start - _CUE_REACH), start) is not None


def _start_of_house(view: View, start: int) -> int:
    """Where the house's name before the number begins, if each of its words is written as one; else `start`."""
    before = max(0, start - _LONGEST_HOUSE_NAME)
    found = _HOUSE_NAME.search(view.lower[before:start])
    if found is None or view.is_shouted:
        return start
    begins = before + found.start(1)
    words = _WORD.finditer(view.lower, begins, start)
    return begins if all(view.text[word.start()].isupper() for word in words) else start
