"""What can be told by its shape alone: numbers, addresses, references, whoever they belong to.

Every quantifier is bounded, so a hostile text costs no more than its length. What is meant (a plate, an account) is
only a name for a page: that it is masked is what counts.
"""

import re
from collections.abc import Callable, Iterable, Iterator

from casework.model.crime_references import FORMATS
from casework.model.masking import MaskKind
from casework.model.masking.addresses import NOT_IN_STREETS, Addresses
from casework.model.masking.codes import Codes
from casework.model.masking.dates import Dates
from casework.model.masking.handles import find_handles
from casework.model.masking.houses import Houses, join_addresses
from casework.model.masking.lexicon import Lexicon
from casework.model.masking.numbers import break_at, find_numbers, shape, stands_before
from casework.model.masking.views import Found, View, words_of

_AREAS = frozenset(
    words_of(
        "ab al b ba bb bd bf bh bl bn br bs bt bx ca cb cf ch cm co cr ct cv cw da dd de dg dh dl dn dt"
        " dy e ec eh en ex fk fy g gl gu gy ha hd hg hp hr hs hu hx ig im ip iv ka kt kw ky l la ld le ll"
        " ln ls lu m me mk ml n ne ng nn np nr nw ol ox pa pe ph pl po pr qq rg rh rm s sa se sg sk sl sm"
        " sn so sp sr ss st sw sy ta td tf tn tq tr ts tw ub w wa wc wd wf wn wr ws wv xx yo ze zz"
    )
)
_ORDINALS = ("st", "nd", "rd", "th")
_INWARD = "[0-9][abd-hjlnp-uw-z]{2}"
_POSTCODE = re.compile(rf"(?<![a-z0-9])([a-z]{{1,2}})[0-9][a-z0-9]?[\s.-]{{0,3}}{_INWARD}(?![a-z0-9])")
# The second half with any letters: mistyped, or of a range that is not issued. Only behind a whole first half.
_ANY_POSTCODE = re.compile(
    r"(?<![a-z0-9])([a-z]{2}[0-9][a-z0-9]?"
    r"|[a-z][0-9][a-z0-9])[\s.-]{0,3}[0-9o]([\s.-]{0,2})([a-z])[\s.-]?([a-z])"
    r"(?![a-z0-9])"
)
_NO_POSTCODES = frozenset(words_of("co2 pe1 pe2 ps4 ps5 h2o mp3 mp4 wd40 sp30 sp50 la1 cd1 dl1"))
_UNITS = frozenset(words_of("am pm km cm mm kg ml mg st nd rd th hr yr mo wk ft of gb mb tb mp"))
_LOOSE_POSTCODE = re.compile(
    r"(?<![a-z0-9])([a-z](?:[\s.-]{0,2}[a-z])?)[\s.-]{0,2}[0-9o](?:[\s.-]{0,2}[a-z0-9])?[\s,.-]{0,3}[0-9o]"
    r"[\s.-]{0,2}[a-z][\s.-]{0,2}[a-z](?![a-z0-9])"
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
    r"(?<![a-z])post\s?code?|(?<![a-z])p/?code|(?<![a-z])pc(?![a-z])|(?<![a-z])zip code"
)

