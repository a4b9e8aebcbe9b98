"""Figures in a row, whoever they belong to: phones, accounts, codes of letters and figures; and what each may be.

Every quantifier is bounded. Dates, times and sums are no numbers here.
"""

import re
from collections.abc import Iterable, Iterator

from casework.model.crime_references import FORMATS
from casework.model.masking import Layer, MaskKind
from casework.model.masking.views import Found, View

# How far before a value the word that says what it is may stand, in characters.
_REACH = 36
FEWEST_DIGITS = 6
FEWEST_OF_A_PHONE = 10

_RUN = re.compile(r"(?:\+|(?<![0-9a-z])\()?[0-9](?:[\s.()/_*-]{0,3}[0-9]){5,25}")
# Commas between the groups are mostly those of a list: only what comes to a known number is one.
_COMMA_RUN = re.compile(r"(?<![0-9])[0-9]{1,5}(?:[\s,./-]{1,3}[0-9]{1,5}){1,6}(?![0-9])")
# Letters and figures without a gap, most of them figures: a parcel, a policy, a passport.
_CODE = re.compile(r"(?<![a-z0-9])(?=[a-z0-9]{0,20}[0-9]{4})(?=[0-9]{0,20}[a-z])[a-z0-9]{7,24}(?![a-z0-9])")
# ISO 13616: two letters, two check figures, up to thirty characters in groups of four.
_IBAN = re.compile(
    r"(?<![a-z0-9])[a-z]{2}[0-9]{2}(?:[\s-]?[a-z0-9]{4}){3,7}(?:[\s-]?[a-z0-9]{1,3})?(?![a-z0-9])"
)
# The beginning of a phone number, and what else of it may be told a few words later.
_BEGUN = re.compile(
    r"(?<![0-9a-z])(?:\+?44\s?7[0-9]{3}|0[0-9oO]{3,4})(?![0-9])(?![\s.-]{1,3}[0-9]{3})(?![\s./-]{0,2}[0-9]{1,2}[\s./-])"
)
_CONTINUED = re.compile(
    r"[^0-9!?\n]{1,34}?(?<![0-9a-z])([0-9][0-9o]{1,6}|(?:one|two|three|four|five|six|seven|eight|nine|zero|oh"
    r"|double|treble)(?:[\s-](?:one|two|three|four|five|six|seven|eight|nine|zero|oh|hundred|double"
    r"|treble)){1,8})(?![0-9a-z:%])"
)
_ONE_OF_THEM = re.compile(
    r"zero|nought|oh|one|two|three|four|five|six|seven|eight|nine|double|treble|triple|hundred"
)
# "zerosevenseven...": said without a breath.
_WORDS_IN_ONE = re.compile(rf"(?<![a-z0-9])(?:{_ONE_OF_THEM.pattern}){{4,30}}(?![a-z])")
# "07700 900123 or 124", "... 132, sorry, 123 at the end": the end of a phone told again.
_TOLD_AGAIN = re.compile(
    r"[\s,.;(/-]{1,3}(?:(?:or|no|not|sorry|i|mean|meant|wait|oops|its|it's|is|the|last|digits?|bit|part|three"
    r"|four|ends?|ending|in"
    r"|should|be|say|actually|and|another|also|one)[\s,]{1,2}){1,6}([0-9]{2,4})(?![0-9a-z:%]"
    r"|[.,/-][0-9])(?!\s[a-z]{2,6}s(?![a-z]))"
    r"(?!\s?(?:am|pm|min|hour|day|week|month|year|pound|quid|o'?clock|people|men|of|to|in the))"
)
_MOST_PIECES = 6
_DIGITS_OF_A_PHONE = (10, 12)
_IBAN_CUE = re.compile(r"(?<![a-z])i\s?ban(?![a-z])")
_CONTIGUOUS = re.compile(r"[0-9]{6,26}")
_BROKEN_BY = "\x00"
_PHONE = re.compile(r"(?:00)?44[0-9]{9,11}|0[1-37-9][0-9]{8,9}|07[0-9]{7,10}|7[0-9]{9}")
_NHS_CUE = re.compile(r"(?<![a-z])nhs(?![a-z])")
_ACCOUNT_CUE = re.compile(
    r"(?<![a-z])(?:sort\s?code|sc|account|acc(?:t|ount)?|a/c|card|bank|iban|debit|credit|cvv|visa|mastercard)(?![a-z])"
)


