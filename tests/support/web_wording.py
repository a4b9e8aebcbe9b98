"""The wording rules for the web's own words: each marked string of its templates, and each template as a whole."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from html import unescape
from pathlib import Path

from casework.services.support_directory import get_support_services
from channels.webchat.words import TEMPLATES, extract_words
from tests.support.reading_grade import grade, split_sentences
from tests.support.wording import (
    EMERGENCY,
    HARDEST_GRADE,
    LONGEST_PARAGRAPH,
    LONGEST_REVIEW,
    LONGEST_SENTENCE_WORDS,
    NEVER_SAID,
    PHONE,
    PROMISES,
    SAID_SAFELY,
    read_numbers,
)

TAG = re.compile(r"<[^>]+>")
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]")
POLICE = {"101"}
# A word for "find" or "send": a heading of three long words is not hard to read, a sentence of them is.
LEAST_WORDS_TO_GRADE = 20
# Besides 999, these are what a page must have read somewhere before it says them.
NEEDS_A_SOURCE = re.compile(r"\b(?:working days?|Victims' Code|18000|101)\b")
REVIEW_BY = re.compile(r"review_by:\s*([0-9-]+)")
SOURCE = re.compile(r"\{#-?\s*source:.*?review_by:.*?#\}", re.S)


@dataclass(frozen=True, kw_only=True)
class WebText:
    """One string (`name` its template) or, with `strings` > 1, all of a template, a line each."""

    name: str
    words: str
    strings: int = 1
    markup: str = ""  # the template itself, for the whole


def read_web_texts(templates: Path = TEMPLATES) -> list[WebText]:
    """Every marked string, then every template, as a reader sees them: without tags, with 3 in each gap."""
    by_template: dict[str, list[str]] = {}
    for message in extract_words(templates):
        for words in message.id if isinstance(message.id, (tuple, list)) else (message.id,):
            for place, _line in message.locations:
                by_template.setdefault(place, []).append(to_read(words))
    single = [WebText(name=name, words=words) for name, strings in by_template.items() for words in strings]
    whole = [
        WebText(
            name=name,
            words="\n".join(strings),
            strings=len(strings),
            markup=(templates / name).read_text(encoding="utf-8"),
        )
        for name, strings in by_template.items()
    ]
    return [*single, *whole]


def to_read(words: str) -> str:
    return unescape(PLACEHOLDER.sub("3", TAG.sub("", words))).replace("%%", "%")


def read_known_numbers() -> set[str]:
    """Numbers with a source: the safety lines', and every way the directory gives to reach a service."""
    ways = {way.shown for service in get_support_services() for way in service.ways}
    return read_numbers() | EMERGENCY | POLICE | ways


def _never_said(text: WebText) -> Iterator[str]:
    yield from (said[0] for said in NEVER_SAID.finditer(SAID_SAFELY.sub("", text.words)))


def _loud(text: WebText) -> Iterator[str]:
    yield from (text.words for _ in range("!" in text.words))


def _promises(text: WebText) -> Iterator[str]:
    yield from (said[0] for said in PROMISES.finditer(text.words))


def _strange_numbers(text: WebText) -> Iterator[str]:
    yield from sorted(set(PHONE.findall(text.words)) - read_known_numbers())


def _hard(text: WebText) -> Iterator[str]:
    words = sum(map(len, split_sentences(text.words)))
    if words >= LEAST_WORDS_TO_GRADE and (found := grade(text.words)) > HARDEST_GRADE:
        yield f"grade {found:.1f}: {text.words[:80]}"


def _long_winded(text: WebText) -> Iterator[str]:
    for sentence in split_sentences(text.words):
        if len(sentence) > LONGEST_SENTENCE_WORDS:
            yield " ".join(sentence)


def _too_long(text: WebText) -> Iterator[str]:
    if text.strings == 1 and any(len(part) > LONGEST_PARAGRAPH for part in text.words.split("\n\n")):
        yield text.words


def _unsourced(text: WebText) -> Iterator[str]:
    if text.markup and not SOURCE.search(text.markup):
        yield from NEEDS_A_SOURCE.findall(text.words)


WEB_RULES: dict[str, Callable[[WebText], Iterator[str]]] = {
    "word never said": _never_said,
    "exclamation mark": _loud,
    "promise": _promises,
    "telephone number without a source": _strange_numbers,
    "harder to read than age 11": _hard,
    "sentence too long": _long_winded,
    "too long": _too_long,
    "number, right or deadline without a source": _unsourced,
}


def find_web_faults(text: WebText) -> dict[str, list[str]]:
    """The rules that a text breaks, with the words that break them."""
    found = {rule: list(find(text)) for rule, find in WEB_RULES.items()}
    return {rule: words for rule, words in found.items() if words}


def find_past_review(markup: str, *, today: date) -> list[str]:
    """The review dates in a template that have passed, or are more than a year off."""
    dates = [date.fromisoformat(found) for found in REVIEW_BY.findall(markup)]
    return [day.isoformat() for day in dates if not today <= day <= today + LONGEST_REVIEW]