_EMAIL = re.compile(
    r"[a-z0-9._%+'-]{1,80}\s{0,2}(?:@|\(at\)|\[at\])\s{0,2}[a-z0-9-]{1,63}"
    r"(?:\s{0,1}[.,]\s{0,1}[a-z][a-z0-9-]{1,23}|\s(?:com|org|net|co|uk)(?![a-z])){1,4}"
)
_MAIL_PART = r"[a-z0-9][a-z0-9_.+-]{0,40}"
_SPELLED_EMAIL = re.compile(
    rf"(?:{_MAIL_PART}\s{{1,2}}(?:dot|underscore|under score|dash|hyphen|point"
    rf"|full stop)\s{{1,2}}){{0,4}}{_MAIL_PART}(?:\s[0-9]{{1,4}})?"
    rf"\s{{0,2}}(?:@|\(at\)|(?<=\s)at(?=\s))\s{{0,2}}[a-z0-9-]{{1,40}}"
    rf"(?:\s{{0,2}}(?:\.|\(dot\)|(?<=\s)dot(?=\s))\s{{0,2}}(?:com|co|org|net|uk|gov|ac|police|nhs|me"
    r"|example|invalid|test)"
    rf"(?![a-z])){{1,3}}"
)
_MAIL_PROVIDER = re.compile(
    rf"{_MAIL_PART}\s{{0,2}}(?:@|(?<=\s)at(?=\s))\s{{0,2}}(?:gmail|googlemail|hotmail|outlook|yahoo"
    r"|icloud|live|btinternet)"
    r"(?![a-z])(?:\s{0,2}(?:\.|dot)\s{0,2}(?:com|co|uk)(?![a-z])){0,2}"
)
_URLS = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?<![a-z])[a-z]{2,6}\s?[:;]\s?//?\s?[^\s<>\"]{1,300}",
        r"(?<![a-z0-9])ww?w\s?[.,]\s?[^\s<>\"]{1,300}",
        r"(?<![a-z0-9])www\s[a-z0-9-]{1,63}(?:\s(?:dot\s)?(?:com|org|net|co|uk)(?![a-z])){1,2}",
        r"(?<![a-z0-9@.-])[a-z0-9-]{2,63}\s?[.,]\s?(?:com|org|net"
        r"|co\.uk)(?![a-z0-9-])(?:\s?/\s?[^\s<>\"]{0,200})?",
        r"(?<![a-z0-9@.-])(?:[a-z0-9-]{1,63}\.){1,4}(?:com|org|net|uk|gov|invalid|test|example|info"
        r"|biz|app|shop|site"
        r"|online|xyz|tv|eu|ie)(?![a-z0-9-])(?:[:/?#][^\s<>\"]{0,200})?",
        r"(?<![a-z0-9@.-])(?:[a-z0-9-]{1,63}\.){1,4}[a-z]{2,6}/[^\s<>\"]{1,200}",
        r"(?<![a-z0-9])(?:www\s{1,2}dot\s{1,2})?(?:[a-z0-9-]{2,40}\s{0,2}(?:dot|\(dot\))\s{0,2}){1,3}"
        r"(?:com|org|net|uk)(?![a-z])(?:\s{0,2}(?:slash|/|forward slash)\s{0,2}[a-z0-9-]{1,60}){0,5}",
    )
)
_NINO = re.compile(
    r"(?<![a-z0-9])([a-z])([\s.-]{0,2})[a-z]([\s.-]{0,2})[0-9o](?:[\s.-]{0,2}[0-9o]){5}([\s.-]{0,2}[a-d](?![a-z0-9]))?"
    r"(?![0-9])"
)
_NINO_CUE = re.compile(r"(?<![a-z])(?:nino|ni|n\.i|national insurance|nat(?:ional)? ins|insurance)(?![a-z])")
_SMALL_WORDS = frozenset(
    words_of(
        "in on at is to my no by of or so us we he me am an as be do go if it up ok pm hi oh ur re ok id im"
    )
)

