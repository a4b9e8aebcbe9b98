"""Numbers of something that is somebody's: behind a word that says so, or because nothing explains them otherwise.

A serial, a policy, a parcel, the last four of a card, a log of a day. Dates, times, sums, ages and counts explain
their figures; a code is what has enough other ones.
"""

import re
from collections.abc import Iterator

from casework.model.masking import MaskKind
from casework.model.masking.lexicon import Lexicon
from casework.model.masking.numbers import shape
from casework.model.masking.views import Found, View, words_of

_LINK = (
    r"(?:[\s:.,#=(-]{1,4}(?:(?:number|numbers|num|nos?|nr|nmbr|nunber|code|id|ref|reference|digits"
    r"|figures|is|was|are|were|its|it's|it|"
    r"reads|read|says|said|of|for|the|my|his|her|our|your|on|in|with|as|which|that|to|be|me|them|us"
    r"|him|at|phone|card|account|"
    r"one|i|think|gave|got|quoted|quote|called|ends|ending)(?:'s)?(?![a-z'])[\s:.,#=(-]{0,4}){0,6}|#)"
)
_STRONG = (
    r"imei|serial|s/n|sn|polic(?:y|ies)|tracking|consignment|passport|passprot|licen[cs]e|frame"
    r"|chassis|vin|microchip|payroll|npn"
    r"|membership|prison|exhibit|urn|cad|log|logs|niche|brp|share code|voucher|pesel|cnp|utr|crn|visa"
    r"|certificate|imsi|iccid|mac"
)
_WEAK = (
    r"claim|claims|parcel|order|booking|invoice|receipt|ticket|member|student|uni|university|employee"
    r"|employer|staff|engine|chip|tag"
    r"|asset|meter|tenancy|customer|client|patient|hospital|hosp|file|incident|event|crime|application"
    r"|applicant|locker|badge|collar"
    r"|reference|ref|reff|number|num|no|nr|code|id|valuation|quote|contract|agreement|loan|case|tax"
    r"|council|insurance|report|job"
    r"|barcode|model|warrant|epaulette|shoulder|caravan|hull|sim|puk|router|transaction|payment"
    r"|transfer|ni|enquiry|complaint"
)
_PLATE = r"(?:number\s?)?plates?|registration|v?reg|vrm"
_CUE = re.compile(
    rf"(?<![a-z])(?:(?P<plate>{_PLATE})|(?P<strong>{_STRONG})|(?P<weak>{_WEAK}))(?:'s)?(?![a-z']){_LINK}"
)
# The same for what is told piece by piece: a word that says a code follows, whatever stands between.
SAYS_CODE = re.compile(
    rf"(?<![a-z])(?:{_PLATE}|{_STRONG}|nino|ni|insurance|post\s?code|postal|ext(?:ension)?|last (?:four|4|three|3|few)"
    r"|digits?|ends?|ending|number|num|no\.|code|pin|ref|reference|claim|parcel|order|booking|engraved|marked"
    r"|sort|account|acc|card|id)(?:'s)?(?![a-z'])"
)
_LONGEST_PLATE = 9
_GROUP = re.compile(r"[a-z0-9]{1,24}")
# Letters with figures right behind them.
_OPENING = re.compile(r"[a-z]{2,9}[\s./-]{1,2}(?=[0-9])")
_JOINT = re.compile(r"[\s]?[-/.#_\\|]?[\s]?|, ")
UNITS = frozenset(
    words_of(
        "am pm st nd rd th hrs hours hour mins min minutes minute years year yrs yr old months month"
        " weeks week wks days day"
        " times miles mile km metres meters m ft foot feet inch inches cm mm kg g lb lbs stone pounds"
        " pound quid p grand k"
        " euros dollars percent people men women kids children lads girls boys others officers doors"
        " houses steps followers"
        " words pages page photos pictures messages texts calls letters emails bus buses train tram"
        " mph cc gb mb tb watt watts"
        " volts mg ml litres litre pints x px kb per of or to bedroom bed series model"
    )
)
_MOST_GROUPS = 8
# Letters and figures with strokes or hyphens, and codes in one word: told by their shape.
_JOINED = re.compile(
    r"(?<![a-z0-9£$€.,/_#-])(?=[a-z0-9/_.-]{0,40}[0-9])[a-z0-9]{1,20}(?:[-/_][a-z0-9]{1,20}){1,6}(?![a-z0-9/_-])"
)
_WORD_AND_FIGURES = re.compile(
    r"(?<![a-z0-9£$€.,/_#'-])(?=[a-z0-9]{0,40}[0-9]{3})(?=[0-9]{0,40}[a-z])[a-z0-9]{5,64}(?![a-z0-9])"
)
_MEASURE = re.compile(
    r"[0-9]{1,6}(?:hrs?|mins?|am|pm|gb|mb|tb|mg|ml|kg|cm|mm|km|kw|cc|ft|th|st|nd|rd|yrs?|px|p|k|m|g|s"
    r"|v|w|x|quid|miles?|mph|bhp|ish|days?)"
    r"|(?:iphone|samsung|galaxy|ps|xbox|windows|covid|a|m|b|e|mg|gcse|cs|form|section|series|route|bmw"
    r"|golf|mk|peugeot|playstation)[0-9]{1,4}"
    r"|[0-9]{1,2}(?:am|pm)?[-/][0-9]{1,2}(?:am|pm)?|24/7|50/50|[0-9]{1,2}-[a-z]+|[a-z]-[0-9]"
    r"|[a-z]+-[0-9]{1,2}|[0-9]{1,4}-[0-9]{1,4}"
)
_OF_A_YEAR = re.compile(
    r"[a-z-]{2,20}-(?:(?:19|20)[0-9]{2}|[0-9]{3}0)(?:-[a-z]{1,12}){0,3}|(?:19|20)[0-9]{2}(?:-[a-z]{2,12}){1,3}"
)
_CLOCK = re.compile(r"(?:[01]?[0-9]|2[0-3])\.[0-5][0-9]")
_LOG_OF_DAY = re.compile(
    r"(?<![a-z])(?:(?:cad|log|incident|inc|event|job|ref)(?:\s(?:number|num|no"
    r"|ref))?[\s.:#]{1,3})?[0-9]{1,5}\s(?:of|from|dated|on)\s(?:the\s)?"
    r"(?=[0-9]{1,2}(?:st|nd|rd|th)?(?:[\s/.,;?!-]|$)|today|yesterday|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
    r"(?:today|yesterday|[0-9]{1,2}(?:st|nd|rd|th)?(?:[\s/.-](?:of\s)?(?:[0-9]{1,2}(?![0-9])"
    r"|[a-z]{3,9}))?(?:[\s/.,-]{1,2}(?:20)?[0-9]{2}(?![0-9]))?|[a-z]{3,9}\s[0-9]{1,2})"
)
# "CAD/0345/03NOV26": in one word, its date too.
_DATED_LOG = re.compile(r"(?<![a-z])(?:cad|log|inc|incident)[/_-](?=[a-z/_-]{0,6}[0-9])[a-z0-9/_-]{3,24}")
_LOG_CUE = re.compile(r"(?<![a-z])(?:cad|log|incident|event|job|number|ref|101|operator|gave me)(?![a-z])")
_SURE_LOG_CUE = re.compile(r"(?<![a-z])(?:cad|log)(?![a-z])")
# The part of a card or an account somebody says: "ends 4481", "the last four, 9920", "pin was 4417".
_PART_CUE = re.compile(
    r"(?<![a-z])(?:last\s(?:four|4|three|3|two|2|five|5|six|6|few|bit|digits?|numbers?)|first\s(?:four"
    r"|4|six|6|bit|three|3|five|5|few)"
    r"|ends?|ending|ended|endin|starts?|starting|begins?|beginning|finish(?:es|ing)?|middle|cvv|cvc"
    r"|cv2|csc|security (?:code|number)|on the back|pin|pin code"
    r"|pin number|passcode|password|expiry|expires|exp|valid|sort\s?code|s/c|sortcode|ext|extension)(?![a-z'])"
    + _LINK
)
_SURE_PART = re.compile(
    r"cvv|cvc|cv2|csc|security|on the back|pin|passcode|password|sort|s/c|ext|last|first|expir"
)
_OF_A_NUMBER = re.compile(
    r"(?<![a-z])(?:card|cards|account|acc|acct|phone|mobile|number|numbers|digits|debit|credit|visa"
    r"|mastercard|bank|reg|code|one)(?![a-z])"
)
_PART = re.compile(r"[0-9][0-9o](?:[\s-]?[0-9o]){0,6}(?![0-9a-z])|[0-9o]{2,8}(?![0-9a-z])")
_EXPIRY = re.compile(r"(?:0?[1-9]|1[0-2])\s?[/-]\s?(?:20)?[2-4][0-9](?![0-9/])")
_PAIRS = re.compile(r"(?<![0-9a-z./,-])([0-9]{2})([ ./-]{1,3})([0-9]{2})\2([0-9]{2})(?![0-9a-z]|[./,-][0-9])")
_MONEY = re.compile(
    r"(?<![a-z])(?:transfer(?:red)?|paid|pay|payment|send|sent|money|bank|sort|account|acc|refund"
    r"|deposit(?:ed)?|into|card)(?![a-z])"
)
_LONE = re.compile(r"(?<![0-9a-z£$€:#])(?<![0-9][.,/:-])([0-9]{4,5})(?![0-9a-z%:]|[.,/:-][0-9])")
_TIMED = frozenset(
    words_of(
        "at about around till til until by from since between to and before after the approx circa past gone"
    )
)
_SERVICES = frozenset({"1471", "1234", "0000"})
_REACH = 60
_COUNTRY = re.compile(r"[\s-]?(?:gb|uk|ie|de|pl|cn|us)(?![a-z0-9])")
_FEWEST_OF_A_PARCEL = 7


