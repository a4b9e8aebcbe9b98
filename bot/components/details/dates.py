"""Dates as people in the UK write and say them, day before month."""

import re
from collections.abc import Iterable, Iterator
from datetime import date
from re import Match

from bot.components.details.detail import GAP, LOOKED_BACK, NOT_AFTER, UNIT, Detail, any_of

DATE = "date"
PIVOT_YEAR = 50  # 49 is 2049, 50 is 1950

MONTHS = {
    1: "january jan janury januray",
    2: "february feb febuary feburary febru",
    3: "march mar",
    4: "april apr apirl",
    5: "may",
    6: "june jun",
    7: "july jul",
    8: "august aug augest",
    9: "september sept sep septemeber setember",
    10: "october oct ocotber",
    11: "november nov novemeber",
    12: "december dec decemeber decmber",
}
NUMBER_OF_MONTH = {name: number for number, names in MONTHS.items() for name in names.split()}
ORDINALS = """
first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth
sixteenth seventeenth eighteenth nineteenth twentieth
"""
TENS = {"twenty": 20, "thirty": 30}
NUMBER_OF_ORDINAL = {word: number for number, word in enumerate(ORDINALS.split(), 1)} | {
    "thirtieth": 30,
    **{
        f"{ten} {unit}": tens + number
        for ten, tens in TENS.items()
        for number, unit in enumerate(ORDINALS.split()[:9], 1)
    },
}


MONTH = any_of(NUMBER_OF_MONTH)
ORDINAL = any_of(NUMBER_OF_ORDINAL)
LONG_DAY = (
    "(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday|tuseday|teusday|wensday|wendsday|wednsday"
    "|thursay|thurday|thirsday|saterday|satday)"
)
SHORT_DAY = "(?:mon|tues?|weds?|thurs?|thu|fri|sat|sun)"
CLEAR_SHORT_DAY = "(?:tues|weds|thurs?|fri)"
DAY = r"(?:3[01]|[12]\d|0?[1-9])"
YEAR = rf"(?:(?:19|20)\d\d|['\u2019]?[0-2]\d(?!\s?{UNIT}))(?![\w/]|[:.\-]\d)"
# What makes "may" a verb again: "the 2 may have gone".
VERB_AFTER_MAY = re.compile(
    rf"{GAP}(?:be|have|not|well|need|come|go|know|get|help|ask|also|take|want|i|we|he|she|they|you)\b", re.I
)
WEEKDAY_BEFORE = rf"(?:(?:{LONG_DAY}|{SHORT_DAY}),?{GAP}(?:the{GAP})?)?"

