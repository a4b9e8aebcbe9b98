"""Number plates: whole, of every age, foreign, with a letter nobody could read, and the part that somebody saw."""

import re
from collections.abc import Iterator

from casework.model.masking import MaskKind
from casework.model.masking.addresses import NOT_IN_STREETS
from casework.model.masking.codes import UNITS
from casework.model.masking.lexicon import Lexicon
from casework.model.masking.numbers import shape, stands_before
from casework.model.masking.views import SMALL_WORDS, Found, View, words_of

_CURRENT = re.compile(
    r"(?<![a-z0-9])(?:[a-z]{2}[\s.-]{0,1}(?:[0-9][0-9oil]|[oil][0-9])[\s.,/-]{0,2}[a-z]{3})(?![a-z0-9])"
)
_PREFIX = re.compile(r"(?<![a-z0-9])(?:[a-z][\s.-]{0,1}[0-9]{1,3}[\s.-]{0,2}[a-z]{3})(?![a-z0-9])")
_PLATES = (
    _CURRENT,
    _PREFIX,
    re.compile(r"(?<![a-z0-9])(?:[a-z]{3}[\s.-]{0,2}[0-9]{1,3}[\s.-]{0,1}[a-z])(?![a-z0-9])"),  # suffix
    re.compile(r"(?<![a-z0-9])(?:[a-z]{0,2}[iz][a-z]?[\s.-]{0,2}[0-9]{1,4})(?![a-z0-9])"),  # Northern Ireland
)
# With letters or figures nobody could read.
_UNREAD = re.compile(
    r"(?<![a-z0-9?*_])(?=[a-z0-9? *_]{0,8}[?*_])(?=[a-z?*_ ]{0,4}[0-9])"
    r"[a-z?*_]{2}\s?[0-9?*_]{2}\s?[a-z?*_]{2,3}(?![a-z0-9])"
)
# Old and partial ones, behind a word that says so.
_NAMED_PLATE = re.compile(
    r"(?<![a-z0-9])([a-z]{1,3}[\s.-]{0,1}[0-9]{1,4}[a-z]{0,3}|[0-9]{1,4}[\s.-]{0,1}[a-z]{1,3})(?![a-z0-9])"
    r"(?:[\s,.]{1,4}(?:(?:something|summat|smth|smthing|and|then|maybe|ends?|ending"
    r"|with)\s){1,3}(?:an?\s)?[a-z]{1,3}(?![a-z]))?"
)
# One without a year, one of somebody's own choice, or a foreign one: in capitals near a vehicle.
_ANY_PLATE = re.compile(
    r"(?<![a-z0-9'-])(?:[a-z][0-9][a-z]{1,2}\s[a-z0-9]{1,4}|[a-z]{1,3}[0-9]{1,4}\s?[a-z]{1,3}|[a-z]{2,3}\s?[0-9]{2,5}|[0-9]{1,4}\s?[a-z]{2,3}"
    r"|[a-z]{2,3}\s[a-z]{1,2}\s?[0-9]{2,5})(?![a-z0-9'-])"
)
_MODELS = re.compile(
    r"(?:mx|rav|xc|gt|rs|rx|is|cx|ds|tt|amg|gti|cbr|yzf|ybr|gsx|px|hrv?|crv?|mk|fz|mt|sl|slk|cls?|cla|gl[abces]|rcz|dfsk)"
    r"\s?[0-9]{1,4}|[0-9]{3}[a-z]?[di]|[0-9]{1,4}\s?(?:cc|bhp|hdi|tdi|tsi|gti|gt|mph|door|plate)"
)
_LOOSE_PLATE = re.compile(
    r"(?<![a-z0-9])(?=[a-z0-9 .-]{0,12}[0-9])[a-z0-9](?:[\s.-]{0,2}[a-z0-9]){4,6}(?![a-z0-9])"
)
_PLATE_CUE = re.compile(
    r"(?<![a-z])(?:v?reg(?:istration|i|gie|istered)?|number\s?plates?|plates?|vrm|licen[cs]e plates?"
    r"|index)(?![a-z])"
)
# "..., Z 77 FRM on the plate": the word that says so may stand behind.
_PLATE_BEHIND = re.compile(
    r"[\s,.:;-]{1,3}(?:[a-z']{1,5}\s){0,3}(?:v?reg(?:istration)?|number\s?plates?|plates?)(?![a-z])"
)
_CAR_CUE = re.compile(
    r"(?<![a-z])(?:cars?|van|motor|motorbike|bike|moped|scooter|vehicle|lorry|truck|taxi|cab|tractor|trailer|motorhome"
    r"|pickup|jeep|quad|estate|hatchback|saloon|bmw|audi|ford"
    r"|fiesta|focus|golf|polo|vw|corsa|astra|vauxhall|merc|mercedes|transit|clio|corolla|toyota"
    r"|nissan|qashqai|range rover"
    r"|rover|skoda|seat|peugeot|renault|citroen|honda|mini|driving|drives|drove|parked)(?![a-z])"
)
# The part somebody saw: "ended QKV", "it began ZZ and had a 58 in it", "the last letter was T", "something like OEZ".
_PART = re.compile(
    r"(?<![a-z])(?:(?:end|start|begin|finish)(?:s|ed|in|ing|ning)?|began|begun"
    r"|first\s(?:bit|half|part|two|three|letters?|one)|last\s(?:bit|half|part|two|three|letters?|one)|middle(?:\sbit)?"
    r"|something|summat|smth|maybe|possibly|letters?|with|had|has|then|got|like|and)"
    r"(?:\s(?:is|was|were|in|with|an?|the|like|letters?|something|summat|maybe|had|then|it)){0,4}"
    r"[\s:,]{1,2}([a-z0-9?*]{1,7})(?![a-z0-9'])"
)
_SURE_PART = re.compile(r"end|start|begin|began|begun|finish|first|last|middle|letter")
_AS_A_PART = re.compile(
    r"[\s,]{0,2}(?:$|[.,;!?)]|in\s(?:it|the)|at\sthe|on\sit|and|then|plate|something|i\sthink)"
)
_REACH_OF_PART = 80
_MODEL_WORDS = frozenset(
    words_of("gt gti st rs vr tdi tsi gtd sri vxr suv mpv amg xr hgv lgv cctv mot dvla anpr")
)


