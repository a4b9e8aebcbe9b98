"""A child's date of birth: a date of late years right beside the child, where nothing is told to have happened then."""

import re
from collections.abc import Container, Iterator

from casework.model.masking.calendar_words import DATES, SPOKEN_DATE
from casework.model.masking.views import View, words_of

_RECENT = re.compile(r"(?<![0-9])(?:20(?:1[6-9]|[2-4][0-9])|'?(?:1[6-9]|2[0-9]))$")
_LATE_YEAR = re.compile(r"(?:1[6-9]|[2-4][0-9])(?![0-9])")
_DAY_AND_MONTH = re.compile(r"[0-9]{1,2}(?:st|nd|rd|th)?[^0-9]{1,12}[0-9]|[a-z]{3,}[^0-9]{1,3}[0-9]{1,2}\W")
_CHILDREN = frozenset(
    words_of(
        "daughter daughters dau son sons kid kids child children childs childrens baby babies babby babys"
        " toddler newborn bairn"
        " bairns wean weans twin twins triplets grandson granddaughter grandaughter grandchild grandkid nephew"
        " niece youngest"
        " eldest oldest youngster stepson stepdaughter reception nursery preschool infant lo bub tot girl boy"
        " lad lass lassie"
        " toddlers grandkids grandchildren firstborn"
    )
)
# With one of these before, a girl, a boy or a lad is a child.
_SMALL = frozenset(words_of("little wee baby young small"))
_GROWN = frozenset(words_of("girl boy lad lass lassie"))
_CLASSES = frozenset(words_of("year yr primary grade"))
_AGED = frozenset(words_of("is's he's hes she's shes im i'm aged age is am only just nearly turned"))
_AGES = frozenset(
    words_of(
        "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    )
)
# May stand between the child and the date.
_BETWEEN = frozenset(
    words_of(
        "is are and n the a his her my our their both age aged dob name named called only just nearly years year"
        " yrs yr yo old"
        " months month mths class pupil one two too date of born at"
    )
)
_SECOND = re.compile(
    r"[\s,;&/(]{1,4}(?:(?:and|n|the|other|a|one|eldest|youngest|his|her|my|brother|sister"
    r"|[a-z]{2,12})[\s,(:-]{1,3}){0,3}"
)
_WORD = re.compile(r"[a-z']+|[0-9]+|[^\sa-z0-9']")
_REACH = 48


def find_child_dates(view: View, plain_words: Container[str]) -> Iterator[tuple[int, int]]:
    """Spans of the view. "My girl, Annabel, 19/01/2019": names, ages and commas alone may stand between."""
    if _LATE_YEAR.search(view.lower) is None:
        return
    last = 0
    for start, end in sorted(_list_recent(view.lower)):
        if start < last:
            continue
        is_next = bool(last) and _SECOND.fullmatch(view.lower, last, start) is not None
        if is_next or _is_of_a_child(view, start, plain_words):
            yield start, end
            last = end


def _list_recent(lower: str) -> Iterator[tuple[int, int]]:
    for pattern in (*DATES[:5], SPOKEN_DATE):
        for found in pattern.finditer(lower):
            if _RECENT.search(found.group()) and _DAY_AND_MONTH.match(found.group()):
                yield found.span()


def _is_of_a_child(view: View, start: int, plain_words: Container[str]) -> bool:
    """Whether the words right before, told backwards, are only what may stand there until a child is named."""
    words = list(_WORD.finditer(view.lower, max(0, start - _REACH), start))
    for place in range(len(words) - 1, -1, -1):
        word = words[place].group().replace("'", "")
        before = words[place - 1].group() if place else ""
        if word in _CHILDREN or (word.endswith("s") and word[:-1] in _CHILDREN):
            return word not in _GROWN or before in _SMALL or before in ("my", "our", "me", "ma", "a")
        # "our Callum (3/6/2017)": whoever is somebody's and told with a date.
        if word in ("our", "my") and place + 1 < len(words) and _is_name(view, words[place + 1], plain_words):
            return True
        if (word.isdigit() or word in _AGES) and (before in _CLASSES or before in _AGED):
            return not word.isdigit() or int(word) < 18
        if word in ".!?" or not (
            word in _BETWEEN
            or word.isdigit()
            or word in _AGES
            or word in ',:;()-"'
            or _is_name(view, words[place], plain_words)
        ):
            return False
    return False


def _is_name(view: View, word: re.Match[str], plain_words: Container[str]) -> bool:
    is_written_so = view.text[word.start()].isupper() and not view.is_shouted
    return word.group().isalpha() and (is_written_so or word.group() not in plain_words)