_PLATES = tuple(
    re.compile(rf"(?<![a-z0-9])(?:{pattern})(?![a-z0-9])")
    for pattern in (
        # current, with a letter nobody could read, and whole
        r"[a-z]{2}\s?[0-9]{2}\s?(?=[a-z?*_]{0,2}[?*_])[a-z?*_]{2,3}"
        r"|[a-z]{2}[\s.-]{0,1}(?:[0-9][0-9oil]|[oil][0-9])[\s.,/-]{0,2}[a-z]{3}",
        r"[a-z][\s.-]{0,1}[0-9]{1,3}[\s.-]{0,2}[a-z]{3}",  # prefix
        r"[a-z]{3}[\s.-]{0,2}[0-9]{1,3}[\s.-]{0,1}[a-z]",  # suffix
        r"[a-z]{0,2}[iz][a-z]?[\s.-]{0,2}[0-9]{1,4}",  # Northern Ireland
    )
)
# Old and partial ones, behind a word that says so.
_NAMED_PLATE = re.compile(
    r"(?<![a-z0-9])([a-z]{1,3}[\s.-]{0,1}[0-9]{1,4}[a-z]{0,3}|[0-9]{1,4}[\s.-]{0,1}[a-z]{1,3})(?![a-z0-9])"
    r"(?:[\s,.]{1,4}(?:(?:something|summat|smth|smthing|and|then|maybe|ends?|ending"
    r"|with)\s){1,3}[a-z]{1,3}(?![a-z]))?"
)
_LOOSE_PLATE = re.compile(
    r"(?<![a-z0-9])(?=[a-z0-9 .-]{0,12}[0-9])[a-z0-9](?:[\s.-]{0,2}[a-z0-9]){4,6}(?![a-z0-9])"
)
_PLATE_CUE = re.compile(
    r"(?<![a-z])(?:v?reg(?:istration|i|istered)?|number\s?plates?|plates?|vrm|licen[cs]e plates?"
    r"|index)(?![a-z])"
)
# "..., Z 77 FRM on the plate": the word that says so may stand behind.
_PLATE_BEHIND = re.compile(
    r"[\s,.:;-]{1,3}(?:[a-z']{1,5}\s){0,3}(?:v?reg(?:istration)?|number\s?plates?|plates?)(?![a-z])"
)
_CAR_CUE = re.compile(
    r"(?<![a-z])(?:car|van|motor|motorbike|bike|moped|vehicle|lorry|truck|taxi|cab|bmw|audi|ford"
    r"|fiesta|focus|golf|polo"
    r"|vw|corsa|astra|vauxhall|merc|mercedes|transit|clio|corolla|toyota|nissan|qashqai|range rover"
    r"|mini|driving|drives"
    r"|drove|parked)(?![a-z])"
)

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
        self._plain_words = lexicon.plain_words
        self._addresses = Addresses(lexicon.plain_words)
        self._houses = Houses(lexicon)
        self._codes = Codes(lexicon)
        self._finders: tuple[Callable[[View], Iterable[Found]], ...] = (
            _find_emails,
            _find_urls,
            self._find_handles,
            _find_postcodes,
            self._find_ninos,
            self._find_plates,
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

    def _find_handles(self, view: View) -> Iterator[Found]:
        return find_handles(view, self._lexicon)

    def _find_ninos(self, view: View) -> Iterator[Found]:
        for found in _NINO.finditer(view.lower):
            letters = re.sub(r"[^a-z]", "", found.group()[:4])[:2]
            is_gapped = bool(found[2]) or (bool(found[3]) and letters in _SMALL_WORDS)
            is_named = stands_before(_NINO_CUE, view.lower, found.start())
            if (
                is_named
                or (found[4] and not is_gapped)
                or (found[4] and found[2] and found[3])
                or (not found[2] and not found[3] and letters not in _SMALL_WORDS)
            ):
                yield shape(found.span(), MaskKind.NINO)

    def _find_plates(self, view: View) -> Iterator[Found]:
        for place, pattern in enumerate(_PLATES):
            for found in pattern.finditer(view.lower):
                if self._is_plate(view, found, is_loose=place > 1):
                    yield shape(found.span(), MaskKind.VEHICLE)
        for found in _NAMED_PLATE.finditer(view.lower):
            words = re.findall(r"[a-z]+", found[1])
            is_words = any(
                word in _SMALL_WORDS or (len(set(word)) > 1 and word in self._plain_words) for word in words
            )
            if not is_words and stands_before(_PLATE_CUE, view.lower, found.start(), reach=24):
                yield shape(found.span(), MaskKind.VEHICLE)
        for found in _LOOSE_PLATE.finditer(view.lower):
            written = re.sub(r"[^a-z0-9]", "", found.group())
            is_plate = any(pattern.fullmatch(written) for pattern in _PLATES)
            if is_plate and stands_before(_PLATE_CUE, view.lower, found.start()):
                yield shape(found.span(), MaskKind.VEHICLE)

    def _is_plate(self, view: View, found: re.Match[str], *, is_loose: bool) -> bool:
        words = re.findall(r"[a-z]+", found.group())
        is_named = stands_before(_PLATE_CUE, view.lower, found.start()) or bool(
            _PLATE_BEHIND.match(view.lower, found.end())
        )
        written = view.text[found.start() : found.end()]
        is_upper = written.isupper() and not view.is_shouted
        # Two letters are looked up as they are: the list has "zz" as "z", and every letter is a word of it.
        is_words = any(
            word in _SMALL_WORDS if len(word) == 2 else len(word) > 2 and self._lexicon.is_listed(word)
            for word in words
        )
        if is_named:
            return not (is_words and any(word in NOT_IN_STREETS for word in words)) or is_upper
        if is_loose:
            is_car = stands_before(_CAR_CUE, view.lower, found.start())
            return (is_upper and not is_words) or (is_car and not is_words)
        is_whole = " " not in found.group()
        return is_upper or (is_whole and len(found.group()) > 5) or not is_words


def match_spelled(characters: str) -> MaskKind | None:
    """What letters and digits without gaps are as a whole: a number of insurance, a plate, a postcode."""
    if re.fullmatch(r"[a-z]{2}[0-9]{6}[a-d]", characters):
        return MaskKind.NINO
    if (found := _POSTCODE.fullmatch(characters)) and found[1] in _AREAS:
        return MaskKind.POSTCODE
    if _PLATES[0].fullmatch(characters) or (_PLATES[1].fullmatch(characters) and len(characters) > 5):
        return MaskKind.VEHICLE
    return None


def _find_emails(view: View) -> Iterator[Found]:
    for pattern in (_EMAIL, _SPELLED_EMAIL, _MAIL_PROVIDER):
        for found in pattern.finditer(view.lower):
            yield shape(_without_stop(view.lower, found.span()), MaskKind.EMAIL)


def _find_urls(view: View) -> Iterator[Found]:
    for pattern in _URLS:
        for found in pattern.finditer(view.lower):
            yield shape(_without_stop(view.lower, found.span()), MaskKind.URL)


def _without_stop(lower: str, span: tuple[int, int]) -> tuple[int, int]:
    """Without the stop, comma or bracket that ends the sentence and not the address."""
    start, end = span
    while end - start > 1 and lower[end - 1] in ".,;:!?)'\"-":
        end -= 1
    return start, end


def _find_postcodes(view: View) -> Iterator[Found]:
    lower = view.lower
    for found in _POSTCODE.finditer(lower):
        is_upper = view.text[found.start() : found.end()].isupper() and not view.is_shouted
        is_word = found[1] in _SMALL_WORDS or found.group().endswith(_ORDINALS)
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
        if (is_named or is_upper) and re.sub(r"[^a-z]", "", found[1]) in _AREAS:
            yield shape(found.span(), MaskKind.POSTCODE)
    for found in _PARTIAL_POSTCODE.finditer(lower):
        is_upper = view.text[found.start() : found.end()].isupper() and not view.is_shouted
        is_area = found[1] in _AREAS and found[1] not in _SMALL_WORDS
        if is_area and is_upper and found.group() not in _NO_POSTCODES:
            yield shape(found.span(), MaskKind.POSTCODE)
    for found in _GAPPED_POSTCODE.finditer(lower):
        if found[1] in _AREAS and found[1] not in _SMALL_WORDS and found[2] not in _UNITS:
            yield shape(found.span(), MaskKind.POSTCODE)
    for found in _OUTWARD.finditer(lower):
        if found[1] in _AREAS and stands_before(_POSTCODE_CUE, lower, found.start(), reach=20):
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
