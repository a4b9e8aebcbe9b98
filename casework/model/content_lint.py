"""The rules for words a victim may receive, as far as a machine can check them. The page is docs/wording.md.

Pure: what is known elsewhere (the words of the release, the numbers that have a source, today) is given.
"""

import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from casework.model.reading_grade import grade, split_sentences
from casework.model.sms_segments import measure

# Read at age 11; up to the second grade a person is only told that it is hard.
HARDEST_GRADE = 6.0
REFUSED_GRADE = 8.0
LONGEST_SENTENCE_WORDS = 25
MOST_SEGMENTS = 2
LONGEST_PARAGRAPH = 280
MOST_PARAGRAPHS = 3
LONGEST_REVIEW = timedelta(days=366)
LONGEST_FORM = 1600
LONGEST_SOURCE = 300

NEVER_SAID = re.compile(
    r"\b(why|unfortunately|please|sorry|incident|alleged\w*|allegation\w*|claim\w*|oops|invalid|filed|undetected|nfa"
    r"|retract\w*|uncooperative|user|ticket|chatbot|forbidden|you should have|your fault|calm down|perpetrator)\b",
    re.I,
)
# In their plain meaning these are what the person needs to read.
SAID_SAFELY = re.compile(r"incident number|not your fault", re.I)
PROMISES = re.compile(
    r"\b(?:we|i|they|someone|police|officers?) will (?:call|ring|come|attend|visit|arrest|reply|find|keep|tell|help)\b"
    r"|\b(?:i|we) promise|guarantee|\bshortly\b|straight away|right away|keep you safe|\byou are safe\b"
    r"|\b(?:can ?not|can't|not allowed to) (?:contact|come near|reach|message) you\b",
    re.I,
)
WAITING = re.compile(r"\bwait(?:ing)?\b|\buntil the (?:trial|case|end)\b|\bafter the trial\b", re.I)
WAITING_SAFELY = re.compile(
    r"not (?:need|have) to wait|while you wait|waits in prison|\bwait(?:ing)? for you\b", re.I
)
PHONE = re.compile(
    r"\b(?:0\d[\d ]{6,}\d|1[0-8]\d{3} \d{3}|116 ?\d{3}|[5-9]\d{4}|1[015]\d|999|55)\b(?! (?:working|days))"
)
EMERGENCY = frozenset({"999", "55"})
ANOTHER_WAY = re.compile(
    r"\b(?:text \d|write|online|website|chat|email|app|person|police force's website)\b|\.uk", re.I
)

GAP = re.compile(r"\{([a-z_]+)\}")
# What a page leaves out because it says the day beside the words.
LEAD = re.compile(r"[^{}]*\{recorded_on\}: ")
WEB, SMS = "web", "sms"


class Rule(StrEnum):
    """What words may break; the values are what the sentences about them are called by."""

    UNKNOWN_GAP = "unknown_gap"
    BRACES = "braces"
    LOST_LEAD = "lost_lead"
    EMPTY = "empty"
    OTHER_FORMS = "other_forms"
    LOST_EMERGENCY = "lost_emergency"
    NEVER_SAID = "never_said"
    LOUD = "loud"
    PROMISE = "promise"
    WAITING = "waiting"
    HALF_A_DEADLINE = "half_a_deadline"
    TOO_LONG = "too_long"
    OTHER_LETTERS = "other_letters"
    TOO_HARD = "too_hard"
    NO_SOURCE = "no_source"
    REVIEW = "review"
    NO_NUMBER = "no_number"
    OLD_NUMBER = "old_number"
    COST = "cost"
    # A person may decide otherwise.
    HARD = "hard"
    LONG_SENTENCE = "long_sentence"
    CALL_ALONE = "call_alone"
    STRANGE_NUMBER = "strange_number"
    LOST_GAP = "lost_gap"


WARNINGS = frozenset({Rule.HARD, Rule.LONG_SENTENCE, Rule.CALL_ALONE, Rule.STRANGE_NUMBER, Rule.LOST_GAP})


