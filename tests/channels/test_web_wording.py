"""The words of the web's pages keep the rules of docs/wording.md, and each rule is shown words that break it."""

from datetime import UTC, date, datetime, timedelta

import pytest

from channels.webchat.words import TEMPLATES
from tests.support.web_wording import (
    WEB_RULES,
    WebText,
    find_past_review,
    find_web_faults,
    read_known_numbers,
    read_web_texts,
)

TEXTS = read_web_texts()
FILES = sorted(path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.*"))
TODAY = datetime.now(UTC).date()


@pytest.mark.parametrize("template", sorted({text.name for text in TEXTS}))
def test_the_words_of_a_template_keep_the_rules(template: str) -> None:
    faults = [find_web_faults(text) for text in TEXTS if text.name == template]
    assert [fault for fault in faults if fault] == []


@pytest.mark.parametrize("template", FILES)
def test_what_a_template_says_with_a_source_is_in_date(template: str) -> None:
    # Today is the real day: a page past its review date must not go on being shown.
    assert find_past_review((TEMPLATES / template).read_text(encoding="utf-8"), today=TODAY) == []


def test_ordinary_words_break_no_rule() -> None:
    assert (
        find_web_faults(WebText(name="x", words="You can stop at any time. Call 999 if you are in danger."))
        == {}
    )


BREAKING = [
    ("word never said", "Please type it again."),
    ("exclamation mark", "Thank you!"),
    ("promise", "An officer will call you."),
    ("telephone number without a source", "Text 0300 000 0000 or write here."),
    ("harder to read than age 11", "Notification obligations necessitate consideration of procedures. " * 5),
    ("sentence too long", "we see " * 13),
    ("too long", "We read it. " * 30),
    ("number, right or deadline without a source", "They tell you within 5 working days."),
]


@pytest.mark.parametrize(("rule", "words"), BREAKING)
def test_words_that_break_a_rule_are_caught(rule: str, words: str) -> None:
    assert rule in find_web_faults(WebText(name="x", words=words, markup="<p>no comment</p>"))


def test_every_rule_has_been_shown_words_that_break_it() -> None:
    assert {rule for rule, _ in BREAKING} == set(WEB_RULES)


def test_a_review_date_that_has_passed_or_is_too_far_off_is_caught() -> None:
    day = date(2026, 5, 1)
    near, far = day + timedelta(days=1), day + timedelta(days=400)
    markup = f"{{# source: a; review_by: 2026-04-30 #}} {{# review_by: {near} #}} {{# review_by: {far} #}}"
    assert find_past_review(markup, today=day) == ["2026-04-30", far.isoformat()]


def test_the_numbers_known_are_those_of_the_directory_and_the_safety_lines() -> None:
    assert {"999", "116 123"} <= read_known_numbers()
    assert "0300 000 0000" not in read_known_numbers()


def test_strings_and_whole_templates_are_read() -> None:
    assert {text.strings > 1 for text in TEXTS} == {True, False}
    assert {"layout.html", "chat/start.html"} <= {text.name for text in TEXTS}
