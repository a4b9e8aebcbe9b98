"""The ages of children: the writer's own, or a child's they write about."""

import re
from collections.abc import Iterator
from re import Match

from bot.components.details.detail import GAP, LOOKED_BACK, UNIT, Detail, any_of

AGE = "age"
OLDEST_CHILD = 17

WORDS_FOR_NUMBERS = """
one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
"""
NUMBER_OF_WORD = {word: number for number, word in enumerate(WORDS_FOR_NUMBERS.split(), 1)}
AGE_NUMBER = rf"(?P<age>\d{{1,2}}|{any_of(NUMBER_OF_WORD)})"
CHILD = (
    r"(?:daughter|dauter|doughter|son|kid|child|children|kids|girl|boy|lad|brother|bro|sister|sis|nephew|niece|grandson"
    r"|grand ?daughter|grandchild|grandkids?|stepson|step ?daughter|cousin|toddler|twin|little one|youngest|eldest"
    r"|oldest|baby|bairn|wee one|lass|friend|mate)s?"
)
ONLY = r"(?:only|just|jus|still|now|a)"
YEARS_OLD = r"[\s\-]{0,2}(?:years?|yrs?|yr)[\s\-]{0,2}(?:olds?)\b|\s?y[/.]?o\b"
# What a bare number after "im" or "she is" must not be followed by.
NOT_AN_AGE = (
    rf"(?!\w)(?!{GAP}?{UNIT}(?<!years)(?<!year)(?<!yrs)(?<!yr))"
    rf"(?!{GAP}?(?:st|nd|rd|th|streets?|houses?|inch|centimet|cm\b|kg|metres?|blocks?|seconds?|secs?|stops?|in{GAP}a{GAP}row"
    rf"|down\b|away\b|late\b|weeks|mo\b|out{GAP}of))(?!\s?[:/.\-£]\s?\d)"
    rf"(?!{GAP}(?:years?|yrs?){GAP}(?:in|into|on|clean|sober|older|younger|ago|now|together|married|later)\b)"
)
WRITER_IS = re.compile(
    rf"(?<![\w'\u2019])(?:i['\u2019]?m|i{GAP}am|ime|iam){GAP}(?:{ONLY}{GAP}){{0,2}}{AGE_NUMBER}{NOT_AN_AGE}",
    re.I,
)
CHILD_IS = re.compile(
    rf"\b{CHILD}\b(?:{GAP}(?!is\b|are\b|aged?\b|who\b|only\b|just\b|was\b|were\b|had\b|has\b|and\b|with\b|on\b|in\b|at\b|for\b)[^\W\d_]{{2,12}})?"
    rf"(?:,?{GAP}(?:who{GAP})?(?:is|are|aged?|turned|who['\u2019]?s)|['\u2019]?s(?={GAP}(?:only|just|aged?|\d))|,|{GAP}?\()"
    rf"\s{{0,3}}(?:(?:{ONLY}|aged?){GAP}){{0,2}}{AGE_NUMBER}{NOT_AN_AGE}",
    re.I,
)
THEY_ARE = re.compile(
    rf"(?<!\w)(?:(?:s?he['\u2019]?s|s?he{GAP}is)|(?:they|theyre|they're)(?:{GAP}are)?){GAP}(?:{ONLY}{GAP}){{0,2}}(?P<age>\d{{1,2}}){NOT_AN_AGE}",
    re.I,
)
AGED = re.compile(
    rf"(?<!under )\bage[ds]?{GAP}(?:of{GAP}|just{GAP}|only{GAP}|is{GAP})?{AGE_NUMBER}(?!\w|[:/.\-]\d|{GAP}?%)",
    re.I,
)
YEAR_OLD = re.compile(
    rf"(?<![\w.,/\-£]){AGE_NUMBER}(?:{YEARS_OLD})(?!{GAP}(?:car|van|dog|cat|puppy|phone|mobile|laptop|bike|house|case"
    r"|conviction|crime|tv|motor|horse|whisky|boiler|building|matter|incident|offence|sofa)s?\b)",
    re.I,
)
ONE_MORE = re.compile(rf"\s?(?:,|&|\+|and\b|n\b){GAP}?(?:and{GAP})?{AGE_NUMBER}{NOT_AN_AGE}", re.I)
IN_THE_PAST = re.compile(
    r"\b(?:was|were|when|since)\s+(?:(?:i|she|he|we|they)\s+(?:was|were)\s+)?(?:only |just |about |a |an )?$",
    re.I,
)


def find_ages(text: str) -> Iterator[Detail]:
    """Ages from 0 to 17, in years: the writer's or a child's, now. "When I was 8" is somebody's past."""
    for pattern in (WRITER_IS, CHILD_IS, THEY_ARE, AGED, YEAR_OLD):
        for match in pattern.finditer(text):
            start = match.start("age")
            if IN_THE_PAST.search(text[max(0, start - LOOKED_BACK) : start]):
                continue
            yield from _as_age(match)
            if pattern in (CHILD_IS, AGED):
                yield from _more_ages(text, match.end())


def _more_ages(text: str, place: int) -> Iterator[Detail]:
    """The rest of "8, 6 and 4"."""
    match = ONE_MORE.match(text, place)
    while match:
        yield from _as_age(match)
        match = ONE_MORE.match(text, match.end())


def _as_age(match: "Match[str]") -> Iterator[Detail]:
    written = match["age"].lower()
    age = int(written) if written.isdecimal() else NUMBER_OF_WORD[written]
    if age <= OLDEST_CHILD:
        yield Detail(AGE, str(age), *match.span("age"))
