"""Dates of birth: a whole date of long ago wherever it stands, and any date that is said to be somebody's."""

import re
from collections.abc import Container, Iterator

from casework.model.masking import Layer, MaskKind
from casework.model.masking.calendar_words import (
    ANY_MONTH,
    ANY_YEAR,
    CARDINAL,
    DATES,
    DAY,
    MONTH,
    NINETEEN,
    NO_DIGIT_BEFORE,
    OF,
    OLD_TENS,
    SPOKEN_DATE,
    SPOKEN_DAY,
    SPOKEN_TENS,
    SPOKEN_YEAR,
    YEAR,
)
from casework.model.masking.child_dates import find_child_dates
from casework.model.masking.views import Found, View

_AGE = (
    r"(?:[1-9][0-9]|(?:thir|four|fif|six|seven|eigh|nine)teen"
    r"|(?:twenty|thirty|fort?y|fourty|fifty|sixty|seventy|eighty|ninety)(?:[\s-][a-z]{3,5})?)(?:\syears?(?:\sold)?)?"
)
_BORN = re.compile(
    # Misspelt as people do: letters exchanged, left out, or written as it is said.
    r"(?<![a-z])(?:d\.?\s?o\.?\s?b\.?(?:'?s)?|d\sof\sb|(?:birth|brith|birht|bith|brth|birt|burth|berth|birf|burf|brif"
    r"|brirth|biirth|bitrh|birh|birtht)"
    r"[\s-]?(?:day|date|dya|dy|dte|dat)?(?:'?s)?|b'?[\s-]?(?:day|date)(?:'?s)?|borned|born|bron|bonr|babby born"
    # In other languages.
    r"|geboren|geburts[a-z]{0,6}|urodz[a-z]{2,6}|nascuta?|nasterii|naissance|ne{1,2} le|nacid[oa]|nacimiento"
    r"|nascid[oa]"
    r"|nascimento|nat[oa] il|ganwyd|geni|penblwydd|gim(?:es|imo)|narozen[iya]?|rodjena?|dogum|szulet[a-z]{1,6}"
    # "I gave birth", "I had her on", "the baby arrived".
    r"|(?:had\s(?:her|him|them|my\s[a-z]{3,8})|came along|(?:baby|bairn|wean|twins) (?:came"
    r"|arrived))(?=\s(?:on\s|in\s)?"
    r"(?:the\s)?[0-9]{1,2}(?:st|nd|rd|th|[/.-]|\s[a-z]{3,9}\s[0-9]{2})))(?![a-z])"
    # "I was eighty on", "turned 18 on", "be forty this", "I am 67, 68 on", "im 10 on".
    r"|(?<![a-z])(?:was|be|been|turn(?:ed|s|ing)?|is|am|i'm|im|he's|hes|she's|shes)\s(?:[1-9][0-9]?,?\s(?:and\s"
    r"|but\s)?)?"
    rf"{_AGE}\s(?=(?:on|this|last|next|come)\s(?:the\s)?(?:[0-9]|[a-z-]{{2,14}}(?:st|nd|rd|th)\s))"
    r"|(?<![a-z])(?:turn(?:ed|s|ing)?|i'm|im|i am|he's|hes|she's|shes|i'll be)\s(?:[1-9]|five|six|seven|eight"
    r"|nine|ten)\s"
    r"(?=on\s(?:the\s)?[0-9])"
    # "my 21st on".
    r"|(?<![a-z])(?:my|his|her|our|their)\s[1-9][0-9]?(?:st|nd|rd|th)\s(?=on\s(?:the\s)?[0-9])"
    r"|(?<![a-z0-9.])b\.\s?(?=[0-9])"
)
_REACH = 44
_MOST_TOGETHER = 4
# What may stand between a date and the "birthday" or "born" behind it.
_BETWEEN = re.compile(
    r"[\s,.=(-]{0,3}(?:(?:is|was|wis|were|that's|thats|its|it's|that|when|my|his|her|the|our|their|me|i|he|she"
    r"|we|they|son'?s"
    r"|daughter'?s|mum'?s|dad'?s)\s){0,5}"
)
# Right before "born": whose it is, so that the date before it is meant, also where another follows.
_WHO_WAS = re.compile(r"(?:i|he|she|we|they|me|mum|dad)(?:\s(?:was|wis|were)|\swere)?\s$")
_FEAST = (
    r"(?:(?:christmas|xmas|halloween|easter|hogmanay|michaelmas|candlemas|lammas|epiphany|lady|twelfth)"
    r"(?:\s(?:day|eve|night|nicht|sunday|monday))?"
    r"|(?:boxing|bonfire|new year'?s?|valentine'?s?|midsummer'?s?|pancake|mothering|may|armistice|remembrance|shrove"
    r"|ash|whit|st\.?\s[a-z]{3,12}'?s?|saint\s[a-z]{3,12}'?s?|all\s(?:saints|souls|hallows)'?|guy fawkes|burns'?"
    r"|good|palm|leap"
    r"|mother'?s?|father'?s?|[ve][ej]|april fools?'?)"
    r"\s(?:day|eve|night|nicht|sunday|monday|friday|wednesday|tuesday))"
)
_FEAST_DATE = re.compile(
    rf"(?<![a-z]){_FEAST}(?:[\s,]{{1,2}}(?:in\s|of\s)?(?:{SPOKEN_YEAR}|{ANY_YEAR}))?(?![a-z0-9])"
)
_OLD = r"(?:19[0-9]{2}|200[0-9]|201[0-5])"
_CARDINAL_DATE = re.compile(
    rf"(?<![a-z0-9]){CARDINAL}[\s,-]{{1,3}}{CARDINAL}[\s,-]{{1,3}}(?:{SPOKEN_YEAR}|{OLD_TENS}|{_OLD}(?![0-9]))"
)
_YEAR_ALONE = re.compile(r"(?<![0-9./-])(?:19[0-9]{2}|200[0-9]|201[0-5])(?![0-9])")
_SAID_OLD = (
    rf"{NINETEEN}[\s-](?:hun(?:dred|ner)(?:\s(?:and|an'?))?[\s-])?{OLD_TENS}|{NINETEEN}[\s-]hun(?:dred|ner)"
)
# A day and a month, however told, with a year of long ago: nobody tells an event so.
_TOLD_OLD = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?<![a-z0-9])(?:the\s)?(?:{SPOKEN_DAY}|{DAY}\s?(?:st|nd|rd|th|d)?\.?)(?:\sday)?[\s,./-]{{1,2}}{OF}"
        rf"(?:{SPOKEN_DAY}|{ANY_MONTH}|{DAY}(?:st|nd|rd|th))(?:\smonth)?"
        rf"[\s,./-]{{1,3}}(?:in\s|of\s|de\s|the\s)?(?:year\s)?(?:{_OLD}(?![0-9])|{_SAID_OLD}|{OLD_TENS}"
        rf"|'(?:[4-9][0-9]|0[0-9])(?![0-9]))",
        rf"(?<![a-z0-9])(?:the\s)?(?:{SPOKEN_DAY}|{DAY}(?:st|nd|rd|th))(?:\sday)?\sof\s(?:the\s)?(?:0?[1-9]|1[0-2])"
        rf"[\s,./-]{{1,3}}(?:{_OLD}(?![0-9])|{_SAID_OLD})",
        rf"(?<![a-z]){ANY_MONTH}[\s,./-]{{1,3}}(?:the\s)?(?:{SPOKEN_DAY}|{DAY}(?:st|nd|rd|th)?)"
        rf"[\s,./-]{{1,3}}(?:{_OLD}(?![0-9])|{_SAID_OLD}|{OLD_TENS})",
        # "1st o the 2nd 62": ordinals alone, with any two figures of long ago.
        rf"(?<![a-z0-9])(?:the\s)?(?:{SPOKEN_DAY}|{DAY}(?:st|nd|rd|th))[\s,]{{1,2}}{OF}(?:{SPOKEN_DAY}"
        rf"|{DAY}(?:st|nd|rd|th))"
        rf"[\s,]{{1,3}}[4-9][0-9](?![0-9])",
        rf"(?<![a-z]){ANY_MONTH}[\s,]{{1,2}}{_OLD}[\s,]{{1,3}}(?:on\s)?(?:the\s)?(?:{SPOKEN_DAY}|{DAY}(?:st|nd|rd|th))",
        rf"(?<![0-9]){_OLD}[\s,./-]{{1,3}}{ANY_MONTH}[\s,./-]{{1,3}}{DAY}(?:st|nd|rd|th)?(?![0-9:])",
        # Part by part: "day 9, month 11, year 1999".
        r"(?<![a-z])day\W{1,3}(?:is\s)?[0-9]{1,2}\W{1,3}(?:the\s)?month\W{1,3}(?:is\s)?[a-z0-9]{1,9}\W{1,3}(?:the\s)?year\W{1,3}"
        r"(?:is\s)?[0-9]{2,4}",
        # "4thmay98", "12-apr-12", "3 may 07": two figures that are no hour and no day to come.
        rf"{NO_DIGIT_BEFORE}{DAY}(?:st|nd|rd|th)?{MONTH}'?(?:{_OLD}|[4-9][0-9]|0[0-9]|1[0-5])(?![0-9:])",
        rf"{NO_DIGIT_BEFORE}{DAY}(?:st|nd|rd|th)?[./-]{ANY_MONTH}[./-](?:0[0-9]|1[0-5])(?![0-9:])",
        rf"{NO_DIGIT_BEFORE}{DAY}\s?(?:st|nd|rd|th)?\s{OF}{ANY_MONTH}\s0[0-9](?![0-9]|[:.][0-9]|\s?(?:am|pm|h))",
        # Between the parts what else stands beside those keys.
        rf"(?<![0-9,_|*]){DAY}([,_|*])(?:0?[1-9]|1[0-2])\1{_OLD}(?![0-9])",
        rf"(?<![0-9]){_OLD}[\s,./-]{{1,3}}{DAY}(?:st|nd|rd|th)?[\s,./-]{{1,2}}{OF}{ANY_MONTH}",
    )
)
# "7 maja 1985", "12 de abril de 1985": a month no list here knows.
_FOREIGN_MONTH = re.compile(
    rf"{NO_DIGIT_BEFORE}{DAY}(?:st|nd|rd|th)?[\s.-]{{1,2}}(?:(?:of|o'?|de"
    rf"|di)\s)?([a-z]{{3,12}})[\s.,-]{{1,2}}(?:del?\s)?"
    r"(?:19[3-9][0-9]|200[0-9]|201[0-5])(?![0-9])"
)
_WEEKDAY_BEFORE = re.compile(
    r"(?:mon|tues?|wed(?:nes)?|thur?s?|fri|sat(?:ur)?|sun)(?:day)?[\s,]{1,2}(?:the\s)?$"
)
_YEAR_BABY = re.compile(r"(?<![a-z0-9])'?[4-9][0-9](?=\s(?:baby|kid|er)(?![a-z]))")
# What only means a date behind "born": six or eight figures in a row, two-figure parts, a year alone.
_BORN_SHAPES = re.compile(
    rf"{DAY}[\s./\\-]{{1,3}}(?:0?[1-9]|1[0-2])[\s./\\-]{{1,3}}{ANY_YEAR}(?![0-9])"
    # A month in another language, or one no list would know.
    rf"|{DAY}[\s.-]{{1,3}}[a-z]{{3,12}}[\s.,-]{{1,3}}{YEAR}(?![0-9])"
    rf"|(?<![0-9])[0-9]{{4}}[\s./-]{{1,3}}{YEAR}(?![0-9])"
    rf"|(?<![0-9]){YEAR}(?![0-9])|(?<![0-9])[0-9]{{6,8}}(?![0-9])"
    rf"|{MONTH}\s'?[0-9]{{2}}(?![0-9])"
    # "fourth of the sixth eighty two", "the 4th of the 6th, 1982", "22 octobr 90".
    rf"|(?:the\s)?(?:{SPOKEN_DAY}|{DAY}(?:st|nd|rd|th)?)[\s,]{{1,2}}(?:of\s)?(?:the\s)?"
    rf"(?:{SPOKEN_DAY}|(?:0?[1-9]|1[0-2])(?:st|nd|rd|th)|[a-z]{{3,10}})[\s,.]{{1,3}}(?:of\s|in\s)?"
    rf"(?:{SPOKEN_YEAR}|{SPOKEN_TENS}|{ANY_YEAR}(?![0-9]))"
    # "twelve four eighty-five", "12 4 nineteen eighty five", "12 de abril de 1985".
    rf"|{CARDINAL}[\s,-]{{1,3}}{CARDINAL}[\s,-]{{1,3}}(?:{SPOKEN_YEAR}|{SPOKEN_TENS}|{YEAR}(?![0-9])"
    rf"|[0-9]{{2}}(?![0-9]))"
    rf"|{DAY}\sde\s[a-z]{{3,12}}(?:\sdel?)?\s{YEAR}(?![0-9])|{DAY}(?:st|nd|rd|th)?\s?{OF}{ANY_MONTH}"
    rf"|(?<=in\s)(?:nineteen\s)?{SPOKEN_TENS}|(?:(?<=in\s)|(?<=of\s))'?[3-9][0-9](?![0-9])"
    rf"|{NO_DIGIT_BEFORE}{DAY}[./-](?:0?[1-9]|1[0-2])(?![0-9]|[./-][0-9])"
    rf"|(?:on\s)?{_FEAST}(?:[\s,]{{1,2}}(?:in\s)?(?:{SPOKEN_YEAR}|{ANY_YEAR}))?(?![a-z0-9])"
    rf"|(?<![0-9])'[0-9]{{2}}(?![0-9])|(?<![a-z]){SPOKEN_YEAR}"
)
# What may stand between two birth dates of one sentence: "Her DOB is ..., mine ...".
_SECOND = re.compile(
    r"[\s,.;&(/-]{0,4}(?:(?:and|on|the|in|or|mine|his|hers|her|my|is|was|wife|husband|son|daughter"
    r"|brother|sister|mum|dad|twin|adn|n|a|"
    r"one|other|both|partner|born|it|maybe|possibly|no|sorry)(?:'?s)?[\s,.;:&(/-]{1,3}){0,6}"
)
_DAY_ALONE = re.compile(rf"(?:the\s)?(?:{DAY}(?:st|nd|rd|th)|{SPOKEN_DAY})(?![a-z0-9])")
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