DAY_AND_MONTH = re.compile(
    rf"{NOT_AFTER}{WEEKDAY_BEFORE}(?:(?P<day>{DAY})(?P<suffix>{GAP}?(?:st|nd|rd|th))?|(?P<word>{ORDINAL}))"
    rf"(?:{GAP}(?:of{GAP})?|[.\-/]?)(?P<month>{MONTH})(?![^\W\d_])(?:[\s,.\-/]{{0,3}}(?P<year>{YEAR}))?(?![\-/]\d)",
    re.I,
)
MONTH_AND_DAY = re.compile(
    rf"{NOT_AFTER}{WEEKDAY_BEFORE}(?P<month>{MONTH})\b[\s.]{{0,3}}(?:the{GAP})?"
    rf"(?:(?P<day>{DAY})(?P<suffix>{GAP}?(?:st|nd|rd|th)\b)?|(?P<word>{ORDINAL})\b)"
    rf"(?![\w/£%]|[:.\-]\d|{GAP}?{UNIT})(?:[\s,]{{1,3}}(?P<year>{YEAR}))?",
    re.I,
)
NUMERIC = re.compile(
    rf"{NOT_AFTER}(?P<day>\d{{1,2}})(?P<sign> ?[/.\-] ?)(?P<month>\d{{1,2}})(?P=sign)(?P<year>\d{{4}}|\d\d)"
    r"(?![\w/\-]|[.:]\d)"
)
ISO = re.compile(rf"{NOT_AFTER}(?P<year>(?:19|20)\d\d)-(?P<month>\d\d)-(?P<day>\d\d)(?![\w/\-]|\.\d)")
NO_YEAR = re.compile(rf"{NOT_AFTER}(?!24/7)(?P<day>\d{{1,2}})/(?P<month>\d{{1,2}})(?![\w/\-%]|[.:]\d)")
DATE_FOLLOWS = re.compile(
    r"(?:\b(?:on|since|from|until|untill|till|til|by|before|after|the|dated?|court|hearing|happened|due|between|and|to"
    rf"|{LONG_DAY}|{SHORT_DAY})|[&:])\s{{0,3}}(?:the{GAP})?$",
    re.I,
)
MONTH_AND_YEAR = re.compile(
    rf"{NOT_AFTER}(?P<month>{MONTH})\b[\s,]{{1,3}}(?P<year>(?:19|20)\d\d)(?![\w/\-]|\.\d)", re.I
)
MONTH_ALONE = re.compile(
    rf"{NOT_AFTER}(?:in|since|until|untill|till|til|by|before|after|during|from|mid|early|late|end{GAP}of){GAP}"
    rf"(?P<span>{MONTH})\b|{NOT_AFTER}(?P<near>(?:last|next|this){GAP}{MONTH})\b",
    re.I,
)
DAY_ALONE = re.compile(
    rf"\b(?P<sure>(?:on|by|since|until|untill|till|til|before|after|from){GAP}the|{LONG_DAY}|{SHORT_DAY})?"
    rf"(?(sure){GAP}(?:the{GAP})?|\bthe{GAP})(?P<span>{DAY}(?:st|nd|rd|th))\b(?![/\-]\d)",
    re.I,
)
# "on the 5th floor" is no date; "the 5th" is one only before a stop or one of the small words.
COUNTED_THING = re.compile(
    r"\s{1,3}(?:time|day|floor|one|person|call|attempt|message|msg|text|officer|b(?:irth)?day|degree|party|offence"
    r"|week|month|year|hearing|house|flat|door|street|st|road|rd|avenue|man|guy|lad|victim|statement|incident|visit"
    r"|child|kid|baby|anniversary|row|line|page|letter|email|email|trimester|phone|crime|case|attack|burglary|grade|form"
    r"|date|lot|night|bloke|woman|girl|boy|car|century)s?\b",
    re.I,
)
ENDS_OR_GOES_ON = re.compile(
    r"\s*(?:[.,!?;:)\n]|$|(?:and|at|i|is|was|for|but|so|if|he|she|they|because|cos|or|to|about|please|pls|plz|when|we"
    r"|my|it|its|in|with|there|will|this|next|last|thanks|thx|around|u|you|dont|didnt|i'?m)\b)",
    re.I,
)
WEEKDAY = re.compile(
    rf"(?<!every )(?<!each )(?<![\w'\u2019])(?:(?P<near>(?:last|next|this|following|coming){GAP}(?:coming{GAP})?"
    rf"(?:{LONG_DAY}|{SHORT_DAY}))|(?P<long>{LONG_DAY}|{CLEAR_SHORT_DAY})"
    rf"|(?:on|since|until|untill|till|til|by|before|from|for){GAP}(?P<short>{SHORT_DAY}))\b(?!{GAP}(?:nav\b|down\b|there\b))"
    rf"(?!['\u2019-]\w)",
    re.I,
)
COUNT = "(?:\\d{1,2}|an?|one|two|three|four|five|six|seven|eight|nine|ten|(?:a )?couple(?: of)?|(?:a )?few)"
RELATIVE = re.compile(
    rf"(?<!\w)(?:(?:the{GAP})?day{GAP}before{GAP}yesterday|(?:the{GAP})?day{GAP}after{GAP}tomorrow|yesterday|yday|yest"
    r"|yesturday|yesterdy|tomm?orr?ow|tomorra|tmrw|tmr|tomoz|2mor(?:o|row)|2moz|today|2day|tonight|tonite|2nite|2night"
    rf"|last{GAP}ni(?:ght|te)|this{GAP}(?:morning|afternoon|evening)"
    rf"|(?:last|next|this){GAP}(?:week|wk|month|year|yr|week ?end|wkend)"
    rf"|{COUNT}{GAP}(?:days?|nights?|weeks?|wks?|fortnights?|months?|mths?|years?|yrs?){GAP}ago"
    r"|(?:christmas|xmas)\s(?:day|eve)|boxing\sday|new\syear'?s\s(?:day|eve)|(?:bank\sholiday|easter)\smonday)\b",
    re.I,
)
SORT_CODE = re.compile(r"sort\s?code\W{0,3}(?:is\W{1,3})?$", re.I)


