"""E-mail and web addresses, written, mistyped or said aloud: "tilly, full stop, sham, the at sign, example, dot"."""

import re
from collections.abc import Iterator

from casework.model.masking import MaskKind
from casework.model.masking.numbers import shape
from casework.model.masking.views import Found, View

# How an address ends, slips of the fingers among them.
_ENDS = (
    r"com|co|org|net|uk|gov|ac|police|nhs|me|example|invalid|test|info|biz|app|shop|site|online|xyz|tv|eu|ie"
    r"|wales|cymru"
    r"|scot|london|io|ly|gg|ru|pl|ro|fr|nl|de|link|click|store|dev|ai|int|con|cmo|ocm|cim|vom|comm|ogr|orgg|og|nte|nett"
)
# Without those that are also words, for an address nothing else tells.
_SURE_ENDS = (
    r"com|org|net|uk|gov|invalid|test|example|info|biz|app|shop|site|online|xyz|tv|eu|ie|wales|cymru|scot|io|ly"
    r"|gg|ru|pl"
    r"|store|dev|cmo|ocm|vom|comm|ogr|orgg|nett|con"
)
_DOT = r"[\s,]{0,3}(?:\.|\(dot\)|\[dot\]|(?<![a-z])(?:dot|full\s?stop|point|period)(?![a-z]))[\s,]{0,3}"
_DOT_SAID = (
    r"[\s,]{1,3}(?:\(dot\)|\[dot\]|dot|full\s?stop)[\s,]{1,3}|\((?:dot)\)"
    r"|\s?[\[({]\.[\])}]\s?|\[dot\]|-dot-|[\s,]{1,3}point[\s,]{1,3}"
)
_AT_SAID = (
    r"(?:@|\(at\)|\[at\]|\{at\}|(?<![a-z])(?:(?:the\s)?at(?:\s(?:sign|symbol))?|malpa|arroba|kukac)(?![a-z]))"
)
_EMAIL = re.compile(
    r"(?:mailto\s?:\s?)?[a-z0-9._%+'-]{1,80}\s{0,2}(?:@|\(at\)|\[at\])\s{0,2}[a-z0-9-]{1,63}"
    r"(?:\s{0,1}[.,]\s{0,1}[a-z][a-z0-9-]{1,23}|\s(?:com|org|net|co|uk)(?![a-z])){1,4}"
)
# Nothing else has letters on both sides of that sign; "#" stands beside it on the keyboard.
_BARE_EMAIL = re.compile(r"(?<![a-z0-9.@])[a-z0-9][a-z0-9._%+-]{0,60}@[a-z0-9][a-z0-9.-]{1,60}")
_HASH_EMAIL = re.compile(
    rf"(?<![a-z0-9.@])[a-z0-9][a-z0-9._%+-]{{1,60}}[#\"'~][a-z0-9-]{{2,40}}\.(?:{_ENDS})(?![a-z])"
)
_MAIL_PART = r"[a-z0-9][a-z0-9_.+-]{0,40}"
_SIGN_SAID = r"(?:dot|underscore|under score|dash|hyphen|point|full\s?stop|plus)"
_MAIL_JOINT = rf"(?:[\s,]{{1,3}}|\s?\(){_SIGN_SAID}(?:\)\s?|[\s,]{{1,3}})"
_FIGURE_SAID = (
    r"(?:oh|zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|[a-z]{3,5}teen|twenty|thirty"
    r"|forty|fifty"
    r"|sixty|seventy|eighty|ninety)"
)
_FIGURES_SAID = rf"{_FIGURE_SAID}(?:[\s-]{_FIGURE_SAID}){{0,3}}"
_SPELLED_EMAIL = re.compile(
    rf"(?:{_MAIL_PART}{_MAIL_JOINT}){{0,4}}{_MAIL_PART}(?:\s(?:[0-9]{{1,4}}"
    rf"|{_FIGURES_SAID}))?[\s,]{{0,3}}{_AT_SAID}[\s,]{{0,3}}[a-z0-9-]{{1,40}}"
    rf"(?:{_DOT}[a-z0-9-]{{1,24}}){{0,2}}{_DOT}(?:{_ENDS})(?![a-z])(?:{_DOT}uk(?![a-z]))?"
)
# Without the dot: "mocklad at example com".
_UNDOTTED_EMAIL = re.compile(rf"{_MAIL_PART}\s(?:at|@)\s[a-z0-9-]{{2,40}}\s(?:com|org|net|co\suk)(?![a-z])")
_MAIL_PROVIDER = re.compile(
    rf"{_MAIL_PART}\s{{0,2}}(?:@|(?<=\s)at(?=\s))\s{{0,2}}(?:gmail|googlemail|hotmail|outlook|yahoo"
    r"|icloud|live|btinternet|aol|sky|protonmail|proton|talktalk|virginmedia|msn|ymail)"
    r"(?![a-z])(?:\s{0,2}(?:\.|dot)\s{0,2}(?:com|co|uk|net|me)(?![a-z])){0,2}"
)
# "my email is T sham, all one word, at example dot com": all from the word that says so.
_MAIL_CUE = re.compile(
    r"(?<![a-z])(?:e[\s-]?mails?|mail)(?:\s(?:address|addy|addr))?"
    r"(?:[\s:,-]{1,3}(?:is|its|it's|me|us|on|at|to|was|now|just|please|it|=)(?![a-z]))*[\s:,-]{1,3}"
)
_REACH = 64
_WWW = (
    r"(?:www|wwww|ww|w[\s.]w[\s.]w|dub\sdub\sdub|(?:dubya[\s,]{1,2}){2}dubya"
    r"|(?:double[\s-]?(?:u|you)[\s,]{1,2}){3}|triple\sw|three\sw'?s)"
)
# What is said of the sign between two words of one part, and what goes before the address.
_LABEL = r"[a-z0-9-]{2,40}(?:[\s,]{1,3}(?:dash|hyphen|underscore|minus)[\s,]{1,3}[a-z0-9-]{1,40}){0,3}"
_SCHEME_SAID = (
    r"h\s?t\s?t\s?p(?:\s?s)?[\s,]{0,2}(?:colon|:)[\s,]{1,3}(?:double\s|forward\s|back\s)?(?:slash|stroke)"
    r"(?:(?:es)?[\s,]{1,3}(?:forward\s|back\s)?(?:slash|stroke))?[\s,]{1,3}"
)
_SLASH_SAID = (
    r"(?:[\s,]{0,3}(?:slash|stroke|/|forward\sslash)[\s,]{0,3}[a-z0-9-]{1,60}"
    r"(?:\s(?:dash|hyphen|underscore)\s[a-z0-9-]{1,40}){0,3}){0,5}"
)
# Without one of these nothing is an address on the web.
_SIGN_OF_ONE = re.compile(r"[./\\:,]|dot|stop|point|www|\s(?:com|org|net|co)(?![a-z])")
_URLS = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?<![a-z])[a-z]{2,6}\s?[:;]\s?//?\s?[^\s<>\"]{1,300}",
        r"(?<![a-z])h[tx]{1,3}ps?\s?[:;.]{0,2}[/\\]{1,3}\s?[^\s<>\"]{1,300}",
        rf"(?<![a-z0-9]){_WWW}\s?[.,]\s?[^\s<>\"]{{1,300}}",
        rf"(?<![a-z0-9]){_WWW}\s[a-z0-9-]{{1,63}}(?:\s(?:dot\s)?(?:com|org|net|co|uk)(?![a-z])){{1,2}}",
        r"(?<![a-z0-9@.-])[a-z0-9-]{2,63}\s?[.,]\s?(?:com|org|net"
        r"|co\.uk)(?![a-z0-9-])(?:\s?/\s?[^\s<>\"]{0,200})?",
        rf"(?<![a-z0-9@.-])(?:[a-z0-9-]{{1,63}}\.){{1,4}}(?:{_SURE_ENDS})(?![a-z0-9-])(?:[:/?#][^\s<>\"]{{0,200}})?",
        r"(?<![a-z0-9@.-])(?:[a-z0-9-]{1,63}\.){1,4}[a-z]{2,6}/[^\s<>\"]{1,200}",
        rf"(?<![a-z0-9])(?:{_SCHEME_SAID})?(?:{_WWW}[\s,]{{0,3}}(?:dot[\s,]{{1,3}})?)?(?:{_LABEL}(?:{_DOT_SAID})){{1,3}}"
        rf"(?:{_SURE_ENDS}|co|c[\s.-]o[\s.-]m|o[\s.-]r[\s.-]g)(?![a-z])(?:[\s,]{{1,3}}dot\suk(?![a-z]))?{_SLASH_SAID}",
        rf"(?<![a-z0-9@.-])(?:[a-z0-9-]{{2,40}}\s\.\s){{1,3}}(?:{_SURE_ENDS})(?![a-z])",
        rf"(?<![a-z0-9]){_WWW}\s?\.\s?[a-z0-9-]{{1,40}}(?:\s?\.\s?[a-z0-9-]{{1,40}})?\s?\.\s?(?:{_SURE_ENDS})(?![a-z])",
        r"(?<![a-z0-9@.-])[a-z0-9-]{3,40}\s(?:com|org|net)/[^\s<>\"]{1,200}",
        r"(?<![0-9.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?::[0-9]{1,5})?/[^\s<>\"]{1,200}",
    )
)