def find_birth_dates(view: View, plain_words: Container[str]) -> list[Found]:
    """Full dates with a year from 1900 to 2015, a child's of any year, and any date beside "born" or "birthday"."""
    lower = _MISTYPED.sub(_read_figures, view.lower)
    spans = [
        found.span()
        for pattern in (*DATES[:5], DATES[6], SPOKEN_DATE)
        for found in pattern.finditer(lower)
        if _OLD_YEAR.search(found.group())
        or _SPOKEN_OLD_YEAR.search(found.group())
        or _OLD_SHORT_YEAR.search(found.group())
    ]
    spans = [span for span in spans if _has_day(lower[slice(*span)])]
    spans += [found.span() for pattern in (*_TOLD_OLD, _YEAR_BABY) for found in pattern.finditer(lower)]
    spans += [found.span() for found in _FOREIGN_MONTH.finditer(lower) if found[1] not in plain_words]
    for cue in _BORN.finditer(lower):
        spans.extend(_find_beside(lower, cue))
    spans.extend(find_child_dates(view, plain_words))
    return [Found(_with_weekday(lower, start), end, MaskKind.BIRTH_DATE, Layer.SHAPE) for start, end in spans]


def _find_beside(lower: str, cue: re.Match[str]) -> Iterator[tuple[int, int]]:
    """The dates behind a word that says it is of a birth, or the one before it."""
    found = _find_nearest(lower, cue.end(), cue.end() + _REACH)
    begins = max(0, cue.start() - _REACH)
    if (found is None or _WHO_WAS.search(lower, begins, cue.start())) and (
        before := _find_last(lower, begins, cue.start())
    ):
        yield before
    for _ in range(_MOST_TOGETHER):
        if found is None:
            return
        yield found
        gap = _SECOND.match(lower, found[1])
        following = _find_nearest(lower, gap.end(), gap.end() + _REACH) if gap else None
        if gap and following is None and (day := _DAY_ALONE.match(lower, gap.end())):
            following = day.span()
        found = following if following and gap and following[0] <= gap.end() else None


