"""Dates, times, amounts and ages: what the meaning of a message needs, so that no other shape may swallow them."""

import re
from collections.abc import Container
from dataclasses import dataclass

from casework.model.masking import Layer, MaskKind
from casework.model.masking.views import Found, View

_MONTH = (
    r"(?:jan(?:uary)?|feb(?:uary|ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)(?![a-z])"
)
_DAY = r"(?:0?[1-9]|[12][0-9]|3[01])"
_YEAR = r"(?:19|20)[0-9]{2}"
_ANY_YEAR = rf"(?:{_YEAR}|'?[0-9]{{2}})"
_SEP = r"\s{0,2}[./\\-]\s{0,2}"
_ROMAN = r"(?:x|i?x|vi{0,3}|i{1,3}|iv|xi{0,2})"
_NO_DIGIT_BEFORE = r"(?<![0-9])(?<![0-9][./\\:-])"
_NO_DIGIT_AFTER = r"(?![0-9])(?![./\\-][0-9])"
_DATES = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{_NO_DIGIT_BEFORE}{_DAY}{_SEP}(?:0?[1-9]|1[0-2]){_SEP}{_ANY_YEAR}{_NO_DIGIT_AFTER}",
        rf"{_NO_DIGIT_BEFORE}{_DAY} (?:0?[1-9]|1[0-2]) {_YEAR}(?![0-9])(?![ ./-][0-9])",
        rf"{_NO_DIGIT_BEFORE}{_YEAR}[./-](?:0?[1-9]|1[0-2])[./-]{_DAY}(?![0-9])(?![./-][0-9])",
        rf"{_NO_DIGIT_BEFORE}{_DAY}\s?(?:st|nd|rd|th)?\s{{0,2}}(?:of\s{{1,2}})?[-/., ]{{0,2}}{_MONTH}"
        rf"(?:[-/., ]{{1,3}}{_ANY_YEAR}(?![0-9]))?",
        rf"(?<![a-z]){_MONTH}[-/., ]{{0,2}}(?:the\s)?{_DAY}(?![0-9])(?:st|nd|rd|th)?"
        rf"(?:[-/., ]{{1,3}}{_YEAR}(?![0-9]))?",
        rf"(?<![a-z]){_MONTH}[-/., ]{{1,2}}{_YEAR}(?![0-9])",
        rf"{_NO_DIGIT_BEFORE}{_DAY}[ ./-]{{1,2}}{_ROMAN}[ ./-]{{1,2}}{_ANY_YEAR}{_NO_DIGIT_AFTER}",
    )
)
# A year alone is protected beside another: "2023-2024" is no number of anything.
_YEARS = re.compile(rf"(?<![0-9]){_YEAR}(?:\s{{0,2}}[-/,]?\s{{0,2}}{_YEAR}){{1,3}}(?![0-9])(?![-. ][0-9])")
_TIMES = re.compile(
    r"(?<![0-9:])(?:[01]?[0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?(?![0-9:])"
    r"|(?<![0-9.])(?:[01]?[0-9]|2[0-3])(?:[.:][0-5][0-9])?\s?(?:am|pm|a\.m|p\.m)(?![a-z])"
    r"|(?<![0-9])(?:[01][0-9]|2[0-3])[0-5][0-9]\s?(?:hrs|hours|h)(?![a-z])"
)
_AMOUNTS = re.compile(
    r"[£$€]\s?[0-9]{1,12}(?:[, ][0-9]{3}){0,4}(?:\.[0-9]{1,2})?(?:\s?(?:k|m|grand|quid|pounds?))?(?![0-9])"
    r"|(?<![0-9.,])[0-9]{1,9}(?:,[0-9]{3}){0,3}(?:\.[0-9]{1,2})?\s?"
    r"(?:pounds?|quid|grand|gbp|euros?|pence|miles?|metres?|steps|followers)(?![a-z])"
    r"|(?<![0-9,])[0-9]{1,3}(?:,[0-9]{3}){1,3}(?![0-9,])"
)
_AGES = re.compile(
    r"(?<![0-9])(?:aged?|turned|is|are|im|i'm)\s[1-9][0-9]?(?:\s{0,2}(?:,|and"
    r"|&)\s{0,2}[1-9][0-9]?){0,4}(?![ ]?[0-9/-])"
    r"|(?<![0-9])[0-9]{1,2}\s?(?:yrs?|years?|yo|y/o|months?|mths?|weeks?|days?)(?![a-z])"
)