def find_dates(text: str) -> Iterator[Detail]:
    """ISO (`2026-03-12`, `2026-03`) where day, month and year were written; else the words, in lower case."""
    yield from _dates_in_numbers(text)
    for pattern in (DAY_AND_MONTH, MONTH_AND_DAY):
        for match in pattern.finditer(text):
            if not _is_may_the_verb(match, text):
                yield from _as_date(match)
    for match in MONTH_AND_YEAR.finditer(text):
        value = f"{match['year']}-{_month_of(match):02}"
        yield Detail(DATE, value, match.start(), match.end())
    yield from _days_alone(text)
    yield from _in_words(RELATIVE.finditer(text))
    yield from _in_words(WEEKDAY.finditer(text), "near", "long", "short")
    months = (m for m in MONTH_ALONE.finditer(text) if not VERB_AFTER_MAY.match(text, m.end()))
    yield from _in_words(months, "span", "near")


def _dates_in_numbers(text: str) -> Iterator[Detail]:
    for match in ISO.finditer(text):
        yield from _as_date(match)
    for match in NUMERIC.finditer(text):
        if not SORT_CODE.search(text[max(0, match.start() - LOOKED_BACK) : match.start()]):
            yield from _as_date(match)
    for match in NO_YEAR.finditer(text):
        before = text[max(0, match.start() - LOOKED_BACK) : match.start()]
        is_alone = match.group() == text.strip(" .?!\n")
        has_a_zero = "0" in (match["day"][0], match["month"][0])
        if is_alone or has_a_zero or DATE_FOLLOWS.search(before):
            yield from _as_date(match)


def _as_date(match: "Match[str]") -> Iterator[Detail]:
    groups = match.groupdict()
    word = re.sub(r"[\s\-]+", " ", (groups.get("word") or "").lower())
    day = NUMBER_OF_ORDINAL[word] if word else int(groups["day"])
    year = groups.get("year")
    try:
        whole = date(_full_year(year) if year else 2000, _month_of(match), day)
    except ValueError:
        return
    yield Detail(DATE, whole.isoformat() if year else _plain(match.group()), match.start(), match.end())


def _full_year(written: str) -> int:
    year = int(written.strip("'\u2019"))
    if year > 99:
        return year
    return year + (2000 if year < PIVOT_YEAR else 1900)


def _month_of(match: "Match[str]") -> int:
    written = match["month"].lower()
    return int(written) if written.isdecimal() else NUMBER_OF_MONTH[written]


def _is_may_the_verb(match: "Match[str]", text: str) -> bool:
    groups = match.groupdict()
    is_clear = any(groups.get(name) for name in ("suffix", "year", "word"))
    if is_clear or match["month"].lower() not in ("may", "mar"):
        return False
    month_is_last = match.end("month") == match.end()
    return not month_is_last or VERB_AFTER_MAY.match(text, match.end()) is not None


def _days_alone(text: str) -> Iterator[Detail]:
    for match in DAY_ALONE.finditer(text):
        is_counting = COUNTED_THING.match(text, match.end()) is not None
        if not is_counting and (match["sure"] or ENDS_OR_GOES_ON.match(text, match.end())):
            yield Detail(DATE, match["span"].lower(), *match.span("span"))


def _in_words(matches: Iterable["Match[str]"], *names: str) -> Iterator[Detail]:
    for match in matches:
        group = next((name for name in names if match[name]), 0)
        yield Detail(DATE, _plain(match[group]), *match.span(group))


def _plain(words: str) -> str:
    return " ".join(words.lower().split())