class Codes:
    """`lexicon`: its ordinary words are no part of a code."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon

    def find(self, view: View, broken: str) -> Iterator[Found]:
        """`broken`: the view's small letters without its dates, times and sums (`break_at`)."""
        lower = view.lower
        if not any(map(str.isdigit, lower)):
            return
        yield from self._find_named(view, broken)
        yield from _find_parts(lower, broken)
        yield from self._find_shaped(lower, broken)
        for found in _DATED_LOG.finditer(lower):
            yield shape(found.span(), MaskKind.NUMBER)
        for found in _LOG_OF_DAY.finditer(lower):
            cue = _LOG_CUE if " of " in found.group() else _SURE_LOG_CUE
            if cue.search(lower, max(0, found.start() - 40), found.end()):
                yield shape(found.span(), MaskKind.NUMBER)

    def _find_named(self, view: View, broken: str) -> Iterator[Found]:
        lower = view.lower
        for cue in _CUE.finditer(lower):
            opened = self._past_opening(view, broken, cue.end())
            span = self._read_code(broken, opened)
            if span and opened > cue.end():
                span = (cue.end(), span[1])
            if span is None or _MEASURE.fullmatch(lower, *span) or _CLOCK.fullmatch(lower, *span):
                continue
            digits = sum(map(str.isdigit, lower[slice(*span)]))
            has_letter = any(map(str.isalpha, lower[slice(*span)]))
            if cue["plate"]:
                if digits and has_letter and span[1] - span[0] <= _LONGEST_PLATE:
                    yield shape(span, MaskKind.VEHICLE)
                continue
            if digits >= (2 if cue["strong"] else 3) or (digits > 1 and has_letter and span[1] - span[0] > 4):
                if not cue["strong"] and _is_time_or_year(lower, *span):
                    continue
                yield shape((span[0], end_with_country(lower, *span)), MaskKind.NUMBER)

    def _past_opening(self, view: View, broken: str, start: int) -> int:
        """Past a word in capitals that opens a code: the HOME of "HOME 0990 412 Z"."""
        opening = _OPENING.match(broken, start)
        if opening is None or view.is_shouted or not view.text[start : opening.end()].strip(" -/.").isupper():
            return start
        return opening.end()

    def _read_code(self, broken: str, start: int) -> tuple[int, int] | None:
        """Groups of letters and figures one behind the other, to the last that has a figure or is no word."""
        end, place, digits = start, start, 0
        for _ in range(_MOST_GROUPS):
            joint = _JOINT.match(broken, place)
            opens = joint.end() if joint and place > start else place
            group = _GROUP.match(broken, opens)
            if group is None or (group.end() < len(broken) and broken[group.end()] in "'\x00"):
                break
            word = group.group()
            is_apart = " " in broken[place:opens]
            if word.isalpha() and (
                word in UNITS
                or len(word) > 8
                or (len(word) > 5 and not digits and place > start)
                or ((is_apart or place == start) and self._is_word(word))
                or (is_apart and len(word) == 1 and word in "aix")
            ):
                break
            place = group.end()
            digits += sum(map(str.isdigit, word))
            if not word.isalpha() or not is_apart or len(word) < 3:
                end = place
        while end > start and broken[end - 1] in " .-/#":
            end -= 1
        following = _GROUP.match(broken, min(end + 1, len(broken)))
        if following and following.group() in UNITS and broken[start:end].isdigit():
            return None
        return (start, end) if digits and end > start else None

    def _is_word(self, word: str) -> bool:
        """Letters of one kind ("zz") are looked up as one, and are no word."""
        return len(set(word)) > 1 and self._lexicon.is_listed(word)

    def _find_shaped(self, lower: str, broken: str) -> Iterator[Found]:
        for found in _JOINED.finditer(broken):
            written = found.group()
            digits = sum(map(str.isdigit, written))
            if digits >= 3 and not _MEASURE.fullmatch(written) and not _OF_A_YEAR.fullmatch(written):
                yield shape(found.span(), MaskKind.NUMBER)
        for found in _WORD_AND_FIGURES.finditer(broken):
            if not _MEASURE.fullmatch(found.group()):
                yield shape(found.span(), MaskKind.NUMBER)
        for found in _LONE.finditer(broken):
            if _is_unexplained(lower, found):
                yield shape(found.span(1), MaskKind.NUMBER)