def find_numbers(view: View, broken: str) -> Iterator[Found]:
    """Six digits and more, however spaced, but for dates, times and sums; whole in a row whatever they look like.

    `broken`: the view's small letters without its dates, times and sums (`break_at`).
    """
    lower = view.lower
    for found in _CODE.finditer(lower):
        if sum(map(str.isdigit, found.group())) >= FEWEST_DIGITS:
            yield shape(found.span(), MaskKind.NUMBER)
    for found in _IBAN.finditer(lower):
        written = view.text[found.start() : found.end()]
        is_said = stands_before(_IBAN_CUE, lower, found.start())
        if sum(map(str.isdigit, written)) >= FEWEST_DIGITS + 2 and (is_said or written.isupper()):
            yield shape(found.span(), MaskKind.ACCOUNT)
    for found in _WORDS_IN_ONE.finditer(lower):
        if sum(1 for _ in _ONE_OF_THEM.finditer(found.group())) >= FEWEST_DIGITS:
            yield shape(found.span(), MaskKind.NUMBER)
    yield from find_split_phones(lower)
    for found in _CONTIGUOUS.finditer(lower):
        if not lower[max(0, found.start() - 2) : found.start()].rstrip().endswith(("£", "$", "€")):
            yield shape(found.span(), _name_number(lower, found))
    for found in _RUN.finditer(broken):
        if _is_number(lower, found):
            kind = _name_number(lower, found)
            yield shape(found.span(), kind)
            if kind is MaskKind.PHONE and (again := _TOLD_AGAIN.match(lower, found.end())):
                yield shape(again.span(1), kind)
    for found in _COMMA_RUN.finditer(broken):
        digits = re.sub(r"[^0-9]", "", found.group())
        kind = name_digits(digits)
        if kind in (MaskKind.PHONE, MaskKind.REFERENCE) and len(digits) >= FEWEST_OF_A_PHONE:
            yield shape(found.span(), kind)


def find_split_phones(lower: str) -> Iterator[Found]:
    """A number told in pieces with words between: "07700 and then 900 followed by 123"."""
    for begun in _BEGUN.finditer(lower):
        digits, end = _count_digits(begun.group()), begun.end()
        for _ in range(_MOST_PIECES):
            more = _CONTINUED.match(lower, end)
            if more is None or digits + _count_digits(more[1]) > _DIGITS_OF_A_PHONE[1]:
                break
            digits, end = digits + _count_digits(more[1]), more.end()
            if digits >= _DIGITS_OF_A_PHONE[1] - 1:
                break
        if digits >= _DIGITS_OF_A_PHONE[0]:
            yield shape((begun.start(), end), MaskKind.PHONE)


def _count_digits(written: str) -> int:
    """How many figures it comes to, said or written."""
    count = times = 0
    for word in re.findall(r"[a-z]+|[0-9o]+", written):
        if word in ("double", "treble"):
            times = 2 if word == "double" else 3
        elif word == "hundred":
            count += 2
        else:
            count += (len(word) if word[0].isdigit() else 1) * max(times, 1)
            times = 0
    return count


def name_digits(digits: str) -> MaskKind:
    """What so many digits in a row may be."""
    if any(form.pattern.fullmatch(digits) for form in FORMATS):
        return MaskKind.REFERENCE
    if _PHONE.fullmatch(digits):
        return MaskKind.PHONE
    if len(digits) == 10 and is_nhs_number(digits):
        return MaskKind.NHS
    return MaskKind.ACCOUNT if len(digits) in (8, 14, 15, 16) else MaskKind.NUMBER


def is_nhs_number(digits: str) -> bool:
    """Ten digits whose last is the check digit (modulus 11) of the others. NHS Data Dictionary, NHS NUMBER."""
    total = sum(int(digit) * weight for digit, weight in zip(digits[:9], range(10, 1, -1), strict=True))
    check = 11 - total % 11
    return check != 10 and int(digits[9]) == check % 11


def _is_number(lower: str, found: re.Match[str]) -> bool:
    groups = re.findall(r"[0-9]+", found.group())
    if max(map(len, groups)) > 2 or "-" in found.group() or "." in found.group():
        return True
    # Small numbers one after another may be ages or a list: more than three, or a word that says what they are.
    return len(groups) > 3 or stands_before(_ACCOUNT_CUE, lower, found.start())


def _name_number(lower: str, found: re.Match[str]) -> MaskKind:
    digits = re.sub(r"[^0-9]", "", found.group())
    if stands_before(_NHS_CUE, lower, found.start()):
        return MaskKind.NHS
    if stands_before(_ACCOUNT_CUE, lower, found.start()):
        return MaskKind.ACCOUNT
    return name_digits(digits)


def break_at(lower: str, spans: Iterable[tuple[int, int]]) -> str:
    """The text as long as it was, with a character in those spans that no number holds."""
    characters = list(lower)
    for start, end in spans:
        characters[start:end] = _BROKEN_BY * (end - start)
    return "".join(characters)


def shape(span: tuple[int, int], kind: MaskKind) -> Found:
    """A find of the second layer."""
    return Found(*span, kind, Layer.SHAPE)


def stands_before(cue: re.Pattern[str], lower: str, place: int, reach: int = _REACH) -> bool:
    """Whether a word that says what it is stands at most `reach` characters before `place`."""
    return cue.search(lower, max(0, place - reach), place) is not None