def find_emails(view: View) -> Iterator[Found]:
    lower = view.lower
    for pattern in (_EMAIL, _BARE_EMAIL, _HASH_EMAIL, _SPELLED_EMAIL, _UNDOTTED_EMAIL, _MAIL_PROVIDER):
        for found in pattern.finditer(lower):
            start, end = _without_stop(lower, found.span())
            yield shape((_start_behind_cue(lower, start), end), MaskKind.EMAIL)


def _start_behind_cue(lower: str, start: int) -> int:
    """Where the words behind "my email is" begin, if the sentence goes on to the address."""
    cues = list(_MAIL_CUE.finditer(lower, max(0, start - _REACH), start))
    if not cues or re.search(r"[.!?;]\s|\n|\d{5}", lower[cues[-1].end() : start]):
        return start
    said = re.findall(r"[a-z]+", lower[cues[-1].end() : start])
    return min(start, cues[-1].end()) if len(said) < 8 and not _TALK.intersection(said) else start


# With one of these between, the sentence goes on to say something else first.
_TALK = frozenset(
    {
        "i",
        "he",
        "she",
        "they",
        "you",
        "we",
        "my",
        "his",
        "her",
        "from",
        "and",
        "but",
        "for",
        "not",
        "about",
        "or",
        "use",
    }
)


def find_urls(view: View) -> Iterator[Found]:
    if _SIGN_OF_ONE.search(view.lower) is None:
        return
    for pattern in _URLS:
        for found in pattern.finditer(view.lower):
            yield shape(_without_stop(view.lower, found.span()), MaskKind.URL)


def _without_stop(lower: str, span: tuple[int, int]) -> tuple[int, int]:
    """Without the stop, comma or bracket that ends the sentence and not the address."""
    start, end = span
    while end - start > 1 and lower[end - 1] in ".,;:!?)'\"-":
        end -= 1
    return start, end