_BORN = re.compile(
    # Misspelt as people do: letters exchanged, left out, or written as it is said.
    r"(?<![a-z])(?:d\.?\s?o\.?\s?b\.?(?:'?s)?|d\sof\sb|(?:birth|brith|birht|bith|brth|birt|burth|berth|birf"
    r"|brirth|biirth|bitrh|birh|birtht)"
    r"[\s-]?(?:day|date|dya|dy|dte|dat)?(?:'?s)?|b[\s-]?day|borned|born|bron|bonr|geboren|urodzon[ay]"
    r"|nascuta?)(?![a-z])"
    # "I was eighty on", "turned 18 on", "be forty this".
    r"|(?<![a-z])(?:was|be|turn(?:ed|s|ing)?|is|am|i'm|im|he's|hes|she's|shes)\s(?:[1-9][0-9]|"
    r"(?:thir|four|fif|six|seven|eigh|nine)teen|(?:twenty|thirty|fort?y|fourty|fifty|sixty|seventy"
    r"|eighty|ninety)"
    r"(?:[\s-][a-z]{3,5})?)(?:\syears?(?:\sold)?)?\s(?=(?:on|this|last|next)\s(?:the\s)?(?:[0-9]"
    r"|[a-z-]{2,14}(?:st|nd|rd|th)\s))"
)
_REACH = 44
_MOST_TOGETHER = 4
# What may stand between a date and the "birthday" or "born" behind it.
_BETWEEN = re.compile(
    r"[\s,.=(-]{0,3}(?:is\s|was\s|that's\s|thats\s|its\s|it's\s)?(?:my\s|his\s|her\s|the\s|our\s|their\s|me\s)?"
    r"(?:son'?s\s|daughter'?s\s|mum'?s\s)?"
)
_SPOKEN_DAY = (
    r"(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twel[fv]th|thirteenth"
    r"|fourteenth|fifteenth|sixteenth|seventeenth|eighteenth|nineteenth|twentieth|thirtieth"
    r"|(?:twenty|thirty)[\s-]{1,2}(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth))"
)
_SPOKEN_YEAR = (
    r"(?:nineteen|twenty|two thousand)"
    r"(?:[\s-]{1,2}(?:hundred and|hundred|and|oh|o|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
    r"|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|fort?y|fourty|fifty|sixty|seventy"
    r"|eighty|ninety|[0-9]{2})){1,3}"
)
_UNITS = r"(?:one|two|three|four|five|six|seven|eight|nine)"
_SPOKEN_TENS = (
    rf"'?(?:twenty|thirty|fort?y|fourty|fifty|sixty|seventy|eighty|ninety)(?:[\s-]{_UNITS})?(?![a-z])"
)
_OLD_TENS = rf"'?(?:thirty|fort?y|fourty|fifty|sixty|seventy|eighty|ninety)(?:[\s-]{_UNITS})?"
_SPOKEN_DATE = re.compile(
    rf"(?<![a-z])(?:the\s)?(?:{_SPOKEN_DAY}|{_DAY}\s?(?:st|nd|rd|th)?)\s{{1,2}}(?:of\s{{1,2}})?(?:the\s)?"
    rf"(?:{_MONTH}|{_SPOKEN_DAY})(?:[\s,-]{{1,3}}(?:{_SPOKEN_YEAR}|{_ANY_YEAR}))?(?![a-z0-9])"
    rf"|(?<![a-z]){_MONTH}[\s,]{{1,3}}(?:the\s)?{_SPOKEN_DAY}(?:[\s,-]{{1,3}}(?:{_SPOKEN_YEAR}|{_ANY_YEAR}))?"
)
_FEAST = (
    r"(?:(?:christmas|xmas|halloween|easter)(?:\s(?:day|eve|sunday|monday))?"
    r"|(?:boxing|bonfire|new year'?s?|valentine'?s?|midsummer'?s?|pancake|mothering"
    r"|st\s[a-z]{3,12}'?s|guy fawkes|burns|good|palm|leap)\s(?:day|eve|night|sunday|friday|tuesday))"
)
# A day and a month as numbers in words with an old year: nobody tells an event so.
_TOLD_OLD = re.compile(
    rf"(?<![a-z])(?:the\s)?(?:{_SPOKEN_DAY}|{_DAY}(?:st|nd|rd|th))[\s,]{{1,2}}(?:of\s)?(?:the\s)?(?:{_SPOKEN_DAY}|{_MONTH}"
    rf"|{_DAY}(?:st|nd|rd|th))[\s,]{{1,3}}(?:{_OLD_TENS}|nineteen[\s-]{_OLD_TENS})(?![a-z])"
)
# "7 maja 1985": a month no list here knows.
_FOREIGN_MONTH = re.compile(
    rf"{_NO_DIGIT_BEFORE}{_DAY}[\s.]{{1,2}}([a-z]{{3,12}})[\s.,]{{1,2}}(?:19[3-9][0-9]|200[0-9]|201[0-5])(?![0-9])"
)
_WEEKDAY_BEFORE = re.compile(
    r"(?:mon|tues?|wed(?:nes)?|thur?s?|fri|sat(?:ur)?|sun)(?:day)?[\s,]{1,2}(?:the\s)?$"
)
_YEAR_BABY = re.compile(r"(?<![a-z0-9])'?[4-9][0-9](?=\s(?:baby|kid|er)(?![a-z]))")
# What only means a date behind "born": six or eight figures in a row, two-figure parts, a year alone.
_BORN_SHAPES = re.compile(
    rf"{_DAY}[\s./\\-]{{1,3}}(?:0?[1-9]|1[0-2])[\s./\\-]{{1,3}}{_ANY_YEAR}(?![0-9])"
    # A month in another language, or one no list would know.
    rf"|{_DAY}[\s.-]{{1,3}}[a-z]{{3,12}}[\s.,-]{{1,3}}{_YEAR}(?![0-9])"
    rf"|(?<![0-9])[0-9]{{4}}[\s./-]{{1,3}}{_YEAR}(?![0-9])"
    rf"|(?<![0-9]){_YEAR}(?![0-9])|(?<![0-9])[0-9]{{6,8}}(?![0-9])"
    rf"|{_MONTH}\s'?[0-9]{{2}}(?![0-9])"
    # "fourth of the sixth eighty two", "the 4th of the 6th, 1982", "22 octobr 90".
    rf"|(?:the\s)?(?:{_SPOKEN_DAY}|{_DAY}(?:st|nd|rd|th)?)[\s,]{{1,2}}(?:of\s)?(?:the\s)?"
    rf"(?:{_SPOKEN_DAY}|(?:0?[1-9]|1[0-2])(?:st|nd|rd|th)|[a-z]{{3,10}})[\s,.]{{1,3}}(?:of\s|in\s)?"
    rf"(?:{_SPOKEN_YEAR}|{_SPOKEN_TENS}|{_ANY_YEAR}(?![0-9]))"
    rf"|(?<=in\s)(?:nineteen\s)?{_SPOKEN_TENS}|(?<=in\s)'?[3-9][0-9](?![0-9])"
    rf"|{_NO_DIGIT_BEFORE}{_DAY}[./-](?:0?[1-9]|1[0-2])(?![0-9]|[./-][0-9])"
    rf"|(?:on\s)?{_FEAST}(?:[\s,]{{1,2}}(?:in\s)?(?:{_SPOKEN_YEAR}|{_ANY_YEAR}))?(?![a-z0-9])"
    rf"|(?<![0-9])'[0-9]{{2}}(?![0-9])|(?<![a-z]){_SPOKEN_YEAR}"
)
# What may stand between two birth dates of one sentence: "Her DOB is ..., mine ...".
_SECOND = re.compile(
    r"[\s,.;&(/-]{0,4}(?:(?:and|on|the|in|or|mine|his|hers|her|my|is|was|wife|husband|son|daughter"
    r"|brother|sister|mum|dad|twin|adn|n|a|"
    r"one|other|both|partner|born|it|maybe|possibly|no|sorry)(?:'?s)?[\s,.;:&(/-]{1,3}){0,6}"
)
_DAY_ALONE = re.compile(rf"(?:the\s)?(?:{_DAY}(?:st|nd|rd|th)|{_SPOKEN_DAY})(?![a-z0-9])")
# A year of two figures that no hearing is in yet.
_OLD_SHORT_YEAR = re.compile(
    r"(?:[./\\-]|'|[a-z]\s)\s{0,2}'?[4-9][0-9]$"
    # Not the end of "2026-10-12".
    r"|(?<![0-9]{4})[./\\-]\s?[0-3]?[0-9][./\\-]\s?(?:0[0-9]|1[0-5])$"
)
_OLD_YEAR = re.compile(r"(?<![0-9])(?:19[0-9]{2}|200[0-9]|201[0-5])(?![0-9])")
# "O6", "l2", "2OO1": letters that stand for figures, inside what is otherwise written as a date.
_MISTYPED = re.compile(r"(?<![0-9a-z])[0-9oli]{1,2}[./\\-][0-9oli]{1,2}[./\\-][0-9oli]{2,4}(?![0-9a-z])")
_LOOK_ALIKE = str.maketrans("oli", "011")
_SPOKEN_OLD_YEAR = re.compile(r"nineteen[\s-]{1,2}(?:hundred|[a-z])")


