"""Names in an app that are told ("mock underscore lad", "shamlad all one word"), and those right behind another."""

import re
from collections.abc import Iterator

from casework.model.masking import Layer, MaskKind
from casework.model.masking.handles import APPS, NAMING, is_no_word
from casework.model.masking.lexicon import Lexicon
from casework.model.masking.views import Found, View

_FIGURE = (
    r"(?:[0-9]{1,4}|oh|zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|[a-z]{3,5}teen|twenty|thirty"
    r"|fou?rty|fifty|sixty|seventy|eighty|ninety|double|triple|treble)"
)
_PART = r"[a-z0-9]{1,20}"
_FIGURES = rf"(?:\s{_FIGURE}(?![a-z0-9])){{0,4}}"
# Nothing but a name in an app or an address has a line below.
_UNDERSCORED = re.compile(
    rf"(?<![a-z0-9@])(?:at\s)?{_PART}(?:\s{_FIGURE})?(?:\s(?:dot|dash|hyphen|full\s?stop)\s{_PART}){{0,2}}"
    rf"\s(?:double\s)?under\s?scores?(?:\s(?!on\s){_PART}(?:\s(?:dot|dash|hyphen"
    rf"|under\s?score)\s{_PART}){{0,3}}{_FIGURES})?(?![a-z0-9])"
)
_POINTED = re.compile(
    rf"(?<![a-z0-9@])(?:at\s)?{_PART}(?:\s(?:dot|dash|hyphen|full\s?stop)\s{_PART}){{1,3}}{_FIGURES}(?![a-z0-9])"
)
_APP = re.compile(rf"(?<![a-z])(?:{APPS}|{NAMING})(?:'s|s)?(?![a-z])")
_REACH = 32
_ONE_WORD = re.compile(
    r"(?<![a-z0-9@._-])([a-z0-9._-]{4,40})[\s,(]{1,3}(?:all\s)?(?:one word|1 word|lower\s?case|no spaces?"
    r"|no gaps?|joined up)(?![a-z])"
)
# Words with hyphens of which one has figures and letters, or that end in figures: "sugarplum-zz01", "Sham-Lad-77".
_HYPHENED = re.compile(r"(?<![a-z0-9@_./-])[a-z0-9]{2,20}(?:-[a-z0-9]{1,20}){1,4}(?![a-z0-9@_/-])")
_MIXED = re.compile(r"[a-z]{1,16}[0-9]{1,6}[a-z]{0,8}|[0-9]{1,4}[a-z]{1,12}")
_NO_MIXED = re.compile(
    r"[0-9]{1,4}(?:st|nd|rd|th|s|ish|yrs?|yo|am|pm|mm|cm|m|km|ft|in|g|kg|mg|ml|l|k|p|gb|tb|mph|cc|hrs?|mins?"
    r"|secs?|x|d|v|w)"
    r"|(?:covid|mp|ps|h|co|vitamin|b|a|m|e|d)[0-9]{1,2}"
)
_NEXT = re.compile(
    r"[\s,;&\"')(/.]{1,4}(?:(?:and|or|also|then|now|she|he|they|i|it|uses|used|use|made|makes|has|had|have|is"
    r"|it's|its|was|the|other"
    r"|one|ones|another|new|changed|to|so|plus|sometimes|with|later|before|that|under|as|called|goes|by|again"
    r"|same|back|got|a|on"
    rf"|first|second|backup|main|burner|deleted|account|acc|opened|blocked|that"
    rf"|{APPS})[\s,:;\"']{{1,3}}){{0,9}}[\"']?([a-z0-9][a-z0-9._#-]{{2,39}})"
)
_MOST_NEXT = 4
_SAID_ON = re.compile(
    r"(?<![a-z])(?:is|its|it's|im|i'm|as|hes|he's|shes|she's"
    r"|me)\s((?:[a-z0-9_.'-]{1,20}\s){1,2}[a-z0-9_.'-]{2,30})\s(?:on|off)\s"
    rf"(?:the\s|my\s|his\s|her\s)?(?:{APPS})(?![a-z])"
)


def find_told_handles(view: View, lexicon: Lexicon) -> Iterator[Found]:
    """What is told with the names of its signs, or written with hyphens."""
    lower = view.lower
    if "score" in lower:
        for found in _UNDERSCORED.finditer(lower):
            if not found.group().startswith(("the under", "an under", "a under", "and under", "of under")):
                yield _handle(*found.span())
    if apps := [found.span() for found in _APP.finditer(lower)]:
        for found in _POINTED.finditer(lower):
            if any(start - _REACH < found.end() and found.start() < end + _REACH for start, end in apps):
                yield _handle(*found.span())
        for found in _SAID_ON.finditer(lower):
            if any(is_no_word(word, lexicon) for word in found[1].split()):
                yield _handle(*found.span(1))
    for found in _ONE_WORD.finditer(lower):
        if is_no_word(found[1], lexicon):
            yield _handle(*found.span(1))
    for found in _HYPHENED.finditer(lower if "-" in lower else ""):
        if _is_name(view, found, lexicon):
            yield _handle(*found.span())


def find_next_handles(view: View, handles: list[Found], lexicon: Lexicon) -> Iterator[Found]:
    """Those told right behind another: "sugarplum-zz00, she also uses moonpie"."""
    for handle in handles:
        end = handle.end
        for _ in range(_MOST_NEXT):
            following = _NEXT.match(view.lower, end)
            if following is None:
                break
            written = following[1].rstrip(".-")
            if not (is_no_word(written, lexicon) and any(mark in written for mark in "._-#0123456789")):
                break
            end = following.start(1) + len(written)
            yield _handle(following.start(1), end)


def _is_name(view: View, found: re.Match[str], lexicon: Lexicon) -> bool:
    parts = found.group().split("-")
    if any(_MIXED.fullmatch(part) and not _NO_MIXED.fullmatch(part) for part in parts[1:]):
        return not parts[0].isdigit() or len(parts) > 2
    # "Sham-Lad-77": behind words with a capital, or that nobody knows.
    is_numbered = len(parts) > 2 and parts[-1].isdigit() and all(part.isalpha() for part in parts[:-1])
    is_written_so = view.text[found.start()].isupper() and not view.is_shouted
    return is_numbered and (is_written_so or any(not lexicon.is_word(part) for part in parts[:-1]))


def _handle(start: int, end: int) -> Found:
    return Found(start, end, MaskKind.HANDLE, Layer.SHAPE)