@dataclass(frozen=True, kw_only=True)
class LintFinding:
    """A rule that one form of the text breaks, and the words that break it. `form` is "" for the whole."""

    rule: Rule
    form: str = ""
    said: str = ""

    @property
    def is_refused(self) -> bool:
        return self.rule not in WARNINGS


@dataclass(frozen=True, kw_only=True)
class LintedText:
    """What is checked: `forms` as they would be published, beside those of the release.

    `longest` and `usual`: what its gaps may be filled with. `choices`: its buttons as SMS writes them out, or "".
    """

    forms: Mapping[str, str]
    base: Mapping[str, str]
    source: str
    review_by: date | None
    longest: Mapping[str, str] = field(default_factory=dict)
    usual: Mapping[str, str] = field(default_factory=dict)
    choices: str = ""


def fill(words: str, values: Mapping[str, str]) -> str:
    """The words with every gap filled. Raises KeyError for a gap without a value."""
    return GAP.sub(lambda gap: values[gap[1]], words)


def find_gaps(words: str) -> frozenset[str]:
    return frozenset(GAP.findall(words))


def lint(text: LintedText, *, today: date, known_numbers: AbstractSet[str]) -> tuple[LintFinding, ...]:
    """Everything wrong with it, what is refused first. `known_numbers`: telephone numbers that have a source."""
    found = [*_lint_whole(text, today)]
    if set(text.forms) == set(text.base):
        for form in text.forms:
            found += _lint_form(text, form, known_numbers)
    return tuple(sorted(found, key=lambda each: not each.is_refused))


def _lint_whole(text: LintedText, today: date) -> Iterator[LintFinding]:
    if set(text.forms) != set(text.base):
        yield LintFinding(rule=Rule.OTHER_FORMS)
    if not text.source.strip() or len(text.source) > LONGEST_SOURCE:
        yield LintFinding(rule=Rule.NO_SOURCE)
    yield from find_review_fault(text.review_by, today)


def find_review_fault(review_by: date | None, today: date) -> Iterator[LintFinding]:
    if review_by is None or not today <= review_by <= today + LONGEST_REVIEW:
        yield LintFinding(rule=Rule.REVIEW, said="" if review_by is None else review_by.isoformat())


def _lint_form(text: LintedText, form: str, known_numbers: AbstractSet[str]) -> Iterator[LintFinding]:
    words, base = text.forms[form], text.base[form]
    structure = list(_lint_gaps(words, base))
    # What cannot be filled cannot be measured either.
    rules = structure or [*_lint_words(words, base, known_numbers), *_lint_size(text, form)]
    yield from (LintFinding(rule=rule, form=form, said=said) for rule, said in rules)


def _lint_gaps(words: str, base: str) -> Iterator[tuple[Rule, str]]:
    if not split_sentences(words):
        yield Rule.EMPTY, ""
        return
    if "{" in GAP.sub("", words) or "}" in GAP.sub("", words):
        yield Rule.BRACES, ""
    for gap in sorted(find_gaps(words) - find_gaps(base)):
        yield Rule.UNKNOWN_GAP, f"{{{gap}}}"
    lead = LEAD.match(base)
    if lead is not None and not words.startswith(lead[0]):
        yield Rule.LOST_LEAD, lead[0]


def _lint_words(words: str, base: str, known_numbers: AbstractSet[str]) -> Iterator[tuple[Rule, str]]:
    yield from _lint_manners(words)
    if "5 working days" in words and not re.search(r"enhanced|1 working day", words):
        yield Rule.HALF_A_DEADLINE, "5 working days"
    # Who reads it may be in danger: the number stays wherever it was.
    numbers = set(PHONE.findall(words))
    yield from (
        (Rule.LOST_EMERGENCY, number) for number in sorted(EMERGENCY & set(PHONE.findall(base)) - numbers)
    )
    yield from ((Rule.STRANGE_NUMBER, number) for number in sorted(numbers - known_numbers - EMERGENCY))
    if numbers - EMERGENCY and ANOTHER_WAY.search(words) is None:
        yield Rule.CALL_ALONE, ", ".join(sorted(numbers - EMERGENCY))
    for gap in sorted(find_gaps(base) - find_gaps(words)):
        yield Rule.LOST_GAP, f"{{{gap}}}"


