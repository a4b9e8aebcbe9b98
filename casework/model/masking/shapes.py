"""What can be told by its shape alone: numbers, addresses, references, whoever they belong to.

Every quantifier is bounded, so a hostile text costs no more than its length. What is meant (a plate, an account) is
only a name for a page: that it is masked is what counts.
"""

import re
from collections.abc import Callable, Iterable, Iterator

from casework.model.crime_references import FORMATS
from casework.model.masking import MaskKind
from casework.model.masking.addresses import Addresses
from casework.model.masking.codes import Codes
from casework.model.masking.dates import Dates
from casework.model.masking.handles import find_handles
from casework.model.masking.houses import Houses
from casework.model.masking.joined_addresses import join_addresses
from casework.model.masking.lexicon import Lexicon
from casework.model.masking.numbers import break_at, find_numbers, shape, stands_before
from casework.model.masking.plates import Plates, is_plate
from casework.model.masking.told_handles import find_next_handles, find_told_handles
from casework.model.masking.views import SMALL_WORDS, Found, View, words_of
from casework.model.masking.web_addresses import find_emails, find_urls

_AREAS = frozenset(
    words_of(
        "ab al b ba bb bd bf bh bl bn br bs bt bx ca cb cf ch cm co cr ct cv cw da dd de dg dh dl dn dt"
        " dy e ec eh en ex fk fy g gl gu gy ha hd hg hp hr hs hu hx ig im ip iv ka kt kw ky l la ld le ll"
        " ln ls lu m me mk ml n ne ng nn np nr nw ol ox pa pe ph pl po pr qq rg rh rm s sa se sg sk sl sm"
        " sn so sp sr ss st sw sy ta td tf tn tq tr ts tw ub w wa wc wd wf wn wr ws wv xx yo ze zz"
    )
)
_REACH = 48
_ORDINALS = ("st", "nd", "rd", "th")
_INWARD = "[0-9][abd-hjlnp-uw-z]{2}"
_POSTCODE = re.compile(rf"(?<![a-z0-9])([a-z]{{1,2}})[0-9][a-z0-9]?[\s.,-]{{0,3}}{_INWARD}(?![a-z0-9])")
# The second half with any letters: mistyped, or of a range that is not issued. Only behind a whole first half.
_ANY_POSTCODE = re.compile(
    r"(?<![a-z0-9])([a-z]{2}[0-9][a-z0-9]?"
    r"|[a-z][0-9][a-z0-9])[\s.-]{0,3}[0-9o]([\s.-]{0,2})([a-z])[\s.-]?([a-z])"
    r"(?![a-z0-9])"
)
_NO_POSTCODES = frozenset(words_of("co2 pe1 pe2 ps4 ps5 h2o mp3 mp4 wd40 sp30 sp50 la1 cd1 dl1"))
_UNITS = frozenset(words_of("am pm km cm mm kg ml mg st nd rd th hr yr mo wk ft of gb mb tb mp"))
_SMALL_PAIRS = (
    SMALL_WORDS | _UNITS | frozenset(words_of("ex so ha pa la co bs ts hi st ne ta da ma ya ye bf gf ft nd"))
)
_LOOSE_POSTCODE = re.compile(
    r"(?<![a-z0-9])([a-z](?:[\s.-]{0,2}[a-z])?)[\s.-]{0,2}[0-9o](?:[\s.-]{0,2}[a-z0-9])?[\s,.-]{0,3}[0-9o]"
    r"[\s.-]{0,2}[a-z][\s.-]{0,2}[a-z](?![a-z0-9])"
)
# The second half alone, near a word that says so.
_INWARD_ALONE = re.compile(rf"(?<![a-z0-9]){_INWARD}(?![a-z0-9])")
# "ZZ99 7TT, not 7TG": the half that was wrong, or is right now.
_CORRECTED = re.compile(
    rf"[\s,.;(/-]{{1,3}}(?:(?:not|no|sorry|or|maybe|is|it|its|it's|should|be|now|was|used|to|my|old|one|i|mean"
    rf"|something|think|then|and|second|bit|half)[\s,]{{1,2}}){{1,5}}"
    rf"({_INWARD})(?![a-z0-9])"
)
# Begun and not ended, or the first half alone, in capitals: "ZZ99 4R", "BH8".
_PARTIAL_POSTCODE = re.compile(
    r"(?<![a-z0-9])([a-z]{2})[0-9]{1,2}[a-z]?(?:\s[0-9][a-z]?)?(?![a-z0-9]|[.-][0-9])"
)
_GAPPED_POSTCODE = re.compile(
    r"(?<![a-z0-9])([a-z]{2})[\s.-][0-9]{1,2}[a-z]?[\s.-]{0,2}[0-9]([abd-hjlnp-uw-z]{2})(?![a-z0-9])"
)
_OUTWARD = re.compile(r"(?<![a-z0-9])([a-z]{1,2})[0-9][a-z0-9]?(?![a-z0-9])")
_POSTCODE_CUE = re.compile(
    r"(?<![a-z])post(?:al)?[\s-]?co(?:de?|ad|d)|(?<![a-z])code postal|(?<![a-z])p/?code"
    r"|(?<![a-z])pc(?![a-z])|(?<![a-z])zip code"
)