def _with_weekday(lower: str, start: int) -> int:
    found = _WEEKDAY_BEFORE.search(lower, max(0, start - 16), start)
    return found.start() if found and not lower[found.start() - 1 : found.start()].isalpha() else start


def _read_figures(found: re.Match[str]) -> str:
    """The date with figures for letters, as long as it was; what has too few figures stays."""
    written = found.group()
    return written.translate(_LOOK_ALIKE) if sum(map(str.isdigit, written)) > 3 else written


def _find_nearest(lower: str, start: int, until: int) -> tuple[int, int] | None:
    nearest: tuple[int, int] | None = None
    for pattern in (*DATES, SPOKEN_DATE, _BORN_SHAPES):
        found = pattern.search(lower, start, min(until, len(lower)))
        if found and (nearest is None or (found.start(), -found.end()) < (nearest[0], -nearest[1])):
            nearest = found.span()
    return nearest


def _find_last(lower: str, start: int, until: int) -> tuple[int, int] | None:
    """The date that ends right before "is my birthday", with at most a few words between."""
    spans = [
        found.span()
        for pattern in (*DATES[:5], SPOKEN_DATE, _FEAST_DATE, _CARDINAL_DATE, _YEAR_ALONE)
        for found in pattern.finditer(lower, start, until)
        if _BETWEEN.fullmatch(lower, found.end(), until)
    ]
    return max(spans, key=lambda span: (span[1], span[1] - span[0])) if spans else None


def _has_day(date: str) -> bool:
    """A month and a year alone say when something was, not who somebody is."""
    figures = re.findall(r"[0-9]{1,4}", date)
    return len(figures) > 1 or bool(re.search(SPOKEN_DAY, date))