def _lint_manners(words: str) -> Iterator[tuple[Rule, str]]:
    yield from ((Rule.NEVER_SAID, said[0]) for said in NEVER_SAID.finditer(SAID_SAFELY.sub("", words)))
    yield from ((Rule.PROMISE, said[0]) for said in PROMISES.finditer(words))
    yield from ((Rule.WAITING, said[0]) for said in WAITING.finditer(WAITING_SAFELY.sub("", words)))
    if "!" in words:
        yield Rule.LOUD, "!"


def _lint_size(text: LintedText, form: str) -> Iterator[tuple[Rule, str]]:
    words = text.forms[form]
    longest, usual = fill(words, text.longest), fill(words, text.usual)
    if len(words) > LONGEST_FORM:
        yield Rule.TOO_LONG, str(len(words))
        return
    # Without a short form of its own SMS gets the full one.
    if form == SMS or SMS not in text.forms:
        yield from _lint_sms("\n".join(part for part in (longest, text.choices) if part))
    if form != SMS:
        paragraphs = longest.split("\n\n")
        if len(paragraphs) > MOST_PARAGRAPHS or max(map(len, paragraphs)) > LONGEST_PARAGRAPH:
            yield Rule.TOO_LONG, str(max(map(len, paragraphs)))
    if (found := grade(usual)) > HARDEST_GRADE:
        yield (Rule.TOO_HARD if found > REFUSED_GRADE else Rule.HARD), f"{found:.1f}"
    for sentence in split_sentences(usual):
        if len(sentence) > LONGEST_SENTENCE_WORDS:
            yield Rule.LONG_SENTENCE, " ".join(sentence)


def _lint_sms(words: str) -> Iterator[tuple[Rule, str]]:
    size = measure(words)
    if size.costly:
        yield Rule.OTHER_LETTERS, " ".join(size.costly)
    if size.segments > MOST_SEGMENTS:
        yield Rule.TOO_LONG, str(size.segments)


# --- an entry of the directory ---

LONGEST_FIELD = {"phone": 40, "hours": 80, "for_whom": 120, "reach": 280, "cost": 4}
MAY_BE_EMPTY = frozenset({"hours", "cost"})
COSTS = ("", "free")


def find_number(shown: str) -> str:
    """The digits to dial, of a number as people read it: "111, then option 2" is 111."""
    return re.sub(r"\D", "", shown.partition(",")[0])


def lint_entry(text: LintedText, *, today: date) -> tuple[LintFinding, ...]:
    """As `lint`, for an entry of the directory, whose forms are its fields."""
    found = [*_lint_whole(text, today)]
    if set(text.forms) == set(text.base):
        for field_name, words in text.forms.items():
            rules = _lint_field(field_name, words)
            found += [LintFinding(rule=rule, form=field_name, said=said) for rule, said in rules]
        found += _lint_number(text)
    return tuple(sorted(found, key=lambda each: not each.is_refused))


def _lint_field(name: str, words: str) -> Iterator[tuple[Rule, str]]:
    if not words.strip() and name not in MAY_BE_EMPTY:
        yield Rule.EMPTY, ""
    if "{" in words or "}" in words:
        yield Rule.BRACES, ""
    if name == "cost" and words not in COSTS:
        yield Rule.COST, words
    if len(words) > LONGEST_FIELD[name] or "\n" in words:
        yield Rule.TOO_LONG, str(len(words))
    if costly := measure(words).costly:
        yield Rule.OTHER_LETTERS, " ".join(costly)
    yield from _lint_manners(words)


def _lint_number(text: LintedText) -> Iterator[LintFinding]:
    was, number = text.base["phone"], text.forms["phone"]
    if not find_number(number):
        yield LintFinding(rule=Rule.NO_NUMBER, form="phone", said=number)
    elif find_number(number) != find_number(was):
        yield LintFinding(rule=Rule.STRANGE_NUMBER, form="phone", said=number)
        if find_number(was) in re.sub(r"[^\w]", "", text.forms["reach"]):
            yield LintFinding(rule=Rule.OLD_NUMBER, form="reach", said=was)