@dataclass(frozen=True, kw_only=True)
class Dates:
    """What of a text is a time or a sum. `kept`: spans of the view that stay, births among them, which are hidden."""

    born: tuple[Found, ...]
    kept: tuple[tuple[int, int], ...]


def read_dates(view: View, plain_words: Container[str] = ()) -> Dates:
    """`plain_words`: ordinary words, which are no month of another language."""
    born = find_birth_dates(view, plain_words)
    spans = (*find_protected(view), *((one.start, one.end) for one in born))
    return Dates(born=tuple(born), kept=spans)


def find_birth_dates(view: View, plain_words: Container[str]) -> list[Found]:
    """Full dates with a year from 1900 to 2015, and any date shortly behind "born", "dob" or "birthday"."""
    lower = _MISTYPED.sub(_read_figures, view.lower)
    spans = [
        found.span()
        for pattern in (*_DATES[:5], _DATES[6], _SPOKEN_DATE)
        for found in pattern.finditer(lower)
        if _OLD_YEAR.search(found.group())
        or _SPOKEN_OLD_YEAR.search(found.group())
        or _OLD_SHORT_YEAR.search(found.group())
    ]
    spans = [span for span in spans if _has_day(lower[slice(*span)])]
    spans += [found.span() for pattern in (_TOLD_OLD, _YEAR_BABY) for found in pattern.finditer(lower)]
    spans += [found.span() for found in _FOREIGN_MONTH.finditer(lower) if found[1] not in plain_words]
    for cue in _BORN.finditer(lower):
        found = _find_nearest(lower, cue.end(), cue.end() + _REACH)
        if found is None:
            found = _find_last(lower, max(0, cue.start() - _REACH), cue.start())
        for _ in range(_MOST_TOGETHER):
            if found is None:
                break
            spans.append(found)
            gap = _SECOND.match(lower, found[1])
            following = _find_nearest(lower, gap.end(), gap.end() + _REACH) if gap else None
            if gap and following is None and (day := _DAY_ALONE.match(lower, gap.end())):
                following = day.span()
            found = following if following and gap and following[0] <= gap.end() else None
    return [Found(_with_weekday(lower, start), end, MaskKind.BIRTH_DATE, Layer.SHAPE) for start, end in spans]