_NINO = re.compile(
    r"(?<![a-z0-9])([a-z])([\s.-]{0,2})[a-z]([\s.-]{0,2})[0-9o](?:[\s.-]{0,2}[0-9o]){5}([\s.-]{0,2}[a-d](?![a-z0-9]))?"
    r"(?![0-9])"
)
_NINO_CUE = re.compile(r"(?<![a-z])(?:nino|ni|n\.i|national insurance|nat(?:ional)? ins|insurance)(?![a-z])")
_REFERENCE_CUE = re.compile(
    r"(?<![a-z])(?:crime|case|cad|log|incident|urn|niche|occurr?ence|report|police)?\s{0,2}"
    r"(?:cad|log|urn|(?:ref|reff|refrence|reference|refernce)|(?:number|num|no)(?=\W))(?![a-z])[\s:.#=-]{0,4}"
    r"(?:(?:number|num|no|nr|ref|reference|is|was|its|it's|they gave me|says?)[\s:.#=-]{1,4}){0,4}"
)
_REFERENCE_VALUE = re.compile(r"[a-z]{0,4}[/-]?[0-9o][0-9o/\\-]{1,20}[0-9a-z]?(?:/[0-9]{2,4})?(?![a-z0-9])")
_STRONG_REFERENCE = re.compile(r"(?:crime|case|cad|log|incident|urn|niche|occurr?ence|ref)")
_SLASHED = re.compile(
    r"(?<![0-9/])(?:[a-z]{2,4}/)?[0-9]{1,7}\s?/\s?[0-9]{1,7}(?:\s?/\s?[0-9]{2,4})?(?![0-9/])"
)
_DAILY_LOG = re.compile(
    r"(?<![0-9/])[0-9]{1,5}\s{0,2}/\s{0,2}[0-9]{1,2}\s{0,2}(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct"
    r"|nov|dec)[a-z]{0,6}"
)
_EXTENSION = re.compile(r"(?<![a-z])ext(?:ension|n)?[\s.:]{0,3}(?:number\s|no\s)?([0-9]{2,6})(?![0-9])")
_COLLAR = re.compile(
    r"(?<![a-z])(?:collar|badge|shoulder|warrant|officer|epaulette)(?:\s{1,2}(?:number|num|no|nr|id))"
    r"[\s:.#]{1,3}(?:is\s|was\s|of\s)?([a-z]{0,2}\s?[0-9]{2,6}[a-z]{0,2})(?![a-z0-9])"
    r"|(?<![a-z])(?:pc|dc|ds|di|sgt|pcso|wpc)\s?([0-9]{2,6}[a-z]{0,2})(?![a-z0-9])"
)


