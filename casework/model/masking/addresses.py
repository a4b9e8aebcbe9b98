"""A house number with the street behind it, and flats: where somebody lives."""

import re
from collections.abc import Iterator

from casework.model.masking import Layer, MaskKind
from casework.model.masking.lexicon import Lexicon
from casework.model.masking.views import Found, View, words_of
from casework.model.readable_text import squeeze_letters
from casework.model.spelling_slips import cost_of_slip

_STREET_WORDS = words_of(
    "street st str road rd avenue ave av lane ln drive dr crescent cres terrace terr gardens gdns grove"
    " mews wynd vennel alley"
)
_WEAK_STREET_WORDS = words_of(
    "close cl way court ct place pl square sq hill park row walk view rise parade green house lodge"
    " mansions wharf quay heights villas drove estate gate croft mead meadow fields bank vale side end"
    " yard buildings brae boulevard blvd promenade esplanade heath common orchard quadrant circus parkway"
    " mount meadows loft lofts gables elms oaks laurels hollies willows firs beeches cedars limes"
    " poplars nook dell glen ridge"
    " bend corner steps broadway spinney copse chase glade glebe garth fold brow mills moor holt"
    " hurst dale reach strand"
    " loop mill point crossing parc cwrt broad pastures landings maltings pightle twitten ginnel snicket gait"
)
_STREETS_BEFORE = frozenset(words_of("heol stryd ffordd lon clos maes rhodfa"))
_SQUEEZED_STREETS = frozenset(
    squeeze_letters(word) for word in _STREET_WORDS if squeeze_letters(word) != word
)
_STREETS_TO_MISSPELL = tuple(word for word in (*_STREET_WORDS, *_WEAK_STREET_WORDS) if len(word) > 3)
NUMBER_WORDS = (
    r"(?:(?:(?:a|one|two|three) hundred(?: and)? )?(?:"
    r"(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:[\s-](?:one|two|three|four|five|six|seven|eight|nine))?"
    r"|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen))"
)
_STREET = re.compile(
    r"(?<![0-9a-z£.:/])(?:(?:flat|apartment|apt|unit|room)\s{0,2}[0-9]{1,4}[a-z]?[\s,]{1,3})?"
    r"(?:(?:number|num|no\.?|nr|house number|house no)\s{0,2})?"
    rf"(?:[0-9]{{1,4}}(?:\s?-\s?[0-9]{{1,4}})?\s?[a-h]?|{NUMBER_WORDS}(?:\s[a-h])?)[\s,]{{1,3}}"
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


# "live at 19 samplw strret", "moved to fourteen mockery": behind such a word any name is a street.
_SAID_HOUSE = re.compile(
    r"(?<![a-z])(?:liv(?:e|es|ing|ed)|add?res+|adrress|moved?|moving|stay(?:s|ing|ed)?|house|home|deliver(?:ed"
    r"|y)?|post(?:ed)?"
    r"|sen[dt]|letters?|come|visit|resides?|based|property|round|registered|lives|over|outside|flat|place|gaff"
    r"|bungalow|back"
    r"|(?:am|i'm|im|is|we're|were|he's|hes|she's|shes|they're|theyre)(?=\sat\s))[\s:,'-]{1,3}"
    r"(?:(?:at|is|now|to|on|in|the|my|our|his|her|its|it's|it|them|me|currently|here|down|up|round|address|live"
    r"|living|still)"
    rf"[\s:,]{{1,3}}){{0,4}}((?:(?:number|no\.?|num|nr)\s)?(?:[0-9]{{1,4}}\s?[a-h]?|{NUMBER_WORDS}))[\s,]{{1,3}}"
    r"((?:the\s)?[a-z][a-z'-]{2,20}(?:\s[a-z][a-z'-]{2,20}){0,3})"
)
# "it's", "I've", "don't": no name.
_SHORTENED = re.compile(r"(?:i|it|he|she|we|they|you|that|there|who|what)'|n't$")
# "33 Foxglove", "2 Weaver's Loft": a number before words with a capital.
_NUMBERED_NAME = re.compile(
    r"(?<![A-Za-z0-9£$€.:/'-])[0-9]{1,4}[A-Ha-h]?,? ((?:The )?[A-Z][a-z'-]{2,20}(?: [A-Z][a-z'-]{2,20}){0,3})(?![a-z])"
)
_NO_HOUSE_BEFORE = frozenset(
    words_of(
        "section level windows year years grade euro iphone series page part chapter act article form"
        " court class type tier"
        " step stage day bus platform junction galaxy ps xbox model group top size category cat unit"
        " channel bbc itv radio"
        " ford audi bmw vauxhall november october december january february march april may june july august september"
        " about around all other last first next only those these another until since rule right code"
        " clause paragraph schedule"
        " number"
    )
)
_MOST_BEFORE = 14


class Addresses:
    """`lexicon`: its ordinary words name no street unless a plain kind of street follows."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._plain_words = lexicon.plain_words

    def find(self, view: View) -> Iterator[Found]:
        for found in _STREET.finditer(view.lower):
            end = self._end_of_street(view, found)
            if end:
                start = _start_of_house(view, found.start())
                yield Found(start, end, MaskKind.ADDRESS, Layer.SHAPE)
        for found in _FLAT.finditer(view.lower):
            yield Found(*found.span(), MaskKind.ADDRESS, Layer.SHAPE)
        for found in _SAID_HOUSE.finditer(view.lower):
            if end := self._end_of_name(view, found):
                yield Found(found.start(1), end, MaskKind.ADDRESS, Layer.SHAPE)
        if not view.is_shouted:
            for found in _NUMBERED_NAME.finditer(view.text):
                if self._is_house_name(view, found):
                    yield Found(*found.span(), MaskKind.ADDRESS, Layer.SHAPE)

    def _end_of_name(self, view: View, found: re.Match[str]) -> int | None:
        """Where the words behind a number that may name a street end: names, words nobody knows, kinds of street."""
        end, is_named, last = None, True, ""
        for place, word in enumerate(_WORD.finditer(view.lower, *found.span(2))):
            written = word.group().strip("'.-")
            if written == "the" and not place:
                last = written
                continue
            if written in NOT_IN_STREETS or written in self._lexicon.public or _SHORTENED.search(written):
                break
            has_capital = view.text[word.start()].isupper() and not view.is_shouted
            is_named = is_named and (has_capital or not self._lexicon.is_word(written))
            is_street = last not in ("", "the") and self._is_street(written, may_slip=True)
            if is_named or is_street:
                end = word.start() + len(written)
            last = written
        return end

    def _is_house_name(self, view: View, found: re.Match[str]) -> bool:
        words = [word.lower() for word in re.findall(r"[A-Za-z']+", found[1])]
        names = [word.replace("'", "") for word in words if word != "the"]
        before = re.findall(r"[a-z]+", view.lower[max(0, found.start() - _MOST_BEFORE) : found.start()])
        if not names or (before and before[-1] in _NO_HOUSE_BEFORE):
            return False
        lexicon = self._lexicon
        if any(word in NOT_IN_STREETS or word in lexicon.public or word in lexicon.titles for word in names):
            return False
        is_known = all(lexicon.is_listed(word) or lexicon.is_name(word) for word in names)
        return not is_known or (len(names) > 1 and any(word in _WEAK_STREET_WORDS for word in names[1:]))

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
        # "streeet": a letter held too long.
        if word in _STREET_WORDS or word in _WEAK_STREET_WORDS or squeeze_letters(word) in _SQUEEZED_STREETS:
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