def _with_weekday(lower: str, start: int) -> int:
    found = _WEEKDAY_BEFORE.search(lower, max(0, start - 16), start)
    return found.start() if found and not lower[found.start() - 1 : found.start()].isalpha() else start


def _read_figures(found: re.Match[str]) -> str:
    """The date with figures for letters, as long as it was; what has too few figures stays."""
    written = found.group()
    return written.translate(_LOOK_ALIKE) if sum(map(str.isdigit, written)) > 3 else written


def find_protected(view: View) -> list[tuple[int, int]]:
    """Spans of the view that stay as they are, unless they are a date of birth."""
    patterns = (*_DATES, _SPOKEN_DATE, _YEARS, _TIMES, _AMOUNTS, _AGES)
    return [found.span() for pattern in patterns for found in pattern.finditer(view.lower)]


def _find_nearest(lower: str, start: int, until: int) -> tuple[int, int] | None:
    nearest: tuple[int, int] | None = None
    for pattern in (*_DATES, _SPOKEN_DATE, _BORN_SHAPES):
        found = pattern.search(lower, start, min(until, len(lower)))
        if found and (nearest is None or (found.start(), -found.end()) < (nearest[0], -nearest[1])):
            nearest = found.span()
    return nearest


def _find_last(lower: str, start: int, until: int) -> tuple[int, int] | None:
    """The date that ends right before "is my birthday", with at most a few words between."""
    spans = [
        found.span()
        for pattern in (*_DATES[:5], _SPOKEN_DATE)
        for found in pattern.finditer(lower, start, until)
        if _BETWEEN.fullmatch(lower, found.end(), until)
    ]
    return max(spans, key=lambda span: (span[1], span[1] - span[0])) if spans else None


def _has_day(date: str) -> bool:
    """A month and a year alone say when something was, not who somebody is."""
    figures = re.findall(r"[0-9]{1,4}", date)
    return len(figures) > 1 or bool(re.search(_SPOKEN_DAY, date))