class Plates:
    """`lexicon`: its ordinary words are no part of a plate."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._plain_words = lexicon.plain_words

    def find(self, view: View) -> Iterator[Found]:
        lower = view.lower
        for place, pattern in enumerate(_PLATES):
            for found in pattern.finditer(lower):
                if self._is_plate(view, found, is_loose=place > 0):
                    yield shape(found.span(), MaskKind.VEHICLE)
        for found in _UNREAD.finditer(lower):
            # "the 19th or 21st?" asks something.
            if (
                found.group().endswith("?")
                and found.group().count("?") == 1
                and not view.text[found.start()].isupper()
            ):
                continue
            yield shape(found.span(), MaskKind.VEHICLE)
        for found in _NAMED_PLATE.finditer(lower):
            if not self._has_words(found[1]) and stands_before(_PLATE_CUE, lower, found.start(), reach=24):
                yield shape(found.span(), MaskKind.VEHICLE)
        for found in _LOOSE_PLATE.finditer(lower):
            written = re.sub(r"[^a-z0-9]", "", found.group())
            is_plate = any(pattern.fullmatch(written) for pattern in _PLATES)
            if is_plate and stands_before(_PLATE_CUE, lower, found.start()):
                yield shape(found.span(), MaskKind.VEHICLE)
        if _CAR_CUE.search(lower) or _PLATE_CUE.search(lower):
            yield from self._find_near_a_car(view)

    def _find_near_a_car(self, view: View) -> Iterator[Found]:
        lower = view.lower
        for found in _ANY_PLATE.finditer(lower):
            written = view.text[found.start() : found.end()]
            is_written_so = written.isupper() and not view.is_shouted and any(map(str.isdigit, written))
            is_car = stands_before(_CAR_CUE, lower, found.start()) or stands_before(
                _PLATE_CUE, lower, found.start()
            )
            if (
                is_written_so
                and is_car
                and not self._has_words(found.group())
                and not _MODELS.fullmatch(found.group())
            ):
                yield shape(found.span(), MaskKind.VEHICLE)
        for found in _PART.finditer(lower):
            before, behind = max(0, found.start() - _REACH_OF_PART), found.end(1) + _REACH_OF_PART // 2
            is_near = _CAR_CUE.search(lower, before, behind) or _PLATE_CUE.search(lower, before, behind)
            if is_near and self._is_part(
                view, *found.span(1), is_sure=_SURE_PART.match(found.group()) is not None
            ):
                yield shape(found.span(1), MaskKind.VEHICLE)

    def _is_part(self, view: View, start: int, end: int, *, is_sure: bool) -> bool:
        word = view.lower[start:end]
        is_upper = view.text[start:end].isupper() and not view.is_shouted
        if word in _MODEL_WORDS or word in UNITS or _MODELS.fullmatch(word):
            return False
        if word.isdigit():
            return len(word) in (2, 3) and _AS_A_PART.match(view.lower, end) is not None
        if word.isalpha():
            if len(word) == 1:
                return is_upper and word not in ("a", "i")
            is_listed = len(set(word)) > 1 and self._lexicon.is_listed(word)
            return (is_sure or is_upper) and len(word) < 4 and not is_listed and word not in SMALL_WORDS
        return is_upper and len(word) > 2

    def _has_words(self, written: str) -> bool:
        return any(
            word in SMALL_WORDS or word in UNITS or (len(set(word)) > 1 and word in self._plain_words)
            for word in re.findall(r"[a-z]{2,}", written)
        )

    def _is_plate(self, view: View, found: re.Match[str], *, is_loose: bool) -> bool:
        words = re.findall(r"[a-z]+", found.group())
        is_named = stands_before(_PLATE_CUE, view.lower, found.start()) or bool(
            _PLATE_BEHIND.match(view.lower, found.end())
        )
        written = view.text[found.start() : found.end()]
        is_upper = written.isupper() and not view.is_shouted
        # Two letters are looked up as they are: the list has "zz" as "z", and every letter is a word of it.
        is_words = any(
            word in SMALL_WORDS
            if len(word) == 2
            else len(word) > 2 and len(set(word)) > 1 and self._lexicon.is_listed(word)
            for word in words
        )
        if is_named:
            return not (is_words and any(word in NOT_IN_STREETS for word in words)) or is_upper
        if is_loose:
            is_car = stands_before(_CAR_CUE, view.lower, found.start())
            return (is_upper and not is_words) or (is_car and not is_words)
        is_whole = " " not in found.group()
        return is_upper or (is_whole and len(found.group()) > 5) or not is_words


def is_plate(characters: str) -> bool:
    """Whether letters and figures without gaps are a plate of a kind that is told by its shape."""
    return bool(_CURRENT.fullmatch(characters)) or bool(_PREFIX.fullmatch(characters) and len(characters) > 5)