class Shapes:
    """Finds every shape in a view. `lexicon`: its ordinary words make no plate, no street and no name in an app."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._addresses = Addresses(lexicon)
        self._plates = Plates(lexicon)
        self._houses = Houses(lexicon)
        self._codes = Codes(lexicon)
        self._finders: tuple[Callable[[View], Iterable[Found]], ...] = (
            find_emails,
            find_urls,
            self._find_handles,
            _find_postcodes,
            self._find_ninos,
            self._plates.find,
            self._addresses.find,
            self._houses.find,
            _find_small_numbers,
        )

    def find(self, view: View, dates: Dates) -> list[Found]:
        found = [one for finder in self._finders for one in finder(view)]
        broken = break_at(view.lower, dates.kept)
        numbers = (
            *_find_references(view, broken),
            *find_numbers(view, broken),
            *self._codes.find(view, broken),
        )
        return [*dates.born, *found, *join_addresses(view, found, self._lexicon), *numbers]

    def _find_handles(self, view: View) -> Iterable[Found]:
        handles = [*find_handles(view, self._lexicon), *find_told_handles(view, self._lexicon)]
        return (*handles, *find_next_handles(view, handles, self._lexicon))

    def _find_ninos(self, view: View) -> Iterator[Found]:
        for found in _NINO.finditer(view.lower):
            letters = re.sub(r"[^a-z]", "", found.group()[:4])[:2]
            is_gapped = bool(found[2]) or (bool(found[3]) and letters in SMALL_WORDS)
            is_named = stands_before(_NINO_CUE, view.lower, found.start())
            if (
                is_named
                or (found[4] and not is_gapped)
                or (found[4] and found[2] and found[3])
                or (not found[2] and not found[3] and letters not in SMALL_WORDS)
            ):
                yield shape(found.span(), MaskKind.NINO)


def match_spelled(characters: str) -> MaskKind | None:
    """What letters and digits without gaps are as a whole: a number of insurance, a plate, a postcode."""
    if re.fullmatch(r"[a-z]{2}[0-9]{6}[a-d]", characters):
        return MaskKind.NINO
    if (found := _POSTCODE.fullmatch(characters)) and found[1] in _AREAS:
        return MaskKind.POSTCODE
    return MaskKind.VEHICLE if is_plate(characters) else None


def _find_postcodes(view: View) -> Iterator[Found]:
    for postcode in _find_written_postcodes(view):
        yield postcode
        if corrected := _CORRECTED.match(view.lower, postcode.end):
            yield shape(corrected.span(1), MaskKind.POSTCODE)


def _find_written_postcodes(view: View) -> Iterator[Found]:
    lower = view.lower
    for found in _POSTCODE.finditer(lower):
        is_upper = view.text[found.start() : found.end()].isupper() and not view.is_shouted
        is_word = found[1] in SMALL_WORDS or found.group().endswith(_ORDINALS)
        if found[1] in _AREAS or is_upper or not is_word:
            yield shape(found.span(), MaskKind.POSTCODE)
    for found in _ANY_POSTCODE.finditer(lower):
        area = re.sub(r"[^a-z]", "", found[1][:2])
        is_upper = view.text[found.start() : found.end()].isupper() and not view.is_shouted
        if found[3] + found[4] not in _UNITS and (area in _AREAS or is_upper):
            yield shape(found.span(), MaskKind.POSTCODE)
    for found in _LOOSE_POSTCODE.finditer(lower):
        is_named = stands_before(_POSTCODE_CUE, lower, found.start())
        is_upper = view.text[found.start() : found.end()].isupper() and not view.is_shouted
        if not any(map(str.isdigit, found.group())):
            continue
        area = re.sub(r"[^a-z]", "", found[1])
        # "zz 99 7 tt": nothing else is written so, but for two short words.
        is_code = len(area) > 1 and not _SMALL_PAIRS.intersection((area, found.group()[-2:]))
        if (is_named or is_upper or is_code) and area in _AREAS:
            yield shape(found.span(), MaskKind.POSTCODE)
    for found in _PARTIAL_POSTCODE.finditer(lower):
        is_upper = view.text[found.start() : found.end()].isupper() and not view.is_shouted
        is_area = found[1] in _AREAS and found[1] not in SMALL_WORDS
        if is_area and is_upper and found.group() not in _NO_POSTCODES:
            yield shape(found.span(), MaskKind.POSTCODE)
    for found in _GAPPED_POSTCODE.finditer(lower):
        if found[1] in _AREAS and found[1] not in SMALL_WORDS and found[2] not in _UNITS:
            yield shape(found.span(), MaskKind.POSTCODE)
    for found in _OUTWARD.finditer(lower):
        if found[1] in _AREAS and stands_before(_POSTCODE_CUE, lower, found.start(), reach=20):
            yield shape(found.span(), MaskKind.POSTCODE)
    for found in _INWARD_ALONE.finditer(lower):
        near = (max(0, found.start() - _REACH), found.end() + _REACH)
        if not found.group().endswith(_ORDINALS) and _POSTCODE_CUE.search(lower, *near):
            yield shape(found.span(), MaskKind.POSTCODE)


def _find_references(view: View, broken: str) -> Iterator[Found]:
    lower = view.lower
    for form in FORMATS:
        for found in form.pattern.finditer(lower):
            yield shape(found.span(), MaskKind.REFERENCE)
    for found in _DAILY_LOG.finditer(lower):
        yield shape(found.span(), MaskKind.REFERENCE)
    for cue in _REFERENCE_CUE.finditer(lower):
        value = _REFERENCE_VALUE.match(lower, cue.end())
        if value and _STRONG_REFERENCE.search(cue.group()) and sum(map(str.isdigit, value.group())) > 1:
            yield shape(value.span(), MaskKind.REFERENCE)
    for found in _SLASHED.finditer(broken):
        digits = [len(part) for part in re.findall(r"[0-9]+", found.group())]
        if max(digits) > 4 or (len(digits) == 3 and max(digits) > 2):
            yield shape(found.span(), MaskKind.REFERENCE)


def _find_small_numbers(view: View) -> Iterator[Found]:
    for pattern in (_EXTENSION, _COLLAR):
        for found in pattern.finditer(view.lower):
            group = 1 if found[1] else 2
            yield shape(found.span(group), MaskKind.NUMBER)