def end_with_country(lower: str, start: int, end: int) -> int:
    """Where a parcel's number ends whose country stands behind it: "ZZ00 9918 273 GB" measures no memory."""
    country = _COUNTRY.match(lower, end)
    if country is None or sum(map(str.isdigit, lower[start:end])) < _FEWEST_OF_A_PARCEL:
        return end
    return country.end()


def _find_parts(lower: str, broken: str) -> Iterator[Found]:
    for cue in _PART_CUE.finditer(lower):
        if cue.group().startswith("exp") and (expiry := _EXPIRY.match(lower, cue.end())):
            yield shape(expiry.span(), MaskKind.ACCOUNT)
            continue
        part = _PART.match(broken, cue.end())
        if part is None or not any(map(str.isdigit, part.group())):
            continue
        following = _GROUP.match(broken, min(part.end() + 1, len(broken)))
        if following and following.group() in UNITS:
            continue
        is_sure = _SURE_PART.match(cue.group()) is not None
        is_said = _OF_A_NUMBER.search(lower, max(0, cue.start() - _REACH), min(len(lower), cue.end() + 20))
        if (
            is_sure
            or (is_said and len(part.group()) > 2)
            or not (_is_time_or_year(lower, *part.span()) or len(part.group()) < 3)
        ):
            yield shape(part.span(), MaskKind.ACCOUNT)
    for pairs in _PAIRS.finditer(broken):
        is_money = _MONEY.search(lower, max(0, pairs.start() - _REACH), pairs.start()) is not None
        if is_money or (pairs[1].startswith("0") and pairs[3] == "00") or int(pairs[1]) == 0:
            yield shape(pairs.span(), MaskKind.ACCOUNT)


def _is_time_or_year(lower: str, start: int, end: int) -> bool:
    written = lower[start:end]
    if not written.isdigit() or len(written) != 4:
        return len(written) < 3
    return written[:2] in ("19", "20") or (int(written[:2]) < 24 and written[2:] in _QUARTERS)


_QUARTERS = frozenset(f"{minute:02d}" for minute in range(0, 60, 5))


def _is_unexplained(lower: str, found: re.Match[str]) -> bool:
    """Four or five figures alone that are no year, time, round sum or count of something."""
    written = found[1]
    following = re.compile(r"\s?([a-z]{1,12})").match(lower, found.end())
    if written in _SERVICES or written.endswith("00") or (following and following[1] in UNITS):
        return False
    if len(written) == 5:
        return True
    if _is_time_or_year(lower, *found.span(1)):
        return False
    before = re.findall(r"[a-z]+", lower[max(0, found.start() - 12) : found.start()])
    is_time = int(written[:2]) < 24 and int(written[2:]) < 60
    return not (is_time and before and before[-1] in _TIMED)
